"""Bringing a large file here, whatever happens to the connection, and handing its bytes on as they come."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import httpx

from .backoff import backoff
from .connect import LOCATION, address_of, closing, target_of
from .errors import BadRedirect, HttpError, TimedOut, Unreachable, named

_BLOCK = 1 << 18  # bytes that are handed to the thread at once
_WAIT = httpx.Timeout(60.0, connect=15.0)
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = 5


class Sink(Protocol):
    """What the bytes are for; called in a thread, one call at a time."""

    def feed(self, data: bytes) -> None: ...
    def finish(self) -> None: ...
    def close(self) -> None: ...


class Refused(HttpError):
    """The server answered, and not with the file: `status` says how."""

    code = "refused"

    def __init__(self, status: int, host: str) -> None:
        super().__init__(f"{host} does not give out the file (status {status}).")
        self.status = status


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a download went: the bytes of the file as it lies at the server, and how often it was taken up again."""

    size: int
    resumed: int


async def download(
    client: httpx.AsyncClient,
    url: str,
    part: Path,
    begin: Callable[[], Sink],
    *,
    progress: Callable[[int, int], None] | None = None,
    tries: int = 8,
    pause: float = 1.0,
) -> Transfer:
    """GET `url`, as the bytes are; what came lies in `part` and is handed to the sink at the same time.

    After a lost connection it goes on where it was (Range, If-Range), after `pause` seconds and longer each time; after
    a crash too, from what is in `part`, which is handed to a new sink first. Whenever it has to begin anew, because
    the server can't do that or has another file by now, `begin` makes another sink. `part` and the file with its
    validator are removed at the end, and when the sink won't have the bytes; they are kept when the connection, the
    disk or the caller gives up, so that another call goes on.

    `progress` gets (bytes, bytes in all or 0). No credentials are sent. Raises `Refused`, the `HttpError` that `tries`
    tries in a row without a new byte ended with, whatever the sink raises, OSError when `part` can't be written.
    """
    work = _Download(client, part, begin, progress or (lambda done, total: None))
    try:
        await work.take_up()
        failures = 0
        while True:
            before = work.have
            try:
                await work.ask(url)
                break
            except HttpError as error:
                if isinstance(error, Refused) and error.status not in _TRANSIENT:
                    raise
                failures = 1 if work.have > before else failures + 1
                if failures >= tries:
                    raise
            await asyncio.sleep(backoff(failures, pause))
        await work.end()
    except (HttpError, OSError, asyncio.CancelledError):
        raise
    except BaseException:
        work.remove()
        raise
    finally:
        await work.close()
    work.remove()
    return Transfer(work.have, work.resumed)


class _Download:
    """The state of a download: what is on disk, and how its other half is found again."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        part: Path,
        begin: Callable[[], Sink],
        progress: Callable[[int, int], None],
    ) -> None:
        self._client = client
        self._part = part
        self._begin = begin
        self._progress = progress
        self._file: BinaryIO | None = None
        self._sink: Sink | None = None
        self._busy: asyncio.Task[None] | None = None
        self._validator = ""
        self._total = 0
        self.note = part.with_name(part.name + ".json")
        self.have = 0
        self.resumed = 0

    async def take_up(self) -> None:
        """Hand on what an earlier call left in `part`."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            self._validator = str(json.loads(self.note.read_text("utf-8"))["validator"])
        if not self._validator or not self._part.exists():
            return
        self._sink = self._begin()
        self._file = self._part.open("r+b")
        while data := await asyncio.to_thread(self._file.read, 1 << 20):
            self.have += len(data)
            await asyncio.to_thread(self._sink.feed, data)

    async def ask(self, url: str) -> None:
        """One request, to the end of the file."""
        address = address_of(url)
        for _ in range(_REDIRECTS):
            headers = {"Accept-Encoding": "identity"}
            if self.have:
                headers |= {"Range": f"bytes={self.have}-", "If-Range": self._validator}
            try:
                request = self._client.build_request("GET", address, headers=headers, timeout=_WAIT)
                async with closing(await self._client.send(request, stream=True)) as response:
                    location = response.extensions.get(LOCATION)
                    if location is None:
                        await self._take(response, address.host)
                        return
                    address = target_of(address, location)
            except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, ConnectionError, UnicodeError) as error:
                raise named(error, address.host) from error
        raise BadRedirect(f"After {_REDIRECTS} redirects there was still no file.")

    async def _take(self, response: httpx.Response, host: str) -> None:
        if response.status_code == 416 and self.have:
            if _range(response)[1] == self.have:
                return
            self.have = 0
            raise Unreachable(f"{host} has another file by now.")
        if response.status_code == 206 and self.have:
            begin, self._total = _range(response)
            if begin != self.have:
                self.have = 0
                raise Unreachable(f"{host} sent another part of the file than was asked for.")
            self.resumed += 1
        elif response.status_code == 200:
            await self._anew(_validator(response), _number(response.headers.get("content-length")))
        else:
            raise Refused(response.status_code, host)
        await self._pass_on(response)
        if self._total and self.have != self._total:
            raise TimedOut(f"{host} ended the file in the middle.")

    async def _pass_on(self, response: httpx.Response) -> None:
        """Read ahead of the thread that writes and unpacks, by one block."""
        parts: list[bytes] = []
        size = 0
        try:
            async for data in response.aiter_raw():
                parts.append(data)
                size += len(data)
                if size >= _BLOCK:
                    await self._hand_on(b"".join(parts))
                    parts, size = [], 0
        finally:
            if parts:
                await self._hand_on(b"".join(parts))
            await self._idle()

    async def _hand_on(self, data: bytes) -> None:
        await self._idle()
        self._busy = asyncio.create_task(asyncio.to_thread(self._both, data))

    def _both(self, data: bytes) -> None:
        assert self._file is not None and self._sink is not None
        self._file.write(data)
        self.have += len(data)
        self._sink.feed(data)
        self._progress(self.have, self._total)

    async def _idle(self) -> None:
        """Wait for the thread; its error is ours."""
        busy, self._busy = self._busy, None
        if busy is not None:
            await _whole(busy)

    async def _anew(self, validator: str, total: int) -> None:
        """Begin with the first byte."""
        await self.close()
        self.have, self._total, self._validator = 0, total, validator
        self._file = self._part.open("wb")
        if validator:
            self.note.write_text(json.dumps({"validator": validator}), "utf-8")
        else:
            self.note.unlink(missing_ok=True)
        self._sink = self._begin()

    async def end(self) -> None:
        assert self._sink is not None
        await _whole(asyncio.create_task(asyncio.to_thread(self._sink.finish)))

    def remove(self) -> None:
        self._part.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)

    async def close(self) -> None:
        with suppress(Exception):  # what the thread had to say was said where its result was waited for
            await self._idle()
        sink, file, self._sink, self._file = self._sink, self._file, None, None
        with suppress(OSError):  # a full disk was told of by the write that met it
            if sink is not None:
                sink.close()
        with suppress(OSError):
            if file is not None:
                file.close()


async def _whole(task: asyncio.Task[None]) -> None:
    """The end of `task`, before our own: a thread can't be cancelled, and its files must not be closed under it."""
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _validator(response: httpx.Response) -> str:
    """What If-Range may name: a strong ETag, or nothing."""
    etag: str = response.headers.get("etag", "")
    return etag if etag.startswith('"') else ""


def _range(response: httpx.Response) -> tuple[int, int]:
    """(first byte, bytes in all) of a Content-Range; -1 and 0 where it doesn't say."""
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("content-range", "").strip())
    if found is None:
        return -1, 0
    return int(found[1] or -1), _number(found[2])


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
