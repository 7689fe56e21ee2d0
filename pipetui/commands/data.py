"""`pipetui backup`, `restore`, `reset`."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ..paths import PROD
from ..service import copies
from ..worker.lock import ask_to_leave
from . import output
from .exits import OK, USAGE, WAITING, Exit
from .session import complete, places


def backup(args: Namespace) -> int:
    to = Path(args.file) if args.file else None
    made = complete(lambda: copies.backup(places(args), to))
    if args.json:
        output.document({"file": str(made.absolute()), "size": made.stat().st_size})
    else:
        output.line(str(made.absolute()))
    return OK


def restore(args: Namespace) -> int:
    where = places(args)
    source = Path(args.file)
    if not source.is_file():
        raise Exit(USAGE, f"There is no file {args.file!r}: nothing was changed. Backups lie in {where.backups}.")
    _confirm(args, f"Replace the data of {where.env} by those of {source}? What is there now is saved first.")
    ask_to_leave(where.worker_lock)
    kept = complete(lambda: copies.restore(where, source))
    if args.json:
        output.document({"restored": str(source.absolute()), "before": str(kept) if kept else None})
    else:
        output.line(f"Restored from {source}." + (f" What was there before: {kept}" if kept else ""))
    return OK


def reset(args: Namespace) -> int:
    where = places(args)
    if where.env != PROD:
        _confirm(args, f"Delete all data of {where.env} ({where.data}) for good?")
    ask_to_leave(where.worker_lock)
    copies.reset(where)
    if args.json:
        output.document({"reset": where.env})
    else:
        output.line(f"The data of {where.env} are deleted.")
    return OK


def _confirm(args: Namespace, question: str) -> None:
    """Ask a person. Without --yes nothing is done for whoever can't answer."""
    if args.yes:
        return
    if not sys.stdin.isatty():
        raise Exit(WAITING, f"{question} Say so with --yes.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Exit(WAITING, "Nothing was changed.")
