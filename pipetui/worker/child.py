"""The process of exactly one job: `python -m pipetui.worker.child ENV LINE LOCK` with two inherited descriptors."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from importlib import import_module

from .. import log
from ..engine.registry import load_source as load_source  # imported while there is time: a spare waits below
from ..paths import paths
from ..service import runs as runs
from .line import Line
from .work import Work

NICE = 10
"""So much does a job stand back: whoever types comes first, whatever a job computes."""

WARM = ("pipetui.http", "selectolax.lexbor", "protego")
"""What jobs import most and what takes long: a spare has the time for it."""


def main(env: str, line_file: int, lock_file: int) -> None:
    """Wait for a job, run it, and end without looking back: threads of the job may still be at work."""
    os.umask(0o077)
    os.nice(NICE)
    os.set_inheritable(lock_file, False)  # held open by us, not by what we start; nor by what we fork:
    for file in (line_file, lock_file):
        os.register_at_fork(after_in_child=partial(os.close, file))
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    faulthandler.enable()
    found = paths(env)
    log.start(found.worker_log)
    line = Line(line_file)
    _warm_up(line)
    job = line.job()
    error: str | None
    try:
        error = asyncio.run(_run(line, Work(found, job, line.tell)))
    except BaseException as raised:  # a task of the job ended the program: sys.exit
        error = f"The job ended its program: {raised!r}"
    _finish(line, error)


def _warm_up(line: Line) -> None:
    for name in WARM:
        if line.has_job:
            return
        with suppress(ImportError):
            import_module(name)


async def _run(line: Line, work: Work) -> None:
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        loop.call_soon_threadsafe(work.cancel)

    line.on_cancel(cancel)
    _finish(line, await work.run())


def _finish(line: Line, error: str | None) -> None:
    line.finish(error)
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
