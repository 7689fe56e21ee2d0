"""Dictionaries that are read at once and written back in one transaction after the workflow's code ran."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from ..engine.values import copy


class Kept(MutableMapping[str, Any]):
    """A mapping of JSON values that knows what was changed in it."""

    def __init__(self, values: dict[str, Any]) -> None:
        self._values = values
        self.changed: dict[str, Any] = {}
        self.dropped: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        return copy(self._values[name])

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[name] = self.changed[name] = copy(value)
        self.dropped.discard(name)

    def __delitem__(self, name: str) -> None:
        del self._values[name]
        self.changed.pop(name, None)
        self.dropped.add(name)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    @property
    def is_dirty(self) -> bool:
        return bool(self.changed or self.dropped)

    def take(self) -> tuple[dict[str, Any], set[str]]:
        """What is to be written; from here on it counts as written."""
        taken = self.changed, self.dropped
        self.changed, self.dropped = {}, set()
        return taken
