import asyncio
import json
import time
from pathlib import Path

import pytest

from pipetui.botify import (
    Counted,
    Credits,
    Export,
    LinkExpired,
    NeedsAnswer,
    Rejected,
    RemoteJob,
    count,
    link_graph,
    poll,
    preflight,
    start_export,
)
from pipetui.botify.download import judge
from pipetui.botify.received import Received
from pipetui.sandbox import Sandbox

from .conftest import CRAWL, LINKS, PAUSE, QUICK, SHOP, Stage, client_of


async def test_preflight_says_what_it_will_be(stage: Stage) -> None:
    found = await preflight(stage.client, stage.query, stage.shelf)
    rows = await stage.client.count(stage.query)
    assert (found.counted, found.limit, found.credits) == (Counted(rows, exact=True), rows, rows / 10)
    assert (found.problems, found.on_disk, found.running, found.over) == ([], [], [], False)
    assert found.free > found.needed > 0
    assert stage.sandbox.state()["job_posts"] == 0
    over = await preflight(stage.client, stage.query, stage.shelf, cap=100)
    assert over.over
    assert (over.limit, over.credits) == (100, 10.0)
    assert over.notes == [f"These are {rows:,} rows; one export has at most 100."]


async def test_preflight_knows_what_is_there_and_what_runs(stage: Stage) -> None:
    export = await stage.export()
    stage.sandbox.fault("job_hangs")
    running = await start_export(stage.client, stage.query, LINKS)
    await start_export(stage.client, link_graph(SHOP, CRAWL, 1), LINKS)
    await start_export(stage.client, stage.query, 10)  # too small to be the same
    found = await preflight(stage.client, stage.query, stage.shelf)
    assert [each.job for each in found.on_disk] == [export.job]
    assert [job.id for job in found.running] == [running.id]
    assert found.finished == []  # what is on disk is not at Botify as well


async def test_a_paid_export_whose_file_never_came_is_found_and_fetched_for_nothing(stage: Stage) -> None:
    stage.sandbox.fault("expired", times=99)
    with pytest.raises(LinkExpired):
        await stage.export()
    stage.sandbox.heal()
    [lost] = stage.sandbox.state()["jobs"]
    found = await preflight(stage.client, stage.query, stage.shelf)
    assert (found.on_disk, found.running) == ([], [])
    assert [job.id for job in found.finished] == [str(lost["id"])]
    assert found.finished[0].made.startswith(" by ada.lovelace, 20")
    export = await stage.export(adopt=found.finished[0].id)
    assert (export.rows, export.sha256, export.marker) == (LINKS, lost["sha256"], lost["marker"])
    [spent] = stage.credits.entries()
    assert (spent.outcome, spent.credits) == ("done", LINKS / 10)
    assert stage.sandbox.state()["job_posts"] == 1 and stage.left() == []


@pytest.mark.parametrize(
    ("payload", "gives"),
    [
        ({"formatter": "csv", "connector": "direct_download", "export_size": 100}, True),
        ({"formatter": "csv", "connector": "direct_download", "export_size": 99}, False),
        ({"formatter": "json", "connector": "direct_download", "export_size": 100}, False),
        ({"formatter": "csv", "connector": "6f1c2d", "export_size": 100}, False),
        ({}, True),
    ],
)
def test_another_s_export_serves_if_it_has_the_rows_as_a_file(payload: dict[str, object], gives: bool) -> None:
    job = RemoteJob.read({"job_id": 1, "job_status": "DONE", "payload": payload})
    assert job is not None and job.gives(100) is gives


async def test_preflight_refuses_what_can_not_work(stage: Stage) -> None:
    empty = stage.query.where({"field": f"crawl.{CRAWL}.depth", "predicate": "gt", "value": 99})
    assert "no rows" in (await preflight(stage.client, empty, stage.shelf)).problems[0]
    logs = stage.query.__class__(SHOP, ["nothing_here"], ["url"])
    assert "no collection nothing_here" in (await preflight(stage.client, logs, stage.shelf)).problems[0]
    dated = stage.query.__class__(SHOP, ["search_console"], ["url"])
    assert "choose from which day" in (await preflight(stage.client, dated, stage.shelf)).problems[0]


async def test_without_a_count_the_most_there_can_be_is_said(stage: Stage) -> None:
    exact = await count(stage.client, stage.query)
    answer = stage.client.count

    async def silent(query: object) -> None:
        return None

    stage.client.count = silent
    upper = await count(stage.client, stage.query)
    stage.client.count = answer
    assert not upper.exact
    assert (upper.rows or 0) >= (exact.rows or 0)


async def test_a_finished_export_has_a_manifest_and_is_not_made_again(stage: Stage) -> None:
    export = await stage.export()
    manifest = json.loads(export.manifest.read_text())
    assert manifest["hash"] == stage.query.hash
    assert (manifest["rows"], manifest["counted"], manifest["cut"]) == (export.rows, export.rows, False)
    assert manifest["sha256"] == export.sha256
    assert manifest["query"]["collections"] == [f"crawl.{CRAWL}"]
    assert manifest["times"]["finished"] >= manifest["times"]["created"] > "2020"
    again = await stage.export()
    assert again == export == Export.load(export.folder)
    assert stage.sandbox.state()["job_posts"] == 1
    anew = await stage.export(fresh=True)
    assert anew.job != export.job
    assert [each.job for each in stage.shelf.find(stage.query, stage.client.base_url)] == [anew.job, export.job]
    assert stage.sandbox.state()["job_posts"] == 2


async def test_a_changed_or_missing_file_is_no_export(stage: Stage) -> None:
    export = await stage.export()
    export.path.write_text("shorter")
    assert stage.shelf.find(stage.query, stage.client.base_url) == []
    assert stage.shelf.all() == []


async def test_a_cut_export_does_not_stand_for_the_whole(stage: Stage) -> None:
    part = await stage.export(limit=100)
    assert (await stage.export(limit=100)).job == part.job
    whole = await stage.export()
    assert (whole.rows, whole.cut) == (await stage.client.count(stage.query), False)
    assert (await stage.export(limit=100)).job == whole.job
    assert stage.sandbox.state()["job_posts"] == 2


async def test_another_number_after_a_crash_is_no_other_export(stage: Stage) -> None:
    """A workflow that counts anew each time its job runs."""
    stage.sandbox.fault("job_fails")
    with pytest.raises(NeedsAnswer):
        await stage.export(counted=Counted(100, exact=True))
    with pytest.raises(NeedsAnswer):
        await stage.export(counted=Counted(101, exact=True))
    assert stage.sandbox.state()["job_posts"] == 1


async def test_nothing_is_sent_when_it_can_not_be_noted(stage: Stage) -> None:
    (stage.folder / "credits.jsonl").mkdir()
    with pytest.raises(Rejected, match="Nothing was sent"):
        await stage.export()
    assert stage.sandbox.state()["job_posts"] == 0


async def test_what_is_not_visible_yet_is_no_export(stage: Stage) -> None:
    """A crash between the manifest and the folder's name."""
    export = await stage.export()
    export.folder.rename(stage.shelf.making(export.folder))
    assert stage.shelf.find(stage.query, stage.client.base_url) == stage.shelf.all() == []


async def test_another_api_is_another_shelf(stage: Stage) -> None:
    await stage.export()
    assert stage.shelf.find(stage.query, "https://api.botify.com/v1") == []


async def test_an_export_is_placed_where_it_is_wanted(stage: Stage, tmp_path: Path) -> None:
    export = await stage.export()
    export.place(tmp_path / "links.csv")
    assert (tmp_path / "links.csv").read_bytes() == export.path.read_bytes()


async def test_a_running_export_is_followed(stage: Stage) -> None:
    running = await start_export(stage.client, stage.query, 10**6)
    export = await stage.export(adopt=running.id)
    assert export.job == running.id
    assert stage.sandbox.state()["job_posts"] == 1
    other = await start_export(stage.client, link_graph(SHOP, CRAWL, 1), 10)
    with pytest.raises(Rejected, match="another query"):
        await stage.export(adopt=other.id)


async def test_two_who_export_the_same_at_once_pay_once(stage: Stage) -> None:
    counted = await count(stage.client, stage.query)
    exports = await asyncio.gather(*(stage.export(counted=counted, name=f"export{n}") for n in range(3)))
    assert len({export.job for export in exports}) == 1
    assert stage.sandbox.state()["job_posts"] == 1


async def test_an_export_goes_on_where_it_was_cancelled(stage: Stage) -> None:
    """The downloaded part, too."""
    counted = await count(stage.client, stage.query)
    stage.sandbox.set(file_rate=20_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.6):
            await stage.export(counted=counted)
    part = next(stage.folder.rglob(".export.csv.raw.part"))
    kept = part.stat().st_size
    stage.sandbox.set(file_rate=0)
    export = await stage.export(counted=counted)
    assert export.sha256 == stage.job(export)["sha256"]
    assert stage.left() == []
    served = [entry["status"] for entry in stage.sandbox.state()["requests"] if entry["route"] == "file"]
    assert served == ([200, 206] if kept else [200, 200])
    assert stage.sandbox.state()["job_posts"] == 1


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
async def test_a_clock_that_jumps_costs_nothing(stage: Stage, jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set while the answer is lost. Forward, a person is asked sooner; the export is found all the same."""
    stage.sandbox.fault("lost_response")
    stage.sandbox.set(list_lag=0.05)
    now, intend = time.time, Credits.intend

    def jumping(self: Credits, *arguments: object) -> None:
        intend(self, *arguments)
        monkeypatch.setattr(time, "time", lambda: now() + jump)

    monkeypatch.setattr(Credits, "intend", jumping)
    try:
        if jump > 0:
            with pytest.raises(NeedsAnswer):
                await stage.export()
            await asyncio.sleep(0.05)
        export = await stage.export()
    finally:
        monkeypatch.undo()
    assert export.sha256 == stage.job(export)["sha256"]
    assert stage.sandbox.state()["job_posts"] == 1


# -- what it is judged to be


def received(rows: int, ragged: int = 0) -> Received:
    return Received(rows, 2, 1, "", True, ",", ragged, 1, "gzip")


@pytest.mark.parametrize(
    ("rows", "counted", "limit", "cut", "said"),
    [
        (10, Counted(10, True), 10, False, ""),
        (1_000_000, Counted(1_000_000, True), 1_000_000, False, ""),
        (1_000_000, Counted(1_000_001, True), 1_000_000, True, "as many as one export was to have"),
        (9, Counted(10, True), 10, True, "does not say why"),
        (11, Counted(10, True), 10, False, "11 rows where 10 were counted"),
        (10, Counted(20, False), 10, True, "may be cut"),
        (9, Counted(20, False), 10, False, ""),
        (9, Counted(None, False), 10, False, ""),
    ],
)
def test_whether_an_export_is_whole(rows: int, counted: Counted, limit: int, cut: bool, said: str) -> None:
    found, notes = judge(received(rows), counted, limit, 2)
    assert found is cut
    assert (said in notes[0]) if said else not notes


def test_odd_columns_and_ragged_rows_are_said() -> None:
    assert "2 columns where the query has 3" in judge(received(10), Counted(10, True), 10, 3)[1][0]
    assert judge(received(10, ragged=2), Counted(10, True), 10, 2) == (False, ["2 rows do not have 2 columns."])


# -- the ledger of credits


def test_credits_are_counted_by_profile_and_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credits = Credits(tmp_path / "credits.jsonl")
    query = link_graph(SHOP, CRAWL)
    for marker, at, profile, cost in [
        ("a", 1709290000.0, "p1", 10.0),  # March 2024
        ("b", 1709290001.0, "p1", 5.0),
        ("c", 1709290002.0, "p2", 7.0),
        ("d", 1711990000.0, "p1", 9.0),  # April
    ]:
        monkeypatch.setattr(time, "time", lambda at=at: at)
        credits.intend(marker, query, 100, cost, profile)
    credits.settle("a", "created", job="1")
    credits.settle("a", "done", rows=90, credits=9.0)
    credits.settle("b", "refused")
    assert credits.month("p1", "2024-03") == 9.0
    assert credits.month("p1", "2024-04") == 9.0
    assert credits.month("p2", "2024-03") == 7.0 and credits.month("p2", "2024-02") == 0.0
    assert credits.months() == [
        ("2024-04", "p1", 1, 9.0, 9.0),
        ("2024-03", "p2", 1, 7.0, 7.0),
        ("2024-03", "p1", 1, 9.0, 0.0),
    ]
    assert [month.month for month in credits.months("p2")] == ["2024-03"]
    assert [spent.outcome for spent in credits.entries()] == ["done", "refused", "sent", "sent"]


def test_a_torn_line_takes_no_other_with_it(tmp_path: Path) -> None:
    path = tmp_path / "credits.jsonl"
    credits, query = Credits(path), link_graph(SHOP, CRAWL)
    credits.intend("a", query, 1, 1.0)
    with path.open("ab") as file:
        file.write(b'{"marker": "torn')
    credits.intend("b", query, 1, 1.0)
    assert [spent.marker for spent in credits.entries()] == ["a", "b"]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_is_asked_can_be_shown_and_stored(tmp_path: Path) -> None:
    """The question is a field, as a card shows it: it survives JSON and takes the answers."""
    from pipetui.engine.fields import from_json

    async with Sandbox(seed=1, links=500, **QUICK) as sandbox, client_of(sandbox, tmp_path) as client:
        stage = Stage(sandbox, client, tmp_path)
        sandbox.fault("drop", route="create_job")
        with pytest.raises(NeedsAnswer) as caught:
            await stage.export()
    field = from_json(json.loads(json.dumps(caught.value.question.field.to_json())))
    assert field.check({"what": "create", "id": ""}) == {"what": "create", "id": ""}
    assert field.complete


async def test_the_steps_can_be_called_alone(stage: Stage) -> None:
    from pipetui.botify import download_and_decompress

    counted = await count(stage.client, stage.query)
    remote = await start_export(stage.client, stage.query, counted.rows or 0)
    done = await poll(stage.client, remote.id, pause=PAUSE)
    received = await download_and_decompress(done.url, stage.folder / "links.csv", pause=PAUSE)
    assert (received.rows, received.columns, received.header) == (counted.rows, 2, True)
    assert [path.name for path in stage.folder.iterdir() if path.is_file()] == ["links.csv"]
