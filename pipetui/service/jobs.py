"""Jobs: what a person may do with them. They are run by the worker."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..engine.jobs import CANCELLED, OVER
from ..engine.refusals import Refusal
from ..engine.registry import Registry
from ..store import jobs, ledger, runs, sources
from ..store.database import Tx
from ..store.jobs import JobRow

if TYPE_CHECKING:
    from .service import Service


class Jobs:
    def __init__(self, service: Service) -> None:
        self._service = service
        self._db = service.db

    async def latest(self, *, limit: int = 200, live: bool = False, profile: str | None = None) -> list[JobRow]:
        """The newest jobs first; `live`: those that are not over, `profile`: those of its runs."""
        return await self._db.read(lambda tx: jobs.latest(tx, limit=limit, live=live, profile=profile))

    async def row(self, job: str) -> JobRow:
        """A job by its id or the start of it. Refusal when it names none or several."""

        def work(tx: Tx) -> list[JobRow]:
            found = jobs.get(tx, job)
            return [found] if found else jobs.starting(tx, job) if job else []

        found = await self._db.read(work)
        if len(found) != 1:
            what = "no job" if not found else "several jobs"
            raise Refusal(f"{job} names {what}: `pipetui jobs` lists them with their ids.")
        return found[0]

    async def counts(self) -> dict[str, int]:
        """How many jobs are queued, running and waiting."""
        return await self._db.read(jobs.count_live)

    async def cancel(self, job: str) -> None:
        """Stop a job. One that runs is asked, and ended after a few seconds. Refusal when it is over."""
        id = (await self.row(job)).id

        def work(tx: Tx) -> None:
            row = _there(tx, id)
            if row.state in OVER:
                raise Refusal(f"This job is over ({row.state}).")
            if row.state == "running":
                jobs.request_cancel(tx, id, time.time())
            else:
                jobs.set_state(tx, id, "cancelled", time.time(), error=CANCELLED, cancel=time.time())

        await self._db.write(work)

    async def retry(self, job: str) -> str:
        """Run a failed, cancelled or parked job again; what it finished is kept. What `Service.work` says. Refusal.

        It runs the workflow's file as it is now: its author may have mended it.
        """
        id = (await self.row(job)).id
        registry = self._service.registry

        def work(tx: Tx) -> None:
            row = _there(tx, id)
            if row.state not in ("failed", "cancelled", "parked"):
                raise Refusal(f"This job is {row.state}: only one that failed or was cancelled can be tried again.")
            if row.superseded is not None:
                raise Refusal("The run has moved on: the result of this job is no longer wanted.")
            jobs.set_state(tx, id, "queued", time.time(), deaths=0, cancel=None, source=_newest(tx, row, registry))

        await self._db.write(work)
        return await self._service.work()

    async def answer(self, job: str, name: str, given: Any) -> str:
        """Answer what a job asks; it goes on. What `Service.work` says. Invalid or Refusal."""
        id = (await self.row(job)).id

        def work(tx: Tx) -> None:
            row = _there(tx, id)
            question = row.view.question
            if row.state != "waiting" or question is None or question.name != name:
                raise Refusal(f"This job does not ask for {name} (any more).")
            ledger.put_answer(tx, id, name, question.field.parse(given))
            jobs.set_state(tx, id, "queued", time.time())

        await self._db.write(work)
        return await self._service.work()


def _newest(tx: Tx, row: JobRow, registry: Registry) -> str:
    """The source of the job's workflow as it is now; the one that it had, when the workflow is gone."""
    run = runs.get(tx, row.run)
    entry = registry.get(run.app_name) if run is not None else None
    return row.source if entry is None else sources.put(tx, entry.file.name, entry.text)


def _there(tx: Tx, id: str) -> JobRow:
    row = jobs.get(tx, id)
    if row is None:
        raise Refusal("This job is gone, with its run.")
    return row
