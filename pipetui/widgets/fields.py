"""The input of a step: widgets for the engine's fields.

`FieldInput` holds one control for the field, or one for each member of a `Group`. It speaks in inputs (what a person
types, see engine/fields.py), checks nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList
from textual.widgets import TextArea as StockTextArea
from textual.widgets.option_list import Option

from ..engine.fields import Choice, Field, Group, Switch, Text, TextArea
from ..text import count, displayable
from .marks import has_unicode, marks
from .plain import MUTED, Line, Plain, line

Path: TypeAlias = tuple[str, ...]
"""The names that lead to a member of a group; () is the field itself."""

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


class Control(Protocol):
    """What FieldInput asks of the widget that takes an input."""

    @property
    def given(self) -> Any: ...


class TextBox(Input):
    """One line of text. What can't be shown is shown by its picture, and comes back as it was unless it is edited."""

    DEFAULT_CSS = """
    TextBox, TextBox.-textual-compact {
        background: $surface-lighten-1;
        padding: 0 1;
        &:focus { background: $surface-lighten-2; background-tint: $foreground 0%; }
    }
    """

    def __init__(self, given: Any, placeholder: str = "") -> None:
        self._given = given if isinstance(given, str) else "" if given is None else str(given)
        self._shown = displayable(self._given).replace("\n", " ")
        super().__init__(self._shown, displayable(placeholder, 200), compact=True, select_on_focus=False)
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
        background: $surface-lighten-1;
        &:focus { background: $surface-lighten-2; }
        & .text-area--cursor { text-style: reverse; }
    }
    """

    def __init__(self, given: Any, placeholder: str = "") -> None:
        self._given = given if isinstance(given, str) else "" if given is None else str(given)
        self._shown = displayable(self._given)
        super().__init__(
            self._shown,
            soft_wrap=False,
            compact=True,
            highlight_cursor_line=False,
            placeholder=Content(displayable(placeholder, 1_000)),
        )
        self.cursor_blink = False
        self.match_cursor_bracket = False

    @property
    def given(self) -> str:
        return self._given if self.text == self._shown else self.text

    @property
    def items(self) -> int:
        """The number of lines that are not blank."""
        return sum(1 for number in range(self.document.line_count) if self.document[number].strip())

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = displayable(event.text.replace("\r\n", "\n").replace("\r", "\n"))
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
        background: $surface-lighten-1;
        &:focus { background: $surface-lighten-1; background-tint: $foreground 0%; }
    }
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], given: Any) -> None:
        super().__init__(*(Option(line(label)) for _, label in pairs), markup=False, compact=True)
        self._values = [value for value, _ in pairs]
        chosen = [number for number, pair in enumerate(pairs) if given in pair]
        self.highlighted = chosen[0] if chosen else None

    @property
    def given(self) -> str:
        return "" if self.highlighted is None else self._values[self.highlighted]

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
        width: auto;
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
            parts.append(line(f"{known.yes if is_it else known.no} {word}", "$accent" if is_it else MUTED))
        return Content("   ").join(parts)


def control_for(field: Field, given: Any) -> Widget:
    """The control for a field that is no Group. Its `given` is the input."""
    match field:
        case TextArea():
            return LinesBox(given, field.placeholder)
        case Choice():
            pairs = field.pairs
            return Options(pairs, given) if len(pairs) <= MOST_LISTED else FilteredOptions(pairs, given)
        case Switch():
            return Toggle(given)
        case Text():
            return TextBox(given, field.placeholder)
        case _:
            return TextBox(given)


class Member(Vertical):
    """One control, its label (in a group) and its error."""

    DEFAULT_CSS = """
    Member {
        height: auto;
        Horizontal { height: auto; }
        .label { width: 22; height: auto; color: $text-muted; padding-right: 1; }
        .error { color: $text-error; display: none; }
        &.-invalid .error { display: block; }
        &:focus-within .label { color: $foreground; }
    }
    """

    def __init__(self, field: Field, given: Any, path: Path) -> None:
        super().__init__()
        self.field, self.path = field, path
        self.control = control_for(field, given)
        self._error = Plain(classes="error")

    def compose(self) -> ComposeResult:
        if self.path:
            with Horizontal():
                yield Plain(self.field.label or self.path[-1], classes="label", limit=100)
                yield self.control
        else:
            yield self.control
        yield self._error

    @property
    def given(self) -> Any:
        control: Any = self.control
        return control.given

    @property
    def hint(self) -> str:
        hint = self.field.hint or self.field.accepts
        if not isinstance(self.control, LinesBox):
            return hint
        items = self.control.items
        return f"{count(items)} {'line' if items == 1 else 'lines'} · {hint}"

    def show_error(self, text: str) -> None:
        self._error.update(text)
        self.set_class(bool(text), "-invalid")


def members_of(field: Field, given: Any, path: Path = ()) -> Iterator[Member]:
    """The members of a field in order: itself, or what a group is made of."""
    if not isinstance(field, Group):
        yield Member(field, given, path)
        return
    held = given if isinstance(given, Mapping) else {}
    for name, member in field.members.items():
        yield from members_of(member, held[name] if name in held else member.editable(member.default), (*path, name))


class FieldInput(Vertical):
    """The input of one field.

    Enter submits from a single line; in a group it goes to the next member and submits from the last. ctrl+g submits
    from everywhere, and so does the button, which is the last stop of Tab.
    """

    DEFAULT_CSS = """
    FieldInput {
        height: auto;
        .foot { height: auto; margin-top: 0; }
        .hint { width: 1fr; color: $text-muted; }
        .error { color: $text-error; display: none; }
        &.-invalid > .error { display: block; }
        Button, Button.-textual-compact {
            margin-right: 2;
            min-width: 10;
            color: $text-muted;
            background: $surface-lighten-1;
            &:focus { color: $foreground; background: $accent 40%; text-style: bold; background-tint: $foreground 0%; }
        }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+g", "submit", "Submit", id="field.submit")]

    @dataclass
    class Changed(Message):
        """The user changed the input."""

        field_input: FieldInput
        given: Any

        @property
        def control(self) -> FieldInput:
            return self.field_input

    @dataclass
    class Submitted(Message):
        """The user submits the input."""

        field_input: FieldInput
        given: Any

        @property
        def control(self) -> FieldInput:
            return self.field_input

    def __init__(self, field: Field, given: Any = None, **more: Any) -> None:
        """`given` is the input to begin with; None stands for the field's default."""
        super().__init__(**more)
        self.field = field
        given = field.editable(field.default) if given is None else given
        self._members = list(members_of(field, given))
        self._hint = Plain(classes="hint", limit=500)
        self._error = Plain(classes="error")
        self._last = self.given

    def compose(self) -> ComposeResult:
        yield from self._members
        yield self._error
        with Horizontal(classes="foot"):
            yield Button(Content("Submit"), compact=True)
            yield self._hint

    def on_mount(self) -> None:
        self._show_hint()

    @property
    def given(self) -> Any:
        """The input as it stands: text, a bool, or an object of the members' inputs."""
        if not isinstance(self.field, Group):
            return self._members[0].given
        result: dict[str, Any] = {}
        for member in self._members:
            place = result
            for name in member.path[:-1]:
                place = place.setdefault(name, {})
            place[member.path[-1]] = member.given
        return result

    def focus(self, scroll_visible: bool = True, *, from_app_focus: bool = False) -> Self:
        """Focus the first control."""
        if self._members:
            self._members[0].control.focus(scroll_visible)
        return self

    def show_error(self, text: str, at: str | None = None) -> None:
        """Say under the field, or under its member `at` (`timeout`, `proxy.port`), why the input is refused."""
        self.clear_error()
        path = tuple(at.split(".")) if at else ()
        for member in self._members:
            if member.path == path:
                member.show_error(text)
                if self.has_focus_within:
                    member.control.focus()
                return
        self._error.update(text)
        self.add_class("-invalid")

    def clear_error(self) -> None:
        self.remove_class("-invalid")
        for member in self._members:
            member.show_error("")

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self, self.given))

    def on_edited(self, event: Edited) -> None:
        event.stop()
        given = self.given
        if given == self._last:
            return
        self._last = given
        if (member := self._focused_member()) is not None:
            member.show_error("")
        self.remove_class("-invalid")
        self._show_hint()
        self.post_message(self.Changed(self, given))

    def on_entered(self, event: Entered) -> None:
        event.stop()
        member = self._focused_member()
        following = self._members[self._members.index(member) + 1 :] if member else []
        if following:
            following[0].control.focus()
        else:
            self.action_submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_submit()

    def on_descendant_focus(self) -> None:
        self._show_hint()

    def _focused_member(self) -> Member | None:
        return next((member for member in self._members if member.has_focus_within), None)

    def _show_hint(self) -> None:
        """What the focused member accepts; of a group without focus, what is said of the whole."""
        member = self._focused_member() or (self._members[0] if self._members and not self._members[0].path else None)
        self._hint.update(member.hint if member else self.field.hint)
