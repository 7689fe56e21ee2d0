"""Actions on runs: list, show, start, fill a step, submit, skip, revert, undo, finalize, unfinalize.

A plan is made for one version of the run, and carried out for that version alone.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..engine import keys, transitions
from ..engine import record as records
from ..engine.cards import FINALIZE, Card
from ..engine.fields import Group, Invalid, Number, Text, named
from ..engine.record import INPUT, Record
from ..engine.refusals import Locked, Refusal
from ..engine.transitions import Actor, Command, Moment
from ..engine.values import decode, digest
from ..engine.workflow import Step, Workflow
from ..service.large import MARK
from ..text import ago, count, meant, one_line
from .action import Action, Args, Done, Effect, Plan, Scope
from .given import Given
from .shown import labelled, shown
from .workflows import known

if TYPE_CHECKING:
    from ..service import Service
    from ..service.runs import Snapshot
    from ..store.runs import RunRow

RUN = Text(optional=True, maximum=200, hint="the run's key; left out: the run on the screen", label="run")
STEP = Text(maximum=120, hint="a step's id (step_01) or the name of its value", label="step")
WORD = dataclasses.replace(STEP, pattern=r"\S.*")
"""A step before other words: where it is typed, one word, or several between quotes."""
OPEN_STEP = Text(optional=True, maximum=120, hint="the open step's id; left out: the open step", label="step")
WORKFLOW = Text(maximum=40, pattern="[A-Za-z0-9_]+", hint="the workflow's APP_NAME", label="workflow")

VALUE = Given(hint="what the step asks for, as one would type it; an object where it has members", label="value")

MOST_KEYS = 200
"""Keys among which the nearest to a wrong one is looked for."""


class Move(Protocol):
    """A method of `service.runs` that knows all but these two."""

    def __call__(self, *, version: int, actor: Actor) -> Awaitable[Snapshot]: ...


async def find(service: Service, scope: Scope, key: str) -> RunRow:
    """The run on the screen, or the one of the scope's profile with this key or id. Refusal."""
    if not key:
        if not scope.run:
            raise Refusal("No run is on the screen: say which one is meant, by its key.")
        return await service.shelves.row(scope.run)
    try:
        row = await service.shelves.keyed(key)
        if row.profile == scope.profile or row.id == scope.run:
            return row
    except Refusal:
        pass
    lines = await service.shelves.lines(profile=scope.profile, shelf=None, limit=MOST_KEYS)
    there = [keys.compose(line.profile, line.app_name, line.part) for line in lines]
    raise Refusal(f"There is no run {one_line(key, 80)!r} of {scope.profile}{meant(key, there)}")


async def _look(service: Service, scope: Scope, args: Args) -> Snapshot:
    return await service.runs.look((await find(service, scope, args.get("run", ""))).id)


# reading


async def _list(service: Service, scope: Scope, args: Args) -> Done:
    lines = await service.shelves.lines(
        profile=scope.profile,
        app_name=args.get("app_name"),
        text=args.get("text", ""),
        limit=int(args["limit"]),
    )
    now = time.time()
    found = [
        {
            "run": keys.compose(line.profile, line.app_name, line.part),
            "next": "complete" if line.next_step == "finalize" else line.next_step,
            **({"job": line.job} if line.job else {}),
            "changed": ago(now - line.updated),
        }
        for line in lines
    ]
    said = f"{count(len(found))} {'run' if len(found) == 1 else 'runs'} of {scope.profile}"
    return Done(said, found, "\n".join("  ".join(map(str, row.values())) for row in found))


async def _show(service: Service, scope: Scope, args: Args) -> Done:
    snapshot = await _look(service, scope, args)
    files = [{"name": file.name, "bytes": file.size, "rows": file.rows} for file in snapshot.artifacts]
    result = {
        "run": snapshot.key,
        "workflow": snapshot.row.app_name,
        "state": "locked" if snapshot.locked else "open",
        "steps": [_card(card) for card in snapshot.cards if card.step is not FINALIZE],
        "files": files,
    }
    lines = [
        f"{card.number:>3} {card.state:<9} {card.step.show}  {card.summary or card.reason}" for card in snapshot.cards
    ]
    lines += [f"    {file.name}" for file in snapshot.artifacts]
    return Done(f"{snapshot.key}: {_standing(snapshot)}", result, "\n".join(lines))


def _card(card: Card) -> dict[str, Any]:
    said: dict[str, Any] = {"step": card.id, "value": card.step.done, "label": card.step.show, "state": card.state}
    if card.summary or card.reason:
        said["says"] = card.summary or card.reason
    if card.is_open and card.field is not None:
        said["accepts"] = card.field.accepts
    if card.job is not None and card.state not in ("done", "skipped"):
        said["job"] = {"id": card.job.id, "state": card.job.state, "text": card.job.progress.text}
    return said


def _standing(snapshot: Snapshot) -> str:
    current = snapshot.current
    if snapshot.locked:
        return "locked"
    return "complete" if current.step is FINALIZE else f"{current.step.show} is {current.state}"


# changing


async def _start(service: Service, scope: Scope, args: Args) -> Plan:
    app_name = args["app_name"]
    workflow = known(service, app_name)
    part = args.get("part") or await service.shelves.next_part(scope.profile, app_name)
    found = await service.shelves.find(scope.profile, app_name, part)
    if found is not None:
        raise Refusal(f"There is a run {keys.compose(scope.profile, app_name, found.part)} already: open it instead.")
    part = keys.part_of(part, scope.profile, app_name)
    key = keys.compose(scope.profile, app_name, part)

    async def carry_out() -> Done:
        made = await service.runs.create(scope.profile, app_name, part, actor=scope.actor)
        return Done(f"{key} is started.", {"run": key, "id": made.id, "next": _card(made.current)})

    return Plan(
        Effect(
            f"Start a run of {workflow.DISPLAY_NAME or app_name}",
            "",
            key,
            digest("start", scope.profile, app_name, part),
        ),
        carry_out,
    )


async def _fill(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    card = _open(snapshot, args.get("step"))
    given = _given(card, args["value"])
    before = snapshot.drafts.get(card.id)

    async def carry_out() -> Done:
        await service.runs.draft(snapshot.id, card.id, given)
        return Done(f"{card.step.show} is filled in, and not submitted yet.", {"run": snapshot.key, "step": card.id})

    effect = Effect(
        f"Fill in {card.step.show} of {snapshot.key}, without submitting it",
        "" if before is None else labelled(card.step.show, before),
        labelled(card.step.show, given),
        digest(snapshot.id, snapshot.version, "fill", card.id, before),
    )
    return Plan(effect, carry_out)


async def _submit(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    card = _open(snapshot, args.get("step"))
    if card.state == "stale" and "value" not in args and card.id not in snapshot.drafts:
        moment = _moment(snapshot, transitions.Confirm(card.id))
        move: Move = partial(service.runs.confirm, snapshot.id, card.id)
        done = f"{card.step.show} is kept as it is in {snapshot.key}."
        return _plan(scope, snapshot, f"Keep {card.step.show} as it is in", moment, move, done)
    given = _given(card, args["value"]) if "value" in args else None if card.field is None else card.prefill
    value = None if card.field is None else card.field.parse(given)
    moment = _moment(snapshot, transitions.Submit(card.id, value, "new" if card.has_job else None))
    note = "This starts work that may cost something." if card.step.paid else "This starts a job." * card.has_job
    move = partial(service.runs.submit, snapshot.id, card.id, given)
    done = f"{card.step.show} is {'begun' if card.has_job else 'submitted'} in {snapshot.key}."
    return _plan(scope, snapshot, f"Submit {card.step.show} of", moment, move, done, given, note=note)


async def _skip(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    step, reason = snapshot.card(args["step"]).step, args["reason"]
    moment = _moment(snapshot, transitions.Skip(step.id, reason))
    move = partial(service.runs.skip, snapshot.id, step.id, reason)
    done = f"{step.show} is skipped in {snapshot.key}."
    return _plan(scope, snapshot, f"Skip {step.show} of", moment, move, done, reason)


async def _revert(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    step = snapshot.card(args["step"]).step
    moment = _moment(snapshot, transitions.Revert(step.id))
    move: Move = partial(service.runs.revert, snapshot.id, step.id)
    done = f"{step.show} is open again in {snapshot.key}."
    return _plan(scope, snapshot, f"Open {step.show} again in", moment, move, done)


async def _undo(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    moment = transitions.undo(snapshot.workflow, snapshot.row.record, await service.runs.history(snapshot.id))
    move: Move = partial(service.runs.undo, snapshot.id)
    return _plan(
        scope, snapshot, "Undo the last change of", moment, move, f"The last change of {snapshot.key} is undone."
    )


async def _finalize(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    moment = _moment(snapshot, transitions.Finalize())
    if problems := await service.runs.problems(snapshot):
        raise Refusal("It can't be finalized: " + " · ".join(problems))
    move: Move = partial(service.runs.finalize, snapshot.id)
    return _plan(scope, snapshot, "Finalize (lock)", moment, move, f"{snapshot.key} is locked.")


async def _unfinalize(service: Service, scope: Scope, args: Args) -> Plan:
    snapshot = await _look(service, scope, args)
    moment = _moment(snapshot, transitions.Unfinalize())
    move: Move = partial(service.runs.unfinalize, snapshot.id)
    return _plan(scope, snapshot, "Unfinalize (unlock)", moment, move, f"{snapshot.key} can be changed again.")


# inside


def _plan(
    scope: Scope,
    snapshot: Snapshot,
    verb: str,
    moment: Moment,
    move: Move,
    done: str,
    given: Any = None,
    *,
    note: str = "",
) -> Plan:
    """What moves the run as `moment` does, at this version and no other. `verb` ends before its key."""
    before, after = changed(snapshot.workflow, snapshot.row.record, moment.record)

    async def carry_out() -> Done:
        moved = await move(version=snapshot.version, actor=scope.actor)
        result = {"run": moved.key, "state": "locked" if moved.locked else "open", "next": _card(moved.current)}
        is_further = moment.kind in ("submit", "confirm", "skip")
        return Done(done + (_next(moved) if is_further else ""), result)

    target = digest(snapshot.id, snapshot.version, moment.kind, moment.step, given)
    effect = Effect(f"{verb} {snapshot.key}", before, "\n".join(filter(None, (after, note))), target)
    return Plan(effect, carry_out)


def _next(snapshot: Snapshot) -> str:
    """The step that a person is to see to now."""
    current = snapshot.current
    if current.step is FINALIZE:
        return " All steps are complete."
    return f" Next: {current.step.show}." if current.is_open else ""


def _moment(snapshot: Snapshot, command: Command) -> Moment:
    """Where the command would lead. Refusal when it can't be carried out."""
    return transitions.apply(snapshot.workflow, snapshot.row.record, command, snapshot.applies, "")


def _open(snapshot: Snapshot, step: str | None) -> Card:
    """The open card, which is the one that was named, if one was. Refusal."""
    current = snapshot.current
    card = snapshot.card(step) if step else current
    if snapshot.locked:
        raise Locked("This run is finalized: nothing in it changes until it is unfinalized.")
    if card.is_open and card.step is not FINALIZE:
        return card
    if card.state == "broken":
        raise Refusal(f"{card.step.show} can't be filled in: {card.reason}")
    where = "all steps are complete" if current.step is FINALIZE else f"{current.step.show} ({current.id}) is at turn"
    raise Refusal(f"{card.step.show} ({card.id}) is not open ({card.state}): {where}.")


def _given(card: Card, value: Any) -> Any:
    """The input for a card: the value, or what its text says in JSON where the step wants an object. Refusal."""
    if card.field is None:
        raise Refusal(f"{card.step.show} takes no input: submit it without a value.")
    if any(not field.kept for _, field in named(card.field, card.id)):
        raise Refusal(f"{card.step.show} takes a secret: that is typed on its card, and nowhere else.")
    if isinstance(card.field, Group) and isinstance(value, str):
        try:
            value = decode(value)
        except ValueError:
            raise Invalid(f"{card.step.show} wants an object with {', '.join(card.field.members)}.") from None
    card.field.parse(value)
    return value


def changed(workflow: type[Workflow], before: Record, after: Record) -> tuple[str, str]:
    """What is another one in a later record: (as it was, as it is), a line or more for each step that differs."""
    was, becomes = [], []
    for step in workflow.body():
        old, new = _said(before, step), _said(after, step)
        if old != new:
            was.append(labelled(step.show, old))
            becomes.append(labelled(step.show, new))
    if records.is_locked(before) != records.is_locked(after):
        for locked, lines in ((records.is_locked(before), was), (records.is_locked(after), becomes)):
            lines.append("The run is locked." if locked else "The run can be changed.")
    return "\n".join(was), "\n".join(becomes)


def _said(record: Record, step: Step) -> Any:
    """What a record says of a step: its value, and how it stands where that is not simply done."""
    part = record.get(step.id)
    value = None
    if isinstance(part, Mapping):
        value = part.get(step.done) if step.done in part else part.get(INPUT)
    if isinstance(value, Mapping) and MARK in value:
        value = f"({count(int(value['size']))} characters)"
    notes = []
    if reason := records.skipped(record).get(step.id):
        notes.append(f"skipped: {reason}")
    elif record.get(records.TARGET) == step.id:
        notes.append("open again")
    elif step.id in records.stale(record):
        notes.append("to be confirmed")
    elif transitions.is_pending(record, step):
        notes.append("its job is asked for")
    elif not isinstance(part, Mapping):
        notes.append("empty")
    if not notes:
        return value
    lines = [] if value is None else shown(value)
    return "\n".join([*lines, f"({notes[0]})"]) if len(lines) != 1 else f"{lines[0]} ({notes[0]})"


ACTIONS = (
    Action(
        "runs_list",
        "List the runs of this profile, the last changed first.",
        Group(
            app_name=Text(
                optional=True, maximum=40, hint="only runs of this workflow (its APP_NAME)", label="workflow"
            ),
            text=Text(optional=True, maximum=100, hint="only runs with this in their key", label="text"),
            limit=Number(20, whole=True, minimum=1, maximum=50, hint="how many at most", label="at most"),
        ),
        read=_list,
    ),
    Action("runs_show", "Show a run: its steps, what they hold, its files.", Group(run=RUN), read=_show),
    Action(
        "runs_start",
        "Start a new run of a workflow.",
        Group(
            app_name=WORKFLOW,
            part=Text(
                optional=True, maximum=60, hint="the end of its key; left out: the next free number", label="key"
            ),
        ),
        plan=_start,
    ),
    Action(
        "runs_fill",
        "Fill in the open step of a run and leave it to the user to submit it.",
        Group(value=VALUE, step=OPEN_STEP, run=RUN),
        plan=_fill,
    ),
    Action(
        "runs_submit",
        "Submit the open step of a run: a value, or what is filled in.",
        Group(value=dataclasses.replace(VALUE, optional=True), step=OPEN_STEP, run=RUN),
        plan=_submit,
    ),
    Action(
        "runs_skip",
        "Skip the open step of a run, where its author allows it.",
        Group(step=WORD, reason=Text(maximum=500, hint="why; it is kept with the run", label="reason"), run=RUN),
        plan=_skip,
    ),
    Action(
        "runs_revert",
        "Open a finished step of a run again; what is built on it is cleared or to be confirmed.",
        Group(step=STEP, run=RUN),
        plan=_revert,
    ),
    Action("runs_undo", "Take back the last change of a run.", Group(run=RUN), plan=_undo),
    Action("runs_finalize", "Lock a run that is complete.", Group(run=RUN), plan=_finalize),
    Action("runs_unfinalize", "Unlock a run.", Group(run=RUN), plan=_unfinalize),
)
