"""A client of one Ollama host: models, pulling, and answers as they come. The one module that knows `ollama`."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..engine.messages import Usage
from ..hosts import Address, address
from ..text import one_line
from .request import Request

if TYPE_CHECKING:
    import ollama

    from .wire import Wire

Kind: TypeAlias = Literal["unreachable", "missing_model", "server", "protocol"]

LARGEST_REPLY = 1_000_000
"""Characters of text, thinking and calls, after which an answer is ended."""

LIMIT = "limit"
"""The `done_reason` of an answer that was ended so."""

SMALLEST_WINDOW = 4096
"""Tokens: what Ollama gives a model about which nobody said anything."""

MOST_MODELS = 500
_AT_ONCE = 4
_log = logging.getLogger("pipetui.chat")


class ChatError(Exception):
    """What went wrong, as one sentence.

    `unreachable`: nobody answers. `missing_model`: the host has no such model. `server`: Ollama or the model failed, or
    fell silent. `protocol`: what came is not what Ollama sends, or it ended in the middle.
    """

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind: Kind = kind


@dataclass(frozen=True)
class Patience:
    """Seconds: to connect, for a plain answer, for an answer's first piece (models load for minutes), for the next."""

    connect: float = 3.0
    plain: float = 10.0
    first: float = 600.0
    stall: float = 120.0


@dataclass(frozen=True)
class Model:
    """A model that a host has. `size` in bytes, 0 if it is not known.

    `context` is the window in tokens that an answer will have, `longest` the one that the model was made for; 0 if it
    is not known.
    """

    name: str
    size: int = 0
    quantization: str = ""
    parameters: str = ""
    capabilities: frozenset[str] = frozenset()
    context: int = SMALLEST_WINDOW
    longest: int = 0
    loaded: bool = False
    host: str = ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether the host only hands on to Ollama's cloud what this model is told."""
        return self.name.endswith(("-cloud", ":cloud"))

    def is_called(self, name: str) -> bool:
        """Whether `name` means this model; `:latest` need not be said."""
        return bool(name) and self.name in (name, f"{name}:latest")


@dataclass(frozen=True)
class ToolCall:
    """A native call, as the model wrote it: nothing of it is checked."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """What came next. The last piece has `usage` and `done_reason`: `stop`, `length` (cut by the window), `limit`."""

    text: str = ""
    thinking: str = ""
    calls: Sequence[ToolCall] = ()
    usage: Usage | None = None
    done_reason: str = ""


@dataclass(frozen=True)
class Pulled:
    """How far a model has been brought; bytes of what is known so far, 0 while nothing is."""

    status: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class _Shown:
    """What a host says of one model alone."""

    capabilities: frozenset[str] = frozenset()
    longest: int = 0


@dataclass
class Client:
    """Asks one host; `context` is the window that we ask for in tokens, 0: what the host gives.

    Every error is a ChatError. ValueError when `host` can't be one. To be closed.
    """

    host: str = ""
    context: int = 0
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        self.address: Address = address(self.host)
        self._wire: Wire | None = None
        self._made: ollama.AsyncClient | None = None
        self._making = asyncio.Lock()
        self._shown: dict[str, _Shown] = {}

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.close()  # type: ignore[no-untyped-call]

    @property
    def sent(self) -> bytes:
        """The body of the last chat request, byte for byte as the server received it."""
        return self._wire.sent if self._wire else b""

    # -- plain questions

    async def version(self) -> str:
        """Ollama's version: the quickest sign that it is there."""
        answer = await self._ask(lambda client: client._request_raw("GET", "/api/version"))
        try:
            found = answer.json()["version"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._foreign() from None
        return one_line(found, 40)

    async def loaded(self) -> dict[str, int]:
        """The models in memory, and the window of each; 0 where the host doesn't say."""
        answer = await self._ask(lambda client: client.ps())
        return {each.model or each.name or "": _number(each.context_length) for each in answer.models}

    async def models(self) -> list[Model]:
        """Every model that the host has."""
        listed = list((await self._ask(lambda client: client.list())).models)[:MOST_MODELS]
        try:
            loaded = await self.loaded()
        except ChatError as error:
            if error.kind == "unreachable":
                raise
            loaded = {}  # a program that speaks less than Ollama does
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(each: Any) -> Model:
            async with gate:
                shown = await self._show(each.model or "", each.digest or "")
            details = each.details
            return Model(
                name=each.model or "",
                size=_number(each.size),
                quantization=(details and details.quantization_level) or "",
                parameters=(details and details.parameter_size) or "",
                capabilities=shown.capabilities,
                context=self._window(loaded.get(each.model or "", 0), shown.longest),
                longest=shown.longest,
                loaded=each.model in loaded,
                host=self.address.name,
            )

        return await asyncio.gather(*(one(each) for each in listed if each.model))

    async def show(self, name: str) -> Model:
        """One model. ChatError `missing_model` when the host hasn't got it."""
        for model in await self.models():
            if model.is_called(name):
                return model
        raise self._missing(name)

    async def _show(self, name: str, digest: str) -> _Shown:
        """Asked once for each digest; a model of which the host can say nothing has no capabilities."""
        known = self._shown.get(digest)
        if known is not None:
            return known
        try:
            answer = await self._ask(lambda client: client.show(name), name)
        except ChatError as error:
            if error.kind == "unreachable":
                raise
            return _Shown()
        lengths = [
            _number(value)
            for key, value in (answer.modelinfo or {}).items()
            if key.endswith(".context_length") and isinstance(value, int) and not isinstance(value, bool)
        ]
        shown = _Shown(frozenset(answer.capabilities or ()), max(lengths, default=0))
        if digest:
            self._shown[digest] = shown
        return shown

    def _window(self, loaded: int, longest: int) -> int:
        """What an answer will have. A larger one that is already in memory is taken, so that nothing is loaded anew."""
        wanted = max(loaded, self.context) or SMALLEST_WINDOW
        return min(wanted, longest) if longest > 0 else wanted

    # -- answers

    async def stream(self, request: Request, *, limit: int = LARGEST_REPLY) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece; the last one has `usage`. Closing the iterator closes the request at once.

        An answer of more than `limit` characters is ended, with the `done_reason` LIMIT.
        """
        begun = time.monotonic()
        came = pieces = 0
        lines = await self._lines(
            lambda client: client.chat(
                model=request.model,
                messages=request.messages,
                tools=request.tools,
                stream=True,
                think=True if request.think else None,
                format=request.format,
                options=request.options,
                keep_alive=request.keep_alive or None,
            )
        )
        async with aclosing(lines):
            while True:
                part = await self._next(lines, request.model, is_first=not pieces)
                if part is None:
                    raise ChatError(f"The answer of {request.model} ended in the middle.", "protocol")
                said = part.message
                calls = [ToolCall(call.function.name, call.function.arguments) for call in said.tool_calls or ()]
                text, thinking = said.content or "", said.thinking or ""
                came += len(text) + len(thinking) + sum(_length(call) for call in calls)
                pieces += 1
                if came > limit:
                    over = came - limit
                    spent = Usage(request.model, self.address.name, 0, pieces, time.monotonic() - begun, request.window)
                    yield Piece(text[: max(0, len(text) - over)], usage=spent, done_reason=LIMIT)
                    return
                if not part.done:
                    if text or thinking or calls:
                        yield Piece(text, thinking, calls)
                    continue
                if not came:
                    raise ChatError(f"{request.model} answered nothing.", "server")
                spent = Usage(
                    request.model, self.address.name, _number(part.prompt_eval_count), _number(part.eval_count),
                    _number(part.eval_duration) / 1e9, request.window,
                )  # fmt: skip
                yield Piece(text, thinking, calls, spent, part.done_reason or "stop")
                return

    async def pull(self, name: str) -> AsyncGenerator[Pulled, None]:
        """Bring a model to the host. Closing the iterator cancels; what has come is kept by the host."""
        layers: dict[str, tuple[int, int]] = {}
        status = ""
        lines = await self._lines(lambda client: client.pull(name, stream=True))
        async with aclosing(lines):
            while (part := await self._next(lines, name, is_first=True)) is not None:
                status = part.status or status
                if part.digest:
                    known = layers.get(part.digest, (0, 0))
                    layers[part.digest] = (max(known[0], _number(part.completed)), max(known[1], _number(part.total)))
                done, total = (sum(layer[index] for layer in layers.values()) for index in (0, 1))
                yield Pulled(one_line(status, 80), done, total)
        if status != "success":
            raise ChatError(f"{self.address.name} did not say that it has {name}; try again.", "protocol")

    # -- how it is asked

    async def _client(self) -> ollama.AsyncClient:
        async with self._making:
            if self._made is None:
                try:
                    self._made = await asyncio.to_thread(self._make)
                except UnicodeError:  # a header holds ASCII only
                    raise ChatError("OLLAMA_API_KEY is no key: it has signs that no key has.", "server") from None
                except OSError as error:  # certificates that can't be read
                    raise ChatError(f"{self.address.name} can't be asked: {one_line(error, 200)}.", "server") from error
            return self._made

    def _make(self) -> ollama.AsyncClient:
        """In a thread: the imports take half a second, in which a screen is to go on."""
        import ollama

        from .wire import Wire

        self._wire = Wire(self.address)
        return ollama.AsyncClient(
            self.address.url,
            transport=self._wire,
            timeout=(self.patience.connect, None, self.patience.plain, self.patience.connect),
            follow_redirects=False,
            trust_env=False,
        )

    async def _ask(self, question: Any, model: str = "") -> Any:
        client = await self._client()
        with self._told(model):
            async with asyncio.timeout(self.patience.plain):
                return await question(client)

    async def _lines(self, question: Any) -> AsyncGenerator[Any, None]:
        """Nothing is sent before the first is asked for."""
        client = await self._client()
        with self._told(""):
            lines: AsyncGenerator[Any, None] = await question(client)
            return lines

    async def _next(self, lines: AsyncGenerator[Any, None], model: str, *, is_first: bool) -> Any:
        """The next line; None after the last."""
        seconds = self.patience.first if is_first else self.patience.stall
        with self._told(model, is_midway=not is_first):
            try:
                async with asyncio.timeout(seconds) as clock:
                    return await anext(lines)
            except StopAsyncIteration:
                return None
            except TimeoutError:
                if not clock.expired():
                    raise
                raise ChatError(f"Nothing came from {model} for {seconds:g} s; what came is kept.", "server") from None

    # -- what went wrong

    @contextmanager
    def _told(self, model: str, *, is_midway: bool = False) -> Iterator[None]:
        """Whatever is raised within, as a ChatError."""
        try:
            yield
        except ChatError:
            raise
        except (
            Exception
        ) as error:  # ollama's client hands on what httpx, json and pydantic raise, and errors of its own
            _log.info("%s: %s", self.address.name, error, exc_info=True)
            raise self._named(error, model, is_midway) from error

    def _named(self, error: Exception, model: str, is_midway: bool) -> ChatError:
        import httpx
        import ollama

        from ..http.errors import UnknownHost, named
        from .wire import TooLong

        where = self.address.name
        match error:
            case ollama.ResponseError():
                return self._refused(error.status_code, error.error, model)
            case TooLong():
                return ChatError(f"{where} sends lines without an end.", "protocol")
            case httpx.HTTPError() | OSError():
                found = named(error, where)
                if is_midway:
                    return ChatError(f"The connection to {where} broke off in the middle of the answer.", "protocol")
                if not found.sent or isinstance(error, OSError) or isinstance(found, UnknownHost):
                    return ChatError(str(found), "unreachable")
                return ChatError(str(found), "protocol")
        return self._foreign()

    def _refused(self, status: int, said: object, model: str) -> ChatError:
        text = one_line(said, 300).rstrip(".")
        where = self.address.name
        if status == 404 and model and "not found" in text and "page not found" not in text:
            return self._missing(model)
        if status in (401, 403):
            return ChatError(f"{where} wants a key: set OLLAMA_API_KEY.", "server")
        if status >= 0 and (status in _REDIRECTS or status == 404 or text.startswith("<")):
            return self._foreign()
        if "manifest" in text and "does not exist" in text:
            return ChatError(f"There is no model {model} to be had.", "missing_model")
        what = "broke off" if status < 0 else f"answers with the status {status}"
        return ChatError(f"{where} {what}: {text or 'no reason is given'}.", "server")

    def _missing(self, model: str) -> ChatError:
        return ChatError(f"{self.address.name} has no model {one_line(model, 80)}.", "missing_model")

    def _foreign(self) -> ChatError:
        return ChatError(f"What {self.address.name} answers is not what Ollama answers.", "protocol")


_REDIRECTS = range(300, 400)


def _number(said: int | None) -> int:
    """A number that a host gives, between 0 and what any program can count with."""
    return min(max(int(said or 0), 0), 1 << 53)


def _length(call: ToolCall) -> int:
    return len(call.name) + len(json.dumps(call.arguments, default=str))
