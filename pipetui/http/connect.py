"""The client that every request is made with, and what an address must be."""

import functools
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import metadata
from urllib.request import getproxies

import httpx

from .connections import Connections
from .errors import BadAddress, BadRedirect, short

MAX_ADDRESS = 8_000  # characters; what common servers and browsers still take
REDIRECTS = frozenset({301, 302, 303, 307, 308})
LOCATION = "pipetui.location"


@functools.cache
def agent() -> str:
    """How we call ourselves to servers, unless the user says otherwise."""
    try:
        version = metadata.version("pipetui")
    except metadata.PackageNotFoundError:
        version = "0"
    return f"pipetui/{version} (+https://pypi.org/project/pipetui/)"


class Client(httpx.AsyncClient):
    """httpx's client, with connections of ours where no proxy and no cookie asks for httpx's."""

    def __init__(self, user_agent: str, cookies: bool, keep_alive: int) -> None:
        self._connections = None if cookies or getproxies() else Connections(_tls, keep_alive)
        super().__init__(
            verify=_tls() if self._connections is None else True,  # ours makes it for the first https address
            transport=self._connections,
            headers={"User-Agent": user_agent, "Accept-Encoding": "gzip, deflate"},
            cookies=CookieJar(None if cookies else DefaultCookiePolicy(allowed_domains=())),
            timeout=httpx.Timeout(None),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=keep_alive),
            follow_redirects=False,
            event_hooks={"response": [_take_location]},
        )

    async def ask(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request, its body still to be read: `send` without what pages have no use for."""
        if self._connections is None:
            return await self.send(request, stream=True)
        response = await self._connections.handle_async_request(request)
        await _take_location(response)
        return response


def client(*, user_agent: str = "", cookies: bool = False, keep_alive: int = 20) -> Client:
    """A client to use with `async with`; cheap, because all share one TLS context.

    It limits neither time nor connections: `fetch` has a deadline, and callers know how much they ask for at once.
    Up to `keep_alive` idle connections stay open. Cookies are forgotten at once unless `cookies`. `ValueError` for a
    user agent that is no header value.
    """
    name = user_agent.strip() or agent()
    if not (name.isascii() and name.isprintable()):
        raise ValueError("A user agent has only letters, digits and signs of ASCII, in one line.")
    return Client(name, cookies, keep_alive)


def address_of(url: str) -> httpx.URL:
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


def target_of(address: httpx.URL, location: str) -> httpx.URL:
    """Where a Location header leads, without fragment, and without a user name and password to send along."""
    try:
        target = address.join(location.strip()).copy_with(fragment=None)
        if target.userinfo:
            target = target.copy_with(userinfo=b"")
        return address_of(str(target))
    except (BadAddress, httpx.InvalidURL, UnicodeError) as error:
        raise BadRedirect(f"It redirects to {short(location)}, which can't be fetched.") from error


@asynccontextmanager
async def closing(response: httpx.Response) -> AsyncIterator[httpx.Response]:
    try:
        yield response
    finally:
        await response.aclose()


async def _take_location(response: httpx.Response) -> None:
    """Move a redirect's Location out of httpx's sight: it would prepare the next request, and fail at odd ones."""
    if response.status_code in REDIRECTS and "location" in response.headers:
        response.extensions[LOCATION] = response.headers.pop("location")


@functools.cache
def _tls() -> ssl.SSLContext:
    """Certificates that either certifi or this system trusts."""
    context = httpx.create_ssl_context()
    context.load_default_certs()
    return context
