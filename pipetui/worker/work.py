"""One job, from its row to its end: the same in a process of its own and in a thread of the app."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..engine import fault, registry
from ..engine.fields import Invalid
from ..engine.jobs import Entry, Job, JobError, Progress
from ..engine.record import Record
from ..engine.refusals import Refusal
from ..engine.registry import Registry
from ..paths import Paths, inside, make_private
from ..service import Service
from ..service.facts import Broken
from ..service.handle import Handle
from ..settings import Settings
from ..store import events, jobs, keyvalue, ledger, runs, sources, temp
from ..store.database import Tx
from ..store.errors import DiskFull, StoreError
from ..store.errors import explain as explain_store
from ..store.jobs import JobRow
from ..store.runs import RunRow
from .ledger import StoredLedger

_log = logging.getLogger("pipetui.worker")

_LONGEST = 8000  # characters of an error

_SAID = (JobError, Refusal, Broken, StoreError, Invalid)
"""Errors whose text is a sentence for the user already."""


@dataclass(frozen=True)
class _Rows:
    """What is read of a job before it begins."""

    job: JobRow
    run: RunRow
    record: Record
    filename: str
    text: str
    entries: Mapping[tuple[str, str], Entry]
    temp: dict[str, Any]
    space: dict[str, Any]


class Work:
    """Runs one job. `tell` gets its progress, from any thread."""

    def __init__(self, paths: Paths, job: str, tell: Callable[[Progress], None]) -> None:
        self._paths = paths
        self._id = job
        self._tell = tell
        self._file = Path("workflow")
        self._cancelled = self._stopped = False
        self._job: Job | None = None
        self._task: asyncio.Task[None] | None = None

    def cancel(self) -> None:
        """Ask it to end. In its own loop."""
        self._cancelled = True
        if self._job is not None:
            self._job.cancelled = True
        self.stop()

    def stop(self) -> None:
        """End it as a crash would: it is to go on later. In its own loop."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> str | None:
        """None when its end is on disk (done, or it waits for a person), or it was stopped; else why it failed."""
        self._task = asyncio.create_task(self._perform())
        if self._stopped:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            return None if self._stopped else "The workflow's own code cancelled the job, or ended its program."
        except BaseException as error:  # foreign code: whatever it raises is how the job ended
            if self._job is not None and self._job.suspended:
                return None
            return self._sentence(error)[:_LONGEST]
        return None

    async def _perform(self) -> None:
        async with Service.open(self._paths, Settings(), starter=None) as service:
            rows = await service.db.read(self._read)
            if rows is None:
                return  # the run was removed for good
            fault.point("child.started")
            try:
                value = await self._value(service, rows)
            except (SystemExit, KeyboardInterrupt) as error:
                raise JobError(f"The code of {rows.filename} ended its program: {error!r}.") from error
            if self._job is not None and self._job.suspended:
                return
            fault.point("complete.before")
            try:
                await service.runs.complete(self._id, value)
            except (TypeError, ValueError) as error:
                raise JobError(f"{rows.job.step}_job returned what is not JSON: {error}") from error
            fault.point("complete.after")

    def _read(self, tx: Tx) -> _Rows | None:
        job = jobs.get(tx, self._id)
        run = runs.get(tx, job.run) if job is not None else None
        if job is None or run is None:
            return None
        filename, text = sources.get(tx, job.source)
        return _Rows(
            job,
            run,
            events.record_at(tx, run.id, job.version),
            filename,
            text,
            ledger.every(tx, job.id),
            temp.of(tx, run.id),
            keyvalue.of(tx, run.app_name),
        )

    async def _value(self, service: Service, rows: _Rows) -> Any:
        """What the workflow's `_job` method returns, by the source that the job was queued with."""
        self._file = Path(rows.filename)
        workflow = registry.load_source(rows.filename, rows.text)
        service.registry = Registry.of(registry.Entry(self._file, "yours", rows.text, workflow))
        folder = inside(self._paths.downloads, rows.run.folder)
        make_private(folder)
        handle = Handle(service, rows.run, workflow, rows.record, folder, rows.temp, rows.space, rows.job.id)
        work = handle.workflow.hook(workflow.step(rows.job.step), "job")
        if work is None:
            raise JobError(f"{rows.filename} has no {rows.job.step}_job.")
        stored = StoredLedger(service.db, rows.job, handle, rows.entries, self._tell)
        await asyncio.to_thread(stored.sweep)
        self._job = Job(stored, rows.job.id)
        self._job.cancelled = self._cancelled
        try:
            value = work(handle, self._job)
            return await value if inspect.isawaitable(value) else value
        finally:
            await handle.said()
            await handle.flush()

    def _sentence(self, error: BaseException) -> str:
        leaves = list(_leaves(error))
        told = next((leaf for leaf in leaves if isinstance(leaf, _SAID)), None)
        if told is None:
            full = (explain_store(leaf, self._paths.data) for leaf in leaves if isinstance(leaf, OSError))
            told = next((found for found in full if found is not None and isinstance(found, DiskFull)), None)
        if told is not None:
            _log.info("job %s failed: %s", self._id, told)
            return str(told)
        _log.error("job %s failed", self._id, exc_info=error)
        return registry.explain(leaves[0], self._file)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, as a TaskGroup raises it."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _leaves(member)
    else:
        yield error
