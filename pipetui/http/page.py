"""Getting a page: one address, within limits that no server can stretch."""

import asyncio
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from .connect import LOCATION, Client, address_of, closing, target_of
from .errors import BadAnswer, BadRedirect, Hop, HttpError, TimedOut, named, short

MAX_REDIRECTS = 10
_CODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@dataclass(frozen=True, slots=True)
class Response:
    """What `fetch` got.

    `headers` are (lower-case name, value) pairs as they came, repeated names too. `body` is decoded from its
    Content-Encoding; `truncated` says that it was cut at the limit, `skipped` that it was not wanted. `first_byte` is
    in seconds from the last request to its headers, `total` that of all requests to the last byte.
    """

    url: str
    final_url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    first_byte: float
    total: float = 0.0
    hops: tuple[Hop, ...] = ()
    body: bytes = b""
    truncated: bool = False
    skipped: bool = False

    def header(self, name: str) -> str:
        """All values of the header `name` (lower case), joined by commas; empty without one."""
        return ", ".join(value for key, value in self.headers if key == name)


async def fetch(
    client: Client,
    url: str,
    *,
    timeout: float,
    limit_bytes: int,
    max_redirects: int = MAX_REDIRECTS,
    headers: dict[str, str] | None = None,
    before: Callable[[str], Awaitable[None]] | None = None,
    wanted: Callable[[Response], bool] | None = None,
) -> Response:
    """GET `url`, following redirects.

    `timeout` is in seconds, for all requests and the body together; the time that `before(address)` takes, which is
    awaited ahead of each request, is not counted, and an `HttpError` from it ends the fetch. The body is cut after
    `limit_bytes` decoded bytes; `wanted(response)` may refuse it when the headers are there. Raises `HttpError` only.
    """
    hops: list[Hop] = []
    spent = 0.0
    try:
        address = address_of(url)
        seen = {address}
        while True:
            if before is not None:
                await before(str(address))
            started = time.monotonic()
            async with _deadline(timeout - spent, timeout):
                response, following = await _ask(client, address, limit_bytes, headers, wanted)
            spent += time.monotonic() - started
            if following is None:
                return replace(response, url=url, hops=tuple(hops), total=spent)
            hops.append(Hop(str(address), response.status, str(following)))
            if following in seen:
                raise BadRedirect(f"The redirects lead in a circle, back to {short(following)}.")
            if len(hops) >= max_redirects:
                raise BadRedirect(f"After {max_redirects} redirects the next one came; we stopped there.")
            seen.add(following)
            address = following
    except HttpError as error:
        error.hops = tuple(hops)
        raise


async def _ask(
    client: Client,
    address: httpx.URL,
    limit_bytes: int,
    headers: dict[str, str] | None,
    wanted: Callable[[Response], bool] | None,
) -> tuple[Response, httpx.URL | None]:
    """One request: its answer, and where a redirect leads (then the body is left alone)."""
    started = time.monotonic()
    try:
        async with closing(await _send(client, address, headers)) as sent:
            response = Response(
                url=str(address),
                final_url=str(address),
                status=sent.status_code,
                headers=tuple((name.lower(), value) for name, value in sent.headers.multi_items()),
                first_byte=time.monotonic() - started,
            )
            if (location := sent.extensions.get(LOCATION)) is not None:
                return response, target_of(address, location)
            if wanted is not None and not wanted(response):
                return replace(response, skipped=True), None
            body, truncated = await _read(sent, limit_bytes)
            return replace(response, body=body, truncated=truncated), None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, ConnectionError, UnicodeError) as error:
        raise named(error, address.host) from error


async def _send(client: Client, address: httpx.URL, headers: dict[str, str] | None) -> httpx.Response:
    """The answer to a GET, its body still to be read.

    A server may close a connection that was kept open just when it is used again. Then another one is taken, as
    RFC 9112, 9.3.1 allows and browsers do; what breaks a fresh one is an error.
    """
    while True:
        fresh = False

        async def trace(event: str, _: object) -> None:
            nonlocal fresh
            fresh = fresh or event == "connection.connect_tcp.started"

        request = client.build_request("GET", address, headers=headers, extensions={"trace": trace})
        try:
            return await client.ask(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            if fresh:
                raise


@asynccontextmanager
async def _deadline(left: float, timeout: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(left):
            yield
    except TimeoutError as error:
        raise TimedOut(f"There was no complete answer within {timeout:g} seconds.") from error


async def _read(response: httpx.Response, limit: int) -> tuple[bytes, bool]:
    """The decoded body, and whether it was cut at `limit` bytes (on the line or decoded, whichever is more)."""
    inflate = _decoder(response.headers.get("content-encoding", ""))
    parts: list[bytes] = []
    came = size = 0
    async for chunk in response.aiter_raw():
        came += len(chunk)
        part = chunk if inflate is None else inflate.feed(chunk, limit + 1 - size)
        parts.append(part)
        size += len(part)
        if size > limit or came > limit:
            return b"".join(parts)[:limit], True
    if inflate is not None and came and not inflate.complete:
        raise BadAnswer("The compressed page ends in the middle.")
    return b"".join(parts), False


class _Inflate:
    """Gzip and deflate with a limit on what comes out of each piece, so that a bomb can't go off in memory."""

    def __init__(self, coding: str) -> None:
        self._wbits = _CODINGS[coding]
        self._zlib = zlib.decompressobj(self._wbits)
        self._first = True

    @property
    def complete(self) -> bool:
        return self._zlib.eof

    def feed(self, data: bytes, room: int) -> bytes:
        """`data` decompressed, at most `room` bytes of it."""
        parts: list[bytes] = []
        try:
            while data and room > 0:
                if self._zlib.eof:  # gzip may consist of several members; other bytes behind the end are padding
                    if self._wbits <= zlib.MAX_WBITS or not data.startswith(b"\x1f"):
                        break
                    self._zlib = zlib.decompressobj(self._wbits)
                part = self._decompress(data, room)
                parts.append(part)
                room -= len(part)
                data = self._zlib.unused_data
        except zlib.error as error:
            raise BadAnswer("The page is said to be compressed and can't be decompressed.") from error
        return b"".join(parts)

    def _decompress(self, data: bytes, room: int) -> bytes:
        try:
            return self._zlib.decompress(data, room)
        except zlib.error:
            if not self._first or self._wbits != zlib.MAX_WBITS:
                raise
            self._wbits = -zlib.MAX_WBITS  # some servers send "deflate" without its zlib header
            self._zlib = zlib.decompressobj(self._wbits)
            return self._zlib.decompress(data, room)
        finally:
            self._first = False


def _decoder(content_encoding: str) -> _Inflate | None:
    codings = [name for name in content_encoding.lower().replace(",", " ").split() if name != "identity"]
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in _CODINGS:
        raise BadAnswer(f"The page is compressed as {' and '.join(codings)[:40]}, which we did not ask for.")
    return _Inflate(codings[0])
