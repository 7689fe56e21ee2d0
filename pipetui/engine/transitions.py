"""How a run moves: (workflow, record, command) to a new record and its change, or a Refusal. Pure functions.

`applies` says for each step with a `_when` method whether it applies; a step that is not in it does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from . import record as records
from . import values
from .record import FINALIZE, INPUT, JOB, SKIPPED, STALE, TARGET, Change, Record
from .refusals import Locked as Locked
from .refusals import Moved as Moved
from .refusals import Refusal as Refusal
from .workflow import Step, Workflow


@dataclass(frozen=True)
class Submit:
    """A value for the open step; with `job` (the id of a new one) it is the job's input."""

    step: str
    value: Any = None
    job: str | None = None


@dataclass(frozen=True)
class Confirm:
    """Keep the value of the open stale step as it is."""

    step: str


@dataclass(frozen=True)
class Complete:
    """What a job returned, as the value of its step."""

    step: str
    job: str
    value: Any


@dataclass(frozen=True)
class Revert:
    step: str


@dataclass(frozen=True)
class Skip:
    step: str
    reason: str


@dataclass(frozen=True)
class Finalize:
    pass


@dataclass(frozen=True)
class Unfinalize:
    pass


Command: TypeAlias = Submit | Confirm | Complete | Revert | Skip | Finalize | Unfinalize
Kind: TypeAlias = Literal[
    "create", "submit", "confirm", "complete", "revert", "skip", "finalize", "unfinalize", "undo", "import"
]
KINDS: Mapping[type[Command], Kind] = {
    Submit: "submit",
    Confirm: "confirm",
    Complete: "complete",
    Revert: "revert",
    Skip: "skip",
    Finalize: "finalize",
    Unfinalize: "unfinalize",
}
Actor: TypeAlias = Literal["user", "auto", "job", "model"]
Applies: TypeAlias = Mapping[str, bool]


@dataclass(frozen=True)
class Happened:
    """An event without its change: enough to know what undo would take back. `seq` counts from 1, `at` is ISO 8601."""

    seq: int
    at: str
    actor: Actor
    kind: Kind
    step: str | None
    undoes: tuple[int, ...]


@dataclass(frozen=True)
class Event(Happened):
    """One line of a run's history; its `seq` is the run's version after it."""

    change: Change


H = TypeVar("H", bound=Happened)


@dataclass(frozen=True)
class Moment:
    """What a command made: the new record, the change, and what it was."""

    record: Record
    change: Change
    kind: Kind
    step: str | None = None
    undoes: tuple[int, ...] = ()


def apply(workflow: type[Workflow], record: Record, command: Command, applies: Applies, now: str) -> Moment:
    """The record after `command`. Refusal (Locked, where it is that) when it can't be carried out."""
    if records.is_locked(record) and not isinstance(command, Unfinalize):
        raise Locked("This run is finalized: nothing in it changes until you unfinalize it.")
    after: Record = values.copy(record)
    step: str | None = None
    match command:
        case Submit():
            step = _submit(workflow, after, command, applies)
        case Confirm():
            step = _confirm(workflow, after, command, applies)
        case Complete():
            step = _complete(workflow, after, command)
        case Revert():
            step = _revert(workflow, after, command, applies)
        case Skip():
            step = _skip(workflow, after, command, applies)
        case Finalize():
            _finalize(workflow, after, applies)
        case Unfinalize():
            if not records.is_locked(record):
                raise Refusal("This run is not finalized.")
            del after[FINALIZE]
    after["updated"] = now
    after = records.ordered(after)
    return Moment(after, Change.between(record, after), KINDS[type(command)], step)


def undo(workflow: type[Workflow], record: Record, history: Sequence[Event]) -> Moment:
    """Take back the last user's transition, with what started by itself because of it.

    `history` may be the last part of the run's events, in order. Refusal when there is nothing, or a job's result was
    built on it.
    """
    taken = undoable(workflow, record, history)
    after = record
    for event in taken:
        after = event.change.backward.apply(after)
    return Moment(after, Change.between(record, after), "undo", taken[-1].step, tuple(event.seq for event in taken))


def undoable(workflow: type[Workflow], record: Mapping[str, Any], history: Sequence[H]) -> list[H]:
    """What `undo` would take back, the newest first: the last user's transition is the last of it. Refusal."""
    if records.is_locked(record):
        raise Locked("This run is finalized: undo doesn't reach past that. Unfinalize it first.")
    undone = {seq for event in history for seq in event.undoes}
    taken: list[H] = []
    for event in reversed(history):
        if event.kind == "undo" or event.seq in undone:
            continue
        if event.kind in ("finalize", "unfinalize"):
            raise Refusal("Undo doesn't reach past finalize.")
        if event.kind in ("create", "import"):
            break
        if event.actor == "job":
            label = next((step.show for step in workflow.body() if step.id == event.step), event.step)
            raise Refusal(f"The result of {label} was built on it: revert instead of undo.")
        taken.append(event)
        if event.actor != "auto":
            return taken
    raise Refusal("There is nothing to undo.")


def is_present(record: Mapping[str, Any], step: Step) -> bool:
    part = record.get(step.id)
    return isinstance(part, Mapping) and step.done in part


def is_pending(record: Mapping[str, Any], step: Step) -> bool:
    """Whether the step waits for its job: started, no value yet."""
    part = record.get(step.id)
    return isinstance(part, Mapping) and JOB in part and step.done not in part


def halts(record: Mapping[str, Any], step: Step) -> bool:
    """Whether the chain ends at this step, if it applies: input is wanted here, or a job is pending."""
    if step.id == record.get(TARGET) or is_pending(record, step) or step.id in records.stale(record):
        return True
    return step.id not in records.skipped(record) and not is_present(record, step)


def open_step(workflow: type[Workflow], record: Mapping[str, Any], applies: Applies) -> Step | None:
    """The step that ends the chain. None when all are complete."""
    return next((s for s in workflow.body() if applies.get(s.id, True) and halts(record, s)), None)


def affected(workflow: type[Workflow], record: Mapping[str, Any], step_id: str) -> tuple[list[Step], list[Step]]:
    """What a change of a step does to later ones: (those that lose their value, those that are kept as stale)."""
    body = workflow.body()
    later = body[[step.id for step in body].index(step_id) + 1 :]
    skipped = records.skipped(record)
    held = [step for step in later if step.id in skipped or step.id in record]
    kept = [step for step in held if step.refill and is_present(record, step)]
    return [step for step in held if step not in kept], kept


def _open(workflow: type[Workflow], record: Record, step_id: str, applies: Applies) -> Step:
    step = _known(workflow, step_id)
    opened = open_step(workflow, record, applies)
    if opened is None or opened.id != step.id:
        where = f"{opened.show} ({opened.id}) comes first." if opened else "All steps are complete."
        raise Refusal(f"{step.show} ({step.id}) is not open: {where}")
    return step


def _known(workflow: type[Workflow], step_id: str) -> Step:
    for step in workflow.body():
        if step.id == step_id:
            return step
    raise Refusal(f"There is no step {step_id} here; there are {', '.join(s.id for s in workflow.body())}.")


def _is_editing(record: Mapping[str, Any], step: Step) -> bool:
    return record.get(TARGET) == step.id


def _put(record: Record, key: str, value: Any) -> None:
    """Set a mark, or drop it when it is empty."""
    if value:
        record[key] = value
    else:
        record.pop(key, None)


def _change_later(workflow: type[Workflow], record: Record, step: Step) -> None:
    cleared, kept = affected(workflow, record, step.id)
    skipped = records.skipped(record)
    for later in cleared:
        record.pop(later.id, None)
        skipped.pop(later.id, None)
    lost = {later.id for later in cleared}
    stale = [id for id in records.stale(record) if id not in lost]
    stale += [later.id for later in kept if later.id not in stale]
    _put(record, SKIPPED, skipped)
    _put(record, STALE, stale)


def _settle(record: Record, step: Step) -> None:
    """The step has its answer: no mark on it is left, and nothing is being edited."""
    record.pop(TARGET, None)
    _put(record, STALE, [id for id in records.stale(record) if id != step.id])
    _put(record, SKIPPED, {id: why for id, why in records.skipped(record).items() if id != step.id})


def _submit(workflow: type[Workflow], record: Record, command: Submit, applies: Applies) -> str:
    step = _open(workflow, record, command.step, applies)
    if is_pending(record, step) and not _is_editing(record, step):
        raise Refusal(f"The job of {step.show} is not over: cancel it, or revert the step to change its input.")
    if workflow.has_job(step) != (command.job is not None):
        raise Refusal(f"{step.show} ({step.id}) {'wants' if workflow.has_job(step) else 'has no'} job.")
    _settle(record, step)
    _change_later(workflow, record, step)
    if command.job is not None:
        record[step.id] = {INPUT: command.value, JOB: command.job}
    else:
        record[step.id] = {step.done: command.value}
    return step.id


def _confirm(workflow: type[Workflow], record: Record, command: Confirm, applies: Applies) -> str:
    step = _open(workflow, record, command.step, applies)
    if step.id not in records.stale(record) or _is_editing(record, step):
        raise Refusal(f"{step.show} ({step.id}) has nothing to confirm.")
    _settle(record, step)
    return step.id


def _complete(workflow: type[Workflow], record: Record, command: Complete) -> str:
    step = _known(workflow, command.step)
    if not is_pending(record, step) or record[step.id][JOB] != command.job:
        raise Refusal(f"The job of {step.show} is no longer wanted: its result stays in the history.")
    record[step.id] = {**record[step.id], step.done: command.value}
    return step.id


def _revert(workflow: type[Workflow], record: Record, command: Revert, applies: Applies) -> str:
    step = _known(workflow, command.step)
    if _is_editing(record, step):
        raise Refusal(f"{step.show} ({step.id}) is open already.")
    if not applies.get(step.id, True):
        raise Refusal(f"{step.show} ({step.id}) does not apply here.")
    if step.id not in record and step.id not in records.skipped(record):
        raise Refusal(f"{step.show} ({step.id}) has no answer yet: there is nothing to revert.")
    opened, body = open_step(workflow, record, applies), workflow.body()
    if opened is not None and body.index(opened) < body.index(step):
        raise Refusal(f"{step.show} ({step.id}) is further down: {opened.show} ({opened.id}) comes first.")
    _settle(record, step)
    _change_later(workflow, record, step)
    if isinstance(record.get(step.id), dict):
        record[step.id].pop(JOB, None)
    record[TARGET] = step.id
    return step.id


def _skip(workflow: type[Workflow], record: Record, command: Skip, applies: Applies) -> str:
    step = _open(workflow, record, command.step, applies)
    if not step.skip:
        raise Refusal(f"{step.show} ({step.id}) can't be skipped.")
    reason = " ".join(command.reason.split())
    if not reason:
        raise Refusal("To skip a step needs a reason: it is kept with the run.")
    _settle(record, step)
    _change_later(workflow, record, step)
    record.pop(step.id, None)
    record[SKIPPED] = {**records.skipped(record), step.id: reason}
    return step.id


def _finalize(workflow: type[Workflow], record: Record, applies: Applies) -> None:
    opened = open_step(workflow, record, applies)
    if opened is not None:
        raise Refusal(f"{opened.show} ({opened.id}) is not complete: a run is finalized when all its steps are.")
    left_out = [step.id for step in workflow.body() if not applies.get(step.id, True)]
    record[FINALIZE] = {"finalized": True} | ({"not_applicable": left_out} if left_out else {})


def said_when_locked(record: Mapping[str, Any]) -> dict[str, bool]:
    """On a locked run: which steps did not apply when it was locked."""
    return dict.fromkeys(record.get(FINALIZE, {}).get("not_applicable", ()), False)
