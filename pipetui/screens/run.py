"""A run: its stack of cards."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.timer import Timer

from ..engine.cards import FINALIZE, Card
from ..engine.fields import Invalid
from ..engine.jobs import UNDERWAY
from ..engine.record import INPUT
from ..engine.refusals import Locked, Moved, Refusal
from ..engine.views import listed_files
from ..service.facts import Broken
from ..service.runs import Snapshot
from ..store.artifacts import ArtifactRow
from ..store.rev import Changes
from ..terminal import clipboard
from ..text import counted, size
from ..widgets.card import CardView
from ..widgets.copies import Copy, copies, value_text
from ..widgets.stack import CardStack
from .base import MainScreen, Place
from .commands import COMMANDS, Where, bindings, keys_of, shown_key
from .copying import PickCopy
from .dialogs import Ask, Confirm, Reading
from .forms import Form
from .history import History

DRAFT_SECONDS = 0.4
"""What was typed is on disk this long after the last key."""

_FINISHED = frozenset({"done", "skipped", "not_applicable"})


_LETTERS = frozenset(command.name for command in COMMANDS if "run" in command.where and command.name != "back")


class RunScreen(MainScreen):
    """Shows snapshots of one run. A key becomes a move of the service; what it answers is shown."""

    WHERE: ClassVar[Where] = "run"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WHERE)]

    DEFAULT_CSS = """
    RunScreen {
        CardStack { margin: 1 1 0 1; }
    }
    """

    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.run_id = place.run
        self._app_name = place.app_name
        self._memory = dict(place.memory)
        self._snapshot: Snapshot | None = None
        self._stack = CardStack()
        self._drafts: dict[str, Any] = {}
        self._draft_timer: Timer | None = None
        self._problems: tuple[int, tuple[str, ...]] = (0, ())
        self._moving = self._missed = False

    def content(self) -> ComposeResult:
        yield self._stack

    async def on_mount(self) -> None:
        await self.host.entries()
        try:
            snapshot = await self.service.runs.open(self.run_id, fresh=True)
        except Refusal as refusal:
            self.host.say(refusal, "warning")
            self.host.go(Place("workflow", self._app_name) if self._app_name else Place())
            return
        await self._build(snapshot)
        self.watch(self._stack, "scroll_y", self._remember, init=False)

    # showing

    async def _build(self, snapshot: Snapshot) -> None:
        """All cards anew, as the memory of this place says."""
        self._snapshot = snapshot
        if snapshot.row.profile != self.host.profile:  # one works for whom the run belongs to
            self.host.profile = snapshot.row.profile
            self.host.remember(profile=snapshot.row.profile)
        hints = {name: shown_key(keys_of(command, self.host.keymap)) for command in COMMANDS if (name := command.name)}
        hints["enter"] = hints["open"]
        current, expanded, card = snapshot.current.id, self._memory.get("expanded", ()), self._memory.get("card")
        if _can_be_locked(snapshot):  # Enter is not to lock what one has just opened: the cursor is on the last result
            current = _last_result(snapshot).id
            expanded = [id for id in expanded if id != FINALIZE.id]
            card = None if card == FINALIZE.id else card
        await self._stack.build(snapshot.cards, hints, expanded, current)
        self._head(snapshot)
        card, is_in_body = card or current, self._memory.get("body", True)
        self._focus_card(self._views.get(card, self._views[current]), is_in_body)
        scroll = self._memory.get("scroll")
        if isinstance(scroll, int | float):
            self.call_after_refresh(self._stack.scroll_to, y=scroll, animate=False)
        self._look_for_problems(snapshot)

    def _head(self, snapshot: Snapshot) -> None:
        name = snapshot.workflow.DISPLAY_NAME or snapshot.workflow.APP_NAME
        self.status.crumbs = (snapshot.row.profile, name, snapshot.key)

    async def _show(self, snapshot: Snapshot, *, follow: bool = False, into_input: bool = True) -> None:
        """Bring the cards up to date. `follow`: the user made this move, so the open card gets the focus.

        What others or a job complete leads to the next step, but never to where Enter locks the run.
        """
        before = self._snapshot
        if before is None or snapshot.version < before.version:
            return
        if [card.id for card in snapshot.cards] != list(self._views) or snapshot.workflow is not before.workflow:
            await self._flush()
            self._memory = {**self._memory, **self._stack.place}
            await self._build(await self.service.runs.open(self.run_id))
            return
        typed = not follow and await self._keep_typed(before, snapshot)
        self._snapshot = snapshot
        old, new, focused = before.current.id, snapshot.current.id, self._focused
        is_there = (focused is not None and focused.card.id == old) or self.is_in_chat
        follow = follow or (old != new and is_there and not _can_be_locked(snapshot))
        for card in snapshot.cards:
            self._views[card.id].card = self._with_problems(card, snapshot)
        if follow and (old != new or before.current.state != snapshot.current.state):
            await self._follow(before, snapshot, into_input and not typed)
        if before.row != snapshot.row:
            self._head(snapshot)
            self._look_for_problems(snapshot)
            self._remember()
        self.refresh_bindings()

    async def _follow(self, before: Snapshot, snapshot: Snapshot, into_input: bool) -> None:
        """Close what is finished, open what is next, and go there: one frame. The result that ends a run stays open."""
        old, new = self._views[before.current.id], self._views[snapshot.current.id]
        is_result = old.card.state == "done" and old.card.has_job and new.card.step is FINALIZE
        with self.app.batch_update():
            if old is not new and not is_result:
                old.expanded = False
            new.expanded = True
            await new.built()
            self._focus_card(new, into_input)
        self.call_after_refresh(new.scroll_visible, animate=False)

    def _focus_card(self, view: CardView, into_input: bool) -> None:
        """Go to a card, or into its input; who is in the chat stays there, and comes back to it."""
        if self.is_in_chat:
            self.comes_back_to(view)
        elif not (into_input and view.focus_input()):
            view.focus()

    async def _keep_typed(self, before: Snapshot, snapshot: Snapshot) -> bool:
        """Another terminal answered the step in which one types here: what was typed stays its draft.

        A dialog says so, and takes the keys that were meant for the input.
        """
        view = self._views[before.current.id]
        id, typed = view.card.id, view.given
        if not view.card.is_open or snapshot.card(id).is_open or typed in (None, view.card.prefill):
            return False
        self._drafts[id] = typed
        await self._flush()
        said = "What you typed is kept: open the step again to have it in its input."
        self.app.push_screen(Reading(f"{view.card.step.show} was answered elsewhere", said))
        return True

    def _look_for_problems(self, snapshot: Snapshot) -> None:
        """Ask what speaks against finalizing, once that is what is next."""
        if _can_be_locked(snapshot):
            self.run_worker(self._show_problems(snapshot), group="problems", exclusive=True)

    async def _show_problems(self, snapshot: Snapshot) -> None:
        self._problems = (snapshot.version, tuple(await self.service.runs.problems(snapshot)))
        if self._snapshot is not None:
            view = self._views[FINALIZE.id]
            view.card = self._with_problems(self._snapshot.cards[-1], self._snapshot)
            view.expanded = view.expanded or bool(view.card.problems)

    def _with_problems(self, card: Card, snapshot: Snapshot) -> Card:
        version, problems = self._problems
        return replace(card, problems=problems) if card.step is FINALIZE and version == snapshot.version else card

    async def changed(self, changes: Changes | None) -> None:
        if changes is not None and self.run_id not in changes.runs:
            return
        if self._moving:  # the move shows what it did, and goes there; the rest comes after it
            self._missed = True
            return
        self._missed = False
        try:
            await self._show(await self.service.runs.open(self.run_id))
        except Refusal as refusal:
            self.host.say(refusal, "warning")
            self.host.go(Place("workflow", self._app_name) if self._app_name else Place())

    # the place

    def scope(self) -> dict[str, str]:
        return super().scope() | {"app_name": self._app_name, "run": self.run_id}

    @property
    def _views(self) -> Mapping[str, CardView]:
        return self._stack.views

    @property
    def _focused(self) -> CardView | None:
        return self._stack.focused

    def _remember(self) -> None:
        if self._focused is not None:
            self.host.remember(memory=self._stack.place)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._remember()

    # drafts

    def on_card_view_drafted(self, event: CardView.Drafted) -> None:
        self._drafts[event.step_id] = event.given
        if self._draft_timer is not None:
            self._draft_timer.stop()
        self._draft_timer = self.set_timer(DRAFT_SECONDS, self._flush)

    async def _flush(self) -> None:
        drafts, self._drafts = self._drafts, {}
        for step, given in drafts.items():
            await self.service.runs.draft(self.run_id, step, given)

    async def settle(self) -> None:
        await self._flush()

    # moving

    def _move(
        self, work: Callable[[Snapshot], Awaitable[Snapshot]], step: str = "", *, into_input: bool = True
    ) -> None:
        """Make a move, one at a time; `step` is where a refused input is told, `into_input` where the focus goes."""
        if self._moving or self._snapshot is None:
            return
        self._moving = True
        self.run_worker(self._moved(work, self._snapshot, step, into_input), group="move")

    async def _moved(
        self, work: Callable[[Snapshot], Awaitable[Snapshot]], before: Snapshot, step: str, into_input: bool
    ) -> None:
        try:
            snapshot = await work(before)
        except Invalid as invalid:
            self._views[step].show_error(str(invalid), invalid.at)
            await self._flush()
            return
        except Moved as moved:
            self.host.say(moved, "warning")
            snapshot = await self.service.runs.open(self.run_id)
            await self._show(snapshot)
            return
        finally:
            self._moving = False
            if self._missed:
                self.call_later(self.changed, None)
        await self._show(snapshot, follow=True, into_input=into_input)

    def on_card_view_submitted(self, event: CardView.Submitted) -> None:
        self._submit(event.step_id, event.given)

    def on_card_view_started(self, event: CardView.Started) -> None:
        self._submit(event.step_id, None)

    def _submit(self, step: str, given: Any) -> None:
        async def work(before: Snapshot) -> Snapshot:
            snapshot = await self.service.runs.submit(self.run_id, step, given, version=before.version)
            self._drafts.pop(step, None)
            return snapshot

        self._move(work, step)

    def on_card_view_confirmed(self, event: CardView.Confirmed) -> None:
        step = event.step_id
        self._move(lambda before: self.service.runs.confirm(self.run_id, step, version=before.version))

    def on_card_view_finalized(self, event: CardView.Finalized) -> None:
        self._move(lambda before: self.service.runs.finalize(self.run_id, version=before.version))

    async def on_card_view_answered(self, event: CardView.Answered) -> None:
        try:
            trouble = await self.service.jobs.answer(event.job_id, event.name, event.given)
        except Invalid as invalid:
            view = self._focused
            if view is not None:
                view.show_error(str(invalid), invalid.at)
            return
        await self._worker_said(trouble)

    async def on_card_view_retried(self, event: CardView.Retried) -> None:
        if event.job_id is None:
            await self._show(await self.service.runs.open(self.run_id, fresh=True), follow=True)
            return
        await self._worker_said(await self.service.jobs.retry(event.job_id))

    async def _worker_said(self, trouble: str) -> None:
        if trouble:
            self.host.say(trouble, "warning")
        await self._show(await self.service.runs.open(self.run_id))

    def on_card_view_view_wanted(self, event: CardView.ViewWanted) -> None:
        step = event.step_id
        if self._snapshot is not None:
            self.run_worker(self._show_view(self._snapshot, step), group=f"view {step}", exclusive=True)

    async def _show_view(self, snapshot: Snapshot, step: str) -> None:
        view = self._views[step]
        said: list[str] = []
        try:
            shown = await self.service.runs.view(snapshot, step)
        except Broken as broken:
            shown, said = None, [f"Its view failed: {broken}"]
        made = [artifact for artifact in snapshot.artifacts if artifact.step == step]
        listed = listed_files(shown)
        said += [_artifact(artifact) for artifact in made if snapshot.folder / artifact.name not in listed]
        view.show_view(shown, "\n".join([*said, str(snapshot.folder)] if made else said))

    # keys

    @property
    def _now(self) -> Snapshot:
        if self._snapshot is None:
            raise Refusal("One moment: the run is being read.")
        return self._snapshot

    def _card(self) -> Card:
        view = self._focused
        return view.card if view is not None else self._now.current

    def _card_of_job(self) -> Card:
        """The card whose job is meant: the focused one, or the current one when that has nothing at work or failed."""
        card, current = self._card(), self._now.current
        return current if card.state in _FINISHED or card.state == "pending" else card

    def _unlocked(self) -> Snapshot:
        snapshot = self._now
        if snapshot.locked:
            key = next(shown_key(keys_of(c, self.host.keymap)) for c in COMMANDS if c.name == "finalize")
            raise Locked(f"This run is finalized: nothing in it changes. {key} unlocks it.")
        return snapshot

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a choice or a switch letters do nothing, as in a text."""
        is_typing = self._focused is not None and self._focused.is_typing
        return not (action in _LETTERS and is_typing) and super().check_action(action, parameters)

    def shows(self, command: str) -> bool:
        snapshot = self._snapshot
        if snapshot is None:
            return command in ("back", "help", "quit")
        card, locked = self._card(), snapshot.locked
        match command:
            case "revert":
                return card.can_revert
            case "undo":
                return snapshot.can_undo
            case "skip":
                return card.is_open and card.step.skip
            case "cancel":
                return _is_at_work(self._card_of_job())
            case "retry":
                return self._card_of_job().state in ("failed", "broken") and not locked
            case "copy":
                return card.state in ("done", "failed", "broken") and card.step is not FINALIZE
            case "finalize":
                return locked or snapshot.current.step is FINALIZE
        return True

    def label(self, command: str) -> str:
        snapshot = self._snapshot
        if snapshot is not None:
            match command:
                case "finalize" if snapshot.locked:
                    return "Unlock"
                case "back" if self._is_edited(snapshot):
                    return "Give back"
        return ""

    def _is_edited(self, snapshot: Snapshot) -> bool:
        view = self._focused
        return view is not None and view.card.state == "editing" and not snapshot.locked

    def action_open(self) -> None:
        view = self._focused
        if view is None:
            current = self._views[self._now.current.id]
            self._focus_card(current, into_input=True)
            current.scroll_visible(animate=False)
        elif self.focused is view:
            view.enter()
            self.call_after_refresh(view.scroll_visible, animate=False)
            self._remember()

    async def action_back(self) -> None:
        snapshot = self._snapshot
        if snapshot is not None and self._is_edited(snapshot):
            self._move(self._give_back)
            return
        self.host.go(Place("workflow", self._app_name, self.run_id))

    async def _give_back(self, before: Snapshot) -> Snapshot:
        """Leave the edit: the undo of its revert, and what was typed in it is forgotten."""
        step = before.current.id
        after = await self.service.runs.undo(self.run_id, version=before.version)
        self._drafts.pop(step, None)
        await self.service.runs.draft(self.run_id, step, None)
        return after

    async def action_revert(self) -> None:
        snapshot, card = self._unlocked(), self._card()
        if card.is_open:
            raise Refusal(f"{card.step.show} is open already.")
        if not card.can_revert:
            raise Refusal(f"{card.step.show} has no answer yet: there is nothing to revert.")
        cleared, stale = await self.service.runs.affected(self.run_id, card.id)

        def go(yes: bool | None = True) -> None:
            if yes:
                self._move(lambda before: self.service.runs.revert(self.run_id, card.id, version=snapshot.version))

        if not cleared and not stale:
            go()
            return
        said = [f"Will be cleared: {', '.join(cleared)}."] if cleared else []
        said += [f"Will be kept, to be confirmed: {', '.join(stale)}."] if stale else []
        if _is_at_work(snapshot.current) and snapshot.current.step.show in cleared + stale:
            said.append(f"The job of {snapshot.current.step.show} stops.")
        if snapshot.artifacts:
            said.append("Files stay where they are.")
        self.app.push_screen(Confirm(f"Open {card.step.show} again?", "\n".join(said), "opens it"), go)

    def action_undo(self) -> None:
        snapshot = self._unlocked()
        current = snapshot.current

        def go(yes: bool | None = True) -> None:
            if yes:
                work = self._give_back if current.state == "editing" else self._take_back
                self._move(work, into_input=False)  # so that the next key can be another undo

        if not _is_at_work(current) or not snapshot.can_undo:  # then it is refused, with the reason
            go()
            return
        text = f"{current.step.show} is at work: its job stops, and what it did so far is not used."
        self.app.push_screen(Confirm("Take back your last step?", text, "takes it back"), go)

    async def _take_back(self, before: Snapshot) -> Snapshot:
        """An undo. The answer that it takes back stands in the input again."""
        after = await self.service.runs.undo(self.run_id, version=before.version)
        card = after.current
        answer = _answer(before, card)
        if card.is_open and card.field is not None and answer is not None:
            given = card.field.editable(answer)
            if given != card.prefill:
                await self.service.runs.draft(self.run_id, card.id, given)
                after = await self.service.runs.open(self.run_id)
        return after

    def action_skip(self) -> None:
        snapshot, card = self._unlocked(), self._card()
        if not card.is_open or card.step is FINALIZE:
            raise Refusal(f"{card.step.show} is not open: only an open step can be skipped.")
        if not card.step.skip:
            raise Refusal(f"{card.step.show} can't be skipped.")

        async def skip(reason: str) -> Snapshot:
            return await self.service.runs.skip(self.run_id, card.id, reason, version=snapshot.version)

        async def skipped(after: Snapshot | None) -> None:
            if after is not None:
                await self._show(after, follow=True)

        about = "The reason is kept with the run."
        self.app.push_screen(Ask(f"Why skip {card.step.show}?", about, "", "skips it", skip), skipped)

    async def action_cancel(self) -> None:
        self._unlocked()
        card = self._card_of_job()
        if card.job is None or not _is_at_work(card):
            raise Refusal(f"No job of {card.step.show} is under way.")
        await self.service.jobs.cancel(card.job.id)
        await self._worker_said("")

    async def action_retry(self) -> None:
        self._unlocked()
        card = self._card_of_job()
        if card.state not in ("failed", "broken"):
            raise Refusal(f"{card.step.show} has not failed: there is nothing to try again.")
        await self.on_card_view_retried(CardView.Retried(card.id, card.job.id if card.job else None))

    async def action_finalize(self) -> None:
        snapshot = self._now
        if snapshot.locked:
            field = await self.service.runs.unfinalize_field(snapshot)
            if field is None:
                self._move(lambda before: self.service.runs.unfinalize(self.run_id, version=before.version))
                return

            async def unlock(given: Any) -> Snapshot:
                return await self.service.runs.unfinalize(self.run_id, given, version=snapshot.version)

            async def unlocked(after: Snapshot | None) -> None:
                if after is not None:
                    await self._show(after, follow=True)

            self.app.push_screen(
                Form(f"Unlock {snapshot.key}?", field.label, field, None, "unlocks it", unlock), unlocked
            )
        else:
            self._move(lambda before: self.service.runs.finalize(self.run_id, version=before.version))

    async def action_copy(self) -> None:
        found = await self._copies()
        if not found:
            raise Refusal(f"{self._card().step.show} has nothing to copy yet.")

        def chosen(copy: Copy | None) -> None:
            if copy is not None:
                self.host.say(clipboard.copy(self.app, copy.text, copy.name))

        if len(found) == 1:
            chosen(found[0])
        else:
            self.app.push_screen(PickCopy("Copy what?", found), chosen)

    async def _copies(self) -> Sequence[Copy]:
        """Of the part that has the focus, else of the whole card: its value, and what it shows."""
        card, snapshot, focused = self._card(), self._now, self._focused
        if focused is not None and (own := focused.copies):
            return own
        if card.step is FINALIZE or card.state not in ("done", "failed", "broken"):
            return []
        if card.state != "done":
            return [Copy("the reason", card.reason)]
        view = self._views[card.id].view
        if view is None:
            with suppress(Broken):  # then its value alone
                view = await self.service.runs.view(snapshot, card.id)
        shown = copies(view)
        if card.field is not None and not card.field.kept:
            return shown
        value = value_text(snapshot.handle.value(card.id, object))
        return [*([] if value in [copy.text for copy in shown] else [Copy("the value", value)]), *shown]

    async def action_history(self) -> None:
        snapshot = self._now
        self.app.push_screen(History(snapshot.key, await self.service.runs.told(snapshot)))

    async def action_mention(self) -> None:
        """The model has an account of every card: a mention says which one is meant."""
        card = self._card()
        if (pane := await self.open_chat()) is not None:
            pane.put(f"@{card.id} ")

    async def action_explain(self) -> None:
        card = self._card()
        if (pane := await self.open_chat(enter=self.has_class("-narrow"))) is not None:
            await pane.ask(
                f"Explain @{card.id} ({card.step.show}): what it is for, how it stands "
                f"({card.state.replace('_', ' ')}), and what I can do now."
            )

    def action_previous(self) -> None:
        self._stack.step(-1)

    def action_next(self) -> None:
        self._stack.step(1)

    def action_page_up(self) -> None:
        self._stack.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        self._stack.scroll_page_down(animate=False)

    def action_first(self) -> None:
        self._stack.go_to(0)

    def action_last(self) -> None:
        self._stack.go_to(len(self._views) - 1)


def _can_be_locked(snapshot: Snapshot) -> bool:
    return snapshot.current.step is FINALIZE and not snapshot.locked


def _last_result(snapshot: Snapshot) -> Card:
    """Of a complete run the last card that has something to show."""
    results = [card for card in snapshot.cards[:-1] if card.state == "done"]
    return results[-1] if results else snapshot.cards[-1]


def _is_at_work(card: Card) -> bool:
    return card.job is not None and card.job.state in UNDERWAY and card.state in ("running", "waiting")


def _answer(snapshot: Snapshot, card: Card) -> Any:
    """What was answered on this card, as it is stored; None where nothing was."""
    part = snapshot.row.record.get(card.id)
    return part.get(INPUT if card.has_job else card.step.done) if isinstance(part, Mapping) else None


def _artifact(artifact: ArtifactRow) -> str:
    rows = f", {counted(artifact.rows, 'row')}" if artifact.rows is not None else ""
    return f"{artifact.name}  {size(artifact.size)}{rows}"
