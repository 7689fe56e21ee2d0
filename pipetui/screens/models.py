"""Choose the model that answers: for all, for a profile, or for a workflow; or bring one to the host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from ..chat.choice import For
from ..text import count, size
from ..widgets.controls import Edited, Entered, TextBox
from ..widgets.plain import MUTED, Plain, line
from .dialogs import Dialog
from .listing import Listing, Row, note
from .looks import column, column_right

if TYPE_CHECKING:
    from ..chat.chat import Chat
    from ..chat.client import Model

REFRESH = 0.5
"""Seconds between two looks at what is being brought."""

_FOR: Mapping[For, str] = {"all": "all", "profile": "this profile", "app_name": "this workflow"}


class PickModel(Dialog[None]):
    DEFAULT_CSS = """
    PickModel > .box {
        width: 104;
        & > .pull { color: $text-primary; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("ctrl+r", "choose('profile')", show=False),
        Binding("ctrl+t", "choose('app_name')", show=False),
        Binding("ctrl+x", "cancel", show=False, priority=True),
    ]

    def __init__(self, chat: Chat, scope: Mapping[str, str]) -> None:
        super().__init__()
        self._chat, self._scope = chat, scope
        self._models: list[Model] = []
        self._chosen: Mapping[str, str] = {}
        self._box = TextBox("", "type to find one, or the name of one to bring: llama3.2:3b")
        self._list = Listing(classes="list")
        self._list.can_focus = False
        self._pull = Plain(classes="pull")
        self._error = Plain(classes="error")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain("Models", classes="title")
            yield self._box
            yield self._list
            yield self._pull
            yield self._error
            yield Plain(self._keys(), classes="keys")

    def _keys(self) -> str:
        ours = " · ctrl+t for this workflow" if self._scope.get("app_name") else ""
        return f"Enter takes it for all{ours} · ctrl+r for this profile · ctrl+x stops bringing · Esc leaves"

    async def on_mount(self) -> None:
        self._box.focus()
        await self._load()
        self.set_interval(REFRESH, self._look)

    async def _load(self) -> None:
        self._chosen = await self._chat.chosen(self._scope)
        self._models = await self._chat.models()
        self._show()

    async def _look(self) -> None:
        """What is being brought, and what came of it."""
        pull = self._chat.pull
        self._pull.update(pull.said if pull is not None else "")
        if pull is not None and pull.is_over and not pull.is_seen:
            pull.is_seen = True
            await self._load()

    def _show(self) -> None:
        words = self._box.given.casefold().split()
        found = [model for model in self._models if all(word in model.name.casefold() for word in words)]
        rows = [self._row(model) for model in found]
        name = self._box.given.strip()
        if name and not any(model.is_called(name) for model in self._models):
            rows.append(Row(f"bring {name}", line(f"bring {name!r} to {self._chat.host}", "$text-accent")))
        if not rows:
            rows.append(note(self._chat.missing or "There is no model here: type the name of one to bring it."))
        self._list.show(rows)
        self._list.styles.height = min(14, max(1, len(rows)))

    def _row(self, model: Model) -> Row:
        chosen = [_FOR[each] for each in _FOR if model.is_called(self._chosen.get(each, ""))]
        able = sorted(model.capabilities & {"tools", "thinking", "vision"})
        about = [model.parameters, model.quantization, f"{count(model.context)} tokens", *able]
        if model.loaded:
            about.append("loaded")
        left = Content.assemble(
            column(line(model.name, "bold" if chosen else ""), 28),
            "  ",
            column_right(line(size(model.size) if model.size else ""), 8),
            "  ",
            line(" · ".join(part for part in about if part), MUTED),
        )
        right = line(f"for {', '.join(chosen)}" if chosen else "", "$text-accent")
        return Row(f"{model.host} {model.name}", left, right, item=model)

    def on_edited(self, event: Edited) -> None:
        event.stop()
        self._error.update("")
        self._show()

    def action_move(self, step: int) -> None:
        self._list.action_move(step)

    async def on_entered(self, event: Entered) -> None:
        event.stop()
        row = self._list.current
        if row is not None and row.item is None:
            self._chat.bring(self._box.given.strip())
            await self._look()
        else:
            await self.action_choose("all")

    async def action_choose(self, chosen_for: For) -> None:
        """Take the model; for what it is taken already, no longer."""
        row = self._list.current
        if row is None or row.item is None:
            return
        is_it = row.item.is_called(self._chosen.get(chosen_for, ""))
        await self._chat.choose(None if is_it else row.item.name, chosen_for, self._scope)
        if chosen_for == "all" and not is_it:
            self.dismiss(None)
        else:
            await self._load()

    def action_cancel(self) -> None:
        if self._chat.pull is not None:
            self._chat.pull.cancel()
