"""What an export will be, before anybody says yes to it: counted, priced, compared with what is there."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..text import count as counted_text
from ..text import size as size_text
from .client import Client
from .errors import BotifyError, Transient
from .models import RemoteJob
from .queries import CAP, Query, canonical, cost
from .shelf import Export, Shelf

if TYPE_CHECKING:
    from .depth import Band, Part

_CELL = 90  # bytes of a cell, for an estimate of the file; addresses are about as long
_PACKED = 0.25  # of the file's size, while it is downloaded


@dataclass(frozen=True)
class Counted:
    """How many rows a query has. Not `exact`: the most that it can have, or None when that can't be known."""

    rows: int | None
    exact: bool


async def count(client: Client, query: Query) -> Counted:
    """How many rows the export of this query would have; costs nothing.

    Botify is asked to count the rows of the very query. Where it doesn't say, a link graph has at most as many rows as
    its pages have links; other queries can't be counted then.
    """
    rows = await client.count(query)
    if rows is not None:
        return Counted(rows, exact=True)
    if query.graph and len(query.crawls) == 1 and ".outlinks_internal." in f".{query.graph}":
        total = f"{query.crawls[0]}.outlinks_internal.nb.total"
        answer = await client.query(query.asking([], [{"function": "sum", "args": [total]}]), size=1)
        pages = await client.query(query.asking([], [f"{query.crawls[0]}.count_urls_crawl"]), size=1)
        # A page without links may be a row too.
        return Counted(_sum(answer.rows) + _sum(pages.rows), exact=False)
    return Counted(None, exact=False)


def _sum(rows: list[list[Any]]) -> int:
    value = rows[0][0] if rows and rows[0] else None  # null when nothing fits the filters
    return int(value) if isinstance(value, int | float) else 0


@dataclass(frozen=True)
class Preflight:
    """What an export will be, for a person to confirm. `problems` forbid it; `notes` are to be read first.

    `cap` is what one export may have, `limit` the most rows of this one, `credits` what these cost; `needed` and `free`
    are bytes on disk. `on_disk` are finished exports of this query; `running` those that Botify is working on, and
    `finished` those whose file it has and that are not on disk (their download failed, or somebody else made them): to
    be taken for nothing. `bands`, `parts` and `indivisible`: see `divided`.
    """

    query: Query
    counted: Counted
    cap: int
    limit: int
    credits: float
    needed: int
    free: int
    on_disk: list[Export] = field(default_factory=list)
    running: list[RemoteJob] = field(default_factory=list)
    finished: list[RemoteJob] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bands: list[Band] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    indivisible: str = ""

    @property
    def over(self) -> bool:
        """Whether there are more rows than one export may have: see `divided`."""
        return self.counted.exact and (self.counted.rows or 0) > self.cap


async def preflight(client: Client, query: Query, shelf: Shelf, *, cap: int = CAP) -> Preflight:
    """Everything that can be known before the yes, at no cost. Raises `BotifyError` when Botify refuses the query.

    `cap` are the rows that an export may have here, if the analysis doesn't say fewer.
    """
    problems, notes = [], []
    for name in query.crawls:
        analysis = await client.analysis(query.project, name.removeprefix("crawl."))
        if not analysis.ready:
            problems.append(f"The analysis {analysis.slug} is not finished ({analysis.status}): choose another.")
        if query.graph.startswith(name + ".") and analysis.links_graph is False:
            problems.append(f"The analysis {analysis.slug} has no link graph: ask Botify to switch it on for the next.")
        cap = min(cap, analysis.export_limit or cap)
    there = {collection.id: collection for collection in await client.collections(query.project)}
    for name in query.collections:
        if name not in there:
            problems.append(f"The project has no collection {name}: the feature is off, or the analysis was deleted.")
        elif there[name].timestamped and not query.periods:
            problems.append(f"{there[name].name} has dates: choose from which day to which.")
    counted = await count(client, query) if not problems else Counted(None, exact=False)
    rows = cap if counted.rows is None else counted.rows
    limit = min(rows, cap)
    if counted.rows == 0 and not problems:
        problems.append("The query has no rows: there is nothing to export, and nothing to pay.")
    if counted.exact and rows > cap:
        notes.append(f"These are {counted_text(rows)} rows; one export has at most {counted_text(cap)}.")
    if not counted.exact and not problems:
        notes.append("Botify did not count these rows: the number is the most that there can be.")
    needed = round(limit * query.width * _CELL * (1 + _PACKED))
    free = await asyncio.to_thread(_free, shelf.folder)
    if free < needed:
        problems.append(f"About {size_text(needed)} are needed on the disk, and {size_text(free)} are free.")
    on_disk = await asyncio.to_thread(shelf.find, query, client.base_url)
    here = {export.job for export in on_disk}
    remote = [job for job in await alike(client, query) if job.gives(limit) and not job.failed and job.id not in here]
    running = [job for job in remote if not job.done]
    finished = [job for job in remote if job.done]
    return Preflight(
        query, counted, cap, limit, cost(query, limit), needed, free, on_disk, running, finished, problems, notes
    )  # fmt: skip


async def alike(client: Client, query: Query) -> list[RemoteJob]:
    """The exports of just this query that Botify lists, the newest first."""
    body = canonical(query.body)
    found = [job async for job in client.jobs(query.project) if job.query == body]
    return sorted(found, key=lambda job: job.created or 0.0, reverse=True)


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


async def diagnose(client: Client, query: Query) -> str:
    """Why an export failed, as the same query asked directly says; that costs nothing."""
    try:
        await client.query(query, size=1)
    except Transient:
        return ""
    except BotifyError as error:
        return f"The same query, asked directly: {error}"
    return "The same query works when it is asked directly, so the reason lies with the export at Botify."
