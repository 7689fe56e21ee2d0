"""A line to a server: TCP, with TLS or without, straight on asyncio's transports."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Awaitable
from itertools import chain, zip_longest
from typing import Any, TypeAlias, TypeVar, cast

import httpx

T = TypeVar("T")

_AHEAD = 2**18
"""Bytes that may lie here unread; then the server has to wait."""

_STAGGER = 0.25
"""Seconds until a host's next address is tried too, as RFC 8305 has it."""

_Address: TypeAlias = tuple[Any, Any, int, str, Any]  # of getaddrinfo


class Line(asyncio.Protocol):
    """`write` and `read` are for one task at a time. Errors are httpx's."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._came: list[bytes] = []
        self._size = 0
        self._ended = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    async def write(self, data: bytes, seconds: float | None) -> None:
        """Send `data`. That the line is broken is told by `read`: the server may have answered before it broke."""
        self.transport.write(data)
        del data  # it may hold a token, which no traceback is to show
        if not self._writable.is_set():
            await within(seconds, self._writable.wait(), httpx.WriteTimeout, httpx.WriteError)

    async def read(self, seconds: float | None) -> bytes:
        """What came; waits for it. Empty at the end."""
        if not self._came and not self._ended:
            self._news = asyncio.get_running_loop().create_future()
            await within(seconds, self._news, httpx.ReadTimeout, httpx.ReadError)
        if not self._came and self._error is not None:
            raise httpx.ReadError(str(self._error)) from self._error
        data, self._came = b"".join(self._came), []
        if self._size > _AHEAD and not self._ended:
            self.transport.resume_reading()
        self._size = 0
        return data

    @property
    def is_silent(self) -> bool:
        """Whether it is open, and nothing came that nobody asked for."""
        if self._came or self._ended or self.transport.is_closing():
            return False
        looker = select.poll()
        looker.register(self.transport.get_extra_info("socket"), select.POLLIN)
        return not looker.poll(0)

    def drop(self) -> None:
        self.transport.abort()

    # -- from the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._came.append(data)
        before, self._size = self._size, self._size + len(data)
        if before <= _AHEAD < self._size:
            self.transport.pause_reading()
        self._tell()

    def eof_received(self) -> None:
        self._ended = True
        self._tell()

    def connection_lost(self, error: Exception | None) -> None:
        self._ended = True
        self._error = error and error.with_traceback(None)  # its frames hold what was being sent: a token, say
        self._writable.set()
        self._tell()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


async def opened(host: str, port: int, tls: ssl.SSLContext | None, seconds: float | None) -> Line:
    """A line to a host within `seconds`, its handshake included. ConnectError or ConnectTimeout, from the cause."""
    return await within(seconds, _opened(host, port, tls), httpx.ConnectTimeout, httpx.ConnectError)


async def within(
    seconds: float | None, work: Awaitable[T], late: type[httpx.TransportError], broken: type[httpx.TransportError]
) -> T:
    """What `work` gives. Raises `late` when `seconds` are over and `broken` from any error of the system."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except OSError as error:
        over = isinstance(error, TimeoutError) and error.errno is None  # else it is the system's ETIMEDOUT
        raise (late if over else broken)(str(error)) from error


async def _opened(host: str, port: int, tls: ssl.SSLContext | None) -> Line:
    connected = await _connected(host, port)
    try:
        _, line = await asyncio.get_running_loop().create_connection(
            Line, sock=connected, ssl=tls, server_hostname=None if tls is None else host
        )
    except BaseException:
        connected.close()
        raise
    return line


async def _connected(host: str, port: int) -> socket.socket:
    """A socket to the first address that takes us. Those of both families are tried by turns, each a moment after the
    one before or when that has failed; OSError of the first when none is left.
    """
    name = host.encode("ascii")  # as bytes it is left as it is; a name that can't be one is not found
    found: list[_Address] = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    families = [[each for each in found if (each[0] == found[0][0]) is first] for first in (True, False)]
    left = [each for each in chain.from_iterable(zip_longest(*families)) if each is not None]
    failures: list[OSError] = []
    tries: set[asyncio.Task[socket.socket | OSError]] = set()
    try:
        while left or tries:
            if left:
                tries.add(asyncio.create_task(_try(left.pop(0))))
            await asyncio.wait(tries, timeout=_STAGGER if left else None, return_when=asyncio.FIRST_COMPLETED)
            for over in [each for each in tries if each.done()]:
                tries.remove(over)
                if isinstance(result := over.result(), socket.socket):
                    return result
                failures.append(result)
    finally:
        for each in tries:
            if not each.cancel() and isinstance(late := each.result(), socket.socket):
                late.close()
    raise failures[0]


async def _try(address: _Address) -> socket.socket | OSError:
    family, kind, protocol, _, place = address
    try:
        trying = socket.socket(family, kind, protocol)
    except OSError as error:  # this system has no such family
        return error
    try:
        trying.setblocking(False)
        await asyncio.get_running_loop().sock_connect(trying, place)
    except OSError as error:
        trying.close()
        return error
    except BaseException:
        trying.close()
        raise
    return trying
