"""More rows than one export may have: what each depth holds, and how to split it into exports that share no row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .client import Client
from .errors import Rejected
from .forecast import Preflight, count
from .queries import CAP, Json, Project, Query, cost
from .shelf import Shelf

_DEPTHS = 2000  # rows of the answer that lists depths or segments


@dataclass(frozen=True)
class Band:
    """The pages of one depth (None: without one, like orphans): their number, the query's rows from them, and the rows
    of this and all smaller depths together."""

    depth: int | None
    pages: int
    rows: int
    cumulative: int


@dataclass(frozen=True)
class Part:
    """One of several exports: its query, its counted rows, and what it holds in words."""

    query: Query
    rows: int
    label: str
    on_disk: bool = False

    @property
    def credits(self) -> float:
        """What it costs; nothing where it is on disk."""
        return 0.0 if self.on_disk else cost(self.query, self.rows)


async def bands(client: Client, query: Query) -> list[Band]:
    """The histogram of a query by depth: small depths first, pages without one last. Every band is counted exactly.

    One request for the depths and one for each of them; no credits. Rejected for a query without a crawl.
    """
    field = _depth_field(query)
    pages = f"{query.crawls[0]}.count_urls_crawl"
    answer = await client.query(query.asking([field], [pages]), size=_DEPTHS)
    found: dict[int | None, int] = {}
    for depth, number in answer.rows:
        key = int(depth) if isinstance(depth, int | float) else None
        found[key] = found.get(key, 0) + int(number or 0)
    depths = sorted(found, key=lambda depth: (depth is None, depth or 0))
    rows = await asyncio.gather(*(_rows(client, query.where(_at_depth(field, depth))) for depth in depths))
    total, result = 0, []
    for depth, number in zip(depths, rows, strict=True):
        total += number
        result.append(Band(depth, found[depth], number, total))
    return result


def fits(found: Sequence[Band], cap: int = CAP) -> int | None:
    """The largest depth up to which all rows fit into one export; None when not even the first does."""
    depths = [band.depth for band in found if band.depth is not None and band.cumulative <= cap]
    return depths[-1] if depths else None


async def divided(client: Client, found: Preflight, shelf: Shelf) -> Preflight:
    """What a preflight found to be over its cap, with `bands`, and `parts` where it can be made in several exports.

    `credits` are then those of all rows but of parts that are on the shelf, and `needed` has room for the parts and for
    all of them joined. `indivisible` says why there are no parts. Costs nothing.
    """
    query, rows = found.query, found.counted.rows or 0
    histogram, parts, indivisible = await bands(client, query), list[Part](), ""
    try:
        segment = await page_type(client, query.project)
        parts = await split(client, query, histogram, found.cap, segment=segment)
    except Rejected as error:
        indivisible = str(error)
    parts = await asyncio.to_thread(lambda: [_looked_for(part, shelf, client.base_url) for part in parts])
    needed = 2 * found.needed * rows // found.cap
    problems = list(found.problems)
    if needed > found.free:
        problems.append("There is not enough room on the disk for all parts: use a smaller depth.")
    credits = round(sum(part.credits for part in parts), 1) if parts else cost(query, rows)
    return replace(
        found, bands=histogram, parts=parts, indivisible=indivisible, credits=credits, needed=needed, problems=problems
    )


def _looked_for(part: Part, shelf: Shelf, api: str) -> Part:
    is_here = any(export.has(part.rows) for export in shelf.find(part.query, api))
    return replace(part, label=f"{part.label}, on disk", on_disk=True) if is_here else part


async def page_type(client: Client, project: Project) -> str:
    """The segment by which a depth that is too large by itself is split; "" where the project has none."""
    if "global" not in [collection.id for collection in await client.collections(project)]:
        return ""
    names = [field.full for field in await client.fields(project, "global") if not field.multiple]
    return next((name for name in names if name.startswith("segments.") and "pagetype" in name), "")


async def split(
    client: Client, query: Query, found: Sequence[Band], cap: int = CAP, *, segment: str = ""
) -> list[Part]:
    """Exports that together have every row of the query once, each within the cap: ranges of depth, as few as may be.

    A depth that is over the cap by itself is split further by the values of `segment`, a field with one value a page
    (`segments.pagetype.value`). Rejected when that is not enough, or when the parts do not add up to the whole.
    """
    field = _depth_field(query)
    parts: list[Part] = []
    group: list[Band] = []

    def close() -> None:
        if group:
            parts.append(_depths(query, field, group))
            group.clear()

    for band in found:
        if band.rows > cap:
            close()
            parts += await _by_segment(client, query.where(_at_depth(field, band.depth)), band, cap, segment)
            continue
        with_band = sum(member.rows for member in group) + band.rows
        if with_band > cap or (group and band.depth is None):
            close()
        if band.rows:
            group.append(band)
    close()
    whole, together = await _rows(client, query), sum(part.rows for part in parts)
    if whole != together:
        raise Rejected(
            f"The parts have {together:,} rows together and the whole has {whole:,}: they would miss rows or have some"
            " twice. Nothing was exported; use a smaller depth, or another segment."
        )
    return parts


def _depth_field(query: Query) -> str:
    if len(query.crawls) != 1:
        raise Rejected("Only a query on one crawl can be split by depth. Choose one analysis.")
    return f"{query.crawls[0]}.depth"


def _at_depth(field: str, depth: int | None) -> Json:
    if depth is None:
        return {"not": {"field": field, "predicate": "exists"}}
    return {"field": field, "predicate": "eq", "value": depth}


def _depths(query: Query, field: str, group: Sequence[Band]) -> Part:
    rows = sum(band.rows for band in group)
    first, last = group[0].depth, group[-1].depth
    if first is None or last is None:
        return Part(query.where(_at_depth(field, None)), rows, "without a depth")
    if first == last:
        return Part(query.where(_at_depth(field, first)), rows, f"depth {first}")
    between: Json = {"field": field, "predicate": "between", "value": [first, last]}
    return Part(query.where(between), rows, f"depth {first} to {last}")


async def _by_segment(client: Client, query: Query, band: Band, cap: int, segment: str) -> list[Part]:
    label = "without a depth" if band.depth is None else f"depth {band.depth}"
    if not segment:
        raise Rejected(f"The pages of {label} have {band.rows:,} rows by themselves. Choose a segment to split by.")
    answer = await client.query(query.asking([segment], [f"{query.crawls[0]}.count_urls_crawl"]), size=_DEPTHS)
    values = sorted({str(row[0]) for row in answer.rows if row[0] is not None})
    filters: list[tuple[str, Json]] = [
        (value, {"field": segment, "predicate": "eq", "value": value}) for value in values
    ]
    filters.append(("no segment", {"not": {"field": segment, "predicate": "exists"}}))
    parts = []
    for value, condition in filters:
        part = query.where(condition)
        rows = await _rows(client, part)
        if rows > cap:
            raise Rejected(f"The segment {value} at {label} has {rows:,} rows by itself. Choose a finer segment.")
        if rows:
            parts.append(Part(part, rows, f"{label}, {value}"))
    return parts


async def _rows(client: Client, query: Query) -> int:
    counted = await count(client, query)
    if not counted.exact or counted.rows is None:
        raise Rejected("Botify does not count the rows of this query, so it can't be split. Use a smaller depth.")
    return counted.rows
