"""Keys that are typed ahead wait for the widget that they are meant for.

Over a slow link keys come in bursts: Enter and the first letters for the next input in one packet. Textual hands a key
to whatever has the focus when it comes, and lets a binding (Enter, Backspace) take longer to act than a letter to be
typed. So `Ada⏎Bob` would make `AdaBob` of the first input, and a letter for a dialog would be a command of the screen
below it. Here each key waits until what the key before it began is over, as if the one who types had waited too.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any, ClassVar, TypeAlias

from textual import events
from textual._queue import Queue
from textual.app import App, ReturnType
from textual.message_pump import MessagePump
from textual.widget import Widget

PATIENCE = 5.0
"""Seconds that a key waits at most for the one before it, but for moves; one that leaves the app waits no longer."""

_MOMENT = 0.001

Typed: TypeAlias = events.Key | events.Paste

# Private in Textual 8.2: of MessagePump `_message_queue` and `_closing`, of Widget `_nodes`, of Screen `_callbacks`;
# and of asyncio.Event `_waiters`. tests/terminal/test_contract.py fails when one of them goes.


class TypeAhead(App[ReturnType]):
    """An App that takes one key after the other."""

    MOVES: ClassVar[frozenset[str]] = frozenset()
    """The groups of workers that put the focus elsewhere when they end: keys wait for them however long they take."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self._typed: deque[Typed] = deque()
        self._due: deque[Typed] = deque()
        self._handing: asyncio.Task[None] | None = None
        self._was_text = False
        self._leaving: Typed | None = None

    def leaves(self, event: Typed) -> bool:
        """Whether it leaves the app: then it overtakes what has to wait too long."""
        return False

    async def on_event(self, event: events.Event) -> None:
        """Textual's; keys and pastes come here twice, and the second time it is their turn."""
        if isinstance(event, Typed) and not event.is_forwarded and not self._is_due(event):
            self._typed.append(event)
            if self._leaving is None and self.leaves(event):
                self._leaving = event
            if self._handing is None or self._handing.done():
                self._handing = asyncio.create_task(self._hand_on())
        else:
            await super().on_event(event)

    def _is_due(self, event: Typed) -> bool:
        is_due = bool(self._due) and event is self._due[0]
        if is_due:
            self._due.popleft()
        return is_due

    async def _hand_on(self) -> None:
        while self._typed and self.is_running:
            if self._was_text and not self._is_text(self._typed[0]):
                await self._rest()  # of what the letters changed, the screen knows before it is left, say
            while self._must_leave and self._typed[0] is not self._leaving:
                self._typed.popleft()
            event = self._typed.popleft()
            if event is self._leaving:
                self._leaving = None
            self._was_text = self._is_text(event)
            self._due.append(event)
            self.post_message(event)
            if not self._was_text:
                await self._rest()

    def _is_text(self, event: Typed) -> bool:
        """Whether it stays with what has the focus: letters that come behind it may follow at once."""
        focused = self.focused
        return (
            isinstance(event, events.Key)
            and event.is_printable
            and focused is not None
            and focused.check_consume_key(event.key, event.character)
        )

    async def _rest(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self.is_at_rest and not self._must_leave and time.monotonic() < until:
            if self._is_moving:
                until = time.monotonic() + PATIENCE
            await asyncio.sleep(_MOMENT)

    @property
    def _must_leave(self) -> bool:
        """Whether a key that leaves the app has waited long enough."""
        return self._leaving is not None and time.monotonic() > self._leaving.time + PATIENCE

    @property
    def _is_moving(self) -> bool:
        return any(worker.group in self.MOVES and not worker.is_finished for worker in self.workers)

    @property
    def is_at_rest(self) -> bool:
        """Whether all that was begun is over, so that the focus is where it will be."""
        if self._is_moving:
            return False
        return not (self.screen_stack and self.screen._callbacks) and not any(map(_is_busy, self._pumps()))

    def _pumps(self) -> list[MessagePump]:
        """The app and all that is on the screen."""
        pumps: list[MessagePump] = [self]
        widgets: list[Widget] = [self.screen] if self.screen_stack else []
        while widgets:
            widget = widgets.pop()
            pumps.append(widget)
            widgets += widget._nodes
        return pumps


def _is_busy(pump: MessagePump) -> bool:
    """Whether it has messages to handle, or handles one: else it waits for the next."""
    queue: Queue[Any] = pump._message_queue
    return not pump._closing and not (queue.empty() and queue.ready_event._waiters)
