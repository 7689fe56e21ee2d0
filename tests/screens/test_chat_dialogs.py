"""Conversations, models, and what the model sees: the dialogs of the chat."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipetui.screens.base import Place
from pipetui.screens.listing import Listing
from pipetui.screens.told import adding_up
from pipetui.settings import ChatSettings, Settings
from tests.chat.server import Model, Reply, Server
from tests.chat.test_client import free_port

from .stage import Stage, serving, stage
from .test_chat import NARROW, WIDE, ask, chatting

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    async with Server(Reply("Fine."), library=[Model("qwen3:1.7b")]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


async def names(it: Stage) -> list[str]:
    return sorted(line.name for line in await it.service.conversations.lines())


async def test_a_conversation_is_found_by_a_word_and_opened_where_it_was_said(tmp_path: Path) -> None:
    async with chatting(tmp_path) as it:
        await ask(it, "canonical tags")
        await it.sees("Fine.")
        await it.press("ctrl+n")
        await it.sees("Ask what you like")
        await ask(it, "something else")
        await it.sees("Fine.")
        await it.press("ctrl+l")
        await it.sees("Conversations")
        await it.type("canon")
        await it.sees("Said", "canonical tags")
        await it.press("enter")
        await it.misses("something else")
        await it.sees("canonical tags", "Fine.")


async def test_a_conversation_is_renamed_exported_and_deleted(tmp_path: Path) -> None:
    async with chatting(tmp_path) as it:
        await ask(it, "canonical tags")
        await it.sees("Fine.")
        await it.press("ctrl+l")
        await it.sees("Conversations")
        await it.press("ctrl+r")
        await it.sees("The name of this conversation")
        await it.type("Tags")
        await it.press("enter")
        await it.until(lambda: _are(it, ["Tags"]))
        await it.press("ctrl+e")
        await it.sees("Exported to")
        (file,) = (it.service.paths.data / "chats").glob("tags-*.md")
        assert "canonical tags" in file.read_text() and "Fine." in file.read_text()
        await it.press("ctrl+d")
        await it.sees("Delete Tags?", "Its 2 messages are removed for good.")
        assert "The run and its values" not in it.text
        await it.press("enter")
        await it.until(lambda: _are(it, ["General"]))  # a new one in its place
        await it.press("escape")
        await it.sees("Ask what you like")


async def _are(it: Stage, wanted: list[str]) -> bool:
    return await names(it) == wanted


async def test_a_conversation_of_a_run_leads_to_the_run(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        where = await service.conversations.in_use(run.id)
        await service.conversations.note(where.id, "About redirects.")
        async with stage(service, WIDE) as it:
            await it.press("ctrl+o")
            await it.sees("Ask what you like")
            await it.press("ctrl+l")
            await it.type("redirects")
            await it.sees("Said")
            await it.press("down", "enter")
            await it.sees("Your Name", "About redirects.")


async def test_a_model_is_chosen_for_a_workflow_and_brought(tmp_path: Path, server: Server) -> None:
    server.models.append(Model("tiny:1b"))
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        async with stage(service, WIDE) as it:
            it.app.go(Place("run", "hello", run.id))
            await it.sees("Your Name")
            await it.press("ctrl+o")
            await it.sees("Enter sends")
            await it.type("/model")
            await it.press("enter")
            await it.sees("Models", "tiny:1b", "llama3.2:3b")
            await it.type("tiny")
            await it.press("ctrl+t")
            await it.sees("for this workflow")
            await it.press("escape")
            await ask(it, "Who are you?")
            await it.until(lambda: bool(server.chats))
            assert server.chats[-1].json()["model"] == "tiny:1b"
            await it.sees("Fine.")
            await it.type("/model")
            await it.press("enter")
            await it.sees("Models")
            await it.type("qwen3:1.7b")
            await it.sees("download 'qwen3:1.7b'")
            await it.press("enter")
            await it.sees("qwen3:1.7b is on")
            assert server.model("qwen3:1.7b") is not None


async def test_without_a_model_the_way_to_one_is_told_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free_port()}")
    async with chatting(tmp_path, (80, 24)) as it:
        await ask(it, "/model")
        await it.sees("Models", "There is no model here", "To start it: ollama serve")


async def test_the_models_of_all_hosts_are_there_and_one_is_chosen_with_its_host(
    tmp_path: Path, server: Server
) -> None:
    async with Server(Reply("Fine."), models=["llama3.2:3b", "tiny:1b"], library=[Model("qwen3:1.7b")]) as second:
        dead = f"127.0.0.1:{free_port()}"
        settings = Settings(chat=ChatSettings(hosts=[dead, second.url]))
        here, there = (each.url.removeprefix("http://") for each in (server, second))
        async with serving(tmp_path, settings) as service:
            run = await service.runs.create("default", "hello")
            async with stage(service, WIDE) as it:
                it.app.go(Place("run", "hello", run.id))
                await it.sees("Your Name")
                await it.press("ctrl+o")
                await it.sees("Enter sends")
                await ask(it, "/model")
                await it.sees(here, there, f"Ollama is not running at {dead}.", "tiny:1b")
                await it.type("llama3.2")
                await it.misses("tiny:1b", dead)
                await it.press("down", "ctrl+t")
                await it.sees("for this workflow")
                lines = it.lines
                at = next(n for n, text in enumerate(lines) if "for this workflow" in text and "llama3.2" in text)
                assert there in lines[at - 1]
                await it.press("escape")
                await it.misses("Models")
                await ask(it, "Who are you?")
                await it.sees("Fine.")
                assert (len(server.chats), len(second.chats)) == (0, 1)
                await ask(it, "/model")
                await it.sees("for this workflow")
                await it.type("qwen3:1.7b")
                await it.sees(f"download 'qwen3:1.7b' to {here}", f"download 'qwen3:1.7b' to {there}")
                await it.press("down", "enter")
                await it.sees(f"qwen3:1.7b is on {there}")
            async with stage(service, WIDE) as it:  # it is remembered
                await it.press("ctrl+o")
                await it.sees("Enter sends")
                await ask(it, "And now?")
                await it.until(lambda: len(second.chats) == 2)


async def test_what_the_model_sees_is_shown_to_the_byte(tmp_path: Path, server: Server) -> None:
    async with chatting(tmp_path) as it:
        await ask(it, "canonical tags")
        await it.sees("Fine.")
        await it.press("tab", "v")
        await it.sees("What the model would be told now", "Instructions", "Conversation", "All")
        *parts, whole = [int(n) for line in it.lines if " tokens " in line for n in re.findall(r" (\d+)%", line)]
        assert len(parts) > 2 and sum(parts) == whole
        await it.press("tab")
        sent = it.app.chat.answerer.sent
        assert sent is not None and sent.body == server.chats[-1].body
        await it.sees("as the server received them", '"stream":true')
        await it.press("escape")
        await it.misses("as the server received them")
        await it.sees(f" {whole}% full")  # the same number


def test_shares_add_up_to_their_sum() -> None:
    assert adding_up([10.4, 20.4, 15.4]) == [11, 20, 15]
    assert adding_up([0.2, 0.2]) == [0, 0] and adding_up([]) == []
    assert adding_up([33.5, 33.5, 33.5]) == [34, 33, 33]


async def test_in_a_narrow_terminal_the_lists_show_all_that_has_room(tmp_path: Path, server: Server) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        where = await service.conversations.in_use(run.id)
        await service.conversations.rename(where.id, "What the titles of the category pages should say")
        await service.conversations.note(where.id, "word " * 60 + "about redirects, and " + "more " * 60)
        async with stage(service, NARROW) as it:
            await it.press("ctrl+o")
            await it.sees("Ask what you like")
            await it.press("ctrl+l")
            await it.sees("What the titles", "default-hello-01", "1 message ", "just now")
            await it.type("redir")
            await it.sees("Said", "about redirects, and more")
            (row,) = [row for row in it.app.screen._list.rows if row.item and row.item.message]  # type: ignore[attr-defined]
            found = [row.left.plain[span.start : span.end] for span in row.left.spans if "bold" in str(span.style)]
            assert found == ["redirects"]
            await it.press("escape")
            await it.type("/model")
            await it.press("enter")
            await it.sees("Models", "llama3.2:3b", " tokens · ")
            await it.misses("…")


async def test_a_click_in_a_dialog_s_list_does_what_enter_does(tmp_path: Path, server: Server) -> None:
    server.models.append(Model("tiny:1b"))
    async with chatting(tmp_path) as it:
        await ask(it, "/model")
        await it.sees("Models", "tiny:1b")
        await it.pilot.click(Listing, offset=(5, 1))
        await it.misses("Models")
        await it.until(lambda: "tiny:1b" in it.lines[0])


async def test_the_columns_of_a_dialog_s_list_are_laid_anew_when_there_is_more_room(tmp_path: Path) -> None:
    name = "What the titles of the category pages should say"
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        where = await service.conversations.in_use(run.id)
        await service.conversations.rename(where.id, name)
        async with stage(service, NARROW) as it:
            await it.press("ctrl+o")
            await it.sees("Ask what you like")
            await it.press("ctrl+l")
            await it.sees("What the titles", "default-hello-01", "just now")
            wide = name[:33]  # of the column, which is 34 cells wide
            assert wide not in it.text
            await it.pilot.resize_terminal(*WIDE)
            await it.sees(wide, "default-hello-01", "just now")
            await it.pilot.resize_terminal(*NARROW)
            await it.misses(wide)
            await it.sees("What the titles", "default-hello-01", "just now")
