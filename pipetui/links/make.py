"""From files to files: a graph loaded, measured, reported on and written, in one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from .database import Stop
from .errors import Cancelled, LinksError
from .files import write_all
from .graph import Block, Graph, part_of, quiet
from .load import Progress
from .report import Report, report

T = TypeVar("T")


def make(
    edges: Path | Sequence[Path],
    nodes: Path | Sequence[Path],
    out: Path,
    *,
    source: str | None = None,
    target: str | None = None,
    home: str | None = None,
    weighted: bool = False,
    without: Block | None = None,
    drawings: bool = True,
    progress: Progress = quiet,
    stop: Stop | None = None,
) -> tuple[Report, list[Path]]:
    """The report on a graph, and all its files, which are then in `out`. Blocking.

    See `Graph.load`, `Graph.measure` and `write_all` for the options. `progress` gets (text, share from 0 to 1).
    BadInput, LinksError, Cancelled.
    """
    with Graph.load(
        edges, nodes, temp_directory=out, source=source, target=target, progress=part_of(progress, 0.0, 0.35), stop=stop
    ) as graph:
        graph.measure(home, weighted=weighted, without=without, progress=part_of(progress, 0.35, 0.6))
        told = report(graph)
        return told, write_all(graph, told, out, progress=part_of(progress, 0.6, 1.0), drawings=drawings)


async def in_thread(work: Callable[[Stop], T]) -> T:
    """What `work` returns, done in a thread; when the task is cancelled its `Stop` ends it, and it is waited for."""
    stop = Stop()
    task = asyncio.create_task(asyncio.to_thread(work, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.interrupt()
        with suppress(Cancelled, LinksError):
            await task
        raise
