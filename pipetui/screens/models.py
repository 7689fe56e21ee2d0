"""Choose the model that answers: for all, for a profile, or for a workflow; or download one to the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget

from ..chat.choice import Choice, For
from ..chat.client import Model
from ..chat.presence import Presence
from ..text import count, size
from ..widgets.plain import MUTED, Plain, line
from .listing import BLANK, Row, heading, note
from .looks import column, column_right, widest
from .picking import Pick

if TYPE_CHECKING:
    from ..chat.chat import Chat

REFRESH = 0.5
"""Seconds between two looks at what is being downloaded."""

_FOR: Mapping[For, str] = {"all": "all", "profile": "this profile", "app_name": "this workflow"}


class PickModel(Pick[None]):
    DEFAULT_CSS = """
    PickModel > .box {
        & > .pull { color: $text-primary; }
        & > .missing { margin-top: 1; color: $text-warning; }
    }
    """

    WIDE = 104

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "choose('profile')", show=False),
        Binding("ctrl+t", "choose('app_name')", show=False),
        Binding("ctrl+x", "cancel", show=False, priority=True),
    ]

    def __init__(self, chat: Chat, scope: Mapping[str, str]) -> None:
        ours = " · Ctrl+T for this workflow" if scope.get("app_name") else ""
        keys = f"Enter takes it for all{ours} · Ctrl+R for this profile · Ctrl+X stops a download · Esc leaves"
        super().__init__("Models", "type to find one, or the name of one to download: llama3.2:3b", keys)
        self._chat, self._scope = chat, scope
        self._hosts: Sequence[Presence] = ()
        self._chosen: Mapping[For, Model] = {}
        self._pull = Plain(classes="pull")
        self._missing = Plain(classes="missing", limit=1_000)

    def more(self) -> Iterator[Widget]:
        yield self._missing
        yield self._pull

    async def on_mount(self) -> None:
        self.set_interval(REFRESH, self._look)
        self.run_worker(self._look_anew(), exit_on_error=False)

    async def load(self) -> None:
        self._chosen = await self._chat.chosen(self._scope)
        self._hosts = self._chat.hosts

    async def _look_anew(self) -> None:
        """What is known is shown at once; who comes or goes since, as soon as that is known."""
        await self._chat.look()
        if self.is_attached:
            await self.load()
            await self.show()

    async def _look(self) -> None:
        """What is being downloaded, and what came of it."""
        pull = self._chat.pull
        self._pull.update(pull.said if pull is not None else "")
        if pull is not None and pull.is_over and not pull.is_seen:
            pull.is_seen = True
            await self._look_anew()

    async def rows(self, typed: str) -> Sequence[Row]:
        """The models, below their host where there are several; then what is the matter with the other hosts."""
        words = typed.casefold().split()
        by_host = [
            (host, [model for model in host.models if all(word in model.name.casefold() for word in words)])
            for host in self._hosts
        ]
        found = [model for _, models in by_host for model in models]
        widths = widest([line(model.name) for model in found], 28), widest([_size(model) for model in found], 9)
        rows: list[Row] = []
        for host, models in by_host:
            said = [self._row(model, *widths) for model in models]
            if said and len(by_host) > 1:
                rows += [*([BLANK] if rows else []), heading(_where(host))]
            rows += said
        if len(by_host) > 1 and not typed:
            missing = [note(host.text) for host in self._hosts if host.text]
            rows += [*([BLANK] if rows and missing else []), *missing]
        for host in self._hosts if typed else ():
            if not any(model.is_called(typed) for model in host.models) and self._takes(host):
                bring = line(f"download {typed!r} to {host.name}", "$text-accent")
                rows.append(Row(f"bring {typed} {host.name}", bring, item=host))
        self._missing.update("" if rows else self._chat.missing)  # longer than a row
        self._missing.display = not rows
        return rows or [note("There is no model here: type the name of one to download it.")]

    def _takes(self, host: Presence) -> bool:
        """Whether a model may be downloaded there: where there is only one host, it says itself why not."""
        return len(self._hosts) == 1 or host.kind in ("ready", "no_model")

    def _row(self, model: Model, name: int, size: int) -> Row:
        chosen = [_FOR[each] for each in _FOR if self._chosen.get(each) == model]
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
        if isinstance(row.item, Presence):
            self._chat.bring(self.typed, row.item)
            await self._look()
        else:
            await self.action_choose("all")

    async def action_choose(self, chosen_for: For) -> None:
        """Take the model; for what it is taken already, no longer."""
        model = self.picked.item if self.picked is not None else None
        if not isinstance(model, Model):
            return
        is_it = self._chosen.get(chosen_for) == model
        await self._chat.choose(None if is_it else Choice(model.name, model.host), chosen_for, self._scope)
        if chosen_for == "all" and not is_it:
            self.dismiss(None)
        else:
            await self.load()
            await self.show()

    def action_cancel(self) -> None:
        if self._chat.pull is not None:
            self._chat.pull.cancel()


def _where(host: Presence) -> str:
    """A host for people, among several."""
    return f"{host.name}{' · elsewhere' if host.is_remote else ''}"


def _size(model: Model) -> Content:
    return line(size(model.size) if model.size else "")
