"""A search in one line: what is typed, the caret at its end. Less than an Input, and it costs the start nothing."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from ..widgets.plain import FAINT, Line, fitted, line

LONGEST = 200


class Search(Line, can_focus=True):
    DEFAULT_CSS = """
    Search {
        padding: 0 1;
        margin: 1 2;
        background: $surface;
        &:focus { background: $surface-lighten-2; }
    }
    """

    value: reactive[str] = reactive("", init=False)

    class Changed(Message):
        """Another text is searched for."""

    def __init__(self, placeholder: str, **more: Any) -> None:
        super().__init__(**more)
        self._placeholder = placeholder

    def watch_value(self) -> None:
        self.post_message(self.Changed())

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are text here, and no commands."""
        return character is not None and character.isprintable()

    def on_key(self, event: events.Key) -> None:
        if event.is_printable and event.character is not None:
            self.put(event.character)
        elif event.key == "backspace":
            self.value = self.value[:-1]
        elif event.key in ("ctrl+u", "ctrl+w"):
            self.value = "" if event.key == "ctrl+u" else " ".join(self.value.split()[:-1])
        else:
            return
        event.stop()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.put(" ".join(event.text.split()))

    def put(self, text: str) -> None:
        """Add to what is searched for."""
        self.value = (self.value + text)[:LONGEST]

    def content(self, width: int) -> Content:
        if not self.has_focus and not self.value:
            return fitted(line(self._placeholder, FAINT), width)
        caret = Content.styled(" ", "reverse") if self.has_focus else Content("")
        text = Content(self.value)
        if text.cell_length >= width:
            text = line(self.value[-max(1, width // 2) :])
        elif not self.value.isprintable():
            text = line(self.value)
        return Content.assemble(text, caret)
