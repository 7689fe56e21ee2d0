"""The lock of the one worker of a database: a file beside it, held by the worker and by the children that it started.

So a new worker can't begin before the last child of a dead one is gone.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from ..paths import make_private
from . import group

PATIENCE = 1.0
"""Seconds to try again: who only looks whether a worker is there holds the lock for an instant."""

GRACE = 3.0
"""Seconds that the children of a dead worker have to end by themselves."""

LEAVE = signal.SIGUSR1
"""Tells a worker that it is to end, unless it has jobs."""

_PAUSE = 0.05
_IN_APP = " in app"
_log = logging.getLogger("pipetui.worker")


class Lock:
    """Made by `take`."""

    def __init__(self, path: Path, file: int) -> None:
        self._path = path
        self.file = file
        """The descriptor that children inherit."""

    @classmethod
    async def take(
        cls, path: Path, end_children: Callable[[], Awaitable[None]], *, in_app: bool = False
    ) -> Lock | None:
        """The lock, with our pid in its file; None when a live worker has it. OSError when there can't be one.

        `end_children` is called when the worker is dead and its children still have the lock after a while. `in_app`:
        this process does not heed `LEAVE`, and the file says so.
        """
        make_private(path.parent)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        begin, asked = time.monotonic(), False
        try:
            while not _try(file):
                waited = time.monotonic() - begin
                alive = group.is_ours(_holder(file), "pipetui")
                if waited > (PATIENCE if alive else 2 * GRACE):
                    if not alive:
                        _log.error("the worker is gone and somebody still holds its lock %s", path)
                    os.close(file)
                    return None
                if not alive and waited > GRACE and not asked:
                    asked = True
                    await end_children()
                await asyncio.sleep(_PAUSE)
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}{_IN_APP * in_app}".encode(), 0)
        except BaseException:
            os.close(file)
            raise
        return cls(path, file)

    def is_held(self) -> bool:
        """Whether the file is still the one that others look at. If somebody removed it, another worker can begin."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self.file))
        except OSError:
            return False

    def release(self) -> None:
        """Close our end: the lock is free when no child has it any more."""
        os.close(self.file)


def _try(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def ask_to_leave(path: Path) -> None:
    """Ask the worker that holds the lock at `path`, if one does, to end now if it is idle; wait until it has ended.

    One that has jobs, or is an app, stays: after a while this returns in any case.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        until = time.monotonic() + GRACE
        while not _try(file) and time.monotonic() < until:
            pid = _said(file)
            if pid.isdigit() and group.is_ours(int(pid), "pipetui"):
                with suppress(ProcessLookupError):
                    os.kill(int(pid), LEAVE)
            time.sleep(_PAUSE)
    finally:
        os.close(file)


def _holder(file: int) -> int | None:
    text = _said(file).removesuffix(_IN_APP)
    return int(text) if text.isdigit() else None


def _said(file: int) -> str:
    return os.pread(file, 40, 0).decode("ascii", "replace")
