"""The worker: one process a database that has its jobs run, and ends when there is nothing to do."""

from __future__ import annotations

import asyncio
import logging
import signal

from .. import log
from ..paths import Paths
from ..settings import Settings
from ..store import jobs
from ..store.database import Database
from ..store.schema import MIGRATIONS
from . import group
from .lock import LEAVE, Lock
from .processes import Processes
from .supervisor import Supervisor

_log = logging.getLogger("pipetui.worker")


def run(paths: Paths, settings: Settings, *, idle_seconds: float = 20.0) -> int:
    """Run jobs until there were none for `idle_seconds`, or a signal ends it: 0, or 128 + its number.

    0 at once when another worker is there. StoreError or OSError, as a sentence, when the store can't be had.
    """
    log.start(paths.worker_log)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that goes away is no reason to stop
    return asyncio.run(_run(paths, settings, idle_seconds))


async def _run(paths: Paths, settings: Settings, idle_seconds: float) -> int:
    stop, ended_by = asyncio.Event(), 0

    def end(number: int) -> None:
        nonlocal ended_by
        ended_by = 128 + number
        stop.set()

    loop, leave = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(LEAVE, leave.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    db = await Database.open(paths.database, MIGRATIONS, backups=paths.backups)
    try:
        more = True
        while more and not stop.is_set():
            lock = await Lock.take(paths.worker_lock, lambda: _end_children(db))
            if lock is None:
                return ended_by
            try:
                supervisor = Supervisor(db, Processes(paths, lock.file), settings.jobs_at_once, lock.is_held)
                _log.info("worker %s begins", paths.env)
                await supervisor.work(stop, idle_seconds, leave)
            finally:
                leave.clear()
                lock.release()
            more = await supervisor.has_work()  # queued just before the lock was free: nobody else saw it
    finally:
        await db.close()
    _log.info("worker %s ends", paths.env)
    return ended_by


async def _end_children(db: Database) -> None:
    """End the children of a dead worker that did not end by themselves."""
    for row in await db.read(jobs.running):
        if row.pid is not None and group.is_ours(row.pid, group.CHILD):
            _log.warning("job %s still ran in process %s without its worker: ended", row.id, row.pid)
            group.kill(row.pid)
