"""The URL inspector from pasted lines to findings, in a real worker, against a web site on loopback."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import random
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipetui.engine.fields import Invalid
from pipetui.engine.views import Table
from pipetui.paths import Paths
from pipetui.sandbox import Sandbox
from pipetui.service import Service
from pipetui.service.runs import Snapshot
from tests.pages.site import Site
from tests.worker.conftest import Workers, until


async def start(service: Service, lines: list[str], **options: Any) -> str:
    run = (await service.runs.create("shop", "url_inspector")).id
    await service.runs.submit(run, "urls", "\n".join(lines))
    await service.runs.submit(run, "options", {"robots": False} | options)
    return run


async def complete(service: Service, run: str) -> Snapshot:
    async def is_complete() -> bool:
        card = (await service.runs.open(run)).current
        assert card.state != "failed", card.reason
        return card.id == "finalize"

    await until(is_complete)
    return await service.runs.open(run)


def read(snapshot: Snapshot, name: str) -> list[dict[str, str]]:
    with (snapshot.folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


async def test_from_pasted_lines_to_findings(service: Service, workers: Workers) -> None:
    async with Site() as site:
        site.page("/", "<title>Home</title><h1>a</h1><h1>b</h1><a href='/gone'>x</a>")
        site.page("/twin", "<title>Home</title><h1>a</h1>")
        site.redirect("/old", "/older")
        site.redirect("/older", "/")
        site.page("/formula", "<title>=cmd()|' /C calc'!A0</title>")
        site.answer("/file.pdf", b"%PDF-1.7", "Content-Type: application/pdf")
        paths = ["/", "/twin", "/old", "/formula", "/gone", "/file.pdf"]
        lines = [site.url + path for path in paths] + ["", site.url + "/", "http://127.0.0.1:1/", "nowhere.invalid"]
        run = await start(service, lines)
        workers.start()
        snapshot = await complete(service, run)
    record = snapshot.row.record
    assert record["step_01"]["urls"][-1] == "https://nowhere.invalid/" and len(record["step_01"]["urls"]) == 8
    assert record["step_03"]["pages"] | {"findings": 0} == {"pages": 8, "fetched": 6, "findings": 0}
    problems = {problem["label"]: problem["pages"] for problem in record["step_04"]["findings"]}
    assert problems["Could not be fetched"] == 2 and problems["Duplicate title"] == 2
    assert problems["Several h1"] == 1, "the page itself, not the one that redirects to it"
    assert {file.name for file in snapshot.artifacts} == {
        "pages.csv", "links.csv", "pages.jsonl", "overview.csv", "findings.csv",
    }  # fmt: skip
    severities = [row["severity"] for row in read(snapshot, "findings.csv")]
    assert severities == sorted(severities, key=["error", "warning", "notice"].index), "the worst stand first"
    overview = read(snapshot, "overview.csv")
    assert [row["status"] for row in overview] == ["200", "200", "200", "200", "404", "200", "–", "–"]
    assert overview[3]["title"].startswith("'="), "a spreadsheet must not take it for a formula"
    assert "refused" in overview[6]["title"] and "not found" in overview[7]["title"]
    assert list(snapshot.folder.glob("pages-*/raw/*.html")), "the raw HTML is kept"


async def test_a_row_of_the_table_opens_the_details_of_its_page(service: Service, workers: Workers) -> None:
    async with Site() as site:
        site.page("/", "<title>One</title><link rel=canonical href=/other>", "X-Robots-Tag: noindex")
        run = await start(service, [site.url + "/"])
        workers.start()
        snapshot = await complete(service, run)
    view = await service.runs.view(snapshot, "pages")
    assert isinstance(view, Table) and view.detail is not None
    details = view.detail(0)
    assert isinstance(details, Table)
    known = dict(details.rows)
    assert known["title"] == "One" and known["canonical"] == site.url + "/other"
    assert known["robots (header)"] == "noindex" and known["links"] == "0 internal, 0 external"


async def test_in_the_sandbox_one_submit_finds_faults(service: Service, workers: Workers, home: Paths) -> None:
    async with Sandbox(seed=3) as sandbox:
        (home.data / "sandbox.json").write_text(json.dumps(sandbox.addresses))
        run = (await service.runs.create("shop", "url_inspector")).id
        given = (await service.runs.open(run)).current.prefill
        assert given.count(sandbox.site_url) > 12 and given.endswith("\n"), "what one pastes begins a line"
        await service.runs.submit(run, "urls", given)
        await service.runs.submit(run, "options", {})
        workers.start()
        snapshot = await complete(service, run)
    problems = {problem["label"]: problem for problem in snapshot.row.record["step_04"]["findings"]}
    assert {"No title", "Duplicate title", "Broken link", "Broken JSON-LD", "Error status", "Noindex"} <= set(problems)
    rows = read(snapshot, "findings.csv")
    assert sum(problem["found"] for problem in problems.values()) == len(rows)
    errors = sum(row["severity"] == "error" for row in rows)
    assert snapshot.card("findings").summary.startswith(f"{errors} errors, ")


async def test_a_wrong_line_is_named_by_its_number(service: Service) -> None:
    run = (await service.runs.create("shop", "url_inspector")).id
    for lines, number in (("example.com\n\nftp://x", 3), ("https://me:secret@example.com/", 1)):
        with pytest.raises(Invalid, match=f"Line {number}:"):
            await service.runs.submit(run, "urls", lines)


async def _killed_at_random(service: Service, workers: Workers, seed: int) -> None:
    """No page is asked for again once its row is in the ledger, whoever dies when."""
    chance = random.Random(seed)
    async with Site() as site:
        paths = [f"/{number}" for number in range(40)]

        async def slow(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(chance.uniform(0.02, 0.15))
            body = b"<title>x</title>"
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        for path in paths:
            site.raw(path, slow)
        run = await start(service, [site.url + path for path in paths], parallel=4)
        worker = workers.start()
        kept: dict[str, int] = {}  # path: how much had been asked when it was seen to be kept
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.1, 0.7))
            row = next(iter(await service.jobs.latest()))
            victim = chance.choice([worker.pid, row.pid])
            if victim is not None:
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
            if victim == worker.pid:
                worker.wait()
            await _note(service, row.id, site, kept)
            if victim == worker.pid:
                worker = workers.start()
        snapshot = await complete(service, run)
    for path, asked in kept.items():
        assert path not in site.paths()[asked:], f"{path} was fetched again after its row was kept"
    assert snapshot.row.record["step_03"]["pages"]["fetched"] == 40
    assert len(read(snapshot, "pages.csv")) == 40
    assert not [file for file in _files(snapshot.folder) if file.name.endswith(".part") and file.name != "links.part"]
    assert await service.db.integrity() == []


async def _note(service: Service, job: str, site: Site, kept: dict[str, int]) -> None:
    lines = await service.db.read(
        lambda tx: tx.execute("SELECT inputs FROM ledger WHERE job = ? AND finished", (job,)).fetchall()
    )
    asked = len(site.asked)
    for (inputs,) in lines:
        kept.setdefault("/" + inputs.strip('"').rpartition("/")[2], asked)


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


@pytest.mark.parametrize("seed", range(5))
async def test_random_kills_cost_no_page_twice(service: Service, workers: Workers, seed: int) -> None:
    await _killed_at_random(service, workers, seed)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(1000, 1040))
async def test_many_random_kills_cost_no_page_twice(service: Service, workers: Workers, seed: int) -> None:
    await _killed_at_random(service, workers, seed)
