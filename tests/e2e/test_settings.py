"""Settings in the real program, by its keys: they hold at once, and at the next start."""

from pathlib import Path

from pipetui.settings import load
from tests.e2e.test_app import ENTER, ESC, home, program
from tests.terminal.pty import Terminal

__all__ = ["home"]  # the fixture

CLEAR, F6 = "\x15", "\x1b[17~"
EMPTY = "type to find a setting or a key"
WORDS, KEY = "Word limit        300 words", "Jobs              F6"


def find(it: Terminal, words: str, row: str) -> None:
    """Narrow the list of settings to few rows, this one among them."""
    if not any(EMPTY in line for line in it.lines()):
        it.send(CLEAR)
        it.wait_for(EMPTY)
    it.send(words)
    it.wait(lambda: any(row in line for line in it.lines()) and not any("Mouse" in line for line in it.lines()))


def open_settings(it: Terminal) -> None:
    it.send(",")
    it.wait_for(EMPTY)


def test_a_setting_and_a_key_are_changed_and_hold(home: Path) -> None:
    with program(size=(100, 30)) as it:
        it.wait_for("Hello Workflow")
        open_settings(it)
        find(it, "limit", "Word limit        200 words")
        it.send(ENTER)
        it.wait_for("Enter keeps it")
        it.send(CLEAR)
        it.wait(lambda: not any("▌   200" in line for line in it.lines()))
        it.send("300" + ENTER)
        it.wait_for(WORDS)
        find(it, "keys.jobs", "Jobs              g")
        it.send(ENTER)
        it.wait_for("Press a key for Jobs")
        it.send("w")
        it.wait_for("Put away (Everywhere) has the key w")
        it.send(F6)
        it.wait_for(KEY)
        it.send(ESC)
        it.wait_for("F6 Jobs")
        it.send(F6)
        it.wait_for("No job is under way")
        it.send("q")
        assert it.end() == 0 and it.is_restored()
    now = load(home / "config" / "settings.toml")
    assert now.chat.word_limit == 300 and now.keys == {"jobs": "f6"}
    with program(size=(100, 30)) as it:
        it.wait_for("No job is under way")
        it.send(ESC)
        it.wait_for("Hello Workflow")
        open_settings(it)
        find(it, "limit", WORDS)
        find(it, "keys.jobs", KEY)
        it.send(ESC)
        it.wait_for("F6 Jobs")
        it.send(F6)
        it.wait_for("No job is under way")
        it.send("q")
        assert it.end() == 0
