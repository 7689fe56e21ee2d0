"""Small questions on top of a screen: yes or no, a line of text, a text to read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from ..engine.fields import Invalid
from ..engine.refusals import Refusal
from ..store.errors import StoreError
from ..widgets.fields import Edited, Entered, TextBox
from ..widgets.plain import Plain

T = TypeVar("T")

AROUND = 8
"""Lines of a box beside what scrolls in it: padding, title, gaps, keys (which may take two)."""


class Dialog(ModalScreen[T], Generic[T]):
    """A box in the middle; Esc closes it with None."""

    DEFAULT_CSS = """
    Dialog {
        align: center middle;
        & > .box {
            width: 68;
            max-width: 94%;
            height: auto;
            max-height: 90%;
            padding: 1 2;
            background: $surface;
            border-left: outer $accent;
            & > .title { text-style: bold; margin-bottom: 1; }
            & > .text { color: $text-muted; margin-bottom: 1; }
            & > .error { color: $text-error; }
            & > .keys { color: $text-muted; margin-top: 1; }
            & > .list { height: auto; max-height: 14; margin-top: 1; }
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close")]

    def on_resize(self) -> None:
        """What scrolls leaves room for the title above it and the keys below it."""
        for widget in self.query(".scrolls"):
            widget.styles.max_height = max(3, self.size.height * 9 // 10 - AROUND)

    def action_close(self) -> None:
        self.dismiss(None)


class Confirm(Dialog[bool]):
    """Is it to be done? Enter or y says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,y", "yes", "Yes"),
        Binding("n", "close", "No", show=False),
    ]

    def __init__(self, title: str, text: str, yes: str) -> None:
        super().__init__()
        self._title, self._text, self._yes = title, text, yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title", limit=500)
            yield Plain(self._text, classes="text", limit=4_000)
            yield Plain(f"Enter {self._yes} · Esc leaves it as it is", classes="keys")

    def action_yes(self) -> None:
        self.dismiss(True)


class Ask(Dialog[T], Generic[T]):
    """A line of text, and what is done with it on Enter. A refusal is shown below; what was typed stays."""

    def __init__(self, title: str, text: str, value: str, verb: str, do: Callable[[str], Awaitable[T]]) -> None:
        super().__init__()
        self._title, self._text, self._verb, self._do = title, text, verb, do
        self._box = TextBox(value)
        self._error = Plain(classes="error")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title", limit=500)
            if self._text:
                yield Plain(self._text, classes="text", limit=4_000)
            yield self._box
            yield self._error
            yield Plain(f"Enter {self._verb} · Esc leaves it", classes="keys")

    def on_mount(self) -> None:
        self.set_focus(self._box)
        self._box.select_all()  # typing replaces what is proposed

    def on_edited(self, event: Edited) -> None:
        event.stop()
        self._error.update("")

    async def on_entered(self, event: Entered) -> None:
        event.stop()
        try:
            result = await self._do(self._box.given)
        except (Refusal, Invalid, StoreError) as error:
            self._error.update(str(error))
        else:
            self.dismiss(result)


class Reading(Dialog[None]):
    """A text to read."""

    DEFAULT_CSS = """
    Reading > .box {
        width: 100;
        & > VerticalScroll { height: auto; }
    }
    """

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title", limit=500)
            with VerticalScroll(classes="scrolls", can_focus=True):
                yield Plain(self._text)
            yield Plain("Esc closes this", classes="keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


class TooSmall(ModalScreen[None]):
    """In place of everything while the terminal is too small."""

    DEFAULT_CSS = """
    TooSmall {
        align: center middle;
        background: $background;
        Plain { width: auto; max-width: 100%; text-align: center; color: $text-muted; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "app.quit", "Quit")]

    def __init__(self, columns: int, lines: int) -> None:
        super().__init__(id="too-small")
        self._columns, self._lines = columns, lines
        self._text = Plain()

    def compose(self) -> ComposeResult:
        yield self._text

    def on_resize(self) -> None:
        width, height = self.size
        self._text.update(f"{width}×{height} is too small.\n{self._columns}×{self._lines} is needed.\nNothing is lost.")
