"""The footer: the keys that work now, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from textual import events
from textual.content import Content
from textual.screen import Screen

from .marks import has_unicode
from .plain import FAINT, Line, line


class Key(NamedTuple):
    """A key as it is shown; `key` is what is pressed when it is clicked."""

    key: str
    shown: str
    description: str
    enabled: bool
    stays: int = 0
    """How much longer than the others it stays; below 0: not so long."""

    @property
    def width(self) -> int:
        return line(self.shown).cell_length + line(self.description).cell_length + 1


GAP = 2


class KeyBar(Line):
    """The active bindings with `show=True`, those of the focused widget first, the app's last.

    Where they don't all fit, they go by their number in `stays` (0 where there is none), the lowest first, and of those
    alike from the right: the help screen has them all. An action with several keys shows the first one.
    """

    DEFAULT_CSS = """
    KeyBar {
        dock: bottom;
        padding: 0 1;
        color: $text-muted;
        background: $panel;
    }
    """

    def __init__(self, stays: Mapping[str, int] | None = None, **more: Any) -> None:
        super().__init__(**more)
        self.keys: tuple[Key, ...] = ()
        self._stays = stays or {}

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)
        self._bindings_changed(self.screen)

    def _bindings_changed(self, screen: Screen[Any]) -> None:
        if not self.is_attached or not self.app.app_focus or screen is not self.screen:
            return
        keys = self._active(screen) if screen is self.app.screen else ()  # a dialog on top says its keys itself
        if keys != self.keys:
            self.keys = keys
            self.refresh()

    def _active(self, screen: Screen[Any]) -> tuple[Key, ...]:
        """A priority binding comes before the others of its place; otherwise they keep the order of the classes."""
        keys: dict[tuple[object, str], Key] = {}
        places: dict[object, int] = {}
        order: dict[tuple[object, str], tuple[int, bool]] = {}
        for node, binding, enabled, _tooltip in screen.active_bindings.values():
            place = places.setdefault(node, len(places))
            at = (node, binding.action)
            if binding.show and at not in keys:
                shown = self.app.get_key_display(binding) if has_unicode() else binding.key
                keys[at] = Key(binding.key, shown, binding.description, enabled, self._stays.get(binding.action, 0))
                order[at] = (place, not binding.priority)
        return tuple(keys[at] for at in sorted(keys, key=order.__getitem__))

    def _fitting(self, width: int) -> list[tuple[int, Key]]:
        """(first cell, key) of every key that is shown."""
        keys = list(self.keys)
        while sum(key.width + GAP for key in keys) - GAP > width:
            keys.remove(min(reversed(keys), key=lambda key: key.stays))
        placed, x = [], 0
        for key in keys:
            placed.append((x, key))
            x += key.width + GAP
        return placed

    def content(self, width: int) -> Content:
        parts: list[Content] = []
        for _, key in self._fitting(width):
            if parts:
                parts.append(Content(" " * GAP))
            parts.append(line(key.shown, "bold $footer-key-foreground" if key.enabled else FAINT))
            parts.append(Content(" "))
            parts.append(line(key.description, "" if key.enabled else FAINT))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        at = event.get_content_offset(self)
        if at is None:
            return
        for x, key in self._fitting(self.content_size.width):
            if key.enabled and x <= at.x < x + key.width:
                self.app.simulate_key(key.key)
