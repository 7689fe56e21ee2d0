"""Our client, context and measures with a real model. By `make test-model`: it installs the model from packages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from pipetui.chat import tokens
from pipetui.chat.client import ChatError, Client, Model
from pipetui.chat.context import Manner, Sight, build
from pipetui.chat.fences import new_mark
from pipetui.chat.presence import look
from pipetui.chat.request import Request
from pipetui.engine.messages import Message

from . import texts
from .real_model import NAME

pytestmark = pytest.mark.model

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ROOT / ".cache" / "model"
STEADY = {"temperature": 0.0, "seed": 1, "num_ctx": 8_192}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chat.real_model", "--packages", str(PACKAGES)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines = iter(process.stdout.readline, "")
            yield next(line.strip() for line in lines if line.startswith("http://"))
        finally:
            process.kill()


def ask(text: str, predict: int = 60, **more: object) -> Request:
    options = STEADY | {"num_predict": predict}
    return Request(NAME, [{"role": "user", "content": text}], options=options, window=8_192, **more)  # type: ignore[arg-type]


async def test_it_is_found_with_what_it_can(url: str) -> None:
    found = await look([url], NAME)
    assert found.kind == "ready" and found.chosen is not None
    assert (found.chosen.name, found.chosen.capabilities, found.chosen.longest) == (NAME, {"completion"}, 8_192)


async def test_an_answer_streams_and_is_counted(url: str) -> None:
    async with Client(url) as client:
        began, times, said = time.monotonic(), [], ""
        async for piece in client.stream(ask("In one sentence, what is a web page?")):
            times.append(time.monotonic() - began)
            said += piece.text
        assert piece.usage is not None and piece.done_reason in ("stop", "length")
    assert len(times) > 8 and times[-1] - times[0] > 0.05  # it came while it was made
    assert len(said.split()) > 5 and piece.usage.answer_tokens >= len(times) - 2
    print(f"\nfirst piece {times[0]:.2f} s, {piece.usage.rate:.0f} tokens/s: {said.strip()[:200]!r}")


async def test_it_follows_a_schema(url: str) -> None:
    schema = {
        "type": "object", "required": ["action", "arguments"], "properties": {
            "action": {"enum": ["tasks_list"]}, "arguments": {"type": "object", "additionalProperties": False},
        },
    }  # fmt: skip
    async with Client(url) as client:
        said = "".join([piece.text async for piece in client.stream(ask("List my tasks.", format=schema))])
    assert json.loads(said) == {"action": "tasks_list", "arguments": {}}


async def test_our_measure_comes_near_its_own_tokens(url: str) -> None:
    """Two whole contexts of ours: the second is measured by what the first took, and fits the window."""
    model = Model(NAME, context=3_000, capabilities=frozenset({"completion"}))
    talk = "".join(texts.markdown(300))
    messages = [
        Message(f"{n}", "c", n, role, by, "done", talk)  # type: ignore[arg-type]
        for n in range(10)
        for role, by in (("user", "user"), ("assistant", "model"))
    ]
    messages.append(Message("last", "c", 99, "user", "user", "done", "Say yes."))
    sight = Sight("# Hello\n\nA workflow.", "Run acme-hello-01: open at step_01.", ["profile: acme"])
    per_token = tokens.DEFAULT
    async with Client(url) as client:
        for _ in range(2):
            request = build(model, messages, sight, Manner(), mark=new_mark(), per_token=per_token)
            request = Request(NAME, request.messages, options=STEADY | {"num_predict": 4}, sections=request.sections)
            usage = [piece.usage async for piece in client.stream(request)][-1]
            assert usage is not None and usage.prompt_tokens <= 3_000
            told = sum(section.tokens for section in request.sections)
            print(f"\nestimated {told}, counted {usage.prompt_tokens}, size of a token {per_token:.2f}")
            per_token = tokens.calibrate(per_token, request.size, usage.prompt_tokens)
    assert 0.8 < told / usage.prompt_tokens < 1.3


async def test_stopping_frees_it_at_once(url: str) -> None:
    async with Client(url) as client:
        async with aclosing(client.stream(ask("Count to a thousand, one number a line.", 4_000))) as pieces:
            async for _ in pieces:
                break
        began = time.monotonic()
        async for _ in client.stream(ask("Say yes.", 4)):
            pass
        assert time.monotonic() - began < 10
        with pytest.raises(ChatError, match="has no model"):
            await anext(client.stream(Request("nope", [{"role": "user", "content": "x"}])))
