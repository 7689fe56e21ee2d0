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
    created = name in ("malformed",)
    assert (stage.yeses == []) == created
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
    assert [value for value, _ in options][0] == "again"
    assert any(value == f"adopt:{theirs.id}" for value, _ in options)
    assert any("may cost up to" in label for _, label in options)
    assert stage.sandbox.state()["job_posts"] == 1


async def test_a_person_may_adopt_or_paste(stage: Stage) -> None:
    other = await start_export(stage.client, stage.query, 1_000_000)
    wrong = await start_export(stage.client, link_graph(SHOP, CRAWL, 1), 10)
    stage.sandbox.fault("drop", route="create_job", times=0)
    with pytest.raises(NeedsAnswer, match="one of another query") as caught:
        counted = Counted(await stage.client.count(stage.query), exact=True)
        await stage.export(counted=counted)
        pytest.fail("it must ask")
    assert caught.value is not None if False else True
