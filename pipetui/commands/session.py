"""A command at work: the folders, the open service, and an event loop that signals end in good order."""

from __future__ import annotations

import asyncio
import signal
from argparse import Namespace
from collections.abc import Awaitable, Callable
from typing import TypeVar

from .. import log
from ..paths import Paths, paths
from ..service import Service
from .exits import USAGE, Exit
from .output import apart, note

T = TypeVar("T")


def places(args: Namespace) -> Paths:
    """The folders of the environment that was asked for."""
    try:
        return paths(args.env)
    except ValueError as error:
        raise Exit(USAGE, str(error)) from None


def serve(args: Namespace, work: Callable[[Service], Awaitable[T]]) -> T:
    """What `work` returns. Jobs that a killed worker or a reboot left are taken up again on the way.

    SIGINT and SIGTERM cancel it: Exit with 128 + n once the database is closed.
    """
    where = places(args)
    log.start(where.log, "debug" if args.debug else "info")

    async def served() -> T:
        async with Service.open(where) as service:
            if trouble := await service.resume():
                note(trouble)
            return await work(service)

    with apart():
        return complete(served)


def complete(work: Callable[[], Awaitable[T]]) -> T:
    """`asyncio.run` in which SIGINT and SIGTERM cancel `work`, and end in an Exit with 128 + n."""
    received: list[int] = []

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            received.append(number)
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop, number)
        return await work()

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not received:
            raise
        raise Exit(128 + received[0], f"Ended by {signal.Signals(received[0]).name}.") from None
