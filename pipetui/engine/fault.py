"""A fault injector for tests: `PIPETUI_FAULT=point:n` kills the process at the n-th pass of a point, once a home.

Random kills seldom hit the instant between an intent and its result; this does. It is inert unless PIPETUI_HOME
is set too: there it leaves a mark, so that the next process lives.

    point               where the process is                              which process
    worker.claimed      the job counts as running, nobody runs it yet     worker
    child.started       the job is read, its workflow not loaded yet      job
    once.intended       an intent is on disk, the work not begun          job
    once.worked         the work is done, its result not on disk          job
    once.finished       the result is on disk                             job
    artifact.written    the whole file is on disk, under a hidden name    job
    artifact.renamed    it has its name, its row is not on disk           job
    complete.before     the job has its value, which is not on disk       job
    complete.after      the value is on disk, the job's process lives     job
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_passes: dict[str, int] = {}


def point(name: str) -> None:
    """Die here by SIGKILL, if the environment says so."""
    wanted, home = os.environ.get("PIPETUI_FAULT"), os.environ.get("PIPETUI_HOME")
    if not wanted or not home:
        return
    where, _, count = wanted.partition(":")
    if where != name:
        return
    _passes[name] = _passes.get(name, 0) + 1
    if _passes[name] >= int(count or 1):
        try:
            (Path(home) / f"fault-{name}").touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
