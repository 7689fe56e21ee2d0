"""The settings and the keys: what each is now, and a way to change it or to give its default back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from ..engine.fields import Choice
from ..engine.refusals import Moved, Refusal
from ..service.choices import Choices
from ..settings import KEYS, SETTINGS, Setting, value_of
from ..widgets.plain import MUTED, Plain, line
from .base import MainScreen
from .commands import COMMANDS, PLACES, Command, places_of, shown_key, why_not
from .dialogs import Dialog
from .forms import Form
from .listing import BLANK, Row, heading, note
from .looks import column
from .picking import Pick

REFRESH = 2.0
"""Seconds between two looks whether another terminal changed something."""

_TABLES = {"": "The app", "chat": "The chat"}

_Item: TypeAlias = Setting | Command


class SettingsScreen(Pick[bool]):
    """All of them in one list, which typing narrows. Ends with whether a key is another one now."""

    DEFAULT_CSS = """
    SettingsScreen > .box {
        max-height: 100%;
        & > .list { max-height: 100%; }
        & > .about { height: 3; margin-top: 1; color: $text-muted; }
    }
    """

    WIDE = 100

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "reset", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
    ]

    def __init__(self, choices: Choices) -> None:
        keys = "Enter changes it · Ctrl+R gives its default back · Esc closes this"
        super().__init__("Settings", "type to find a setting or a key", keys)
        self._choices = choices
        self._keys_before = choices.now.keys
        self._about = Plain(classes="about", limit=1_000)
        self._sought = ""

    def more(self) -> Iterator[Widget]:
        yield self._about

    async def on_mount(self) -> None:
        self.set_interval(REFRESH, self.show)

    @property
    def page(self) -> int:
        return max(3, self.size.height - 13)

    async def show(self) -> None:
        await super().show()
        if self.typed != self._sought:
            self._sought = self.typed
            self._list.action_to_end(-1)

    async def rows(self, typed: str) -> Sequence[Row]:
        words = typed.casefold().split()
        rows: list[Row] = []
        for title, items in _sections():
            found = [item for item in items if all(word in self._searched(item) for word in words)]
            if found:
                rows += [*([BLANK] if rows else []), heading(title), *map(self._row, found)]
        return rows or [note("No setting and no key is called so.")]

    def _row(self, item: _Item) -> Row:
        now, is_own = self._now(item)
        shown = column(line(now or "none", "$text-accent" if is_own else "" if now else MUTED), 14)
        if isinstance(item, Command):
            shown = Content.assemble(shown, "  ", line(item.help, MUTED))
        elif now:
            shown = line(now, "$text-accent" if is_own else "")
        elif item.name == "chat.model" and (answers := self._answers):
            shown = line(f"none: {answers} answers", MUTED)
        default = line(f"default {_default(item) or 'none'}" if is_own else "", MUTED, 40)
        return Row(_name(item), Content.assemble(" ", column(line(item.label), 18), shown), default, item=item)

    @property
    def _answers(self) -> str:
        """The model that answers now, as the header below has it."""
        main = next((each for each in reversed(self.app.screen_stack) if isinstance(each, MainScreen)), None)
        return main.status.model if main is not None else ""

    def _now(self, item: _Item) -> tuple[str, bool]:
        """What it is now, for people, and whether a person chose it."""
        value = value_of(self._choices.now, _name(item))
        if isinstance(item, Command):
            return _keys(item.keys if value is None else value), value not in (None, item.keys)
        return _said(item, value), value != item.default

    def _searched(self, item: _Item) -> str:
        key = f"key {self._now(item)[0]}" if isinstance(item, Command) else ""
        return f"{item.label} {item.help} {_name(item)} {key}".casefold()

    def on_listing_moved(self) -> None:
        self.said.update("")
        self._tell()

    def _tell(self) -> None:
        """About the row under the cursor: what it does, its default, and where it stands."""
        item = self.picked.item if self.picked else None
        if item is None:
            self._about.update("")
            return
        facts = [f"Default: {_default(item) or 'none'}", _name(item)]
        if isinstance(item, Command):
            facts.insert(0, places_of(item))
        elif item.takes:
            facts.insert(0, f"In effect {item.takes}")
        self._about.update(f"{item.help}\n{' · '.join(facts)}")

    def action_page(self, step: int) -> None:
        self._list.action_page(step)

    def action_close(self) -> None:
        self.dismiss(self._choices.now.keys != self._keys_before)

    # changing one

    async def take(self, row: Row) -> None:
        item: _Item = row.item
        if isinstance(item, Command):
            self.app.push_screen(PressKey(self._choices, item), self._changed)
        else:
            self.app.push_screen(self._form(item), self._changed)

    async def _changed(self, is_changed: bool | None) -> None:
        if is_changed:
            await self.show()

    def _form(self, setting: Setting) -> Form[bool]:
        field = themes() if setting.name == "theme" else dataclasses.replace(setting.field, label="")
        seen = value_of(self._choices.now, setting.name)

        async def keep(value: Any) -> bool:
            nonlocal seen
            try:
                await self._choices.change({setting.name: setting.proven(value)}, expected={setting.name: seen})
            except Moved as moved:
                await self._choices.refresh()
                seen = value_of(self._choices.now, setting.name)
                now = _said(setting, seen) or "none"
                raise Refusal(f"{moved} It is {now} now. Submit once more to put yours in its place.") from None
            return True

        takes = f"A change takes effect {setting.takes}." if setting.takes else ""
        text = f"{setting.help}\n{takes}".strip()
        return Form(setting.label, text, field, seen, "keeps it", keep)

    async def action_reset(self) -> None:
        item = self.picked.item if self.picked else None
        if item is None:
            return
        name = _name(item)
        why = why_not(self._choices.now.keys, item.name, None) if isinstance(item, Command) else ""
        try:
            if why:
                raise Refusal(why)
            await self._choices.change({name: None}, expected={name: value_of(self._choices.now, name)})
        except Refusal as refusal:
            await self.show()
            self.said.update(str(refusal))
        else:
            await self.show()


class PressKey(Dialog[bool]):
    """The next key that is pressed becomes the key of a command; one that can't is refused, and another awaited."""

    def __init__(self, choices: Choices, command: Command) -> None:
        super().__init__()
        self._choices, self._command = choices, command
        self._said = Plain(classes="error")

    def compose(self) -> ComposeResult:
        command = self._command
        now = self._choices.now.keys.get(command.name, command.keys)
        with Vertical(classes="box"):
            yield Plain(f"Press a key for {command.label}", classes="title")
            yield Plain(f"{command.help}\n{places_of(command)} · now {_keys(now) or 'none'}", classes="text")
            yield self._said
            yield Plain("Esc leaves it as it is", classes="keys")

    async def on_key(self, event: events.Key) -> None:
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(False)
        elif not event.key.endswith(_HELD):
            try:
                await self._keep(_written(event))
            except Refusal as refusal:
                self._said.update(str(refusal))
            else:
                self.dismiss(True)

    async def _keep(self, key: str) -> None:
        command, now = self._command, self._choices.now.keys
        if why := why_not(now, command.name, key):
            raise Refusal(f"{why[:1].upper()}{why[1:]}")
        name = KEYS + command.name
        await self._choices.change({name: key}, expected={name: now.get(command.name)})


_HELD = ("_shift", "_control", "_alt", "_super", "_hyper", "_meta", "_lock")
"""How keys end that are held while another one is pressed; some terminals tell them alone."""


def _written(event: events.Key) -> str:
    """A key as the settings have it: `r`, `?`, `ctrl+t`, `comma`."""
    character = event.character
    return character if character and event.is_printable and character not in ", " else event.key


def themes() -> Choice:
    """The themes that there are: what Textual has."""
    from textual.theme import BUILTIN_THEMES

    return Choice(sorted(BUILTIN_THEMES))


def _sections() -> Iterator[tuple[str, Sequence[_Item]]]:
    for table, title in _TABLES.items():
        yield title, [each for each in SETTINGS.values() if each.name.rpartition(".")[0] == table]
    listed: set[str] = set()
    for where, title in PLACES.items():
        commands = [each for each in COMMANDS if where in each.where and each.name not in listed]
        listed |= {each.name for each in commands}
        yield f"Keys: {title}", commands


def _name(item: _Item) -> str:
    return KEYS + item.name if isinstance(item, Command) else item.name


def _keys(keys: str) -> str:
    return " ".join(shown_key(key.strip()) for key in keys.split(",") if key.strip())


def _said(setting: Setting, value: Any) -> str:
    """A value for people; '' for none."""
    if isinstance(value, list):
        return ", ".join(value)
    return setting.field.summary(value) if value not in ("", None) else ""


def _default(item: _Item) -> str:
    return _keys(item.keys) if isinstance(item, Command) else _said(item, item.default)
