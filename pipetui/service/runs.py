"""Runs: open one, move it, put it away. Every move is one transaction that names the version it changes."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine import cards as engine_cards
from ..engine import keys, transitions
from ..engine import record as records
from ..engine.cards import Card
from ..engine.fields import Field, Invalid
from ..engine.history import Told, told
from ..engine.jobs import JobView
from ..engine.pickers import Secret
from ..engine.record import INPUT, Record
from ..engine.registry import Entry
from ..engine.transitions import Actor, Command, Event, Happened, Moment, Moved, Refusal
from ..engine.values import encode
from ..engine.views import View
from ..engine.workflow import Workflow
from ..paths import inside
from ..secrets import SecretError
from ..store import artifacts, drafts, events, jobs, keyvalue, runs, sources, temp
from ..store.artifacts import ArtifactRow
from ..store.database import Tx
from ..store.jobs import JobRow
from ..store.runs import RunRow
from ..text import meant, one_line, slug
from . import facts as facts_
from . import profiles
from .handle import Handle
from .large import pack, unpack, unpack_record
from .shelves import Shelves, part_from

if TYPE_CHECKING:
    from .service import Service

_MOST_MOVES = 20  # of a job's result that finds the run moved, before it gives up


@dataclass(frozen=True)
class Snapshot:
    """A run as it is at one version: what a screen shows."""

    row: RunRow
    workflow: type[Workflow]
    cards: Sequence[Card]
    drafts: Mapping[str, Any]
    artifacts: Sequence[ArtifactRow]
    folder: Path
    facts: Mapping[str, engine_cards.Facts] = field(repr=False)
    jobs: Mapping[str, JobRow] = field(repr=False)
    handle: Handle = field(repr=False, compare=False)
    source: Entry = field(repr=False, compare=False)
    can_undo: bool = False

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def key(self) -> str:
        return keys.compose(self.row.profile, self.row.app_name, self.row.part)

    @property
    def version(self) -> int:
        return self.row.version

    @property
    def locked(self) -> bool:
        return records.is_locked(self.row.record)

    @property
    def applies(self) -> dict[str, bool]:
        return {step: fact.applies for step, fact in self.facts.items()}

    @property
    def current(self) -> Card:
        """The card where the chain ends: the open one, a job's, or Finalize."""
        ends = (card for card in self.cards if card.state not in ("done", "skipped", "not_applicable"))
        return next(ends, self.cards[-1])

    def card(self, step: str) -> Card:
        """The card of a step: by its id, the name of its value, its number or its label. Refusal when that is none."""
        for card in self.cards:
            if step in (card.id, card.step.done):
                return card
        said = step.strip().casefold()
        found = [card for card in self.cards if said in (str(card.number), card.step.show.casefold())]
        if len(found) == 1:
            return found[0]
        names = {f"{card.number} {card.step.show} ({card.id})": card for card in found or self.cards}
        words = {word: name for name, it in names.items() for word in (it.id, it.step.done, it.step.show)}
        if found:
            raise Refusal(f"Several steps here are called {one_line(step, 60)}: {', '.join(names)}.")
        raise Refusal(f"There is no step {one_line(step, 60)} here{meant(step, words, words)}")


@dataclass(frozen=True)
class _Rows:
    """What is read of a run in one hop."""

    row: RunRow
    jobs: dict[str, JobRow]
    drafts: dict[str, Any]
    temp: dict[str, Any]
    space: dict[str, Any]
    artifacts: list[ArtifactRow]
    history: Sequence[Happened] = ()


class Runs(Shelves):
    """Everything that one can do with runs; what needs no workflow's code is in `Shelves`."""

    def __init__(self, service: Service) -> None:
        super().__init__(service.db, service.paths.downloads)
        self._service = service

    # -- finding and opening

    async def create(self, profile: str, app_name: str, part: str | None = None, *, actor: Actor = "user") -> Snapshot:
        """A new run; without a part, of the next free number. Refusal when the key is taken or can't be one."""
        entry = self._entry(app_name)
        assert entry.workflow is not None
        first = entry.workflow.body()[0].id
        part = None if part is None else part_from(part, profile, app_name)
        now = time.time()
        id = uuid.uuid4().hex
        record = records.new(_iso(now))

        def work(tx: Tx) -> RunRow:
            owner = profiles.ensure(tx, profile)
            own = part or keys.next_part(runs.parts(tx, owner.id, app_name))
            if runs.keyed(tx, owner.id, app_name, own):
                raise Refusal(f"There is a run {keys.compose(owner.name, app_name, own)} already: open it instead.")
            folder = f"{app_name}/{slug(own)}-{id[:12]}"
            row = RunRow(id, owner.id, owner.name, app_name, own, folder, 1, record, first, now, now)
            runs.add(tx, row)
            created = Moment(record, records.Change.between({}, record), "create")
            events.add(tx, id, 1, now, actor, created)
            return row

        row = await self._db.write(work)
        snapshot = await self._snapshot(_Rows(row, {}, {}, {}, await self._space(app_name), []), entry)
        return await self._go_on(snapshot)

    async def open(self, run: str, *, fresh: bool = False) -> Snapshot:
        """A run as it is now, and what goes on by itself begun. Refusal when it or its workflow is gone.

        `fresh` asks the workflow's code anew what it said before of the same values: when a person opens the run.
        """
        if fresh:
            self._service.asker.forget(run)
        return await self._go_on(await self._read(run))

    async def look(self, run: str) -> Snapshot:
        """A run as it is now; begins nothing. Refusal when it or its workflow is gone."""
        return await self._read(run)

    async def history(self, run: str, *, last: int = events.LAST) -> list[Event]:
        return await self._db.read(lambda tx: events.of(tx, run, last=last))

    async def told(self, snapshot: Snapshot, *, last: int = events.LAST) -> list[Told]:
        """The history in words, the ends of jobs that left no result among it."""

        def value_of(stored: Any) -> Any:
            try:
                return unpack(snapshot.folder, stored)
            except Refusal:
                return "a file that is gone"

        found, views = await self.history(snapshot.id, last=last), [job.view for job in snapshot.jobs.values()]
        return await asyncio.to_thread(told, snapshot.cards, found, views, value_of)

    async def view(self, snapshot: Snapshot, step: str) -> View | None:
        """The body of a finished card. facts.Broken."""
        return await facts_.view(snapshot.handle, snapshot.card(step).step)

    async def field(self, snapshot: Snapshot, step: str) -> Field | None:
        """What a step asks for, whatever its state; asked from the workflow where that builds it. Broken."""
        card = snapshot.card(step)
        form = snapshot.handle.workflow.hook(card.step, "form")
        if card.field is not None or form is None:
            return card.field
        built: Field = await facts_.ask(snapshot.handle, lambda: form(snapshot.handle), facts_.LOOK_SECONDS)
        return built

    async def is_same(self, snapshot: Snapshot, step: str, given: Any) -> bool:
        """Whether a completed step already holds what this input would store. Invalid, Broken."""
        card = replace(snapshot.card(step), field=await self.field(snapshot, step))
        part = snapshot.row.record.get(card.id, {})
        name = INPUT if card.has_job else card.step.done
        return name in part and encode(part[name]) == encode(await self._accepted(snapshot, card, given))

    # -- moving

    async def submit(
        self, run: str, step: str, given: Any = None, *, version: int | None = None, actor: Actor = "user"
    ) -> Snapshot:
        """Submit an input (what was typed, or a value) to the open step; a step with a job starts it.

        Invalid when it is not accepted, Refusal when it can't be now (Moved: another one was faster), Broken.
        """
        before = await self._read(run, version)
        card = before.card(step)
        transitions.apply(before.workflow, before.row.record, _probe(before, card), before.applies, "")
        if card.state == "broken":
            raise Refusal(f"{card.step.show} can't be filled in: {card.reason}")
        if card.field is not None and card.field.kept and before.handle.workflow.hook(card.step, "submit"):
            await self.draft(run, card.id, given)
        value = await self._accepted(before, card, given)
        job = uuid.uuid4().hex if card.has_job else None
        return await self._move(before, transitions.Submit(card.id, value, job), actor)

    async def confirm(self, run: str, step: str, *, version: int | None = None, actor: Actor = "user") -> Snapshot:
        """Keep a stale value as it is. Refusal."""
        before = await self._read(run, version)
        return await self._move(before, transitions.Confirm(before.card(step).id), actor)

    async def revert(self, run: str, step: str, *, version: int | None = None, actor: Actor = "user") -> Snapshot:
        """Open a step again; later values are cleared or become stale. Refusal."""
        before = await self._read(run, version)
        return await self._move(before, transitions.Revert(before.card(step).id), actor)

    async def skip(
        self, run: str, step: str, reason: str, *, version: int | None = None, actor: Actor = "user"
    ) -> Snapshot:
        """Leave a step out, where its author allows it. Refusal."""
        before = await self._read(run, version)
        return await self._move(before, transitions.Skip(before.card(step).id, reason), actor)

    async def undo(self, run: str, *, version: int | None = None, actor: Actor = "user") -> Snapshot:
        """Take back the last user's transition. Refusal."""
        before = await self._read(run, version)
        moment = transitions.undo(before.workflow, before.row.record, await self.history(run))
        return await self._go_on(await self._write(before, moment, actor))

    async def finalize(self, run: str, *, version: int | None = None, actor: Actor = "user") -> Snapshot:
        """Lock the run. Refusal, with all problems, when something speaks against it."""
        before = await self._read(run, version)
        moment = self._moment(before, transitions.Finalize())
        problems = await self.problems(before)
        if problems:
            raise Refusal("Not finalized: " + " · ".join(problems))
        await self._hook(before, before.handle.workflow.finalizing)
        return await self._write(before, moment, actor)

    async def unfinalize_field(self, snapshot: Snapshot) -> Field | None:
        """What the workflow asks before this run is unlocked; None: nothing. Broken."""
        handle = snapshot.handle
        asked: Field | None = await facts_.ask(
            handle, lambda: handle.workflow.unfinalize_form(handle), facts_.FORM_SECONDS
        )
        return asked

    async def unfinalize(
        self, run: str, given: Any = None, *, version: int | None = None, actor: Actor = "user"
    ) -> Snapshot:
        """Unlock the run; `given` answers `unfinalize_field`. Invalid when it is not accepted, Refusal."""
        before = await self._read(run, version)
        moment = self._moment(before, transitions.Unfinalize())
        handle, field = before.handle, await self.unfinalize_field(before)
        if field is not None and given is None:
            raise Refusal(f"{before.key} is not unlocked before its question is answered: {field.accepts}.")
        value = None if field is None else field.parse(given)
        await self._hook(before, handle.workflow.unfinalizing)
        if field is not None:
            await facts_.ask(handle, lambda: handle.workflow.unfinalize_submit(handle, value), facts_.SUBMIT_SECONDS)
        return await self._write(before, moment, actor)

    async def affected(self, run: str, step: str) -> tuple[list[str], list[str]]:
        """The labels of what a revert of this step would (clear, make stale)."""
        row = await self.row(run)
        workflow = self._workflow(row)
        cleared, kept = transitions.affected(workflow, row.record, workflow.step(step).id)
        return [later.show for later in cleared], [later.show for later in kept]

    async def problems(self, snapshot: Snapshot) -> list[str]:
        """What speaks against finalizing: values that their fields no longer accept, and what the workflow says."""
        found = []
        values = unpack_record(snapshot.folder, snapshot.row.record)
        for card in snapshot.cards:
            if card.state == "done" and card.field is not None and not card.has_job:
                try:
                    card.field.check(values[card.id][card.step.done])
                except Invalid as invalid:
                    found.append(f"{card.id}: {invalid}")
        handle = snapshot.handle
        found += await facts_.ask(handle, lambda: handle.workflow.problems(handle), facts_.LOOK_SECONDS)
        return found

    async def draft(self, run: str, step: str, given: Any) -> None:
        """Keep what was typed and not submitted, unless it is a secret; None forgets it."""

        def work(tx: Tx) -> None:
            row = runs.get(tx, run)
            if given is None:
                drafts.drop(tx, run, step)
            elif row is not None and self._may_keep(row, step):
                drafts.put(tx, run, step, given, time.time())

        await self._db.write(work)

    # -- jobs' results

    async def complete(self, job: str, value: Any) -> None:
        """A job's end: its result is kept and, while the event that queued it is in force, becomes the step's value."""
        for _ in range(_MOST_MOVES):
            row = await self._service.jobs.row(job)
            before = await self._read(row.run)
            packed = pack(before.folder, value)

            def finish(tx: Tx, packed: Any = packed) -> None:
                jobs.set_state(tx, job, "done", time.time(), result=encode(packed))

            try:
                if job not in records.jobs(before.row.record) or before.locked:
                    await self._unchanged(before, finish)
                else:
                    moment = self._moment(before, transitions.Complete(row.step, job, packed))
                    await self._go_on(await self._write(before, moment, "job", also=finish))
            except Moved:
                continue
            return
        raise Moved(f"The run of job {job} moves too often to take its result.")

    # -- inside

    def _entry(self, app_name: str) -> Entry:
        entry = self._service.registry.get(app_name)
        if entry is None or entry.workflow is None:
            raise Refusal(f"There is no workflow {app_name}: `pipetui workflows` lists them.")
        return entry

    def _workflow(self, row: RunRow) -> type[Workflow]:
        workflow = self._entry(row.app_name).workflow
        assert workflow is not None
        return workflow

    def _may_keep(self, row: RunRow, step: str) -> bool:
        entry = self._service.registry.get(row.app_name)
        fields = {each.id: each.field for each in entry.workflow.body()} if entry and entry.workflow else {}
        field = fields.get(step)
        return field is None or field.kept

    async def _space(self, app_name: str) -> dict[str, Any]:
        return await self._db.read(lambda tx: keyvalue.of(tx, app_name))

    async def _read(self, run: str, version: int | None = None) -> Snapshot:
        """The run as it is. Moved when it has another version than the one that was asked for."""

        def work(tx: Tx) -> _Rows | None:
            row = runs.get(tx, run)
            return None if row is None else _rows(tx, row)

        rows = await self._db.read(work)
        if rows is None:
            raise Refusal("This run is gone: it was removed for good.")
        if version is not None and rows.row.version != version:
            raise Moved("This run was changed meanwhile: nothing was done. Look at it as it is now, then try again.")
        return await self._snapshot(rows, self._entry(rows.row.app_name))

    async def _snapshot(self, rows: _Rows, entry: Entry) -> Snapshot:
        workflow = entry.workflow
        assert workflow is not None
        row = rows.row
        folder = inside(self._service.paths.downloads, row.folder)
        handle = Handle(self._service, row, workflow, row.record, folder, rows.temp, rows.space)
        values = unpack_record(folder, row.record)
        facts = await self._service.asker.facts(handle, values, entry.text)
        views: dict[str, JobView] = {id: job.view for id, job in rows.jobs.items()}
        cards = engine_cards.cards(workflow, values, views, facts, rows.drafts)
        can_undo = _can_undo(workflow, row.record, rows.history)
        return Snapshot(
            row, workflow, cards, rows.drafts, rows.artifacts, folder, facts, rows.jobs, handle, entry, can_undo
        )  # fmt: skip

    async def _accepted(self, before: Snapshot, card: Card, given: Any) -> Any:
        """The value that is stored for an input, by the field and the workflow's `_submit`."""
        field: Field | None = card.field
        if field is None and given is not None:
            raise Refusal(f"{card.step.show} takes no input.")
        value = None if field is None else field.parse(given)
        if isinstance(field, Secret) and isinstance(value, str):
            return await self._kept_apart(before, card, field, value)
        hook = before.handle.workflow.hook(card.step, "submit")
        if hook is not None:
            value = await facts_.ask(before.handle, lambda: hook(before.handle, value), facts_.SUBMIT_SECONDS)
        try:
            return pack(before.folder, value)
        except (TypeError, ValueError, RecursionError) as error:
            raise facts_.Broken(f"{card.id}_submit returned what is not JSON: {error}") from None

    async def _kept_apart(self, before: Snapshot, card: Card, field: Secret, text: str) -> Any:
        """The reference to a secret, which is in its own file once the workflow has found it good."""
        hook = before.handle.workflow.hook(card.step, "submit")
        if hook is not None:
            await facts_.ask(before.handle, lambda: hook(before.handle, text), facts_.SUBMIT_SECONDS)
        try:
            self._service.secrets.put(field.name, text, before.row.profile_id)
        except SecretError as error:
            raise Refusal(str(error)) from None
        return {"secret": field.name}

    async def _hook(self, before: Snapshot, hook: Callable[[Handle], Any]) -> None:
        try:
            await facts_.ask(before.handle, lambda: hook(before.handle), facts_.SUBMIT_SECONDS)
        except Invalid as invalid:
            raise Refusal(str(invalid)) from None

    def _moment(self, before: Snapshot, command: Command) -> Moment:
        return transitions.apply(before.workflow, before.row.record, command, before.applies, _iso(time.time()))

    async def _move(self, before: Snapshot, command: Command, actor: Actor = "user") -> Snapshot:
        return await self._go_on(await self._write(before, self._moment(before, command), actor))

    async def _write(
        self, before: Snapshot, moment: Moment, actor: Actor, *, also: Callable[[Tx], None] | None = None
    ) -> Snapshot:
        """Write a moment, its event and what follows from it, if the run still has the version that it was made for.

        Moved when it has not. The workflow is asked about the new record before, so that a transaction is short.
        """
        row, now = before.row, time.time()
        draft = {id: given for id, given in before.drafts.items() if id != moment.step}
        after_row = _with(row, moment.record, now)
        rows = _Rows(after_row, dict(before.jobs), draft, dict(before.handle.temp), {}, list(before.artifacts))
        rows.space.update(await self._space(row.app_name))
        after = await self._snapshot(rows, before.source)
        next_step = "locked" if after.locked else after.current.id
        in_force = records.jobs(moment.record)
        queued = in_force - records.jobs(row.record) - set(before.jobs) if moment.step else set()
        gone = [key for key in row.record if key not in moment.record]

        def work(tx: Tx) -> _Rows:
            if not runs.update(tx, row.id, row.version, moment.record, next_step, now):
                raise Moved("This run was changed meanwhile: nothing was done. Look at it as it is now.")
            events.add(tx, row.id, row.version + 1, now, actor, moment)
            for id in queued:
                assert moment.step is not None
                source = sources.put(tx, before.source.file.name, before.source.text)
                jobs.add(tx, id, row.id, moment.step, row.version + 1, source, now)
            if also is not None:
                also(tx)
            jobs.supersede(tx, row.id, in_force, now)
            if moment.step is not None and moment.kind != "complete":
                drafts.drop(tx, row.id, moment.step)
            temp.drop(tx, row.id, gone)
            if after.locked:
                temp.drop_all(tx, row.id)
            return _rows(tx, replace(after_row, next_step=next_step))

        written = await self._db.write(work)
        if any(job.state == "queued" and id in in_force for id, job in written.jobs.items()):
            await self._service.work()  # also when an undo wants a job again
        return await self._snapshot(written, before.source)

    async def _unchanged(self, before: Snapshot, also: Callable[[Tx], None]) -> None:
        """Write something that holds only for this version of the run. Moved."""

        def work(tx: Tx) -> None:
            row = runs.get(tx, before.id)
            if row is not None and row.version != before.version:
                raise Moved("The run was changed meanwhile.")
            also(tx)

        await self._db.write(work)

    async def _go_on(self, snapshot: Snapshot) -> Snapshot:
        """What goes on by itself: results that are wanted again, and jobs that start as soon as they can."""
        for _ in range(len(snapshot.cards)):
            card = snapshot.current
            try:
                if card.state == "running" and card.job is not None and card.job.state == "done":
                    value = jobs.result_of(snapshot.jobs[card.job.id])
                    moment = self._moment(snapshot, transitions.Complete(card.id, card.job.id, value))
                    snapshot = await self._write(snapshot, moment, "job")
                elif card.state == "active" and card.step.auto and not card.locked:
                    command = transitions.Submit(card.id, None, uuid.uuid4().hex)
                    snapshot = await self._write(snapshot, self._moment(snapshot, command), "auto")
                else:
                    break
            except Moved:
                snapshot = await self._read(snapshot.id)
        return snapshot


def _rows(tx: Tx, row: RunRow) -> _Rows:
    return _Rows(
        row,
        jobs.of(tx, row.id),
        drafts.of(tx, row.id),
        temp.of(tx, row.id),
        keyvalue.of(tx, row.app_name),
        artifacts.of(tx, row.id),
        events.happened(tx, row.id),
    )


def _can_undo(workflow: type[Workflow], record: Record, history: Sequence[Happened]) -> bool:
    try:
        return bool(transitions.undoable(workflow, record, history))
    except Refusal:
        return False


def _with(row: RunRow, record: Record, now: float) -> RunRow:
    return replace(row, record=record, version=row.version + 1, updated=now)


def _probe(before: Snapshot, card: Card) -> Command:
    """A submit that tells whether one is possible, before anybody's code is asked."""
    return transitions.Submit(card.id, None, "probe" if card.has_job else None)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
