"""The Botify export from a pasted address to statistics: real worker, the sandbox's Botify, nothing paid for twice."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import pipetui
from pipetui.botify import Client, Project, link_graph
from pipetui.engine.fields import Choice, Invalid
from pipetui.engine.pickers import MultiChoice, TablePick
from pipetui.engine.views import Chart, Stack, Table, Text
from pipetui.paths import Paths
from pipetui.sandbox import Sandbox
from pipetui.secrets import Secrets
from pipetui.service import Service
from pipetui.service.runs import Snapshot
from tests.worker.conftest import Workers, until

SOURCE = Path(pipetui.__file__).parent / "workflows/030_botify_export.py"
LINKS = 2_000
GRAPH = ["url", "outlinks_internal.graph.url"]
SHOP = {"project": "acme-org/acme-shop.example", "analysis": "20240601", "fields": GRAPH, "depth": ""}


@dataclass
class Stage:
    """A sandbox, a service that is connected to it, and workers."""

    sandbox: Sandbox
    service: Service
    workers: Workers
    home: Paths

    async def begin(self, **changes: Any) -> str:
        """A run whose preflight is begun."""
        app_name = changes.pop("app_name", "impatient")
        run = (await self.service.runs.create("shop", app_name)).id
        for step, value in (SHOP | changes).items():
            await self.service.runs.submit(run, step, value)
        return run

    async def reach(self, run: str, step: str, *states: str) -> Snapshot:
        async def there() -> bool:
            snapshot = await self.service.runs.open(run)
            card = snapshot.current
            assert card.state != "failed" or "failed" in states, card.reason
            return card.id == step and (not states or card.state in states)

        await until(there, f"{step} in vain")
        return await self.service.runs.open(run)

    async def priced(self, **changes: Any) -> tuple[str, Snapshot, Choice]:
        """A run at the step that costs, and what can be chosen there."""
        run = await self.begin(**changes)
        snapshot = await self.reach(run, "step_06", "active")
        field = snapshot.card("export").field
        assert isinstance(field, Choice)
        return run, snapshot, field

    async def export(self, run: str, choice: str) -> Snapshot:
        await self.service.runs.submit(run, "export", choice)
        return await self.reach(run, "finalize")

    def secret_is_nowhere(self) -> None:
        """The token is in its own file, and in no other one of the home."""
        token, kept = self.sandbox.token.encode(), self.home.secrets
        found = [path for path in self.home.data.parent.rglob("*") if path.is_file() and token in path.read_bytes()]
        assert found and all(path.is_relative_to(kept) for path in found), found


class Clock:
    """The sandbox's, which a test may put forward."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(seed=1, links=LINKS, clock=clock, rate=0, created=0.01, processing=0.01) as made:
        yield made


@pytest.fixture
def impatient(home: Paths) -> None:
    """A copy of the workflow that waits less before it asks a person."""
    text = SOURCE.read_text("utf-8").replace('"botify_export"', '"impatient"')
    text = text.replace("job=job,", "job=job, settle=0.3, pause=0.05,")
    (home.workflows / "710_impatient.py").write_text(text)


@pytest.fixture
async def stage(impatient: None, sandbox: Sandbox, service: Service, workers: Workers, home: Paths) -> Stage:
    home.data.mkdir(parents=True, exist_ok=True)
    (home.data / "sandbox.json").write_text(json.dumps({"api_url": sandbox.api_url, "rate": 1_000}))
    Secrets(home.secrets).put("botify", sandbox.token)
    return Stage(sandbox, service, workers, home)


def lines(snapshot: Snapshot, name: str = "export.csv") -> list[dict[str, str]]:
    with (snapshot.folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


async def test_from_a_pasted_address_to_statistics_and_the_second_time_for_nothing(stage: Stage) -> None:
    stage.workers.start()
    run, snapshot, choice = await stage.priced(
        app_name="botify_export", project="https://app.botify.com/acme-org/acme-shop.example/20240601"
    )
    facts = snapshot.row.record["step_05"]["preflight"]
    assert (facts["rows"], facts["exact"], facts["credits"], facts["month"]) == (LINKS, True, LINKS / 10, 0)
    assert facts["problems"] == facts["on_disk"] == facts["running"] == facts["bands"] == facts["parts"] == []
    assert choice.pairs == [("new", "Export 2,000 rows for 200 credits")] and choice.default is None

    view = await stage.service.runs.view(snapshot, "preflight")
    assert isinstance(view, Stack)
    calls = {each.title: each.text for each in view.views if isinstance(each, Text)}
    assert [title.partition(" (")[0] for title in calls] == [
        "the count as curl", "the export as curl", "the count as Python", "the export as Python",
        "all that was asked so far, as curl", "all that was asked so far, as Python",
    ]  # fmt: skip
    every = calls["all that was asked so far, as curl"]
    for what in ("/authentication/profile", "/analyses/acme-org/acme-shop.example/light", "query?size=1&count"):
        assert what in every
    assert len(set(every.split("\n\n"))) == every.count("curl -X")
    assert all(stage.sandbox.token not in text and "BOTIFY_TOKEN" in text for text in calls.values())
    assert "curl -X POST" in calls["the export as curl (costs credits)"]
    assert "urllib.request" in calls["the count as Python (free)"]
    assert stage.sandbox.state()["job_posts"] == 0, "what is free comes first"

    done = await stage.export(run, "new")
    state = stage.sandbox.state()
    [ours] = [job for job in state["jobs"] if job["ours"]]
    exported = done.row.record["step_06"]["export"]
    assert exported | {"notes": []} == {
        "rows": LINKS,
        "columns": GRAPH,
        "credits": LINKS / 10,
        "how": "paid",
        "cut": False,
        "notes": [],
        "sha256": [ours["sha256"]],
    }
    assert state["job_posts"] == 1 and state["credits"] == LINKS / 10 and state["tokens_at_files"] == 0
    assert hashlib.sha256((done.folder / "export.csv").read_bytes()).hexdigest() == ours["sha256"]
    assert len(lines(done)) == LINKS
    assert json.loads((done.folder / "manifest.json").read_text())["rows"] == LINKS
    assert {file.name: file.rows for file in done.artifacts} == {
        "export.csv": LINKS,
        "manifest.json": None,
        "statistics.csv": 2,
    }
    source, target = lines(done, "statistics.csv")
    assert source["column"] == "url" and int(target["filled"].replace(",", "")) + int(target["empty"]) == LINKS
    assert source["most frequent"].startswith("https://www.acme-shop.example/")
    view = await stage.service.runs.view(done, "statistics")
    assert isinstance(view, Stack)
    assert [each.title for each in view.views if isinstance(each, Table)] == ["What is in each column", "The rows"]

    # The same once more: it is on the disk, and that is what is offered first.
    again, snapshot, choice = await stage.priced()
    assert [value for value, _ in choice.pairs] == ["disk", "anew"] and choice.default == "disk"
    assert snapshot.row.record["step_05"]["preflight"]["month"] == LINKS / 10
    reused = await stage.export(again, "disk")
    assert reused.row.record["step_06"]["export"] | {"how": "", "credits": 0} == exported | {"how": "", "credits": 0}
    assert reused.row.record["step_06"]["export"]["how"] == "disk"
    assert reused.row.record["step_06"]["export"]["credits"] == 0
    assert (reused.folder / "export.csv").samefile(done.folder / "export.csv"), "no second copy"
    assert stage.sandbox.state()["job_posts"] == 1 and stage.sandbox.state()["credits"] == LINKS / 10
    stage.secret_is_nowhere()


async def test_over_the_cap_it_is_split_by_depth_and_joined_without_doubles(stage: Stage) -> None:
    stage.sandbox.set(export_cap=950)  # the analysis says so, and Botify refuses more
    stage.workers.start()
    run, snapshot, choice = await stage.priced()
    facts = snapshot.row.record["step_05"]["preflight"]
    assert facts["rows"] == LINKS == facts["bands"][-1]["cumulative"] == sum(part["rows"] for part in facts["parts"])
    assert all(0 < part["rows"] <= 950 for part in facts["parts"]) and len(facts["parts"]) >= 3
    number = len(facts["parts"])
    label = f"Export in {number} parts: 2,000 rows for 200 credits, joined into one file"
    assert choice.pairs == [("parts", label)] and choice.default is None

    view = await stage.service.runs.view(snapshot, "preflight")
    assert isinstance(view, Stack)
    [chart] = [each for each in view.views if isinstance(each, Chart)]
    largest = max(band["depth"] for band in facts["bands"] if band["cumulative"] <= 950 and band["depth"] is not None)
    assert chart.mark == f"up to {largest}" and chart.bars[-1][1] == LINKS
    assert f"up to depth {largest}" in choice.hint

    done = await stage.export(run, "parts")
    state = stage.sandbox.state()
    assert state["job_posts"] == state["jobs_created"] == number and state["credits"] == LINKS / 10
    rows = [(row["url"], row["outlinks_internal.graph.url"]) for row in lines(done)]
    assert len(rows) == len(set(rows)) == LINKS
    exported = done.row.record["step_06"]["export"]
    assert exported["credits"] == LINKS / 10 and len(exported["sha256"]) == number and not exported["cut"]
    assert len(json.loads((done.folder / "manifest.json").read_text())["parts"]) == number


async def test_what_no_split_makes_small_enough_cannot_be_chosen(stage: Stage) -> None:
    stage.sandbox.set(export_cap=500)
    stage.workers.start()
    run, snapshot, choice = await stage.priced()
    [problem] = snapshot.row.record["step_05"]["preflight"]["problems"]
    assert choice.pairs == [] and problem in choice.hint and "by itself" in problem
    with pytest.raises(Invalid):
        await stage.service.runs.submit(run, "export", "parts")


async def test_an_export_that_runs_at_botify_is_followed_for_nothing(stage: Stage, clock: Clock) -> None:
    stage.sandbox.set(processing=600)
    async with Client(stage.sandbox.token, base_url=stage.sandbox.api_url) as client:
        query = link_graph(Project("acme-org", "acme-shop.example"), "20240601")
        remote = await client.create_job(query, LINKS, "by-hand")
    stage.workers.start()
    run, _, choice = await stage.priced()
    assert [value for value, _ in choice.pairs] == [f"follow:{remote.id}", "anew"]
    assert choice.default == f"follow:{remote.id}", "the free one"
    clock.ahead += 600
    done = await stage.export(run, f"follow:{remote.id}")
    assert done.row.record["step_06"]["export"]["how"] == "followed"
    assert done.row.record["step_06"]["export"]["credits"] == 0 and len(lines(done)) == LINKS
    assert stage.sandbox.state()["job_posts"] == 1


async def test_a_paid_export_whose_file_never_came_is_offered_after_a_revert(stage: Stage) -> None:
    stage.sandbox.fault("expired", times=99)
    stage.workers.start()
    run, _, _ = await stage.priced()
    await stage.service.runs.submit(run, "export", "new")
    failed = await stage.reach(run, "step_06", "failed")
    assert "not valid" in failed.current.reason
    stage.sandbox.heal()
    await stage.service.runs.revert(run, "preflight")
    await stage.service.runs.submit(run, "preflight")
    snapshot = await stage.reach(run, "step_06", "active")
    choice = snapshot.current.field
    assert isinstance(choice, Choice)
    [job] = stage.sandbox.state()["jobs"]
    assert [value for value, _ in choice.pairs] == [f"follow:{job['id']}", "anew"]
    assert choice.default == f"follow:{job['id']}" and "by ada.lovelace" in choice.pairs[0][1]
    done = await stage.export(run, choice.default)
    assert done.row.record["step_06"]["export"]["credits"] == 0 and len(lines(done)) == LINKS
    assert stage.sandbox.state()["job_posts"] == 1 and stage.sandbox.state()["credits"] == LINKS / 10


async def test_without_the_url_it_is_said_that_equal_rows_become_one(stage: Stage) -> None:
    stage.workers.start()
    _, snapshot, _ = await stage.priced(fields=["http_code"])
    notes = snapshot.row.record["step_05"]["preflight"]["notes"]
    assert any(note.startswith("Full URL is not among the fields: ") for note in notes)
    view = await stage.service.runs.view(snapshot, "preflight")
    assert isinstance(view, Stack) and isinstance(view.views[0], Table)
    assert set(notes) <= {value for _, value in view.views[0].rows}


async def test_fields_and_depth_are_what_is_exported(stage: Stage) -> None:
    stage.workers.start()
    run = (await stage.service.runs.create("shop", "impatient")).id
    projects = (await stage.service.runs.open(run)).card("project").field
    assert isinstance(projects, TablePick) and "acme-org/acme-shop.example" in projects.keys
    await stage.service.runs.submit(run, "project", "acme-org/acme-shop.example")
    analyses = (await stage.service.runs.open(run)).card("analysis").field
    assert isinstance(analyses, TablePick) and analyses.keys == sorted(analyses.keys, reverse=True)
    await stage.service.runs.submit(run, "analysis", "20240601")
    fields = (await stage.service.runs.open(run)).card("fields").field
    assert isinstance(fields, MultiChoice) and fields.pairs[0][0] == "url" and fields.default == ["url"]
    assert "count_urls_crawl" not in dict(fields.pairs), "a metric"
    await stage.service.runs.submit(run, "fields", "depth, url, http_code")
    await stage.service.runs.submit(run, "depth", "1")
    snapshot = await stage.reach(run, "step_06", "active")
    done = await stage.export(run, "new")
    rows = lines(done)
    assert len(rows) == snapshot.row.record["step_05"]["preflight"]["credits"] == 7, "a credit a row"
    assert {row["depth"] for row in rows} == {"0", "1"} and list(rows[0]) == ["url", "depth", "http_code"]
    depth = next(row for row in lines(done, "statistics.csv") if row["column"] == "depth")
    assert [depth[name] for name in ("distinct", "min", "max", "most frequent", "times")] == ["2", "0", "1", "1", "6"]


async def test_what_cannot_be_exported_is_refused_in_a_sentence(stage: Stage) -> None:
    runs = stage.service.runs
    run = (await runs.create("shop", "impatient")).id
    for given, why in {
        "https://example.com/a/b": "no address of a Botify project",
        "acme-org/nothing.example": "no such project",
        "other-org/secret.example": "may not see",
        "globex-org/globex-docs.example": "no finished analysis",
    }.items():
        with pytest.raises(Invalid, match=why):
            await runs.submit(run, "project", given)
    await runs.submit(run, "project", SHOP["project"])
    for analysis, why in {"20230601": "no such analysis", "20240602": "not finished"}.items():
        with pytest.raises(Invalid, match=why):
            await runs.submit(run, "analysis", analysis)
    await runs.submit(run, "analysis", "20240401")  # a crawl without a link graph
    with pytest.raises(Invalid, match="no outlinks"):
        await runs.submit(run, "fields", "outlinks_internal.graph.url")
    assert stage.sandbox.state()["job_posts"] == 0


async def test_without_a_good_token_the_card_says_where_to_get_one(stage: Stage) -> None:
    runs = stage.service.runs
    for kept, why in {"f" * 40: "does not know this token", "": "run “Connect to Botify”"}.items():
        stage.service.secrets.put("botify", kept) if kept else stage.service.secrets.remove("botify")
        run = (await runs.create("shop", "impatient")).id
        field = (await runs.open(run)).card("project").field
        assert isinstance(field, TablePick) and field.free and why in field.hint
        with pytest.raises(Invalid, match="token"):
            await runs.submit(run, "project", SHOP["project"])


async def test_an_analysis_purged_meanwhile_fails_the_preflight_and_costs_nothing(stage: Stage) -> None:
    run = await stage.begin()
    stage.sandbox.fault("refuse", route="analysis", code="1004", times=0)
    stage.workers.start()
    snapshot = await stage.reach(run, "step_05", "failed")
    assert "no such analysis" in snapshot.current.reason and "Try again" not in snapshot.current.reason
    assert stage.sandbox.state()["job_posts"] == 0


@pytest.mark.parametrize("fault", ["once.intended:1", "once.worked:3", "once.finished:3", "artifact.renamed:1"])
async def test_a_yes_is_one_export_wherever_the_job_is_killed(stage: Stage, fault: str) -> None:
    worker = stage.workers.start()
    run, _, _ = await stage.priced()
    worker.kill()
    worker.wait()
    stage.workers.start(fault=fault)
    await stage.service.runs.submit(run, "export", "new")
    name, _, _ = fault.partition(":")
    await until((stage.home.data.parent / f"fault-{name}").exists, "it was killed")
    if fault == "once.intended:1":  # it never left, which only a person can know
        waiting = await stage.reach(run, "step_06", "waiting")
        assert stage.sandbox.state()["job_posts"] == 0
        job = waiting.current.job
        assert job is not None and job.question is not None and "not known" in job.question.why
        await stage.service.jobs.answer(job.id, job.question.name, {"what": "create"})
    done = await stage.reach(run, "finalize")
    state = stage.sandbox.state()
    assert state["job_posts"] == state["jobs_created"] == 1 and state["credits"] == LINKS / 10
    assert done.row.record["step_06"]["export"]["credits"] == LINKS / 10
    assert done.row.record["step_06"]["export"]["how"] == "paid"
    [ours] = [job for job in state["jobs"] if job["ours"]]
    assert hashlib.sha256((done.folder / "export.csv").read_bytes()).hexdigest() == ours["sha256"]
    assert not [path for path in stage.home.data.parent.rglob("*.part*") if path.is_file()]
    stage.secret_is_nowhere()
