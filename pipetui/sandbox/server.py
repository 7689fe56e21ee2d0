"""HTTP/1.1 on loopback, after the rules of h11: connections, bodies, and all the ways of not answering properly."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

CHUNK = 1 << 18
LARGEST_BODY = 4 << 20
IDLE = 60.0
"""Seconds that a connection is kept without a request."""


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    """Names in small letters."""
    body: bytes

    @property
    def segments(self) -> list[str]:
        """Of the path, percent-decoded one by one."""
        return [unquote(part) for part in urlsplit(self.target).path.strip("/").split("/")]

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True)
class FilePart:
    path: Path
    start: int
    size: int
    flip: int = -1
    """The byte of the file, if any, that is sent wrong."""

    def chunks(self, size: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.start)
            position, left = self.start, self.size
            while left and (chunk := file.read(min(size, left))):
                if position <= self.flip < position + len(chunk):
                    spoilt = bytearray(chunk)
                    spoilt[self.flip - position] ^= 0xFF
                    chunk = bytes(spoilt)
                position += len(chunk)
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True)
class Response:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FilePart = b""
    delay: float = 0.0
    """Seconds before it is sent."""
    rate: int = 0
    """Bytes a second; 0: as fast as it goes."""
    cut: int = -1
    """Bytes of the body after which the connection ends; -1: it doesn't."""
    reset: bool = False
    """It ends with a reset; without a cut at once, and nothing is sent."""
    chunked: bool = False
    """No Content-Length."""

    @property
    def size(self) -> int:
        return self.body.size if isinstance(self.body, FilePart) else len(self.body)

    def chunks(self, size: int) -> Iterator[bytes]:
        if isinstance(self.body, FilePart):
            yield from self.body.chunks(size)
        else:
            for start in range(0, len(self.body), size):
                yield self.body[start : start + size]


def json_response(value: object, status: int = 200) -> Response:
    return Response(status, {"Content-Type": "application/json"}, json.dumps(value, ensure_ascii=False).encode())


def html(text: str, status: int = 200) -> Response:
    return Response(status, {"Content-Type": "text/html; charset=utf-8"}, text.encode())


RESET = Response(reset=True)


@dataclass(eq=False)
class Entry:
    """A request as the journal keeps it: never what a token was, only that there was one."""

    at: float
    """Seconds since the epoch."""
    host: str
    method: str
    target: str
    authorization: bool
    route: str = ""
    fault: str = ""
    status: int = 0
    """0: no answer was sent."""


Handler: TypeAlias = Callable[[Request, Entry], Awaitable[Response]]


class Server:
    """One port. `answer` gets each request, and the journal's entry to write its route and fault into."""

    def __init__(self, name: str, answer: Handler, journal: Callable[[Entry], None]) -> None:
        self._name, self._answer, self._journal = name, answer, journal
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def start(self, port: int) -> None:
        """Raises OSError: the port is taken. 0 is any free one."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = h11.Connection(h11.SERVER)
        try:
            while request := await _read(line, reader):
                entry = Entry(
                    time.time(), self._name, request.method, request.target, "authorization" in request.headers
                )
                self._journal(entry)
                response = await self._answer(request, entry)
                if not await _send(line, writer, request, response, entry):
                    break
                if line.our_state is h11.MUST_CLOSE:
                    break
                line.start_next_cycle()
        except (h11.RemoteProtocolError, ConnectionError, TimeoutError):
            pass  # the other side's affair
        finally:
            writer.close()


async def _read(line: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    """The next request; None when the client has no more."""
    head: h11.Request | None = None
    body = bytearray()
    while True:
        event = line.next_event()
        if event is h11.NEED_DATA:
            async with asyncio.timeout(IDLE):
                line.receive_data(await reader.read(1 << 16))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > LARGEST_BODY:
                return None
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers}
            return Request(head.method.decode(), head.target.decode("latin-1"), headers, bytes(body))
        else:
            return None


async def _send(
    line: h11.Connection, writer: asyncio.StreamWriter, request: Request, response: Response, entry: Entry
) -> bool:
    """False: the connection is over."""
    if response.delay:
        await asyncio.sleep(response.delay)
    if response.reset and response.cut < 0:
        _reset(writer)
        return False
    entry.status = response.status
    headers = dict(response.headers)
    bodiless = response.status in (204, 304)
    if not (response.chunked or bodiless):
        headers["Content-Length"] = str(response.size)
    head = h11.Response(status_code=response.status, headers=[*headers.items()])
    writer.write(line.send(head) or b"")
    if request.method != "HEAD" and not bodiless:
        sent, size = 0, CHUNK
        if response.rate:
            size = min(CHUNK, max(1, response.rate // 20))
        for chunk in response.chunks(size):
            ends = 0 <= response.cut <= sent + len(chunk)
            whole = chunk[: response.cut - sent] if ends else chunk
            writer.write(line.send(h11.Data(data=whole)) or b"")
            await writer.drain()
            if ends:
                if response.reset:
                    await asyncio.sleep(0.02)  # what was written before it is to arrive
                    _reset(writer)
                return False
            sent += len(chunk)
            if response.rate:
                await asyncio.sleep(len(chunk) / response.rate)
    writer.write(line.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    return True


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection by RST, not by FIN."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def spoil(response: Response, name: str, options: dict[str, Any]) -> Response:
    """What a fault makes of an answer that the service has given."""
    if name == "lost_response":
        return RESET
    if name == "slow":
        return replace(response, delay=options["seconds"])
    if name == "drip":
        return replace(response, rate=options["rate"])
    if name == "malformed":
        body = response.body if isinstance(response.body, bytes) else b""
        return replace(response, body=body[: len(body) // 2] or b"{")
    return response
