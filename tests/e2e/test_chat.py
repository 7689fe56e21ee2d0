"""The chat of the real program in a real terminal, with a model behind a server of its own process."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.pty import ROOT

from .test_app import ENTER, begin, home, program

__all__ = ["home"]  # a fixture

CHAT, TAB = "\x0f", "\t"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A model's host, whose replies the last message may direct."""
    command = [sys.executable, "-m", "tests.chat.server", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        monkeypatch.setenv("OLLAMA_HOST", url)
        yield url
        process.kill()


def messages(home: Path) -> list[tuple[str, str, str]]:
    """(author, state, text) of all messages."""
    with contextlib.closing(sqlite3.connect(f"file:{home}/data/pipetui.db?mode=ro", uri=True)) as db:
        return db.execute("SELECT author, state, text FROM messages ORDER BY number").fetchall()


def test_what_came_before_a_kill_in_mid_stream_is_kept(home: Path, server: str) -> None:
    with program(size=(120, 40)) as it:
        it.wait_for("Hello Workflow")
        it.send(CHAT)
        it.wait_for("Enter sends")
        it.send("Tell me all [[tokens=5000 rate=100]]" + ENTER)
        it.wait_for("Part 1")
        it.wait(lambda: len(messages(home)[-1][2]) > 300)
        shown = messages(home)[-1][2]
        os.kill(it.process.pid, signal.SIGKILL)
        assert it.end() == -9
    with program(size=(120, 40)) as it:
        it.wait_for("has ended")
        author, state, text = messages(home)[-1]
        assert (author, state) == ("model", "stopped")
        assert text.startswith(shown)
        it.send("still here")  # the focus is in the prompt again
        it.wait_for("still here")


def test_a_question_about_a_card_by_the_keyboard_alone(home: Path, server: str) -> None:
    with program() as it:
        begin(it)
        it.send("Ada" + ENTER)
        it.wait_for("Hello Ada!")
        it.wait_for("Esc Leave")
        it.send("\x1b")
        it.wait_for("Enter Open")  # before the next key: ESC and a letter in one packet are another key
        it.send("m")
        it.wait_for("@step_02")
        it.send("what is it? [[tokens=20]]" + ENTER)
        it.wait(lambda: [state for _, state, _ in messages(home)] == ["done", "done"])
        it.send(TAB)
        it.wait_for("p Pin")
        it.send("p")
        it.wait_for("Pinned")
        it.send(CHAT)
        it.wait_for("Hello Ada!")
        it.send("q")
        assert it.end() == 0
        assert it.is_restored()


def test_a_run_is_filled_in_by_slash_commands(home: Path) -> None:
    with program(size=(120, 40)) as it:
        it.wait_for("Hello Workflow")
        it.send(CHAT)
        it.wait_for("Enter sends")
        it.send("/run hello" + ENTER)
        it.wait_for("is started")  # one is in the chat of the run now
        it.send("/runs submit Ada" + ENTER)
        it.wait_for("Hello Ada!")
        it.wait_for("Next: Hello Message.")
        it.send("/tasks add call Ada back" + ENTER)
        it.wait_for("Added: the task")
        it.send("/runs fnalize" + ENTER)
        it.wait_for("did you mean")
