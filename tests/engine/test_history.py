"""The history of a run in words."""

from __future__ import annotations

from typing import Any

from pipetui.engine.cards import Facts, cards
from pipetui.engine.fields import Group, Number, Switch, Text
from pipetui.engine.history import told
from pipetui.engine.jobs import CANCELLED, JobView
from pipetui.engine.transitions import Complete, Finalize, Revert, Skip, Submit
from pipetui.engine.workflow import Step, Workflow

from .examples import History, Survey


class Export(Workflow):
    APP_NAME = "export"
    steps = (
        Step("step_01", done="limits", show="Limits", field=Group(timeout=Number(10, unit="s"), loud=Switch())),
        Step("step_02", done="pages", show="Pages", field=Text()),
        Step("step_03", done="note", show="Note", field=Text(), skip=True),
        Step("step_04", done="totals", show="Totals", auto=True),
    )

    async def step_02_job(self, run: Any, job: Any) -> Any: ...

    async def step_04_job(self, run: Any, job: Any) -> Any: ...


def lines(run: History, *jobs: JobView, **more: Any) -> list[tuple[int | None, str, str]]:
    shown = cards(run.workflow, run.record, {job.id: job for job in jobs}, {}, {})
    return [(line.seq, line.what, line.said) for line in told(shown, run.events, jobs, **more)]


def test_answers_are_told_as_their_cards_tell_them() -> None:
    run = History(Export)
    run.do(Submit("step_01", {"timeout": 10, "loud": True}), Submit("step_02", "all", job="j1"))
    run.do(Complete("step_02", "j1", {"pages": 1200, "bad": []}), actor="job")
    run.do(Skip("step_03", "nothing to note"))
    run.do(Submit("step_04", job="j2"), actor="auto")
    run.do(Complete("step_04", "j2", 3), actor="job")
    run.do(Finalize())
    assert lines(run) == [
        (1, "The run was begun", ""),
        (2, "Limits was submitted", "timeout 10 s, loud yes"),
        (3, "Pages was submitted", "all"),
        (4, "Pages was completed by its job", "pages 1,200, bad none"),
        (5, "Note was skipped", "nothing to note"),
        (6, "Totals was started by itself", ""),
        (7, "Totals was completed by its job", "3"),
        (8, "The run was finalized", ""),
    ]


def test_undo_says_what_it_took_back_and_an_edit_that_was_left() -> None:
    run = History(Export)
    run.do(Submit("step_01", {"timeout": 10, "loud": True}), Revert("step_01"))
    run.undo()
    run.undo()
    assert [what for _, what, _ in lines(run)][-3:] == [
        "Limits was opened again",
        "Limits was given back",
        "Limits was taken back",
    ]


def test_the_end_of_a_job_without_a_result_stands_where_it_was() -> None:
    run = History(Export)
    run.do(Submit("step_01", {"timeout": 10, "loud": True}), Submit("step_02", "all", job="j1"), Revert("step_02"))
    at = 1767225602.9  # 2026-01-01T00:00:02Z, of the second of event 3
    jobs = [
        JobView("j1", "step_02", "cancelled", error=CANCELLED, ended=at),
        JobView("j0", "step_02", "failed", error="No network.", ended=at - 1),
        JobView("j2", "step_02", "running"),
        JobView("j3", "step_02", "done", ended=at),
    ]
    assert [(seq, what, said) for seq, what, said in lines(run, *jobs) if seq != 2] == [
        (1, "The run was begun", ""),
        (None, "Pages failed", "No network."),
        (3, "Pages was submitted", "all"),
        (None, "Pages was cancelled", ""),
        (4, "Pages was opened again", ""),
    ]


def test_without_its_workflow_steps_have_their_ids() -> None:
    run = History(Export)
    run.do(Submit("step_01", {"timeout": 10, "loud": True}))
    assert [(line.what, line.said) for line in told((), run.events, ())][1:] == [
        ("step_01 was submitted", "timeout 10, loud yes")
    ]


def test_a_value_that_lies_elsewhere_is_fetched() -> None:
    run = History(Survey)
    run.do(Submit("step_01", {"_artifact": "x"}))
    shown = cards(Survey, run.record, {}, {"step_03": Facts(applies=False)}, {})
    assert told(shown, run.events, (), lambda stored: "large")[-1].said == "large"
