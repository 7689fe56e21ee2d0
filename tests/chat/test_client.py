"""The client against a real server: what comes as it comes, everything that can go wrong as one sentence."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipetui.chat.client import LIMIT, ChatError, Client, Patience, Piece, Pulled, ToolCall
from pipetui.chat.request import Request

from .server import Model, Reply, Server

NAME = "llama3.2:3b"
ASKED = Request(NAME, [{"role": "user", "content": "Hello"}], window=4096)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as server:
        yield server


async def all_of(server: Server, request: Request = ASKED, **more: Any) -> list[Piece]:
    patience = more.pop("patience", Patience())
    async with Client(server.url, patience=patience) as client:
        return [piece async for piece in client.stream(request, **more)]


async def failed(server: Server, request: Request = ASKED, **more: Any) -> tuple[str, ChatError]:
    """The text that came before the error, and the error."""
    came = ""
    async with Client(server.url, patience=more.pop("patience", Patience())) as client:
        with pytest.raises(ChatError) as caught:
            async for piece in client.stream(request, **more):
                came += piece.text
    return came, caught.value


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


# Answers


async def test_an_answer_comes_in_pieces_and_ends_with_what_it_took(server: Server) -> None:
    server.script = lambda _: Reply("Hello, I am here.", thinking="Who is it?", rate=200)
    server.models = [Model(NAME, capabilities=("completion", "thinking"))]
    pieces = await all_of(server, Request(NAME, ASKED.messages, think=True, window=4096))
    assert text(pieces) == "Hello, I am here."
    assert "".join(piece.thinking for piece in pieces) == "Who is it?"
    assert len(pieces) > 5 and all(piece.usage is None for piece in pieces[:-1])
    usage = pieces[-1].usage
    assert usage is not None and pieces[-1].done_reason == "stop"
    assert (usage.model, usage.host, usage.window) == (NAME, server.url.removeprefix("http://"), 4096)
    assert usage.prompt_tokens == server.chats[0].prompt_tokens == 4 + 1
    assert usage.answer_tokens == server.chats[0].tokens and 100 < usage.rate < 230


async def test_what_was_sent_is_what_the_server_got(server: Server) -> None:
    tool = {"type": "function", "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}}}
    request = Request(
        NAME, [{"role": "system", "content": "Sei knapp: äöü 🙂"}, *ASKED.messages], [tool], {"num_ctx": 8192},
        keep_alive="5m", format={"type": "object"},
    )  # fmt: skip
    async with Client(server.url) as client:
        assert client.sent == b""
        async for _ in client.stream(request):
            pass
        await client.models()
        assert client.sent == server.chats[0].body
    sent = server.chats[0].json()
    assert sent["messages"] == list(request.messages) and sent["tools"][0]["function"]["name"] == "look"
    assert (sent["options"], sent["keep_alive"], sent["format"]) == ({"num_ctx": 8192}, "5m", {"type": "object"})
    assert "think" not in sent and sent["stream"] is True


async def test_native_calls(server: Server) -> None:
    server.script = lambda _: Reply("One moment.", calls=[("tasks_list", {"profile": "acme"}), ("runs_list", {})])
    pieces = await all_of(server)
    calls = [call for piece in pieces for call in piece.calls]
    assert calls == [ToolCall("tasks_list", {"profile": "acme"}), ToolCall("runs_list", {})]


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(split=st.integers(1, 60), said=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
async def test_lines_may_come_cut_at_any_byte(server: Server, split: int, said: str) -> None:
    server.script = lambda _: Reply([said, "|", said], split=split)
    assert text(await all_of(server)) == f"{said}|{said}"


async def test_characters_at_which_httpx_would_end_a_line(server: Server) -> None:
    said = "a\u2028b\u2029c\x85d\u00c2e\u00e2f\u2030"
    for split in (0, 1, 2, 3):
        server.script = lambda _, split=split: Reply([said] * 3, split=split)
        assert text(await all_of(server)) == said * 3


async def test_large_answers(server: Server) -> None:
    server.script = lambda _: Reply(["x" * 200_000])
    assert text(await all_of(server)) == "x" * 200_000
    server.script = lambda _: Reply([f"Paragraph {n}.\n\n" for n in range(5_000)])
    assert len(await all_of(server)) == 5_001


async def test_an_endless_answer_is_ended_and_its_request_closed(server: Server) -> None:
    server.script = lambda _: Reply("again and again ", endless=True)
    pieces = await all_of(server, limit=1_000)
    assert len(text(pieces)) == 1_000 and pieces[-1].done_reason == LIMIT
    usage = pieces[-1].usage
    assert usage is not None and usage.answer_tokens > 100
    await _until(lambda: server.chats[0].outcome == "gone")


async def test_an_answer_that_the_window_cut_says_so(server: Server) -> None:
    server.script = lambda _: Reply('{"name": "tasks_del', done_reason="length")
    assert (await all_of(server))[-1].done_reason == "length"


async def test_closing_ends_the_request_at_once(server: Server) -> None:
    server.script = lambda _: Reply("one two three ", endless=True, rate=50)
    async with Client(server.url) as client:
        async with aclosing(client.stream(ASKED)) as pieces:
            async for _ in pieces:
                break
        closed = time.monotonic()
        await _until(lambda: server.chats[0].outcome == "gone")
        assert server.chats[0].ended - closed < 0.1
        server.script = lambda _: Reply("Still here.")
        assert text([piece async for piece in client.stream(ASKED)]) == "Still here."


async def test_a_cancelled_asker_ends_the_request_at_once(server: Server) -> None:
    server.script = lambda _: Reply("one two", fault="stall")
    async with Client(server.url) as client:

        async def ask() -> None:
            async for _ in client.stream(ASKED):
                pass

        asking = asyncio.create_task(ask())
        await _until(lambda: server.chats and server.chats[0].tokens == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await _until(lambda: server.chats[0].outcome == "gone")


# What can go wrong


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_nobody_there() -> None:
    async with Client(f"127.0.0.1:{free_port()}") as client:
        for ask in (client.version(), client.models(), anext(client.stream(ASKED)), anext(client.pull("x"))):
            with pytest.raises(ChatError, match="refused the connection") as caught:
                await ask
            assert caught.value.kind == "unreachable"


async def test_a_name_without_a_host() -> None:
    async with Client("no-such-host.invalid") as client:
        with pytest.raises(ChatError, match="was not found") as caught:
            await client.version()
        assert caught.value.kind == "unreachable"


async def test_a_host_that_takes_the_connection_and_says_nothing(server: Server) -> None:
    server.slow = 60
    async with Client(server.url, patience=Patience(plain=0.1)) as client:
        with pytest.raises(ChatError, match="no answer") as caught:
            await client.version()
        assert caught.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("fault", "came", "kind", "says"),
    [
        ("missing", "", "missing_model", r"has no model llama3\.2:3b\.$"),
        ("500", "", "server", "status 500: llama runner process has terminated: exit status 2"),
        ("html", "", "protocol", "not what Ollama answers"),
        ("hang", "", "server", "Nothing came from llama3.2:3b for 0.3 s"),
        ("stall", "one two", "server", "Nothing came from llama3.2:3b for 0.3 s; what came is kept"),
        ("cut", "one two", "protocol", "broke off in the middle"),
        ("reset", "one two", "protocol", "broke off in the middle"),
        ("error", "one two", "server", "broke off: an error was encountered while running the model: unexpected EOF"),
        ("malformed", "one two", "protocol", "not what Ollama answers"),
        ("unfinished", "one two", "protocol", "ended in the middle"),
    ],
)
async def test_what_goes_wrong_is_a_sentence_after_what_came(
    server: Server, fault: Any, came: str, kind: str, says: str
) -> None:
    server.script = lambda _: Reply(["one", " two", " thrée", " four"], fault=fault)
    said, error = await failed(server, patience=Patience(first=0.3, stall=0.3))
    assert (said, error.kind) == (came, kind)
    assert re.search(says, str(error)) and "\n" not in str(error) and str(error).endswith(".")


async def test_an_empty_reply_is_said(server: Server) -> None:
    server.script = lambda _: Reply("")
    _, error = await failed(server)
    assert (str(error), error.kind) == (f"{NAME} answered nothing.", "server")


@pytest.mark.parametrize(
    "raw",
    [
        b"[]\n", b"null\n", b"7\n", b'{"done":true}\n', b'{"message":7}\n', b"\n\n", b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
        b'{"message":{"role":"assistant","tool_calls":[{"function":{"name":"x","arguments":"7"}}]},"done":false}\n',
        b'{"error":{"code":7}}\n', b'{"error":"[1]"}\n',
    ],
)  # fmt: skip
async def test_lines_of_another_shape_are_refused(server: Server, raw: bytes) -> None:
    server.script = lambda _: Reply(raw=raw)
    said, error = await failed(server)
    assert said == "" and error.kind in ("protocol", "server")


async def test_a_line_without_an_end_is_not_kept(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.chat.wire.LARGEST_LINE", 100_000)
    server.script = lambda _: Reply(raw=b"x" * 1_000_000, split=10_000)
    _, error = await failed(server)
    assert (str(error).endswith("sends lines without an end."), error.kind) == (True, "protocol")


async def test_what_an_error_says_can_be_shown(server: Server) -> None:
    server.script = lambda _: Reply(raw=json.dumps({"error": "\x1b[2Jred\n" + "y" * 9_000}).encode() + b"\n")
    _, error = await failed(server)
    assert "\x1b" not in str(error) and "\n" not in str(error) and len(str(error)) < 400


async def test_text_that_is_no_text_is_not_sent(server: Server) -> None:
    _, error = await failed(server, Request(NAME, [{"role": "user", "content": "a\ud800b"}]))
    assert error.kind == "protocol" and not server.chats


async def test_tools_and_thinking_only_where_the_model_has_them(server: Server) -> None:
    server.models = [Model(NAME, capabilities=("completion",))]
    for wrong in ({"think": True}, {"tools": [{"type": "function", "function": {"name": "x"}}]}):
        _, error = await failed(server, Request(NAME, ASKED.messages, **wrong))
        assert "does not support" in str(error) and error.kind == "server"


# Models


async def test_models_with_all_that_one_chooses_by(server: Server) -> None:
    server.models = [
        Model("llama3.2:3b", context=131_072),
        Model("qwen3:4b", 2_600_000_000, "4.0B", "Q8_0", ("completion", "tools", "thinking"), 40_960, loaded=16_384),
        Model("tiny:latest", 100_000, "135M", "F16", ("completion",), 2_048),
    ]
    async with Client(server.url, context=8_192) as client:
        models = {model.name: model for model in await client.models()}
        assert [model.context for model in models.values()] == [8_192, 16_384, 2_048]
        assert [model.loaded for model in models.values()] == [False, True, False]
        qwen = models["qwen3:4b"]
        assert (qwen.size, qwen.parameters, qwen.quantization) == (2_600_000_000, "4.0B", "Q8_0")
        assert qwen.capabilities == {"completion", "tools", "thinking"} and qwen.longest == 40_960
        assert (await client.show("tiny")).name == "tiny:latest"
        assert await client.loaded() == {"qwen3:4b": 16_384}
        with pytest.raises(ChatError, match="has no model nope") as caught:
            await client.show("nope")
        assert caught.value.kind == "missing_model"
        shows = [exchange for exchange in server.exchanges if exchange.path == "/api/show"]
        assert len(shows) == 3  # asked once each
        assert await client.version() == "0.12.6"
    async with Client(server.url) as client:
        assert (await client.show("llama3.2:3b")).context == 4_096  # what a server gives when nobody says


async def test_pulling(server: Server) -> None:
    server.library = [Model("qwen3:4b")]
    async with Client(server.url) as client:
        seen = [pulled async for pulled in client.pull("qwen3:4b")]
        assert seen[0] == Pulled("pulling manifest") and seen[-1] == Pulled("success", 2_000_500, 2_000_500)
        done = [pulled.done for pulled in seen]
        assert done == sorted(done)
        assert (await client.show("qwen3:4b")).name == "qwen3:4b"
        with pytest.raises(ChatError, match="no model nope") as caught:
            async for _ in client.pull("nope"):
                pass
        assert caught.value.kind == "missing_model"


async def test_a_pull_is_cancelled_by_closing(server: Server) -> None:
    server.library, server.pull_rate = [Model("qwen3:4b")], 100_000
    async with Client(server.url) as client:
        async with aclosing(client.pull("qwen3:4b")) as steps:
            async for pulled in steps:
                if pulled.done:
                    break
        await _until(lambda: server.exchanges[-1].outcome == "gone")
    assert server.model("qwen3:4b") is None


# The line


async def test_no_key_goes_over_a_network_in_clear_text(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "k" * 20)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    heads = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{"version":"1"}')
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for is_local in (True, False):
            async with Client(url) as client:
                client.address = replace(client.address, is_local=is_local)
                assert await client.version() == "1"
    assert [b"kkkk" in head for head in heads] == [True, False]


async def test_a_key_that_is_none_is_told(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "ключ")
    async with Client(server.url) as client:
        with pytest.raises(ChatError, match="OLLAMA_API_KEY is no key"):
            await client.version()


async def raw(answers: dict[str, bytes]) -> asyncio.Server:
    """A server of few words: what it answers to each path; to others 404."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status, body = (200, answers[path]) if path in answers else (404, b"404 page not found")
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (status, len(body), body))
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def url_of(server: asyncio.Server, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_program_that_speaks_less_than_ollama() -> None:
    listed = b'{"models":[{"name":"a","model":"a","size":7}]}'
    async with await raw({"/api/tags": listed}) as server, Client(url_of(server)) as client:
        (found,) = await client.models()
    assert (found.name, found.size, found.capabilities, found.loaded, found.context) == (
        "a",
        7,
        frozenset(),
        False,
        4_096,
    )


async def test_a_host_that_is_not_secure_is_said() -> None:
    async with await raw({}) as server, Client(url_of(server, "https")) as client:
        with pytest.raises(ChatError, match="No secure connection") as caught:
            await client.version()
    assert caught.value.kind == "unreachable"


async def test_a_host_that_redirects_is_not_followed(server: Server) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 307 X\r\nLocation: %s/api/version\r\nContent-Length: 0\r\n\r\n" % server.url.encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as elsewhere, Client(url_of(elsewhere)) as client:
        with pytest.raises(ChatError, match="not what Ollama answers"):
            await client.version()
    assert not server.exchanges


async def test_the_server_runs_as_a_program() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.chat.server", "--tokens", "50", "--rate", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            async with Client(process.stdout.readline().strip()) as client:
                said = text([piece async for piece in client.stream(ASKED)])
                assert said.startswith("## Part 1")
                wish = [{"role": "user", "content": "[[tokens=9 kind=code fault=cut at=3]]"}]
                with pytest.raises(ChatError, match="broke off"):
                    async for _ in client.stream(Request(NAME, wish)):
                        pass
        finally:
            process.terminate()


async def _until(true: Any, seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)
