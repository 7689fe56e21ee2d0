"""The footer of every screen, at both widths: whatever is dropped, the ways out are there."""

from pathlib import Path

import pytest

from pipetui.service.place import Place
from tests.screens.stage import Stage, serving, stage

OPTIONS = {"ticks": 200, "pause": 0.1, "fail_at": 0, "kill_at": 0, "kill": "job"}


def footer(it: Stage) -> str:
    return it.lines[-1].strip()


@pytest.mark.parametrize("width", [80, 120])
async def test_help_and_quit_are_always_there(tmp_path: Path, width: int) -> None:
    async with serving(tmp_path) as service:
        hello = await service.runs.create("default", "hello")
        for step, value in (("step_01", "Ada"), ("step_02", "Hello Ada!")):
            await service.runs.submit(hello.id, step, value)
        stream = await service.runs.create("default", "stream_simulator")
        await service.runs.submit(stream.id, "step_01", OPTIONS)
        await service.runs.shelve((await service.runs.create("default", "hello", "old")).id, "binned")
        places = [
            ("home", "", "", {}, "Recent runs", "/ Search"),
            ("workflow", "hello", "", {}, "complete, not finalized", "n New run"),
            ("workflow", "hello", "", {"shelf": "binned"}, "Bin", "t Take back"),
            ("run", "hello", hello.id, {}, "finalizes this run", "f Finalize"),
            ("run", "hello", hello.id, {"card": "step_01", "body": False}, "finalizes this run", "r Revert"),
            ("run", "stream_simulator", stream.id, {}, "Waiting for its turn", "x Cancel"),
            ("jobs", "", "", {}, "Under way", "x Cancel"),
        ]
        for screen, app_name, run, memory, seen, key in places:
            await Place(service.db).put({"screen": screen, "app_name": app_name, "run": run, "memory": memory})
            async with stage(service, (width, 24)) as it:
                await it.sees(seen, key)
                assert "F1 Help" in footer(it) and footer(it).endswith("q Quit"), footer(it)
                assert screen == "home" or "Esc Back" in footer(it), footer(it)


async def test_help_and_quit_are_there_while_one_types(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "url_inspector")
        await Place(service.db).put({"screen": "run", "app_name": "url_inspector", "run": run.id, "memory": {}})
        async with stage(service, (80, 24)) as it:
            await it.sees("Ctrl+G Submit", "F1 Help", "Ctrl+Q Quit")


async def test_the_menu_and_the_chat_stay_longer_than_rare_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    async with serving(tmp_path) as service:
        await service.runs.create("default", "hello")
        await Place(service.db).put({"screen": "workflow", "app_name": "hello", "run": "", "memory": {}})
        async with stage(service, (80, 24)) as it:
            await it.sees("n New run", "Ctrl+O Chat", "Ctrl+P Menu", "F1 Help", "q Quit")
            await it.press("ctrl+o")
            await it.sees("Enter sends")
            await it.type("hello")
            await it.press("enter", "tab")
            await it.sees("y Copy", "Ctrl+O Chat", "Ctrl+P Menu", "F1 Help", "q Quit")


async def test_where_there_is_room_the_cards_tell_how_they_get_into_the_chat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        await Place(service.db).put({"screen": "run", "app_name": "hello", "run": run.id, "memory": {}})
        async with stage(service, (120, 24)) as it:
            await it.sees("Ctrl+G Submit")
            await it.press("escape")
            await it.sees("e History  i Explain  m To the chat", "Ctrl+P Menu", "g Jobs", "q Quit")
            await it.pilot.resize_terminal(80, 24)
            await it.misses("i Explain", "m To the chat")
            assert "e History" in footer(it)
            await it.press("ctrl+o")  # there the empty chat tells it
            await it.sees("On a card, i has it explained, and m brings it here.")
