"""A conversation in the forms of Ollama's messages: what was said, calls, and what came of them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, TypeAlias

from ..engine.messages import Call, Message, Proposal, ProposalState, Proposed, Thinking
from ..text import displayable
from . import tokens
from .fences import Scrubber, fence, inert
from .request import written

Told: TypeAlias = dict[str, Any]
"""One message as Ollama takes it."""

_OUTCOMES: Mapping[ProposalState, str] = {
    "open": "Proposed to the user, who has not decided yet. Nothing was done.",
    "approved": "Approved by the user; it is being done.",
    "rejected": "Rejected by the user. Nothing was done.",
    "expired": "The user did not decide in time. Nothing was done.",
    "refused": "Refused: what it would change had changed meanwhile. Nothing was done.",
    "done": "Approved by the user and done.",
    "failed": "Approved by the user, but it failed.",
}


@dataclass(frozen=True)
class Telling:
    """How messages are told: to a model that has native tools or not, with which mark, without secrets."""

    proposals: Mapping[str, Proposal]
    mark: str
    native: bool
    per_token: float
    scrub: Scrubber

    def cost(self, told: Told) -> int:
        """The tokens that a message takes."""
        texts = [told.get("content") or "", told.get("thinking") or ""]
        if calls := told.get("tool_calls"):
            texts.append(written(calls))
        return tokens.PER_MESSAGE + sum(tokens.count(text, self.per_token) for text in texts)

    def total(self, many: Sequence[Told]) -> int:
        return sum(map(self.cost, many))

    def data(self, text: str, most: int) -> str:
        """Text from outside, without secrets, fenced, in about `most` tokens."""
        return fence(tokens.fit(inert(self.scrub.text(text), self.mark), most, self.per_token), self.mark)

    def count(self, text: str) -> int:
        return tokens.count(text, self.per_token)


@dataclass(frozen=True)
class Turn:
    """What the user said, or what stood before, and everything until they spoke again: rounds of messages.

    A round is a call with its results: neither is told without the other.
    """

    rounds: list[list[Told]]
    ids: frozenset[str] = field(default_factory=frozenset)

    @property
    def messages(self) -> list[Told]:
        return [told for round in self.rounds for told in round]


def turns(messages: Sequence[Message], telling: Telling, most_of_a_result: int) -> list[Turn]:
    """The conversation in turns, oldest first. A result is cut to so many tokens."""
    grouped: list[list[Message]] = []
    for message in messages:
        if not grouped or _begins(message):
            grouped.append([])
        grouped[-1].append(message)
    made = []
    for number, group in enumerate(grouped, 1):
        is_last = number == len(grouped)
        rounds = [round for each in group for round in _rounds(each, telling, most_of_a_result, thinks=is_last)]
        if rounds:
            made.append(Turn(rounds, frozenset(each.id for each in group)))
    return made


def _begins(message: Message) -> bool:
    return message.role == "user"


def _rounds(message: Message, telling: Telling, most: int, *, thinks: bool) -> Iterator[list[Told]]:
    if message.role == "assistant" and message.by == "model":
        yield from _answer(message, telling, most, thinks=thinks)
    elif message.text.strip():
        text = telling.scrub.text(message.text if message.by == "user" else displayable(message.text))
        if _begins(message) or message.role == "assistant":
            yield [{"role": message.role, "content": text}]
        else:  # told with the user's voice, not with the app's: it may quote anything
            who = "The workflow" if message.by == "workflow" else "pipetui"
            yield [{"role": "user", "content": f"{who} says:\n{telling.data(text, most)}"}]


def _answer(message: Message, telling: Telling, most: int, *, thinks: bool) -> Iterator[list[Told]]:
    place = 0
    thoughts = "".join(part.text for part in message.parts if isinstance(part, Thinking)) if thinks else ""
    doings = sorted((part for part in message.parts if isinstance(part, Call | Proposed)), key=lambda part: part.at)
    for at, parts in groupby(doings, key=lambda part: part.at):
        said = _said(message.text[place:at], thoughts, telling)
        thoughts, place = "", max(place, at)
        done = [found for part in parts if (found := _done(part, telling, most)) is not None]
        if done:
            yield _native(said, done) if telling.native else _in_text(said, done)
    rest = _said(message.text[place:], thoughts, telling)
    if rest.get("content"):
        yield [rest]


def _said(text: str, thoughts: str, telling: Telling) -> Told:
    said: Told = {"role": "assistant"}
    if text.strip():
        said["content"] = telling.scrub.text(text.strip("\n"))
    if thoughts and telling.native:
        said["thinking"] = telling.scrub.text(thoughts)
    return said


@dataclass(frozen=True)
class _Done:
    name: str
    arguments: Mapping[str, Any]
    result: str


def _done(part: Call | Proposed, telling: Telling, most: int) -> _Done | None:
    if isinstance(part, Call):
        return _Done(
            telling.scrub.text(part.name), telling.scrub.json(_shortened(part.arguments, most, telling)),
            telling.data(part.result, most),
        )  # fmt: skip
    proposal = telling.proposals.get(part.proposal)
    if proposal is None:
        return None
    result = _OUTCOMES[proposal.state]
    if proposal.result:
        result += "\n" + telling.data(proposal.result, most)
    try:
        arguments = json.loads(proposal.arguments)
    except ValueError:
        arguments = {}
    arguments = _shortened(arguments if isinstance(arguments, Mapping) else {}, most, telling)
    return _Done(proposal.action, telling.scrub.json(arguments), result)


def _shortened(arguments: Mapping[str, Any], most: int, telling: Telling) -> Mapping[str, Any]:
    fits = tokens.count(written(arguments), telling.per_token) <= most
    return arguments if fits else {"left_out": "these arguments were too long to be told again"}


def _native(said: Told, done: Sequence[_Done]) -> list[Told]:
    calls = [{"function": {"name": each.name, "arguments": dict(each.arguments)}} for each in done]
    results = [{"role": "tool", "tool_name": each.name, "content": each.result} for each in done]
    return [said | {"tool_calls": calls}, *results]


def _in_text(said: Told, done: Sequence[_Done]) -> list[Told]:
    """For a model that calls by JSON in its text; the text may have the JSON already."""
    text = said.get("content", "")
    missing = [
        written({"action": each.name, "arguments": each.arguments}) for each in done if f'"{each.name}"' not in text
    ]
    results = "\n".join(f"Result of {each.name}:\n{each.result}" for each in done)
    return [{"role": "assistant", "content": "\n".join([text, *missing]).strip()}, {"role": "user", "content": results}]
