"""`pipetui links report EDGES --nodes FILE --out DIR`: a link graph's report and files, without a workflow."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from dataclasses import asdict
from pathlib import Path

from ..links import BadInput, Block, Cancelled, Graph, LinksError, Report, Stop, write_all
from ..links import report as report_on
from ..text import count, one_line
from . import output
from .exits import CRASH, OK, USAGE, Exit
from .session import complete

TELL_EVERY = 2.0
"""Seconds between two lines of progress."""


def report(args: Namespace) -> int:
    """Ctrl+C ends it within a moment and leaves no unfinished file."""
    stop = Stop()

    async def work() -> tuple[Report, list[Path]]:
        try:
            return await asyncio.to_thread(_report, args, stop)
        finally:
            stop.interrupt()  # when this task is cancelled the thread goes on, but for this

    try:
        told, files = complete(work)
    except BadInput as error:
        raise Exit(USAGE, str(error)) from None
    except LinksError as error:
        raise Exit(CRASH, str(error)) from None
    if args.json:
        output.document(asdict(told) | {"files": [str(file.absolute()) for file in files]})
        return OK
    output.line(f"{count(told.pages)} pages, {count(told.rows)} links, {count(told.orphans)} orphans, "
                f"{count(told.dead_ends)} dead ends.")  # fmt: skip
    for read in told.files:
        if read.malformed:
            output.note(f"{read.name}: malformed lines were left out: {count(read.malformed)}.")
    for file in files:
        output.line(str(file))
    return OK


def _report(args: Namespace, stop: Stop) -> tuple[Report, list[Path]]:
    said = -TELL_EVERY

    def progress(text: str, share: float) -> None:
        nonlocal said
        if not args.json and time.monotonic() - said >= TELL_EVERY:
            said = time.monotonic()
            output.note(one_line(text))

    out = Path(args.out)
    try:
        with Graph.load(
            [Path(edges) for edges in args.edges],
            [Path(nodes) for nodes in args.nodes],
            temp_directory=out,
            source=args.source,
            target=args.target,
            progress=progress,
            stop=stop,
        ) as graph:
            graph.measure(args.home, weighted=args.weighted, without=Block(*args.without) if args.without else None)
            told = report_on(graph)
            return told, write_all(graph, told, out, progress=progress, drawings=not args.tables_only)
    except Cancelled:  # a signal's doing, which says so itself
        raise Exit(CRASH, "Stopped.") from None
