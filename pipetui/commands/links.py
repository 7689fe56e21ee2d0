"""`pipetui links report EDGES --nodes FILE --out DIR`: a link graph's report and files, without a workflow."""

from __future__ import annotations

import time
from argparse import Namespace
from dataclasses import asdict
from functools import partial
from pathlib import Path

from ..links import BadInput, Block, LinksError, Report, Stop, in_thread, make
from ..text import count, one_line
from . import output
from .exits import CRASH, OK, USAGE, Exit
from .session import complete

TELL_EVERY = 2.0
"""Seconds between two lines of progress."""


def report(args: Namespace) -> int:
    """Ctrl+C ends it within a moment and leaves no unfinished file."""
    try:
        told, files = complete(lambda: in_thread(partial(_report, args)))
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

    return make(
        [Path(edges) for edges in args.edges],
        [Path(nodes) for nodes in args.nodes],
        Path(args.out),
        source=args.source,
        target=args.target,
        home=args.home,
        weighted=args.weighted,
        without=Block(*args.without) if args.without else None,
        drawings=not args.tables_only,
        progress=progress,
        stop=stop,
    )
