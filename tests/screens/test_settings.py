"""The Settings screen, by keys alone: what is changed holds at once and on disk, what is wrong is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pipetui.screens.listing import Listing
from pipetui.settings import Settings, load, save
from tests.chat.server import Reply, Server
from tests.screens.stage import Stage, paths_in, serving, stage
from tests.screens.test_chat import ask, chatting


@asynccontextmanager
async def choosing(folder: Path, size: tuple[int, int] = (100, 40)) -> AsyncIterator[Stage]:
    """The app with its settings open."""
    async with serving(folder) as service, stage(service, size) as it:
        await it.sees("Hello Workflow")
        await it.press("comma")
        await it.sees("type to find a setting or a key", "The app", "Theme")
        yield it


async def find(it: Stage, words: str, label: str) -> None:
    """Narrow the list to one row."""
    await it.press("ctrl+u")
    await it.type(words)
    await it.until(lambda: it.text.count(f"    {label} ") == 1 and "Jobs at once" not in it.text)


async def change(it: Stage, words: str, label: str, typed: str) -> None:
    await find(it, words, label)
    await it.press("enter")
    await it.sees("Submit")
    await it.press("ctrl+u")
    await it.type(typed)
    await it.press("ctrl+g")


def kept(folder: Path) -> Settings:
    return load(paths_in(folder).settings)


async def test_a_number_is_refused_kept_and_given_back(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await change(it, "limit", "Word limit", "12x")
        await it.sees("This must be a whole number from 0 to 100,000", " 12x")
        assert kept(tmp_path) == Settings()
        await it.press("backspace", "enter")
        await it.sees("12 words", "default 200 words", "Default: 200 words · chat.word_limit")
        assert kept(tmp_path).chat.word_limit == it.service.settings.chat.word_limit == 12
        await it.press("ctrl+r")
        await it.sees("200 words")
        await it.misses("12 words")
        assert kept(tmp_path) == Settings()


async def test_lines_are_kept_as_lines(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await find(it, "instruc", "Instructions")
        await it.press("enter")
        await it.sees("Ctrl+G keeps it")
        await it.type("one")
        await it.press("enter", "enter")
        await it.type("two")
        await it.press("ctrl+g")
        await it.sees("one … (3 lines)")
        await change(it, "ollama_host", "Hosts", "a b")
        await it.sees("'a b' is no host")
        await it.press("ctrl+u")
        await it.type("one.example")
        await it.press("enter")
        await it.type("two.example")
        await it.press("ctrl+g")
        await it.sees("one.example, two.example")
        assert kept(tmp_path).chat.system == "one\n\ntwo"
        assert kept(tmp_path).chat.hosts == ["one.example", "two.example"]


async def test_a_theme_is_seen_at_once(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await find(it, "colours app", "Theme")
        await it.press("enter")
        await it.sees("type to filter")
        await it.type("nord")
        await it.press("enter")
        await it.sees("default textual-dark")
        assert it.app.theme == kept(tmp_path).theme == "nord"
        await it.press("ctrl+r")
        await it.until(lambda: it.app.theme == "textual-dark")


async def test_what_takes_effect_later_says_when(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await find(it, "mouse", "Mouse")
        await it.sees("In effect when the app is opened again · Default: yes · mouse")
        await it.press("enter")
        await it.sees("A change takes effect when the app is opened again.", "● Yes")
        await it.press("n", "enter")
        await it.sees("default yes")
        assert not kept(tmp_path).mouse


async def test_a_key_is_another_one_at_once_and_the_screen_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        await it.press("enter")
        await it.sees("No run yet", "n New")
        await it.press("comma")
        await it.sees("type to find")
        await it.type("keys.new add to it")
        await it.until(lambda: it.text.count("    New ") == 1)
        await it.press("enter")
        await it.sees("Press a key for New", "now n")
        await it.press("a")
        await it.sees("Archive (Runs of a workflow) has the key a")
        await it.press("down")
        await it.sees("Lists and inputs have a use for ↓ already.")
        await it.press("7")
        await it.sees("A number leads to the card that has it.")
        await it.press("f6")
        await it.misses("Press a key")
        await it.sees("F6", "default n")
        await it.press("escape")
        await it.sees("No run yet", "F6 New")
        await it.press("f6")
        await it.sees("A new run")
        await it.press("escape")
        await it.misses("A new run")
        await it.press("n")  # no command any more: it begins a search
        await it.sees("No run has that in its key")
        assert kept(tmp_path).keys == {"new": "f6"}
        await it.press("escape", "comma")
        await it.sees("type to find")
        await it.type("keys.new add to it")
        await it.sees("default n")
        await it.press("ctrl+r")
        await it.misses("default n")
        await it.press("escape")
        await it.sees("n New")


async def test_a_search_finds_keys_too_and_begins_at_its_first_row(tmp_path: Path) -> None:
    async with choosing(tmp_path, (80, 24)) as it:
        await it.press("pagedown", "pagedown")
        await it.sees("Keys: Cards")
        await it.press("pageup", "pageup")
        await it.sees("Default: textual-dark · theme")
        await it.press("down", "down")
        await it.type("key ctrl+l")
        await it.sees("Find, rename, export and delete conversations.", "In the chat · Default: l Ctrl+L")
        await it.press("ctrl+u")
        await it.type("theme")
        await it.sees("Default: textual-dark · theme", "Keys: Everywhere")
        await it.press("ctrl+u")
        await it.type("no such thing")
        await it.sees("No setting and no key is called so.")
        await it.press("enter", "ctrl+r", "escape")
        await it.misses("No setting and no key")
        assert not paths_in(tmp_path).settings.exists()


async def test_a_command_without_a_key_can_have_one(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await find(it, "choose colours key", "Theme")
        await it.press("enter")
        await it.sees("now none")
        await it.press("f9")
        await it.sees("default none")
        await it.press("escape")
        await it.misses("type to find a setting")
        await it.press("f9")
        await it.sees("Search for themes")


async def test_escape_leaves_the_key_and_the_screen_as_they_are(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await find(it, "open finished step", "Revert")
        await it.press("enter")
        await it.sees("Press a key for Revert")
        await it.press("escape")
        await it.misses("Press a key for Revert")
        await it.press("escape")
        await it.misses("type to find")
        assert not paths_in(tmp_path).settings.exists()


async def test_another_terminal_is_seen_and_not_overwritten(tmp_path: Path) -> None:
    async with choosing(tmp_path) as it:
        await find(it, "limit", "Word limit")
        await it.press("enter")
        await it.sees("Submit")
        save(paths_in(tmp_path).settings, {"chat.word_limit": 300, "theme": "nord"})
        await it.press("end", "1", "enter")
        await it.sees("was changed meanwhile", "It is 300 words now.", "2001")
        assert kept(tmp_path).chat.word_limit == 300 and it.app.theme == "nord"
        await it.press("enter")
        await it.sees("2,001 words")
        assert kept(tmp_path) == it.service.settings and kept(tmp_path).chat.word_limit == 2001


async def test_a_change_of_the_file_is_taken_and_a_broken_one_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipetui.app.FILES_SECONDS", 0.05)
    file = paths_in(tmp_path).settings
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow", "/ Search")
        save(file, {"theme": "nord", "keys.search": "f7"})
        await it.until(lambda: it.app.theme == "nord")
        await it.sees("F7 Search")
        file.write_text("theme = 'dracula'\njobs_at_once = 99\n")
        await it.sees("jobs_at_once = 99: This must be")
        assert it.app.theme == "nord" and service.settings.theme == "nord"
        said = [notice.message for notice in it.app._notifications]
        file.write_text("theme = 'dracula'\n")
        await it.until(lambda: it.app.theme == "dracula")
        await it.sees("/ Search")
        assert len([text for text in said if "jobs_at_once" in text]) == 1


async def test_what_cannot_be_written_is_a_sentence_and_what_was_typed_stays(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("in its way")
    async with choosing(tmp_path) as it:
        await change(it, "limit", "Word limit", "12")
        await it.sees("nothing was changed", " 12")
        assert it.service.settings == Settings()


async def test_the_chat_opens_them_and_gets_the_focus_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    async with chatting(tmp_path) as it:
        await ask(it, "/settings")
        await it.sees("type to find a setting or a key")
        await find(it, "address nothing opened", "Copy link")
        await it.press("enter")
        await it.sees("Press a key for Copy link")
        await it.press("f4")
        await it.sees("default o")
        await it.press("escape")
        await it.misses("type to find")
        await it.until(lambda: it.app.main.is_in_chat)


async def test_the_chat_heeds_them_from_the_next_answer_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    async with Server() as server, chatting(tmp_path) as it:
        await it.sees("is not running at 127.0.0.1:9")
        server.script = lambda request: Reply("A **canonical** tag.")
        await it.service.choices.change({"chat.hosts": [server.url], "chat.word_limit": 77, "chat.context": 4096})
        await it.sees("llama3.2:3b")
        await ask(it, "What is a canonical tag?")
        await it.sees("A canonical tag.")
        (chat,) = server.chats
        assert "77 words" in chat.json()["messages"][0]["content"] and chat.json()["options"]["num_ctx"] == 4096


async def test_the_row_under_the_cursor_is_seen_without_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with choosing(tmp_path) as it:
        await it.press("down")
        rows = it.app.screen.query_one(Listing)
        lined = [any(part.style and part.style.underline for part in rows.render_line(number)) for number in range(4)]
        assert lined == [False, False, True, False]


async def test_what_has_lines_tells_which_key_keeps_them(tmp_path: Path) -> None:
    async with choosing(tmp_path, (80, 24)) as it:
        await find(it, "chat.hosts", "Hosts")
        await it.press("enter")
        await it.sees("Ctrl+G keeps it · Enter begins a line")


async def test_where_no_model_is_set_the_one_that_answers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server(Reply("Fine."), models=["qwen3:4b"]) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        async with chatting(tmp_path) as it:
            await it.until(lambda: "qwen3:4b" in it.lines[0])
            await it.type("/settings")
            await it.press("enter")
            await it.sees("type to find a setting or a key")
            await it.sees("none: qwen3:4b answers")
