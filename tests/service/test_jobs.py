"""What a person may do with jobs, and what becomes of their results; the worker is played by the test."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from functools import partial

import pytest

from pipetui.engine.fields import Invalid, Number
from pipetui.engine.jobs import CANCELLED, Attempt, Progress
from pipetui.engine.record import fold
from pipetui.engine.refusals import Refusal
from pipetui.engine.values import encode
from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.large import LARGEST
from pipetui.service.runs import Snapshot
from pipetui.store import jobs, ledger
from pipetui.store.database import Tx
from pipetui.store.jobs import JobRow


@pytest.fixture
def asked() -> list[Paths]:
    """When a worker was asked for."""
    return []


@pytest.fixture
async def service(home: Paths, asked: list[Paths]) -> AsyncIterator[Service]:
    async def start(paths: Paths) -> str:
        asked.append(paths)
        return "No worker here."

    async with Service.open(home, starter=start) as opened:
        yield opened


@pytest.fixture
async def run(service: Service) -> Snapshot:
    """A run whose job is queued."""
    run = (await service.runs.create("Ada", "work")).id
    await service.runs.submit(run, "name", "shop")
    return await service.runs.submit(run, "pages", "7")


async def only(service: Service) -> JobRow:
    (row,) = await service.jobs.latest()
    return row


async def claim(service: Service) -> JobRow:
    (row,) = await service.db.read(lambda tx: jobs.claimable(tx, 10))
    assert await service.db.write(lambda tx: jobs.claim(tx, row.id, time.time(), 4711))
    return await service.jobs.row(row.id)


async def state(service: Service, id: str) -> str:
    return (await service.jobs.row(id)).state


async def test_a_submit_queues_the_job_and_asks_for_a_worker(
    service: Service, run: Snapshot, asked: list[Paths]
) -> None:
    row = await only(service)
    assert (row.state, row.step, row.run, row.version) == ("queued", "step_02", run.id, run.version)
    assert run.row.record["step_02"] == {"input": 7, "job": row.id}
    assert run.card("pages").state == "running" and len(asked) == 1
    assert await service.jobs.counts() == {"queued": 1}


async def test_a_job_is_named_by_the_start_of_its_id(service: Service, run: Snapshot) -> None:
    row = await only(service)
    assert (await service.jobs.row(row.id[:6])).id == row.id
    other = (await service.runs.create("Ada", "work")).id
    await service.runs.submit(other, "name", "b")
    await service.runs.submit(other, "pages", 1)
    await service.db.write(lambda tx: _rename(tx, row.id))
    for name in ("", "nothing", "%", "_"):
        with pytest.raises(Refusal, match="names no job"):
            await service.jobs.row(name)
    with pytest.raises(Refusal, match="names several jobs"):
        await service.jobs.row("twin")


def _rename(tx: Tx, id: str) -> None:
    tx.execute("UPDATE jobs SET id = CASE id WHEN ? THEN 'twin1' ELSE 'twin2' END", (id,))


async def test_cancel(service: Service, run: Snapshot) -> None:
    queued = await only(service)
    await service.jobs.cancel(queued.id)
    assert await state(service, queued.id) == "cancelled"
    card = (await service.runs.open(run.id)).card("pages")
    assert (card.state, card.reason) == ("failed", CANCELLED)
    with pytest.raises(Refusal, match="over"):
        await service.jobs.cancel(queued.id)
    await service.jobs.retry(queued.id)
    row = await claim(service)
    await service.jobs.cancel(row.id)
    view = (await service.jobs.row(row.id)).view
    assert view.state == "running" and view.cancelling, "one that runs is asked"
    await service.db.write(lambda tx: jobs.died(tx, row.id, "signal SIGKILL", time.time()))
    assert await state(service, row.id) == "cancelled"


async def test_retry(service: Service, run: Snapshot, asked: list[Paths]) -> None:
    row = await claim(service)
    with pytest.raises(Refusal, match="running"):
        await service.jobs.retry(row.id)
    await service.db.write(lambda tx: jobs.fail(tx, row.id, "It broke.", time.time()))
    card = (await service.runs.open(run.id)).card("pages")
    assert (card.state, card.reason) == ("failed", "It broke.")
    before = len(asked)
    assert await service.jobs.retry(row.id) == "No worker here."
    after = await service.jobs.row(row.id)
    assert (after.state, after.error, after.deaths, len(asked)) == ("queued", "", 0, before + 1)


async def test_a_job_that_is_no_longer_wanted_is_not_tried_again(service: Service, run: Snapshot) -> None:
    row = await claim(service)
    await service.db.write(lambda tx: jobs.fail(tx, row.id, "It broke.", time.time()))
    await service.runs.revert(run.id, "name")
    with pytest.raises(Refusal, match="moved on"):
        await service.jobs.retry(row.id)


async def test_five_deaths_in_a_row_park_it(service: Service, run: Snapshot) -> None:
    for deaths in range(1, 5):
        row = await claim(service)
        await service.db.write(partial(jobs.died, id=row.id, why="exit code 1", now=time.time()))
        after = await service.jobs.row(row.id)
        assert (after.state, after.deaths) == ("queued", deaths)
    row = await claim(service)
    await service.db.write(lambda tx: jobs.died(tx, row.id, "exit code 1", time.time()))
    after = await service.jobs.row(row.id)
    assert after.state == "parked" and "exit code 1" in after.error
    await service.jobs.retry(row.id)
    assert (await service.jobs.row(row.id)).deaths == 0


async def test_a_death_after_something_was_recorded_is_the_first_one_again(service: Service, run: Snapshot) -> None:
    for turn in range(7):
        row = await claim(service)

        def die(tx: Tx, id: str = row.id, name: str = f"page {turn // 2}") -> None:
            ledger.put(tx, id, name, "", Attempt("a", "m"), time.time(), certain=False, finished=True)
            jobs.died(tx, id, "exit code 1", time.time())

        await service.db.write(die)
        after = await service.jobs.row(row.id)
        assert (after.state, after.deaths) == ("queued", 1 + turn % 2), "every other time it recorded nothing new"


async def test_answer(service: Service, run: Snapshot, asked: list[Paths]) -> None:
    row = await claim(service)
    question = encode({"name": "count", "field": Number(minimum=1).to_json(), "why": "How many?"})
    await service.db.write(lambda tx: jobs.set_state(tx, row.id, "waiting", time.time(), question=question))
    card = (await service.runs.open(run.id)).card("pages")
    assert (card.state, card.reason) == ("waiting", "How many?")
    with pytest.raises(Invalid):
        await service.jobs.answer(row.id, "count", "0")
    with pytest.raises(Refusal, match="does not ask for size"):
        await service.jobs.answer(row.id, "size", "1")
    before = len(asked)
    assert await service.jobs.answer(row.id, "count", "3") == "No worker here."
    assert await state(service, row.id) == "queued" and len(asked) == before + 1
    with pytest.raises(Refusal, match="any more"):
        await service.jobs.answer(row.id, "count", "3")


async def test_a_result_becomes_the_value_and_the_next_job_starts(service: Service, run: Snapshot) -> None:
    row = await claim(service)
    await service.runs.complete(row.id, ["a", "b"])
    snapshot = await service.runs.open(run.id)
    assert snapshot.row.record["step_02"] == {"input": 7, "job": row.id, "pages": ["a", "b"]}
    assert snapshot.card("pages").state == "done" and snapshot.card("report").state == "running"
    after = await service.jobs.row(row.id)
    assert (after.state, after.pid, after.result) == ("done", None, '["a","b"]')
    assert [job.step for job in await service.jobs.latest(live=True)] == ["step_03"]
    history = await service.runs.history(run.id)
    assert [(event.kind, event.actor) for event in history[-2:]] == [("complete", "job"), ("submit", "auto")]
    assert encode(fold(event.change.forward for event in history)) == encode(snapshot.row.record)


async def test_a_large_result_is_a_file(service: Service, run: Snapshot) -> None:
    row = await claim(service)
    await service.runs.complete(row.id, ["x" * LARGEST])
    snapshot = await service.runs.open(run.id)
    assert len(encode(snapshot.row.record)) < 2000
    assert snapshot.handle.value("pages", list[str]) == ["x" * LARGEST]


async def test_a_result_that_is_not_json_changes_nothing(service: Service, run: Snapshot) -> None:
    row = await claim(service)
    with pytest.raises(TypeError):
        await service.runs.complete(row.id, {1, 2})
    assert await state(service, row.id) == "running"


async def test_a_result_after_a_revert_is_history_and_undo_takes_it_in(service: Service, run: Snapshot) -> None:
    row = await claim(service)
    await service.runs.revert(run.id, "name")
    assert (await service.jobs.row(row.id)).superseded is not None
    await service.runs.complete(row.id, ["late"])
    snapshot = await service.runs.open(run.id)
    assert "step_02" not in snapshot.row.record and await state(service, row.id) == "done"
    snapshot = await service.runs.undo(run.id)
    assert snapshot.row.record["step_02"]["pages"] == ["late"]
    assert (await service.jobs.row(row.id)).superseded is None


async def test_undo_queues_again_what_was_stopped_because_of_the_revert(
    service: Service, run: Snapshot, asked: list[Paths]
) -> None:
    row = await claim(service)
    await service.runs.revert(run.id, "name")
    assert await service.db.read(lambda tx: [job.id for job in jobs.abandoned(tx, time.time() + 1)]) == [row.id]
    await service.db.write(lambda tx: jobs.abandon(tx, row.id, time.time()))
    assert await state(service, row.id) == "cancelled"
    before = len(asked)
    snapshot = await service.runs.undo(run.id)
    assert await state(service, row.id) == "queued" and len(asked) == before + 1
    assert snapshot.card("pages").state == "running"


async def test_undo_does_not_wake_what_a_person_cancelled(service: Service, run: Snapshot) -> None:
    row = await only(service)
    await service.jobs.cancel(row.id)
    await service.runs.revert(run.id, "name")
    await service.runs.undo(run.id)
    assert await state(service, row.id) == "cancelled"


async def test_a_superseded_job_is_neither_begun_nor_counted(service: Service, run: Snapshot) -> None:
    await service.runs.revert(run.id, "name")
    assert await service.db.read(lambda tx: jobs.claimable(tx, 10)) == []
    assert await service.jobs.counts() == {}
    await service.runs.undo(run.id)
    await claim(service)


async def test_a_claim_comes_too_late(service: Service, run: Snapshot) -> None:
    row = await only(service)
    await service.jobs.cancel(row.id)
    assert not await service.db.write(lambda tx: jobs.claim(tx, row.id, time.time(), 1))
    assert await state(service, row.id) == "cancelled"


async def test_progress_does_not_move_the_run(service: Service, run: Snapshot) -> None:
    row = await claim(service)
    await service.db.write(lambda tx: jobs.put_progress(tx, {row.id: Progress(3, 7, "Page 3")}))
    snapshot = await service.runs.open(run.id)
    job = snapshot.card("pages").job
    assert job is not None and job.progress == Progress(3, 7, "Page 3")
    assert snapshot.version == run.version


async def test_a_job_of_a_run_that_is_gone_has_nothing_to_write(service: Service, run: Snapshot) -> None:
    row = await only(service)
    await service.runs.shelve(run.id, "binned")
    await service.runs.empty_bin()
    with pytest.raises(Refusal):
        await service.runs.complete(row.id, [])
    assert await service.jobs.latest() == []
