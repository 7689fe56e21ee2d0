"""The profile that one works for: picked, or made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from ..engine.collections import PROFILES
from ..service import Service
from ..widgets.plain import line
from .base import Host, MainScreen
from .listing import Row
from .picking import Pick


class PickProfile(Pick[str]):
    """The profiles; typing narrows them, and what none of them is called is made."""

    def __init__(self, service: Service, current: str) -> None:
        what, keys = "type to find one, or to name a new one", "Enter takes it · Esc leaves it"
        super().__init__("Which client or project do you work for?", what, keys, current)
        self._service = service
        self._active: Sequence[str] = ()
        self._names: Sequence[str] = ()

    async def load(self) -> None:
        items = await self._service.collections.items(PROFILES)
        self._active = [str(item.values["name"]) for item in items if item.values["active"]] or [self._current]
        self._names = [str(item.values["name"]) for item in items]

    async def rows(self, typed: str) -> Sequence[Row]:
        found = [name for name in (self._names if typed else self._active) if typed.casefold() in name.casefold()]
        rows = [Row(name, line(name, "bold" if name == self._current else "")) for name in found]
        if typed and typed not in self._names:
            rows.append(Row(f"new {typed}", line(f"make {typed!r}", "$text-accent"), item=typed))
        return rows

    async def take(self, row: Row) -> None:
        self.dismiss((await self._service.profiles.get(row.item or row.id)).name)


def work_for(host: Host, name: str) -> None:
    """Work for this profile from now on."""
    host.profile = name
    host.remember(profile=name)


def pick_profile(screen: MainScreen, show: Callable[[], Awaitable[None]]) -> None:
    """Pick the profile that one works for; then `show` the screen anew."""

    async def picked(name: str | None) -> None:
        if name is not None:
            work_for(screen.host, name)
            await show()

    screen.app.push_screen(PickProfile(screen.service, screen.host.profile), picked)
