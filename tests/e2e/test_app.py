"""The real program in a real terminal, by its keys."""

import contextlib
import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.terminal.pty import Terminal

START = str(Path(__file__).parent / "start.py")
ESC, ENTER, UP, DOWN = "\x1b", "\r", "\x1b[A", "\x1b[B"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@contextlib.contextmanager
def program(
    *arguments: str, size: tuple[int, int] = (80, 24), env: Mapping[str, str | None] | None = None
) -> Iterator[Terminal]:
    it = Terminal(START, *arguments, size=size, env=env)
    try:
        yield it
    finally:
        it.process.kill()
        it.process.wait()
        if it.master >= 0:
            it.hang_up()


def begin(it: Terminal) -> None:
    """From home to the first card of a new run of Hello."""
    it.wait_for("Hello Workflow")
    it.send(ENTER)
    it.wait_for("No run yet")
    it.send("n")
    it.wait_for("A new run")
    it.send(ENTER)
    it.wait_for("one line of text")


def fill_in(it: Terminal) -> None:
    """From the first card of Hello to the locked end."""
    it.send("Ada" + ENTER)
    it.wait_for("Hello Ada!")
    it.send(ENTER)
    it.wait_for("Enter finalizes this run")
    it.send(ENTER)
    it.wait_for("This run is locked.")


def drafts(home: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(f"file:{home}/data/pipetui.db?mode=ro", uri=True)) as db:
        return [row[0] for row in db.execute("SELECT given FROM drafts")]


def remembered(home: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(f"file:{home}/data/pipetui.db?mode=ro", uri=True)) as db:
        return dict(db.execute("SELECT name, value FROM keyvalue WHERE space = ''"))


def wait_until_kept(it: Terminal, home: Path, draft: str) -> None:
    it.wait(lambda: drafts(home) == [f'"{draft}"'] and "step_" in remembered(home).get("memory", ""))


def settled(it: Terminal) -> list[str]:
    """The screen once nothing comes any more."""
    until = time.monotonic() + 10
    while it.read(0.4):
        assert time.monotonic() < until, "it never comes to rest"
    return it.lines()


def test_hello_from_start_to_finalize_by_the_keyboard_alone() -> None:
    with program() as it:
        begin(it)
        fill_in(it)
        it.send("r")
        it.wait_for("This run is finalized: nothing in it changes.")
        it.send("f")
        it.wait_for("Enter finalizes this run")
        it.send("1r")
        it.wait_for("Open Your Name again?")
        it.wait_for("Will be cleared: Hello Message.")
        it.send(ENTER)
        it.wait_for("editing")
        it.send(ESC)
        it.wait_for("Enter Open")
        it.send(ESC)
        it.wait_for("Enter finalizes this run")
        it.send("q")
        assert it.end() == 0
        assert it.is_restored()


def test_a_whole_run_is_typed_ahead_in_one_packet() -> None:
    """Over a slow line nobody waits for the screen: each key is taken by what it was meant for."""
    with program() as it:
        it.wait_for("Hello Workflow")
        it.send(ENTER + "n" + "shop" + ENTER + "Adx\x7fa" + ENTER + " and Bib\x7f\x7fob" + ENTER + ENTER + "g")
        it.wait_for("No job is under way.")
        it.send("H" + "/shop" + ENTER + ENTER)
        it.wait_for("default-hello-shop")
        it.wait_for("Hello Ada! and Bob")
        it.wait_for("This run is locked.")


@pytest.mark.parametrize("typed", ["url insp", "/url insp"])
def test_a_search_that_comes_in_one_burst_is_searched_for(typed: str) -> None:
    with program() as it:
        it.wait_for("Hello Workflow")
        it.send(typed + ENTER)
        it.wait_for("No run yet")
        it.wait_for("default › URL Inspector")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP])
def test_what_was_typed_when_the_app_died_is_there_again(home: Path, how: int) -> None:
    with program() as it:
        begin(it)
        it.send("Ada" + ENTER)
        it.wait_for("Hello Ada!")
        it.send(" and Grace")
        it.wait_for("Hello Ada! and Grace")
        wait_until_kept(it, home, "Hello Ada! and Grace")
        before = settled(it)
        os.kill(it.process.pid, how)
        assert it.end() in (-9, 129)
    with program() as it:
        it.wait_for("Hello Ada! and Grace")
        it.wait(lambda: settled(it) == before)
        it.send("!" + ENTER)
        it.wait_for("Hello Ada! and Grace!")
        it.wait_for("Enter finalizes this run")


def test_a_lost_connection_keeps_what_was_typed(home: Path) -> None:
    with program() as it:
        begin(it)
        it.send("Ada")
        wait_until_kept(it, home, "Ada")
        it.hang_up()
        it.process.wait(10)
    with program() as it:
        it.wait_for("Ada")
        it.wait_for("default-hello-01")


def test_a_terminal_that_is_too_small_says_so_and_all_comes_back(home: Path) -> None:
    with program() as it:
        begin(it)
        it.send("Ada")
        it.wait_for("Ada")
        for width, height in ((60, 15), (20, 5), (79, 24)):
            it.resize(width, height)
            it.wait_for(f"{width}×{height} is too small")
            it.send("r" if height < 24 else "")  # goes nowhere
        it.resize(80, 24)
        it.wait(lambda: any("Ada" in line for line in it.lines()) and any("Ctrl+G" in line for line in it.lines()))
        it.send(" L" + ENTER)
        it.wait_for("Hello Ada L!")


def test_a_start_in_a_terminal_that_is_too_small() -> None:
    with program(size=(20, 5)) as it:
        it.wait_for("too small")
        it.send("q")
        assert it.end() == 0
