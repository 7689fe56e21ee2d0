"""The input of a step: widgets for the engine's fields.

`FieldInput` holds one control for the field, or one for each member of a `Group`. It speaks in inputs (what a person
types, see engine/fields.py), checks nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button

from ..engine.fields import Choice, Field, Group, Switch, Text, TextArea, named
from ..engine.pickers import MultiChoice, Secret, TablePick
from ..text import counted, one_line
from .controls import MOST_LISTED, Edited, Entered, FilteredOptions, LinesBox, Options, TextBox, Toggle
from .pickers import MultiPicker, Picker, SecretBox, TablePicker
from .plain import Plain

__all__ = ["Edited", "Entered", "FieldInput", "FilteredOptions", "LinesBox", "Options", "TextBox", "Toggle"]

Path: TypeAlias = tuple[str, ...]
"""The names that lead to a member of a group; () is the field itself."""


Control: TypeAlias = TextBox | LinesBox | Options | FilteredOptions | Toggle | Picker


def control_for(field: Field, given: Any) -> Control:
    """The control for a field that is no Group. Its `given` is the input."""
    match field:
        case TextArea():
            return LinesBox(given, field.placeholder, counts_blank=field.blank)
        case Choice():
            pairs = field.pairs
            return Options(pairs, given) if len(pairs) <= MOST_LISTED else FilteredOptions(pairs, given)
        case MultiChoice():
            return MultiPicker(field, given)
        case TablePick():
            return TablePicker(field, given)
        case Switch():
            return Toggle(given)
        case Secret():
            return SecretBox()
        case Text(lines=True):
            return LinesBox(given, field.placeholder, soft_wrap=True)
        case Text():
            return TextBox(given, field.placeholder, default=field.editable(field.default))
        case _:
            return TextBox(given, default=field.editable(field.default))


class Member(Vertical):
    """One control, its label (in a group) and its error."""

    DEFAULT_CSS = """
    Member {
        height: auto;
        Horizontal { height: auto; }
        .label { width: 22; height: auto; color: $text-muted; padding-right: 1; }
        .error { color: $text-error; display: none; }
        &.-invalid .error { display: block; }
        &.-labelled .error { padding-left: 22; }
        &:focus-within .label { color: $foreground; }
    }
    """

    def __init__(self, field: Field, given: Any, path: Path) -> None:
        super().__init__(classes="-labelled" if path else "")
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
        return self.control.given

    @property
    def hint(self) -> str:
        """What is accepted; where the options are in sight, how one is chosen."""
        match self.control:
            case Options() if not self.control.given and isinstance(self.field, Choice):
                labels = [label for _, label in self.field.pairs]
                way = f"↓ then Enter chooses: {one_line(labels[0], 100)}" if len(labels) == 1 else "↓ ↑ choose"
                hint = " · ".join(filter(None, (way, self.field.hint)))
            case Options():
                hint = self.field.hint or "↓ ↑ choose"
            case FilteredOptions():
                hint = self.field.hint or "type to narrow the list, ↓ ↑ choose"
            case Toggle():
                hint = self.field.hint or "space changes it, y and n say which"
            case Picker():
                hint = " · ".join(filter(None, (self.field.hint, self.control.hint)))
            case SecretBox():
                hint = self.field.hint or "paste it here: it is not shown, and kept apart from the run"
            case _:
                hint = self.field.hint or self.field.accepts
        if not isinstance(self.control, LinesBox):
            return hint
        items = self.control.items
        return f"{counted(items, 'line')} · {hint}"

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

    Enter submits from a single line; in a group it goes to the next member and submits from the last; in a quick one,
    which is `eager` and needs no more than its first line, it submits from each. ctrl+g submits from everywhere, and so
    does the button, which is the last stop of Tab.
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
            color: $text-primary;
            background: $primary-muted;
            text-style: none;
            &:focus { color: $foreground; background: $primary; text-style: bold; background-tint: $foreground 0%; }
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

    def __init__(self, field: Field, given: Any = None, *, eager: bool = False, **more: Any) -> None:
        """`given` is the input to begin with; None stands for the field's default."""
        super().__init__(**more)
        self.field = field
        self.kept = all(member.kept for _, member in named(field, ""))
        """Whether what is typed may be kept as a draft: there is no secret in it."""
        given = field.editable(field.default) if given is None else given
        self._members = list(members_of(field, given))
        self._eager = eager
        self._hint = Plain(classes="hint", limit=500)
        self._error = Plain(classes="error")
        self._last = self.given
        self._wants_focus = False

    def compose(self) -> ComposeResult:
        yield from self._members
        yield self._error
        with Horizontal(classes="foot"):
            yield Button(Content("Submit"), compact=True)
            yield self._hint

    def on_mount(self) -> None:
        self._show_hint()
        if self._wants_focus:
            self.call_later(self.focus)

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
        """Focus the first control, at once or as soon as it is mounted."""
        self._wants_focus = not self.is_mounted
        if self._members and self.is_mounted:
            self._enter(self._members[0], scroll_visible)
        return self

    def _enter(self, member: Member, scroll_visible: bool = True) -> None:
        """Focus a control, at once where it takes the keys itself: what comes right behind is typed, and no command."""
        if member.control.focusable:
            self.screen.set_focus(member.control, scroll_visible)
        else:
            member.control.focus(scroll_visible)

    def show_error(self, text: str, at: str | None = None) -> None:
        """Say under the field, or under its member `at` (`timeout`, `proxy.port`), why the input is refused."""
        self.clear_error()
        path = tuple(at.split(".")) if at else ()
        for member in self._members:
            if member.path == path:
                member.show_error(text)
                if self.has_focus_within:
                    self._enter(member)
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
        if following and not self.is_quick:
            self._enter(following[0])
        else:
            self.action_submit()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_submit()

    def on_descendant_focus(self) -> None:
        self._show_hint()

    @property
    def is_quick(self) -> bool:
        """Whether Enter submits, wherever it is no new line."""
        first, *others = self._members
        if not others:
            return not isinstance(first.control, LinesBox)
        is_enough = isinstance(first.control, TextBox) and all(it.field.complete or it.field.optional for it in others)
        return self._eager and is_enough

    def _focused_member(self) -> Member | None:
        return next((member for member in self._members if member.has_focus_within), None)

    def _show_hint(self) -> None:
        """What the focused member accepts; of a group without focus, what is said of the whole."""
        member = self._focused_member() or (self._members[0] if self._members and not self._members[0].path else None)
        self._hint.update(member.hint if member else self.field.hint)
