"""kill -9 of the app, and of commands beside it, at random: what was acknowledged is there, the next start works.

tests/worker/test_faults.py and tests/workflows/test_url_inspector.py do the same to the worker and its jobs.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_app import ENTER, home, program, remembered
from tests.e2e.test_headless import call, start
from tests.terminal.pty import Terminal

__all__ = ["home"]

START = 8.0
"""Seconds that the next start may take on a machine that has other work; by itself it takes one."""

# What is typed, what the screen says then, and what that acknowledges: the step with its value, or the lock.
KEYS = [
    ("", "Hello Workflow", {}),
    (ENTER, "No run yet", {}),
    ("n", "A new run", {}),
    (ENTER, "one line of text", {}),
    ("Ada" + ENTER, "Hello Ada!", {"step_01": {"name": "Ada"}}),
    (ENTER, "Enter finalizes this run", {"step_02": {"greeting": "Hello Ada!"}}),
    (ENTER, "This run is locked.", {"finalize": {"finalized": True}}),
]


def acknowledged(it: Terminal, chance: random.Random) -> dict[str, Any]:
    """What the app says to have, until it is killed: soon after one of the keys."""
    said: dict[str, Any] = {}
    last = chance.choice((0, 1, 3, 4, 4, 5, 5, 6, 6))
    for keys, answer, means in KEYS[:last]:
        it.send(keys)
        it.wait_for(answer)
        said |= means
    keys, answer, means = KEYS[last]
    it.send(keys)
    until = time.monotonic() + chance.uniform(0, 0.5 if last == 0 else 0.15)
    while time.monotonic() < until:
        it.read(0.005)
    it.process.kill()
    return said | (means if any(answer in line for line in it.lines()) else {})


def ready(it: Terminal, text: str) -> float:
    """Seconds until the program, just begun, shows this."""
    begun = time.monotonic()
    it.wait_for(text)
    return time.monotonic() - begun


def test_the_start_after_a_kill_is_as_quick_as_any(home: Path) -> None:
    """Measured in turn in one run, the best of each: the machine has other work too."""
    with program() as it:
        for keys, answer, _ in KEYS[:4]:
            it.send(keys)
            it.wait_for(answer)
        it.wait(lambda: '"run"' in remembered(home).get("screen", ""))
        it.process.kill()
        it.process.wait()
    seconds: dict[str, list[float]] = {"killed": [], "left": []}
    before, then = "killed", "left"
    for _ in range(6):
        with program() as it:
            seconds[before].append(ready(it, "F1 Help"))
            assert any("default-hello-01" in line for line in it.lines())
            if then == "left":
                it.send("\x11")
                assert it.end() == 0
            else:
                it.process.kill()
                it.process.wait()
        before, then = then, before
    assert min(seconds["killed"]) < 1.5 * min(seconds["left"]) + 0.3, seconds


def _killed_at_random(home: Path, seed: int) -> None:
    chance = random.Random(seed)
    greetings = [f"Hello {seed}-{number}" for number in range(2)]
    with program() as it:
        begun = time.monotonic()
        commands = {
            f"c{number}": start(home, "run", "hello", "--profile", "beside", "--key", f"c{number}",
                                "--set", f"name={number}", "--set", f"greeting={greeting}", "--json")
            for number, greeting in enumerate(greetings)
        }  # fmt: skip
        ends = {part: begun + chance.uniform(0.2, 1.5) for part in commands}
        said = acknowledged(it, chance)
        it.process.wait()
    expected = {"default-hello-01": said} if said else {}
    for (part, command), greeting in zip(commands.items(), greetings, strict=True):
        while command.poll() is None and time.monotonic() < ends[part]:
            time.sleep(0.005)
        command.kill()
        out, _ = command.communicate()
        if command.returncode == 0:
            expected[f"beside-hello-{part}"] = record = json.loads(out)["record"]
            assert record["step_02"] == {"greeting": greeting}
    for key, record in expected.items():
        shown = json.loads(call(home, "show", key, "--json").stdout)
        assert shown["record"] | record == shown["record"], f"{key} lost what was acknowledged"
    with program() as it:
        assert ready(it, "Hello") < START, "the next start"
        it.send("\x11")
        assert it.end() == 0 and it.is_restored()
    with closing(sqlite3.connect(f"file:{home}/data/pipetui.db?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@pytest.mark.parametrize("seed", range(10))
def test_random_kills_lose_nothing_acknowledged(home: Path, seed: int) -> None:
    _killed_at_random(home, seed)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(1000, 1080))
def test_many_random_kills_lose_nothing_acknowledged(home: Path, seed: int) -> None:
    _killed_at_random(home, seed)
