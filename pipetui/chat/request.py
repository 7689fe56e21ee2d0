"""What a model is asked: data alone. `context.py` makes it, `client.py` sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from . import tokens


@dataclass(frozen=True)
class Section:
    """A part of what the model sees, and the tokens that it takes."""

    name: str
    tokens: int


@dataclass(frozen=True)
class Request:
    """One chat request.

    `messages` and `tools` are in Ollama's form. `scans`: actions were told in words, so the text that comes is to be
    scanned for calls. `window` is what the model will have, in tokens; `sections` are estimates, in order. `format` is
    a JSON Schema that the reply is to follow.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    think: bool = False
    scans: bool = False
    keep_alive: str = ""
    format: Mapping[str, Any] | None = None
    window: int = 0
    sections: Sequence[Section] = ()

    @property
    def full(self) -> float:
        """The share of the window that it takes, as estimated; 0 when the window is not known."""
        taken = sum(section.tokens for section in self.sections)
        return min(1.0, taken / self.window) if self.window else 0.0

    @property
    def size(self) -> int:
        """Of all that is sent: with the server's count of tokens it calibrates the estimates (`tokens.calibrate`)."""
        return sum(map(tokens.size, self._texts()))

    def _texts(self) -> Iterator[str]:
        for message in self.messages:
            yield message.get("content") or ""
            yield message.get("thinking") or ""
            if calls := message.get("tool_calls"):
                yield written(calls)
        if self.tools:
            yield written(self.tools)


def written(value: Any) -> str:
    """JSON as the model is told it."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)
