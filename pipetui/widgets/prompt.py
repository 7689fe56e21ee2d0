"""Where one types to the model: lines that grow from 1 to 8, a line of hints below, completion of slash commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from .controls import Edited, LinesBox
from .plain import FAINT, MUTED, Line, fitted, line

MOST_CANDIDATES = 20
"""Completions that are looked at."""

Complete = Callable[[str], Sequence[str]]
"""What the text may become, best first: whole texts, each beginning with what it was given."""


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
        self._candidates: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        yield self._box
        yield self._hint_line

    @property
    def text(self) -> str:
        """What was typed and pasted, as it came."""
        return self._box.given

    @text.setter
    def text(self, text: str) -> None:
        self._box.put(text)

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
    def candidates(self) -> Sequence[str]:
        """What the command may become; Tab takes the first."""
        return self._candidates

    def on_edited(self, event: Edited) -> None:
        event.stop()
        text = self._box.text
        found: Sequence[str] = ()
        if text.startswith("/") and "\n" not in text:
            found = [known for known in self._complete(text)[:MOST_CANDIDATES] if known != text]
        self._candidates = self._hint_line.candidates = found
        self.post_message(self.Changed())


class PromptBox(LinesBox):
    """The lines. What can't be shown is shown by its picture, and is sent as it came unless it is edited."""

    DEFAULT_CSS = """
    PromptBox, PromptBox.-textual-compact { min-height: 1; max-height: 8; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter", "new_line", "New line", show=False, id="prompt.new_line"),
        Binding("tab", "complete", "Complete", show=False, priority=True, id="prompt.complete"),
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
        """Tab goes on to the next widget, or is the owner's, where there is nothing to complete."""
        return action != "complete" or bool(self._prompt.candidates)

    def action_complete(self) -> None:
        self.put(self._prompt.candidates[0])

    def action_cursor_up(self, select: bool = False) -> None:
        if (
            not select
            and self.cursor_at_first_line
            and self.wrapped_document.location_to_offset(self.cursor_location).y == 0
        ):
            self._prompt.post_message(Prompt.Recalled(-1))
        else:
            super().action_cursor_up(select)

    def action_cursor_down(self, select: bool = False) -> None:
        last = self.wrapped_document.height - 1
        if not select and self.wrapped_document.location_to_offset(self.cursor_location).y >= last:
            self._prompt.post_message(Prompt.Recalled(1))
        else:
            super().action_cursor_down(select)


class HintLine(Line):
    """What the keys do, or what the command may become."""

    hint: reactive[str] = reactive("")
    candidates: reactive[Sequence[str]] = reactive[Sequence[str]](())

    def __init__(self, hint: str) -> None:
        super().__init__()
        self.set_reactive(HintLine.hint, hint)

    def content(self, width: int) -> Content:
        if not self.candidates:
            return fitted(line(self.hint, MUTED), width)
        first, *others = self.candidates
        parts: list[Content | str] = [line("Tab", FAINT), " ", line(first, "$text-accent")]
        for other in others:
            parts += ["  ", line(other, MUTED)]
        return fitted(Content.assemble(*parts), width)
