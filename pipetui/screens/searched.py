"""What the main screens have in common that are a list with a search above it."""

from __future__ import annotations

from textual import events

from .base import MainScreen
from .listing import Listing, Row
from .search import Search


class Searched(MainScreen):
    """A list and a search that narrows it as one types; typing into the list begins one."""

    DEFAULT_CSS = """
    Searched Listing { margin: 0 1; }
    """

    def __init__(self, placeholder: str, wanted: str) -> None:
        """`wanted` is the id of the row that the cursor is to be on, as soon as there is one."""
        super().__init__()
        self._box = Search(placeholder)
        self._list = Listing()
        self._wanted = wanted

    def begin(self) -> None:
        """Give the list the focus, and its cursor the wanted row."""
        self._list.focus()
        if self._wanted:
            self._list.go(self._wanted)

    async def _show(self) -> None:
        """Show what the search leaves."""
        raise NotImplementedError

    async def action_open(self) -> None:
        """Open what the cursor is on."""
        raise NotImplementedError

    @property
    def is_searching(self) -> bool:
        return bool(self._box.value) or self._box.has_focus

    def clear_search(self) -> None:
        self._box.value = ""
        self._list.focus()

    async def on_search_changed(self, event: Search.Changed) -> None:
        event.stop()
        await self._show()

    async def on_listing_chosen(self) -> None:
        await self.action_open()

    def on_key(self, event: events.Key) -> None:
        """A key that nobody took and that is no command begins a search. Several may come before the first one moved
        the focus."""
        typed = event.character or ""
        if not typed or not typed.isprintable() or self.focused not in (self._list, self._box):
            return
        if self.focused is self._box or (typed.strip() and event.key not in self.active_bindings):
            event.stop()
            self._box.focus()
            self._box.put(typed)

    async def found(self) -> Row | None:
        """The row under the cursor; one may have pressed Enter before what one typed was looked for."""
        if self.focused is self._box:
            await self._show()
        return self._list.current

    def action_search(self) -> None:
        self._box.focus()

    async def key_down(self) -> None:
        """From the search into what it found."""
        if self._box.has_focus:
            self._list.focus()
