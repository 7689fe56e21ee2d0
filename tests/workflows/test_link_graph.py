"""The link graph from the project to its report, in a real worker, against the sandbox."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pipetui.botify import Client, Project, link_graph
from pipetui.engine.fields import Choice, Invalid
from pipetui.engine.pickers import DateRange, MultiChoice, TablePick
from pipetui.engine.views import Chart, Files, Heat, Stack, Table, View
from pipetui.paths import Paths
from pipetui.sandbox import Sandbox
from pipetui.secrets import Secrets
from pipetui.service import Service
from pipetui.service.runs import Snapshot
from tests.worker.conftest import Workers, until

SHOP = "acme-org/acme-shop.example"
CRAWL = "20240601"
LINKS = 2_000
QUICK: dict[str, Any] = {"rate": 0, "created": 0.0, "processing": 0.0}


@asynccontextmanager
async def connected(
    home: Paths, links: int = LINKS, clock: Callable[[], float] = time.monotonic
) -> AsyncIterator[Sandbox]:
    """A sandbox that this home's runs talk to, with the token of ada.lovelace."""
    async with Sandbox(seed=1, links=links, clock=clock, **QUICK) as sandbox:
        (home.data / "sandbox.json").write_text(json.dumps({"api_url": sandbox.api_url, "rate": 1_000}))
        Secrets(home.secrets).put("botify", sandbox.token)
        yield sandbox


async def begin(service: Service, project: str = SHOP, analysis: str = CRAWL) -> str:
    run = (await service.runs.create("shop", "link_graph")).id
    await service.runs.submit(run, "project", project)
    await service.runs.submit(run, "analysis", analysis)
    return run


async def choose(service: Service, run: str, *join: str, window: Any = None, depth: Any = None) -> None:
    await service.runs.submit(run, "join", list(join))
    if window is not None:
        await service.runs.submit(run, "window", window)
    await service.runs.submit(run, "depth", depth)


async def reach(service: Service, run: str, step: str, state: str = "active") -> Snapshot:
    async def is_there() -> bool:
        card = (await service.runs.open(run)).current
        assert state == "failed" or card.state != "failed", card.reason
        return (card.id, card.state) == (step, state)

    await until(is_there, f"{step} is not {state}")
    return await service.runs.open(run)


async def exported(service: Service, run: str) -> Snapshot:
    """As soon as the exports are there: the graph is others' subject, and takes longer than all before it."""

    async def is_there() -> bool:
        snapshot = await service.runs.open(run)
        assert snapshot.current.state != "failed", snapshot.current.reason
        return "export" in snapshot.row.record.get("step_07", {})

    await until(is_there, "nothing was exported")
    return await service.runs.open(run)


def options(snapshot: Snapshot) -> dict[str, str]:
    field = snapshot.current.field
    assert isinstance(field, Choice)
    return dict(field.pairs)


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def parts(view: View | None) -> list[View]:
    assert isinstance(view, Stack)
    return list(view.views)


async def test_without_a_join_only_the_links_are_exported_and_never_twice(
    service: Service, workers: Workers, home: Paths
) -> None:
    async with connected(home) as sandbox:
        workers.start()
        run = await begin(service)
        await choose(service, run)
        before = await reach(service, run, "step_07")
        assert sandbox.state()["job_posts"] == 0, "nothing is paid before the yes"
        assert list(options(before)) == ["export"] and "2,000 rows" in options(before)["export"]
        assert "200 credits" in options(before)["export"] and before.current.prefill in ("", None)
        await service.runs.submit(run, "export", "export")
        done = await reach(service, run, "finalize")
        state = sandbox.state()
        assert (state["job_posts"], state["credits"], state["tokens_at_files"]) == (1, 200.0, 0)
        record = done.row.record
        assert record["step_07"]["export"]["edges"] | {"notes": []} == {
            "rows": 2_000, "credits": 200.0, "how": "paid", "notes": [],
        }  # fmt: skip
        assert record["step_07"]["export"]["nodes"] is None
        assert record["step_08"]["graph"]["links"] <= 2_000 and record["step_08"]["graph"]["are_folders"]
        assert {file.name for file in done.artifacts} == {
            "export/edges.csv", "report.md", "nodes.csv", "nodes.parquet", "edges.parquet", "graph.graphml",
            "graph.gexf", "cosmograph_points.csv", "cosmograph_links.csv",
        }  # fmt: skip
        assert len(lines(done.folder / "nodes.csv")) == record["step_08"]["graph"]["pages"]
        assert [file.name for file in done.folder.iterdir() if file.name.startswith(".")] == []
        shown = {type(view): view for view in parts(await service.runs.view(done, "graph"))}
        assert {Chart, Heat, Table, Files} <= set(shown)
        pages = shown[Table]
        assert isinstance(pages, Table) and "first folder" in pages.columns and "segment" not in pages.columns

        again = await begin(service)
        await choose(service, again)
        offered = await reach(service, again, "step_07")
        assert list(options(offered)) == ["reuse", "again"] and offered.current.prefill == "reuse"
        await service.runs.submit(again, "export", "reuse")
        reused = await reach(service, again, "finalize")
        assert sandbox.state()["job_posts"] == 1, "what is on disk costs nothing"
        assert reused.row.record["step_07"]["export"]["edges"]["how"] == "reused"
        assert reused.row.record["step_08"]["graph"] == record["step_08"]["graph"]

        third = (await service.runs.create("shop", "link_graph")).id
        await service.runs.submit(third, "project", f"https://app.botify.com/{SHOP}/20240501")
        picked = (await service.runs.open(third)).current
        assert isinstance(picked.field, TablePick) and picked.prefill == "20240501", "the analysis of the address"
        there = {row[0]: row[3] for row in picked.field.rows}
        assert "2,000 rows" in there[CRAWL] and not there["20240501"]
        await _has_no_token(sandbox.token, home)


async def test_pages_are_joined_from_three_collections(service: Service, workers: Workers, home: Paths) -> None:
    async with connected(home) as sandbox:
        workers.start()
        run = await begin(service)
        chosen = ["page_type", "status", "compliant", "clicks", "google_crawls"]
        await service.runs.submit(run, "join", chosen)
        window = (await service.runs.open(run)).current
        assert window.id == "step_04" and isinstance(window.field, DateRange)
        assert window.prefill == "2024-05-03..2024-06-01", "the last 30 days that the collections have"
        await service.runs.submit(run, "window", window.prefill)
        await service.runs.submit(run, "depth", "2")
        before = await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")
        done = await reach(service, run, "finalize")
        state = sandbox.state()
        edges, nodes = (done.row.record["step_07"]["export"][name] for name in ("edges", "nodes"))
        assert state["job_posts"] == 2 and state["credits"] == edges["rows"] / 10 + nodes["rows"]
        assert f"{state['credits']:,.1f}".removesuffix(".0") + " credits" in options(before)["export"]
        graph, pages = done.row.record["step_08"]["graph"], lines(done.folder / "nodes.csv")
        assert len(pages) == nodes["rows"] == graph["pages"], "every page of the graph, and no other, is joined"
        assert not graph["are_folders"] and graph["has_status"] and "product" in graph["types"]
        assert max(depth for depth, _ in graph["depths"]) == 3
        clicks = next(name for name in pages[0] if name.endswith("count_clicks"))
        assert sum(float(page[clicks] or 0) for page in pages) > 0


async def test_what_a_project_lacks_is_not_offered(service: Service, home: Paths) -> None:
    async with connected(home) as sandbox:
        run = await begin(service, "ada.lovelace/blog.example", "20240515")
        card = (await service.runs.open(run)).current
        assert isinstance(card.field, MultiChoice)
        assert [name for name, _ in card.field.pairs] == ["page_type", "status", "compliant", "inlinks"]
        assert "not in this project: Search Console, Logs" in card.field.hint
        await service.runs.submit(run, "join", [])
        assert (await service.runs.open(run)).current.id == "step_05", "no days without Search Console or logs"
        assert sandbox.state()["job_posts"] == 0


async def test_refusals_are_said_in_words(service: Service, home: Paths) -> None:
    async with connected(home):
        run = (await service.runs.create("shop", "link_graph")).id
        card = (await service.runs.open(run)).current
        assert isinstance(card.field, TablePick) and SHOP in card.field.keys
        for given, said in (
            ("nonsense", "organisation/project"),
            ("acme-org/nothing", "no such project"),
            ("other-org/secret.example", "may not see"),
            ("globex-org/globex-docs.example", "no finished analysis"),
        ):
            with pytest.raises(Invalid, match=said):
                await service.runs.submit(run, "project", given)
        await service.runs.submit(run, "project", SHOP)
        with pytest.raises(Invalid, match="without a link graph"):
            await service.runs.submit(run, "analysis", "20240401")
        with pytest.raises(Invalid, match="may have been deleted"):
            await service.runs.submit(run, "analysis", "20230601")


async def test_without_a_token_the_way_is_shown(service: Service) -> None:
    run = (await service.runs.create("shop", "link_graph")).id
    card = (await service.runs.open(run)).current
    assert card.field is not None and "Connect to Botify" in card.field.hint
    with pytest.raises(Invalid, match="Connect to Botify"):
        await service.runs.submit(run, "project", SHOP)


async def test_an_export_that_runs_is_followed(service: Service, workers: Workers, home: Paths) -> None:
    later = 0.0
    async with connected(home, clock=lambda: time.monotonic() + later) as sandbox:
        sandbox.set(processing=3600.0)
        org, _, slug = SHOP.partition("/")
        async with Client(sandbox.token, base_url=sandbox.api_url) as client:
            running = await client.create_job(link_graph(Project(org, slug), CRAWL), LINKS, "a-colleague")
        workers.start()
        run = await begin(service)
        await choose(service, run)
        offered = await reach(service, run, "step_07")
        assert offered.current.prefill == "follow" and running.id in options(offered)["follow"]
        await service.runs.submit(run, "export", "follow")
        later = 3600.0
        done = await exported(service, run)
        assert sandbox.state()["job_posts"] == 1
        assert done.row.record["step_07"]["export"]["edges"]["credits"] == 0
        assert done.row.record["step_07"]["export"]["edges"]["how"] == "followed"


async def test_what_is_no_longer_on_disk_is_not_paid_for_unasked(
    service: Service, workers: Workers, home: Paths
) -> None:
    async with connected(home) as sandbox:
        workers.start()
        run = await begin(service)
        await choose(service, run)
        await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")
        await exported(service, run)
        again = await begin(service)
        await choose(service, again)
        await reach(service, again, "step_07")
        shutil.rmtree(home.data / "exports")
        await service.runs.submit(again, "export", "reuse")
        failed = await reach(service, again, "step_07", "failed")
        assert "no longer on disk" in failed.current.reason
        third = await begin(service)  # Botify has the file still, and gives it for nothing
        await choose(service, third)
        offered = await reach(service, third, "step_07")
        assert offered.current.prefill == "follow" and "finished by ada.lovelace" in options(offered)["follow"]
        await service.runs.submit(third, "export", "follow")
        await exported(service, third)
        assert sandbox.state()["job_posts"] == 1


async def test_an_analysis_that_botify_deleted_is_opened_from_the_disk(
    service: Service, workers: Workers, home: Paths
) -> None:
    async with connected(home) as sandbox:
        workers.start()
        run = await begin(service)
        await choose(service, run, depth="2")
        priced = await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")
        await exported(service, run)
        rows = priced.row.record["step_06"]["preflight"]["edges"]["rows"]

        project = sandbox._api.world.project("acme-org", "acme-shop.example")
        assert project is not None
        project.analyses = tuple(each for each in project.analyses if each.slug != CRAWL)
        del project.collections[f"crawl.{CRAWL}"]
        again = (await service.runs.create("shop", "link_graph")).id
        await service.runs.submit(again, "project", SHOP)
        field = (await service.runs.open(again)).current.field
        assert isinstance(field, TablePick) and field.default != CRAWL
        [listed] = [row for row in field.rows if row[0] == CRAWL]
        assert f"{rows:,} rows, up to depth 2" in listed[3] and listed[1] == "no longer at Botify"
        await service.runs.submit(again, "analysis", CRAWL)
        join = (await service.runs.open(again)).current.field
        assert isinstance(join, MultiChoice) and join.pairs == [] and "no longer at Botify" in join.hint
        await choose(service, again, depth="3")
        failed = await reach(service, again, "step_06", "failed")
        assert f"{rows:,} rows, up to depth 2" in failed.current.reason and "Largest depth" in failed.current.reason
        await service.runs.revert(again, "depth")
        depth = (await service.runs.open(again)).current
        assert depth.field is not None and depth.field.default == 2
        await service.runs.submit(again, "depth", 2)
        offered = await reach(service, again, "step_07")
        assert list(options(offered)) == ["reuse"]
        await service.runs.submit(again, "export", "reuse")
        done = await reach(service, again, "finalize")
        assert done.row.record["step_08"]["graph"]["links"] > 0
        assert sandbox.state()["job_posts"] == 1


async def test_more_links_than_one_export_may_have(service: Service, workers: Workers, home: Paths) -> None:
    workers.start()
    async with connected(home) as sandbox:
        sandbox.set(export_cap=900)  # the analysis says so, and Botify refuses more
        run = await begin(service)
        await choose(service, run)
        before = await reach(service, run, "step_07")
        assert before.current.field is not None and not options(before), "one page type alone has more"
        assert "take at most 2" in before.current.field.hint
        cap = 1200
        sandbox.set(export_cap=cap)
        run = await begin(service)
        await choose(service, run, "status")
        before = await reach(service, run, "step_07")
        shown = parts(await service.runs.view(before, "preflight"))
        chart = next(view for view in shown if isinstance(view, Chart))
        fitting = [rows for label, rows in chart.bars if label == chart.mark]
        assert fitting and fitting[0] <= cap and chart.bars[-1][1] == LINKS
        assert "parts" in options(before)["export"]
        await service.runs.submit(run, "export", "export")
        done = await exported(service, run)
        exports = done.row.record["step_07"]["export"]
        assert exports["edges"]["rows"] == LINKS, "the parts together are the whole"
        assert sandbox.state()["credits"] == exports["edges"]["credits"] + exports["nodes"]["credits"]
        edges = lines(done.folder / "export/edges.csv")
        assert len({tuple(edge.values()) for edge in edges}) == len(edges) == LINKS


@pytest.mark.parametrize("fault", ["once.intended", "once.worked:3", "once.finished:3", "artifact.written"])
async def test_killed_around_the_one_post(service: Service, workers: Workers, home: Paths, fault: str) -> None:
    async with connected(home) as sandbox:
        run = await begin(service)
        await choose(service, run)
        workers.start(fault=fault)
        await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")
        await until(lambda: (workers.home / f"fault-{fault.partition(':')[0]}").exists())
        if fault == "once.intended":  # nothing was sent, which nobody can know: it looks for it, and sends nothing

            async def is_looking() -> bool:
                job = (await service.runs.open(run)).current.job
                return job is not None and "did not happen" in job.progress.text

            await until(is_looking)
            assert sandbox.state()["job_posts"] == 0
            return
        await reach(service, run, "finalize")
        state = sandbox.state()
        assert (state["job_posts"], state["jobs_created"], state["credits"]) == (1, 1, 200.0)
        assert not list(home.data.rglob("*.part*"))
        await _has_no_token(sandbox.token, home)


async def test_a_lost_answer_is_no_second_job(service: Service, workers: Workers, home: Paths) -> None:
    async with connected(home) as sandbox:
        sandbox.fault("lost_response", times=2)
        run = await begin(service)
        await choose(service, run, "page_type", depth="1")
        workers.start()
        await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")
        await exported(service, run)
        assert (sandbox.state()["job_posts"], sandbox.state()["jobs_created"]) == (2, 2), "one for each of two queries"


async def test_the_graph_can_be_cancelled_and_made_later(service: Service, workers: Workers, home: Paths) -> None:
    async with connected(home, links=100_000) as sandbox:
        run = await begin(service)
        await choose(service, run)
        workers.start()
        await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")

        folder = (await service.runs.open(run)).folder
        await until(lambda: list(folder.glob(".graph-*")))
        job = (await service.runs.open(run)).current.job
        assert job is not None
        await service.jobs.cancel(job.id)
        stopped = await reach(service, run, "step_08", "failed")
        assert not (stopped.folder / "report.md").exists()
        await until(lambda: not list(stopped.folder.glob(".graph-*")), "the scratch folder is left")
        await service.jobs.retry(job.id)
        await reach(service, run, "finalize")
        assert sandbox.state()["job_posts"] == 1, "the export is not paid for again"


async def test_killed_in_the_graph(service: Service, workers: Workers, home: Paths) -> None:
    async with connected(home, links=20_000):
        run = await begin(service)
        await choose(service, run)
        workers.start()
        await reach(service, run, "step_07")
        await service.runs.submit(run, "export", "export")
        folder = (await service.runs.open(run)).folder
        await until(lambda: list(folder.glob(".graph-*")))
        row = next(iter(await service.jobs.latest()))
        assert row.pid is not None
        os.kill(row.pid, signal.SIGKILL)
        await reach(service, run, "finalize")
        assert not list(folder.glob(".graph-*"))


async def _has_no_token(token: str, home: Paths) -> None:
    """The token is in the one file for it, and nowhere else."""
    root = home.data.parent
    found = [path for path in root.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert [path.relative_to(home.data) for path in found] == [Path("secrets/shared/botify")]
