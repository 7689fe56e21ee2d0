"""The account of a run: what the model is told of cards, jobs and files; of secrets and contents nothing."""

from __future__ import annotations

import dataclasses

import pytest

from pipetui.chat import account
from pipetui.engine.cards import Card
from pipetui.engine.fields import Group, Number, Text
from pipetui.engine.jobs import JobView, Progress, Question
from pipetui.engine.pickers import Secret
from pipetui.engine.workflow import Step
from pipetui.service import Service
from pipetui.store.artifacts import ArtifactRow

from ..service.conftest import home, service

__all__ = ["home", "service"]  # fixtures


async def test_a_run_from_its_first_step_to_its_lock(service: Service) -> None:
    run = await service.runs.create("acme", "branches")
    assert account.of_run(run).splitlines() == [
        "Run acme-branches-01: open at step_01 'Kind'.",
        "1. step_01 (kind) 'Kind': active; takes one of: web, logs",
        "2. step_02 (days) 'Days': pending",
        "3. step_03 (notes) 'Notes': pending",
        "4. step_04 (title) 'Title': pending",
        "5. finalize (finalized) 'Finalize': pending",
    ]
    run = await service.runs.submit(run.id, "kind", "web")
    run = await service.runs.submit(run.id, "notes", [f"line {n}\u202e" for n in range(40)])
    lines = account.of_run(run).splitlines()
    assert lines[2] == "2. step_02 (days) 'Days': not applicable; This step does not apply here."
    assert lines[3].startswith('3. step_03 (notes) \'Notes\': done; value: ["line 0⟨U+202E⟩", "line 1')
    assert lines[3].endswith(", … 40 items]")
    run = await service.runs.submit(run.id, "title", "Title")
    run = await service.runs.finalize(run.id)
    assert account.of_run(run).startswith("Run acme-branches-01: locked.")


async def test_files_are_told_by_name_and_shape(service: Service) -> None:
    run = await service.runs.create("acme", "branches")
    rows = [ArtifactRow(run.id, f"links{n}.csv", None, "step_02", 2_400_000, "0", n or None, 0) for n in range(40)]
    lines = account.of_run(dataclasses.replace(run, artifacts=rows)).splitlines()
    assert lines[6:8] == ["Files (40):", "- links0.csv: 2.4 MB, of step_02"]
    assert lines[8] == "- links1.csv: 2.4 MB, 1 row, of step_02" and lines[-1] == "- … 10 more"


def card(field: object = None, **more: object) -> Card:
    return Card(Step("step_01", done="what", show="What"), 1, more.pop("state", "active"), field=field, **more)  # type: ignore[arg-type]


def test_a_job_with_its_progress_error_and_question() -> None:
    job = JobView("j", "step_01", "running", Progress(1_200, 5_000, "pages"))
    assert account.of_card(card(state="running", job=job), {}).splitlines()[1] == "   job: running 1,200 of 5,000 pages"
    failed = JobView("j", "step_01", "failed", error="It broke.\nBadly \x1b[2J")
    assert account.of_card(card(state="failed", job=failed), {}).splitlines()[1:] == [
        "   job: failed", "   error: It broke. ⏎ Badly ␛[2J",
    ]  # fmt: skip
    asking = JobView("j", "step_01", "waiting", question=Question("more", Number(3), "How many more?"))
    assert account.of_card(card(state="waiting", job=asking), {}).endswith("asks: How many more?; takes a number")


@pytest.mark.parametrize("field", [Secret(name="botify"), Group(token=Secret(name="botify"), url=Text())])
def test_a_secret_is_never_told(field: Secret | Group) -> None:
    told = account.of_card(card(field, prefill={"token": "s3cr3t"}), {})
    assert "s3cr3t" not in told and "suggested" not in told
    for value in ({"secret": "botify"}, "s3cr3t", {"token": "s3cr3t"}):
        told = account.of_card(card(field, state="done"), {"step_01": {"what": value}})
        assert told == "1. step_01 (what) 'What': done; value: kept apart, never shown"


def test_problems_are_told_where_they_are() -> None:
    told = account.of_card(card(problems=("step_04: too short",)), {})
    assert told.splitlines()[-1] == "   problem: step_04: too short"


def test_a_suggestion_and_a_large_value() -> None:
    assert account.of_card(card(Text(), prefill="Hello Ada!"), {}).endswith('suggested: "Hello Ada!"')
    large = {"step_01": {"what": {"_artifact": "values/1.json", "size": 90_000}}}
    assert account.of_card(card(state="done", summary="900 pages"), large).endswith("value: 900 pages")
    told = account.of_card(card(state="done"), {"step_01": {"what": "x" * 90_000}})
    assert len(told) < account.LONGEST_VALUE + 100 and "more)" in told
