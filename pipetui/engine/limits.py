"""Foreign code in a thread, with a time limit. Daemon threads: none of them may keep the program from ending."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class TooSlow(Exception):
    """The code did not end within its time."""


class _Stop(BaseException):
    """Thrown into a thread whose time is over; only Python code can be ended so."""


def start(work: Callable[[], T]) -> tuple[threading.Thread, Future[T]]:
    """Run `work` in a daemon thread of its own. Whatever it raises is in the future, SystemExit included."""
    future: Future[T] = Future()

    def body() -> None:
        try:
            result = work()
        except _Stop:
            pass
        except BaseException as error:  # sys.exit in foreign code must not pass for an end of ours
            if not future.done():
                future.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        else:
            if not future.done():
                future.set_result(result)

    thread = threading.Thread(target=body, daemon=True, name="pipetui-limited")
    thread.start()
    return thread, future


def call(work: Callable[[], T], seconds: float) -> T:
    """What `work` returns, from a thread. TooSlow when it takes longer."""
    thread, future = start(work)
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():  # the code's own
            raise
        _stop(thread)
        raise _too_slow(seconds) from None


async def acall(work: Callable[[], T], seconds: float) -> T:
    """`call` for a coroutine: the loop goes on meanwhile."""
    thread, future = start(work)
    try:
        return await within(asyncio.wrap_future(future), seconds)
    except TooSlow:
        _stop(thread)
        raise


async def within(work: Awaitable[T], seconds: float) -> T:
    """What a coroutine returns. TooSlow when it takes longer."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():  # the code's own
            raise
        raise _too_slow(seconds) from None


def _stop(thread: threading.Thread) -> None:
    if thread.is_alive() and thread.ident is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(_Stop))


def _too_slow(seconds: float) -> TooSlow:
    return TooSlow(f"It did not end within {seconds:g} s.")
