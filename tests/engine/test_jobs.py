from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipetui.engine import values
from pipetui.engine.fields import Choice, Text
from pipetui.engine.jobs import (
    MOST_TRIES,
    Absent,
    Artifact,
    Attempt,
    Entry,
    Found,
    Job,
    JobError,
    JobView,
    NotDone,
    Outcome,
    Progress,
    Question,
    Suspended,
    Unknown,
)

from .examples import STEADY


class Crash(BaseException):
    """The process is gone."""


class Ledger:
    """A ledger in memory. `instant` is called before and after each write: a test may crash there."""

    def __init__(self, instant: Callable[[], None] = lambda: None) -> None:
        self.instant = instant
        self.entries: dict[tuple[str, str], str] = {}  # JSON, as on disk
        self.attempts: dict[tuple[str, str], Attempt] = {}
        self.answers: dict[str, Any] = {}
        self.questions: list[Question] = []
        self.shown: list[Progress] = []
        self.forgotten = 0
        self.more: list[bool] = []

    async def entry(self, name: str, key: str) -> Entry | None:
        await asyncio.sleep(0)
        attempt = self.attempts.get((name, key))
        text = self.entries.get((name, key))
        return (
            None
            if attempt is None
            else Entry(attempt, text is not None, values.decode(text) if text is not None else None)
        )

    async def intend(self, name: str, key: str, attempt: Attempt) -> None:
        self.instant()
        assert (name, key) not in self.attempts
        self.attempts[name, key] = attempt
        self.instant()

    async def finish(self, name: str, key: str, attempt: Attempt, value: Any, *, more: bool = False) -> None:
        self.instant()
        self.more.append(more)
        assert self.attempts.setdefault((name, key), attempt) == attempt
        assert (name, key) not in self.entries
        self.entries[name, key] = values.encode(value)
        self.instant()

    async def forget(self, name: str, key: str) -> None:
        self.instant()
        assert (name, key) not in self.entries
        del self.attempts[name, key]
        self.forgotten += 1
        self.instant()

    async def answer(self, name: str) -> tuple[bool, Any]:
        return name in self.answers, self.answers.get(name)

    async def question(self, question: Question) -> None:
        self.questions.append(question)

    async def drop_answer(self, name: str) -> None:
        self.instant()
        self.answers.pop(name)
        self.instant()

    def progress(self, progress: Progress) -> None:
        self.shown.append(progress)

    def artifact(self, name: str) -> AbstractAsyncContextManager[Artifact]:
        raise AssertionError("these tests make no files")


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 0

    def __call__(self) -> float:
        return self.now


@dataclass
class Calls:
    """Work that counts its calls and ends as it is told, one outcome a call: an exception, or a result."""

    outcomes: list[Any]
    attempts: list[Attempt | None] = field(default_factory=list)

    async def __call__(self, attempt: Attempt | None = None) -> Any:
        self.attempts.append(attempt)
        await asyncio.sleep(0)
        outcome = self.outcomes[min(len(self.attempts), len(self.outcomes)) - 1]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def __len__(self) -> int:
        return len(self.attempts)


def looks(*outcomes: Outcome[Any]) -> Callable[[Attempt], Awaitable[Outcome[Any]]]:
    """A `recover` that gives these outcomes, the last one again and again."""
    left: Iterator[Outcome[Any]] = iter(outcomes)
    last: Outcome[Any] = outcomes[-1]

    async def recover(attempt: Attempt) -> Outcome[Any]:
        return next(left, last)

    return recover


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


# once, for work that may be repeated --------------------------------------------------------------------------------


@pytest.mark.parametrize("result", [0, False, "", [], None, {"rows": 3}])
async def test_what_was_done_once_is_not_done_again(ledger: Ledger, result: Any) -> None:
    work = Calls([result])
    for _ in range(3):
        assert await Job(ledger, "j").once("fetch", work) == result
    assert len(work) == 1


async def test_name_and_inputs_tell_one_piece_of_work_from_another(ledger: Ledger) -> None:
    work = Calls([1, 2, 3, 4])
    job = Job(ledger, "j")
    assert await job.once("page", work, inputs={"a": 1, "b": 2}) == 1
    assert await job.once("page", work, inputs={"a": 2}) == 2
    assert await job.once("other", work, inputs={"a": 2}) == 3
    assert await job.once("page", work, inputs={"b": 2, "a": 1}) == 1


async def test_work_that_was_cut_off_is_done_again(ledger: Ledger) -> None:
    work = Calls([Crash(), OSError("reset"), "done"])
    with pytest.raises(Crash):
        await Job(ledger, "j").once("fetch", work)
    with pytest.raises(OSError, match="reset"):
        await Job(ledger, "j").once("fetch", work)
    assert await Job(ledger, "j").once("fetch", work) == "done"
    assert len(work) == 3


async def test_the_result_is_the_same_json_now_and_after_a_restart(ledger: Ledger) -> None:
    mine = [("a", 1)]
    first = await Job(ledger, "j").once("fetch", Calls([mine]))
    again = await Job(ledger, "j").once("fetch", Calls(["never"]))
    assert first == again == [["a", 1]]
    first.append("changed")
    assert await Job(ledger, "j").once("fetch", Calls(["never"])) == [["a", 1]]


async def test_a_result_that_is_no_json_is_refused(ledger: Ledger) -> None:
    with pytest.raises(TypeError):
        await Job(ledger, "j").once("fetch", Calls([{1, 2}]))
    assert not ledger.entries


# once, for work that must not be repeated -----------------------------------------------------------------------------


async def test_the_intent_is_on_disk_before_the_work_starts(ledger: Ledger) -> None:
    async def work(attempt: Attempt) -> str:
        assert list(ledger.attempts.values()) == [attempt]
        assert attempt.marker.startswith("pipetui-pay-")
        assert attempt.inputs == {"amount": 5}
        return "paid"

    assert await Job(ledger, "j").once("pay", work, inputs={"amount": 5}, recover=looks(Absent())) == "paid"


async def test_a_finished_result_asks_nobody(ledger: Ledger) -> None:
    async def recover(attempt: Attempt) -> Outcome[str]:
        raise AssertionError("nobody needs to look")

    for _ in range(2):
        assert await Job(ledger, "j").once("pay", Calls(["paid"]), recover=recover) == "paid"


@pytest.mark.parametrize("end", [TimeoutError(), OSError("lost response"), KeyError("odd")])
async def test_a_lost_response_that_is_found_is_the_result(ledger: Ledger, end: Exception) -> None:
    work = Calls([end])
    assert await Job(ledger, "j").once("pay", work, recover=looks(Found({"id": 7}))) == {"id": 7}
    assert await Job(ledger, "j").once("pay", work, recover=looks(Absent())) == {"id": 7}
    assert len(work) == 1
    assert "Finding out what became of pay" in ledger.shown[0].text


async def test_after_a_crash_the_same_attempt_is_looked_for(ledger: Ledger) -> None:
    work, sought = Calls([Crash()]), []

    async def recover(attempt: Attempt) -> Outcome[str]:
        sought.append(attempt)
        return Found("paid")

    with pytest.raises(Crash):
        await Job(ledger, "j").once("pay", work, recover=recover)
    assert sought == []
    assert await Job(ledger, "j").once("pay", work, recover=recover) == "paid"
    assert sought == work.attempts


async def test_what_certainly_did_not_happen_is_done_with_a_new_attempt(ledger: Ledger) -> None:
    work = Calls([TimeoutError(), "paid"])
    assert await Job(ledger, "j").once("pay", work, recover=looks(Absent())) == "paid"
    first, second = work.attempts
    assert first and second and first.marker != second.marker


async def test_work_that_fails_and_leaves_no_trace_is_not_tried_for_ever(ledger: Ledger) -> None:
    work = Calls([KeyError("a bug")])
    with pytest.raises(KeyError):
        await Job(ledger, "j").once("pay", work, recover=looks(Absent()))
    assert len(work) == MOST_TRIES
    assert ledger.attempts == {}


async def test_absent_counts_only_once_the_settle_time_has_passed(ledger: Ledger) -> None:
    clock, looked = Clock(), []

    async def recover(attempt: Attempt) -> Outcome[str]:
        looked.append(round(clock.now * 1000))
        clock.now += 0.004
        return Absent()

    work = Calls([TimeoutError(), "paid"])
    job = Job(ledger, "j", clock=clock)
    assert await job.once("pay", work, recover=recover, settle=0.01) == "paid"
    assert looked == [0, 4, 8, 12]
    waits = [progress for progress in ledger.shown if "Making sure that pay did not happen" in progress.text]
    assert [round(progress.done * 1000) for progress in waits] == [0, 4, 8]
    assert {progress.total for progress in waits} == {0.01}


async def test_a_slow_look_tells_of_the_time_when_it_began(ledger: Ledger) -> None:
    clock, looks = Clock(), []

    async def recover(attempt: Attempt) -> Outcome[str]:
        looks.append(clock.now)
        clock.now += 60
        return Absent() if len(looks) == 1 else Found("paid")

    work = Calls([TimeoutError()])
    assert await Job(ledger, "j", clock=clock).once("pay", work, recover=recover, settle=0.01) == "paid"
    assert len(work) == 1


async def test_a_late_trace_is_found_within_the_settle_time(ledger: Ledger) -> None:
    work = Calls([TimeoutError()])
    job = Job(ledger, "j", clock=Clock())
    assert await job.once("pay", work, recover=looks(Absent(), Absent(), Found("paid")), settle=0.01) == "paid"
    assert len(work) == 1


async def test_a_restart_waits_the_settle_time_anew(ledger: Ledger) -> None:
    clock, looked = Clock(), 0

    async def recover(attempt: Attempt) -> Outcome[str]:
        nonlocal looked
        looked += 1
        clock.now += 0.006
        if looked == 2:
            raise Crash
        return Absent()

    work = Calls([TimeoutError(), "paid"])
    with pytest.raises(Crash):
        await Job(ledger, "j", clock=clock).once("pay", work, recover=recover, settle=0.01)
    assert len(work) == 1
    assert await Job(ledger, "j", clock=clock).once("pay", work, recover=recover, settle=0.01) == "paid"
    assert (looked, len(work)) == (5, 2)


async def test_not_done_forgets_the_attempt_and_fails_with_its_reason(ledger: Ledger) -> None:
    work = Calls([NotDone("connection refused"), "paid"])

    async def recover(attempt: Attempt) -> Outcome[str]:
        raise AssertionError("it is known that nothing happened")

    with pytest.raises(NotDone, match="connection refused"):
        await Job(ledger, "j").once("pay", work, recover=recover)
    assert ledger.attempts == {}
    assert await Job(ledger, "j").once("pay", work, recover=recover) == "paid"


async def test_a_look_that_fails_ends_the_job_and_leaves_the_question_open(ledger: Ledger) -> None:
    work = Calls([TimeoutError()])

    async def recover(attempt: Attempt) -> Outcome[str]:
        raise NotDone("the list can't be had")

    for _ in range(2):
        with pytest.raises(NotDone, match="the list"):
            await Job(ledger, "j").once("pay", work, recover=recover)
    assert len(work) == 1
    assert len(ledger.attempts) == 1


async def test_a_result_that_is_no_json_is_not_paid_twice(ledger: Ledger) -> None:
    work = Calls([object()])
    with pytest.raises(TypeError):
        await Job(ledger, "j").once("pay", work, recover=looks(Absent()))
    assert await Job(ledger, "j").once("pay", work, recover=looks(Found("paid"))) == "paid"
    assert len(work) == 1


async def test_cancel_in_the_middle_leaves_the_attempt_to_be_found(ledger: Ledger) -> None:
    started, paid = asyncio.Event(), []

    async def work(attempt: Attempt) -> str:
        paid.append(attempt.marker)
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def recover(attempt: Attempt) -> Outcome[str]:
        return Found("paid") if attempt.marker in paid else Absent()

    task = asyncio.create_task(Job(ledger, "j").once("pay", work, recover=recover))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await Job(ledger, "j").once("pay", work, recover=recover) == "paid"
    assert len(paid) == 1


async def test_two_at_the_same_time_are_one(ledger: Ledger) -> None:
    work = Calls(["paid", "paid twice"])
    job = Job(ledger, "j")
    both = await asyncio.gather(*(job.once("pay", work, recover=looks(Absent())) for _ in range(2)))
    assert both == ["paid", "paid"]
    assert len(work) == 1


# ask ----------------------------------------------------------------------------------------------------------------


async def test_a_question_ends_the_process_until_it_is_answered(ledger: Ledger) -> None:
    job = Job(ledger, "j")
    with pytest.raises(Suspended):
        await job.ask("which", Choice(["a", "b"]), "Two exports are there.")
    assert job.suspended
    assert ledger.questions == [Question("which", Choice(["a", "b"]), "Two exports are there.")]
    ledger.answers["which"] = "b"
    for _ in range(2):
        again = Job(ledger, "j")
        assert await again.ask("which", Choice(["a", "b"]), "Two exports are there.") == "b"
        assert not again.suspended


@pytest.mark.parametrize("answer", [0, False, "", [], None])
async def test_any_answer_is_one(ledger: Ledger, answer: Any) -> None:
    ledger.answers["which"] = answer
    assert await Job(ledger, "j").ask("which", Text(), "") == answer


async def asked(ledger: Ledger, work: Calls, outcome: Outcome[Any]) -> str:
    """Run until the job asks; the name of its question."""
    with pytest.raises(Suspended):
        await Job(ledger, "j").once("pay", work, recover=looks(outcome), settle=3600)
    assert ledger.questions[-1].why == "The list was cut short."
    return ledger.questions[-1].name


UNKNOWN = Unknown("The list was cut short.")


async def test_unknown_asks_and_absent_by_the_user_counts_at_once(ledger: Ledger) -> None:
    work = Calls([TimeoutError(), "paid"])
    ledger.answers[await asked(ledger, work, UNKNOWN)] = "absent"
    assert await Job(ledger, "j").once("pay", work, recover=looks(UNKNOWN), settle=3600) == "paid"
    assert len(work) == 2
    assert ledger.answers == {}


async def test_unknown_look_again_looks_and_may_ask_again(ledger: Ledger) -> None:
    work = Calls([TimeoutError()])
    first = await asked(ledger, work, UNKNOWN)
    ledger.answers[first] = "again"
    assert await asked(ledger, work, UNKNOWN) == first
    ledger.answers[first] = "again"
    assert await Job(ledger, "j").once("pay", work, recover=looks(UNKNOWN, Found("paid"))) == "paid"
    assert len(work) == 1


async def test_unknown_stop_fails_the_job_and_decides_nothing(ledger: Ledger) -> None:
    work = Calls([TimeoutError()])
    ledger.answers[await asked(ledger, work, UNKNOWN)] = "stop"
    with pytest.raises(JobError, match="it is not known whether pay happened"):
        await Job(ledger, "j").once("pay", work, recover=looks(UNKNOWN))
    await asked(ledger, work, UNKNOWN)
    assert len(work) == 1


async def test_unknown_with_a_decision_of_the_authors(ledger: Ledger) -> None:
    def decide(answer: Any) -> Found[str] | Absent | None:
        return Found(answer) if answer else None

    unknown = Unknown("The list was cut short.", Text(optional=True), decide)
    work = Calls([TimeoutError()])
    name = await asked(ledger, work, unknown)
    assert ledger.questions[-1].field == Text(optional=True)
    ledger.answers[name] = ""
    name = await asked(ledger, work, unknown)
    ledger.answers[name] = "export-7"
    assert await Job(ledger, "j").once("pay", work, recover=looks(unknown)) == "export-7"
    assert len(work) == 1


# What a screen knows -------------------------------------------------------------------------------------------------


async def test_progress_goes_to_the_ledger(ledger: Ledger) -> None:
    Job(ledger, "j").progress(3, 10, "rows")
    assert ledger.shown == [Progress(3, 10, "rows")]


def test_a_question_comes_back_from_json() -> None:
    data = {"name": "which", "why": "Two.", "field": Choice(["a", ("b", "B")]).to_json()}
    assert JobView.question_from(values.copy(data)) == Question("which", Choice(["a", ("b", "B")]), "Two.")
    assert JobView.question_from(None) is None


# Random schedules ----------------------------------------------------------------------------------------------------

LAG = SETTLE = 0.0005
"""Seconds: after LAG at the latest the remote's list shows what was made; real pauses stay below a tenth of it."""

END = st.sampled_from(["ok", "lost before", "lost after", "rejected", "cancelled", "cut off"])
LOOK = st.sampled_from(["list", "list", "failing", "cut short"])
ANSWER = st.sampled_from(["again", "stop", "truth"])


class Remote:
    """A service that makes costly things, and a list of them that shows each only some time after it was made."""

    def __init__(self, ends: list[str], looks: list[str], deaths: set[int]) -> None:
        self.ends, self.looks, self.deaths = iter(ends), iter(looks), deaths
        self.clock = Clock()
        self.made: dict[str, float] = {}
        self.calls = self.rejections = self.instants = 0

    def instant(self) -> None:
        """The process dies here, if it is to die at this instant."""
        self.instants += 1
        self.clock.now += 0.00001
        if self.instants in self.deaths:
            raise Crash

    async def make(self, attempt: Attempt) -> str:
        self.calls += 1
        end = next(self.ends, "ok")
        self.instant()
        if end == "lost before":
            raise ConnectionError("no answer")
        if end == "rejected":
            self.rejections += 1
            raise NotDone("plainly rejected")
        self.made[attempt.marker] = self.clock.now
        self.instant()
        if end == "lost after":
            raise TimeoutError
        if end == "cancelled":
            raise asyncio.CancelledError
        if end == "cut off":
            raise ValueError("half a response")
        return attempt.marker

    async def find(self, attempt: Attempt) -> Outcome[str]:
        look = next(self.looks, "list")
        shown = {marker for marker, at in self.made.items() if at + LAG <= self.clock.now}
        self.clock.now += SETTLE / 3
        self.instant()
        if look == "failing":
            raise OSError("the list can't be had")
        if look == "cut short":
            return UNKNOWN
        return Found(attempt.marker) if attempt.marker in shown else Absent()


@settings(STEADY, max_examples=250)
@given(
    ends=st.lists(END, max_size=6),
    looks=st.lists(LOOK, max_size=8),
    deaths=st.sets(st.integers(1, 40), max_size=10),
    answers=st.lists(ANSWER, max_size=8),
)
def test_a_costly_thing_is_made_once_whatever_happens(
    ends: list[str], looks: list[str], deaths: set[int], answers: list[str]
) -> None:
    remote = Remote(ends, looks, deaths)
    ledger = Ledger(remote.instant)
    asyncio.run(until_made(remote, ledger, answers))


async def until_made(remote: Remote, ledger: Ledger, answers: list[str]) -> None:
    """Start the job anew after each end, by the same ledger, until it has its result."""
    for _ in range(60):
        job = Job(ledger, "j", clock=remote.clock)
        try:
            result = await job.once("make", remote.make, recover=remote.find, settle=SETTLE)
        except Suspended:
            answer = answers.pop(0) if answers else "again"
            if answer == "truth":  # a person who went and looked
                asked = ledger.questions[-1].name.removeprefix("make_")
                (attempt,) = (a for a in ledger.attempts.values() if a.id.startswith(asked))
                answer = "again" if attempt.marker in remote.made else "absent"
            ledger.answers[ledger.questions[-1].name] = answer
        except (Crash, NotDone, JobError, OSError, asyncio.CancelledError):
            pass
        else:
            assert list(remote.made) == [result]
            assert remote.calls <= 1 + ledger.forgotten
            return
        assert len(remote.made) <= 1
        assert remote.calls <= 1 + ledger.forgotten + remote.rejections
    raise AssertionError("the job never came to its end")


def test_the_remote_of_these_tests_can_be_paid_twice() -> None:
    """The test above means something only if it can go wrong: without `recover` it does."""

    async def twice() -> int:
        remote = Remote(["lost after"], [], set())
        ledger = Ledger(remote.instant)
        for _ in range(2):
            job = Job(ledger, "j")
            with suppress(TimeoutError):
                await job.once("make", lambda: remote.make(Attempt("1", f"m{remote.calls}")))
        return len(remote.made)

    assert asyncio.run(twice()) == 2


async def test_a_result_may_wait_only_while_others_are_on_their_way() -> None:
    ledger = Ledger()
    job = Job(ledger, "j")

    async def work(seconds: float) -> float:
        await asyncio.sleep(seconds)
        if seconds == 0.02:
            raise ValueError("no result")
        return seconds

    for seconds in (0, 0.001):
        await job.once("alone", partial(work, seconds), inputs=seconds)
    assert ledger.more == [False, False]
    times = (0.01, 0.02, 0.2)
    works = (job.once("together", partial(work, seconds), inputs=seconds) for seconds in times)
    await asyncio.gather(*works, return_exceptions=True)
    assert ledger.more[2:] == [True, False]
