"""All jobs, live."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from ..engine import keys
from ..engine.jobs import CANCELLED, OVER, UNDERWAY
from ..engine.refusals import Refusal
from ..store.jobs import JobRow
from ..store.rev import Changes
from ..store.runs import RunRow
from ..text import ago, count
from ..widgets.plain import MUTED, line
from ..widgets.progress import Observation, outlook, pace
from .base import MainScreen, Place
from .commands import Where, bindings
from .listing import Listing, Row, heading, note
from .looks import column, job_mark, job_word, widest

MOST = 200
REFRESH = 10.0
NAME_CELLS = 44


class JobsScreen(MainScreen):
    WHERE: ClassVar[Where] = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WHERE)]

    DEFAULT_CSS = """
    JobsScreen Listing { margin: 1 1 0 1; }
    """

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._wanted = str(place.memory.get("row", ""))
        self._list = Listing()
        self._runs: dict[str, RunRow] = {}
        self._seen: dict[str, deque[Observation]] = {}

    def content(self) -> ComposeResult:
        self.status.crumbs = ("pipetui", "Jobs")
        yield self._list

    async def on_mount(self) -> None:
        self._list.focus()
        if self._wanted:
            self._list.go(self._wanted)
        await self.host.entries()
        await self._show()
        self.set_interval(REFRESH, self._show)

    async def changed(self, changes: Changes | None) -> None:
        if changes is not None and not changes.jobs:
            self._runs = {id: row for id, row in self._runs.items() if id not in changes.runs}
        await self._show()

    async def _show(self) -> None:
        jobs = await self.service.jobs.latest(limit=MOST)
        for run in {job.run for job in jobs} - set(self._runs):
            self._runs[run] = await self.service.runs.row(run)
        live = [job for job in jobs if job.state in UNDERWAY]
        over = [job for job in jobs if job.state in OVER]
        names = {job.id: await self._told_of(job) for job in jobs}
        cells = widest((job_word(job.state) for job in jobs), 10), widest(names.values(), NAME_CELLS)
        rows = [heading("Under way"), *[self._row(job, names[job.id], *cells) for job in live]]
        if not live:
            rows.append(note("No job is under way. A step with a job starts one."))
        if over:
            rows += [Row("", Content("")), heading("Over"), *[self._row(job, names[job.id], *cells) for job in over]]
        self._list.show(rows)

    async def _told_of(self, job: JobRow) -> Content:
        """The run's key, and the step."""
        run = self._runs[job.run]
        entry = await self.host.entry(run.app_name)
        workflow = entry.workflow if entry else None
        label = next((step.show for step in workflow.body() if step.id == job.step), job.step) if workflow else job.step
        return line(f"{keys.compose(run.profile, run.app_name, run.part)} · {label}")

    def _row(self, job: JobRow, name: Content, word_cells: int, name_cells: int) -> Row:
        """The state stands before the name, so that whatever the room is it can be read."""
        word, name = column(job_word(job.state), word_cells), column(name, name_cells)
        left = Content.assemble(" ", job_mark(job.state), " ", word, "  ", name, "  ", line(_said(job), MUTED))
        return Row(job.id, left, line(self._amount(job), MUTED), item=job)

    def _amount(self, job: JobRow) -> str:
        """How fast and how long still, or how long ago it ended."""
        if job.state in OVER:
            return ago(time.time() - (job.ended or job.queued))
        if job.state != "running":
            return ago(time.time() - job.queued)
        seen = self._seen.setdefault(job.id, deque(maxlen=60))
        if not seen or seen[-1].done != job.done:
            seen.append(Observation(time.monotonic(), job.done))
        return " · ".join(outlook(job.view.progress, pace(seen)))

    @property
    def _job(self) -> JobRow:
        row = self._list.current
        if row is None:
            raise Refusal("There is no job here.")
        job: JobRow = row.item
        return job

    def shows(self, command: str) -> bool:
        job = self._list.current.item if self._list.current else None
        match command:
            case "open":
                return job is not None
            case "cancel":
                return job is not None and job.state in UNDERWAY
            case "retry":
                return job is not None and job.state in ("failed", "cancelled", "parked") and job.superseded is None
            case "jobs":
                return False
        return True

    def on_listing_moved(self) -> None:
        row = self._list.current
        self.host.remember(memory={"row": row.id if row else ""})
        self.refresh_bindings()

    async def on_listing_chosen(self) -> None:
        await self.action_open()

    async def action_open(self) -> None:
        job = self._job
        self.host.go(Place("run", self._runs[job.run].app_name, job.run, {"card": job.step}))

    async def action_cancel(self) -> None:
        await self.service.jobs.cancel(self._job.id)
        await self._show()

    async def action_retry(self) -> None:
        if trouble := await self.service.jobs.retry(self._job.id):
            self.host.say(trouble, "warning")
        await self._show()

    async def action_back(self) -> None:
        self.host.go(Place())


def _said(job: JobRow) -> str:
    """The progress, or why it is not going on."""
    if job.state == "waiting" and job.view.question is not None:
        return job.view.question.why
    if job.state in OVER:
        if job.superseded is not None:
            return "Its result is not used: the run was changed meanwhile."
        return "" if job.error == CANCELLED else job.error  # its word says it
    if job.cancel is not None:
        return "stopping …"
    words: Sequence[str] = [job.text] if job.text else []
    if job.total > 0:
        words = [f"{min(1.0, job.done / job.total):.0%}", *words]
    elif job.done:
        words = [count(int(job.done)), *words]
    return "  ".join(words)
