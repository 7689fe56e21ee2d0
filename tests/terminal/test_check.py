import io
import os
import subprocess
import sys

import pytest

from pipetui.terminal.check import has_colours, refusal

GOOD = {"TERM": "xterm-256color", "LANG": "de_DE.UTF-8"}


class Tty(io.StringIO):
    def isatty(self) -> bool:
        super().isatty()  # raises when closed
        return True


@pytest.mark.parametrize("env", [GOOD, {"TERM": "screen"}, {"TERM": "tmux", "LC_ALL": "C.utf8", "LANG": "C"}])
def test_a_terminal_is_accepted(env: dict[str, str]) -> None:
    assert refusal(env, Tty(), Tty()) is None


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({}, "TERM is not set"),
        (GOOD | {"TERM": "dumb"}, "TERM is dumb"),
        (GOOD | {"LANG": "C"}, "export LC_ALL=C.UTF-8"),
        (GOOD | {"LC_ALL": "en_US.ISO-8859-1"}, "not UTF-8"),
        (GOOD | {"LC_CTYPE": "POSIX"}, "'POSIX'"),
    ],
)
def test_a_refusal_says_what_to_do(env: dict[str, str], says: str) -> None:
    reason = refusal(env, Tty(), Tty())
    assert reason is not None and says in reason and "pipetui run" in reason and "\n" not in reason


def test_no_terminal() -> None:
    closed = Tty()
    closed.close()
    for stdin, stdout, name in (
        (io.StringIO(), Tty(), "input"),
        (Tty(), io.StringIO(), "output"),
        (None, Tty(), "input"),
    ):
        assert name in (refusal(GOOD, stdin, stdout) or "")
    assert "ssh -t" in (refusal(GOOD, closed, Tty()) or "")


def test_it_needs_no_textual() -> None:
    modules = "pipetui.terminal.check, pipetui.terminal.restore, pipetui.terminal.signals, pipetui.text"
    code = f"import sys, {modules}; assert 'textual' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


@pytest.mark.parametrize(
    ("env", "there_are"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "tmux"}, True),
        ({"TERM": "vt100"}, False),
        ({"TERM": "vt220-w"}, False),
        ({"TERM": "xterm-mono"}, False),
        ({"TERM": "rxvt-m"}, False),
        ({"TERM": "vt100", "COLORTERM": "truecolor"}, True),
    ],
)
def test_colours_are_there_unless_the_name_says_otherwise(env: dict[str, str], there_are: bool) -> None:
    assert has_colours(env) == there_are
