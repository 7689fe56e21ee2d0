"""What a model asks for: reading is done at once; what changes something becomes a proposal, inert until approved."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..actions.action import Scope
from ..actions.schema import checked
from ..engine.fields import Invalid
from ..engine.messages import Call, Message, Part, Proposal, Proposed
from ..engine.refusals import Moved, Refusal
from ..engine.values import decode, encode
from ..store.errors import StoreError
from ..text import count, one_line
from .scanner import MOST

if TYPE_CHECKING:
    from ..actions.registry import Actions
    from ..service import Service
    from .client import ToolCall

EXPIRES_SECONDS = 15 * 60
"""What was proposed longer ago is not carried out: the user has other things in mind by now."""

LARGEST_KEPT = 4_000
"""Characters of a call's arguments that the conversation keeps."""


async def act(
    service: Service, actions: Actions, scope: Scope, answer: Message, calls: Sequence[ToolCall]
) -> list[Part]:
    """The parts that the calls of an answer become, each at the end of its text as it stands."""
    if len(calls) > MOST:
        return [_failed(answer, calls[0], f"{count(len(calls))} calls in one reply: none of them was looked at.")]
    return [await _one(service, actions, scope, answer, call) for call in calls]


async def _one(service: Service, actions: Actions, scope: Scope, answer: Message, call: ToolCall) -> Part:
    from ..service.facts import Broken

    try:
        action = actions.named(call.name)
        if action.reads:
            done = await actions.do(service, scope, action.name, call.arguments)
            return Call(len(answer.text), action.name, _kept(call.arguments), done.line, encode(done.result))
        arguments = encode(dict(sorted(checked(action, call.arguments).items())))
        effect = await actions.effect(service, scope, action.name, decode(arguments))
        now = time.time()
        proposal = Proposal(
            uuid.uuid4().hex, answer.conversation, answer.id, action.name, arguments, effect.title, effect.before,
            effect.after, effect.target, "open", "", now, now + EXPIRES_SECONDS,
        )  # fmt: skip
        if not await service.conversations.propose(proposal):
            return _failed(answer, call, "This is proposed already, and waits for the user.")
        return Proposed(len(answer.text), proposal.id)
    except (Refusal, Invalid, Broken, StoreError) as error:
        return _failed(answer, call, str(error))


def _failed(answer: Message, call: ToolCall, why: str) -> Call:
    name = one_line(call.name, 60)
    why = one_line(why, 500)
    return Call(len(answer.text), name, _kept(call.arguments), f"{name}: {why}", encode({"error": why}), failed=True)


def _kept(arguments: Any) -> Mapping[str, Any]:
    """Arguments as the conversation keeps them: nothing that is no JSON, or large."""
    try:
        text = encode(arguments)
    except (TypeError, ValueError, RecursionError):
        return {}
    kept = decode(text) if len(text) <= LARGEST_KEPT else {}
    return kept if isinstance(kept, dict) else {}


async def decide(service: Service, actions: Actions, shown: Proposal, is_approved: bool) -> Proposal:
    """Carry out exactly what was shown, or reject it; the proposal as it is then.

    Refusal when it is no longer open, too old, or not what was shown: nothing was done.
    """
    chat = service.conversations
    if not is_approved:
        await chat.reject(shown.id)
        return await chat.proposal(shown.id)
    from ..service.facts import Broken

    asked = await chat.scope(shown.message)
    scope = Scope(asked.get("profile", ""), asked.get("run", ""), asked.get("app_name", ""), actor="model")
    await chat.approve(shown)
    try:
        done = await actions.do(service, scope, shown.action, decode(shown.arguments), expected=shown.target)
    except Moved as error:
        await chat.end(shown.id, "refused", str(error))
    except (Refusal, Invalid, Broken, StoreError) as error:
        await chat.end(shown.id, "failed", str(error))
    except BaseException as error:
        await chat.end(shown.id, "failed", f"It failed unexpectedly ({type(error).__name__}); the log has the details.")
        raise
    else:
        await chat.end(shown.id, "done", done.line)
    return await chat.proposal(shown.id)
