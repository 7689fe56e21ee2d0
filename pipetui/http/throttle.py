"""One pace for all processes: requests that share a key are spaced evenly, by one small file that all of them lock.

Even spacing, not a bucket: four requests at once that wait for their connections would meet the next four at the
server, and a limit a second counts them together.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import os
import time
from pathlib import Path

from ..paths import make_private

_log = logging.getLogger("pipetui.http")
_LOCKED = 0.005  # seconds until another look at a file that somebody holds; nobody holds it longer than a write takes


class Throttle:
    """At most `rate` turns a second for everyone on this machine who uses the same `folder` and `key`.

    The file's name is a hash of the key, which may be a token. Where no file can be had, the pace is kept for this
    process alone, and that is logged.
    """

    def __init__(self, folder: Path, key: str, *, rate: float = 4.0) -> None:
        self._path = folder / f"throttle-{hashlib.sha256(key.encode()).hexdigest()[:20]}"
        self._gap = 1.0 / rate
        self._last = float("-inf")
        self._queue = asyncio.Lock()
        self._shared = True

    async def turn(self) -> None:
        """Wait for our turn; first come, first served within a process."""
        async with self._queue:
            while True:
                wait = self._take()
                if not wait:
                    return
                await asyncio.sleep(wait)

    def _take(self) -> float:
        """0 when it is our turn, which is noted; else the seconds until it is worth another look.

        The clock is monotonic and one for the whole machine: it does not jump when the time is set. It begins anew at a
        boot, so a turn that lies in the future was another boot's.
        """
        file = self._open()
        try:
            if file is not None and not _lock(file):
                return _LOCKED
            now = time.monotonic()
            last = self._last if file is None else max(self._last, _read(file))
            if now - self._gap < last <= now:
                return last + self._gap - now
            self._last = now
            if file is not None:
                os.pwrite(file, f"{now:<32.6f}".encode(), 0)
            return 0.0
        except OSError as error:
            self._alone(error)
            return 0.0
        finally:
            if file is not None:
                os.close(file)

    def _open(self) -> int | None:
        try:
            make_private(self._path.parent)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            self._alone(error)
            return None

    def _alone(self, error: OSError) -> None:
        if self._shared:
            self._shared = False
            _log.warning("the pace can't be shared with other processes: %s", error)


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: int) -> float:
    try:
        return float(os.pread(file, 32, 0))
    except ValueError:
        return float("-inf")
