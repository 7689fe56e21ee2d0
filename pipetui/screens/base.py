"""What all main screens have: header, footer, news, and the app as they see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, cast

from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding
from textual.screen import Screen

from ..widgets.footer import KeyBar
from ..widgets.header import StatusBar
from .away import Away
from .commands import STAYS, Where

if TYPE_CHECKING:
    from ..engine.registry import Entry
    from ..service import Service
    from ..store.rev import Changes

Severity: TypeAlias = Literal["information", "warning", "error"]


@dataclass(frozen=True)
class Place:
    """Where one can be. `memory` is what the screen told to `remember` when it was last there."""

    screen: Literal["home", "workflow", "run", "jobs"] = "home"
    app_name: str = ""
    run: str = ""
    memory: Mapping[str, Any] = field(default_factory=dict)


class Host(Protocol):
    """The app, as its screens see it."""

    service: Service
    profile: str
    keymap: Mapping[str, str]
    away: Sequence[str]

    def go(self, place: Place) -> None:
        """Show another screen in place of this one."""

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

    DEFAULT_CSS = """
    MainScreen { layout: vertical; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.status = StatusBar()

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
        yield from self.content()
        yield KeyBar(STAYS)

    def content(self) -> ComposeResult:
        """What stands between header and footer."""
        raise NotImplementedError

    async def changed(self, changes: Changes | None) -> None:
        """Something was written, here or elsewhere; None: anything may have, workflow files too."""

    async def settle(self) -> None:
        """Write what is not written yet; the screen goes, or the app ends."""

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
        if not self.shows(binding.action):
            return replace(binding, show=False)
        label = self.label(binding.action)
        return replace(binding, description=label) if label else binding
