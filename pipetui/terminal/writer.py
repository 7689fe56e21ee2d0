"""A thread that writes to the terminal, so that a stalled link holds up nothing else."""

import errno
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

from pipetui.terminal import restore

BACKLOG = 16 * 1024
"""Bytes waiting for the link from which on it counts as stalled: draw no more until they are gone."""

CAPACITY = 1024 * 1024
"""Bytes that may wait at all; what comes on top is dropped."""

_GONE = {errno.EIO, errno.EBADF, errno.EPIPE, errno.ENXIO}


class Writer(threading.Thread):
    """Writes to the terminal on `fd`.

    `on_flow(lost)` is called from this thread when a stalled link has taken all that waited; `lost` says that
    something was dropped. `on_gone()` is called once when the terminal is gone.
    """

    def __init__(self, fd: int, on_flow: Callable[[bool], None], on_gone: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="terminal-output")
        own = restore.reopen(fd)
        self._fd = os.dup(fd) if own is None else own
        self._chunk = 4096 if own is not None else 256  # a descriptor that blocks takes small bites, when there is room
        self._on_flow = on_flow
        self._on_gone = on_gone
        self._units: deque[bytes] = deque()
        self._waiting = 0
        self._stalled = self._lost = self._gone = self._closing = False
        self._until = float("inf")
        # Re-entrant (as Condition is): a signal handler may write while the thread that it interrupts does.
        self._condition = threading.Condition()

    @property
    def stalled(self) -> bool:
        """Does more wait than it is worth adding to?"""
        return self._stalled

    def write(self, text: str) -> None:
        """Queue `text`, a whole number of escape sequences. Never blocks; drops it when far too much waits."""
        data = text.encode("utf-8", "replace")
        if not data:
            return
        with self._condition:
            if self._gone or self._closing:
                return
            if self._waiting + len(data) > CAPACITY:
                self._lost = self._stalled = True
                return
            self._units.append(data)
            self._waiting += len(data)
            if self._waiting > BACKLOG:
                self._stalled = True
            self._condition.notify()

    def discard(self) -> None:
        """Drop what waits, but for the rest of what has begun to go out."""
        with self._condition:
            self._lost = self._lost or bool(self._units)
            self._units.clear()
            self._waiting = 0

    def close(self, limit: float = 1.0) -> bool:
        """Write what waits, for at most `limit` seconds, and end; False if it couldn't be written."""
        with self._condition:
            self._until = time.monotonic() + limit
            self._closing = True
            self._condition.notify()
        self.join(limit + 0.2)
        return not (self._gone or self._waiting or self.is_alive())

    def run(self) -> None:
        """Write until closed or gone."""
        try:
            while (unit := self._next()) is not None:
                self._put(unit)
        except OSError as error:
            if error.errno not in _GONE:
                raise
            with self._condition:
                self._gone = True
                self._units.clear()
            self._on_gone()
        finally:
            os.close(self._fd)

    def _next(self) -> bytes | None:
        with self._condition:
            self._waiting = sum(map(len, self._units))
            flowing = self._stalled and not self._waiting
            if flowing:
                lost, self._stalled, self._lost = self._lost, False, False
        if flowing:
            self._on_flow(lost)
        with self._condition:
            while not self._units and not self._closing:
                self._condition.wait()
            return self._units.popleft() if self._units and time.monotonic() < self._until else None

    def _put(self, unit: bytes) -> None:
        while unit and time.monotonic() < self._until:
            # Wakes now and then to see whether it is asked to close.
            if not select.select([], [self._fd], [], 0.1)[1]:
                with self._condition:
                    self._stalled = True
                continue
            try:
                unit = unit[os.write(self._fd, unit[: self._chunk]) :]
            except BlockingIOError:
                continue
        if unit:
            with self._condition:
                self._units.appendleft(unit)
