"""Choose the model that answers: for all, for a profile, or for a workflow; or bring one to the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from ..chat.choice import For
from ..text import count, size
from ..widgets.plain import MUTED, Plain, line
from .listing import Row, note
from .looks import column, column_right, widest
from .picking import Pick

if TYPE_CHECKING:
    from ..chat.chat import Chat
    from ..chat.client import Model

REFRESH = 0.5
"""Seconds between two looks at what is being brought."""

_FOR: Mapping[For, str] = {"all": "all", "profile": "this profile", "app_name": "this workflow"}


class PickModel(Pick[None]):
    DEFAULT_CSS = """
    PickModel > .box {
        & > .pull { color: $text-primary; }
    }
    """

    WIDE = 104

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "choose('profile')", show=False),
        Binding("ctrl+t", "choose('app_name')", show=False),
        Binding("ctrl+x", "cancel", show=False, priority=True),
    ]

    def __init__(self, chat: Chat, scope: Mapping[str, str]) -> None:
        ours = " · ctrl+t for this workflow" if scope.get("app_name") else ""
        keys = f"Enter takes it for all{ours} · ctrl+r for this profile · ctrl+x stops bringing · Esc leaves"
        super().__init__("Models", "type to find one, or the name of one to bring: llama3.2:3b", keys)
        self._chat, self._scope = chat, scope
        self._models: list[Model] = []
        self._chosen: Mapping[str, str] = {}
        self._pull = Plain(classes="pull")

    def more(self) -> Iterator[Widget]:
        yield self._pull

    async def on_mount(self) -> None:
        self.set_interval(REFRESH, self._look)

    async def load(self) -> None:
        self._chosen = await self._chat.chosen(self._scope)
        self._models = await self._chat.models()

    async def _look(self) -> None:
        """What is being brought, and what came of it."""
        pull = self._chat.pull
        self._pull.update(pull.said if pull is not None else "")
        if pull is not None and pull.is_over and not pull.is_seen:
            pull.is_seen = True
            await self.load()
            await self.show()

    async def rows(self, typed: str) -> Sequence[Row]:
        words = typed.casefold().split()
        found = [model for model in self._models if all(word in model.name.casefold() for word in words)]
        widths = widest([line(model.name) for model in found], 28), widest([_size(model) for model in found], 9)
        rows = [self._row(model, *widths) for model in found]
        if typed and not any(model.is_called(typed) for model in self._models):
            rows.append(Row(f"bring {typed}", line(f"bring {typed!r} to {self._chat.host}", "$text-accent")))
        return rows or [note(self._chat.missing or "There is no model here: type the name of one to bring it.")]

    def _row(self, model: Model, name: int, size: int) -> Row:
        chosen = [_FOR[each] for each in _FOR if model.is_called(self._chosen.get(each, ""))]
        able = sorted(model.capabilities & {"tools", "thinking", "vision"})
        about = [model.parameters, model.quantization, f"{count(model.context)} tokens", *able]
        if model.loaded:
            about.append("loaded")
        left = Content.assemble(
            column(line(model.name, "bold" if chosen else ""), name),
            "  ",
            column_right(_size(model), size),
            "  ",
            line(" · ".join(part for part in about if part), MUTED),
        )
        right = line(f"for {', '.join(chosen)}" if chosen else "", "$text-accent")
        return Row(f"{model.host} {model.name}", left, right, item=model)

    async def take(self, row: Row) -> None:
        if row.item is None:
            self._chat.bring(self.typed)
            await self._look()
        else:
            await self.action_choose("all")

    async def action_choose(self, chosen_for: For) -> None:
        """Take the model; for what it is taken already, no longer."""
        row = self.picked
        if row is None or row.item is None:
            return
        is_it = row.item.is_called(self._chosen.get(chosen_for, ""))
        await self._chat.choose(None if is_it else row.item.name, chosen_for, self._scope)
        if chosen_for == "all" and not is_it:
            self.dismiss(None)
        else:
            await self.load()
            await self.show()

    def action_cancel(self) -> None:
        if self._chat.pull is not None:
            self._chat.pull.cancel()


def _size(model: Model) -> Content:
    return line(size(model.size) if model.size else "")
