"""An export from its count to the checked file. Every step can be called alone; `full_export` is all of them.

    counted = await count(client, query)
    remote = await start_export(client, query, counted.rows)          # the one step that costs
    done = await poll(client, remote.id)
    received = await download_and_decompress(done.url, Path("links.csv"))

The whole never pays twice: the POST is sent once for each confirmation, and what became of it is looked up, not
guessed (`reconcile`); everything behind it may be repeated at no cost.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .. import http
from ..engine.fields import Choice
from ..engine.jobs import Job, NotDone, Suspended
from ..paths import make_private
from ..text import amount
from .alone import FileLedger, NeedsAnswer
from .client import Client
from .download import download_and_decompress, judge
from .errors import BotifyError, ExportFailed, LinkExpired, NoAnswer, NotFound, Rejected
from .forecast import Counted, diagnose
from .models import KNOWN, RemoteJob
from .queries import CAP, Query, canonical, columns, cost
from .received import Received
from .reconcile import SETTLE, Creation, patiently
from .shelf import DATA, Credits, Export, Shelf

_log = logging.getLogger("pipetui.botify")
_WITHOUT_FILE = 6  # looks at a job that is done and has no file yet
_GONE = 6  # looks at a job that is not there, in case that the list and the job are not told of at once
_LINKS = 5  # fresh links, and connections given up, before an export's download is left for later

Tell = Callable[[str], None]
Progress = Callable[[float, float, str], None]


async def start_export(client: Client, query: Query, size: int, marker: str = "") -> RemoteJob:
    """Create an export job of at most `size` rows, by one POST that is never repeated: this costs credits.

    See `Client.create_job` for what its errors say. `marker` is what the job can be found by.
    """
    return await client.create_job(query, size, marker or f"pipetui-{uuid.uuid4().hex[:12]}")


async def poll(
    client: Client, job_id: str, *, tell: Tell | None = None, pause: float = 2.0, longest: float = 20.0
) -> RemoteJob:
    """The job when it is done, with the link to its file. Waits as long as it takes, outages included.

    `pause` and `longest` are seconds between two looks, at first and at last. ExportFailed when Botify says so,
    NotFound when there is no such job, BotifyError when it is done and has no file.
    """
    say = tell or (lambda text: None)
    looks = gone = without = 0
    warned = ""
    while True:
        looks += 1
        try:
            job = await patiently(lambda: client.job(job_id), say, pause=pause, longest=3 * longest)
        except NotFound:
            gone += 1
            if gone == _GONE:
                raise
        else:
            gone = 0
            if job.failed:
                raise ExportFailed(
                    f"The export {job_id} failed at Botify. Nothing is exported again without your yes.",
                    reason=job.reason,
                    code=job.code,
                )
            if job.done and job.url:
                return job
            without += job.done
            if without == _WITHOUT_FILE:
                raise BotifyError(
                    f"Botify says that the export {job_id} is done and gives no file. Try again later: it will be"
                    " looked at again, not exported again."
                )
            if job.status not in KNOWN and job.status != warned:
                warned = job.status
                _log.warning("the export %s has a status that we don't know: %.40r", job_id, job.status)
            say(f"Botify is working on the export {job_id} ({job.status.lower() or 'no status'}) …")
        await asyncio.sleep(http.backoff(looks, pause, longest))


async def full_export(
    client: Client,
    query: Query,
    shelf: Shelf,
    *,
    counted: Counted,
    credits: Credits,
    limit: int = 0,
    job: Job | None = None,
    name: str = "export",
    profile: str = "",
    fresh: bool = False,
    adopt: str = "",
    progress: Progress | None = None,
    answers: Mapping[str, Any] | None = None,
    settle: float = SETTLE,
    pause: float = 2.0,
) -> Export:
    """Everything behind the yes: one POST, the wait, the download, the checks; the export on the shelf.

    `counted` is what a person said yes to, `limit` the most rows to export (0: as many as were counted, at most
    `CAP`). An export of this query that is on the shelf is taken instead, unless `fresh`; `adopt` follows a job that
    is at Botify already. Within a workflow `job` carries it over every crash; without one a file on the shelf does,
    and questions to a person are raised as `NeedsAnswer`, to be answered by `answers`. `name` tells several exports of
    one job apart; `progress` gets (done, total, text) in place of the job's, so that each can be shown by itself.
    `pause` scales every wait, in seconds; `settle`: see `reconcile`. Raises `BotifyError`.
    """
    work = _Export(
        client, query, shelf, counted, limit or min(counted.rows or CAP, CAP), credits, profile, settle, pause
    )
    if job is not None:
        return await work.run(job, name, progress or job.progress, fresh=fresh, adopt=adopt)
    ledger = FileLedger(shelf.folder / f".{name}-{query.hash}.jsonl", answers=answers)
    try:
        alone = Job(ledger, query.hash)
        export = await work.run(alone, name, progress or alone.progress, fresh=fresh, adopt=adopt)
    except Suspended:
        assert ledger.asked is not None
        raise NeedsAnswer(ledger.asked) from None
    ledger.remove()
    return export


@dataclass
class _Export:
    """One confirmed export: `run` goes through the same steps again after a crash, and repeats none that costs."""

    client: Client
    query: Query
    shelf: Shelf
    counted: Counted
    limit: int
    credits: Credits
    profile: str
    settle: float
    pause: float

    async def run(self, job: Job, name: str, progress: Progress, *, fresh: bool, adopt: str) -> Export:
        def waiting() -> None:
            tell("The same export is being made by another run; waiting for it …")

        def tell(text: str) -> None:
            progress(0, 0, text)

        async with self.shelf.turn(self.query, self.client.base_url, waiting):
            if not fresh and not adopt:
                there = await job.once(f"{name}_on_shelf", self._on_shelf, inputs=self.query.hash)
                export = await asyncio.to_thread(Export.load, self.shelf.folder / there) if there else None
                if export is not None:
                    return export
            if adopt:
                remote = await self._adopted(adopt, tell)
                return await self._fetch(remote, await self._marker(remote), tell, progress)
            turn = looks = 0
            while True:
                remote, marker = await self._created(job, name, turn, tell)
                watch = partial(self._watched, remote, tell)
                why = await job.once(f"{name}_outcome", watch, inputs=[remote, looks])
                if not why:
                    return await self._fetch(remote, marker, tell, progress)
                looks += 1
                if await job.ask(f"{name}_failed_{remote}_{looks}", self._after_failure, why) == "create":
                    turn += 1

    async def _on_shelf(self) -> str:
        """The folder of an export that has all that was asked for."""
        found = await asyncio.to_thread(self.shelf.find, self.query, self.client.base_url)
        return next((each.folder.name for each in found if each.has(self.limit)), "")

    async def _adopted(self, job_id: str, tell: Tell) -> str:
        remote = await patiently(lambda: self.client.job(job_id), tell, pause=self.pause)
        if remote.query != canonical(self.query.body):
            raise Rejected(f"The export {job_id} is one of another query. Nothing was exported, and nothing paid.")
        await self._watched_or_raise(remote.id, tell)
        return remote.id

    async def _created(self, job: Job, name: str, turn: int, tell: Tell) -> tuple[str, str]:
        """(number, marker) of the job at Botify, created by this confirmation."""
        creation = Creation(
            self.client,
            self.query,
            rows=self.counted.rows or self.limit,
            size=self.limit,
            credits=self.credits,
            profile=self.profile,
            tell=tell,
            settle=self.settle,
            pause=self.pause / 2,
        )
        # Not the number of rows: one that was counted anew after a crash must not make this another export.
        inputs = {"api": self.client.base_url, "query": self.query.hash, "turn": turn}
        try:
            # find() itself turns what is still missing after `settle` into a question, so Absent never lasts longer.
            remote = await job.once(name, creation.create, inputs=inputs, recover=creation.find, settle=self.settle + 1)
        except NotDone as error:
            raise Rejected(str(error)) from None
        return remote, await self._marker(remote)

    async def _marker(self, remote: str) -> str:
        """Under what name the ledger has this job; empty when somebody else paid for it."""
        spent = await asyncio.to_thread(self.credits.entries)
        return next((each.marker for each in reversed(spent) if each.job == remote), "")

    async def _watched(self, remote: str, tell: Tell) -> str:
        """Empty when the job is done, else why it failed."""
        try:
            await self._watched_or_raise(remote, tell)
        except ExportFailed as error:
            reason = error.reason or await diagnose(self.client, self.query)
            return f"{error} {reason}".strip()
        return ""

    async def _watched_or_raise(self, remote: str, tell: Tell) -> RemoteJob:
        return await poll(self.client, remote, tell=tell, pause=self.pause, longest=10 * self.pause)

    @property
    def _after_failure(self) -> Choice:
        return Choice(
            [
                ("again", "Look at it again"),
                ("create", f"Export anew: may cost up to {amount(cost(self.query, self.limit))} credits once more"),
            ],
            default="again",
        )

    async def _fetch(self, remote: str, marker: str, tell: Tell, progress: Progress) -> Export:
        """The file of a job that is done, checked and on the shelf."""
        place = self.shelf.place(self.query, self.client.base_url, remote)
        there = await asyncio.to_thread(Export.load, place)
        if there is not None:
            return there
        making = self.shelf.making(place)
        await asyncio.to_thread(make_private, making)

        def downloaded(done: int, total: int) -> None:
            progress(done, total, f"Downloading the export {remote}")

        failures = 0
        while True:
            done = await self._watched_or_raise(remote, tell)
            try:
                names = columns(self.query)
                received = await download_and_decompress(
                    done.url, making / DATA, names=names, progress=downloaded, pause=self.pause / 2
                )
                break
            except (LinkExpired, NoAnswer) as error:
                failures += 1
                if failures == _LINKS:
                    raise
                tell(f"{error} Asking Botify for the link again …")
            await asyncio.sleep(http.backoff(failures, self.pause))
        export = self._export(place, remote, marker or done.marker, done, received)
        await asyncio.to_thread(self.shelf.put, export)
        if marker:
            spent = cost(self.query, received.rows)
            await asyncio.to_thread(self.credits.settle, marker, "done", rows=received.rows, credits=spent)
        return export

    def _export(self, place: Path, remote: str, marker: str, done: RemoteJob, received: Received) -> Export:
        cut, notes = judge(received, self.counted, self.limit, self.query.width)
        return Export(
            folder=place,
            job=remote,
            marker=marker,
            api=self.client.base_url,
            query=self.query,
            rows=received.rows,
            counted=self.counted.rows if self.counted.exact else None,
            limit=self.limit,
            credits=cost(self.query, received.rows),
            cut=cut,
            notes=notes,
            size=received.size,
            sha256=received.sha256,
            header=received.header,
            delimiter=received.delimiter,
            skip=received.skip,
            created=done.created,
            finished=time.time(),
        )
