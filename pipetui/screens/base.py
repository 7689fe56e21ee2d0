"""What all main screens have: header, footer, news, and the app as they see it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.containers import Horizontal, Vertical
from textual.screen import Screen
from textual.widget import Widget

from ..widgets.footer import KeyBar
from ..widgets.header import StatusBar
from .away import Away
from .commands import COMMANDS, PLACES, STAYS, Where, keys_of, shown_key

if TYPE_CHECKING:
    from ..chat.chat import Chat
    from ..engine.registry import Entry
    from ..service import Service
    from ..store.rev import Changes
    from .chat import ChatPane

BOTH_PANES = 110
"""From so many columns on the chat stands beside the screen; below that one of them shows at a time."""

_LOCAL = frozenset(command.name for command in COMMANDS if not {"app", "chat"} & set(command.where))

Severity: TypeAlias = Literal["information", "warning", "error"]
ScreenName: TypeAlias = Literal["home", "workflow", "run", "jobs", "tasks", "profiles"]


@dataclass(frozen=True)
class Place:
    """Where one can be. `memory` is what the screen told to `remember` when it was last there."""

    screen: ScreenName = "home"
    app_name: str = ""
    run: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)


class Host(Protocol):
    """The app, as its screens see it."""

    service: Service
    profile: str
    keymap: Mapping[str, str]
    away: Sequence[str]
    chat: Chat
    chat_open: bool | None
    """Whether the chat stands beside the screens where there is room; None: nobody has opened or closed it yet."""
    is_up: bool
    """Whether the first frame has been shown."""

    def go(self, place: Place, *, in_chat: bool = False) -> None:
        """Show another screen in place of this one; `in_chat`: with the focus in the chat beside it."""

    def say(self, text: object, severity: Severity = "information") -> None:
        """A notice, in a sentence."""

    def remember(self, **values: Any) -> None:
        """Keep these values (JSON) of the place for the next start."""

    async def entries(self) -> Sequence[Entry]:
        """The workflows in menu order; loaded in a thread when first asked for."""

    async def entry(self, app_name: str) -> Entry | None:
        """The workflow of this name, if it is there."""


class MainScreen(Screen[None]):
    """A screen with header and footer. Keys that can't do anything here and now say why; the footer leaves them out."""

    WHERE: ClassVar[Where]
    BEGINS_WITH_CHAT: ClassVar[bool] = True
    """Whether the chat stands beside it before anybody has opened or closed it."""

    DEFAULT_CSS = """
    MainScreen {
        layout: vertical;
        & > .panes { height: 1fr; }
        & > .panes > .main { width: 3fr; height: 1fr; }
        &.-narrow.-in-chat > .panes > .main { display: none; }
        &.-narrow > .panes > ChatPane { display: none; }
        &.-narrow.-in-chat > .panes > ChatPane { display: block; width: 1fr; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = StatusBar()
        self.chat: ChatPane | None = None
        self._left: Widget | None = None
        self._opening = asyncio.Lock()

    @property
    def host(self) -> Host:
        return cast(Host, self.app)

    @property
    def service(self) -> Service:
        return self.host.service

    def compose(self) -> ComposeResult:
        self.status.env = self.service.paths.env
        yield self.status
        yield Away(self.host.away, self.host.keymap)
        with Horizontal(classes="panes"), Vertical(classes="main"):
            yield from self.content()
        yield KeyBar(STAYS)

    def content(self) -> ComposeResult:
        """What stands between header and footer."""
        raise NotImplementedError

    async def changed(self, changes: Changes | None) -> None:
        """Something was written, here or elsewhere; None: anything may have, workflow files too."""

    async def settle(self) -> None:
        """Write what is not written yet; the screen goes, or the app ends."""

    # the chat beside it

    def scope(self) -> dict[str, str]:
        """Where the user is, for the chat: `profile`, `screen`, its `keys`, `app_name` and `run` where there is one."""
        own = (command for command in COMMANDS if self.WHERE in command.where and command.palette)
        keys = ", ".join(
            f"{shown_key(keys_of(command, self.host.keymap))} {command.label}"
            for command in own
            if self.shows(command.name)
        )
        return {"profile": self.host.profile, "screen": PLACES[self.WHERE], "keys": keys}

    @property
    def is_in_chat(self) -> bool:
        """Whether the focus is in the chat pane."""
        return self.chat is not None and self.focused is not None and self.chat in self.focused.ancestors_with_self

    async def open_chat(self, *, enter: bool = True) -> ChatPane | None:
        """Show the chat pane; `enter`: with the focus in its prompt. None when it was closed meanwhile."""
        async with self._opening:  # who comes second finds it mounted
            if self.chat is None:
                module = await asyncio.to_thread(import_module, ".chat", __package__)  # 0.1 s; the screen goes on
                own = [command for command in COMMANDS if command.owner == "transcript"]
                keys = {command.name: shown_key(keys_of(command, self.host.keymap)) for command in own}
                self.chat = pane = module.ChatPane(keys)
                await self.query_one(".panes").mount(pane)
        if self.chat is not None and enter and not self.is_in_chat:
            self._left = self.focused
            self.add_class("-in-chat")
            self.chat.enter()
        return self.chat

    def comes_back_to(self, widget: Widget) -> None:
        """Where the focus goes when it leaves the chat."""
        self._left = widget

    def leave_chat(self) -> None:
        """Give the focus back to where it came from; in a narrow terminal the chat goes with it."""
        self.remove_class("-in-chat")
        left, self._left = self._left, None
        if left is not None and left.is_attached:
            self.set_focus(left, scroll_visible=False)
        else:
            self.focus_main()

    async def close_chat(self) -> None:
        chat, was_in = self.chat, self.is_in_chat
        self.chat = None
        if was_in:
            self.leave_chat()
        if chat is not None:
            await chat.remove()

    def focus_main(self) -> None:
        """Put the focus where it is when the screen opens."""
        first = next((widget for widget in self.query_one(".main").query("*") if widget.focusable), None)
        self.set_focus(first)

    # Decorated, so that the screens have their own `on_mount`, `on_resize` and so on.

    @on(events.Mount)
    def _begin_beside(self) -> None:
        self.call_after_refresh(self.stand_chat_beside)

    @on(events.Resize)
    async def _fold(self, event: events.Resize) -> None:
        self.set_class(event.size.width < BOTH_PANES, "-narrow")
        await self.stand_chat_beside()

    async def stand_chat_beside(self) -> None:
        """Show the chat where there is room, if it is to be there; never in the first frame."""
        opened = self.host.chat_open
        wanted = self.BEGINS_WITH_CHAT if opened is None else opened
        if self.host.is_up and wanted and not self.has_class("-narrow"):
            await self.open_chat(enter=False)

    @on(events.DescendantFocus)
    def _cross(self) -> None:
        self.set_class(self.is_in_chat, "-in-chat")
        self.host.remember(in_chat=self.is_in_chat)

    def _chat_label(self, action: str) -> str:
        """What the footer calls what leads out of the chat."""
        if self.chat is None or not self.is_in_chat:
            return ""
        if action == "leave" and self.chat.is_streaming:
            return "Stop"
        if action == "stop":
            return "Don't wait"
        return "Close the chat" if action == "chat" and not self.has_class("-narrow") else ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While one is in the chat, the keys of the screen beside it rest."""
        return not (action in _LOCAL and self.is_in_chat)

    def shows(self, command: str) -> bool:
        """Whether the footer offers a command here and now."""
        return True

    def label(self, command: str) -> str:
        """What the footer calls a command here and now, where its own label would mislead; else ''."""
        return ""

    @property
    def active_bindings(self) -> dict[str, ActiveBinding]:
        """Textual's, as `shows` and `label` have them in the footer."""
        found = super().active_bindings
        return {key: active._replace(binding=self._as_shown(active.binding)) for key, active in found.items()}

    def _as_shown(self, binding: Binding) -> Binding:
        if not binding.show:
            return binding
        is_told = (
            binding.action == "stop" and self.chat is not None and self.chat.is_streaming
        )  # Esc does it, and says so
        if is_told or not self.shows(binding.action):
            return replace(binding, show=False)
        label = self._chat_label(binding.action) or self.label(binding.action)
        return replace(binding, description=label) if label else binding
