"""The two programs that the command line only starts: the app and the worker."""

from __future__ import annotations

import gc
import os
import sys
from argparse import Namespace

from ..paths import PROD
from ..settings import Settings, SettingsError, load
from . import output
from .exits import USAGE, Exit
from .session import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

    from ..paths import Paths


def app(args: Namespace) -> int:
    from ..terminal.check import refusal

    if reason := refusal(os.environ, sys.stdin, sys.stdout):
        raise Exit(USAGE, reason)
    gc.disable()  # nothing of what a start makes is garbage; the app enables it after the first frame
    from .. import app as program

    if args.sandbox:
        from . import practice

        args.env = practice.ENV if args.env == PROD else args.env
        practice.start(places(args))
    where = places(args)
    return program.run(
        where,
        load(where.settings),
        profile=args.profile,
        no_mouse=args.no_mouse,
        debug=args.debug,
        jobs_here=_jobs_here,
    )


async def _jobs_here(paths: Paths, settings: Settings, stop: asyncio.Event) -> None:
    from ..worker.in_app import run_in_app  # for where no worker can be started: seldom

    await run_in_app(paths, settings, stop)


def worker(args: Namespace) -> int:
    where = places(args)
    if args.install or args.uninstall:
        from . import install

        sys.stdout.write((install.install if args.install else install.uninstall)(where) + "\n")
        return 0
    from ..worker import main

    more = {} if args.idle is None else {"idle_seconds": args.idle}
    try:
        settings = load(where.settings)
    except SettingsError as error:  # the jobs are not to wait until somebody mends the file
        output.note(f"{error} The worker goes on with the defaults.")
        settings = Settings()
    return main.run(where, settings, **more)
