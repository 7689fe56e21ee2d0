import asyncio
import json
import logging
import time
import traceback
from pathlib import Path

import pytest

from pipetui.botify import BotifyError, Client, NotFound, Project, Query, link_graph, organisations, search
from pipetui.botify.client import Token
from pipetui.botify.queries import Call
from pipetui.sandbox import Sandbox

from .conftest import CRAWL, LINKS, QUICK, SHOP, Stage, client_of


@pytest.mark.parametrize(
    "settings", [{}, {"list_cap": 2}, {"list_links": False}, {"owner_shape": "user"}, {"owner_shape": "organization"}]
)
async def test_projects_analyses_and_collections(stage: Stage, settings: dict[str, object]) -> None:
    stage.sandbox.set(**settings)
    projects = await stage.client.projects()
    assert SHOP in [info.project for info in projects]
    assert organisations(projects) == ["acme-org", "ada.lovelace", "globex-org"]
    analyses = await stage.client.analyses(SHOP)
    assert [analysis.slug for analysis in analyses[:3]] == ["20240601", "20240501-2", "20240501"]
    assert all(analysis.ready for analysis in analyses)
    everything = await stage.client.analyses(SHOP, only_success=False)
    assert {analysis.status for analysis in everything} > {"success"}
    detail = await stage.client.analysis(SHOP, CRAWL)
    assert detail.links_graph
    collections = {collection.id: collection for collection in await stage.client.collections(SHOP)}
    assert not collections[f"crawl.{CRAWL}"].timestamped
    assert any(collection.timestamped for collection in collections.values())


async def test_fields_come_from_the_cache_and_are_searched(stage: Stage) -> None:
    fields = await stage.client.fields(SHOP, f"crawl.{CRAWL}")
    again = await stage.client.fields(SHOP, f"crawl.{CRAWL}")
    assert fields == again
    assert [f.full for f in search(fields, "graph url")] == [f"crawl.{CRAWL}.outlinks_internal.graph.url"]
    await stage.client.fields(SHOP, f"crawl.{CRAWL}", refresh=True)
    asked = [entry for entry in stage.sandbox.state()["requests"] if entry["route"] == "collection"]
    assert len(asked) == 2
    kept = next((stage.folder / "cache/botify/fields").iterdir())
    kept.write_text("torn {")
    assert await stage.client.fields(SHOP, f"crawl.{CRAWL}") == fields


async def test_rows_come_page_after_page(stage: Stage) -> None:
    query = Query(SHOP, [f"crawl.{CRAWL}"], ["url", f"crawl.{CRAWL}.depth"], sort=[1])
    rows = [row async for row in stage.client.rows(query, size=7)]
    assert len(rows) == await stage.client.count(query)
    assert len({row[0] for row in rows}) == len(rows)


async def test_two_clients_keep_one_pace(tmp_path: Path) -> None:
    """Eight calls of two clients are as far apart as eight of one; on their own they would take half that time."""
    async with Sandbox(seed=1, links=LINKS) as sandbox:
        async with (
            client_of(sandbox, tmp_path, rate=4.0) as one,
            client_of(sandbox, tmp_path, rate=4.0) as other,
        ):
            await asyncio.gather(*(client.collections(SHOP) for client in (one, other) for _ in range(4)))
        state = sandbox.state()
    asked = [entry["at"] for entry in state["requests"]]
    assert asked[-1] - asked[0] > 1.4
    assert [entry["status"] for entry in state["requests"]] == [200] * 8


@pytest.mark.parametrize("text", ["", "  ", "two words here", "x" * 300, "tok\ten12345", "ünicode-token"])
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(ValueError, match="no Botify token") as caught:
        Token(text)
    assert not text.strip() or text not in str(caught.value)


def test_a_token_is_forgiven_its_wrapping() -> None:
    assert Token(" Token 0123456789abcdef\n").header() == "Token 0123456789abcdef"
    assert "0123456789abcdef" not in repr(Token("0123456789abcdef"))


@pytest.mark.parametrize(
    "url", ["http://api.botify.com/v1", "ftp://x", "api.botify.com", "http://localhost.evil.example"]
)
def test_the_token_goes_nowhere_in_clear(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Client("0123456789abcdef", base_url=url)


async def test_the_token_is_nowhere_but_in_the_header(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Log (all libraries, all levels), files, errors with their causes, shown calls, repr, the download host."""
    caplog.set_level(logging.DEBUG)
    async with Sandbox(seed=1, links=LINKS, **QUICK) as sandbox:
        asked: list[Call] = []
        stage = Stage(sandbox, client_of(sandbox, tmp_path, on_call=asked.append), tmp_path)
        async with stage.client as client:
            sandbox.fault("bad_gateway", route="job")
            export = await stage.export()
            errors: list[BaseException] = []
            for name in ("other_envelope", "drop", "malformed"):
                sandbox.fault(name, times=0)
                with pytest.raises(BotifyError) as caught:
                    await client.collections(SHOP)
                errors.append(caught.value)
                sandbox.heal()
            shown = [text for call in asked for text in (call.curl(), call.python(), repr(call))]
            shown += [repr(client), repr(vars(client)), repr(export), caplog.text]
        while errors:
            error = errors.pop()
            shown += [str(error), repr(error), repr(vars(error))]
            shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
            errors += [cause for cause in (error.__cause__, error.__context__) if cause is not None]
        assert sandbox.state()["tokens_at_files"] == 0
        token = sandbox.token
        assert token not in repr(sandbox.state()["requests"])
    assert len(caplog.records) > 20
    assert [text for text in shown if token in text] == []
    assert not any(token.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


async def test_every_request_can_be_shown(stage: Stage, tmp_path: Path) -> None:
    asked: list[Call] = []
    async with client_of(stage.sandbox, tmp_path, on_call=asked.append) as client:
        await client.count(link_graph(SHOP, CRAWL))
    call = asked[-1]
    assert call.url == f"{client.base_url}/projects/acme-org/acme-shop.example/query?size=1&count"
    assert json.loads(call.body)["collections"] == [f"crawl.{CRAWL}"]


async def test_a_next_page_elsewhere_is_not_visited(stage: Stage) -> None:
    """`next` is only a sign that there is more; the token would go wherever it points."""
    stage.sandbox.set(list_cap=1)
    await stage.client.projects()
    assert all(entry["route"] in ("profile", "projects") for entry in stage.sandbox.state()["requests"])
    with pytest.raises(NotFound, match="no such project"):
        await stage.client.collections(Project("acme-org", "https://evil.example/x"))


async def test_fields_grow_old(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.client.fields(SHOP, "global")
    now = time.time()
    for jump, requests in ((-10.0, 2), (90_000.0, 3)):
        monkeypatch.setattr(time, "time", lambda jump=jump: now + jump)
        await stage.client.fields(SHOP, "global")
        asked = [entry for entry in stage.sandbox.state()["requests"] if entry["route"] == "collection"]
        assert len(asked) == requests
        monkeypatch.undo()
