"""What a model is asked: data alone. `context.py` makes it, `client.py` sends it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Section:
    """A part of what the model sees, and the tokens that it takes."""

    name: str
    tokens: int


@dataclass(frozen=True)
class Request:
    """One chat request.

    `messages` and `tools` are in Ollama's form. `window` is what the model will have, in tokens; `sections` are
    estimates, in order. `format` is a JSON Schema that the reply is to follow.
    """

    model: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    think: bool = False
    keep_alive: str = ""
    format: Mapping[str, Any] | None = None
    window: int = 0
    sections: Sequence[Section] = ()

    @property
    def characters(self) -> int:
        """Of all that is sent: with the server's count of tokens they calibrate the estimates."""
        import json

        return len(json.dumps([*self.messages, *self.tools], ensure_ascii=False))
