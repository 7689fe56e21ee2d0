"""HTTP: the one module that knows httpx.

`client()` makes the client that everything shares, `fetch()` gets one address within limits that no server can stretch:
an overall time, a number of decoded bytes, a number of redirects. Whatever goes wrong is an `HttpError` whose text is
one plain sentence; `reason()` gives it for httpx's own errors too.
"""

import asyncio
import errno
import functools
import socket
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import metadata
from typing import ClassVar

import httpx

MAX_REDIRECTS = 10
MAX_ADDRESS = 8_000  # characters; what common servers and browsers still take
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LOCATION = "pipetui.location"
_CODINGS = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect: the address that was asked, its status, and where it sent us (absolute)."""

    url: str
    status: int
    location: str


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


class HttpError(Exception):
    """An address could not be fetched; the text says why, in one sentence. `hops` are the redirects until then."""

    code: ClassVar[str] = "http"

    def __init__(self, message: str, hops: tuple[Hop, ...] = ()) -> None:
        super().__init__(message)
        self.hops = hops


class BadAddress(HttpError):
    """The address itself is no address that can be asked for."""

    code = "address"


class UnknownHost(HttpError):
    """The name of the host has no address."""

    code = "dns"


class Unreachable(HttpError):
    """No connection, or one that broke."""

    code = "unreachable"


class BadCertificate(HttpError):
    """A secure connection could not be made."""

    code = "certificate"


class TimedOut(HttpError):
    """The time was over before the answer was complete."""

    code = "timeout"


class BadAnswer(HttpError):
    """What came back is not proper HTTP, or not what its headers say."""

    code = "answer"


class BadRedirect(HttpError):
    """Redirects that lead in a circle, never end, or lead out of the web."""

    code = "redirect"


@functools.cache
def agent() -> str:
    """How we call ourselves to servers, unless the user says otherwise."""
    try:
        version = metadata.version("pipetui")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"pipetui/{version} (+https://pypi.org/project/pipetui/)"


def client(*, user_agent: str = "", cookies: bool = False, keep_alive: int = 20) -> httpx.AsyncClient:
    """A client to use with `async with`; cheap, because all share one TLS context.

    It limits neither time nor connections: `fetch` has a deadline, and callers know how much they ask for at once.
    Up to `keep_alive` idle connections stay open. Cookies are forgotten at once unless `cookies`. `ValueError` for a
    user agent that is no header value.
    """
    name = user_agent.strip() or agent()
    if not (name.isascii() and name.isprintable()):
        raise ValueError("A user agent has only letters, digits and signs of ASCII, in one line.")
    return httpx.AsyncClient(
        verify=_tls(),
        headers={"User-Agent": name, "Accept-Encoding": "gzip, deflate"},
        cookies=CookieJar(None if cookies else DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=keep_alive),
        follow_redirects=False,
        event_hooks={"response": [_take_location]},
    )


async def fetch(
    client: httpx.AsyncClient,
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
        address = _address(url)
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
                raise BadRedirect(f"The redirects lead in a circle, back to {_short(following)}.")
            if len(hops) >= max_redirects:
                raise BadRedirect(f"After {max_redirects} redirects the next one came; we stopped there.")
            seen.add(following)
            address = following
    except HttpError as error:
        error.hops = tuple(hops)
        raise


def reason(error: BaseException) -> str:
    """One plain sentence for whatever a request raised, httpx's and the system's errors included."""
    return str(error if isinstance(error, HttpError) else _named(error, "the server"))


async def _ask(
    client: httpx.AsyncClient,
    address: httpx.URL,
    limit_bytes: int,
    headers: dict[str, str] | None,
    wanted: Callable[[Response], bool] | None,
) -> tuple[Response, httpx.URL | None]:
    """One request: its answer, and where a redirect leads (then the body is left alone)."""
    started = time.monotonic()
    try:
        request = client.build_request("GET", address, headers=headers)
        async with _closing(await client.send(request, stream=True)) as sent:
            response = Response(
                url=str(address),
                final_url=str(address),
                status=sent.status_code,
                headers=tuple((name.lower(), value) for name, value in sent.headers.multi_items()),
                first_byte=time.monotonic() - started,
            )
            if (location := sent.extensions.get(_LOCATION)) is not None:
                return response, _target(address, location)
            if wanted is not None and not wanted(response):
                return replace(response, skipped=True), None
            body, truncated = await _read(sent, limit_bytes)
            return replace(response, body=body, truncated=truncated), None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, ConnectionError, UnicodeError) as error:
        raise _named(error, address.host) from error


async def _take_location(response: httpx.Response) -> None:
    """Move a redirect's Location out of httpx's sight: it would prepare the next request, and fail at odd ones."""
    if response.status_code in _REDIRECTS and "location" in response.headers:
        response.extensions[_LOCATION] = response.headers.pop("location")


@asynccontextmanager
async def _closing(response: httpx.Response) -> AsyncIterator[httpx.Response]:
    try:
        yield response
    finally:
        await response.aclose()


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


@functools.cache
def _tls() -> ssl.SSLContext:
    """Certificates that either certifi or this system trusts."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context


def _address(url: str) -> httpx.URL:
    try:
        address = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, TypeError) as error:
        raise BadAddress("This is no web address.") from error
    if b"%" in address.raw_host:  # httpx escapes spaces and brackets that no host has
        raise BadAddress("The address has no proper host.")
    if address.scheme not in ("http", "https") or not address.host:
        raise BadAddress("Only http and https addresses can be fetched.")
    if len(url) > MAX_ADDRESS:
        raise BadAddress(f"The address is longer than {MAX_ADDRESS:,} characters.")
    return address


def _target(address: httpx.URL, location: str) -> httpx.URL:
    """Where a Location header leads, without fragment, and without a user name and password to send along."""
    try:
        target = address.join(location.strip()).copy_with(fragment=None)
        if target.userinfo:
            target = target.copy_with(userinfo=b"")
        return _address(str(target))
    except (BadAddress, httpx.InvalidURL, UnicodeError) as error:
        raise BadRedirect(f"It redirects to {_short(location)}, which can't be fetched.") from error


def _named(error: BaseException, host: str) -> HttpError:
    """What httpx or the system raised, as one of our errors."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return BadCertificate(f"The certificate of {host} is not valid: {cause.verify_message.rstrip('.')}.")
        if isinstance(cause, socket.gaierror):
            return UnknownHost(f"The host {host} was not found.")
        if isinstance(cause, ssl.SSLError):
            return BadCertificate(f"No secure connection to {host}: {_tls_words(cause)}.")
        if isinstance(cause, OSError) and cause.errno in _SYSTEM:
            return Unreachable(f"{host} {_SYSTEM[cause.errno]}.")
    match error:
        case httpx.TimeoutException() | TimeoutError():
            return TimedOut(f"There was no answer from {host} in time.")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | UnicodeError():
            return BadAddress("This is no web address that can be asked for.")
        case httpx.ProxyError():
            return Unreachable(f"The proxy of this machine does not reach {host}.")
        case httpx.ProtocolError() | httpx.DecodingError():
            return BadAnswer(f"{host} does not answer in proper HTTP, or ended in the middle of it.")
        case _:
            return Unreachable(f"The connection to {host} failed.")


_SYSTEM = {
    errno.ECONNREFUSED: "refused the connection",
    errno.ECONNRESET: "broke the connection off",
    errno.EPIPE: "broke the connection off",
    errno.ECONNABORTED: "broke the connection off",
    errno.ETIMEDOUT: "did not answer",
    errno.EHOSTUNREACH: "can't be reached from here",
    errno.ENETUNREACH: "can't be reached from here",
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what led to it, members of groups included."""
    todo, seen = [error], set[int]()
    while todo:
        each = todo.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        todo += [e for e in (each.__cause__, each.__context__) if e is not None]
        if isinstance(each, BaseExceptionGroup):
            todo += each.exceptions


def _tls_words(error: ssl.SSLError) -> str:
    return (error.reason or "handshake failed").replace("_", " ").lower()


def _short(text: object) -> str:
    return repr(str(text))[1:-1][:200]
