"""What the sandbox can make go wrong, and what must hold then: one job for one yes, and the server's very file."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from pipetui.botify import (
    BadFile,
    BotifyError,
    Busy,
    Counted,
    DiskFull,
    Forbidden,
    LinkExpired,
    NeedsAnswer,
    NoAnswer,
    NotFound,
    Project,
    Rejected,
    ServerTrouble,
    Unauthorized,
    download_and_decompress,
    link_graph,
    poll,
    preflight,
    start_export,
)

from .conftest import CRAWL, PAUSE, SHOP, Stage, client_of

TRANSIENT = ["drop", "too_many", "server_error", "bad_gateway", "no_body", "malformed", "login_page"]


def whole(stage: Stage, export: object, jobs: int = 1) -> None:
    """The file is the server's, it was paid once, and nothing is left behind."""
    state = stage.sandbox.state()
    assert state["jobs_created"] == jobs
    job = stage.job(export)
    assert export.sha256 == job["sha256"] == hashlib.sha256(export.path.read_bytes()).hexdigest()
    assert export.rows == job["rows"]
    assert state["tokens_at_files"] == 0
    assert stage.left() == []


@pytest.mark.parametrize("name", TRANSIENT)
async def test_what_may_be_repeated_is_repeated(stage: Stage, name: str) -> None:
    stage.sandbox.fault(name, times=3)
    assert (await stage.client.analyses(SHOP))[0].slug == CRAWL


@pytest.mark.parametrize(("name", "error"), [("too_many", Busy), ("bad_gateway", ServerTrouble), ("drop", NoAnswer)])
async def test_and_not_for_ever(stage: Stage, name: str, error: type[BotifyError]) -> None:
    stage.sandbox.fault(name, times=0)
    with pytest.raises(error):
        await stage.client.account()
    assert len(stage.sandbox.state()["requests"]) == 7


async def test_a_slow_answer_is_waited_for_and_a_late_one_asked_for_again(stage: Stage) -> None:
    async with client_of(stage.sandbox, stage.folder, timeout=0.1) as client:
        stage.sandbox.fault("slow", seconds=1.0, times=2)
        assert (await client.account()).username == "ada.lovelace"
    stage.sandbox.fault("drip", rate=5_000)
    assert await stage.client.projects()


@pytest.mark.parametrize("name", TRANSIENT)
async def test_a_post_without_a_clear_answer_is_never_repeated_by_itself(stage: Stage, name: str) -> None:
    """Where the job was created it is found; where it was not, a person decides."""
    stage.sandbox.fault(name, route="create_job")
    export = await stage.export(answer="create")
    state = stage.sandbox.state()
    assert state["job_posts"] <= 1 + len(stage.yeses)
    assert (stage.yeses == []) == (name == "malformed")
    whole(stage, export)
    assert state["credits"] == export.credits


@pytest.mark.parametrize("settings", [{}, {"echo_marker": False}, {"list_lag": 0.1}, {"list_order": "oldest"}])
@pytest.mark.parametrize("colleague", [False, True])
async def test_a_lost_answer_is_found_in_the_list(stage: Stage, settings: dict[str, object], colleague: bool) -> None:
    stage.sandbox.set(**settings, colleague=colleague, list_cap=2)
    stage.sandbox.fault("lost_response")
    export = await stage.export()
    assert stage.sandbox.state()["job_posts"] == 1
    whole(stage, export)


async def test_an_answer_that_comes_too_late_is_a_lost_one(stage: Stage) -> None:
    async with client_of(stage.sandbox, stage.folder, timeout=0.1) as stage.client:
        stage.sandbox.fault("slow", route="create_job", seconds=0.5)
        export = await stage.export()
    assert stage.sandbox.state()["job_posts"] == 1
    whole(stage, export)


async def test_a_colleagues_export_is_not_taken_for_ours(stage: Stage) -> None:
    stage.sandbox.set(colleague=True, echo_marker=False)
    theirs = await start_export(stage.client, stage.query, 10)  # makes the sandbox know a colleague's job
    stage.sandbox.fault("drop", route="create_job")
    with pytest.raises(NeedsAnswer, match="not known whether Botify took the export") as caught:
        await stage.export()
    options = caught.value.question.field.members["what"].pairs
    assert options[0][0] == "again"
    assert any(value == f"adopt:{theirs.id}" for value, _ in options)
    assert any("may cost up to" in label for _, label in options)
    assert stage.sandbox.state()["job_posts"] == 1


async def test_a_person_may_adopt_or_paste(stage: Stage) -> None:
    other = await start_export(stage.client, stage.query, 1_000_000)
    wrong = await start_export(stage.client, link_graph(SHOP, CRAWL, 1), 10)
    stage.sandbox.fault("drop", route="create_job")
    for pasted, why in ((wrong.id, "one of another query"), ("4", "knows no export 4"), ("../x", "no number")):
        with pytest.raises(NeedsAnswer, match=why):
            await stage.export(answer=f"paste {pasted}")
    export = await stage.export(answer=f"paste {other.id}")
    assert export.job == other.id
    whole(stage, export, jobs=2)


async def test_a_person_may_adopt_from_the_list(stage: Stage) -> None:
    other = await start_export(stage.client, stage.query, 1_000_000)
    stage.sandbox.fault("drop", route="create_job")
    export = await stage.export(answer=f"adopt:{other.id}")
    whole(stage, export)


async def test_checking_again_finds_what_the_list_shows_late(stage: Stage) -> None:
    stage.sandbox.set(list_lag=600)
    stage.sandbox.fault("lost_response")
    with pytest.raises(NeedsAnswer, match="Nothing is sent again without your yes"):
        await stage.export()
    stage.sandbox.set(list_lag=0)
    whole(stage, await stage.export(answer="again"))
    assert stage.sandbox.state()["job_posts"] == 1


@pytest.mark.parametrize(
    ("code", "status", "error", "text"),
    [
        ("1020", 400, Rejected, "not formed"),
        ("1058", 400, Rejected, "Another export is running"),
        ("1002", 403, Rejected, "may not see this"),
        ("1001", 401, Rejected, "does not know this token"),
    ],
)
async def test_a_plain_refusal_costs_nothing_and_asks_nobody(
    stage: Stage, code: str, status: int, error: type[BotifyError], text: str
) -> None:
    stage.sandbox.fault("refuse", route="create_job", code=code, status=status)
    with pytest.raises(error, match=f"{text}.*no credits were spent"):
        await stage.export()
    assert [spent.outcome for spent in stage.credits.entries()] == ["refused"]
    whole(stage, await stage.export())


async def test_a_server_that_can_not_be_reached_got_nothing(stage: Stage) -> None:
    counted = Counted(await stage.client.count(stage.query), exact=True)
    await stage.sandbox.stop()
    with pytest.raises(Rejected, match=r"refused the connection.*no credits were spent"):
        await stage.export(counted=counted)


async def test_a_quota_is_asked_about(stage: Stage) -> None:
    stage.sandbox.set(daily_exports=1)
    await start_export(stage.client, link_graph(SHOP, CRAWL, 1), 10)
    with pytest.raises(NeedsAnswer, match="exports of this day"):
        await stage.export()


# -- the job


@pytest.mark.parametrize(
    ("name", "reason"), [("job_fails", "works when it is asked directly"), ("job_fails_with_error", "failed")]
)
async def test_a_failed_export_is_made_anew_after_a_yes_only(stage: Stage, name: str, reason: str) -> None:
    stage.sandbox.fault(name)
    with pytest.raises(NeedsAnswer, match=reason):
        await stage.export()
    with pytest.raises(NeedsAnswer, match=reason):
        await stage.export(answer="again")
    assert stage.sandbox.state()["job_posts"] == 1
    export = await stage.export(answer="create")
    whole(stage, export, jobs=2)
    assert stage.sandbox.state()["job_posts"] == 2


async def test_the_query_asked_directly_tells_why_an_export_failed(stage: Stage) -> None:
    stage.sandbox.set(accept_invalid=True)
    bad = link_graph(SHOP, "20240601").where({"field": f"crawl.{CRAWL}.nope", "value": 1})
    with pytest.raises(NeedsAnswer, match=r"A field of the query does not exist \(error 1029\)"):
        await stage.export(bad, counted=Counted(10, exact=True))


async def test_a_job_that_is_done_without_a_file_is_left_for_later(stage: Stage) -> None:
    stage.sandbox.fault("job_without_results")
    with pytest.raises(BotifyError, match="done and gives no file"):
        await stage.export()
    with pytest.raises(BotifyError, match="done and gives no file"):
        await stage.export()
    assert stage.sandbox.state()["job_posts"] == 1


@pytest.mark.parametrize("name", ["job_unknown_status", "job_hangs"])
async def test_a_job_that_never_ends_is_waited_for(stage: Stage, name: str) -> None:
    stage.sandbox.fault(name)
    job = await start_export(stage.client, stage.query, 10)
    said: list[str] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await poll(stage.client, job.id, tell=said.append, pause=PAUSE, longest=PAUSE)
    assert any("QUEUED".lower() in text or "processing" in text for text in said)
    assert stage.sandbox.state()["job_posts"] == 1


async def test_polling_outlives_an_outage(stage: Stage) -> None:
    job = await start_export(stage.client, stage.query, 10)
    said: list[str] = []
    stage.sandbox.fault("bad_gateway", route="job", times=10)
    done = await poll(stage.client, job.id, tell=said.append, pause=PAUSE, longest=PAUSE)
    assert done.done
    assert any("Still trying" in text for text in said)


async def test_a_job_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(NotFound, match="no such export"):
        await poll(stage.client, "999", pause=PAUSE, longest=PAUSE)


# -- the file


@pytest.mark.parametrize(
    "name", ["truncated", "reset", "corrupt", "empty_file", "html_file", "expired", "file_error", "file_drip"]
)
@pytest.mark.parametrize("settings", [{}, {"ranges": False}, {"file_length": False}])
async def test_a_download_survives(stage: Stage, name: str, settings: dict[str, object]) -> None:
    stage.sandbox.set(**settings)
    options = {"rate": 200_000} if name == "file_drip" else {}
    stage.sandbox.fault(name, times=2, **options)
    export = await stage.export()
    assert stage.sandbox.state()["job_posts"] == 1
    whole(stage, export)


@pytest.mark.parametrize("name", ["changed_file", "wrong_range"])
async def test_another_file_under_the_link_is_begun_anew(stage: Stage, name: str) -> None:
    stage.sandbox.fault("reset")
    stage.sandbox.fault(name, first=2)
    whole(stage, await stage.export())


async def test_a_resumed_download_asks_only_for_the_rest(stage: Stage, tmp_path: Path) -> None:
    job = await poll(stage.client, (await start_export(stage.client, stage.query, 10**6)).id, pause=PAUSE)
    stage.sandbox.fault("reset", times=3, share=0.3)
    received = await download_and_decompress(job.url, tmp_path / "x.csv", pause=PAUSE)
    served = [entry for entry in stage.sandbox.state()["requests"] if entry["route"] == "file"]
    assert [entry["status"] for entry in served] == [200, 206, 206, 206]
    assert received.sha256 == hashlib.sha256((tmp_path / "x.csv").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "settings",
    [
        {"content_encoding": True},
        {"content_type": "text/plain"},
        {"byte_order_mark": True},
        {"windows_lines": True},
        {"member_rows": 100},
        {"member_rows": 100, "windows_lines": True, "byte_order_mark": True},
    ],
)
async def test_every_shape_of_the_file(stage: Stage, settings: dict[str, object]) -> None:
    stage.sandbox.set(**settings)
    export = await stage.export()
    assert (export.rows, export.cut, export.notes) == (await stage.client.count(stage.query), False, [])
    whole(stage, export)


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("html_file", LinkExpired, "a page or an error"),
        ("expired", LinkExpired, "not valid"),
        ("corrupt", BadFile, "costs nothing"),
        ("empty_file", BadFile, "costs nothing"),
        ("reset", NoAnswer, "What came is kept"),
    ],
)
async def test_a_file_that_stays_bad_is_said_and_never_exported_again(
    stage: Stage, name: str, error: type[BotifyError], text: str
) -> None:
    stage.sandbox.fault(name, times=0, **({"share": 0.0} if name == "reset" else {}))
    with pytest.raises(error, match=text):
        await stage.export(pause=0.002)
    assert not list((stage.folder / "exports").glob("[!.]*"))
    stage.sandbox.heal()
    whole(stage, await stage.export())
    assert stage.sandbox.state()["job_posts"] == 1


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_link_that_expires_is_asked_for_again(stage: Stage, fresh: bool) -> None:
    stage.sandbox.set(link_life=0.15, fresh_links=fresh)
    job = await poll(stage.client, (await start_export(stage.client, stage.query, 10**6)).id, pause=PAUSE)
    await asyncio.sleep(0.2)
    stage.sandbox.set(link_life=0)  # the next one is good for as long as it takes
    if fresh:
        export = await stage.export(adopt=job.id)
        whole(stage, export)
    else:
        with pytest.raises(LinkExpired):
            await stage.export(adopt=job.id)


async def test_rows_that_are_missing_are_said(stage: Stage) -> None:
    stage.sandbox.set(missing_rows=3)
    export = await stage.export()
    assert export.cut
    assert "was cut" in export.notes[0]
    assert "does not say why" in export.notes[0]
    whole(stage, export)


async def test_an_export_up_to_the_cap_is_marked_as_cut(stage: Stage) -> None:
    export = await stage.export(limit=100)
    assert (export.rows, export.cut) == (100, True)
    assert "as many as one export was to have" in export.notes[0]
    assert stage.sandbox.state()["credits"] == 10.0


@pytest.mark.parametrize("name", [".export.csv.raw.part", ".export.csv.part"])
async def test_a_full_disk_is_said_and_nothing_is_paid_again(stage: Stage, name: str) -> None:
    job = await poll(stage.client, (await start_export(stage.client, stage.query, 10**6)).id, pause=PAUSE)
    making = stage.shelf.making(stage.shelf.place(stage.query, stage.client.base_url, job.id))
    making.mkdir(parents=True)
    (making / name).symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"The disk is full.*nothing is paid again"):
        await stage.export(adopt=job.id)
    (making / name).unlink(missing_ok=True)
    whole(stage, await stage.export(adopt=job.id))


# -- refusals on the way


async def test_wrong_token_no_permission_unknown_project_and_a_purged_analysis(stage: Stage) -> None:
    stage.sandbox.fault("other_envelope")
    with pytest.raises(Unauthorized, match=r"app\.botify\.com/account"):
        await stage.client.account()
    with pytest.raises(Forbidden):
        await stage.client.projects("other-org")
    with pytest.raises(NotFound, match="no such project"):
        await stage.client.analyses(Project("acme-org", "nope"))
    with pytest.raises(NotFound, match="no such analysis"):
        await preflight(stage.client, link_graph(SHOP, "19990101"), stage.shelf)
