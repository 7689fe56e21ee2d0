"""The input for a step, in a call: what one would type, or JSON of the shape that the step's field wants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..engine.fields import Field, Invalid
from ..engine.values import Value

DEEPEST = 4
"""Levels of lists and objects; no field has more."""

MOST = 2**53
"""No number is larger: what reads JSON elsewhere has no more digits."""


@dataclass(frozen=True)
class Given(Field):
    """Text, a number, yes or no, a list, or an object of these. The step's own field checks it further."""

    kind: ClassVar[str] = "given"

    def check(self, value: Value) -> Value:
        if not _is_plain(value, DEEPEST):
            raise Invalid(f"This must be {self.accepts}.")
        return value

    @property
    def accepts(self) -> str:
        return "what the step asks for: text, a number, yes or no, a list, or an object"


def _is_plain(value: Any, levels: int) -> bool:
    match value:
        case str() | bool():
            return True
        case int() | float():
            return abs(value) <= MOST  # which NaN is not
        case list():
            return levels > 0 and all(_is_plain(item, levels - 1) for item in value)
        case dict():
            return levels > 0 and all(isinstance(key, str) and _is_plain(it, levels - 1) for key, it in value.items())
    return False
