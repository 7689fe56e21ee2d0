from __future__ import annotations

import re
from typing import Any

import pytest

from pipetui.engine import record as records
from pipetui.engine import transitions
from pipetui.engine.transitions import (
    Command,
    Complete,
    Confirm,
    Finalize,
    Locked,
    Refusal,
    Revert,
    Skip,
    Submit,
    Unfinalize,
    affected,
    open_step,
)
from pipetui.engine.workflow import Step, Workflow

from .examples import History, Survey

SIZE = Submit("step_01", "small")
LARGE = Submit("step_01", "large")
URLS = Submit("step_02", ["a", "b"])
DEPTH = Submit("step_03", 0)
PAGES = Submit("step_04", "all", job="j1")
FETCHED = Complete("step_04", "j1", 2)
LOGS = Submit("step_05", "")
TOTALS = Submit("step_06", job="j2")
SUMMED = Complete("step_06", "j2", {"total": 2})
NOTE = Submit("step_07", "n")


@pytest.fixture
def run() -> History:
    return History()


def finished() -> History:
    run = History()
    run.do(SIZE, URLS, PAGES)
    run.do(FETCHED, actor="job")
    run.do(Skip("step_05", "no logs"))
    run.do(TOTALS, actor="auto")
    run.do(SUMMED, actor="job")
    run.do(NOTE)
    return run


def body(run: History) -> dict[str, Any]:
    return {key: part for key, part in run.record.items() if key not in ("created", "updated")}


def refused(run: History, command: Command) -> str:
    before = run.bytes[-1]
    with pytest.raises(Refusal) as caught:
        run.do(command)
    assert records.encode(run.record) == before
    return str(caught.value)


# Submit -----------------------------------------------------------------------------------------------------------


def test_submit_stores_the_value_under_its_done_name(run: History) -> None:
    moment = run.do(SIZE)
    assert body(run) == {"step_01": {"size": "small"}}
    assert (moment.kind, moment.step) == ("submit", "step_01")
    assert run.record["updated"] > run.record["created"]


@pytest.mark.parametrize("value", [0, False, "", [], {}, None])
def test_an_empty_value_completes_its_step(run: History, value: Any) -> None:
    run.do(SIZE, Submit("step_02", value))
    opened = open_step(Survey, run.record, run.applies)
    assert opened is not None and opened.id == "step_04"


def test_submit_with_a_job_keeps_the_input_and_waits(run: History) -> None:
    run.do(SIZE, URLS, PAGES)
    assert run.record["step_04"] == {"input": "all", "job": "j1"}
    assert transitions.is_pending(run.record, Survey.step("step_04"))
    assert records.jobs(run.record) == {"j1"}
    opened = open_step(Survey, run.record, run.applies)
    assert opened is not None and opened.id == "step_04"


def test_a_step_that_applies_comes_in_its_turn(run: History) -> None:
    run.do(LARGE, URLS)
    assert refused(run, PAGES) == "Pages (step_04) is not open: Depth (step_03) comes first."
    run.do(DEPTH, PAGES)
    assert run.record["step_03"] == {"depth": 0}


def test_submit_is_refused_out_of_turn(run: History) -> None:
    assert refused(run, URLS) == "URLs (step_02) is not open: Size (step_01) comes first."
    run.do(SIZE)
    assert refused(run, LARGE) == "Size (step_01) is not open: URLs (step_02) comes first."
    assert refused(run, DEPTH) == "Depth (step_03) is not open: URLs (step_02) comes first."
    assert refused(finished(), NOTE) == "Note (step_07) is not open: All steps are complete."


def test_submit_is_refused_for_an_unknown_step(run: History) -> None:
    for step in ("step_99", "finalize", "size"):
        assert refused(run, Submit(step, 1)).startswith(f"There is no step {step} here; there are step_01, step_02, ")


def test_submit_and_job_must_fit(run: History) -> None:
    assert refused(run, Submit("step_01", "small", job="j9")) == "Size (step_01) has no job."
    run.do(SIZE, URLS)
    assert refused(run, Submit("step_04", "all")) == "Pages (step_04) wants job."


def test_submit_is_refused_while_the_job_is_not_over(run: History) -> None:
    run.do(SIZE, URLS, PAGES)
    assert refused(run, Submit("step_04", "other", job="j9")) == (
        "The job of Pages is not over: cancel it, or revert the step to change its input."
    )


def test_the_record_given_and_the_value_given_are_left_alone(run: History) -> None:
    value = ["a"]
    run.do(SIZE)
    before = run.record
    moment = transitions.apply(Survey, before, Submit("step_02", value), {}, run.now)
    moment.record["step_01"]["size"] = "other"
    assert before["step_01"] == {"size": "small"}
    moment.change.forward.apply({})["step_02"]["urls"].append("b")
    assert value == ["a"]


# Complete ---------------------------------------------------------------------------------------------------------


def test_complete_stores_the_result_beside_the_input(run: History) -> None:
    run.do(SIZE, URLS, PAGES, FETCHED)
    assert run.record["step_04"] == {"input": "all", "job": "j1", "pages": 2}
    assert not transitions.is_pending(run.record, Survey.step("step_04"))


@pytest.mark.parametrize("step", ["step_01", "step_02", "step_04"])
def test_the_result_of_a_superseded_job_stays_out(run: History, step: str) -> None:
    run.do(SIZE, URLS, PAGES, Revert(step))
    assert refused(run, FETCHED) == "The job of Pages is no longer wanted: its result stays in the history."


def test_a_result_comes_once(run: History) -> None:
    run.do(SIZE, URLS, PAGES, FETCHED)
    assert "no longer wanted" in refused(run, FETCHED)


def test_a_result_goes_to_the_step_of_its_own_job_only(run: History) -> None:
    run.do(SIZE, URLS, PAGES, FETCHED, Skip("step_05", "x"), TOTALS)
    assert "no longer wanted" in refused(run, Complete("step_06", "j1", 0))
    assert "no longer wanted" in refused(run, Complete("step_04", "j2", 0))
    run.do(SUMMED)


def test_undo_of_the_revert_puts_the_job_back_in_force(run: History) -> None:
    run.do(SIZE, URLS, PAGES, Revert("step_01"))
    assert records.jobs(run.record) == set()
    run.undo()
    run.do(FETCHED, actor="job")
    assert run.record["step_04"]["pages"] == 2


# Revert -----------------------------------------------------------------------------------------------------------


def test_revert_clears_later_values_and_keeps_refill_as_stale() -> None:
    run = finished()
    run.do(Revert("step_01"))
    assert body(run) == {
        "_revert_target": "step_01",
        "_stale": ["step_02", "step_04"],
        "step_01": {"size": "small"},
        "step_02": {"urls": ["a", "b"]},
        "step_04": {"input": "all", "job": "j1", "pages": 2},
    }


def test_affected_says_beforehand_what_revert_does() -> None:
    run = finished()
    cleared, kept = affected(Survey, run.record, "step_01")
    assert [step.id for step in cleared] == ["step_05", "step_06", "step_07"]
    assert [step.id for step in kept] == ["step_02", "step_04"]
    assert affected(Survey, run.record, "step_07") == ([], [])


def test_revert_keeps_the_own_input_and_lets_the_job_go(run: History) -> None:
    run.do(SIZE, URLS, PAGES, Revert("step_04"))
    assert run.record["step_04"] == {"input": "all"}
    run.do(Submit("step_04", "some", job="j9"))
    assert run.record["step_04"] == {"input": "some", "job": "j9"}


def test_a_pending_refill_step_is_cleared_and_not_stale(run: History) -> None:
    run.do(SIZE, URLS, PAGES, Revert("step_02"))
    assert body(run) == {
        "_revert_target": "step_02",
        "step_01": {"size": "small"},
        "step_02": {"urls": ["a", "b"]},
    }


def test_revert_of_a_skipped_step_opens_it() -> None:
    run = finished()
    run.do(Revert("step_05"))
    assert "_skipped" not in run.record
    assert run.record["_revert_target"] == "step_05"
    run.do(LOGS)
    assert run.record["step_05"] == {"logs": ""}
    assert "_revert_target" not in run.record


def test_revert_of_an_earlier_step_moves_the_edit_up() -> None:
    run = finished()
    run.do(Revert("step_04"), Revert("step_02"))
    assert run.record["_revert_target"] == "step_02"
    assert run.record["_stale"] == ["step_04"]


def test_what_a_submit_makes_of_later_values() -> None:
    run = finished()
    run.do(Revert("step_01"), Submit("step_01", "large"))
    assert "_revert_target" not in run.record
    assert run.record["_stale"] == ["step_02", "step_04"]
    run.do(Submit("step_02", ["c"]), DEPTH, Confirm("step_04"))
    assert "_stale" not in run.record
    assert run.record["step_04"]["pages"] == 2


def test_a_value_whose_step_stops_applying_is_kept_and_comes_back(run: History) -> None:
    run.do(LARGE, URLS, DEPTH, Revert("step_01"), Submit("step_01", "small"), Confirm("step_02"))
    opened = open_step(Survey, run.record, run.applies)
    assert opened is not None and opened.id == "step_04"
    assert run.record["step_03"] == {"depth": 0}
    run.do(Revert("step_01"), LARGE, Confirm("step_02"), Confirm("step_03"), PAGES)
    assert run.record["step_03"] == {"depth": 0}


def test_refusals_of_revert(run: History) -> None:
    assert refused(run, Revert("step_01")) == "Size (step_01) has no answer yet: there is nothing to revert."
    assert refused(run, Revert("step_99")).startswith("There is no step step_99 here")
    run.do(LARGE, URLS, DEPTH, Revert("step_01"))
    assert refused(run, Revert("step_01")) == "Size (step_01) is open already."
    assert refused(run, Revert("step_02")) == "URLs (step_02) is further down: Size (step_01) comes first."
    run.do(SIZE)
    assert refused(run, Revert("step_03")) == "Depth (step_03) does not apply here."


# Confirm ----------------------------------------------------------------------------------------------------------


def test_confirm_keeps_a_stale_value_as_it_is() -> None:
    run = finished()
    run.do(Revert("step_01"), SIZE)
    part = run.record["step_02"]
    run.do(Confirm("step_02"))
    assert run.record["step_02"] == part
    assert run.record["_stale"] == ["step_04"]


def test_refusals_of_confirm(run: History) -> None:
    assert refused(run, Confirm("step_01")) == "Size (step_01) has nothing to confirm."
    run.do(SIZE, URLS, Revert("step_01"))
    assert refused(run, Confirm("step_02")) == "URLs (step_02) is not open: Size (step_01) comes first."
    assert refused(run, Confirm("step_01")) == "Size (step_01) has nothing to confirm."
    run.do(SIZE, Revert("step_02"))
    assert refused(run, Confirm("step_02")) == "URLs (step_02) has nothing to confirm."


# Skip -------------------------------------------------------------------------------------------------------------


def test_skip_keeps_the_reason(run: History) -> None:
    run.do(SIZE, URLS, PAGES, FETCHED, Skip("step_05", " no  web\nlogs "))
    assert run.record["_skipped"] == {"step_05": "no web logs"}


def test_skip_of_an_edited_step_takes_its_value_away(run: History) -> None:
    run.do(SIZE, URLS, PAGES, FETCHED, LOGS, Revert("step_05"), Skip("step_05", "wrong"))
    assert "step_05" not in run.record
    assert "_revert_target" not in run.record
    run.undo()
    assert run.record["step_05"] == {"logs": ""}


def test_a_change_above_takes_the_skip_back() -> None:
    run = finished()
    run.do(Revert("step_04"))
    assert "_skipped" not in run.record


def test_refusals_of_skip(run: History) -> None:
    assert refused(run, Skip("step_01", "why")) == "Size (step_01) can't be skipped."
    assert refused(run, Skip("step_05", "why")) == "Logs (step_05) is not open: Size (step_01) comes first."
    run.do(SIZE, URLS, PAGES, FETCHED)
    for reason in ("", " \n"):
        assert refused(run, Skip("step_05", reason)) == "To skip a step needs a reason: it is kept with the run."


# Finalize ---------------------------------------------------------------------------------------------------------


def test_finalize_locks_and_unfinalize_unlocks_to_the_same_values() -> None:
    run = finished()
    before = body(run)
    run.do(Finalize())
    assert run.record["finalize"] == {"finalized": True, "not_applicable": ["step_03"]}
    assert transitions.said_when_locked(run.record) == {"step_03": False}
    run.do(Unfinalize())
    assert body(run) == before
    assert transitions.said_when_locked(run.record) == {}


def test_finalize_is_pipulates_mark_when_all_steps_applied() -> None:
    moment = transitions.apply(Survey, {**finished().record, "step_03": {"depth": 1}}, Finalize(), {}, "later")
    assert moment.record["finalize"] == {"finalized": True}


@pytest.mark.parametrize(
    ("command", "first"),
    [(Revert("step_07"), "Note (step_07)"), (Revert("step_02"), "URLs (step_02)"), (Revert("step_01"), "Size")],
)
def test_finalize_is_refused_while_a_step_is_open(command: Command, first: str) -> None:
    run = finished()
    run.do(command)
    message = refused(run, Finalize())
    assert message.startswith(first)
    assert message.endswith("is not complete: a run is finalized when all its steps are.")


def test_finalize_is_refused_for_a_stale_step_and_a_pending_job(run: History) -> None:
    run.do(SIZE, URLS, PAGES)
    assert refused(run, Finalize()).startswith("Pages (step_04) is not complete")
    run = finished()
    run.do(Revert("step_01"), SIZE)
    assert refused(run, Finalize()).startswith("URLs (step_02) is not complete")


@pytest.mark.parametrize(
    "command",
    [SIZE, Confirm("step_02"), Complete("step_04", "j1", 9), Revert("step_01"), Skip("step_05", "x"), Finalize()],
)
def test_a_locked_run_refuses_all_but_unfinalize(command: Command) -> None:
    run = finished()
    run.do(Finalize())
    with pytest.raises(Locked, match=re.escape("This run is finalized: nothing in it changes until you unfinalize")):
        run.do(command)
    with pytest.raises(Locked, match="undo doesn't reach past that"):
        run.undo()


def test_unfinalize_is_refused_on_an_open_run(run: History) -> None:
    assert refused(run, Unfinalize()) == "This run is not finalized."


# Undo -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["step_01", "step_04", "step_05", "step_07"])
def test_undo_gives_back_the_bytes(step: str) -> None:
    run = finished()
    before = run.bytes[-1]
    run.do(Revert(step))
    moment = run.undo()
    assert run.bytes[-1] == before
    assert (moment.kind, moment.step, moment.undoes) == ("undo", step, (len(run.events) - 1,))


def test_undo_goes_on_back_and_never_takes_an_undo_back(run: History) -> None:
    run.do(SIZE, URLS, Revert("step_01"))
    assert [run.undo().undoes for _ in range(3)] == [(4,), (3,), (2,)]
    assert run.bytes[-1] == run.bytes[1]
    with pytest.raises(Refusal, match=re.escape("There is nothing to undo.")):
        run.undo()


def test_undo_takes_what_started_by_itself_with_it(run: History) -> None:
    run.do(SIZE, URLS, PAGES)
    run.do(FETCHED, actor="job")
    before = run.bytes[-1]
    run.do(LOGS)
    run.do(TOTALS, actor="auto")
    moment = run.undo()
    assert (moment.step, moment.undoes) == ("step_05", (7, 6))
    assert run.bytes[-1] == before
    assert records.jobs(run.record) == {"j1"}


def test_undo_is_refused_by_name_once_a_result_was_built_on_it(run: History) -> None:
    run.do(SIZE, URLS, PAGES)
    run.do(FETCHED, actor="job")
    with pytest.raises(Refusal, match=re.escape("The result of Pages was built on it: revert instead of undo.")):
        run.undo()
    run.do(Revert("step_04"))
    run.undo()
    with pytest.raises(Refusal, match="The result of Pages"):
        run.undo()


def test_what_started_by_itself_in_a_new_run_is_nothing_to_undo() -> None:
    async def job(self: Any, run: Any, job: Any) -> Any: ...

    steps = [Step("step_01", done="totals", show="Totals", auto=True)]
    run = History(type("Totals", (Workflow,), {"APP_NAME": "totals", "steps": steps, "step_01_job": job}))
    run.do(Submit("step_01", job="j1"), actor="auto")
    with pytest.raises(Refusal, match=re.escape("There is nothing to undo.")):
        run.undo()


def test_undo_does_not_reach_past_finalize() -> None:
    run = finished()
    run.do(Finalize(), Unfinalize())
    with pytest.raises(Refusal, match=re.escape("Undo doesn't reach past finalize.")):
        run.undo()
    run.do(Revert("step_07"))
    run.undo()
    with pytest.raises(Refusal, match=re.escape("Undo doesn't reach past finalize.")):
        run.undo()


def test_undo_works_on_the_last_part_of_a_long_history(run: History) -> None:
    run.do(SIZE, URLS, Revert("step_01"), SIZE)
    moment = transitions.undo(Survey, run.record, run.events[-2:])
    assert records.encode(moment.record) == run.bytes[-2]


# Records from elsewhere -------------------------------------------------------------------------------------------


def test_a_submit_ends_an_edit_that_no_longer_applies(run: History) -> None:
    run.do(LARGE, URLS, DEPTH, Revert("step_03"))
    run.record["step_01"] = {"size": "small"}  # an author's raw edit
    run.do(PAGES)
    assert "_revert_target" not in run.record
    assert run.record["step_03"] == {"depth": 0}


def test_a_part_that_is_no_object_can_be_reverted(run: History) -> None:
    run.record.update({"step_01": {"size": "small"}, "step_02": "imported"})
    run.do(Revert("step_02"), URLS)
    assert run.record["step_02"] == {"urls": ["a", "b"]}


def test_folding_the_events_gives_the_record() -> None:
    run = finished()
    run.do(Revert("step_01"))
    run.undo()
    run.do(Finalize(), Unfinalize(), Revert("step_05"))
    assert records.encode(records.fold(event.change.forward for event in run.events)) == records.encode(run.record)
