"""The hostile replies through the client, the scanner and the check of arguments: no call gets further than it may.

What the answerer and the service make of them is tested with those.
"""

from __future__ import annotations

import pytest

from pipetui.actions import ACTIONS, checked
from pipetui.chat.client import ChatError, Client
from pipetui.chat.request import Request
from pipetui.chat.scanner import MOST, Scanner
from pipetui.engine.fields import Invalid

from .hostile import CASES, Becomes, Case
from .server import Reply, Server

ASKED = Request("llama3.2:3b", [{"role": "user", "content": "Go on."}], window=8_192)


async def calls_of(server: Server, reply: Reply) -> list[tuple[str, object]]:
    """The calls that count of one reply: those of a whole one, and not too many."""
    server.script = lambda _: reply
    scanner, native, reason = Scanner(), [], ""
    async with Client(server.url) as client:
        try:
            async for piece in client.stream(ASKED, limit=30_000):
                scanner.feed(piece.text)
                native += [(call.name, call.arguments) for call in piece.calls]
                reason = piece.done_reason or reason
        except ChatError:
            reason = "error"
    is_whole = reason == "stop"
    found = [(call.name, call.arguments) for call in scanner.end(whole=is_whole)]
    return [*native, *found] if is_whole and len(native) <= MOST else []


def what_becomes(name: str, arguments: object) -> Becomes:
    action = ACTIONS.get(name)
    if action is None:
        return "refused"
    try:
        checked(action, arguments)
    except Invalid:
        return "refused"
    return "read" if action.reads else "proposal"


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
async def test_no_call_gets_further_than_it_may(case: Case) -> None:
    async with Server() as server:
        calls = [call for reply in case.replies for call in await calls_of(server, reply)]
    assert [what_becomes(name, arguments) for name, arguments in calls] == list(case.becomes)


def test_there_are_many_and_each_has_its_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
