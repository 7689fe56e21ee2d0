"""The cards of a run, one below the other, and the ways between them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from textual import events
from textual.containers import VerticalScroll

from ..engine.cards import Card
from .card import CardView

DIGIT_SECONDS = 0.7
"""A second digit within this time makes a number of two."""


class CardStack(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls to the focused card; its keys are the screen's, but for digits."""

    DEFAULT_CSS = """
    CardStack {
        scrollbar-size-vertical: 1;
        CardView { margin-bottom: 1; }
    }
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.views: dict[str, CardView] = {}
        """By the ids of their steps."""
        self._digits = ("", 0.0)

    async def build(
        self, cards: Sequence[Card], keys: Mapping[str, str], expanded: Iterable[str], current: str
    ) -> None:
        """All cards anew, `expanded` ones open; if that names none of them, the `current` one."""
        self.views = {card.id: CardView(card, keys=keys) for card in cards}
        for id in [id for id in expanded if id in self.views] or [current]:
            self.views[id].set_reactive(CardView.expanded, True)
        with self.app.batch_update():
            await self.remove_children()
            await self.mount_all(self.views.values())

    @property
    def focused(self) -> CardView | None:
        """The card that has the focus, itself or in its body."""
        focused = self.screen.focused if self.is_attached else None
        path = focused.ancestors_with_self if focused is not None else ()
        return next((node for node in path if isinstance(node, CardView)), None)

    @property
    def place(self) -> dict[str, Any]:
        """Where one is, as JSON: what `build` and the screen need to bring one back."""
        view = self.focused
        return {
            "card": view.card.id if view else None,
            "body": view is not None and self.screen.focused is not view,
            "expanded": [id for id, view in self.views.items() if view.expanded],
            "scroll": round(self.scroll_y),
        }

    def go_to(self, number: int) -> None:
        """Focus the card of this number, from 0; nothing where there is none."""
        views = list(self.views.values())
        if 0 <= number < len(views):
            views[number].focus()
            views[number].scroll_visible(animate=False)

    def step(self, by: int) -> None:
        """Focus a card above (-1) or below (1); at an end one stays."""
        views = list(self.views.values())
        at = views.index(self.focused) if self.focused else 0
        self.go_to(min(max(0, at + by), len(views) - 1))

    def on_key(self, event: events.Key) -> None:
        """Digits jump, unless they are typed into an input; two in a row make one number."""
        digit = event.character or ""
        view = self.focused
        if not (digit.isascii() and digit.isdigit()) or (view is not None and view.is_typing):
            return
        event.stop()
        before, at = self._digits
        now = time.monotonic()
        text = before + digit if now - at < DIGIT_SECONDS else digit
        if int(text) > len(self.views):
            text = digit
        self._digits = (text, now)
        self.go_to(int(text) - 1)
