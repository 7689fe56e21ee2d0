"""The worker as a process: it starts, is alone, takes over, stops, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import subprocess
import sys

import pytest

from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.starter import is_running
from pipetui.store import jobs
from pipetui.worker.child import NICE
from pipetui.worker.lock import Lock, ask_to_leave

from .conftest import Begin, Probe, Workers, until


async def test_the_simulator_runs_to_its_end_with_progress_on_the_way(service: Service, workers: Workers) -> None:
    run = (await service.runs.create("Ada", "stream_simulator")).id
    await service.runs.submit(run, "options", {"ticks": 60, "pause": 0.02})
    probe = Probe(service, run)
    seen: set[float] = set()
    workers.start()

    async def is_done() -> bool:
        row = await probe.row()
        seen.add(row.done)
        return row.state == "done" and row.done == 60  # the last word on progress comes when its process is gone

    await until(is_done)
    snapshot = await probe.snapshot()
    assert snapshot.row.record["step_02"]["stream"] == {"ticks": 60, "lines": 61}
    assert any(0 < done < 60 for done in seen), "progress was to be seen before the end"
    (artifact,) = snapshot.artifacts
    assert (artifact.name, artifact.rows) == ("ticks.csv", 60)
    assert (snapshot.folder / "ticks.csv").read_text().count("\n") == 61


async def test_a_job_stands_back_behind_who_types(service: Service, workers: Workers, probe: Begin) -> None:
    workers.start()
    assert await (await probe("standing")).result() == min(19, os.nice(0) + NICE)


BEGIN = """
import asyncio
from pipetui.paths import paths
from pipetui.service import Service

async def begin():
    async with Service.open(paths()) as service:
        run = (await service.runs.create("Ada", "probe")).id
        await service.runs.submit(run, "what", "ticks")
        print(run)

asyncio.run(begin())
"""


async def test_a_job_goes_on_when_who_queued_it_is_gone(service: Service, workers: Workers, home: Paths) -> None:
    """The real way: a submit starts the worker."""
    began = subprocess.run([sys.executable, "-c", BEGIN], check=True, capture_output=True, text=True)
    assert await Probe(service, began.stdout.strip()).result() == 25
    assert is_running(home.worker_lock)


async def test_there_is_one_worker_of_six(service: Service, probe: Begin, workers: Workers, home: Paths) -> None:
    run = await probe("ticks")
    started = [workers.start() for _ in range(6)]
    assert await run.result() == 25
    await until(lambda: sum(process.poll() is not None for process in started) == 5)
    assert {process.poll() for process in started} == {0, None}
    assert is_running(home.worker_lock)
    assert (await run.effects()).count("work 0") == 1


async def test_a_new_worker_takes_over_from_a_killed_one(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("slow")
    first = workers.start()
    await until(lambda: _has(run, "kept 2"))
    pid = (await run.row()).pid
    first.kill()
    first.wait()
    workers.start()
    await until(lambda: _has(run, "kept 5"))
    row = await run.row()
    assert row.state == "running" and row.pid not in (None, pid) and row.deaths == 1
    effects = await run.effects()
    assert all(effects.count(f"work {n}") == 1 for n in range(3)), "what was kept is not done again"


async def _has(run: Probe, line: str) -> bool:
    return line in await run.effects()


async def test_children_that_hang_without_their_worker_are_ended(
    service: Service, probe: Begin, workers: Workers
) -> None:
    """A stopped process can't notice that its worker is gone, and holds the lock."""
    run = await probe("hour")
    first = workers.start()
    await until(lambda: _has(run, "begins"))
    pid = (await run.row()).pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    first.kill()
    first.wait()
    workers.start()
    await until(lambda: _begun_twice(run))
    assert (await run.row()).pid != pid and pid not in workers.processes()


async def _begun_twice(run: Probe) -> bool:
    return len(await run.effects()) == 2


async def test_it_ends_when_idle_and_leaves_nothing_behind(
    service: Service, probe: Begin, workers: Workers, home: Paths
) -> None:
    run = await probe("quick")
    worker = workers.start(idle=0.5)
    assert await run.result() == "quick"
    await until(lambda: worker.poll() == 0)
    assert workers.processes() == []
    assert not is_running(home.worker_lock)


async def test_a_signal_ends_it_and_its_jobs_go_on_later(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("hour")
    worker = workers.start()
    await until(lambda: _has(run, "begins"))
    worker.send_signal(signal.SIGTERM)
    await until(lambda: worker.poll() is not None)
    assert worker.poll() == 128 + signal.SIGTERM
    row = await run.row()
    assert (row.state, row.deaths, row.pid) == ("queued", 0, None)
    assert workers.processes() == []


async def test_an_idle_worker_leaves_when_it_is_asked_to_and_a_busy_one_when_it_is_done(
    service: Service, probe: Begin, workers: Workers, home: Paths
) -> None:
    run = await probe("hour")
    worker = workers.start()
    await until(lambda: _has(run, "begins"))
    pid = (await run.row()).pid
    await asyncio.to_thread(ask_to_leave, home.worker_lock)
    assert worker.poll() is None and await run.state() == "running"
    assert (await run.row()).pid == pid and (await run.effects()).count("begins") == 1  # it was not begun anew
    await service.jobs.cancel((await run.row()).id)
    await until(lambda: worker.poll() == 0)
    worker = workers.start()
    await until(lambda: is_running(home.worker_lock))
    await asyncio.to_thread(ask_to_leave, home.worker_lock)
    assert not is_running(home.worker_lock)
    await until(lambda: worker.poll() == 0)
    await asyncio.to_thread(ask_to_leave, home.worker_lock)  # nobody is there


async def test_an_app_that_runs_jobs_is_not_asked_to_leave(home: Paths) -> None:
    """The signal would end it."""
    lock = await Lock.take(home.worker_lock, nothing, in_app=True)
    assert lock is not None and home.worker_lock.read_text() == f"{os.getpid()} in app"
    await asyncio.to_thread(ask_to_leave, home.worker_lock)
    lock.release()


async def nothing() -> None:
    """There are no children."""


async def test_so_many_at_once_and_the_rest_queue(
    service: Service, probe: Begin, workers: Workers, home: Paths
) -> None:
    home.settings.write_text("jobs_at_once = 1\n")
    first, second = await probe("hour"), await probe("quick")
    workers.start()
    await until(lambda: _has(first, "begins"))
    assert await second.state() == "queued"
    await service.jobs.cancel((await first.row()).id)
    assert await second.result() == "quick"
    assert (await first.row()).state == "cancelled"


async def test_a_worker_survives_a_terminal_that_hangs_up(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("ticks")
    worker = workers.start()
    await until(lambda: _has(run, "kept 0"))
    worker.send_signal(signal.SIGHUP)
    assert await run.result() == 25
    assert (await run.row()).deaths == 0 and worker.poll() is None


async def test_jobs_of_a_run_in_the_bin_are_not_begun(service: Service, probe: Begin, workers: Workers) -> None:
    binned, other = await probe("quick"), await probe("quick")
    await service.runs.shelve(binned.run, "binned")
    workers.start()
    assert await other.result() == "quick"
    assert await binned.state() == "queued"
    await service.runs.shelve(binned.run, "active")
    assert await binned.result() == "quick"
    assert await service.db.read(jobs.count_live) == {}


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
async def test_a_full_disk_is_waited_out(service: Service, probe: Begin, workers: Workers, home: Paths) -> None:
    """No file of the worker may grow: as on a full disk, no transaction succeeds until there is space again."""
    worker = workers.start()
    await until(lambda: len(workers.processes()) == 2)

    def limit(size: int) -> None:
        for pid in workers.processes():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    limit(8192)
    run = await probe("ticks")
    await until(lambda: "nothing was saved" in home.worker_log.read_text())
    assert await run.state() == "queued" and worker.poll() is None
    limit(resource.RLIM_INFINITY)
    assert await run.result() == 25
    assert (await run.effects()).count("work 0") == 1


async def test_a_removed_lock_makes_no_second_worker(
    service: Service, probe: Begin, workers: Workers, home: Paths
) -> None:
    """The first one ends; its job is not done twice at a time, and nothing that was kept is done again."""
    run = await probe("ticks")
    first = workers.start(idle=1.0)
    await until(lambda: _has(run, "kept 3"))
    home.worker_lock.unlink()
    second = workers.start(idle=1.0)
    assert await run.result() == 25
    await until(lambda: first.poll() == 0 and second.poll() == 0)
    works = [line for line in await run.effects() if line.startswith("work")]
    assert len(works) <= 26, "only the tick that was cut off is done again"
    assert (await run.row()).deaths <= 1 and workers.processes() == []


async def test_the_simulator_comments_on_itself_once_though_it_dies(service: Service, workers: Workers) -> None:
    run = (await service.runs.create("Ada", "stream_simulator")).id
    await service.runs.submit(run, "options", {"ticks": 40, "pause": 0, "kill_at": 20, "kill": "job"})
    workers.start()
    await Probe(service, run).reaches("done")
    chat = service.conversations
    said = (await chat.page((await chat.in_use(run)).id)).messages
    assert [(message.by, message.text.split(".")[0]) for message in said] == [
        ("workflow", f"{tick} of 40 ticks") for tick in (1, 6, 16, 26, 34)
    ]
