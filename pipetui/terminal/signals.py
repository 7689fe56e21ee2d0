"""SIGHUP and SIGTERM: ask the app to leave, and see to it that the process does.

A thread of its own waits for the word, so that a program that is stuck ends too, with its terminal put back.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import cache
from types import FrameType

from pipetui.terminal import restore

LIMIT = 3.0
"""Seconds that a clean exit may take."""


class _Watch(threading.Thread):
    """Waits for the number of a signal, asks the app to leave, and ends the process when it doesn't."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="signals")
        self.ask: Callable[[int], None] | None = None
        self._read, self._write = os.pipe()

    def tell(self, number: int) -> None:
        """Async-signal-safe, as far as Python goes: no lock is taken."""
        os.write(self._write, bytes([number]))

    def run(self) -> None:
        """Act on the first signal; the process ends as soon as the app has left, and this thread with it."""
        code = 128 + os.read(self._read, 1)[0]
        try:
            if self.ask is not None:
                self.ask(code)
        finally:
            time.sleep(LIMIT)
            restore.restore()
            os._exit(code)


@cache
def _watch() -> _Watch:
    watch = _Watch()
    watch.start()
    return watch


def install(ask: Callable[[int], None]) -> None:
    """From now on `ask(128 + n)` is called, in another thread, when signal n asks to end. From the main thread only.

    Called again, it replaces what is asked.
    """
    _watch().ask = ask
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, leave)


def leave(number: int, frame: FrameType | None = None) -> None:
    """End as if signal `number` had come: a signal handler, and for whoever sees that the terminal is gone."""
    _watch().tell(number)
