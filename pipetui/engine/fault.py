"""A fault injector for tests: `PIPETUI_FAULT=point:n` kills the process at the n-th pass of a point, once a home.

Random kills seldom hit the instant between an intent and its result; this does. It is inert unless PIPETUI_HOME
is set too: there it leaves a mark, so that the next process lives.
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
