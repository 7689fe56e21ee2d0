"""Pages fetched politely: robots.txt asked first, a pause per host, a limit on what runs at once. No failure raises:
each is a `Page` that says what went wrong."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from protego import Protego

from pipetui import http
from pipetui.pages.urls import BadUrl, host_of, normal, origin_of

log = logging.getLogger(__name__)

_ROBOTS_BYTES = 500 * 1024  # what RFC 9309 asks crawlers to read at least
_ROBOTS_REDIRECTS = 5  # the same
_LONGEST_CRAWL_DELAY = 10.0  # seconds; a site that asks for more gets this
_HTML = ("text/html", "application/xhtml+xml")
# First bytes of files that servers send as HTML by mistake, and what they are.
_MAGIC: Mapping[bytes, str] = {
    b"%PDF-": "a PDF",
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x1f\x8b": "a gzip file",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How to fetch. `timeout` is seconds for one page with its redirects, `delay` seconds between two requests to one
    host, `parallel` requests at once, `agent` the user agent (empty: ours). `ValueError` for what makes no sense."""

    timeout: float = 20.0
    parallel: int = 8
    delay: float = 0.0
    agent: str = ""
    robots: bool = True
    limit_bytes: int = 10_000_000

    def __post_init__(self) -> None:
        if not self.timeout > 0:
            raise ValueError("The timeout must be more than 0 seconds.")
        if self.parallel < 1:
            raise ValueError("At least 1 request must run at a time.")
        if not self.delay >= 0:
            raise ValueError("The delay can't be less than 0 seconds.")


@dataclass(frozen=True, slots=True)
class Page:
    """What became of one address. `error` is a sentence, empty if all went well, and `code` its kind: `robots`, or what
    `pipetui.http` calls it. `response` is there once a server has answered, and `is_html` says that its body is to be
    read; `notes` are sentences on what is worth knowing. `fetched` is the time in UTC."""

    url: str
    fetched: str
    response: http.Response | None = None
    is_html: bool = False
    code: str = ""
    error: str = ""
    hops: tuple[http.Hop, ...] = ()
    notes: tuple[str, ...] = ()


class Disallowed(http.HttpError):
    """robots.txt does not let us ask for this page."""

    code = "robots"


class Fetcher:
    """Fetches pages: `async with Fetcher(Options()) as fetcher: page = await fetcher.page(url)`, many at once.

    However many callers wait, `Options.parallel` pages are worked on. `ValueError` for a user agent that is none.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self._client = http.client(user_agent=options.agent, keep_alive=options.parallel)
        self._agent = options.agent.strip() or http.agent()
        self._slots = asyncio.Semaphore(options.parallel)
        self._robots_slots = asyncio.Semaphore(options.parallel)  # a page may wait for them inside of its slot
        self._robots: dict[str, asyncio.Task[Protego | http.HttpError]] = {}
        self._planned: dict[str, float] = {}
        self._started: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End what still runs and close the connections."""
        tasks = list(self._robots.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    async def page(self, url: str) -> Page:
        """Fetch `url`. Raises nothing, but for being cancelled."""
        fetched = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            url = normal(url)
            await self._allowed(url)
            await self._turn(self._planned, url)  # without a slot, so that a slow host does not hold up the others
            async with self._slots:
                response = await http.fetch(
                    self._client,
                    url,
                    timeout=self.options.timeout,
                    limit_bytes=self.options.limit_bytes,
                    before=self._before,
                    wanted=_may_be_html,
                )
            return self._page(url, fetched, response)
        except BadUrl as bad:
            return Page(url, fetched, code=http.BadAddress.code, error=bad.why)
        except http.HttpError as error:
            return Page(url, fetched, code=error.code, error=str(error), hops=error.hops)
        except Exception as error:  # whatever a hostile server breaks is its own row, not the end of the rest
            log.exception("could not fetch %r", url)
            return Page(url, fetched, code="bug", error=f"The page could not be fetched ({type(error).__name__}).")

    def _page(self, url: str, fetched: str, response: http.Response) -> Page:
        notes: list[str] = []
        kind = _not_html(response)
        if kind:
            notes.append(f"This is {kind}, not HTML.")
        elif not response.body and response.status < 300:
            notes.append("The page is empty.")
        if response.truncated:
            notes.append(f"The page is longer than {self.options.limit_bytes:,} bytes; the rest was not read.")
        is_html = bool(response.body) and not kind
        return Page(url, fetched, response, is_html, hops=response.hops, notes=tuple(notes))

    async def _before(self, url: str) -> None:
        """Ahead of each request, redirects included."""
        await self._allowed(url)
        await self._turn(self._started, url)

    async def _turn(self, table: dict[str, float], url: str) -> None:
        """Wait until the host's next turn; turns are a delay apart."""
        delay = self.options.delay
        if self.options.robots:
            delay = max(delay, self._crawl_delay(url))
        if delay == 0:
            return
        now = asyncio.get_running_loop().time()
        host = host_of(url)
        at = max(now, table.get(host, now))
        table[host] = at + delay
        await asyncio.sleep(at - now)

    async def _allowed(self, url: str) -> None:
        """Raises `Disallowed`, or why the host can't be asked."""
        if not self.options.robots:
            return
        origin = origin_of(url)
        task = self._robots.get(origin)
        if task is None:
            task = self._robots[origin] = asyncio.create_task(self._fetch_robots(origin))
        rules = await asyncio.shield(task)  # who is cancelled here does not take it from the others
        if isinstance(rules, http.HttpError):
            raise type(rules)(str(rules))  # its own one for each page
        if not rules.can_fetch(url, self._agent):
            raise Disallowed(f"robots.txt of {host_of(url)} does not allow this page.")

    def _crawl_delay(self, url: str) -> float:
        """Seconds between requests that the host's robots.txt wishes, once it is known."""
        task = self._robots.get(origin_of(url))
        if task is None or not task.done() or task.cancelled():
            return 0.0
        rules = task.result()
        wish = rules.crawl_delay(self._agent) if isinstance(rules, Protego) else None
        return min(wish or 0.0, _LONGEST_CRAWL_DELAY)

    async def _fetch_robots(self, origin: str) -> Protego | http.HttpError:
        """The rules of a host, as RFC 9309 has it: with 4xx all is allowed, with 5xx or no answer nothing is."""
        unknown = f"robots.txt of {host_of(origin)} could not be read, so the page was left alone"
        async with self._robots_slots:
            try:
                response = await http.fetch(
                    self._client,
                    f"{origin}/robots.txt",
                    timeout=self.options.timeout,
                    limit_bytes=_ROBOTS_BYTES,
                    max_redirects=_ROBOTS_REDIRECTS,
                    before=lambda url: self._turn(self._started, url),
                )
            except http.BadRedirect:
                return Protego.parse("")
            except (http.UnknownHost, http.Unreachable, http.BadCertificate) as error:
                return error  # the page would fail alike
            except http.HttpError as error:
                return Disallowed(f"{unknown}: {error}")
        if response.status >= 500:
            return Disallowed(f"{unknown} (status {response.status}).")
        text = response.body.decode("utf-8-sig", "replace") if 200 <= response.status < 300 else ""
        return await asyncio.to_thread(Protego.parse, text)


def _may_be_html(response: http.Response) -> bool:
    """Whether the body is worth reading, by its headers."""
    kind = _media_type(response)
    return not kind or kind in _HTML


def _not_html(response: http.Response) -> str:
    """What the answer is if it is not HTML."""
    if response.skipped:
        return _media_type(response)[:80]
    for magic, name in _MAGIC.items():
        if response.body.startswith(magic):
            return name
    if not _media_type(response) and response.body and b"<" not in response.body[:1024]:
        return "something without a content type"
    return ""


def _media_type(response: http.Response) -> str:
    return response.header("content-type").partition(";")[0].strip().lower()
