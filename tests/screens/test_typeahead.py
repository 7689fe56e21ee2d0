"""A burst of keys does in the app what the same keys do one by one."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest
from textual import events

from pipetui.service.place import Place
from pipetui.settings import Settings

from .stage import Stage, serving, stage

KEYS = ["a", "b", "n", "r", "u", "f", "x", "1", "2", "3", "slash", "backspace", "left", "home", "up", "down", "tab"]
KEYS += ["enter", "enter", "enter", "enter", "escape", "ctrl+g", "g", "H", "question_mark"]
LENGTH = 24


def key(name: str) -> events.Key:
    shown = {"slash": "/", "question_mark": "?"}.get(name, name)
    return events.Key(name, shown if len(shown) == 1 else None)


async def rest(it: Stage) -> None:
    await it.pilot.pause()
    async with asyncio.timeout(30):
        while it.app._typed or not it.app.is_at_rest:
            await asyncio.sleep(0.002)


async def played(folder: Path, keys: list[str], *, slowly: bool) -> tuple[object, ...]:
    """What the app has come to: its screens, its focus, what is typed, and the runs with their histories."""
    async with serving(folder) as service:
        run = await service.runs.create("default", "hello")
        await Place(service.db).put(
            {"screen": "run", "app_name": "hello", "run": run.id, "memory": {}, "profile": "default"}
        )
        async with stage(service, (80, 24)) as it:
            await it.sees("one line of text")
            for name in keys:
                it.app.post_message(key(name))
                if slowly:
                    await rest(it)
            await rest(it)
            await it.app.settle()
            await rest(it)
            focused = it.app.focused
            lines = await service.shelves.lines(limit=50)
            said = [
                (
                    line.part,
                    [(told.what, told.said) for told in await service.runs.told(await service.runs.open(line.id))],
                )
                for line in lines
            ]
            typed = [getattr(widget, "value", None) for widget in it.app.screen.query("Input, Search")]
            return [type(screen).__name__ for screen in it.app.screen_stack], type(focused).__name__, typed, said


@pytest.mark.parametrize("seed", range(8))
async def test_a_burst_is_what_its_keys_are(tmp_path: Path, seed: int) -> None:
    keys = random.Random(seed).choices(KEYS, k=LENGTH)
    slow = await played(tmp_path / "slow", keys, slowly=True)
    fast = await played(tmp_path / "fast", keys, slowly=False)
    assert fast == slow, keys


@pytest.mark.parametrize(("keys", "leaving"), [({}, "ctrl+q"), ({"quit": "q,f10"}, "f10")])
async def test_the_key_that_leaves_is_known(tmp_path: Path, keys: dict[str, str], leaving: str) -> None:
    async with serving(tmp_path, Settings(keys=keys)) as service, stage(service) as it:
        assert it.app.leaves(events.Key(leaving, None))
        assert not it.app.leaves(events.Key("q", "q")) and not it.app.leaves(events.Paste("q"))
