"""One card of the stack. Closed it is a single widget that draws one line; opened it has a body below that line.

A card shows what it is given and posts what the user does; it touches no store. The keys of the card level are bound
by the screen, which calls `enter` for Enter. Esc inside the body comes back to the card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import AwaitMount, Widget

from ..engine.cards import FINALIZE, Card
from ..engine.views import View
from .copies import Copy, copies
from .fields import FieldInput
from .marks import LOCKED, Look, has_unicode, look_of
from .plain import FAINT, MUTED, Plain, line, spread
from .progress import ProgressLine
from .tables import TableView
from .views import TextView, view_widget

LABEL_CELLS = 24
"""Labels are filled up to this, so that the summaries of a stack stand in one column."""

KEYS: Mapping[str, str] = {"enter": "Enter", "revert": "r", "cancel": "x", "finalize": "f"}
"""What the hints call the keys of the card level; the screen sets others where the user has remapped them."""


class CardView(Widget, can_focus=True):
    """A card. `card` and `expanded` may be set at any time; what is being typed survives as long as its field does."""

    DEFAULT_CSS = """
    CardView {
        layout: vertical;
        height: auto;
        border-left: outer transparent;
        padding: 0 1 0 0;
        &:focus { border-left: outer $accent; background: $boost; }
        &:focus-within { border-left: outer $accent; }
        &.-ascii { border-left: blank; }
        &.-ascii:focus, &.-ascii:focus-within { border-left: ascii $accent; }
        & > .body {
            height: auto;
            margin: 1 0 1 7;
            .note { color: $text-muted; }
            .error { color: $text-error; }
            .question { color: $text-warning; }
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave_body", "Leave", id="card.leave")]

    expanded: reactive[bool] = reactive(False, init=False)

    @dataclass
    class Submitted(Message):
        """An input was submitted to the step."""

        step_id: str
        given: Any

    @dataclass
    class Drafted(Message):
        """The input of the step was changed, not submitted; of one with a secret it isn't told."""

        step_id: str
        given: Any

    @dataclass
    class Answered(Message):
        """The question `name` of a job was answered."""

        job_id: str
        name: str
        given: Any

    @dataclass
    class Started(Message):
        """The step's job is to start; it takes no input."""

        step_id: str

    @dataclass
    class Confirmed(Message):
        """The stale value of the step is kept as it is."""

        step_id: str

    @dataclass
    class Retried(Message):
        """What failed is to be tried again: the job `job_id`, or, without one, the workflow's own code."""

        step_id: str
        job_id: str | None

    @dataclass
    class Finalized(Message):
        """The run is to be finalized."""

    @dataclass
    class ViewWanted(Message):
        """The body of a finished card is open: `show_view` is to be called."""

        step_id: str

    def __init__(self, card: Card, *, keys: Mapping[str, str] = KEYS, **more: Any) -> None:
        super().__init__(markup=False, **more)
        self._card = card
        self._keys = {**KEYS, **keys}
        self._body: Vertical | None = None
        self._building: AwaitMount | None = None
        self._reason: Plain | None = None
        self._field: FieldInput | None = None
        self._progress: ProgressLine | None = None
        self._view: tuple[View | None, str] | None = None
        self.set_class(not has_unicode(), "-ascii")

    @property
    def card(self) -> Card:
        return self._card

    @card.setter
    def card(self, card: Card) -> None:
        before, self._card = self._card, card
        if card == before:
            return
        if self.expanded and self._needs_new_body(before, card):
            self._view = None
            self._rebuild()
        elif self._progress is not None and card.job is not None:
            self._progress.show(card.job)
        elif self._reason is not None:
            self._show_reason()
        elif before.state != card.state:
            self._view = None
        self.refresh()
        self.refresh_bindings()

    def show_error(self, text: str, at: str | None = None) -> None:
        """Why the input was refused, under the field or its member `at`. What was typed stays."""
        if self._field is not None:
            self._field.show_error(text, at)

    def show_view(self, view: View | None, note: str = "") -> None:
        """The body of a finished card; `note` stands above it (or alone: `Reading …`)."""
        if self._view == (view, note):
            return
        self._view = (view, note)
        if self.expanded and self._card.state == "done":
            self._rebuild()

    @property
    def view(self) -> View | None:
        """What the card shows of its result, once that is there."""
        return self._view[0] if self._view else None

    @property
    def copies(self) -> list[Copy]:
        """What can be copied of the part of the body that has the focus; of a card that has it itself, nothing."""
        focused = self.screen.focused
        for node in focused.ancestors_with_self if focused is not None else ():
            if isinstance(node, TextView):
                return copies(node.view)
            if isinstance(node, TableView) and node.copies:
                return node.copies
            if node is self:
                break
        return []

    @property
    def given(self) -> Any:
        """The input as it stands; None where the card takes none, or one that may not be kept: a secret."""
        return self._field.given if self._field is not None and self._field.kept else None

    async def built(self) -> None:
        """Wait until the body is there, so that its input can have the focus."""
        if self._building is not None:
            await self._building

    @property
    def is_typing(self) -> bool:
        """Whether its input has the focus, so that letters are text."""
        focused = self.screen.focused
        return focused is not None and self._field is not None and self._field in focused.ancestors_with_self

    def focus_input(self) -> bool:
        """Focus the input, if the card is open and has one."""
        if self._field is None:
            return False
        self._field.focus()
        return True

    def enter(self) -> None:
        """What Enter does on this card: open it, go to its input, or the one action that its state offers."""
        card = self._card
        was_expanded, self.expanded = self.expanded, True
        if self.focus_input() or not was_expanded:
            return
        match card.state:
            case "active" if card.step is FINALIZE:
                self.post_message(self.Finalized())
            case "active" | "editing" if card.is_open:
                self.post_message(self.Started(card.id))
            case "stale" if card.is_open:
                self.post_message(self.Confirmed(card.id))
            case "failed" | "broken" if not card.locked:
                self.post_message(self.Retried(card.id, card.job.id if card.job else None))
            case _:
                self.expanded = False

    # Drawing

    @property
    def look(self) -> Look:
        return look_of(self._card)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1 if self._body is None else super().get_content_height(container, viewport, width)

    def render(self) -> Content:
        card, look = self._card, self.look
        is_quiet = card.locked or card.state in ("pending", "not_applicable", "skipped")
        is_final_lock = card.locked and card.step is FINALIZE
        mark = LOCKED.drawn if is_final_lock else look.drawn
        name = MUTED if is_quiet else "bold" if card.is_open or not card.summary else ""
        left = [
            Content.styled(f"{card.number:>3} ", FAINT),
            Content.styled(f"{mark}  ", LOCKED.colour if card.locked else look.colour),
            label := line(card.step.show or card.id, name, 200),
        ]
        if said := self._said():
            left.append(Content(" " * max(2, LABEL_CELLS + 2 - label.cell_length)))
            left.append(line(said, MUTED, 500))
        word = LOCKED.word if card.locked else look.word
        right = line(word, LOCKED.colour if card.locked else look.colour) if word else Content("")
        return spread(Content.assemble(*left), right, self.content_size.width)

    def _said(self) -> str:
        """The one line beside the label: the value's summary, or why there is none."""
        card = self._card
        says_it_below = card.step is FINALIZE or card.state in ("failed", "broken", "waiting", "skipped")
        if card.state == "not_applicable" or (self.expanded and says_it_below):
            return ""
        if card.step is FINALIZE and card.state == "active":
            return f"{self._keys['finalize']} finalizes this run"
        if card.state == "running" and not self.expanded and card.job is not None:
            progress = card.job.progress
            share = f"{min(1.0, progress.done / progress.total):.0%}" if progress.total > 0 else ""
            return " ".join(word for word in (share, progress.text) if word)
        return card.summary or card.reason

    # The body

    def watch_expanded(self) -> None:
        self._rebuild()
        self.refresh_bindings()

    def on_mount(self) -> None:
        if self.expanded and self._body is None:
            self._rebuild()

    def _needs_new_body(self, before: Card, card: Card) -> bool:
        """Whether the body shows another thing now. An input whose step, state and field are as before stays."""
        if _shape(before) != _shape(card):
            return True
        if self._field is None or card.state == "waiting" or before.prefill == card.prefill:
            return False
        return self._field.given == before.prefill and not self._field.has_focus_within

    def _rebuild(self) -> None:
        """Another body in place of the old one, in one frame; the focus stays on this card if it was in the body."""
        if not self.is_attached:
            return
        old, self._body = self._body, None
        self._reason = self._field = self._progress = None
        if old is not None:
            if old.has_focus_within:
                self.focus(scroll_visible=False)
            old.remove()
        if self.expanded:
            self._body = Vertical(*self._parts(), classes="body")
            self._building = self.mount(self._body)
            if self._card.state == "done" and self._card.step is not FINALIZE and self._view is None:
                self.post_message(self.ViewWanted(self._card.id))
        self.refresh(layout=True)

    def _parts(self) -> Iterator[Widget]:
        """What the body is made of, for each state."""
        card, keys = self._card, self._keys
        if card.step is FINALIZE:
            yield from self._finalize_parts()
        elif card.is_open:
            yield from self._open_parts()
        elif card.state == "running" and card.job is not None:
            self._progress = ProgressLine(card.job)
            yield self._progress
            yield Plain(f"{keys['cancel']} cancels it · it goes on while you are away", classes="note")
        elif card.state == "waiting" and card.job is not None and card.job.question is not None:
            yield Plain(card.reason, classes="question", limit=4_000)
            self._field = FieldInput(card.job.question.field, card.prefill)
            yield self._field
        elif card.state in ("failed", "broken"):
            is_asked_for = card.job is not None and card.job.state == "cancelled"
            reason = card.reason or "It failed without a reason."
            yield Plain(reason, classes="note" if is_asked_for else "error", limit=4_000)
            if not card.locked:
                yield Plain(self._way_on(), classes="note")
        elif card.state == "done":
            view, note = self._view or (None, "")
            if note or view is None:
                yield Plain(note or card.summary, classes="note", limit=4_000)
            if view is not None:
                yield view_widget(view)
        elif card.state == "pending":
            yield Plain("Its turn comes after the steps above.", classes="note")
        else:
            yield Plain(card.reason, classes="note", limit=4_000)

    def _open_parts(self) -> Iterator[Widget]:
        card, keys = self._card, self._keys
        self._reason = Plain(classes="error", limit=4_000)
        self._show_reason()
        yield self._reason
        if card.state == "stale" and card.has_job:
            yield Plain("Something above has changed since this was made.", classes="note")
            yield Plain(f"{keys['enter']} keeps the result · {keys['revert']} changes the input", classes="note")
        elif card.field is not None:
            if card.state == "stale":
                yield Plain("Something above has changed: submit this again to keep it, or change it.", classes="note")
            self._field = FieldInput(card.field, card.prefill)
            yield self._field
        else:
            cost = "This is paid work. " if card.step.paid else ""
            yield Plain(f"{cost}{keys['enter']} starts it.", classes="note")

    def _show_reason(self) -> None:
        assert self._reason is not None
        self._reason.update(self._card.reason)
        self._reason.display = bool(self._card.reason)

    def _way_on(self) -> str:
        change = f" · {self._keys['revert']} changes the input" if self._card.can_revert and self._card.field else ""
        return f"{self._keys['enter']} tries again{change}"

    def _finalize_parts(self) -> Iterator[Widget]:
        card, keys = self._card, self._keys
        if card.locked:
            yield Plain(f"This run is locked. {keys['finalize']} unlocks it.", classes="note")
        elif card.state == "pending":
            yield Plain("Its turn comes when every step is complete.", classes="note")
        elif card.problems:
            yield Plain("\n".join(card.problems), classes="error", limit=4_000)
            yield Plain("Mend these first; then finalize.", classes="note")
        else:
            yield Plain(f"{keys['enter']} finalizes this run: it is locked until you unlock it.", classes="note")

    # What the body says

    def on_field_input_changed(self, event: FieldInput.Changed) -> None:
        event.stop()
        if event.field_input is self._field and self._field.kept and self._card.state != "waiting":
            self.post_message(self.Drafted(self._card.id, event.given))

    def on_field_input_submitted(self, event: FieldInput.Submitted) -> None:
        event.stop()
        card = self._card
        if event.field_input is not self._field:
            return
        if card.state == "waiting" and card.job is not None and card.job.question is not None:
            self.post_message(self.Answered(card.job.id, card.job.question.name, event.given))
        else:
            self.post_message(self.Submitted(card.id, event.given))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is the screen's while the card has the focus; `has_focus` knows of a move only some messages later."""
        return action != "leave_body" or self.screen.focused is not self

    def action_leave_body(self) -> None:
        self.focus()

    def on_blur(self) -> None:
        """Finalize closes behind one: who comes back, by Tab or by chance, opens it before Enter can lock the run."""
        if self._card.step is FINALIZE and self._card.state == "active" and not self._card.problems:
            self.expanded &= self.screen.focused in (None, self)  # None: the terminal is not in front

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.refresh()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        self.refresh()


def _shape(card: Card) -> tuple[object, ...]:
    """What decides which body a card has; while it is the same, the body is kept and brought up to date."""
    job = card.job
    question = job.question if job is not None and card.state == "waiting" else None
    shape = (card.id, card.state, card.locked, card.field, card.has_job, question)
    if card.is_open and card.step is not FINALIZE:
        return shape
    return (*shape, card.can_revert, card.reason, tuple(card.problems), job.id if job is not None else None)
