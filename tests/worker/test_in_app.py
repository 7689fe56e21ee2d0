"""Jobs in the app itself, where no worker can be started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.starter import is_running
from pipetui.settings import Settings
from pipetui.worker.in_app import run_in_app

from .conftest import Begin, Probe, Workers, until


@asynccontextmanager
async def in_app(home: Paths) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_in_app(home, Settings(), stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_jobs_run_and_fail_and_ask(service: Service, probe: Begin, home: Paths) -> None:
    async with in_app(home):
        ticks, error, asks = await probe("ticks"), await probe("error"), await probe("asks")
        assert await ticks.result() == 25
        assert (await error.reaches("failed")).error == "It can't be. All is safe. Try again."
        row = await asks.reaches("waiting")
        await service.jobs.answer(row.id, "count", "2")
        assert await asks.result() == {"count": 2}
        hostile = await probe("hostile")
        assert (await hostile.reaches("failed")).error.startswith("A title: ?xxx")
        exits = await probe("sys_exit")
        assert "ended its program" in (await exits.reaches("failed")).error


async def test_cancel(service: Service, probe: Begin, home: Paths) -> None:
    async with in_app(home):
        run = await probe("hour")
        await until(lambda: _begun(run))
        await service.jobs.cancel((await run.row()).id)
        await run.reaches("cancelled")


async def test_when_the_app_ends_its_jobs_go_on_later(
    service: Service, probe: Begin, home: Paths, workers: Workers
) -> None:
    run = await probe("slow")
    async with in_app(home):
        await until(lambda: _begun(run))
        assert is_running(home.worker_lock)
    assert await run.state() == "queued" and (await run.row()).deaths == 0
    assert not is_running(home.worker_lock)
    workers.start()
    await run.reaches("running")


async def test_a_worker_that_is_there_is_left_alone(
    service: Service, probe: Begin, home: Paths, workers: Workers
) -> None:
    run = await probe("hour")
    workers.start()
    await until(lambda: _begun(run))
    await asyncio.wait_for(run_in_app(home, Settings(), asyncio.Event()), 20)
    assert await run.state() == "running" and len(await run.effects()) == 1


async def _begun(run: Probe) -> bool:
    return bool(await run.effects())
