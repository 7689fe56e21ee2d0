"""What the cards of workflows on Botify have in common: questions, refusals, pictures of a split, calls to copy."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

from ..engine.fields import Invalid
from ..engine.pickers import DateRange, TablePick
from ..engine.views import Chart, Table, Text, View
from . import places
from .client import Client
from .depth import Band
from .errors import BotifyError, NoAnswer, NotConnected
from .models import Analysis
from .queries import Project, Query, parse_project, spelled

if TYPE_CHECKING:
    from ..engine.run import Run

T = TypeVar("T")

LIST_SECONDS = 4.0
"""For a list of what can be picked: who waits longer types it."""
CHECK_SECONDS = 45.0
"""For what was submitted; a submit may take a minute."""


async def asked(run: Run, ask: Callable[[Client], Awaitable[T]], seconds: float = LIST_SECONDS) -> T:
    """What Botify answers to a form. BotifyError: NotConnected without a good token, NoAnswer when it takes long."""
    try:
        async with asyncio.timeout(seconds), places.client(run) as client:
            return await ask(client)
    except TimeoutError:
        raise NoAnswer("Botify takes long to answer. Nothing is lost; try again in a minute.") from None


async def checked(run: Run, ask: Callable[[Client], Awaitable[T]]) -> T:
    """The same for what was submitted: Invalid, with the reason."""
    try:
        return await asked(run, ask, CHECK_SECONDS)
    except BotifyError as error:
        raise Invalid(str(error)) from None


async def project_form(run: Run) -> TablePick:
    """The projects of the account, to pick one; its address, or `organisation/project`, can be typed all the same."""
    columns = ["project", "name", "state"]
    try:
        projects = await asked(run, lambda client: client.projects())
    except NotConnected as error:
        return TablePick(columns, free=True, hint=str(error))
    except BotifyError as error:
        return TablePick(columns, free=True, hint=f"{error} Or type organisation/project")
    rows = [[str(info.project), info.name, "active" if info.active else "inactive"] for info in projects]
    return TablePick(columns, rows, free=True, hint="or its address, https://app.botify.com/organisation/project")


async def project_submit(run: Run, given: str) -> tuple[Project, str | None]:
    """The project that was picked or typed, and the analysis if an address names one. Invalid if there is nothing."""
    try:
        project, analysis = parse_project(given)
    except ValueError as error:
        raise Invalid(str(error)) from None
    if not await checked(run, lambda client: client.analyses(project)):
        raise Invalid(f"{project} can be read, and has no finished analysis: choose another project.")
    return project, analysis


async def days_form(run: Run, project: Project, sources: Mapping[str, str]) -> DateRange:
    """From which days facts are to be, of collections (id to name) that have some: the last 30 that all have."""

    async def look() -> list[list[str]]:
        async with places.client(run) as client:
            there = await client.collections(project)
        return [[found.first, found.last] for found in there if found.id in sources]

    spans = await run.cached("spans", look)
    first, last = max(span[0] for span in spans), min((span[1] for span in spans if span[1]), default="")
    end = date.fromisoformat(last) if last else date.today() - timedelta(1)
    start = end - timedelta(29)
    if first:
        start = max(start, min(end, date.fromisoformat(first)))
    hint = f"the days of {' and '.join(sources.values())}, or as “30 days”"
    if first and last:
        hint += f"; there is something from {first} to {last}"
    default = {"start": start.isoformat(), "end": end.isoformat()}
    return DateRange(first=first, last=last, default=default, hint=hint)


def finished(analysis: Analysis) -> Analysis:
    """Invalid for one that is not."""
    if not analysis.ready:
        raise Invalid(f"The analysis {analysis.slug} is not finished ({analysis.status}): choose another.")
    return analysis


def histogram(bands: Sequence[Band], largest: int | None, of: str = "rows") -> list[View]:
    """How many rows (`of`: as people call them) all pages up to a depth have; `largest` is the last that fits."""
    bars = [("all" if band.depth is None else f"up to {band.depth}", band.cumulative) for band in bands]
    lines = [
        [
            "none" if band.depth is None else str(band.depth),
            *(f"{number:,}" for number in (band.pages, band.rows, band.cumulative)),
            "yes" if band.depth is not None and largest is not None and band.depth <= largest else "",
        ]
        for band in bands
    ]
    fitting, mark = ("none", "") if largest is None else (str(largest), f"up to {largest}")
    return [
        Chart(
            bars, title=f"{of} up to each depth: {fitting} fits into one export".capitalize(), unit="rows", mark=mark
        ),
        Table(["depth", "pages", "rows", "together", "fits into one"], lines),
    ]


def calls(query: Query, rows: int, api: str, of: str = "") -> list[Text]:
    """The calls that count and export at most `rows` of a query, to be copied: as curl, and as Python."""
    return [Text(text, title=f"{of}: {title}" if of else title) for title, text in spelled(query, rows, api)]


def calls_so_far(run: Run) -> list[Text]:
    """All that the run asked Botify lately, to be copied."""
    return [Text(text, title=title) for title, text in places.asked(run)]
