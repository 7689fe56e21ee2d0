"""Jobs in the app itself, where no worker can be started."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.starter import is_running
from pipetui.settings import Settings
from pipetui.store.errors import Unreachable
from pipetui.worker.in_app import run_in_app
from pipetui.worker.lock import Lock

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


async def test_when_the_database_is_gone_its_jobs_end_and_another_worker_can_begin(
    service: Service, probe: Begin, home: Paths
) -> None:
    sleeps, writes = await probe("hour"), await probe("slow")
    here = asyncio.create_task(run_in_app(home, Settings(), asyncio.Event()))
    await until(lambda: _begun(sleeps))
    await until(lambda: _begun(writes))
    home.database.rename(home.data / "elsewhere.db")
    with pytest.raises(Unreachable, match="moved or deleted"):
        await asyncio.wait_for(here, 20)
    assert not is_running(home.worker_lock)


async def test_a_lock_that_can_not_be_written_is_not_kept(home: Paths) -> None:
    """As on a full disk: whoever comes when there is space again must find it free."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            await Lock.take(home.worker_lock, _nobody, in_app=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not is_running(home.worker_lock)


async def _nobody() -> None:
    """No children were left."""


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
