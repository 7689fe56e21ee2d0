"""What is said in a chat: messages, and what an answer may hold beside its text. Data alone.

An answer has its place from the moment that it is asked for: it waits, is streamed, and ends. So the order of a
conversation never depends on when a model is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Role: TypeAlias = Literal["user", "assistant", "system"]
"""Whose voice it is, as the model is told."""

By: TypeAlias = Literal["user", "model", "workflow", "app"]
"""Who really wrote it."""

MessageState: TypeAlias = Literal["done", "waiting", "streaming", "stopped", "broken"]
LIVE: frozenset[MessageState] = frozenset({"waiting", "streaming"})

ProposalState: TypeAlias = Literal["open", "approved", "rejected", "expired", "refused", "done", "failed"]
"""`open` until somebody decides; `approved` only while it is carried out; `refused`: the target had changed."""


@dataclass(frozen=True)
class Thinking:
    """What a reasoning model thought; `at` is the place in the answer's text before which it stands."""

    at: int
    text: str


@dataclass(frozen=True)
class Call:
    """An action that only read, or could not be carried out: shown as a line.

    `arguments` are what the model gave, `line` says what was done, `result` is what the model was told.
    """

    at: int
    name: str
    arguments: Mapping[str, Any]
    line: str
    result: str
    failed: bool = False


@dataclass(frozen=True)
class Proposed:
    """The place of a proposal."""

    at: int
    proposal: str


Part: TypeAlias = Thinking | Call | Proposed


@dataclass(frozen=True)
class Usage:
    """What an answer took, as the server told: tokens, seconds, and the window that the model really had."""

    model: str = ""
    host: str = ""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0
    window: int = 0

    @property
    def rate(self) -> float:
        """Tokens a second of the answer; 0 when it is not known."""
        return self.answer_tokens / self.seconds if self.seconds > 0 else 0.0

    @property
    def full(self) -> float:
        """The share of the window that is in use; 0 when it is not known."""
        return min(1.0, (self.prompt_tokens + self.answer_tokens) / self.window) if self.window else 0.0


@dataclass(frozen=True)
class Message:
    """One message. `seq` orders a conversation; `why`: why an answer was stopped or broken, or what it waits for."""

    id: str
    conversation: str
    seq: int
    role: Role
    by: By
    state: MessageState
    text: str
    parts: Sequence[Part] = ()
    why: str = ""
    pinned: bool = False
    created: float = 0
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Proposal:
    """An action that the model would like. Inert until a person approves exactly these bytes.

    `arguments` is canonical JSON; `before` and `after` show what it changes; `target` is what is changed as
    it was when it was proposed (a hash): another one and it is refused.
    """

    id: str
    conversation: str
    message: str
    action: str
    arguments: str
    title: str
    before: str
    after: str
    target: str
    state: ProposalState
    result: str
    created: float
    expires: float
    decided: float | None = None


_PARTS: Mapping[str, type[Part]] = {"thinking": Thinking, "call": Call, "proposed": Proposed}


def part_to_json(part: Part) -> dict[str, Any]:
    kind = next(name for name, made in _PARTS.items() if type(part) is made)
    return {"kind": kind} | {name: getattr(part, name) for name in part.__dataclass_fields__}


def part_from_json(data: Mapping[str, Any]) -> Part:
    return _PARTS[data["kind"]](**{name: value for name, value in data.items() if name != "kind"})
