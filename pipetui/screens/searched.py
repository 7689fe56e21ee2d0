"""What the main screens have in common that are a list with a search above it."""

from __future__ import annotations

from textual import events
from textual.message import Message

from .base import MainScreen
from .listing import Listing, Row
from .search import Search


class _Narrowed(Listing):
    def post_message(self, message: Message) -> bool:
        """What begins a search never comes here: keys behind it would too, as commands, until the focus has moved."""
        if isinstance(message, events.Key | events.Paste) and isinstance(self.screen, Searched):
            return self.screen.searches(message) or super().post_message(message)
        return super().post_message(message)


class Searched(MainScreen):
    """A list and a search that narrows it as one types; typing into the list begins one."""

    DEFAULT_CSS = """
    Searched Listing { margin: 0 1; }
    """

    def __init__(self, placeholder: str, wanted: str) -> None:
        """`wanted` is the id of the row that the cursor is to be on, as soon as there is one."""
        super().__init__()
        self._box = Search(placeholder)
        self._list = _Narrowed()
        self._wanted = wanted
        self._sought = ""

    def begin(self) -> None:
        """Give the list the focus, and its cursor the wanted row."""
        self.set_focus(self._list)
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
        self.set_focus(self._list)

    async def on_search_changed(self, event: Search.Changed) -> None:
        event.stop()
        await self._narrow()

    async def _narrow(self) -> None:
        """Show what the search leaves; the cursor goes to the best of it when the search is another one."""
        await self._show()
        text = self._box.value
        if text and text != self._sought:
            self._list.action_to_end(-1)
        self._sought = text

    async def on_listing_chosen(self) -> None:
        await self.action_open()

    def searches(self, event: events.Key | events.Paste) -> bool:
        """Whether this begins a search, as what is no command does; the box has the focus then, for what follows."""
        active = self.active_bindings.get(event.key) if isinstance(event, events.Key) else None
        is_asked = active is not None and active.binding.action == "search"
        is_text = isinstance(event, events.Paste) or (event.is_printable and event.key != "space" and active is None)
        if is_asked or is_text:
            self.set_focus(self._box)
        if is_text:
            self._box.post_message(event)
        return is_asked or is_text

    async def found(self) -> Row | None:
        """The row under the cursor; one may have pressed Enter before what one typed was looked for."""
        if self.focused is self._box:
            await self._narrow()
        return self._list.current

    def action_search(self) -> None:
        self.set_focus(self._box)

    async def key_down(self) -> None:
        """From the search into what it found."""
        if self._box.has_focus:
            self.set_focus(self._list)
