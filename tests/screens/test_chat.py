"""The chat pane beside the cards, with a model behind a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.events import Key

from pipetui.engine.collections import TASKS
from pipetui.service.conversations import GO_ON
from pipetui.widgets.prompt import Prompt
from pipetui.widgets.transcript import Transcript
from tests.chat.server import Model, Reply, Server

from .stage import Stage, serving, stage

WIDE, NARROW = (140, 40), (80, 24)


@asynccontextmanager
async def chatting(folder: Path, size: tuple[int, int] = WIDE) -> AsyncIterator[Stage]:
    """The app with the focus in the chat's prompt."""
    async with serving(folder) as service, stage(service, size) as it:
        await it.press("ctrl+o")
        await it.sees("Enter sends")
        yield it


async def ask(it: Stage, text: str) -> None:
    await it.type(text)
    await it.press("enter")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    async with Server() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


async def test_a_question_is_answered(tmp_path: Path, server: Server) -> None:
    server.script = lambda request: Reply("A **canonical** tag names the page that counts.")
    async with chatting(tmp_path) as it:
        await ask(it, "What is a canonical tag?")
        await it.sees("What is a canonical tag?", "A canonical tag names the page that counts.", "llama3.2:3b")
        (chat,) = server.chats
        assert chat.json()["messages"][-1]["content"].endswith("What is a canonical tag?")


@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
async def test_an_answer_is_stopped_and_what_came_is_kept(tmp_path: Path, server: Server, key: str) -> None:
    server.script = lambda request: Reply("one two three ", endless=True, rate=50)
    async with chatting(tmp_path) as it:
        await ask(it, "Count")
        await it.sees("one two three one", "Esc Stop")
        await it.misses("Ctrl+C")
        await it.press(key)
        await it.sees("Stopped by you", "c lets the model go on")
        await it.until(lambda: server.chats[0].outcome == "gone")
        where = await it.service.conversations.in_use()
        (_, answer) = (await it.service.conversations.page(where.id)).messages
        assert answer.state == "stopped" and answer.text.startswith("one two three one")
        assert answer.usage.model == "llama3.2:3b"  # it is signed as a finished one is
        server.script = lambda request: Reply("four five six")
        await it.press("tab", "c")
        await it.sees("four five six")
        assert server.chats[-1].json()["messages"][-2]["content"].startswith("one two three")
        assert server.chats[-1].json()["messages"][-1]["content"].endswith(GO_ON)
        await it.press("tab", "up")  # those were not the user's own words
        await it.sees("Editing your last message")
        assert _prompt(it) == "Count"


async def test_the_run_has_a_conversation_of_its_own_and_the_model_sees_its_cards(
    tmp_path: Path, server: Server
) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        await service.runs.submit(run.id, "name", "Ada Lovelace")
        async with stage(service, WIDE) as it:
            it.app.go(_place(run.id))
            await it.sees("Ctrl+G Submit")
            await it.press("ctrl+o")
            await it.sees("Enter sends")
            await ask(it, "What is my name?")
            await it.until(lambda: len(server.chats) == 1)
            (chat,) = server.chats
            told = chat.json()["messages"]
            assert "# Hello Workflow" in told[0]["content"]
            assert "Ada Lovelace" in told[-1]["content"]
            assert (await service.conversations.in_use(run.id)).name == "default-hello-01"


async def test_in_a_narrow_terminal_one_pane_shows_at_a_time(tmp_path: Path, server: Server) -> None:
    async with chatting(tmp_path, NARROW) as it:
        await it.misses("Workflows")
        await it.press("ctrl+o")
        await it.sees("Workflows")
        await it.misses("Enter sends")
        await it.press("down", "enter")
        await it.sees("No run yet")


async def test_the_keys_of_the_cards_rest_while_one_is_in_the_chat(tmp_path: Path, server: Server) -> None:
    server.script = lambda request: Reply("Fine.")
    async with chatting(tmp_path) as it:
        await ask(it, "How are you?")
        await it.sees("Fine.")
        await it.press("tab")
        await it.press("p")  # pins; at home it would pick a profile
        await it.sees("Pinned")
        await it.misses("Which client or project")


async def test_a_proposal_is_approved_by_its_key_on_its_card_alone(tmp_path: Path, server: Server) -> None:
    replies = [Reply("May I?", calls=[("tasks_insert", {"text": "call [b]Ada[/] back"})]), Reply("It is on the list.")]
    server.script = lambda request: replies.pop(0) if len(replies) > 1 else replies[0]
    async with chatting(tmp_path) as it:
        await ask(it, "Remind me")
        await it.sees("May I?", "to decide", "text: call [b]Ada[/] back")
        await it.type("aaa")  # in the prompt it is a text
        await it.press("ctrl+u", "tab", "up", "a")  # on the message, not on its card
        assert await it.service.collections.items(TASKS) == []
        await it.press("down", "a")
        await it.sees("It is on the list.")
        (task,) = await it.service.collections.items(TASKS)
        assert task.values["text"] == "call [b]Ada[/] back"


async def test_a_message_its_code_and_its_addresses_are_copied(tmp_path: Path, server: Server) -> None:
    text = "See [one](https://example.com/1) and https://example.com/2\n\n```python\nprint(1)\n```"
    server.script = lambda request: Reply(text)
    async with chatting(tmp_path) as it:
        await ask(it, "Show me")
        await it.sees("print(1)")
        await it.press("tab", "y")
        await it.sees("Copied the message")
        assert it.app.clipboard == text
        await it.press("Y")
        await it.sees("Copied the code")
        assert it.app.clipboard.strip() == "print(1)"
        await it.press("o")
        await it.sees("Copy which address?")
        await it.press("down", "enter")
        await it.sees("Copied the address")
        assert it.app.clipboard == "https://example.com/2"


async def test_a_pane_whose_transcript_is_gone_already_draws_no_more(tmp_path: Path, server: Server) -> None:
    """At the end of the app the parts of a pane go before the pane itself."""
    async with chatting(tmp_path) as it:
        pane = it.app.main.chat
        assert pane is not None
        await pane.query_one(Transcript).remove()
        where = await it.service.conversations.in_use()
        await it.service.conversations.note(where.id, "Who sees this?")
        await pane.changed(None)
        await pane.show(where)


async def test_another_text_makes_a_branch(tmp_path: Path, server: Server) -> None:
    server.script = lambda request: Reply(f"You said: {request['messages'][-1]['content'][-5:]}")
    async with chatting(tmp_path) as it:
        await ask(it, "first")
        await it.sees("You said: first")
        await it.press("tab", "up", "e")
        await it.sees("Editing what you said")
        await it.press("ctrl+u")
        await ask(it, "other")
        await it.sees("You said: other", "This is a branch of 'General'")
        await it.misses("You said: first")


async def test_up_in_the_empty_prompt_edits_the_last_message(tmp_path: Path, server: Server) -> None:
    server.script = lambda request: Reply(f"You said: {request['messages'][-1]['content'][-5:]}")
    async with chatting(tmp_path) as it:
        for text in ("older", "first"):
            await ask(it, text)
            await it.sees(f"You said: {text}", "↑ edits last")
        await it.press("up")
        await it.sees("Editing your last message", "Esc leaves it")
        await it.press("up")  # further up they are said anew
        await it.misses("Editing your last message")
        assert _prompt(it) == "older"
        await it.press("down")
        await it.sees("Editing your last message")
        await it.press("!", "up", "down")  # what was changed is not given up for another one
        assert _prompt(it) == "first!"
        await it.press("escape")  # it stays, to be said anew
        await it.misses("Editing your last message")
        assert _prompt(it) == "first!"
        await it.press("ctrl+u", "up", "escape")
        assert _prompt(it) == ""
        await it.press("up", "ctrl+u")
        await ask(it, "other")
        await it.sees("You said: older", "You said: other", "This is a branch of 'General'", "Ctrl+L lists them")
        await it.sees("Enter sends")  # nothing lies on the hints
        await it.misses("You said: first")
        lines = {line.name: line for line in await it.service.conversations.lines()}
        page = await it.service.conversations.page(lines["General"].id)  # the old one can still be had
        assert [each.text for each in page.messages if each.by == "user"] == ["older", "first"]


async def test_an_edited_message_is_answered_in_place_of_the_old_one(tmp_path: Path, server: Server) -> None:
    server.script = lambda request: Reply("one two ", endless=True, rate=50)
    async with chatting(tmp_path) as it:
        await ask(it, "Count")
        await it.sees("one two one")
        server.script = lambda request: Reply("Three.")
        await it.press("up", "!", "enter")
        await it.sees("Count!", "Three.")
        await it.until(lambda: server.chats[0].outcome == "gone")


async def test_what_was_begun_to_type_comes_back_from_what_was_said_before(tmp_path: Path, server: Server) -> None:
    server.script = lambda request: Reply("Fine.")
    async with chatting(tmp_path) as it:
        await ask(it, "first")
        await it.sees("Fine.")
        await it.type("half")
        await it.press("up")
        assert _prompt(it) == "first"
        await it.misses("Editing")  # with a text begun it is said anew
        await it.press("down")
        assert _prompt(it) == "half"
        await it.press("tab", "up", "e")
        await it.sees("Editing what you said")
        await it.press("escape")
        await it.misses("Editing")
        assert _prompt(it) == "half"
        await it.press("tab", "up", "e", "!", "escape")
        await it.misses("Editing")
        assert _prompt(it) == "half\nfirst!"


def _prompt(it: Stage) -> str:
    return it.app.screen.query_one(Prompt).text


@pytest.mark.parametrize("size", [(120, 40), NARROW])
async def test_the_name_of_a_conversation_has_the_room_and_the_model_is_told_once(
    tmp_path: Path, server: Server, size: tuple[int, int]
) -> None:
    server.script = lambda request: Reply("Fine.")
    name = "Canonical tags of our shop"
    async with serving(tmp_path) as service:
        await service.conversations.new("", name)
        async with stage(service, size) as it:
            await it.press("ctrl+o")
            await it.sees("Enter sends")
            await ask(it, "How are you?")
            await it.sees("Fine.", "% full", name)
            head = next(text for text in it.lines if "% full" in text)
            assert name in head and "llama3.2:3b" not in head
            assert "llama3.2:3b" in it.lines[0]
            server.models.append(Model("tiny:1b"))
            await it.press("tab", "m")
            await it.sees("Models", "tiny:1b")
            await it.type("tiny:1b")
            await it.misses("llama3.2:3b  ")  # the row of the list
            await it.press("enter")
            await it.until(lambda: "tiny:1b" in it.lines[0])


async def test_what_was_typed_survives_and_so_does_the_place(tmp_path: Path, server: Server) -> None:
    async with serving(tmp_path) as service:
        async with stage(service, WIDE) as it:
            await it.press("ctrl+o")
            await it.sees("Enter sends")
            await it.type("half a thou")
        async with stage(service, WIDE) as it:
            await it.sees("half a thou")
            await it.type("ght")
            await it.sees("half a thought")


def _place(run: str) -> object:
    from pipetui.screens.base import Place

    return Place("run", "hello", run)


async def test_without_a_model_it_says_so_and_what_was_asked_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server(models=[]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        for each in ("SOONEST", "LATEST"):  # who looks for a model by the clock alone comes too late
            monkeypatch.setattr(f"pipetui.chat.briefing.{each}", 3_600.0)
        async with chatting(tmp_path) as it:
            await ask(it, "Are you there?")
            await it.sees("Are you there?", "model", "tried again by itself", "Ctrl+C Don't wait", "Esc Back")
            server.models.append(Model("tiny:1b"))
            server.script = lambda request: Reply("Now I am.")
            await it.sees("Now I am.")


async def test_of_very_many_messages_the_last_is_in_sight(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipetui.screens.chat.MOST", 20)
    async with chatting(tmp_path) as it:
        chat = it.service.conversations
        where = (await chat.in_use()).id
        for number in range(50):
            await chat.note(where, f"line {number}.")
        await it.sees("line 49.")
        await it.press("tab", "home", "home")  # and the earlier ones can still be had
        await it.until(lambda: "line 0." in it.text or _home(it))


def _home(it: Stage) -> bool:
    it.app.post_message(Key("home", None))
    return False


async def test_an_export_that_can_not_be_written_is_told(tmp_path: Path, server: Server) -> None:
    async with chatting(tmp_path) as it:
        (it.service.paths.data / "chats").write_text("no folder")
        await ask(it, "/export")
        await it.sees("Not exported")


async def test_a_host_that_is_none_brings_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "a b")
    async with chatting(tmp_path) as it:
        await ask(it, "/model")
        await it.sees("Esc leaves")
        await it.type("qwen")
        await it.press("enter")
        await it.sees("must be HOST, HOST:PORT")
