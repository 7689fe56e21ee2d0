"""A job: durable background work of a step. It may die at any instant and runs again from the top.

What it did is in its ledger: `once` returns what was recorded, and for work that must not be repeated it finds out
what happened before it does anything. Where the ledger lies is not known here (`worker/ledger.py`).
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, overload

from . import fault, values
from .fields import Choice, Field, from_json

T = TypeVar("T")

JobState: TypeAlias = Literal["queued", "running", "waiting", "done", "failed", "cancelled", "parked"]
OVER: frozenset[JobState] = frozenset({"done", "failed", "cancelled", "parked"})
UNDERWAY: frozenset[JobState] = frozenset({"queued", "running", "waiting"})

CANCELLED = "Cancelled. What it finished is kept."
"""The error of a job that a person stopped."""

MOST_TRIES = 3
"""How often one run of a job tries work that fails and of which there is certainly no trace."""


class JobError(Exception):
    """The job can't go on. Its text is shown on the card: what happened, what is safe, what to do."""


class NotDone(Exception):
    """Raised by work that must not be repeated, when it knows that nothing happened. Its text says why."""


class Suspended(BaseException):
    """The job ends here until a person has answered; not for workflows to catch."""


@dataclass(frozen=True)
class Question:
    """What a job asks a person."""

    name: str
    field: Field
    why: str


@dataclass(frozen=True)
class Progress:
    """How far a job is; `total` 0 means that it can't be known."""

    done: float = 0
    total: float = 0
    text: str = ""


@dataclass(frozen=True)
class Attempt:
    """One try at work that must not be repeated. `marker` is to be sent along, so that it can be found again."""

    id: str
    marker: str
    inputs: Any = None


@dataclass(frozen=True)
class Found(Generic[T]):
    """It happened, and this is its result."""

    value: T


@dataclass(frozen=True)
class Absent:
    """There is no trace of it (yet)."""


@dataclass(frozen=True)
class Unknown:
    """It can't be known: a person decides. `decide` turns the answer into Found, Absent, or None: look again."""

    why: str
    field: Field = field(
        default_factory=lambda: Choice(
            [
                ("again", "Look again"),
                ("absent", "It did not happen: do it now"),
                ("stop", "Stop here"),
            ]
        )
    )
    decide: Callable[[Any], Found[Any] | Absent | None] | None = None


Outcome: TypeAlias = Found[T] | Absent | Unknown


@dataclass(frozen=True)
class Entry:
    """A line of the ledger: an attempt, and its result once there is one."""

    attempt: Attempt
    finished: bool
    value: Any = None


class Artifact(Protocol):
    """A file being made: write to `path`; `rows` may be set. It gets its final name when the block ends well."""

    path: Path
    rows: int | None


class Ledger(Protocol):
    """Where a job keeps what it did. Every call returns when it is on disk."""

    async def entry(self, name: str, key: str) -> Entry | None: ...
    async def intend(self, name: str, key: str, attempt: Attempt) -> None: ...
    async def finish(self, name: str, key: str, attempt: Attempt, value: Any, *, more: bool = False) -> None:
        """`more`: other results are on their way, so that this one may wait a moment for them."""
        ...

    async def forget(self, name: str, key: str) -> None: ...
    async def answer(self, name: str) -> tuple[bool, Any]:
        """(whether there is one, the answer)"""
        ...

    async def question(self, question: Question) -> None: ...
    async def drop_answer(self, name: str) -> None: ...
    def progress(self, progress: Progress) -> None: ...
    def artifact(self, name: str) -> AbstractAsyncContextManager[Artifact]: ...


class Job:
    """What a `_job` method gets beside its run."""

    def __init__(self, ledger: Ledger, job_id: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.id = job_id
        self.cancelled = False
        self.suspended = False
        self._ledger = ledger
        self._clock = clock
        self._working = 0  # works that may be repeated and are under way
        self._turns: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    @overload
    async def once(self, name: str, work: Callable[[], Awaitable[T]], *, inputs: Any = None) -> T: ...

    @overload
    async def once(
        self,
        name: str,
        work: Callable[[Attempt], Awaitable[T]],
        *,
        inputs: Any = None,
        recover: Callable[[Attempt], Awaitable[Outcome[T]]],
        settle: float = 0,
    ) -> T: ...

    async def once(
        self,
        name: str,
        work: Callable[..., Awaitable[T]],
        *,
        inputs: Any = None,
        recover: Callable[[Attempt], Awaitable[Outcome[T]]] | None = None,
        settle: float = 0,
    ) -> T:
        """What `work` returned (JSON), the first time that it did, for this name and these inputs.

        Without `recover`, work that was cut off is done again. With it, it never is before `recover` has said Absent
        for `settle` seconds: see `_certain`.
        """
        key = values.digest(inputs)
        async with self._turns[name, key]:
            entry = await self._ledger.entry(name, key)
            if entry is not None and entry.finished:
                value: T = entry.value
                return value
            if recover is not None:
                return await self._certain(name, key, entry, work, inputs, recover, settle)
            attempt = Attempt(uuid.uuid4().hex, self._marker(name), inputs)
            self._working += 1
            try:
                result: T = values.copy(await work())  # the same now as after a restart
            finally:
                self._working -= 1
            fault.point("once.worked")
            await self._ledger.finish(name, key, attempt, result, more=self._working > 0)
            fault.point("once.finished")
            return result

    async def _certain(
        self,
        name: str,
        key: str,
        entry: Entry | None,
        work: Callable[[Attempt], Awaitable[T]],
        inputs: Any,
        recover: Callable[[Attempt], Awaitable[Outcome[T]]],
        settle: float,
    ) -> T:
        """Work that must not be repeated: intent on disk, one try, and after any unclear end `recover` decides."""
        tries, failure = 0, None
        while True:
            if entry is None:
                tries += 1
                attempt = Attempt(uuid.uuid4().hex, self._marker(name), inputs)
                await self._ledger.intend(name, key, attempt)
                fault.point("once.intended")
                try:
                    result = await work(attempt)
                except NotDone:
                    await self._ledger.forget(name, key)
                    raise
                except Exception as error:  # whatever ended the work, it is not known how far it came
                    failure = error
                    self.progress(0, 0, f"Finding out what became of {name} ({type(error).__name__}) …")
                else:
                    fault.point("once.worked")
                    value: T = values.copy(result)
                    await self._ledger.finish(name, key, attempt, value)
                    fault.point("once.finished")
                    return value
            else:
                attempt = entry.attempt
            found = await self._find_out(name, attempt, recover, settle)
            if found is not None:
                value = values.copy(found.value)
                await self._ledger.finish(name, key, attempt, value)
                return value
            await self._ledger.forget(name, key)
            if failure is not None and tries == MOST_TRIES:
                raise failure
            entry = None

    async def _find_out(
        self,
        name: str,
        attempt: Attempt,
        recover: Callable[[Attempt], Awaitable[Outcome[T]]],
        settle: float,
    ) -> Found[T] | None:
        """Found, or None when it is certain that it did not happen.

        The settle time counts from here, on a clock that doesn't jump: a restart waits it anew, which is safe.
        """
        since, pause = self._clock(), min(1.0, settle / 10)
        while True:
            looked = self._clock()  # a slow answer may tell of the time when it was asked for
            outcome = await recover(attempt)
            if isinstance(outcome, Unknown):
                decided = await self._ask_what_happened(name, attempt, outcome)
                if decided is None:
                    continue
                return decided if isinstance(decided, Found) else None
            if isinstance(outcome, Found):
                return outcome
            left = settle - (looked - since)
            if left <= 0:
                return None
            self.progress(settle - left, settle, f"Making sure that {name} did not happen: {left:.0f} s more")
            await asyncio.sleep(min(left, pause))
            pause = min(pause * 1.5, 15.0)

    async def _ask_what_happened(self, name: str, attempt: Attempt, unknown: Unknown) -> Found[Any] | Absent | None:
        question = f"{name}_{attempt.id[:8]}"
        answer = await self.ask(question, unknown.field, unknown.why)
        await self._ledger.drop_answer(question)
        if unknown.decide is not None:
            return unknown.decide(answer)
        if answer == "stop":
            raise JobError(f"Stopped by you: it is not known whether {name} happened. Try again to decide anew.")
        return Absent() if answer == "absent" else None

    async def ask(self, name: str, field: Field, why: str) -> Any:
        """A person's answer. Until there is one the job sleeps without a process; then it runs again from the top."""
        there, answer = await self._ledger.answer(name)
        if there:
            return answer
        await self._ledger.question(Question(name, field, why))
        self.suspended = True
        raise Suspended

    def progress(self, done: float, total: float = 0, text: str = "") -> None:
        """How far the job is. Cheap: call it as often as you like."""
        self._ledger.progress(Progress(done, total, text))

    def artifact(self, name: str) -> AbstractAsyncContextManager[Artifact]:
        """`async with job.artifact("links.csv") as artifact:` write to `artifact.path`, set `artifact.rows`.

        The file is in the run's folder under its name, with its size and sha256 on record, once the block ends well.
        """
        return self._ledger.artifact(name)

    def _marker(self, name: str) -> str:
        return f"pipetui-{name}-{uuid.uuid4().hex[:12]}"


@dataclass(frozen=True)
class JobView:
    """What a screen knows of a job."""

    id: str
    step: str
    state: JobState
    progress: Progress = Progress()
    question: Question | None = None
    error: str = ""
    queued: float = 0
    started: float | None = None
    ended: float | None = None
    cancelling: bool = False

    @classmethod
    def question_from(cls, data: Mapping[str, Any] | None) -> Question | None:
        return None if not data else Question(data["name"], from_json(data["field"]), data["why"])
