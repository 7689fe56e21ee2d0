"""More rows than one export may have: what each depth holds, and how to split it into exports that share no row."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .client import Client
from .errors import Rejected
from .preflight import count
from .queries import CAP, Json, Query
from .shelf import Export

_DEPTHS = 2000  # rows of the answer that lists depths or segments
_BUCKETS = 64
_BLOCK = 1 << 20


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


def join(exports: Sequence[Export], path: Path, *, disjoint: bool = False) -> int:
    """One CSV of several with the same columns, one header, no row twice; the number of rows.

    Parts of `split` are `disjoint`: they are put one behind the other. Others are compared row by row, in files beside
    `path`, so that little memory does; rows then come in another order. Blocking; OSError.
    """
    with path.open("wb") as out:
        return _joined(exports, out) if disjoint else _distinct(exports, out, path.parent)


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


def _joined(exports: Sequence[Export], out: BinaryIO) -> int:
    for number, export in enumerate(exports):
        with export.path.open("rb") as file:
            lines = _skipped(file, export)
            if number == 0:
                out.write(lines)
            shutil.copyfileobj(file, out, _BLOCK)
            if export.size > len(lines) and not _ends_line(file):
                out.write(b"\n")
    return sum(export.rows for export in exports)


def _distinct(exports: Sequence[Export], out: BinaryIO, folder: Path) -> int:
    """Equal rows fall into the same of some files, each of which fits into memory."""
    rows = 0
    with tempfile.TemporaryDirectory(prefix=".join-", dir=folder) as place, ExitStack() as stack:
        buckets = [stack.enter_context((Path(place) / f"{n:02}").open("w+b")) for n in range(_BUCKETS)]
        for number, export in enumerate(exports):
            with export.path.open("rb") as file:
                lines = _skipped(file, export)
                if number == 0:
                    out.write(lines)
                for record in _records(file):
                    buckets[zlib.crc32(record) % _BUCKETS].write(record)
        for bucket in buckets:
            bucket.seek(0)
            distinct = dict.fromkeys(_records(bucket))
            out.writelines(distinct)
            rows += len(distinct)
    return rows


def _skipped(file: BinaryIO, export: Export) -> bytes:
    """The lines before the first row."""
    return b"".join(file.readline() for _ in range(export.skip))


def _records(file: BinaryIO) -> Iterator[bytes]:
    """Rows with their line ends; a quoted cell may have line ends too."""
    record = b""
    for line in file:
        record += line
        if record.count(b'"') % 2 == 0:
            yield record if record.endswith(b"\n") else record + b"\n"
            record = b""
    if record:
        yield record + b"\n"


def _ends_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
