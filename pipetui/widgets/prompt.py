"""Where one types to the model: lines that grow from 1 to 8, hints below, what a slash command may become above."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from .controls import Edited, LinesBox
from .marks import fold_sign
from .plain import MUTED, Line, fitted, line

BETWEEN = " · "
"""Two hints."""

MOST_CANDIDATES = 20
"""Completions that are looked at."""

MOST_ROWS = 6
"""Of them that are seen at once."""


class Candidate(NamedTuple):
    """What a command may become, whole; and what that is about."""

    line: str
    help: str = ""


Complete = Callable[[str], Sequence[str | tuple[str, str]]]
"""What the text may become, best first: whole texts, alone or with a help."""


def no_completion(text: str) -> Sequence[str]:
    return ()


class Prompt(Vertical):
    """A text for the model. Enter sends it, Ctrl+J (or Shift+Enter, where the terminal tells) begins a new line."""

    DEFAULT_CSS = """
    Prompt {
        height: auto;
        HintLine { width: 1fr; padding: 0 1; }
    }
    """

    @dataclass
    class Sent(Message):
        """Enter was pressed. The text stays until the owner takes it away."""

        text: str

    class Changed(Message):
        """The text is another one."""

    @dataclass
    class Recalled(Message):
        """Up on the first line (-1) or down on the last (1): an older or a newer text is wanted."""

        step: int

    def __init__(
        self,
        text: str = "",
        *,
        placeholder: str = "",
        hint: str = "Enter sends · Ctrl+J new line",
        complete: Complete = no_completion,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._box = PromptBox(text, placeholder)
        self._hint_line = HintLine(hint)
        self._complete = complete
        self._list = CandidateList()
        self._unasked = ""

    def compose(self) -> ComposeResult:
        yield self._list
        yield self._box
        yield self._hint_line

    @property
    def text(self) -> str:
        """What was typed and pasted, as it came."""
        return self._box.given

    @text.setter
    def text(self, text: str) -> None:
        self._box.put(text)
        self.close_list()  # it isn't typed

    @property
    def hint(self) -> str:
        return self._hint_line.hint

    @hint.setter
    def hint(self, hint: str) -> None:
        self._hint_line.hint = hint

    def clear(self) -> None:
        self._box.put("")

    def focus(self, scroll_visible: bool = True, *, from_app_focus: bool = False) -> Self:
        """At once, so that a key that comes right behind is for the prompt; and again behind what is to be focused."""
        self.screen.set_focus(self._box, scroll_visible)
        self._box.focus(scroll_visible)
        return self

    @property
    def candidates(self) -> Sequence[Candidate]:
        """What the command may become; Tab takes the one that is chosen."""
        return self._list.candidates

    @property
    def chosen(self) -> Candidate:
        return self._list.candidates[self._list.chosen]

    def choose(self, step: int) -> None:
        """The next candidate, around the end."""
        self._list.chosen = (self._list.chosen + step) % len(self._list.candidates)

    def close_list(self) -> None:
        """No candidates for what stands there now."""
        self._unasked = self._box.text
        self._offer(())

    def _offer(self, candidates: Sequence[Candidate]) -> None:
        self._list.show(candidates)
        self._hint_line.chooses = bool(candidates)

    def on_candidate_list_taken(self, event: CandidateList.Taken) -> None:
        event.stop()
        self._box.action_complete()
        self.focus()

    def on_edited(self, event: Edited) -> None:
        event.stop()
        self.offer_again()
        self.post_message(self.Changed())

    def offer_again(self) -> None:
        """Ask anew what the text may become."""
        text = self._box.text
        found: Sequence[Candidate] = ()
        if text != self._unasked:
            self._unasked = ""
            if text.startswith("/") and "\n" not in text:
                known = self._complete(text)[:MOST_CANDIDATES]
                every = [Candidate(each) if isinstance(each, str) else Candidate(*each) for each in known]
                found = [each for each in every if each.line != text]
        self._offer(found)


class PromptBox(LinesBox):
    """The lines. What can't be shown is shown by its picture, and is sent as it came unless it is edited."""

    DEFAULT_CSS = """
    PromptBox, PromptBox.-textual-compact { min-height: 1; max-height: 8; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter", "new_line", "New line", show=False, id="prompt.new_line"),
        Binding("tab", "complete", "Complete", show=False, priority=True, id="prompt.complete"),
        Binding("escape", "close", "Close", show=False),
        Binding("ctrl+u", "clear_more", "Clear", show=False, id="prompt.clear_prompt"),
        Binding("up", "recall", "Edit the last", show=False, id="prompt.recall"),
        Binding("up", "cursor_up", show=False),
    ]

    def __init__(self, text: str, placeholder: str) -> None:
        self._raw: list[tuple[str, str]] = []
        super().__init__(text, placeholder, soft_wrap=True)

    def shown(self, text: str) -> str:
        """Where this makes a difference, what it was is kept."""
        shown = super().shown(text)
        if shown != text:
            self._raw.append((shown, text))
        return shown

    @property
    def given(self) -> str:
        text = self.text
        for shown, raw in self._raw:
            text = text.replace(shown, raw, 1)
        return text

    def put(self, text: str) -> None:
        self._raw.clear()
        self.load_text(self.shown(text))
        self.move_cursor(self.document.end)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self._prompt.post_message(Prompt.Sent(self.given))
            return
        await super()._on_key(event)

    @property
    def _prompt(self) -> Prompt:
        parent = self.parent
        assert isinstance(parent, Prompt)
        return parent

    def action_new_line(self) -> None:
        self.replace("\n", *self.selection, maintain_selection_offset=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tab and Esc are the owner's where there is nothing to complete; within a text, up is the cursor's."""
        if action == "recall":
            return not self._prompt.candidates and self.wrapped_document.location_to_offset(self.cursor_location).y == 0
        return action not in ("complete", "close") or bool(self._prompt.candidates)

    def action_complete(self) -> None:
        self.put(self._prompt.chosen.line)

    def action_close(self) -> None:
        self._prompt.close_list()

    def action_recall(self) -> None:
        self._prompt.post_message(Prompt.Recalled(-1))

    def action_clear_more(self) -> None:
        """The line up to the cursor; where there is nothing before it, all. Ctrl+Z brings it back."""
        if self.selection.is_empty and self.cursor_location[1] == 0:
            self.replace("", (0, 0), self.document.end, maintain_selection_offset=False)
        else:
            self.action_delete_to_start_of_line()

    def action_cursor_up(self, select: bool = False) -> None:
        if self._prompt.candidates and not select:
            self._prompt.choose(-1)
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        last = self.wrapped_document.height - 1
        if self._prompt.candidates and not select:
            self._prompt.choose(1)
        elif not select and self.wrapped_document.location_to_offset(self.cursor_location).y >= last:
            self._prompt.post_message(Prompt.Recalled(1))
        else:
            super().action_cursor_down(select)


class CandidateList(Line):
    """What the command may become, a row each, and what that is about."""

    DEFAULT_CSS = """
    CandidateList {
        width: 1fr;
        height: auto;
        padding: 0 1;
        background: $boost;
        display: none;
        &.-on { display: block; }
    }
    """

    chosen: reactive[int] = reactive(0)

    class Taken(Message):
        """The chosen one was clicked."""

    def __init__(self) -> None:
        super().__init__()
        self.candidates: Sequence[Candidate] = ()

    def show(self, candidates: Sequence[Candidate]) -> None:
        if candidates == self.candidates:
            return
        is_higher = len(candidates) != len(self.candidates)
        self.candidates = candidates
        self.chosen = 0
        self.set_class(bool(candidates), "-on")
        self.refresh(layout=is_higher)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(MOST_ROWS, len(self.candidates))

    @property
    def _first(self) -> int:
        """The number of the first that is seen."""
        return max(0, min(self.chosen - MOST_ROWS // 2, len(self.candidates) - MOST_ROWS))

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is not None and self._first + at.y < len(self.candidates):
            self.chosen = self._first + at.y
            self.post_message(self.Taken())

    def content(self, width: int) -> Content:
        first = self._first
        seen = self.candidates[first : first + MOST_ROWS]
        lines = [fitted(line(each.line), width * 2 // 3) for each in seen]
        widest = max((each.cell_length for each in lines), default=0)
        rows = []
        for number, (each, shown) in enumerate(zip(seen, lines, strict=True), first):
            is_chosen = number == self.chosen
            parts: list[Content | str] = [
                Content.styled(f"{fold_sign(False)} " if is_chosen else "  ", "$text-accent"),
                shown.stylize("bold $text-accent") if is_chosen else shown,
                " " * (widest - shown.cell_length + 2),
                line(each.help, MUTED),
            ]
            rows.append(fitted(Content.assemble(*parts), width))
        return Content("\n").join(rows)


class HintLine(Line):
    """What the keys do."""

    hint: reactive[str] = reactive("")
    chooses: reactive[bool] = reactive(False)

    def __init__(self, hint: str) -> None:
        super().__init__()
        self.set_reactive(HintLine.hint, hint)

    def content(self, width: int) -> Content:
        """As many of the hints as have room."""
        keys = "Tab takes it · ↑ ↓ choose · Esc closes · Enter sends what is typed"
        hints = (keys if self.chooses else self.hint).split(BETWEEN)
        while len(hints) > 1 and line(BETWEEN.join(hints)).cell_length > width:
            hints.pop()
        return fitted(line(BETWEEN.join(hints), MUTED), width)
