"""`pipetui run`: walk a run's cards without a screen, as far as what was said goes."""

from __future__ import annotations

import asyncio
import math
import shlex
import sys
import time
from argparse import Namespace
from contextlib import suppress
from typing import Any

from ..engine.cards import Card
from ..engine.fields import Field, Group, Invalid
from ..engine.jobs import JobView
from ..engine.refusals import Refusal
from ..engine.workflow import Workflow
from ..service import Service
from ..service.feed import TICK
from ..service.profiles import DEFAULT
from ..service.runs import Snapshot
from ..store.runs import RunRow
from ..text import one_line
from . import output, report
from .errors import explain
from .exits import CRASH, FAILED, MOVED, OK, USAGE, WAITING, Exit
from .inputs import Setting, pairs, settings, unknown
from .session import serve

UNFINALIZE = "unfinalize"
"""What the question before an unlocking is called in --answer."""

LOOK_AFTER_WORKER = 5.0
"""Seconds between two looks whether a worker is still there, while waiting."""


def run(args: Namespace) -> int:
    walk = Walk(args)
    try:
        serve(args, walk.go)
    except Exception as error:  # whatever it is: the document tells how far the run came
        end = error if isinstance(error, Exit) else explain(error, args)
        message = f"{end.message} {walk.parting}" if end.code > 128 else end.message
        raise Exit(end.code, message.rstrip(), walk.document()) from None
    assert walk.snapshot is not None
    if args.json:
        output.document(walk.document())
    else:
        report.show(walk.snapshot)
    return OK


class Walk:
    """One call of `pipetui run`. What it did is in `snapshot`, also when it ends in an error."""

    def __init__(self, args: Namespace) -> None:
        self.args = args
        self.snapshot: Snapshot | None = None
        self.parting = ""
        """What is to be said when a signal ends it: what becomes of the job."""
        self.sets: dict[str, Setting] = {}
        self.answers: dict[str, str] = {}

    def document(self) -> dict[str, Any]:
        if self.snapshot is None:
            return {}
        left = [name for setting in self.sets.values() for name in setting.names]
        return report.as_json(self.snapshot) | ({"not_set": left} if left else {})

    async def go(self, service: Service) -> None:
        """Exit, with its code, when it ends elsewhere than was asked for."""
        self.service, self.runs = service, service.runs
        workflow = _workflow(service, self.args.workflow)
        self.sets = settings(workflow, self.args.sets)
        self.answers = dict(pairs("--answer", self.args.answers))
        snapshot = await self._found()
        try:
            snapshot = await self._first(snapshot)
            if self._is_asked_to_walk():
                await self._walk(snapshot)
        except Exception:
            # Whoever reads the document wants to know how things stand after the error.
            assert self.snapshot is not None
            self.snapshot = await self.runs.look(self.snapshot.id)
            raise

    async def _found(self) -> Snapshot:
        args = self.args
        profile = args.profile or DEFAULT
        row = None if args.key is None else await self.runs.find(profile, args.workflow, args.key)
        if row is None and args.key is not None and args.profile is None:
            row = await self._of_any_profile(args.key)
        if row is None:
            if args.undo or args.unfinalize or args.revert:
                what = f"There is no run {args.key}" if args.key else "Name the run with --key"
                raise Exit(USAGE, f"{what}: --undo, --unfinalize and --revert change one that is there.")
            self.snapshot = await self.runs.create(profile, args.workflow, args.key)
            output.note(f"New run: {self.snapshot.key}")
        else:
            self.snapshot = await self.runs.open(row.id)
        return self.snapshot

    async def _of_any_profile(self, key: str) -> RunRow | None:
        """The run whose whole key this is, as `pipetui runs` shows it."""
        with suppress(Refusal):
            row = await self.runs.keyed(key)
            return row if row.app_name == self.args.workflow else None
        return None

    async def _first(self, snapshot: Snapshot) -> Snapshot:
        """What is to be done before the walk."""
        args = self.args
        if args.unfinalize:
            snapshot = self.snapshot = await self._unlock(snapshot)
        if args.undo:
            snapshot = self.snapshot = await self.runs.undo(snapshot.id, version=snapshot.version)
        if args.revert:
            await self._check_answered(snapshot, before=snapshot.card(args.revert).number)
            snapshot = self.snapshot = await self.runs.revert(snapshot.id, args.revert, version=snapshot.version)
        return snapshot

    async def _unlock(self, snapshot: Snapshot) -> Snapshot:
        field, given = await self.runs.unfinalize_field(snapshot), self.answers.pop(UNFINALIZE, None)
        if field is not None and given is None and snapshot.locked:
            asks = f"{field.label or 'something'}: --answer {UNFINALIZE}=… ({field.accepts})"
            raise Exit(WAITING, f"{snapshot.key} asks before it is unlocked. {asks}")
        try:
            return await self.runs.unfinalize(snapshot.id, given, version=snapshot.version)
        except Invalid as invalid:
            raise Exit(USAGE, f"{UNFINALIZE}: {invalid}") from None

    def _is_asked_to_walk(self) -> bool:
        """Not after a bare --undo, say: the walk could take the same default again."""
        args = self.args
        goes_on = args.sets or args.answers or args.ask or args.wait or args.finalize
        return bool(goes_on or not (args.undo or args.unfinalize or args.revert))

    async def _walk(self, snapshot: Snapshot) -> None:
        while True:
            self.snapshot = snapshot
            await self._check_answered(snapshot)
            card = snapshot.current
            if snapshot.locked:
                break
            if card.id == "finalize":
                if self.args.finalize:
                    self.snapshot = await self.runs.finalize(snapshot.id, version=snapshot.version)
                break
            match card.state:
                case "active" | "editing" | "stale":
                    snapshot = await self._enter(snapshot, card)
                case "running" if self.args.wait:
                    snapshot = await self._wait(snapshot, card)
                case "running":
                    if self.sets:
                        left = ", ".join(name for setting in self.sets.values() for name in setting.names)
                        output.note(f"Not set yet: {left}. The job comes first: use --wait, or set it later.")
                    break
                case "waiting":
                    snapshot = await self._answer(snapshot, card)
                case "failed":
                    raise Exit(FAILED, f"{card.step.show}: {card.reason} {_retry(card)}")
                case _:
                    raise Exit(CRASH, f"{card.step.show} can't be filled in: {card.reason}")

    async def _check_answered(self, snapshot: Snapshot, before: float = math.inf) -> None:
        """Take away what is set already. Exit where a card before that number has another value, or does not apply."""
        for id, setting in list(self.sets.items()):
            card = snapshot.card(id)
            if card.number >= before:
                continue
            if card.state == "not_applicable":
                raise unknown(f"{setting.names[0]} can't be set: {card.step.show} does not apply here", "", ())
            if card.state in ("done", "running", "waiting", "failed", "skipped") and not await self._is_same(
                snapshot, card, setting
            ):
                if snapshot.locked:
                    raise Exit(MOVED, f"{snapshot.key} is finalized, and {setting.names[0]} has another value there.")
                raise Exit(
                    USAGE, f"{setting.names[0]} is answered already, otherwise. To change it: --revert {card.id}"
                )
            if card.state in ("done", "running", "waiting", "failed"):
                del self.sets[id]

    async def _is_same(self, snapshot: Snapshot, card: Card, setting: Setting) -> bool:
        field = await self.runs.field(snapshot, card.id)
        if field is None or card.state == "skipped":
            return False
        return await self.runs.is_same(snapshot, card.id, setting.given(field, _own(snapshot, card, field)))

    async def _enter(self, snapshot: Snapshot, card: Card) -> Snapshot:
        setting = self.sets.get(card.id)
        field = card.field
        if field is None:
            self._check_paid(card)
            return await self.runs.submit(snapshot.id, card.id, version=snapshot.version)
        if setting is not None:
            given = setting.given(field, _own(snapshot, card, field))
            if card.state == "stale" and await self.runs.is_same(snapshot, card.id, given):
                after = await self.runs.confirm(snapshot.id, card.id, version=snapshot.version)
            else:
                after = await self._submit(snapshot, card, given, setting)
            del self.sets[card.id]
            return after
        if card.state == "active" and field.complete and not self.args.ask and not card.step.paid:
            given = field.default if field.default is not None else {}
            return await self.runs.submit(snapshot.id, card.id, given, version=snapshot.version)
        raise Exit(WAITING, _wants(snapshot, card, field))

    async def _submit(self, snapshot: Snapshot, card: Card, given: Any, setting: Setting) -> Snapshot:
        try:
            return await self.runs.submit(snapshot.id, card.id, given, version=snapshot.version)
        except Invalid as invalid:
            at = ".".join(filter(None, (card.step.done, invalid.at)))
            if invalid.at and at not in setting.names and () not in setting.texts:
                raise Exit(WAITING, f"{snapshot.key} waits for {at}: {invalid} Use --set {at}=…") from None
            raise Exit(USAGE, f"{at}: {invalid}") from None

    def _check_paid(self, card: Card) -> None:
        done = card.step.done
        if card.step.paid and self.answers.pop(done, "").lower() not in ("yes", "y", "true", "1"):
            raise Exit(WAITING, f"{card.step.show} costs something and is not begun unasked: --answer {done}=yes")

    async def _answer(self, snapshot: Snapshot, card: Card) -> Snapshot:
        assert card.job is not None and card.job.question is not None
        question = card.job.question
        if question.name not in self.answers:
            raise Exit(
                WAITING,
                f"{card.step.show} asks: {question.why} Use --answer {question.name}=… ({question.field.accepts})",
            )
        try:
            trouble = await self.service.jobs.answer(card.job.id, question.name, self.answers.pop(question.name))
        except Invalid as invalid:
            raise Exit(USAGE, f"{question.name}: {invalid}") from None
        if trouble:
            output.note(trouble)
        return await self.runs.open(snapshot.id)

    async def _wait(self, snapshot: Snapshot, card: Card) -> Snapshot:
        """The run when the job of this card is over, or asks."""
        self.parting = f"{card.step.show} of {snapshot.key} goes on in the background."
        feed, progress = self.service.feed(), Progress()
        await feed.look()  # sets its cursor: what happens from here on is seen, and what did before is read
        self.snapshot = snapshot = await self.runs.open(snapshot.id)
        stop = asyncio.Event()
        helper = asyncio.create_task(self._keep_worked(stop))
        try:
            while (card := snapshot.current).state == "running":
                assert card.job is not None
                progress.show(card.step.show, card.job)
                changes = None
                while changes is None or snapshot.id not in changes.runs:
                    await asyncio.sleep(TICK)
                    changes = await feed.look()
                    if helper.done():
                        helper.result()  # raises what ended it
                self.snapshot = snapshot = await self.runs.open(snapshot.id)
        finally:
            progress.end()
            stop.set()
            await helper
        self.parting = ""
        return snapshot

    async def _keep_worked(self, stop: asyncio.Event) -> None:
        """See to it that there is a worker; where none can be started, run the jobs here."""
        while not (trouble := await self.service.work()):
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AFTER_WORKER):
                    await stop.wait()
                    return
        from ..worker.in_app import run_in_app

        output.note(trouble)
        self.parting = "The job stops here too, and goes on with the next pipetui command."
        await run_in_app(self.service.paths, self.service.settings, stop)


class Progress:
    """A job's progress on stderr: one line that changes on a terminal, else a line a second at most."""

    def __init__(self) -> None:
        self._is_terminal = sys.stderr.isatty()
        self._last = ""
        self._written = 0.0

    def show(self, label: str, job: JobView) -> None:
        text = one_line(f"{label}: {report.progress(job)}", 78)
        if text == self._last:
            return
        if self._is_terminal:
            sys.stderr.write("\r" + text + " " * (output.width(self._last) - output.width(text)))
            sys.stderr.flush()
        elif time.monotonic() - self._written < 1.0:
            return
        else:
            output.note(text)
            self._written = time.monotonic()
        self._last = text

    def end(self) -> None:
        if self._is_terminal and self._last:
            sys.stderr.write("\r" + " " * output.width(self._last) + "\r")


def _workflow(service: Service, name: str) -> type[Workflow]:
    entry = service.registry.get(name)
    if entry is None or entry.workflow is None:
        names = [entry.app_name for entry in service.registry.entries() if entry.app_name]
        raise unknown(f"There is no workflow {name!r}", name, names)
    if entry.error:
        output.note(entry.error)
    return entry.workflow


def _own(snapshot: Snapshot, card: Card, field: Field) -> Any:
    """What the step holds now, as an input; the rest of a group's members comes from there."""
    held = snapshot.handle
    part = snapshot.row.record.get(card.id, {})
    if card.has_job:
        return field.editable(held.input(card.id, object)) if "input" in part else None
    return field.editable(held.value(card.id, object)) if card.step.done in part else None


def _wants(snapshot: Snapshot, card: Card, field: Field) -> str:
    done = card.step.done
    how = f"{done}.MEMBER=…" if isinstance(field, Group) else f"{done}=…"
    if card.state == "stale":
        return (
            f"{snapshot.key}: {card.step.show} was kept from before a change above ({card.summary}). "
            f"Set it again to keep or change it: --set {how}"
        )
    hint = f" ({field.hint})" if field.hint else ""
    wanted = f"{snapshot.key} waits for {done}, {card.step.show}: {field.accepts}{hint}."
    return f"{wanted} Go on with: --key {shlex.quote(snapshot.key)} --set {how}"


def _retry(card: Card) -> str:
    return f"To try again: pipetui retry {card.job.id[:12]}" if card.job is not None else ""
