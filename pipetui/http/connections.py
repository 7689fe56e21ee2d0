"""Connections that are kept open between requests. httpx's own pool looks at all of them, several times a request: that
costs more than the request itself.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import httpcore
import httpx

_IDLE = 5.0
"""Seconds after which an idle connection is not used again: many servers have closed theirs by then."""

_Origin: TypeAlias = tuple[bytes, bytes, int]


class Connections(httpx.AsyncBaseTransport):
    """One connection a request, as many as there are; up to `keep_alive` idle ones are kept, the last used first."""

    def __init__(self, tls: Callable[[], ssl.SSLContext], keep_alive: int) -> None:
        self._tls = tls
        self._keep_alive = keep_alive
        self._idle: list[tuple[_Origin, httpcore.AsyncHTTPConnection]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url, stream = request.url, request.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        origin = (address.origin.scheme, address.origin.host, address.origin.port)
        connection = await self._kept(origin) or httpcore.AsyncHTTPConnection(
            address.origin, ssl_context=self._tls() if url.scheme == "https" else None, keepalive_expiry=_IDLE
        )
        with _as_httpx():
            answer = await connection.handle_async_request(
                httpcore.Request(
                    request.method, address, headers=request.headers.raw, content=stream, extensions=request.extensions
                )
            )
        body = _Body(self, origin, connection, answer)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    async def _kept(self, origin: _Origin) -> httpcore.AsyncHTTPConnection | None:
        """The idle connection to `origin` that was used last and is still open."""
        while True:
            at = next((at for at in reversed(range(len(self._idle))) if self._idle[at][0] == origin), None)
            if at is None:
                return None
            _, connection = self._idle.pop(at)
            if not connection.has_expired():
                return connection
            await connection.aclose()

    async def keep(self, origin: _Origin, connection: httpcore.AsyncHTTPConnection) -> None:
        """Take back a connection whose answer is read, or was left: httpcore has closed it then."""
        if connection.is_idle():
            self._idle.append((origin, connection))
            if len(self._idle) > self._keep_alive:
                _, oldest = self._idle.pop(0)
                await oldest.aclose()

    async def aclose(self) -> None:
        idle, self._idle = self._idle, []
        for _, connection in idle:
            await connection.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(
        self, home: Connections, origin: _Origin, connection: httpcore.AsyncHTTPConnection, answer: httpcore.Response
    ) -> None:
        self._home, self._origin, self._connection, self._answer = home, origin, connection, answer
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            with _as_httpx():
                await self._answer.aclose()
            await self._home.keep(self._origin, self._connection)


@contextmanager
def _as_httpx() -> Iterator[None]:
    """httpcore's errors as httpx's, which have the same names."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
