"""Jobs in threads of the app, each with an event loop of its own: where no worker's process can be started.

They stop when the app ends and go on with the next one. What blocks can't be ended here: it counts as running until
it returns.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

from ..engine.jobs import Progress
from ..paths import Paths
from ..settings import Settings
from ..store.database import Database
from ..store.schema import MIGRATIONS
from .lock import Lock
from .supervisor import End, Execution, Supervisor
from .work import Work


async def run_in_app(paths: Paths, settings: Settings, stop: asyncio.Event) -> None:
    """Run jobs here until `stop` is set; returns at once when a worker is there. StoreError, OSError."""
    db = await Database.open(paths.database, MIGRATIONS, backups=paths.backups)
    try:
        lock = await Lock.take(paths.worker_lock, _no_children, in_app=True)
        if lock is None:
            return
        supervisor = Supervisor(db, Threads(paths), settings.jobs_at_once, lock.is_held)
        try:
            await supervisor.work(stop)
        finally:
            if not supervisor.left:
                lock.release()  # else the end of this process does it: two must not run the same job
    finally:
        await db.close()


async def _no_children() -> None:
    """A worker that is gone with children that are not: they are ended by the next one that is a process."""


class Thread:
    """A thread that runs one job."""

    pid = None

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.new_event_loop()
        self._work: Work | None = None
        self.progress: Progress | None = None

    def start(self, job: str) -> None:
        self._work = Work(self._paths, job, self._tell)
        app = asyncio.get_running_loop()
        threading.Thread(target=self._body, args=(self._work, app), daemon=True, name=f"pipetui-job-{job}").start()

    def cancel(self) -> None:
        if self._work is not None:
            self._call(self._work.cancel)

    def end(self) -> None:
        if self._work is None:
            self._loop.close()  # nothing was begun
        else:
            self._call(self._work.stop)

    def _call(self, what: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # its loop is closed: it has ended
            self._loop.call_soon_threadsafe(what)

    async def ended(self) -> End:
        return await asyncio.shield(self._end)

    def _tell(self, progress: Progress) -> None:
        self.progress = progress

    def _body(self, work: Work, app: asyncio.AbstractEventLoop) -> None:
        try:
            error = self._loop.run_until_complete(work.run())
        except BaseException as raised:  # sys.exit in a task of the job must not end the app
            error = f"The job ended its program: {raised!r}"
        finally:
            self._loop.close()  # doesn't wait for threads that the job left behind
        with suppress(RuntimeError):  # the app has ended before this job did
            app.call_soon_threadsafe(self._end.set_result, End("it ended", error))


class Threads:
    """The app's executor."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def ready(self) -> Thread:
        return Thread(self._paths)

    def put_back(self, execution: Execution) -> None:
        execution.end()

    def tend(self) -> None:
        """There is nothing to tend."""

    async def close(self) -> None:
        """Nothing waits."""
