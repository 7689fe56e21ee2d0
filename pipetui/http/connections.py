"""Connections that are kept open between requests: HTTP/1.1 after the rules of h11. httpx's own pool looks at all of
them, several times a request, and has three layers below it: together they cost more than the request itself.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import h11
import httpx

from .line import Line, opened

_IDLE = 5.0
"""Seconds after which an idle connection is not used again: many servers have closed theirs by then."""

_LARGEST_HEAD = 100 * 1024  # bytes of status and headers; what httpx takes
_PORTS = {"http": 80, "https": 443}

_Origin: TypeAlias = tuple[str, str, int]


class Connections(httpx.AsyncBaseTransport):
    """One connection a request, as many as there are; up to `keep_alive` idle ones are kept, the last used first."""

    def __init__(self, tls: Callable[[], ssl.SSLContext], keep_alive: int) -> None:
        self._tls = tls
        self._keep_alive = keep_alive
        self._idle: list[_Connection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        connection = self._kept(_origin(request.url)) or await self._fresh(request)
        try:
            head = await connection.ask(request)
        except BaseException:
            connection.drop()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(self, connection),
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    def _kept(self, origin: _Origin) -> _Connection | None:
        """The idle connection to `origin` that was used last and is still open."""
        while True:
            at = next((at for at in reversed(range(len(self._idle))) if self._idle[at].origin == origin), None)
            if at is None:
                return None
            connection = self._idle.pop(at)
            if connection.is_fit:
                return connection
            connection.drop()

    async def _fresh(self, request: httpx.Request) -> _Connection:
        if trace := request.extensions.get("trace"):
            await trace("connection.connect_tcp.started", {})  # as httpx's own connections tell it
        scheme, host, port = origin = _origin(request.url)
        tls = self._tls() if scheme == "https" else None
        return _Connection(origin, await opened(host, port, tls, _seconds(request, "connect")))

    def keep(self, connection: _Connection) -> None:
        """Take back a connection whose answer is read, or was left: then it is closed."""
        if not connection.is_through():
            connection.drop()
            return
        self._idle.append(connection)
        if len(self._idle) > self._keep_alive:
            self._idle.pop(0).drop()

    async def aclose(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.drop()


class _Connection:
    """One request after the other."""

    def __init__(self, origin: _Origin, line: Line) -> None:
        self.origin = origin
        self._line = line
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._patience: float | None = None
        self._since = 0.0

    async def ask(self, request: httpx.Request) -> h11.Response:
        """Send a request, in one piece; the head of its answer."""
        self._patience = _seconds(request, "read")
        await self._line.write(await self._spelt(request), _seconds(request, "write"))
        while not isinstance(event := await self.event(), h11.Response):
            pass  # 100 Continue and the like
        return event

    async def event(self) -> Any:
        """The next event of the answer."""
        while True:
            with _as_httpx():
                event = self._h11.next_event()
            if event is not h11.NEED_DATA:
                return event
            data = await self._line.read(self._patience)
            if not data and self._h11.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("The server ended the connection without an answer.")
            self._h11.receive_data(data)

    def is_through(self) -> bool:
        """Whether the answer was read to its end, and another request may follow."""
        done = self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE
        if done and not self._h11.trailing_data[0]:
            self._h11.start_next_cycle()
            self._since = time.monotonic()
            return True
        return False

    @property
    def is_fit(self) -> bool:
        """Whether it may be used again after it was idle."""
        return time.monotonic() - self._since <= _IDLE and self._line.is_silent

    def drop(self) -> None:
        self._line.drop()

    async def _spelt(self, request: httpx.Request) -> bytes:
        """A request as bytes. They may hold a token: no frame that an error passes through keeps them."""
        with _as_httpx():
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            parts = [self._h11.send(head)]
            async for data in cast(httpx.AsyncByteStream, request.stream):
                parts.append(self._h11.send(h11.Data(data)))
            parts.append(self._h11.send(h11.EndOfMessage()))
        return b"".join(part for part in parts if part)


class _Body(httpx.AsyncByteStream):
    def __init__(self, home: Connections, connection: _Connection) -> None:
        self._home, self._connection = home, connection
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while isinstance(event := await self._connection.event(), h11.Data):
            yield bytes(event.data)

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._home.keep(self._connection)


def _origin(url: httpx.URL) -> _Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]


def _seconds(request: httpx.Request, wait: str) -> float | None:
    """How long one wait of a request may take, if that is limited."""
    found: float | None = request.extensions.get("timeout", {}).get(wait)
    return found


@contextmanager
def _as_httpx() -> Iterator[None]:
    """h11's errors as httpx's, which have the same names."""
    try:
        yield
    except (h11.LocalProtocolError, h11.RemoteProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
