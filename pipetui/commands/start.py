"""The two programs that the command line only starts: the app and the worker."""

from __future__ import annotations

import os
import sys
from argparse import Namespace

from ..settings import load
from .exits import USAGE, Exit
from .session import places


def app(args: Namespace) -> int:
    from ..terminal.check import refusal

    if reason := refusal(os.environ, sys.stdin, sys.stdout):
        raise Exit(USAGE, reason)
    from .. import app as program

    where = places(args)
    return program.run(where, load(where.settings), no_mouse=args.no_mouse, debug=args.debug)


def worker(args: Namespace) -> int:
    where = places(args)
    if args.install or args.uninstall:
        from . import install

        sys.stdout.write((install.install if args.install else install.uninstall)(where) + "\n")
        return 0
    from ..worker import main

    more = {} if args.idle is None else {"idle_seconds": args.idle}
    return main.run(where, load(where.settings), **more)
