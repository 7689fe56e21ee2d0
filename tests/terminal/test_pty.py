"""The real thing: small apps in a PTY, with the faults that a line has."""

import os
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipetui.terminal import writer

from .pty import Terminal, terminal


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Terminal]:
    with terminal("painter.py", str(tmp_path), "--short") as it:
        it.wait_for("ready")
        yield it


def beats(folder: Path) -> int:
    try:
        return int((folder / "beats").read_text() or "0")
    except FileNotFoundError:
        return 0


def settled(app: Terminal, folder: Path) -> list[str]:
    """The screen as the app has it, once all of it was sent."""
    (folder / "dump").unlink(missing_ok=True)
    app.send("\x1bOQ")
    app.wait((folder / "dump").exists)
    while app.read(0.1):
        pass
    return (folder / "dump").read_text().split("\n")[1:]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_cleanly(app: Terminal, tmp_path: Path, number: int, code: int) -> None:
    os.kill(app.process.pid, number)
    assert app.end() == code
    assert (tmp_path / "left").exists()
    assert app.is_restored()


def test_a_stuck_app_is_ended_with_the_terminal_restored(app: Terminal, tmp_path: Path) -> None:
    app.send("\x1b[15~")
    app.wait((tmp_path / "hangs").exists)
    os.kill(app.process.pid, signal.SIGTERM)
    assert app.end() == 143
    assert not (tmp_path / "left").exists()
    assert app.is_restored()


def test_a_lost_connection_ends_it(app: Terminal, tmp_path: Path) -> None:
    app.hang_up()
    assert app.process.wait(20) == 129
    assert (tmp_path / "left").exists()


def test_a_lost_connection_ends_it_while_it_paints(app: Terminal, tmp_path: Path) -> None:
    app.send("\x1bOR")
    before = beats(tmp_path)
    app.wait(lambda: beats(tmp_path) > before + 5)
    app.hang_up()
    assert app.process.wait(20) == 129
    assert (tmp_path / "left").exists()


def test_an_exception_leaves_the_terminal_usable(app: Terminal) -> None:
    app.send("\x1b[17~")
    assert app.end() == 1
    assert app.is_restored()


def test_nobody_reads_and_the_app_lives_on(app: Terminal, tmp_path: Path) -> None:
    app.send("\x1bOR")  # paints, 100 frames a second, and nobody reads
    before, until = beats(tmp_path), time.monotonic() + 20
    while beats(tmp_path) < before + 50:
        assert time.monotonic() < until, "the event loop stands still"
        time.sleep(0.02)
    app.send("\x1bOS")  # paints the last frame
    before = beats(tmp_path)
    while beats(tmp_path) < before + 10:
        assert time.monotonic() < until, "the event loop stands still"
        time.sleep(0.02)
    start = len(app.output)
    app.wait_for("at rest")
    while app.read(0.2):
        pass
    # What waited in the kernel and in the writer, and one difference: not a second of frames.
    assert len(app.output) - start < 3 * writer.BACKLOG + 2 * 8192
    app.wait(lambda: settled(app, tmp_path) == app.lines())


def test_a_stalled_line_does_not_hold_up_the_exit(app: Terminal, tmp_path: Path) -> None:
    app.send("\x1bOR")
    before, until = beats(tmp_path), time.monotonic() + 20
    while beats(tmp_path) < before + 50:
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(app.process.pid, signal.SIGTERM)
    assert app.process.wait(20) == 143
    assert termios.tcgetattr(app.master) == app.before


def test_bytes_that_are_no_text_do_no_harm(app: Terminal, tmp_path: Path) -> None:
    app.send(b"\xff\xfe\x80\xc3(\x1b[48;0;0;0;0t\x1b[<0;1;1M\x1b[<99999999;5;5M\x1b[999;999u\x1b[200~\xff\x1b[201~")
    app.send("still here")
    app.wait_for("still here")
    before = beats(tmp_path)
    app.wait(lambda: beats(tmp_path) > before + 5)


def test_the_screen_is_what_textual_has(app: Terminal, tmp_path: Path) -> None:
    """Typing, focus, dialogs, resizes, and back: each time the terminal shows exactly what Textual would paint."""
    for keys in ("hello 漢字", "\t", "x", "\x1b[18~", "dialog 日本", "\x1b[18~", "\x1b[Z", "\x7f\x7f"):
        app.send(keys)
        # On a busy machine the dump may come before the last frame; a wrong cell stays wrong.
        app.wait(lambda: settled(app, tmp_path) == app.lines())
    for size in ((60, 20), (100, 30), (80, 24)):
        app.resize(*size)
        app.wait(lambda: settled(app, tmp_path) == app.lines())


def test_a_double_resize_is_repainted(app: Terminal, tmp_path: Path) -> None:
    """Textual ignores a resize to the size that it knows; the terminal has cut its lines meanwhile."""
    app.wait(lambda: settled(app, tmp_path) == app.lines())
    expected = app.lines()
    app.screen.reset()
    os.kill(app.process.pid, signal.SIGWINCH)
    app.wait(lambda: app.lines() == expected)


def test_suspended_and_resumed(app: Terminal, tmp_path: Path) -> None:
    app.wait(lambda: settled(app, tmp_path) == app.lines())
    expected = app.lines()
    app.send("\x1b[19~")
    app.wait(lambda: os.WIFSTOPPED(os.waitpid(app.process.pid, os.WUNTRACED | os.WNOHANG)[1]))
    while app.read(0.1):
        pass
    assert app.is_restored()
    app.screen.reset()
    os.kill(app.process.pid, signal.SIGCONT)
    app.wait(lambda: app.lines() == expected)
    app.send("typed")
    app.wait_for("typed")


def test_stopped_from_outside_and_continued(app: Terminal, tmp_path: Path) -> None:
    settled(app, tmp_path)
    os.kill(app.process.pid, signal.SIGSTOP)
    app.screen.reset()
    os.kill(app.process.pid, signal.SIGCONT)
    app.wait(lambda: any(line.strip() for line in app.lines()))
    app.wait(lambda: app.lines() == settled(app, tmp_path))
    os.kill(app.process.pid, signal.SIGTERM)
    assert app.end() == 143
    assert app.is_restored()


@pytest.mark.parametrize("how", ["plain", "stalled"])
def test_a_crash_restores_at_exit(how: str) -> None:
    with terminal("crash.py", how) as it:
        if how == "stalled":
            assert it.process.wait(20) == 1  # nobody reads, and it ends all the same
            assert termios.tcgetattr(it.master) == it.before
        else:
            assert it.end() == 1
            assert it.is_restored()
