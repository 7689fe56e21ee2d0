"""Pick the profile that one works for, or make one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from ..engine.collections import PROFILES
from ..engine.refusals import Refusal
from ..service import Service
from ..store.errors import StoreError
from ..widgets.fields import Edited, Entered, TextBox
from ..widgets.plain import Plain, line
from .dialogs import Dialog
from .listing import Listing, Row


class PickProfile(Dialog[str]):
    """The profiles; typing narrows them, and what none of them is called is made."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    def __init__(self, service: Service, current: str) -> None:
        super().__init__()
        self._service, self._current = service, current
        self._active: Sequence[str] = ()
        self._names: Sequence[str] = ()
        self._box = TextBox("", "type to find one, or to name a new one")
        self._list = Listing(classes="list")
        self._list.can_focus = False
        self._error = Plain(classes="error")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain("Which client or project do you work for?", classes="title")
            yield self._box
            yield self._list
            yield self._error
            yield Plain("Enter takes it · Esc leaves it", classes="keys")

    async def on_mount(self) -> None:
        items = await self._service.collections.items(PROFILES)
        self._active = [str(item.values["name"]) for item in items if item.values["active"]] or [self._current]
        self._names = [str(item.values["name"]) for item in items]
        self._list.go(self._current)
        self._narrow()
        self._box.focus()

    def _narrow(self) -> None:
        typed = " ".join(self._box.given.split())
        found = [name for name in (self._names if typed else self._active) if typed.casefold() in name.casefold()]
        rows = [Row(name, line(name, "bold" if name == self._current else "")) for name in found]
        if typed and typed not in self._names:
            rows.append(Row(f"new {typed}", line(f"make {typed!r}", "$text-accent"), item=typed))
        self._list.show(rows)
        self._list.styles.height = min(14, max(1, len(rows)))

    def on_edited(self, event: Edited) -> None:
        event.stop()
        self._error.update("")
        self._narrow()

    def action_move(self, step: int) -> None:
        self._list.action_move(step)

    async def on_entered(self, event: Entered) -> None:
        event.stop()
        row = self._list.current
        if row is None:
            return
        try:
            profile = await self._service.profiles.get(row.item or row.id)
        except (Refusal, StoreError) as error:
            self._error.update(str(error))
        else:
            self.dismiss(profile.name)
