"""What is copied reaches the terminal's clipboard: outside tmux, inside, and through it."""

import base64
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipetui.terminal import clipboard
from pipetui.terminal.app import TerminalApp

from .pty import APPS, ROOT, terminal

LAST = re.compile(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")


def decoded(sequences: str) -> list[str]:
    return [base64.b64decode(each).decode() for each in LAST.findall(sequences)]


async def test_a_notice_says_what_was_copied() -> None:
    app = TerminalApp[None]()
    async with app.run_test():
        assert clipboard.copy(app, "https://x.example/", "the address") == "Copied the address: 18 characters."
        assert app.clipboard == "https://x.example/"
        assert clipboard.copy(app, "a\nb\n") == "Copied it: 2 lines."
        assert clipboard.copy(app, "é") == "Copied it: 1 character."
        assert clipboard.copy(app, "") == "There is nothing to copy."
        assert app.clipboard == "é"


async def test_what_is_too_large_is_not_copied_and_not_cut() -> None:
    app = TerminalApp[None]()
    async with app.run_test():
        assert clipboard.copy(app, "é" * (clipboard.MOST // 2), "the value").startswith("Copied the value")
        said = clipboard.copy(app, "é" * (clipboard.MOST // 2) + "x", "the value")
        assert said == "Not copied: the value has 75.0 kB, and a terminal's clipboard takes 75.0 kB."
        assert app.clipboard == "é" * (clipboard.MOST // 2)


async def test_hidden_characters_do_not_reach_a_shell() -> None:
    app = TerminalApp[None]()
    async with app.run_test():
        clipboard.copy(app, "ls\x1b[201~\r\nrm\t-rf\u202e \x03")
        assert app.clipboard == "ls␛[201~\nrm\t-rf⟨U+202E⟩ ␃"


@pytest.mark.parametrize(
    ("environ", "wrapped"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({}, False),
        ({"TERM": "xterm-256color", "TMUX": "/tmp/tmux-1/default,1,0"}, True),
        ({"TERM": "tmux-256color"}, True),
        ({"TERM": "screen-256color"}, True),
    ],
)
def test_inside_tmux_it_is_wrapped_as_well(environ: dict[str, str], wrapped: bool) -> None:
    sent = clipboard.request("Grüße", environ)
    passed = re.findall(r"\x1bPtmux;((?:[^\x1b]|\x1b\x1b)*)\x1b\\", sent)
    assert decoded(sent)[0] == "Grüße"
    assert [decoded(each.replace("\x1b\x1b", "\x1b")) for each in passed] == [["Grüße"]] * wrapped


def test_it_goes_out_whole_to_a_real_terminal(tmp_path: Path) -> None:
    with terminal("painter.py", str(tmp_path)) as it:
        it.wait_for("ready")
        it.send("\x1b[20~")  # F9
        it.wait(lambda: bool(LAST.search(it.output.decode("utf-8", "replace"))))
        assert decoded(it.output.decode("utf-8", "replace"))[0] == "Grüße\n" * 9_000
        it.send("\x1bOQ")
        it.wait((tmp_path / "dump").exists)  # and it goes on


@pytest.fixture
def tmux(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """`tmux …` on a server of its own, as it is configured out of the box."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    socket = f"/tmp/pipetui-{os.getpid()}-{time.monotonic_ns()}"
    monkeypatch.delenv("TMUX", raising=False)

    def call(*arguments: str) -> str:
        ended = subprocess.run(["tmux", "-f", "/dev/null", "-S", socket, *arguments], capture_output=True, text=True)
        return ended.stdout

    yield call
    call("kill-server")
    Path(socket).unlink(missing_ok=True)


def test_in_tmux_as_it_comes_it_is_in_its_buffer(tmux: Callable[..., str], tmp_path: Path) -> None:
    command = f"env PYTHONPATH={ROOT} {sys.executable} {APPS / 'painter.py'} {tmp_path}"
    tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "copies", command)
    until = time.monotonic() + 20
    while "ready" not in tmux("capture-pane", "-p", "-t", "copies"):
        assert time.monotonic() < until
        time.sleep(0.1)
    tmux("send-keys", "-t", "copies", "F9")
    while "Grüße" not in tmux("show-buffer"):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert tmux("show-buffer") == "Grüße\n" * 9_000
