from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.engine.cards import Card, Facts, cards
from pipetui.engine.fields import Choice, Group, Number, Switch, Text, TextArea
from pipetui.engine.jobs import JobState, JobView, Question
from pipetui.engine.transitions import open_step
from pipetui.engine.workflow import Step, Workflow

from .examples import JSON, STEADY, Survey

STEP_01 = {"step_01": {"size": "small"}}
TWO = {**STEP_01, "step_02": {"urls": ["a"]}}
FOUR = {**TWO, "step_04": {"pages": 3, "input": "x", "job": "j1"}}
ALL = {**FOUR, "_skipped": {"step_05": "no logs"}, "step_06": {"totals": 9, "input": None, "job": "j2"},
       "step_07": {"note": "n"}}  # fmt: skip
SMALL = {"step_03": Facts(applies=False)}
LOCK = {"finalize": {"finalized": True, "not_applicable": ["step_03"]}}


def show(
    record: Mapping[str, Any],
    *,
    facts: Mapping[str, Facts] = SMALL,
    jobs: Mapping[str, JobView] | None = None,
    drafts: Mapping[str, Any] | None = None,
) -> dict[str, Card]:
    return {card.id: card for card in cards(Survey, record, jobs or {}, facts, drafts or {})}


def states(shown: Mapping[str, Card]) -> str:
    return " ".join(card.state for card in shown.values())


def view(state: JobState, **more: Any) -> JobView:
    return JobView("j1", "step_04", state, **more)


PENDING = {**TWO, "step_04": {"input": "x", "job": "j1"}}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, "active pending pending pending pending pending pending pending"),
        (STEP_01, "done active pending pending pending pending pending pending"),
        (TWO, "done done not_applicable active pending pending pending pending"),
        (PENDING, "done done not_applicable failed pending pending pending pending"),
        (FOUR, "done done not_applicable done active pending pending pending"),
        (ALL, "done done not_applicable done skipped done done active"),
        ({**ALL, **LOCK}, "done done not_applicable done skipped done done done"),
        ({**TWO, "_revert_target": "step_01"}, "editing pending pending pending pending pending pending pending"),
        ({**ALL, "_stale": ["step_02"]}, "done stale pending pending pending pending pending pending"),
        ({**ALL, "_stale": ["step_04"]}, "done done not_applicable stale pending pending pending pending"),
        ({**TWO, "_skipped": {"step_05": "why"}}, "done done not_applicable active pending pending pending pending"),
        # the first row that fits decides
        (
            {**ALL, "_revert_target": "step_02", "_stale": ["step_02"]},
            "done editing pending pending pending pending pending pending",
        ),
        (
            {**ALL, "step_03": {"depth": 1}, "_revert_target": "step_03", "_stale": ["step_03"]},
            "done done not_applicable done skipped done done active",
        ),
        (
            {**ALL, "_skipped": {}, "step_05": {"logs": ""}, "_stale": ["step_05"]},
            "done done not_applicable done stale pending pending pending",
        ),
    ],
)
def test_the_states_of_a_record(record: dict[str, Any], expected: str) -> None:
    shown = show(record)
    assert states(shown) == expected
    assert [card.number for card in shown.values()] == list(range(1, 9))


@pytest.mark.parametrize(
    ("job", "state", "reason"),
    [
        (view("queued"), "running", ""),
        (view("running"), "running", ""),
        (view("done"), "running", ""),
        (view("waiting", question=Question("again", Choice(["y"]), "Really?")), "waiting", "Really?"),
        (view("failed", error="No network."), "failed", "No network."),
        (view("cancelled", error="Cancelled."), "failed", "Cancelled."),
        (view("parked", error="It died five times."), "failed", "It died five times."),
        (None, "failed", "The job's row is missing: revert this step to start it anew."),
    ],
)
def test_a_pending_step_looks_like_its_job(job: JobView | None, state: str, reason: str) -> None:
    card = show(PENDING, jobs={"j1": job} if job else {})["step_04"]
    assert (card.state, card.reason, card.job) == (state, reason, job)
    assert card.can_revert and card.has_job and not card.is_open


def test_a_job_in_force_is_looked_at_before_broken_code_and_a_value_too() -> None:
    broken = {**SMALL, "step_04": Facts(broken="KeyError in step_04_form")}
    assert show(PENDING, facts=broken, jobs={"j1": view("running")})["step_04"].state == "running"
    assert show(FOUR, facts=broken)["step_04"].state == "done"
    card = show(TWO, facts=broken)["step_04"]
    assert (card.state, card.reason) == ("broken", "KeyError in step_04_form")
    assert not card.is_open


def test_a_step_that_does_not_apply_is_passed_over_with_its_value_kept() -> None:
    record = {**TWO, "step_03": {"depth": 7}}
    assert show(record)["step_03"].state == "not_applicable"
    assert show(record)["step_04"].state == "active"
    back = show(record, facts={})["step_03"]
    assert (back.state, back.summary) == ("done", "7")


@pytest.mark.parametrize(
    ("step", "field", "value"),
    [
        ("zero", Number(), 0),
        ("no", Switch(), False),
        ("empty", Text(optional=True), ""),
        ("none", TextArea(optional=True), []),
        ("null", Number(optional=True), None),
    ],
)
def test_presence_completes_a_step_and_not_truth(step: str, field: Any, value: Any) -> None:
    members = {"APP_NAME": "presence", "steps": [Step("step_01", done=step, show="", field=field)]}
    workflow = type("Presence", (Workflow,), members)
    states = [card.state for card in cards(workflow, {"step_01": {step: value}}, {}, {}, {})]
    assert states == ["done", "active"]
    states = [card.state for card in cards(workflow, {"step_01": {}}, {}, {}, {})]
    assert states == ["active", "pending"]
    stale = cards(workflow, {"step_01": {step: value}, "_stale": ["step_01"]}, {}, {}, {})[0]
    assert (stale.state, stale.prefill) == ("stale", field.editable(value))


def test_an_active_card_is_prefilled_by_draft_then_suggestion_then_default() -> None:
    suggested = {"step_03": Facts(suggestion=0)}
    assert show(TWO, facts=suggested, drafts={"step_03": ""})["step_03"].prefill == ""
    assert show(TWO, facts=suggested)["step_03"].prefill == "0"
    assert show(TWO, facts={})["step_03"].prefill == "3"
    assert show(STEP_01)["step_02"].prefill == ""


def test_an_edited_card_is_prefilled_by_draft_then_its_own_value() -> None:
    record = {**TWO, "step_03": {"depth": 0}, "_revert_target": "step_03"}
    suggested = {"step_03": Facts(suggestion=5)}
    assert show(record, facts=suggested)["step_03"].prefill == "0"
    assert show(record, facts=suggested, drafts={"step_03": "12"})["step_03"].prefill == "12"


def test_a_step_with_a_job_is_prefilled_by_its_input_and_closed_with_its_value() -> None:
    assert show({**FOUR, "_revert_target": "step_04"})["step_04"].prefill == "x"
    assert show({**FOUR, "_stale": ["step_04"]})["step_04"].prefill == "x"
    assert show(FOUR)["step_04"].summary == "3"


def test_a_field_of_the_form_goes_before_that_of_the_step() -> None:
    form = Group(count=Number(5))
    card = show(STEP_01, facts={"step_02": Facts(field=form)})["step_02"]
    assert (card.field, card.prefill) == (form, {"count": "5"})


def test_a_summary_is_the_authors_else_the_fields() -> None:
    assert show(TWO)["step_02"].summary == "a"
    assert show(TWO, facts={**SMALL, "step_02": Facts(summary="one URL")})["step_02"].summary == "one URL"


def test_a_skipped_card_says_why() -> None:
    assert show(ALL)["step_05"].reason == "no logs"


def test_what_is_answered_can_be_reverted_and_nothing_else() -> None:
    assert [card.id for card in show(ALL).values() if card.can_revert] == [
        "step_01", "step_02", "step_04", "step_05", "step_06", "step_07",
    ]  # fmt: skip
    assert [card.id for card in show({**ALL, "_stale": ["step_02"]}).values() if card.can_revert] == ["step_01"]


def test_a_locked_run_takes_nothing() -> None:
    for record in ({**ALL, **LOCK}, {**TWO, **LOCK}, {**TWO, **LOCK, "_revert_target": "step_01"}):
        for card in show(record, drafts={"step_01": "typed"}).values():
            assert card.locked and not card.is_open and not card.can_revert
        assert show(record)["finalize"].summary == "This run is locked."


def test_a_locked_run_shows_what_applied_when_it_was_locked() -> None:
    changed_since = {"step_02": Facts(applies=False), "step_03": Facts(applies=True)}
    assert states(show({**ALL, **LOCK}, facts=changed_since)) == states(show({**ALL, **LOCK}))


def test_finalize_is_offered_when_all_is_complete() -> None:
    last = cards(Survey, ALL, {}, SMALL, {})[-1]
    assert (last.id, last.state, last.problems) == ("finalize", "active", ())


PARTS = JSON | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("size", "urls", "depth", "pages", "logs", "totals", "note", "input", "job"), JSON)
)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        **{f"step_0{n}": PARTS for n in range(1, 8)},
        "_revert_target": st.sampled_from(["step_01", "step_03", "step_09"]) | JSON,
        "_stale": st.lists(st.sampled_from(["step_02", "step_03", "step_04"])) | JSON,
        "_skipped": st.dictionaries(st.sampled_from(["step_05", "step_02"]), st.text()) | JSON,
        "finalize": st.just({"finalized": True}) | JSON,
    },
)
FACTS = st.builds(
    Facts,
    applies=st.booleans(),
    suggestion=JSON,
    summary=st.none() | st.text(),
    broken=st.sampled_from(["", "", "KeyError"]),
)


@STEADY
@given(RECORDS, st.dictionaries(st.sampled_from([step.id for step in Survey.steps]), FACTS))
def test_any_record_has_cards_with_at_most_one_open(record: dict[str, Any], facts: dict[str, Facts]) -> None:
    shown = cards(Survey, record, {}, facts, {})
    opened = [card for card in shown if card.is_open]
    first = open_step(Survey, record, {id: fact.applies for id, fact in facts.items()})
    last = shown[-1]
    if last.locked:
        assert not opened
    else:
        assert [card.id for card in opened] in ([], [first.id if first else "finalize"])
        assert (last.state == "active") == (first is None)
