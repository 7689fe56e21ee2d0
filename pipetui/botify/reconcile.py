"""Was it created or not: the one POST that costs credits, and what is looked for when its answer is lost.

Botify has no idempotency key. What it has is a list of jobs, of which it is not documented when a new job appears in
it. So a job that is found there is certain, and one that is missing is not: after `SETTLE` seconds a person is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .. import http
from ..engine.fields import Choice, Group, Text
from ..engine.jobs import Absent, Attempt, Found, NotDone, Outcome, Unknown
from ..text import ago, amount, count
from .client import TRIES, Client
from .errors import BotifyError, Forbidden, NoAnswer, NotFound, Rejected, Transient, Unauthorized
from .forecast import alike
from .models import RemoteJob
from .queries import Query, canonical, cost, export_body
from .shelf import Credits, is_job_id

T = TypeVar("T")

SETTLE = 90.0
"""Seconds for which a job that is missing in the list may still appear."""

_SKEW = 300.0  # seconds by which the clocks here and there may differ
_SHOWN = 5  # exports among which a person may choose


async def patiently(
    ask: Callable[[], Awaitable[T]], tell: Callable[[str], None], *, pause: float = 1.0, longest: float = 60.0
) -> T:
    """What `ask` gives, however long Botify is out of reach: for work that must not end because of that."""
    failures = 0
    while True:
        try:
            return await ask()
        except Transient as error:
            failures += 1
            tell(f"{error} Still trying.")
        await asyncio.sleep(http.backoff(failures, pause, longest))


class Creation:
    """One export job to be created: `create` and `find` are the two halves of a `job.once`.

    `rows` is the confirmed number, `size` the most that the export may have. `tell` gets what to say meanwhile.
    """

    def __init__(
        self,
        client: Client,
        query: Query,
        *,
        rows: int,
        size: int,
        credits: Credits,
        profile: str = "",
        tell: Callable[[str], None],
        settle: float = SETTLE,
        pause: float = 1.0,
    ) -> None:
        self._client = client
        self._query = query
        self._size = size
        self._cost = cost(query, min(rows, size))
        self._rows = rows
        self._credits = credits
        self._profile = profile
        self._tell = tell
        self._settle = settle
        self._pause = pause
        self._since: float | None = None
        self._pasted = ""
        self._why = ""
        payload = export_body(query, size, "")["payload"]
        self._body = canonical(query.body)
        self._formatter = canonical([payload[key] for key in ("formatter", "formatter_config", "connector")])

    async def create(self, attempt: Attempt) -> str:
        """POST, once; the job's number. Sent again only while it certainly did not leave this machine."""
        try:
            await asyncio.to_thread(
                self._credits.intend, attempt.marker, self._query, self._rows, self._cost, self._profile
            )
        except OSError as error:
            raise NotDone(f"The ledger of credits can't be written: {error}. Nothing was sent.") from error
        failures = 0
        while True:
            try:
                job = await self._client.create_job(self._query, self._size, attempt.marker)
                break
            except NoAnswer as error:
                failures += 1
                if error.sent:
                    self._why = str(error)
                    raise
                if failures == TRIES:
                    await self._refused(attempt, error)
            except (Unauthorized, Forbidden, NotFound, Rejected) as error:
                await self._refused(attempt, error)
            except BotifyError as error:
                self._why = str(error)
                raise
            await asyncio.sleep(http.backoff(failures, self._pause))
        await asyncio.to_thread(self._credits.settle, attempt.marker, "created", job=job.id)
        return job.id

    async def _refused(self, attempt: Attempt, error: BotifyError) -> None:
        await asyncio.to_thread(self._credits.settle, attempt.marker, "refused")
        raise NotDone(f"{error} Nothing was exported, and no credits were spent.") from error

    async def find(self, attempt: Attempt) -> Outcome[str]:
        """What became of an attempt: the job's number; Absent while it may still appear; then a question."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        noted = await asyncio.to_thread(self._credits.entry, attempt.marker)
        begun = None if noted is None else noted.at
        # A clock that was set forward only makes us ask a person sooner.
        waited = max(now - self._since, 0.0 if begun is None else time.time() - begun)
        self._tell("Looking for the export in Botify's list …")
        listed = await patiently(lambda: alike(self._client, self._query), self._tell, pause=self._pause)
        found = next((job for job in listed if job.marker == attempt.marker), None)
        if found is None and begun is not None:
            found = await self._unmarked(listed, begun)
        if found is None and self._pasted:
            found = await self._look_at_pasted()
        if found is not None:
            await asyncio.to_thread(self._credits.settle, attempt.marker, "created", job=found.id)
            return Found(found.id)
        if waited < self._settle:
            return Absent()
        return self._question(attempt, [job for job in listed if not job.failed][:_SHOWN])

    async def _unmarked(self, listed: list[RemoteJob], begun: float) -> RemoteJob | None:
        """The one export that can only be ours although its mark is missing: our query, format, size, user and time."""
        candidates = [
            job
            for job in listed
            if not job.marker
            and job.size == self._size
            and job.formatter == self._formatter
            and job.created is not None
            and job.created >= begun - _SKEW
        ]
        if not candidates:
            return None
        me = (await patiently(self._client.account, self._tell, pause=self._pause)).username
        mine = [job for job in candidates if job.user in ("", me)]
        return mine[0] if len(mine) == 1 else None

    async def _look_at_pasted(self) -> RemoteJob | None:
        pasted, self._pasted = self._pasted, ""
        try:
            job = await patiently(lambda: self._client.job(pasted), self._tell, pause=self._pause)
        except NotFound:
            self._why = f"Botify knows no export {pasted}."
            return None
        if job.query != self._body:
            self._why = f"The export {pasted} is one of another query."
            return None
        return job

    def _question(self, attempt: Attempt, listed: list[RemoteJob]) -> Unknown:
        found = [(f"adopt:{job.id}", f"Adopt the export {job.id} ({_account_of(job)})") for job in listed]
        choice = Choice(
            [
                ("again", "Check again"),
                *found,
                ("paste", "Adopt the export whose number I paste"),
                ("create", f"Create it again: may cost up to {amount(self._cost)} credits once more"),
            ],
            default="again",
            label="What to do",
        )
        seen = (
            f"Of this query it lists {count(len(listed))} other export{'s' if len(listed) != 1 else ''}."
            if listed
            else "In its list of exports there is none of this query."
        )
        return Unknown(
            f"It is not known whether Botify took the export of {count(self._rows)} rows"
            f" (up to {amount(self._cost)} credits): its answer was lost. {self._why} {seen} Nothing is sent again"
            f" without your yes. At Botify it would be called {attempt.marker}.".replace("  ", " "),
            field=Group(what=choice, id=Text(optional=True, label="Number of the export", hint="only to paste one")),
            decide=self._decide,
        )

    def _decide(self, answer: Any) -> Found[Any] | Absent | None:
        what, pasted = str(answer["what"]), str(answer.get("id") or "").strip()
        if what == "create":
            self._since = None
            return Absent()
        if what.startswith("adopt:"):
            return Found(what.removeprefix("adopt:"))
        if what == "paste":
            self._why = "" if is_job_id(pasted) else "That was no number of an export."
            self._pasted = pasted if is_job_id(pasted) else ""
        return None


def _account_of(job: RemoteJob) -> str:
    """Who made it, when, and how it stands."""
    when = "" if job.created is None else f"created {ago(time.time() - job.created)}"
    return ", ".join(part for part in (when, f"by {job.user}" if job.user else "", job.status.lower()) if part)
