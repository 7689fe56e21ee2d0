"""The command palette: every command that can be used here, every action that has no key, every list and workflow."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ..actions import ACTIONS
from ..engine.collections import COLLECTIONS
from ..text import one_line
from ..widgets.plain import line
from .acting import offer, scope_of, titled
from .base import Host, MainScreen, Place, ScreenName
from .commands import COMMANDS, keys_of, shown_key

_WORKFLOW = "Its runs, and a new one."
"""Not what the workflow says of itself: Textual 8.2 takes the help of a hit for markup."""


class Commands(Provider):
    """The table of commands, as far as this screen knows them; actions, lists, workflows."""

    async def _offers(self) -> AsyncIterator[tuple[str, str, Any]]:
        """(name, help: our own words, what to do)"""
        screen = self.screen
        if not isinstance(screen, MainScreen):
            return
        host = cast(Host, self.app)
        for command in COMMANDS:
            target = "app" if "app" in command.where else "screen"
            node = self.app if target == "app" else screen
            if command.palette and hasattr(node, f"action_{command.name}") and screen.shows(command.name):
                label = screen.label(command.name) or command.label
                keys = keys_of(command, host.keymap)
                help = f"{command.help}  {shown_key(keys)}" if keys else command.help
                yield label, help, partial(screen.run_action, f"{target}.{command.name}")
        for entry in await host.entries():
            if entry.workflow is not None:
                name = one_line(f"Open {entry.name}", 100)
                yield name, _WORKFLOW, partial(host.go, Place("workflow", entry.app_name))
        for collection in COLLECTIONS.values():
            place = Place(cast(ScreenName, collection.name))
            yield f"Open {collection.name}", collection.help, partial(host.go, place)
        scope = scope_of(screen)
        for action in ACTIONS.every:
            if action.offered and (scope.run or not action.of_run):
                yield titled(action), action.help, partial(offer, screen, action)

    async def discover(self) -> Hits:
        async for name, help, work in self._offers():
            yield DiscoveryHit(line(name), work, help=help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        async for name, help, work in self._offers():
            if (score := matcher.match(name)) > 0:
                yield Hit(score, Content(name), work, help=help)
