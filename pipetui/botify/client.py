"""A client of the Botify API: typed, and tolerant where the service says different things about itself.

    async with Client(token) as botify:
        for info in await botify.projects():
            print(info.project, info.name)

What may be repeated is repeated when the service is busy or out of order; `create_job` never is.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from .. import http
from ..paths import make_private, paths
from .errors import NoAnswer, Rejected, ServerTrouble, Transient, from_answer
from .models import Account, Analysis, Collection, FieldInfo, ProjectInfo, RemoteJob, Rows, read_fields
from .queries import API, Call, Project, Query, count_call, export_call, query_call

T = TypeVar("T")

RATE = 4.0
"""Requests a second for all work on one token; Botify allows 5."""

TRIES = 7
"""How often a request that may be repeated is tried, over about a minute."""

PAGE = 500
"""Items of a list, and rows of a query, that are asked for at once."""

_FRESH = {"crawl.": 30 * 86_400.0, "": 86_400.0}  # seconds that fields are kept: those of a crawl don't change
_DEFINITE = frozenset({400, 402, 405, 406, 411, 413, 414, 415, 422})  # a POST so answered did nothing
_LISTS = 400  # pages of a list, after which something is wrong with it
_log = logging.getLogger("pipetui.botify")


class Token:
    """A token that shows itself to nobody who prints it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """ValueError when this can't be a token; a line break or a `Token ` from a copied header is forgiven."""
        bare = re.sub(r"^token\s+", "", text.strip(), flags=re.IGNORECASE)
        if not re.fullmatch(r"[\x21-\x7e]{8,200}", bare):
            raise ValueError("This is no Botify token: it is one word, as https://app.botify.com/account shows it.")
        self._text = bare

    def reveal(self) -> str:
        return self._text

    def header(self) -> str:
        return f"Token {self._text}"

    def __repr__(self) -> str:
        return "Token(•••)"


class Client:
    """One account at Botify. Use it with `async with`.

    `base_url` is `https://…`, with or without `/v1`; `http:` is taken for this machine only (the sandbox). `cache` is a
    folder, the user's cache folder by default: for the pace that all processes share, and for the fields of
    collections. `rate` is in requests a second, `pause` the first wait between tries in seconds, `timeout` for each
    wait of a request.

    `on_call` hears of every request, to show it as curl or Python. All methods raise `BotifyError`.
    """

    def __init__(
        self,
        token: str,
        *,
        base_url: str = API,
        cache: Path | None = None,
        rate: float = RATE,
        pause: float = 1.0,
        timeout: float = 60.0,
        on_call: Callable[[Call], None] = lambda call: None,
    ) -> None:
        self._token = Token(token)
        self.base_url = based(base_url)
        self._cache = (paths().cache if cache is None else cache) / "botify"
        self._throttle = http.Throttle(self._cache, f"{self.base_url} {self._token.reveal()}", rate=rate)
        self._pause = pause
        self._timeout = timeout
        self._http = http.client()
        self._me: Account | None = None
        self._on_call = on_call

    def __repr__(self) -> str:
        return f"Client({self.base_url})"

    async def __aenter__(self) -> Client:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, traceback)

    # -- who, and what there is

    async def account(self) -> Account:
        """Who the token belongs to: the check of a token. Unauthorized when it is no good."""
        if self._me is None:
            self._me = await self._read(Call("GET", "/authentication/profile", base=self.base_url), Account.read)
        return self._me

    async def projects(self, username: str = "") -> list[ProjectInfo]:
        """The projects of a user or an organisation; without a name all that the token can see."""
        owner = username or (await self.account()).username
        path = f"/projects/{quote(owner, safe='')}"
        return [info async for info in self._list(path, lambda item: ProjectInfo.read(item, owner))]

    async def analyses(self, project: Project, *, only_success: bool = True) -> list[Analysis]:
        """The analyses of a project, the newest first, in their light form."""
        path = f"/analyses/{project.path}/light"
        wanted = f"&only_success={'true' if only_success else 'false'}"
        found = [analysis async for analysis in self._list(path, Analysis.read, wanted)]
        return sorted(found, key=lambda analysis: (analysis.launched, analysis.slug), reverse=True)

    async def analysis(self, project: Project, slug: str) -> Analysis:
        """One analysis, with whether it has a link graph. NotFound when it was deleted meanwhile."""
        path = f"/analyses/{project.path}/{quote(slug, safe='')}"
        return await self._read(Call("GET", path, base=self.base_url), Analysis.read)

    async def collections(self, project: Project) -> list[Collection]:
        """What a project has: a feature that is off has no collection here."""
        call = Call("GET", f"/projects/{project.path}/collections", base=self.base_url)
        return await self._read(call, _collections)

    async def fields(self, project: Project, collection: str, *, refresh: bool = False) -> list[FieldInfo]:
        """The fields of a collection, from the cache where it has them. There may be thousands: see `search`."""
        path = self._cached(project, collection)
        if not refresh:
            kept = await asyncio.to_thread(_load_fields, path, _freshness(collection))
            if kept is not None:
                return kept
        detail = f"/projects/{project.path}/collections/{quote(collection, safe='')}"
        found = await self._read(Call("GET", detail, base=self.base_url), lambda data: read_fields(data, collection))
        await asyncio.to_thread(_save_fields, path, found)
        return found

    # -- queries

    async def query(self, query: Query, *, page: int = 1, size: int = PAGE) -> Rows:
        """One page of a query's rows, from page 1; at most 2,000 rows a page."""
        return await self._read(query_call(query, page=page, size=size, base=self.base_url), Rows.read)

    async def rows(self, query: Query, *, size: int = PAGE) -> AsyncIterator[list[Any]]:
        """Every row of a query, page after page. For many rows an export is quicker, and costs."""
        page = 1
        while True:
            found = await self.query(query, page=page, size=size)
            for row in found.rows:
                yield row
            if not found.more or not found.rows:
                return
            page += 1

    async def count(self, query: Query) -> int | None:
        """How many rows the query has; None where Botify does not say."""
        return (await self._read(count_call(query, self.base_url), Rows.read)).count

    # -- export jobs

    async def create_job(self, query: Query, size: int, marker: str) -> RemoteJob:
        """Create an export job of at most `size` rows. It costs credits, and is sent exactly once.

        What the errors say about it: `NoAnswer` whose `sent` is False, `Rejected`, `Unauthorized`, `Forbidden` and
        `NotFound`: there is no job. Any other: there may be one, to be found by `marker` with `jobs`.
        """
        try:
            answer = await self._once(export_call(query, size, marker, self.base_url))
        except Rejected as error:
            if error.status in _DEFINITE:
                raise
            raise ServerTrouble(str(error), code=error.code, status=error.status) from None
        job = RemoteJob.read(_json(answer))
        if job is None:
            raise ServerTrouble("Botify took the export without saying its number.", status=answer.status)
        return job

    async def job(self, job_id: str) -> RemoteJob:
        """An export job as it stands."""
        call = Call("GET", f"/jobs/{quote(job_id, safe='')}", base=self.base_url)
        return await self._read(call, RemoteJob.read)

    def jobs(self, project: Project) -> AsyncIterator[RemoteJob]:
        """The export jobs of a project that Botify lists: of whom, and in which order, is not documented."""
        return self._list("/jobs", RemoteJob.read, f"&job_type=export&project={quote(project.slug, safe='')}")

    # -- underneath

    async def _list(self, path: str, read: Callable[[Any], T | None], more: str = "") -> AsyncIterator[T]:
        """Every item of a list in pages. `next` is not followed: the token goes to no address from an answer."""
        seen = 0
        for page in range(1, _LISTS):
            call = Call("GET", f"{path}?page={page}&size={PAGE}{more}", base=self.base_url)
            data = await self._read(call, _page)
            seen += len(data["results"])
            for item in data["results"]:
                found = read(item)
                if found is not None:
                    yield found
            count = data.get("count")
            rest = data["next"] if "next" in data else isinstance(count, int) and seen < count
            if not rest or not data["results"]:
                return

    async def _read(self, call: Call, read: Callable[[Any], T | None]) -> T:
        """The answer to a call that may be repeated, understood."""
        failures = 0
        while True:
            try:
                found = read(_json(await self._once(call)))
                if found is None:
                    raise ServerTrouble("Botify's answer is not what it should be; try again in a minute.")
                return found
            except Transient as error:
                failures += 1
                if failures == TRIES:
                    raise
                wait = http.backoff(failures, self._pause)
                _log.info("%s %s: %s Trying again in %.1f s.", call.method, call.path, error, wait)
            await asyncio.sleep(wait)

    async def _once(self, call: Call) -> http.Answer:
        """One request in its turn, one good answer."""
        await self._throttle.turn()
        self._on_call(call)
        try:
            answer = await http.send(
                self._http,
                call.method,
                call.url,
                body=call.body,
                authorization=self._token.header,
                timeout=self._timeout,
            )
        except http.HttpError as error:
            raise NoAnswer(f"{error} Check the connection; what is here stays here.", sent=error.sent) from None
        if not 200 <= answer.status < 300:
            raise from_answer(answer.status, answer.body, self._token.reveal())
        return answer

    def _cached(self, project: Project, collection: str) -> Path:
        name = hashlib.sha256(json.dumps([self.base_url, str(project), collection]).encode()).hexdigest()
        return self._cache / "fields" / f"{name[:32]}.json"


def based(url: str) -> str:
    """The address before the path of each call: with `/v1`. ValueError for one that others could listen to."""
    parts = urlsplit(url)
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        raise ValueError("The address of the API must begin with https://, so that nobody can read the token.")
    return url.rstrip("/") + ("/v1" if parts.path in ("", "/") else "")


def _json(answer: http.Answer) -> Any:
    try:
        return answer.json()
    except http.HttpError:
        raise ServerTrouble("Botify's answer is not the JSON that it should be.", status=answer.status) from None


def _page(data: Any) -> dict[str, Any] | None:
    return data if isinstance(data, dict) and isinstance(data.get("results"), list) else None


def _collections(data: Any) -> list[Collection] | None:
    """A bare list; one in an envelope, or a single one, is documented too."""
    if isinstance(data, dict):
        data = data.get("results", [data])
    if not isinstance(data, list):
        return None
    return [found for found in map(Collection.read, data) if found is not None]


def _freshness(collection: str) -> float:
    return next(age for prefix, age in _FRESH.items() if collection.startswith(prefix))


def _load_fields(path: Path, age: float) -> list[FieldInfo] | None:
    with suppress(OSError, ValueError, TypeError):
        if 0 <= time.time() - path.stat().st_mtime < age:
            return [FieldInfo(**member) for member in json.loads(path.read_text("utf-8"))]
    return None


def _save_fields(path: Path, fields: list[FieldInfo]) -> None:
    with suppress(OSError):  # a cache that can't be written is none
        make_private(path.parent)
        fresh = path.with_suffix(f".{time.monotonic_ns():x}")
        fresh.write_text(json.dumps([asdict(member) for member in fields]), "utf-8")
        fresh.replace(path)
