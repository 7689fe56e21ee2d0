"""Random transitions from two terminals and a worker; what must hold after each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pipetui.engine import record as records
from pipetui.engine import transitions, values
from pipetui.engine.cards import Facts, cards
from pipetui.engine.jobs import JobState, JobView
from pipetui.engine.record import Record
from pipetui.engine.transitions import (
    Actor,
    Complete,
    Confirm,
    Event,
    Finalize,
    Moment,
    Moved,
    Refusal,
    Revert,
    Skip,
    Submit,
    Unfinalize,
)

from .examples import STEADY, Survey, applies

VALUES = st.sampled_from([0, 1, True, False, 1.0, "", "x", [], ["a"], {"b": 1}, {}, None])
STEPS = st.sampled_from([step.id for step in Survey.steps])
TERMINALS = st.sampled_from([0, 1])
NOW = "2026-01-01T00:00:00Z"


class Store:
    """The truth, with the version check that the database makes in one transaction."""

    def __init__(self) -> None:
        self.record: Record = {}
        self.events: list[Event] = []
        self.jobs: dict[str, JobView] = {}

    @property
    def version(self) -> int:
        return len(self.events)

    def keep(self, version: int, actor: Actor, transition: Callable[[Record], Moment]) -> Event:
        if version != self.version:
            raise Moved("This run was changed meanwhile.")
        moment = transition(self.record)
        event = Event(version + 1, NOW, actor, moment.kind, moment.step, moment.undoes, moment.change)
        self.record, self.events = moment.record, [*self.events, event]
        return event


class Terminal:
    """One screen on the run; what it knows may be of yesterday."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.refresh()

    def refresh(self) -> None:
        self.record: Record = values.copy(self.store.record)
        self.version = self.store.version


class Machine(RuleBasedStateMachine):
    @initialize(ahead=st.integers(0, 12), large=st.booleans())
    def begin(self, ahead: int, large: bool) -> None:
        self.store = Store()
        self.written = [records.encode({})]  # the record by version, as it was on disk
        self.accepted: list[tuple[str, str]] = []  # (step, value), each submitted or returned by a job
        self.undoable: list[int] = []  # the versions to which undo should go back, by a model of its own
        created = records.new(NOW)
        self.keep(0, "user", lambda _: Moment(created, records.Change.between({}, created), "create"))
        self.terminals = [Terminal(self.store), Terminal(self.store)]
        self.counter = 0
        self.walk(0, ahead, "x", large)

    def keep(self, version: int, actor: Actor, transition: Callable[[Record], Moment]) -> Event | None:
        """Try a transition on the store; what a refusal and a locked run must look like is checked here."""
        before, was_locked = records.encode(self.store.record), records.is_locked(self.store.record)
        try:
            event = self.store.keep(version, actor, transition)
        except Refusal as refusal:
            assert re.search(r"[.]$", str(refusal))
            assert records.encode(self.store.record) == before
            return None
        assert not was_locked or event.kind == "unfinalize"
        self.written.append(records.encode(self.store.record))
        return event

    def apply(self, terminal: int, command: transitions.Command, actor: Actor = "user") -> bool:
        seen = self.terminals[terminal]
        event = self.keep(
            seen.version,
            actor,
            lambda record: transitions.apply(Survey, record, command, applies(record), NOW),
        )
        seen.refresh()
        if event is None:
            return False
        if event.kind in ("finalize", "unfinalize"):
            self.undoable = []
        elif actor == "user":
            self.undoable.append(event.seq - 1)
        if isinstance(command, Submit):
            self.accepted.append((command.step, values.encode(command.value)))
            if command.job is not None:
                self.store.jobs[command.job] = JobView(command.job, command.step, "queued")
        return True

    def new_job(self, step: str) -> str | None:
        if not Survey.has_job(Survey.step(step)):
            return None
        self.counter += 1
        return f"job-{self.counter}"

    def open_step(self, terminal: int) -> str | None:
        record = self.terminals[terminal].record
        step = transitions.open_step(Survey, record, applies(record))
        return step.id if step else None

    @rule(terminal=TERMINALS)
    def refresh(self, terminal: int) -> None:
        self.terminals[terminal].refresh()

    @rule(terminal=TERMINALS, value=VALUES, large=st.booleans())
    def submit(self, terminal: int, value: Any, large: bool) -> None:
        """Fill in the card that this terminal believes to be open."""
        step = self.open_step(terminal)
        if step is not None:
            self.submit_to(terminal, step, value, large)

    @rule(terminal=TERMINALS, step=STEPS, value=VALUES, large=st.booleans())
    def submit_to(self, terminal: int, step: str, value: Any, large: bool) -> None:
        if step == "step_01":
            value = "large" if large else "small"
        self.apply(terminal, Submit(step, value, self.new_job(step)))

    @rule(terminal=TERMINALS, cards=st.integers(1, 9), value=VALUES, large=st.booleans())
    def walk(self, terminal: int, cards: int, value: Any, large: bool) -> None:
        """A user who looks first and takes card after card; jobs end well, and free ones start by themselves."""
        for _ in range(cards):
            self.terminals[terminal].refresh()
            step, record = self.open_step(terminal), self.store.record
            if step is None:
                return
            if transitions.is_pending(record, Survey.step(step)):
                self.job_ends(value, list(reversed(self.store.jobs)).index(record[step]["job"]))
            elif step in records.stale(record) and record.get("_revert_target") != step:
                assert self.apply(terminal, Confirm(step)) or records.is_locked(record)
            elif Survey.step(step).auto:
                self.apply(terminal, Submit(step, None, self.new_job(step)), "auto")
            else:
                self.submit(terminal, value, large)

    @rule(terminal=TERMINALS)
    def confirm(self, terminal: int) -> None:
        step = self.open_step(terminal)
        if step is not None:
            self.apply(terminal, Confirm(step))

    @rule(terminal=TERMINALS, step=STEPS, looks_first=st.booleans())
    def revert(self, terminal: int, step: str, looks_first: bool) -> None:
        if looks_first:
            self.terminals[terminal].refresh()
        record = self.terminals[terminal].record
        cleared, kept = transitions.affected(Survey, record, step)
        if self.apply(terminal, Revert(step)):
            assert not any(later.id in self.store.record for later in cleared)
            assert {later.id for later in kept} <= set(records.stale(self.store.record))
            assert self.store.record["_revert_target"] == step

    @rule(terminal=TERMINALS, reason=st.sampled_from(["no logs here", " "]))
    def skip(self, terminal: int, reason: str) -> None:
        step = self.open_step(terminal)
        if step is not None:
            self.apply(terminal, Skip(step, reason))

    @rule(terminal=TERMINALS)
    def finalize(self, terminal: int) -> None:
        seen = self.terminals[terminal]
        is_offered = self.finalize_card(seen.record) == "active"
        is_current = seen.version == self.store.version
        assert self.apply(terminal, Finalize()) == (is_offered and is_current)

    @rule(terminal=TERMINALS)
    def unfinalize(self, terminal: int) -> None:
        self.apply(terminal, Unfinalize())

    @rule(terminal=TERMINALS, looks_first=st.booleans())
    def undo(self, terminal: int, looks_first: bool) -> None:
        if looks_first:
            self.terminals[terminal].refresh()
        seen, events, is_locked = self.terminals[terminal], self.store.events, records.is_locked(self.store.record)
        is_current = seen.version == self.store.version
        event = self.keep(seen.version, "user", lambda record: transitions.undo(Survey, record, events))
        seen.refresh()
        assert (event is not None) == (is_current and not is_locked and bool(self.undoable))
        if event is not None:
            assert self.written[-1] == self.written[self.undoable.pop()]

    @rule(value=VALUES, index=st.integers(0, 2))
    def job_ends(self, value: Any, index: int) -> None:
        """The worker has a result, of a job in force or of one that was superseded long ago."""
        if not self.store.jobs:
            return
        job = list(self.store.jobs.values())[-1 - index % len(self.store.jobs)]
        in_force = [
            step
            for step in Survey.steps
            if transitions.is_pending(self.store.record, step) and self.store.record[step.id]["job"] == job.id
        ]
        event = self.keep(
            self.store.version,
            "job",
            lambda record: transitions.apply(Survey, record, Complete(job.step, job.id, value), applies(record), NOW),
        )
        self.store.jobs[job.id] = JobView(job.id, job.step, "done")
        assert (event is not None) == bool(in_force)
        if event is not None:
            self.undoable = []
            self.accepted.append((job.step, values.encode(value)))

    @rule(state=st.sampled_from(["running", "waiting", "failed", "cancelled", "parked"]))
    def job_moves(self, state: JobState) -> None:
        for id, job in list(self.store.jobs.items())[-1:]:
            if job.state != "done":
                self.store.jobs[id] = JobView(id, job.step, state)

    def finalize_card(self, record: Record) -> str:
        """Look at the cards; the state of the last one."""
        facts = {step: Facts(applies=does) for step, does in applies(record).items()}
        shown = cards(Survey, record, self.store.jobs, facts, {})
        opened = [card.id for card in shown if card.is_open]
        first = transitions.open_step(Survey, record, applies(record))
        assert len(opened) <= 1
        if shown[-1].locked:
            assert not opened and shown[-1].state == "done"
        else:
            is_pending = first is not None and transitions.is_pending(record, first)
            assert opened == ([] if is_pending else [first.id if first else "finalize"])
            assert (shown[-1].state == "active") == (first is None)
        return shown[-1].state

    @invariant()
    def the_events_fold_to_the_record(self) -> None:
        assert records.encode(records.fold(event.change.forward for event in self.store.events)) == self.written[-1]
        assert records.encode(self.store.record) == self.written[-1]

    @invariant()
    def each_change_goes_back_to_the_bytes(self) -> None:
        last = self.store.events[-1]
        assert records.encode(last.change.backward.apply(self.store.record)) == self.written[last.seq - 1]

    @invariant()
    def no_accepted_value_is_gone_without_an_event_that_has_it(self) -> None:
        told = {
            (step, values.encode(value))
            for event in self.store.events
            for step, part in event.change.forward.set.items()
            if isinstance(part, dict)
            for value in part.values()
        }
        assert set(self.accepted) <= told
        before, after = values.decode(self.written[-2]), values.decode(self.written[-1])
        gone = {key: part for key, part in before.items() if values.encode(part) != values.encode(after.get(key))}
        assert gone.items() <= self.store.events[-1].change.backward.set.items()

    @invariant()
    def what_is_edited_is_what_is_open(self) -> None:
        record = self.store.record
        if "_revert_target" in record:
            opened = transitions.open_step(Survey, record, applies(record))
            assert opened is not None and opened.id == record["_revert_target"]

    @invariant()
    def the_cards_can_be_shown(self) -> None:
        for terminal in self.terminals:
            self.finalize_card(terminal.record)
        self.finalize_card(self.store.record)


Machine.TestCase.settings = settings(STEADY, max_examples=100, stateful_step_count=40)
TestMachine = Machine.TestCase
