"""Runs through the service: every move on disk, in the record and in the history."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pipetui.engine.collections import PROFILES
from pipetui.engine.fields import Invalid
from pipetui.engine.record import encode, fold
from pipetui.engine.transitions import Locked, Moved, Refusal
from pipetui.engine.views import Markdown, Text
from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.facts import Broken
from pipetui.service.large import LARGEST
from pipetui.service.runs import Snapshot


def states(snapshot: Snapshot) -> dict[str, str]:
    return {card.id: card.state for card in snapshot.cards}


async def assert_folds(service: Service, run: str) -> None:
    row = await service.runs.row(run)
    history = await service.runs.history(run)
    assert encode(fold(event.change.forward for event in history)) == encode(row.record)
    assert [event.seq for event in history] == list(range(1, row.version + 1))


async def titled(service: Service, title: str = "shop") -> Snapshot:
    run = (await service.runs.create("Ada", "branches")).id
    await service.runs.submit(run, "kind", "web")
    await service.runs.skip(run, "notes", "none here")
    return await service.runs.submit(run, "title", title)


async def test_a_run_from_the_first_step_to_the_locked_end(service: Service) -> None:
    snapshot = await service.runs.create("Ada - Ltd", "hello")
    assert snapshot.key == "Ada - Ltd-hello-01"
    snapshot = await service.runs.submit(snapshot.id, "name", " Ada ")
    assert snapshot.card("greeting").prefill == "Hello Ada!"
    snapshot = await service.runs.submit(snapshot.id, "step_02", "Hello Ada!")
    assert snapshot.current.id == "finalize"
    snapshot = await service.runs.finalize(snapshot.id)
    assert snapshot.locked and snapshot.row.next_step == "locked"
    with pytest.raises(Locked):
        await service.runs.revert(snapshot.id, "step_01")
    await assert_folds(service, snapshot.id)
    snapshot = await service.runs.unfinalize(snapshot.id)
    assert states(snapshot) == {"step_01": "done", "step_02": "done", "finalize": "active"}


async def test_a_label_that_two_steps_bear_names_none(service: Service) -> None:
    snapshot = await service.runs.create("Ada", "branches")
    first, second, *others = snapshot.cards
    twins = [first, replace(second, step=replace(second.step, show=first.step.show)), *others]
    twice = replace(snapshot, cards=twins)
    with pytest.raises(Refusal, match=r"Several steps here are called KIND: 1 Kind \(step_01\), 2 Kind \(step_02\)\."):
        twice.card("KIND")
    assert twice.card("2").id == "step_02"


async def test_when_decides_by_the_values_above(service: Service) -> None:
    run = (await service.runs.create("Ada", "branches")).id
    web = await service.runs.submit(run, "kind", "web")
    assert states(web)["step_02"] == "not_applicable" and web.current.id == "step_03"
    await service.runs.undo(run)
    logs = await service.runs.submit(run, "kind", "logs")
    assert logs.current.id == "step_02" and logs.current.prefill == "7"


async def test_a_value_whose_step_stops_applying_comes_back_with_it(service: Service) -> None:
    run = (await service.runs.create("Ada", "branches")).id
    await service.runs.submit(run, "kind", "logs")
    await service.runs.submit(run, "days", "30")
    await service.runs.revert(run, "kind")
    web = await service.runs.submit(run, "kind", "web")
    assert states(web)["step_02"] == "not_applicable"
    assert web.row.record["step_02"] == {"days": 30}
    await service.runs.revert(run, "kind")
    logs = await service.runs.submit(run, "kind", "logs")
    assert logs.current.state == "stale" and logs.current.prefill == "30"
    confirmed = await service.runs.confirm(run, "days")
    assert states(confirmed)["step_02"] == "done"
    await assert_folds(service, run)


async def test_what_a_workflow_refuses_keeps_what_was_typed(service: Service) -> None:
    run = (await service.runs.create("Ada", "branches")).id
    await service.runs.submit(run, "kind", "web")
    await service.runs.submit(run, "notes", "a\nb\n\na")
    before = await service.runs.row(run)
    with pytest.raises(Invalid, match="Not this one"):
        await service.runs.submit(run, "title", "bad")
    with pytest.raises(Broken, match=r"100_branches.py, line \d+: KeyError"):
        await service.runs.submit(run, "title", "crash")
    after = await service.runs.open(run)
    assert after.row == before and after.current.prefill == "crash"


async def test_the_workflow_keeps_things_beside_the_record(service: Service) -> None:
    snapshot = await titled(service)
    assert snapshot.row.record["step_04"] == {"title": "SHOP"}
    opened = await service.runs.open(snapshot.id)
    assert dict(opened.handle.temp) == {"step_04": {"seen": "shop"}}
    assert await service.runs.view(opened, "title") == Markdown("# SHOP after shop")
    await service.runs.revert(snapshot.id, "kind")
    assert dict((await service.runs.open(snapshot.id)).handle.temp) == {}, "temp goes with its step"


async def test_finalize_lists_the_problems_and_clears_temp(service: Service) -> None:
    run = (await titled(service, "x")).id
    with pytest.raises(Refusal, match="step_04: too short"):
        await service.runs.finalize(run)
    await service.runs.revert(run, "title")
    await service.runs.submit(run, "title", "long")
    await service.runs.finalize(run)
    assert dict((await service.runs.open(run)).handle.temp) == {}


async def test_undo_gives_back_the_bytes_and_stops_at_finalize(service: Service) -> None:
    snapshot = await titled(service)
    before = encode(snapshot.row.record)
    await service.runs.revert(snapshot.id, "kind")
    back = await service.runs.undo(snapshot.id)
    assert encode(back.row.record) == before
    await service.runs.finalize(snapshot.id)
    with pytest.raises(Locked):
        await service.runs.undo(snapshot.id)
    await service.runs.unfinalize(snapshot.id)
    with pytest.raises(Refusal, match="past finalize"):
        await service.runs.undo(snapshot.id)


async def test_one_of_two_terminals_wins_and_the_other_is_told(home: Paths, service: Service) -> None:
    run = (await service.runs.create("Ada", "hello")).id
    async with Service.open(home, starter=None) as other:
        mine, theirs = await service.runs.open(run), await other.runs.open(run)
        results = await asyncio.gather(
            service.runs.submit(run, "name", "mine", version=mine.version),
            other.runs.submit(run, "name", "theirs", version=theirs.version),
            return_exceptions=True,
        )
    assert sum(isinstance(result, Moved) for result in results) == 1
    assert (await service.runs.row(run)).version == 2
    await assert_folds(service, run)


async def test_a_large_value_is_a_file_and_reads_as_itself(service: Service) -> None:
    run = (await service.runs.create("Ada", "branches")).id
    await service.runs.submit(run, "kind", "web")
    lines = [f"https://example.com/{number}" for number in range(LARGEST // 20)]
    snapshot = await service.runs.submit(run, "notes", "\n".join(lines))
    assert len(encode(snapshot.row.record)) < 2000
    assert snapshot.handle.value("notes", list[str]) == lines
    assert snapshot.card("notes").summary == f"{len(lines)} notes"
    reverted = await service.runs.revert(run, "notes")
    assert reverted.current.prefill == "\n".join(lines)
    assert reverted.current.summary == f"{len(lines)} notes", "while it is edited as when it is closed"


async def test_a_large_value_whose_file_is_gone_is_said(service: Service) -> None:
    run = (await service.runs.create("Ada", "branches")).id
    await service.runs.submit(run, "kind", "web")
    snapshot = await service.runs.submit(run, "notes", "x" * (LARGEST + 1))
    for file in (snapshot.folder / "values").iterdir():
        file.unlink()
    from pipetui.service import large

    large._read.cache_clear()
    with pytest.raises(Refusal, match="can't be read"):
        await service.runs.open(run)


async def test_keys_are_proposed_padded_and_unique(service: Service) -> None:
    assert await service.runs.next_part("Ada", "hello") == "01"
    await service.runs.create("Ada", "hello", "3")
    assert await service.runs.next_part("Ada", "hello") == "04"
    with pytest.raises(Refusal, match="Ada-hello-03 already"):
        await service.runs.create("Ada", "hello", "03")
    for wrong in ("", "  ", "x" * 61, "a\x1b[31m"):
        with pytest.raises(Refusal):
            await service.runs.create("Ada", "hello", wrong)
    assert (await service.runs.find("Ada", "hello", "3")) is not None
    assert (await service.runs.find("Ada", "hello", "Ada-hello-3")) is not None


async def test_renaming_a_profile_or_a_run_orphans_nothing(service: Service) -> None:
    snapshot = await service.runs.create("Ada", "hello", "shop-one")
    ada = await service.collections.find(PROFILES, "Ada")
    await service.collections.update(PROFILES, ada.id, {"name": "Ada & Co - north"})
    row = await service.runs.rename(snapshot.id, "shop two")
    found = await service.runs.keyed("Ada & Co - north-hello-shop two")
    assert found.id == row.id == snapshot.id and found.folder == snapshot.row.folder


async def test_the_bin_gives_back_and_is_emptied(service: Service) -> None:
    first = await service.runs.create("Ada", "hello")
    first.folder.mkdir(parents=True)
    (first.folder / "pages.csv").write_text("x")
    await service.runs.shelve(first.id, "binned")
    second = await service.runs.create("Ada", "hello", "01")
    with pytest.raises(Refusal, match="another run"):
        await service.runs.shelve(first.id, "active")
    await service.runs.rename(second.id, "02")
    await service.runs.shelve(first.id, "active")
    assert {line.part for line in await service.runs.lines(profile="Ada")} == {"01", "02"}
    await service.runs.shelve(first.id, "binned")
    assert await service.runs.empty_bin() == 1
    assert not first.folder.exists()
    with pytest.raises(Refusal, match="gone"):
        await service.runs.open(first.id)


async def test_a_job_step_keeps_its_input_and_takes_its_result(service: Service) -> None:
    run = (await service.runs.create("Ada", "work")).id
    await service.runs.submit(run, "name", "Ada")
    started = await service.runs.submit(run, "pages", "5")
    job = started.current.job
    assert started.current.state == "running" and job is not None and job.state == "queued"
    assert started.row.record["step_02"] == {"input": 5, "job": job.id}
    with pytest.raises(Refusal, match="not over"):
        await service.runs.submit(run, "pages", "6")
    await service.runs.complete(job.id, ["a"])
    after = await service.runs.open(run)
    assert states(after)["step_02"] == "done"
    assert after.current.id == "step_03" and after.current.state == "running", "an auto job starts by itself"
    with pytest.raises(Refusal, match="revert instead"):
        await service.runs.undo(run)
    await assert_folds(service, run)


async def test_the_result_of_a_superseded_job_is_history_until_undo_wants_it_again(service: Service) -> None:
    run = (await service.runs.create("Ada", "work")).id
    await service.runs.submit(run, "name", "Ada")
    job = (await service.runs.submit(run, "pages", "5")).current.job
    assert job is not None
    await service.runs.revert(run, "name")
    assert (await service.jobs.row(job.id)).superseded is not None
    await service.runs.complete(job.id, ["late"])
    assert "step_02" not in (await service.runs.row(run)).record
    back = await service.runs.undo(run)
    assert back.row.record["step_02"]["pages"] == ["late"]
    assert (await service.jobs.row(job.id)).superseded is None
    await assert_folds(service, run)


async def test_undo_takes_back_a_submit_with_the_job_that_it_queued(service: Service) -> None:
    run = (await service.runs.create("Ada", "work")).id
    await service.runs.submit(run, "name", "Ada")
    job = (await service.runs.submit(run, "pages", "5")).current.job
    assert job is not None
    back = await service.runs.undo(run)
    assert back.current.id == "step_02" and back.current.state == "active"
    assert (await service.jobs.row(job.id)).superseded is not None


async def test_a_workflow_that_is_gone_is_said(home: Paths, service: Service) -> None:
    run = (await service.runs.create("Ada", "work")).id
    (home.workflows / "110_work.py").unlink()
    service.registry.refresh()
    with pytest.raises(Refusal, match="no workflow work"):
        await service.runs.open(run)


async def test_the_list_tells_where_each_run_stands(service: Service) -> None:
    snapshot = await titled(service)
    await service.runs.finalize(snapshot.id)
    run = (await service.runs.create("Ada", "work")).id
    await service.runs.submit(run, "name", "Ada")
    await service.runs.submit(run, "pages", "5")
    lines = await service.runs.lines(profile="Ada")
    assert [(line.app_name, line.next_step, line.job) for line in lines] == [
        ("work", "step_02", "queued"),
        ("branches", "locked", ""),
    ]
    assert [line.app_name for line in await service.runs.lines(text="ADA-BRA")] == ["branches"]


CHANGES = """
from pipetui import Run, Step, Workflow
from pipetui.fields import Text, TextArea
from pipetui.views import Text as Said


def sort(lines):
    lines.sort()
    return lines[0][:10]


class Changes(Workflow):
    APP_NAME = "changes"
    steps = [
        Step("step_01", done="lines", show="Lines", field=TextArea(), summary=sort),
        Step("step_02", done="first", show="First", field=Text(), transform=sort),
    ]

    def step_01_view(self, run: Run) -> Said:
        return Said(", ".join(run.value("lines", list[str])[:2]))

    def step_02_submit(self, run: Run, value: str) -> str:
        run.value("lines", list[str]).append("evil")
        run.record["step_01"]["lines"].clear()
        return value
"""


@pytest.mark.parametrize("most", [3, LARGEST])
async def test_a_value_that_the_workflows_code_changes_stays_what_it_was(
    home: Paths, service: Service, most: int
) -> None:
    """Above all in the record: what changed there without an event would be in no history."""
    (home.workflows / "120_changes.py").write_text(CHANGES)
    service.registry.refresh()
    lines = ["c", "b", "a", *(str(number) for number in range(most - 3))]
    run = (await service.runs.create("Ada", "changes")).id
    await service.runs.submit(run, "lines", lines)
    snapshot = await service.runs.submit(run, "first", "me")
    assert snapshot.handle.value("lines", list[str]) == lines
    assert await service.runs.view(snapshot, "lines") == Text("c, b")
    assert (await service.runs.row(run)).record["step_01"] == snapshot.row.record["step_01"]
    await assert_folds(service, run)


REFUSES = """
from pipetui import Invalid, Run, Step, Workflow
from pipetui.fields import Field, Text


class Refuses(Workflow):
    APP_NAME = "refuses"
    steps = [Step("step_01", done="name", show="Name", field=Text()), Step("step_02", done="more", show="More")]

    def step_02_form(self, run: Run) -> Field:
        raise Invalid("There is nothing to choose from.")
"""


async def test_a_form_that_refuses_costs_its_card_alone(home: Paths, service: Service) -> None:
    (home.workflows / "120_refuses.py").write_text(REFUSES)
    service.registry.refresh()
    run = (await service.runs.create("Ada", "refuses")).id
    snapshot = await service.runs.submit(run, "name", "Ada")
    card = snapshot.card("more")
    assert (card.state, card.reason) == ("broken", "There is nothing to choose from.")


NESTS = """
from pipetui import Run, Step, Workflow
from pipetui.fields import Text


class Nests(Workflow):
    APP_NAME = "nests"
    steps = [Step("step_01", done="name", show="Name", field=Text())]

    def step_01_submit(self, run: Run, value: str) -> object:
        nested = []
        for _ in range(100_000):
            nested = [nested]
        return nested
"""


async def test_a_value_that_is_nested_without_end_is_told(home: Paths, service: Service) -> None:
    (home.workflows / "120_nests.py").write_text(NESTS)
    service.registry.refresh()
    run = (await service.runs.create("Ada", "nests")).id
    with pytest.raises(Broken, match="is not JSON"):
        await service.runs.submit(run, "name", "Ada")
