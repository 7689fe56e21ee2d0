"""What a worker does all day: claim jobs, have them run, write how they are and how they ended.

Where a job runs is an `Executor`'s business: processes.py for the worker, in_app.py where none can be started.
A job itself writes that it is done or waits; every other end is written here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from ..engine import fault
from ..engine.jobs import Progress
from ..store import jobs
from ..store.database import Database, Tx
from ..store.errors import Busy, DiskFailed, DiskFull, StoreError
from ..store.jobs import JobRow
from . import group
from .group import CHILD

TICK = 0.2
"""Seconds between two looks at the database: it tells without reading whether somebody wrote."""

LOOK = 1.0
"""Seconds after which it looks anyway: what is overdue is told by nobody."""

PROGRESS = 0.5
"""Seconds between two writes of progress."""

GRACE = 5.0
"""Seconds that a job has to end when it is asked to."""

PATIENCE = 10.0
"""Seconds that a superseded job goes on: an undo may want it again."""

_PASSING = (Busy, DiskFull, DiskFailed)

_log = logging.getLogger("pipetui.worker")


@dataclass(frozen=True)
class End:
    """How an execution ended: in words, and the sentence why the job failed, if it did."""

    how: str
    error: str | None = None


class Execution(Protocol):
    """A place where one job is run."""

    progress: Progress | None
    """The last that came; who takes it puts None."""

    @property
    def pid(self) -> int | None: ...
    def start(self, job: str) -> None: ...
    def cancel(self) -> None:
        """Ask the job to end."""

    def end(self) -> None:
        """End it, whatever it does."""

    async def ended(self) -> End:
        """Waits until nothing of it is left."""
        ...


class Executor(Protocol):
    """Makes executions."""

    def ready(self) -> Execution:
        """One that waits for its job. OSError when none can be made."""
        ...

    def put_back(self, execution: Execution) -> None:
        """Take back what was not needed."""

    def tend(self) -> None:
        """Called at every tick."""

    async def close(self) -> None:
        """End what waits."""


@dataclass
class _Running:
    execution: Execution
    asked: float | None = None  # when it was asked to end
    abandoned: bool = False
    end: End | None = None
    watcher: asyncio.Task[None] | None = None


@dataclass(frozen=True)
class _Look:
    claimable: list[JobRow]
    running: list[JobRow]
    abandoned: list[JobRow]


class Supervisor:
    """Runs the jobs of one database, at most `at_once` at a time, while `is_held` says that the worker's lock is."""

    def __init__(self, db: Database, executor: Executor, at_once: int, is_held: Callable[[], bool]) -> None:
        self._db = db
        self._executor = executor
        self._at_once = at_once
        self._is_held = is_held
        self._running: dict[str, _Running] = {}
        self._wake = asyncio.Event()
        self._version: int | None = None
        self._looked = self._told = float("-inf")
        self._busy = time.monotonic()

    async def work(
        self, stop: asyncio.Event, idle_seconds: float | None = None, leave: asyncio.Event | None = None
    ) -> None:
        """Run jobs until `stop` is set, or there was nothing to do for `idle_seconds`. Ends what still runs.

        Once `leave` is set no idle second is waited for.
        """
        self._busy = time.monotonic()
        try:
            while not stop.is_set() and not self._is_idle(0 if leave and leave.is_set() else idle_seconds):
                if not self._is_held():
                    _log.error("somebody removed the worker's lock: another worker may be there, so this one ends")
                    break
                try:
                    await self._round()
                except (*_PASSING, OSError) as error:
                    _log.warning("%s", error)  # nothing is lost: all is tried again
                    self._looked = float("-inf")
                await self._pause(stop)
        finally:
            await self._stop()

    async def has_work(self) -> bool:
        """Whether a job is to be claimed."""
        return bool(await self._db.read(lambda tx: jobs.claimable(tx, 1)))

    @property
    def left(self) -> int:
        """How many jobs could not be ended: only a thread can be so stubborn."""
        return len(self._running)

    def _is_idle(self, idle_seconds: float | None) -> bool:
        if self._running:
            self._busy = time.monotonic()
            return False
        return idle_seconds is not None and time.monotonic() - self._busy >= idle_seconds

    async def _pause(self, stop: asyncio.Event) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._wake, stop)]
        try:
            await asyncio.wait(waits, timeout=TICK, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _round(self) -> None:
        woken = self._wake.is_set()
        self._wake.clear()
        await self._write_ends()
        await self._write_progress()
        self._end_overdue()
        version, now = await self._db.data_version(), time.monotonic()
        if version is None:
            return
        if version != self._version or woken or now - self._looked >= LOOK:
            look = await self._db.read(self._look)
            self._version, self._looked = version, now
            await self._heed(look)
            await self._claim(look.claimable)
        self._executor.tend()

    def _look(self, tx: Tx) -> _Look:
        wanted = self._at_once + len(self._running)  # those of ours may be queued again before their process is gone
        return _Look(jobs.claimable(tx, wanted), jobs.running(tx), jobs.abandoned(tx, time.time() - PATIENCE))

    # -- beginning

    async def _claim(self, rows: list[JobRow]) -> None:
        for row in rows:
            if row.id in self._running:
                continue
            if len(self._running) >= self._at_once:
                break
            self._busy = time.monotonic()
            execution = self._executor.ready()
            pid = execution.pid
            try:
                claimed = await self._db.write(partial(jobs.claim, id=row.id, now=time.time(), pid=pid))
            except BaseException:
                self._executor.put_back(execution)
                raise
            fault.point("worker.claimed")
            if not claimed:
                self._executor.put_back(execution)
                continue
            _log.info("job %s starts in process %s", row.id, pid)
            running = self._running[row.id] = _Running(execution)
            execution.start(row.id)
            running.watcher = asyncio.create_task(self._watch(running))

    async def _watch(self, running: _Running) -> None:
        running.end = await running.execution.ended()
        self._wake.set()

    # -- ending

    async def _heed(self, look: _Look) -> None:
        """Ask those to end that a person cancelled, or whose run went another way; queue again what nobody runs."""
        orphans = [row for row in look.running if row.id not in self._running]  # of a worker that died
        for row in orphans:
            if row.pid is not None and group.is_ours(row.pid, CHILD):  # or of one whose lock was removed
                group.kill(row.pid)
        for row in look.running:
            if row.cancel is not None and row.id in self._running:
                self._ask(self._running[row.id])
        idle = []
        for row in look.abandoned:
            running = self._running.get(row.id)
            if running is None:
                idle.append(row.id)
            elif row.state == "running":
                running.abandoned = True
                self._ask(running)

        def work(tx: Tx) -> None:
            for row in orphans:
                jobs.died(tx, row.id, "the worker was ended", time.time())
            for id in idle:
                jobs.abandon(tx, id, time.time())

        if orphans or idle:
            await self._db.write(work)

    def _ask(self, running: _Running) -> None:
        if running.asked is None and running.end is None:
            running.asked = time.monotonic()
            running.execution.cancel()

    def _end_overdue(self) -> None:
        for running in self._running.values():
            if running.asked is not None and running.end is None and time.monotonic() - running.asked > GRACE:
                running.execution.end()

    async def _write_ends(self) -> None:
        """Write how jobs ended. Until it is written they count as running."""
        ended = {id: running for id, running in self._running.items() if running.end is not None}
        if not ended:
            return
        await self._write_progress(at_once=True)

        def work(tx: Tx) -> None:
            now = time.time()
            for id, running in ended.items():
                end, row = running.end, jobs.get(tx, id)
                if end is None or row is None or row.state != "running" or row.pid != running.execution.pid:
                    continue
                if running.abandoned:
                    jobs.abandon(tx, id, now)
                elif end.error is not None:
                    jobs.fail(tx, id, end.error, now)
                else:
                    jobs.died(tx, id, end.how, now)

        await self._db.write(work)
        for id, running in ended.items():
            if running.end is not None:
                _log.info("job %s ended: %s", id, running.end.error or running.end.how)
            del self._running[id]
        self._busy, self._looked = time.monotonic(), float("-inf")

    async def _stop(self) -> None:
        """End what runs; its jobs are queued again. What can't be written now, the next worker will find."""
        with contextlib.suppress(StoreError):
            await self._write_ends()
        for running in self._running.values():
            running.execution.end()
        for running in self._running.values():
            if running.watcher is not None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(running.watcher, GRACE)
        await self._executor.close()
        over = {id: running.execution.pid for id, running in self._running.items() if running.end is not None}

        def put_back(tx: Tx) -> None:
            for id, pid in over.items():
                row = jobs.get(tx, id)
                if row is not None and row.pid == pid:
                    jobs.put_back(tx, id, time.time())

        if over:
            with contextlib.suppress(StoreError):
                await self._db.write(put_back)
        self._running = {id: running for id, running in self._running.items() if running.end is None}

    async def _write_progress(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once and now - self._told < PROGRESS:
            return
        news = {id: running.execution.progress for id, running in self._running.items()}
        fresh = {id: progress for id, progress in news.items() if progress is not None}
        if not fresh:
            return
        self._told = now
        await self._db.write(lambda tx: jobs.put_progress(tx, fresh))
        for id, progress in fresh.items():
            if self._running[id].execution.progress is progress:
                self._running[id].execution.progress = None
