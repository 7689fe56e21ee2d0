"""Answers what waits, one at a time: claims an answer, streams it, saves it, and acts on what it asks for."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..actions.action import Scope
from ..engine.messages import Call, Message, Part, Proposal, Proposed, Thinking, Usage
from ..store.errors import StoreError
from ..text import one_line
from .acting import act, decide
from .client import LARGEST_REPLY, ChatError, Client, ToolCall
from .request import Request
from .scanner import Scanner

if TYPE_CHECKING:
    from ..actions.registry import Actions
    from ..service import Service
    from ..store.messages import Claimed
    from .briefing import Briefing

PAINT_SECONDS = 0.05
"""Between two looks at an answer that is coming."""

SAVE_SECONDS = 0.5
"""What came is on disk this long after it did."""

ALIVE_SECONDS = 2.0
"""Between two looks whether an answer of which nothing comes is still wanted."""

SETBACK_SECONDS = 2.0
"""After an answer that could not begin it is tried again so much later, then later and later."""

LONGEST_SETBACK = 8.0

MOST_ROUNDS = 6
"""How often in a row results of actions go back to the model without the user's say."""

LONGEST_ANSWER = LARGEST_REPLY
"""Characters of an answer."""

STOPPED = "Stopped by you."

_log = logging.getLogger("pipetui.chat")


@dataclass(frozen=True)
class _Setback:
    """How long an answer that could not begin is not tried again, while others are."""

    seconds: float
    until: float


@dataclass(frozen=True)
class Sent:
    """The last request: for whom, what it was made of, and its bytes as the server received them."""

    conversation: str
    request: Request
    body: bytes


class Answerer:
    """One of an app. `told` gets an answer as it grows, and when it has ended.

    `briefing` knows who can answer, and makes the requests.
    """

    def __init__(self, service: Service, actions: Actions, briefing: Briefing, told: Callable[[Message], None]) -> None:
        self._service = service
        self._actions = actions
        self._briefing = briefing
        self._told = told
        self._owner = f"{os.getpid()}-{uuid.uuid4().hex}"
        self._wake = asyncio.Event()
        self._coming: _Coming | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._is_awaited = True
        self._refused: dict[str, _Setback] = {}
        self.preferred = ""
        self.sent: Sent | None = None

    @property
    def live(self) -> Message | None:
        """The answer that is coming, as far as it came."""
        return self._coming.message() if self._coming is not None else None

    def wake(self) -> None:
        """Something was asked, or a model may be there now."""
        self._wake.set()

    async def run(self) -> None:
        """Answer what waits, without an end."""
        with suppress(StoreError):
            await self._service.conversations.expire()
        while True:
            try:
                is_idle = not await self._turn()
            except StoreError as error:
                _log.warning("%s", error)
                is_idle = True
            if is_idle:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pause()):
                        await self._wake.wait()
                self._wake.clear()

    def _pause(self) -> float | None:
        """Seconds until it looks again by itself, if it does."""
        if not self._is_awaited:
            return None
        now = time.monotonic()
        return min([ALIVE_SECONDS, *(later for each in self._refused.values() if (later := each.until - now) > 0)])

    def try_again(self) -> None:
        """What was refused may be answered now."""
        self._refused.clear()
        self.wake()

    async def _turn(self) -> bool:
        """Answer one thing; False when there is nothing that can be answered now."""
        chat = self._service.conversations
        self._is_awaited = await chat.unanswered()
        if not self._is_awaited:
            return False
        if not await self._briefing.is_ready():
            self._briefing.doubt()  # somebody waits: it is looked for as often as this is asked
            self._refused.clear()
            await chat.waits(self._briefing.presence.text)
            return False
        now = time.monotonic()
        later = [id for id, each in self._refused.items() if each.until > now]
        with chat.receiving(self._owner):
            claimed = await chat.claim(self._owner, self.preferred, later)
            if claimed is not None:
                await self._receive_all(claimed)
        return claimed is not None

    async def _receive_all(self, claimed: Claimed) -> None:
        """An answer from its begin to its end."""
        self._coming = _Coming(claimed.answer)
        self._streaming = asyncio.create_task(self._stream(claimed, self._coming))
        try:
            await self._follow(self._coming, self._streaming)
        finally:
            self._streaming.cancel()  # else it would go on unseen after a failure here
            self._coming = self._streaming = None

    async def _follow(self, coming: _Coming, streaming: asyncio.Task[None]) -> None:
        """Tell and save how far it came, until it has ended."""
        chat = self._service.conversations
        saved, shown = time.monotonic(), -1
        saved_size = 0
        try:
            while not streaming.done():
                await asyncio.wait([streaming], timeout=PAINT_SECONDS)
                now, size = time.monotonic(), coming.size
                if streaming.done():
                    break
                if size != shown:
                    shown = size
                    self._told(coming.message())
                if now - saved > (SAVE_SECONDS if size != saved_size else ALIVE_SECONDS):
                    saved, saved_size = now, size
                    try:
                        if not await chat.save(self._owner, coming.message()):
                            streaming.cancel()  # another one stopped it, or it is gone with its conversation
                    except StoreError as error:  # it goes on; the next time saves all that came
                        _log.warning("%s", error)
        except asyncio.CancelledError:  # the app ends
            streaming.cancel()
            await asyncio.wait([streaming])
            coming.end("stopped", "The app was left; what came is kept.")
            with suppress(StoreError):
                await asyncio.shield(chat.save(self._owner, coming.message()))
            raise
        await self._finish(coming, streaming)

    async def _finish(self, coming: _Coming, streaming: asyncio.Task[None]) -> None:
        chat = self._service.conversations
        error = None if streaming.cancelled() else streaming.exception()
        if streaming.cancelled():
            coming.end("stopped", STOPPED)
        elif isinstance(error, ChatError):
            if not coming.size and error.kind in ("unreachable", "missing_model"):
                before = self._refused.get(coming.id)
                pause = min(2 * before.seconds, LONGEST_SETBACK) if before is not None else SETBACK_SECONDS
                self._refused[coming.id] = _Setback(pause, time.monotonic() + pause)
                await chat.put_back(self._owner, coming.id, str(error))
                self._briefing.doubt()
                return
            coming.end("broken", str(error))
        elif error is not None:
            _log.error("an answer failed", exc_info=error)
            coming.end("broken", f"Something went wrong ({type(error).__name__}); the log has the details.")
        self._refused.pop(coming.id, None)
        ended = coming.message()
        while True:
            try:
                is_ours = await chat.save(self._owner, ended)
            except StoreError as error:  # busy, or the disk is full: what came is not given up for that
                _log.warning("%s", error)
                await asyncio.sleep(ALIVE_SECONDS)
            else:
                break
        if is_ours:
            self._told(ended)

    async def _stream(self, claimed: Claimed, coming: _Coming) -> None:
        """All rounds of an answer. ChatError."""
        scope = claimed.scope
        client, model = await self._briefing.answering(scope)
        coming.usage = Usage(model.name, model.host)  # known from its begin: a stopped answer is signed too
        hands = Scope(scope.get("profile", ""), scope.get("run", ""), scope.get("app_name", ""), actor="model")
        used = int(scope.get("rounds", 0))
        for number in range(used, MOST_ROUNDS + 1):
            may_act = number < MOST_ROUNDS
            request = await self._briefing.request(model, coming.message(), scope, may_act=may_act)
            calls, reason = await self._receive(client, request, coming)
            calls = calls if may_act and reason == "stop" else []
            if calls:
                coming.add(await act(self._service, self._actions, hands, coming.message(), calls))
            if reason != "stop":
                coming.end("stopped", _CUT.get(reason, f"The model ended it: {one_line(reason, 60)}."))
                return
            if not calls or not _wants_more(coming.last_parts):
                break
            coming.next_round()
        coming.end("done", "")

    async def _receive(self, client: Client, request: Request, coming: _Coming) -> tuple[Sequence[ToolCall], str]:
        """One reply: the calls in it, native or found in its text, and why it ended."""
        calls: list[ToolCall] = []
        scanner = Scanner()
        reason = ""
        async with aclosing(client.stream(request, limit=LONGEST_ANSWER)) as pieces:
            async for piece in pieces:
                coming.put(piece.text, piece.thinking)
                calls += piece.calls
                if request.scans:
                    scanner.feed(piece.text)
                if piece.usage is not None:
                    reason, coming.usage = piece.done_reason, piece.usage
                    await self._briefing.learn(request, piece.usage)
        self.sent = Sent(coming.conversation, request, client.sent)
        calls += [ToolCall(found.name, found.arguments) for found in scanner.end(whole=reason == "stop")]
        return calls, reason

    async def stop(self, answer: str) -> None:
        """End an answer that comes or waits; what came is kept."""
        if self._coming is not None and self._coming.id == answer and self._streaming is not None:
            self._streaming.cancel()
        else:
            await self._service.conversations.stop(answer, STOPPED)

    async def decide(self, shown: Proposal, is_approved: bool) -> Proposal:
        """Carry out exactly what was shown, or reject it; then the model is told. Refusal: nothing was done."""
        decided = await decide(self._service, self._actions, shown, is_approved)
        chat = self._service.conversations
        scope = await chat.scope(shown.message)
        rounds = int(scope.get("rounds", 0)) + 1
        if rounds <= MOST_ROUNDS and await chat.follow(shown, scope | {"rounds": rounds}) is not None:
            self.wake()
        return decided


_CUT: Mapping[str, str] = {
    "length": "It was cut off: the model's window is full. What it asked for in it was not looked at.",
    "limit": "It was ended: it was longer than an answer may be. What it asked for in it was not looked at.",
}


def _wants_more(parts: Sequence[Part]) -> bool:
    """Whether the results of these go back to the model at once: not while a proposal waits for the user."""
    return any(isinstance(part, Call) for part in parts) and not any(isinstance(part, Proposed) for part in parts)


class _Coming:
    """An answer that is coming."""

    def __init__(self, answer: Message) -> None:
        self._answer = answer
        self._chunks: list[str] = []
        self._parts: list[Part] = list(answer.parts)
        self._thinking: list[str] = []
        self._length = 0
        self._round_began = 0  # the number of parts when it did
        self.usage = answer.usage
        self.size = 0
        """Grows with everything that comes."""

    @property
    def id(self) -> str:
        return self._answer.id

    @property
    def conversation(self) -> str:
        return self._answer.conversation

    @property
    def last_parts(self) -> Sequence[Part]:
        """What was added in this round."""
        return self._parts[self._round_began :]

    def put(self, text: str, thinking: str) -> None:
        if thinking:
            self._thinking.append(thinking)
        if text:
            self._close_thinking()
            self._chunks.append(text)
            self._length += len(text)
        self.size += len(text) + len(thinking)

    def add(self, parts: Sequence[Part]) -> None:
        self._close_thinking()
        self._parts += parts
        self.size += len(parts)

    def next_round(self) -> None:
        """What follows is another paragraph."""
        self._round_began = len(self._parts)
        if self._length and not self._chunks[-1].endswith("\n\n"):
            self.put("\n\n", "")

    def end(self, state: Any, why: str) -> None:
        self._close_thinking()
        self._answer = replace(self._answer, state=state, why=why)
        self.size += 1

    def message(self) -> Message:
        """As far as it came."""
        if len(self._chunks) > 1:
            self._chunks = ["".join(self._chunks)]
        parts = [*self._parts, Thinking(self._length, "".join(self._thinking))] if self._thinking else self._parts
        text = self._chunks[0] if self._chunks else ""
        return replace(self._answer, text=text, parts=tuple(parts), usage=self.usage)

    def _close_thinking(self) -> None:
        if self._thinking:
            self._parts.append(Thinking(self._length, "".join(self._thinking)))
            self._thinking = []
