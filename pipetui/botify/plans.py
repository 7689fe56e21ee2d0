"""Exports that are confirmed together: what each will be, as data of a step, in words, and carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from ..engine.jobs import Job, JobError
from ..engine.views import Table, Text, View
from ..text import amount, size
from . import places
from .cards import histogram
from .client import Client
from .depth import Band, divided, fits
from .errors import NotFound
from .export import Progress
from .forecast import Counted, preflight
from .orders import Made, Order, make
from .queries import Query, cost
from .shelf import Export, Shelf

if TYPE_CHECKING:
    from ..engine.run import Run


class PartPreview(TypedDict):
    """One of several exports that share no row."""

    label: str
    rows: int
    query: dict[str, Any]


class BandPreview(TypedDict):
    depth: int | None
    pages: int
    rows: int
    together: int


class Preview(TypedDict):
    """What one export will be. `on_disk` tells of the finished one, "" without one.

    `remote` is a job at Botify that is running or has a file that is not on disk, `state` says which and whose. `gone`:
    Botify has the analysis no longer, so that what is on disk is all there is. `fits` is the largest depth that fits.
    """

    rows: int | None
    exact: bool
    credits: float
    needed: int
    on_disk: str
    remote: str
    state: str
    problems: list[str]
    notes: list[str]
    gone: bool
    over: bool
    bands: list[BandPreview]
    fits: int | None
    parts: list[PartPreview]


Named: TypeAlias = Sequence[tuple[str, Preview]]
"""Previews with what people call them: `edges`, `pages`."""


async def preview(client: Client, query: Query, shelf: Shelf) -> Preview:
    """Counted, priced, compared with what is there, and divided if it is too much for one export; no credits.

    Of an analysis that Botify has deleted what is on the shelf; NotFound when there is nothing.
    """
    try:
        found = await preflight(client, query, shelf)
    except NotFound:
        here = await asyncio.to_thread(shelf.find, query, client.base_url)
        if not here:
            raise
        return _left_over(here[0])
    if found.over and not found.on_disk:
        found = await divided(client, found, shelf)
    remote = next(iter([*found.running, *found.finished]), None)
    return Preview(
        rows=found.counted.rows,
        exact=found.counted.exact,
        credits=found.credits,
        needed=found.needed,
        on_disk=found.on_disk[0].told if found.on_disk else "",
        remote=remote.id if remote else "",
        state=f"{'finished' if remote.done else 'running'}{remote.made}" if remote else "",
        problems=found.problems,
        notes=[*found.notes, *filter(None, [found.indivisible])],
        gone=False,
        over=found.over,
        bands=[BandPreview(depth=b.depth, pages=b.pages, rows=b.rows, together=b.cumulative) for b in found.bands],
        fits=fits(found.bands, found.cap),
        parts=[PartPreview(label=part.label, rows=part.rows, query=part.query.to_json()) for part in found.parts],
    )


def _left_over(export: Export) -> Preview:
    return Preview(
        rows=export.rows, exact=True, credits=cost(export.query, export.rows), needed=0, on_disk=export.told,
        remote="", state="", problems=[], notes=["Botify has deleted this analysis: what is on disk is all there is."],
        gone=True, over=False, bands=[], fits=None, parts=[],
    )  # fmt: skip


async def carry_out(
    run: Run,
    job: Job,
    client: Client,
    name: str,
    query: Query,
    confirmed: Preview,
    *,
    fresh: bool = False,
    follow: bool = False,
    progress: Progress | None = None,
) -> Made:
    """What a person said yes to: what is on disk, else a job that is at Botify (`follow`), else a paid export.

    `name` tells it apart from others of the job. `fresh` pays although it is on disk. JobError; see `make`.
    """
    shelf = places.shelf(run)
    if confirmed["on_disk"] and not fresh:
        found = await asyncio.to_thread(shelf.find, query, client.base_url)
        if not found:
            raise JobError(
                f"The {name} are no longer on disk. Nothing was paid: revert “Preflight”, and it looks anew."
            )
        return Made(found[:1], "reused", [])
    adopt = confirmed["remote"] if follow else ""
    orders = [Order(name, query, Counted(confirmed["rows"], confirmed["exact"]))]
    if confirmed["parts"] and not adopt:
        orders = [
            Order(f"{name}_{number}", Query.from_json(part["query"]), Counted(part["rows"], exact=True))
            for number, part in enumerate(confirmed["parts"], 1)
        ]
    return await make(
        client, orders, shelf, credits=places.credits(run), job=job, profile=run.profile, fresh=fresh, adopt=adopt,
        progress=progress,
    )  # fmt: skip


# -- in words


def account(previews: Named) -> list[View]:
    """The table of what each will be and cost, what is to be known of it, and how it is split."""
    rows = [
        ["rows", *(rows_told(each) for _, each in previews)],
        ["credits", *(amount(each["credits"]) for _, each in previews)],
        ["on disk", *(each["on_disk"] or "no" for _, each in previews)],
        ["at Botify", *(remote_told(each) or "no" for _, each in previews)],
        ["room needed", *(size(each["needed"]) for _, each in previews)],
    ]
    views: list[View] = [Table(["", *(name for name, _ in previews)], rows)]
    views += [Text(f"{name}: {said}") for name, each in previews for said in [*each["problems"], *each["notes"]]]
    for name, each in previews:
        bands = [Band(band["depth"], band["pages"], band["rows"], band["together"]) for band in each["bands"]]
        views += histogram(bands, each["fits"], of=f"rows of {name}") if bands else []
        parts = [[part["label"], f"{part['rows']:,}"] for part in each["parts"]]
        views += [Table([f"part of the {name}", "rows"], parts)] if parts else []
    return views


def rows_told(preview: Preview) -> str:
    """`12,345`, or `at most 12,345` where Botify does not count."""
    if preview["rows"] is None:
        return "unknown"
    return f"{'' if preview['exact'] else 'at most '}{preview['rows']:,}"


def remote_told(preview: Preview) -> str:
    """`job 3658303, running by ada, 2024-03-01 10:07 UTC`; empty without one."""
    return f"job {preview['remote']}, {preview['state']}" if preview["remote"] else ""


def price(previews: Named) -> str:
    """What all of them cost: `1,234.5 credits`."""
    bound = "" if all(each["exact"] for _, each in previews) else "At most "
    return f"{bound}{amount(sum(each['credits'] for _, each in previews))} credits"


def what(previews: Named) -> str:
    """`edges (20,000 rows) and nodes (1,512 rows in 2 parts)`."""
    told = []
    for name, each in previews:
        parts = f" in {len(each['parts'])} parts" if each["parts"] else ""
        told.append(f"{name} ({rows_told(each)} rows{parts})")
    return " and ".join(told)


def too_many(previews: Named) -> str:
    """Which of them can't be made, in a sentence that says the way on; empty when all can."""
    large = [(name, each) for name, each in previews if each["over"] and not each["parts"]]
    if not large:
        return ""
    fitting = [each["fits"] for _, each in large if each["fits"] is not None]
    smaller = f"at most {min(fitting)}" if fitting else "a smaller one"
    names = " and ".join(name for name, _ in large)
    return f"The {names} are too many for one export, and can't be split: revert “Largest depth”, and take {smaller}"
