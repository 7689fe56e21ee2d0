"""How jobs end: well, badly, by accident, by a person; and that each costs itself alone."""

from __future__ import annotations

import json

import pytest

from pipetui.engine.jobs import CANCELLED
from pipetui.service import Service
from pipetui.store import ledger

from .conftest import Begin, Probe, Workers, until


async def _has(run: Probe, line: str) -> bool:
    return line in await run.effects()


async def test_errors_are_sentences(service: Service, probe: Begin, workers: Workers) -> None:
    workers.start()
    expected = {
        "error": "It can't be. All is safe. Try again.",
        "group_bug": "It can't be. All is safe. Try again.",
        "bug": "700_probe.py, line ",
        "not_json": "step_02_job returned what is not JSON",
        "sys_exit": "The code of 700_probe.py ended its program: SystemExit('bye').",
        "bad_method": "AttributeError: 'Probe' object has no attribute 'bad_method'",
    }
    for what, text in expected.items():
        run = await probe(what)
        row = await run.reaches("failed")
        assert text in row.error, what
        assert "\n" not in row.error
        card = (await run.snapshot()).card("step_02")
        assert card.state == "failed" and card.reason == row.error


async def test_what_no_database_takes_costs_nothing(service: Service, probe: Begin, workers: Workers) -> None:
    """NaN, numbers without end and lone surrogates, in progress and errors."""
    run = await probe("hostile")
    worker = workers.start()
    row = await run.reaches("failed")
    assert row.error.startswith("A title: ?xxx") and len(row.error) == 8000
    assert row.done == 1 and row.text.startswith("a?\x1b[2Ja?")
    assert worker.poll() is None and row.deaths == 0


@pytest.mark.parametrize("what", ["hour", "loop", "loop_thread"])
async def test_cancel_ends_whatever_it_does(service: Service, probe: Begin, workers: Workers, what: str) -> None:
    run, other = await probe(what), await probe("quick")
    workers.start()
    await until(lambda: _has(run, "begins"))
    assert await other.result() == "quick", "it costs only itself"
    await service.jobs.cancel((await run.row()).id)
    row = await run.reaches("cancelled")
    assert row.error == CANCELLED and row.ended is not None and row.deaths == 0
    card = (await run.snapshot()).card("step_02")
    assert card.state == "failed"


@pytest.mark.parametrize(
    ("what", "how"),
    [("segfault", "signal SIGSEGV"), ("exits", "exit code 3"), ("grandchild", "exit code 4"), ("forks", "exit code 5")],
)
async def test_a_job_that_always_dies_is_parked(
    service: Service, probe: Begin, workers: Workers, what: str, how: str
) -> None:
    run = await probe(what)
    worker = workers.start(idle=0.5)
    row = await run.reaches("parked")
    assert row.deaths == 5 and how in row.error and "5 times" in row.error
    await until(lambda: worker.poll() == 0)
    assert workers.processes() == [], "what it started went with it"


async def test_a_job_that_died_once_comes_through(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("hard_once")
    workers.start()
    assert await run.result() == 2
    assert (await run.row()).deaths == 1


async def test_retry_keeps_what_was_finished(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("fails_first")
    workers.start()
    row = await run.reaches("failed")
    assert row.error == "Not yet."
    await service.jobs.retry(row.id)
    assert await run.result() == "at last"
    assert await run.effects() == ["work"]


@pytest.mark.parametrize("what", ["asks", "asks_in_group"])
async def test_a_question_sleeps_without_a_process(service: Service, probe: Begin, workers: Workers, what: str) -> None:
    run = await probe(what)
    worker = workers.start(idle=0.5)
    row = await run.reaches("waiting")
    card = (await run.snapshot()).card("step_02")
    assert card.state == "waiting" and card.reason == "How many shall it be?"
    await until(lambda: worker.poll() == 0)
    assert workers.processes() == []
    await service.jobs.answer(row.id, "count", "3")
    workers.start()
    assert await run.result() == {"count": 3}
    assert (await run.effects()).count("beside") == (what == "asks_in_group")


async def test_an_effect_that_nobody_can_tell_is_asked_and_not_repeated(
    service: Service, probe: Begin, workers: Workers
) -> None:
    run = await probe("lost_answer")
    workers.start()
    row = await run.reaches("waiting")
    assert row.question is not None and "Nobody can tell" in row.question
    question = json.loads(row.question)["name"]
    await service.jobs.answer(row.id, question, "again")
    assert await run.result() == "paid"
    assert await run.effects() == ["pay"]


async def test_what_was_refused_leaves_no_trace(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("refused")
    workers.start()
    assert await run.result() == "The shop is closed."
    id = (await run.row()).id
    assert not await service.db.read(lambda tx: ledger.has_effects(tx, id))


async def test_temp_and_db_are_written_with_the_ledger(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("temp")
    workers.start()
    assert await run.result() == [{"seen": 1}, "here"]
    assert await run.effects() == ["work", "second"], "it died in between"


async def test_the_source_is_the_one_that_the_job_was_queued_with(
    service: Service, probe: Begin, workers: Workers
) -> None:
    run = await probe("quick")
    (service.paths.workflows / "700_probe.py").write_text("raise SystemExit")
    workers.start()
    assert await run.result() == "quick"


async def test_a_retry_runs_the_file_as_it_is_now(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("bad_method")
    workers.start()
    row = await run.reaches("failed")
    file = service.paths.workflows / "700_probe.py"
    file.write_text(file.read_text().replace("def quick", "def bad_method"))
    service.registry.refresh()
    await service.jobs.retry(row.id)
    assert await run.result() == "quick"


# -- superseded


async def test_a_result_of_a_reverted_job_is_kept_out_and_undo_takes_it_in(
    service: Service, probe: Begin, workers: Workers
) -> None:
    run = await probe("ticks")
    workers.start()
    await until(lambda: _has(run, "kept 3"))
    await service.runs.revert(run.run, "what")
    await run.reaches("done")
    assert "step_02" not in (await run.snapshot()).row.record, "it went on, but the run went elsewhere"
    snapshot = await service.runs.undo(run.run)
    assert snapshot.row.record["step_02"]["result"] == 25
    assert (await run.effects()).count("work 0") == 1


async def test_a_superseded_job_is_stopped_and_goes_on_when_it_is_wanted_again(
    service: Service, probe: Begin, workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await probe("slow")
    workers.start()
    await until(lambda: _has(run, "kept 1"))
    await service.runs.revert(run.run, "what")
    id = (await run.row()).id
    await _age(service, id)
    row = await run.reaches("cancelled")
    assert "went another way" in row.error
    await service.runs.undo(run.run)
    await until(lambda: _has(run, "kept 3"))
    assert (await run.effects()).count("work 0") == 1, "what it had finished was kept"


async def test_a_superseded_job_that_waits_or_is_queued_is_stopped(
    service: Service, probe: Begin, workers: Workers
) -> None:
    asks = await probe("asks")
    workers.start()
    await asks.reaches("waiting")
    await service.runs.revert(asks.run, "what")
    await _age(service, (await asks.row()).id)
    await asks.reaches("cancelled")


async def test_a_superseded_job_past_an_effect_is_finished(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("hour_after_effect")
    workers.start()
    await until(lambda: _has(run, "pay"))
    await service.runs.revert(run.run, "what")
    await _age(service, (await run.row()).id)
    row = await run.reaches("done", "cancelled")
    assert row.state == "done" and row.result == '"paid"'
    assert "step_02" not in (await run.snapshot()).row.record


async def _age(service: Service, id: str) -> None:
    """Make a job superseded for a minute: a test does not wait for that."""
    await service.db.write(
        lambda tx: tx.execute("UPDATE jobs SET superseded = superseded - 60 WHERE id = ?", (id,)) and None
    )
