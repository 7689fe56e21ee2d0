"""What can go wrong between us and a server, each in one plain sentence."""

import errno
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import httpx


@dataclass(frozen=True, slots=True)
class Hop:
    """One redirect: the address that was asked, its status, and where it sent us (absolute)."""

    url: str
    status: int
    location: str


class HttpError(Exception):
    """An address could not be fetched; the text says why, in one sentence.

    `hops` are the redirects until then. `sent` is False when certainly nothing of the request left this machine.
    """

    code: ClassVar[str] = "http"
    sent = True

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


def reason(error: BaseException) -> str:
    """One plain sentence for whatever a request raised, httpx's and the system's errors included."""
    return str(error if isinstance(error, HttpError) else named(error, "the server"))


def named(error: BaseException, host: str) -> HttpError:
    """What httpx or the system raised, as one of our errors."""
    found = _named(error, host)
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol):
        found.sent = False  # httpx raises these before it writes the first byte of a request
    return found


def _named(error: BaseException, host: str) -> HttpError:
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


def short(text: object) -> str:
    return repr(str(text))[1:-1][:200]
