"""The controls that take an input: one line, lines, one of several, yes or no.

A control has `given`, the input as it stands (see engine/fields.py), and posts `Edited` and `Entered`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets import TextArea as StockTextArea
from textual.widgets.option_list import Option

from ..text import count, displayable
from .marks import has_unicode, marks
from .plain import MUTED, Line, line

MOST_LISTED = 8
"""A choice of more options than this gets a filter."""

MOST_MATCHES = 100
"""Options that a filtered list shows at once."""


@dataclass
class Edited(Message):
    """The control `source` may hold another input now."""

    source: Widget


class Entered(Message):
    """Enter was pressed in a control: on to the next, or submit."""


class TextBox(Input):
    """One line of text. What can't be shown is shown by its picture, and comes back as it was unless it is edited."""

    DEFAULT_CSS = """
    TextBox, TextBox.-textual-compact {
        background: $surface-lighten-1;
        padding: 0 1;
        &:focus { background: $surface-lighten-2; background-tint: $foreground 0%; }
    }
    """

    def __init__(self, given: Any, placeholder: str = "", *, default: Any = None) -> None:
        """While it holds its `default`, typing replaces that; with what was typed or suggested one goes on."""
        self._given = given if isinstance(given, str) else "" if given is None else str(given)
        self._shown = displayable(self._given).replace("\n", " ")
        is_default = default is not None and self._given == str(default)
        super().__init__(self._shown, displayable(placeholder, 200), compact=True, select_on_focus=is_default)
        self.cursor_blink = False

    @property
    def given(self) -> str:
        return self._given if self.value == self._shown else self.value

    def _on_paste(self, event: events.Paste) -> None:
        """All lines, joined by spaces; the stock Input drops all but the first."""
        event.stop()
        event.prevent_default()
        self.replace(displayable(" ".join(event.text.split())), *sorted(self.selection))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.select_on_focus &= self.value == self._shown
        self.post_message(Edited(self))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(Entered())


class LinesBox(StockTextArea):
    """Lines of text: grows to 12 lines, then scrolls."""

    DEFAULT_CSS = """
    LinesBox, LinesBox.-textual-compact {
        height: auto;
        min-height: 3;
        max-height: 12;
        padding: 0 1;
        scrollbar-size: 1 1;
        scrollbar-background: $surface-lighten-1;
        background: $surface-lighten-1;
        &:focus { background: $surface-lighten-2; }
        & .text-area--cursor { text-style: reverse; }
    }
    """

    def __init__(
        self, given: Any, placeholder: str = "", *, counts_blank: bool = False, soft_wrap: bool = False
    ) -> None:
        self._given = given if isinstance(given, str) else "" if given is None else str(given)
        self._shown = self.shown(self._given)
        self._counts_blank = counts_blank
        super().__init__(
            self._shown,
            soft_wrap=soft_wrap,
            compact=True,
            highlight_cursor_line=False,
            placeholder=Content(displayable(placeholder, 1_000)),
        )
        self.cursor_blink = False
        self.match_cursor_bracket = False

    def shown(self, text: str) -> str:
        """What stands for `text`, given or pasted."""
        return displayable(text)

    @property
    def given(self) -> str:
        return self._given if self.text == self._shown else self.text

    @property
    def items(self) -> int:
        """The number of lines that count: those that are not blank, or all but blank ones at the end."""
        filled = [number for number in range(self.document.line_count) if self.document[number].strip()]
        return filled[-1] + 1 if filled and self._counts_blank else len(filled)

    def on_mount(self) -> None:
        self.move_cursor(self.document.end)  # a draft goes on where it ended

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = self.shown(event.text.replace("\r\n", "\n").replace("\r", "\n"))
        result = self.replace(text, *self.selection, maintain_selection_offset=False)
        self.move_cursor(result.end_location)

    def on_text_area_changed(self, event: StockTextArea.Changed) -> None:
        event.stop()
        self.post_message(Edited(self))


class Options(OptionList):
    """A short list: the highlighted option is the input. Nothing is highlighted where nothing was given."""

    DEFAULT_CSS = """
    Options, Options.-textual-compact {
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface-lighten-1;
        background: $surface-lighten-1;
        &:focus { background: $surface-lighten-1; background-tint: $foreground 0%; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "begin", show=False)]

    def __init__(self, pairs: Sequence[tuple[str, str]], given: Any) -> None:
        super().__init__(*(Option(line(label)) for _, label in pairs), markup=False, compact=True)
        self._values = [value for value, _ in pairs]
        chosen = [number for number, pair in enumerate(pairs) if given in pair]
        self.highlighted = chosen[0] if chosen else None

    @property
    def given(self) -> str:
        return "" if self.highlighted is None else self._values[self.highlighted]

    def action_begin(self) -> None:
        if self.highlighted is None:
            self.action_first()

    def action_select(self) -> None:
        self.post_message(Entered())

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self.post_message(Edited(self))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click; Enter goes by `action_select`."""
        event.stop()
        self.post_message(Edited(self))


class FilteredOptions(Vertical):
    """A long list with a filter: typing narrows it, up and down choose."""

    DEFAULT_CSS = """
    FilteredOptions {
        height: auto;
        Options { max-height: 8; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"list('{action}')", show=False)
        for key, action in (
            ("up", "cursor_up"), ("down", "cursor_down"), ("pageup", "page_up"), ("pagedown", "page_down"),
        )
    ]  # fmt: skip

    def __init__(self, pairs: Sequence[tuple[str, str]], given: Any) -> None:
        super().__init__()
        self._pairs = list(pairs)
        self._chosen = next((pair[0] for pair in self._pairs if given in pair), "")
        self._box = TextBox("", f"type to filter {count(len(self._pairs))} options")
        self._list = self._options(self._pairs)

    def compose(self) -> ComposeResult:
        yield self._box
        yield self._list

    @property
    def given(self) -> str:
        return self._list.given

    def focus(self, scroll_visible: bool = True, *, from_app_focus: bool = False) -> Self:
        self._box.focus(scroll_visible)
        return self

    def action_list(self, action: str) -> None:
        getattr(self._list, f"action_{action}")()

    def _options(self, pairs: Sequence[tuple[str, str]]) -> Options:
        """A list of the first pairs, and of the chosen one wherever it stands."""
        shown = list(pairs[:MOST_MATCHES])
        shown += [pair for pair in pairs[MOST_MATCHES:] if pair[0] == self._chosen]
        options = Options(shown, self._chosen)
        options.can_focus = False
        return options

    async def on_edited(self, event: Edited) -> None:
        if event.source is not self._box:  # the list moved
            self._chosen = self._list.given or self._chosen
            return
        event.stop()
        await self._narrow(self._box.value.casefold().split())

    async def _narrow(self, words: Sequence[str]) -> None:
        pairs = [pair for pair in self._pairs if all(word in f"{pair[1]} {pair[0]}".casefold() for word in words)]
        old, self._list = self._list, self._options(pairs)
        if words and self._list.highlighted is None and pairs:
            self._list.highlighted = 0
        with self.app.batch_update():
            await old.remove()
            await self.mount(self._list)
        self.post_message(Edited(self))


class Toggle(Line, can_focus=True):
    """Yes or no: space changes it, y and n say which."""

    DEFAULT_CSS = """
    Toggle {
        width: 1fr;
        padding: 0 1;
        background: $surface-lighten-1;
        &:focus { background: $surface-lighten-2; text-style: bold; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "flip", "Yes/No"),
        Binding("enter", "enter", show=False),
        Binding("y", "set(True)", show=False),
        Binding("n", "set(False)", show=False),
    ]

    value: reactive[bool] = reactive(False, init=False)

    def __init__(self, given: Any) -> None:
        super().__init__()
        self.set_reactive(Toggle.value, given is True)

    @property
    def given(self) -> bool:
        return self.value

    def watch_value(self) -> None:
        self.post_message(Edited(self))

    def action_flip(self) -> None:
        self.value = not self.value

    def action_set(self, value: bool) -> None:
        self.value = value

    def action_enter(self) -> None:
        self.post_message(Entered())

    def on_click(self) -> None:
        self.action_flip()

    def content(self, width: int) -> Content:
        known = marks(has_unicode())
        parts = []
        for word, is_it in (("Yes", self.value), ("No", not self.value)):
            parts.append(line(f"{known.yes if is_it else known.no} {word}", "$text-accent" if is_it else MUTED))
        return Content("   ").join(parts)
