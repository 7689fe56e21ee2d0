"""Ollama's protocol on loopback, byte for byte, with every way of not answering properly.

    async with Server() as server:            # in a test
        server.script = lambda request: Reply("Hello", thinking="Hm.")
    python -m tests.chat.server --port 0      # for another process: its first line is its URL

What it answers to a chat is a `Reply`, made by `script` from the request. Run as a program it makes replies by its
options, and by `[[tokens=500 rate=50 kind=code fault=stall]]` in the last message. `exchanges` keeps the bytes of every
request and what became of it; the program shows it at `/_exchanges`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import re
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias, get_args

import h11

from . import texts

Fault: TypeAlias = Literal[
    "", "missing", "500", "html", "hang", "stall", "cut", "reset", "error", "malformed", "unfinished"
]
"""What goes wrong. Before the first token: the model is missing, status 500, a page of a proxy, no answer at all.
After `at` tokens: nothing more comes, the connection ends, it ends by RST, an error line, a line that is no JSON, the
stream ends well but without its last line. A cut is in the middle of a line, of a character if it has a long one."""

VERSION = "0.12.6"
LOADED_BY_DEFAULT = 4096
"""The window of a model about which nothing was said."""


@dataclass(frozen=True)
class Reply:
    """One answer. `text` and `thinking` are cut into tokens unless they are lists of them."""

    text: str | Sequence[str] = ""
    thinking: str | Sequence[str] = ""
    calls: Sequence[tuple[str, Any]] = ()
    """Native tool calls: names and arguments; they come after the text, a line each."""
    done_reason: str = "stop"
    rate: float = 0
    """Tokens a second; 0: as fast as it goes."""
    first: float = 0
    """Seconds until the first token."""
    split: int = 0
    """Bytes of a piece on the line, wherever that cuts; 0: a line a piece."""
    fault: Fault = ""
    at: int | None = None
    """Tokens until the fault; None: half of them."""
    endless: bool = False
    """The tokens again and again."""
    raw: bytes | None = None
    """These bytes instead of lines."""


@dataclass
class Model:
    """A model that the server has. `context` is the longest window that it was made for."""

    name: str
    size: int = 2_019_393_189
    parameters: str = "3.2B"
    quantization: str = "Q4_K_M"
    capabilities: Sequence[str] = ("completion", "tools")
    context: int = 131_072
    loaded: int = 0
    """The window with which it is in memory; 0: it is not."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def tag(self) -> dict[str, Any]:
        details = {
            "parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"],
            "parameter_size": self.parameters, "quantization_level": self.quantization,
        }  # fmt: skip
        return {"name": self.name, "model": self.name, "size": self.size, "digest": self.digest, "details": details}


@dataclass
class Exchange:
    """A request as it came, and what became of it. Times are of `time.monotonic()`."""

    method: str
    path: str
    body: bytes
    at: float
    prompt_tokens: int = 0
    overflow: int = 0
    """Tokens of the prompt that the window had no room for."""
    tokens: int = 0
    first: float = 0
    last: float = 0
    """When the last token was written."""
    ended: float = 0
    outcome: str = "running"
    """At the end `done`, `fault`, or `gone`: the other side closed first."""

    def json(self) -> Any:
        return json.loads(self.body)


class Gone(Exception):
    """The other side closed."""


@dataclass
class Line:
    """One connection, after h11's rules."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    http: h11.Connection = field(default_factory=lambda: h11.Connection(h11.SERVER))

    async def request(self) -> tuple[h11.Request, bytes] | None:
        head, body = None, bytearray()
        while True:
            event = self.http.next_event()
            if event is h11.NEED_DATA:
                self.http.receive_data(await self.reader.read(1 << 16))
            elif isinstance(event, h11.Request):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return head, bytes(body)
            else:
                return None

    async def head(self, status: int, kind: str, size: int | None = None) -> None:
        length = ("Transfer-Encoding", "chunked") if size is None else ("Content-Length", str(size))
        await self.put(h11.Response(status_code=status, headers=[("Content-Type", kind), length]))

    async def put(self, event: Any) -> None:
        self.writer.write(self.http.send(event) or b"")
        await self.writer.drain()

    async def data(self, data: bytes, split: int = 0) -> None:
        """Each piece is an HTTP chunk of its own: so the other side gets them as they were cut."""
        for start in range(0, len(data), split or len(data) or 1):
            await self.put(h11.Data(data=data[start : start + (split or len(data))]))

    async def json(self, value: Any, status: int = 200) -> None:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        await self.head(status, "application/json; charset=utf-8", len(body))
        await self.data(body)
        await self.put(h11.EndOfMessage())

    def reset(self) -> None:
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def unless_gone(self, work: Any) -> None:
        """Do the work; Gone as soon as the other side closes, even where the work only waits."""
        doing, watching = asyncio.ensure_future(work), asyncio.ensure_future(self.reader.read(1))
        try:
            await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                if not (early := watching.result()):
                    raise Gone
                self.http.receive_data(early)  # of the next request
            await doing
        finally:
            for task in (doing, watching):
                task.cancel()
            await asyncio.gather(doing, watching, return_exceptions=True)


Script: TypeAlias = Callable[[Mapping[str, Any]], Reply]


class Server:
    """One host. `models` and `script` may be changed while it runs; `stop` and `start` make it go and come back."""

    def __init__(
        self,
        script: Script | Reply | None = None,
        models: Iterable[Model | str] = ("llama3.2:3b",),
        *,
        library: Iterable[Model | str] = (),
        layers: Sequence[int] = (2_000_000, 500),
        pull_rate: float = 0,
        port: int = 0,
    ) -> None:
        self.script: Script = (lambda _: script) if isinstance(script, Reply) else script or _hello
        self.models = [Model(each) if isinstance(each, str) else each for each in models]
        self.library = [Model(each) if isinstance(each, str) else each for each in library]
        """What can be pulled."""
        self.layers, self.pull_rate = layers, pull_rate
        """Bytes of a pulled model's layers, and bytes a second."""
        self.slow = 0.0
        """Seconds before anything is answered."""
        self.exchanges: list[Exchange] = []
        self._port, self._server = port, None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def chats(self) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.path == "/api/chat"]

    async def __aenter__(self) -> Server:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, limit=1 << 22)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Nobody listens any more, and every connection is broken off."""
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def model(self, name: str) -> Model | None:
        return next((each for each in self.models if each.name in (name, f"{name}:latest")), None)

    # -- connections

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(Line(reader, writer)))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, line: Line) -> None:
        try:
            while came := await line.request():
                head, body = came
                exchange = Exchange(head.method.decode(), head.target.decode(), body, time.monotonic())
                self.exchanges.append(exchange)
                try:
                    await line.unless_gone(self._answer(line, exchange))
                    exchange.outcome = "done" if exchange.outcome == "running" else exchange.outcome
                except (Gone, ConnectionError):
                    exchange.outcome = "gone"
                    break
                finally:
                    exchange.ended = time.monotonic()
                if line.http.our_state is not h11.DONE:
                    break
                line.http.start_next_cycle()
        except (h11.ProtocolError, ConnectionError):
            pass  # the other side's affair
        finally:
            line.writer.close()

    async def _answer(self, line: Line, exchange: Exchange) -> None:
        if self.slow:
            await asyncio.sleep(self.slow)
        match exchange.method, exchange.path:
            case "GET", "/":
                await line.head(200, "text/plain; charset=utf-8", 17)
                await line.data(b"Ollama is running")
                await line.put(h11.EndOfMessage())
            case "GET", "/api/version":
                await line.json({"version": VERSION})
            case "GET", "/api/tags":
                stamp = {"modified_at": _now()}
                await line.json({"models": [model.tag() | stamp for model in self.models]})
            case "GET", "/api/ps":
                await line.json({"models": [_process(model) for model in self.models if model.loaded]})
            case "GET", "/_exchanges":
                shown = [asdict(each) | {"body": each.body.decode("utf-8", "replace")} for each in self.exchanges]
                await line.json(shown)
            case "POST", "/api/show" | "/api/chat" | "/api/pull":
                try:
                    asked = exchange.json()
                    name = asked.get("model") or asked.get("name") or ""
                except (ValueError, AttributeError):
                    await line.json({"error": "invalid request"}, 400)
                    return
                await {"/api/show": self._show, "/api/chat": self._chat, "/api/pull": self._pull}[exchange.path](
                    line, exchange, asked, name
                )
            case _:
                await line.head(404, "text/plain", 18)
                await line.data(b"404 page not found")
                await line.put(h11.EndOfMessage())

    async def _show(self, line: Line, exchange: Exchange, asked: Mapping[str, Any], name: str) -> None:
        model = self.model(name)
        if model is None:
            await line.json({"error": f"model '{name}' not found"}, 404)
            return
        info = {"general.architecture": "llama", "general.parameter_count": 3_212_749_888}
        await line.json(
            {
                "license": "MIT", "modelfile": f"FROM {name}", "template": "{{ .Prompt }}",
                "details": model.tag()["details"], "model_info": info | {"llama.context_length": model.context},
                "capabilities": list(model.capabilities), "modified_at": _now(),
            }
        )  # fmt: skip

    async def _pull(self, line: Line, exchange: Exchange, asked: Mapping[str, Any], name: str) -> None:
        found = next((each for each in self.library if each.name in (name, f"{name}:latest")), None)
        await line.head(200, "application/x-ndjson")
        await line.data(_line({"status": "pulling manifest"}))
        if found is None:
            await line.data(_line({"error": "pull model manifest: file does not exist"}))
            exchange.outcome = "fault"
        else:
            for number, size in enumerate(self.layers):
                digest = hashlib.sha256(f"{name}{number}".encode()).hexdigest()
                told = {"status": f"pulling {digest[:12]}", "digest": f"sha256:{digest}", "total": size}
                await line.data(_line(told))
                for tenth in range(1, 11):
                    if self.pull_rate:
                        await asyncio.sleep(size / 10 / self.pull_rate)
                    await line.data(_line(told | {"completed": size * tenth // 10}))
            for status in ("verifying sha256 digest", "writing manifest", "success"):
                await line.data(_line({"status": status}))
            self.models.append(found)
        await line.put(h11.EndOfMessage())

    # -- chats

    async def _chat(self, line: Line, exchange: Exchange, asked: Mapping[str, Any], name: str) -> None:
        model = self.model(name)
        reply = self.script(asked)
        if model is None or reply.fault == "missing":
            exchange.outcome = "fault"
            await line.json({"error": f"model '{name}' not found"}, 404)
            return
        for wish, word in (("tools", "tools"), ("think", "thinking")):
            if asked.get(wish) and word not in model.capabilities:
                exchange.outcome = "fault"
                await line.json({"error": f'"{name}" does not support {word}'}, 400)
                return
        if reply.fault in ("500", "html", "hang"):
            exchange.outcome = "fault"
            await self._refuse(line, reply.fault)
            return
        asked_window = (asked.get("options") or {}).get("num_ctx") or model.loaded or LOADED_BY_DEFAULT
        model.loaded = min(asked_window, model.context)
        exchange.prompt_tokens = texts.prompt_tokens(asked)
        exchange.overflow = max(0, exchange.prompt_tokens - model.loaded)
        await self.say(line, exchange, asked, model, reply)

    async def say(self, line: Line, exchange: Exchange, asked: Mapping[str, Any], model: Model, reply: Reply) -> None:
        """Send the answer; what speaks against it was looked at."""
        if reply.first:
            await asyncio.sleep(reply.first)
        await line.head(200, "application/x-ndjson")
        if reply.raw is not None:
            await line.data(reply.raw, reply.split)
            await line.put(h11.EndOfMessage())
            return
        begun = time.monotonic()
        count = 0
        fault_at = _fault_at(reply)
        async for message in _messages(reply):
            if reply.rate:
                await asyncio.sleep(max(0.0, begun + count / reply.rate - time.monotonic()))
            elif count % 64 == 0:
                await asyncio.sleep(0)
            told = part(asked, message)
            if count == fault_at:
                await self._break(line, exchange, reply.fault, told)
                return
            exchange.last = time.monotonic()
            exchange.first = exchange.first or exchange.last
            await line.data(told, reply.split)
            count += 1
            exchange.tokens = count
        if count == fault_at:
            await self._break(line, exchange, reply.fault, b"")
            return
        took = time.monotonic() - begun
        totals = _totals(reply.done_reason, min(exchange.prompt_tokens, model.loaded), count, took)
        await line.data(part(asked, {"content": ""}, totals), reply.split)
        await line.put(h11.EndOfMessage())

    async def _refuse(self, line: Line, fault: Fault) -> None:
        if fault == "500":
            await line.json({"error": "llama runner process has terminated: exit status 2"}, 500)
        elif fault == "html":
            body = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            await line.head(502, "text/html", len(body))
            await line.data(body)
            await line.put(h11.EndOfMessage())
        else:
            await asyncio.Event().wait()

    async def _break(self, line: Line, exchange: Exchange, fault: Fault, following: bytes) -> None:
        """`following` is the line that would have come."""
        exchange.outcome = "fault"
        match fault:
            case "stall":
                await asyncio.Event().wait()
            case "cut":
                await line.data(following[: _inside(following)])
                line.writer.close()
            case "reset":
                await asyncio.sleep(0.02)  # what was written before it is to arrive
                line.reset()
            case "error":
                await line.data(_line({"error": "an error was encountered while running the model: unexpected EOF"}))
                await line.put(h11.EndOfMessage())
            case "malformed":
                await line.data(b'{"model":"x","message":{"role":"assist\n')
                await line.put(h11.EndOfMessage())
            case "unfinished":
                await line.put(h11.EndOfMessage())


def part(asked: Mapping[str, Any], message: Mapping[str, Any], totals: Mapping[str, Any] | None = None) -> bytes:
    """One line of an answer; the last one has `totals`."""
    said = {"role": "assistant"} | dict(message)
    told = {"model": asked["model"], "created_at": _now(), "message": said, "done": totals is not None}
    return _line(told | dict(totals or {}))


def _hello(request: Mapping[str, Any]) -> Reply:
    return Reply("Hello, I am a model.")


def _fault_at(reply: Reply) -> int:
    if not reply.fault:
        return -1
    if reply.at is not None:
        return reply.at
    return (len(_cut(reply.thinking)) + len(_cut(reply.text)) + len(reply.calls)) // 2


def _cut(text: str | Sequence[str]) -> Sequence[str]:
    return texts.tokens(text) if isinstance(text, str) else text


async def _messages(reply: Reply) -> AsyncIterator[dict[str, Any]]:
    for token in _cut(reply.thinking):
        yield {"content": "", "thinking": token}
    said = _cut(reply.text)
    for token in itertools.cycle(said) if reply.endless else said:
        yield {"content": token}
    for number, (name, arguments) in enumerate(reply.calls):
        call = {"id": f"call_{number}", "function": {"index": number, "name": name, "arguments": arguments}}
        yield {"content": "", "tool_calls": [call]}


def _inside(line: bytes) -> int:
    """A place in the middle of the line's first character that has several bytes; else of the line."""
    return next((place + 1 for place, byte in enumerate(line) if byte > 0x7F), len(line) // 2)


def _process(model: Model) -> dict[str, Any]:
    kept = {"expires_at": "2099-01-01T00:00:00Z", "size_vram": model.size, "context_length": model.loaded}
    return model.tag() | kept


def _totals(reason: str, prompt: int, answer: int, seconds: float) -> dict[str, Any]:
    nanoseconds = int(seconds * 1e9)
    return {
        "done_reason": reason, "total_duration": nanoseconds + 10**8, "load_duration": 10**7,
        "prompt_eval_count": prompt, "prompt_eval_duration": 10**7,
        "eval_count": answer, "eval_duration": nanoseconds,
    }  # fmt: skip


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# -- as a program

KINDS: Mapping[str, Callable[[int], list[str]]] = {
    "markdown": texts.markdown, "code": texts.code, "paragraphs": texts.paragraphs, "line": texts.line,
}  # fmt: skip


def directed(reply: Reply, tokens: int, kind: str) -> Script:
    """Replies of so many tokens, unless the last message says otherwise: `[[tokens=9 rate=5 kind=code fault=cut]]`."""

    def script(request: Mapping[str, Any]) -> Reply:
        wishes: dict[str, Any] = {"tokens": tokens, "kind": kind}
        said = (request.get("messages") or [{}])[-1].get("content") or ""
        if found := re.search(r"\[\[(.*?)\]\]", said):
            wishes |= dict(pair.split("=", 1) for pair in found[1].split())
        made = replace(reply, text=KINDS[wishes.pop("kind")](int(wishes.pop("tokens"))))
        return replace(made, **{name: _typed(name, value) for name, value in wishes.items()})

    return script


def _typed(name: str, value: str) -> Any:
    return value if name in ("fault", "thinking", "done_reason") else float(value) if "." in value else int(value)


async def serve(options: argparse.Namespace) -> None:
    reply = Reply(
        thinking=options.thinking, rate=options.rate, first=options.first, split=options.split,
        fault=options.fault, at=options.at, endless=options.endless,
    )  # fmt: skip
    models = [Model(name, capabilities=options.capabilities, context=options.context) for name in options.model]
    server = Server(directed(reply, options.tokens, options.kind), models, port=options.port, library=options.library)
    async with server:
        print(server.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="Ollama's protocol on loopback, for tests and benchmarks.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", action="append", help="may be given again; llama3.2:3b")
    parser.add_argument("--capabilities", nargs="*", default=["completion", "tools"])
    parser.add_argument("--context", type=int, default=131_072)
    parser.add_argument("--library", nargs="*", default=["qwen3:4b"], help="what can be pulled")
    parser.add_argument("--tokens", type=int, default=400)
    parser.add_argument("--kind", choices=KINDS, default="markdown")
    parser.add_argument("--rate", type=float, default=50, help="tokens a second; 0: as fast as it goes")
    parser.add_argument("--first", type=float, default=0, help="seconds until the first token")
    parser.add_argument("--split", type=int, default=0, help="bytes of a piece; 0: a line")
    parser.add_argument("--thinking", default="")
    parser.add_argument("--fault", choices=get_args(Fault), default="")
    parser.add_argument("--at", type=int, default=None, help="tokens until the fault")
    parser.add_argument("--endless", action="store_true")
    options = parser.parse_args()
    options.model = options.model or ["llama3.2:3b"]
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(options))


if __name__ == "__main__":
    main()
