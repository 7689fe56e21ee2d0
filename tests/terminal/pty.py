"""A program in a real PTY, with a terminal (pyte) at the other end."""

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyte

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[2]

# Sequences that pyte would print: it knows no `<`, `>`, `=` or `$` inside them.
_UNKNOWN = re.compile(rb"\x1b\[[<=>][\d;]*[a-zA-Z]|\x1b\[\?[\d;]*\$p")


class Terminal:
    """`python apps/NAME arguments…` on a terminal of its own."""

    def __init__(
        self, name: str, *arguments: str, size: tuple[int, int] = (80, 24), env: Mapping[str, str | None] | None = None
    ) -> None:
        """`env` changes the environment; None takes a variable away."""
        self.master, slave = os.openpty()
        self.output = b""
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._pending = b""
        self._set_size(*size)
        self.before = termios.tcgetattr(slave)
        whole: dict[str, str | None] = {
            key: value for key, value in os.environ.items() if not key.startswith(("TEXTUAL", "PYTHONDONTWRITE"))
        }
        whole |= {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "PYTHONPATH": str(ROOT),
            "TEXTUAL_ANIMATIONS": "none",
            "COLUMNS": None,
            "LINES": None,
            "NO_COLOR": None,
        } | dict(env or {})
        self.process = subprocess.Popen(
            [sys.executable, str(APPS / name), *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={key: value for key, value in whole.items() if value is not None},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def send(self, data: bytes | str) -> None:
        """Type."""
        os.write(self.master, data if isinstance(data, bytes) else data.encode())

    def paste(self, text: str) -> None:
        """Paste, as terminals tell it (bracketed), reading on the way: neither side waits for the other."""
        rest = f"\x1b[200~{text}\x1b[201~".encode()
        os.set_blocking(self.master, False)
        while rest:
            self.read()
            if select.select([], [self.master], [], 0.05)[1]:
                with contextlib.suppress(BlockingIOError):
                    rest = rest[os.write(self.master, rest[:4096]) :]
        os.set_blocking(self.master, True)

    def read(self, seconds: float = 0.0) -> bool:
        """Show what the program wrote, waiting for it so long; False when there was nothing."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self.output += data
        # Whole sequences only, so that those pyte doesn't know are found.
        data = self._pending + data
        cut = data.rfind(b"\x1b", max(0, len(data) - 32))
        self._pending = data[cut:] if cut >= 0 and not re.match(rb"\x1b\[[^@-~]*[@-~]", data[cut:]) else b""
        self._stream.feed(_UNKNOWN.sub(b"", data[: len(data) - len(self._pending)]))
        return True

    def wait(self, what: Callable[[], bool], seconds: float = 20.0) -> None:
        """Read until `what` is true."""
        until = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < until, "\n".join(self.screen.display)
            self.read(0.05)

    def wait_for(self, text: str) -> None:
        """Read until `text` is on the screen."""
        self.wait(lambda: any(text in line for line in self.lines()))

    def lines(self) -> list[str]:
        """The screen as lines of text."""
        return [line.rstrip() for line in self.screen.display]

    def end(self, seconds: float = 20.0) -> int:
        """Read until the program has ended, and all that it wrote; its exit code."""
        self.wait(lambda: self.process.poll() is not None, seconds)
        while self.read(0.05):
            pass
        return self.process.returncode

    def resize(self, width: int, height: int) -> None:
        """Change the size, as the user's window manager does."""
        self.screen.resize(height, width)
        self._set_size(width, height)
        os.kill(self.process.pid, signal.SIGWINCH)

    def is_restored(self) -> bool:
        """Are all modes off that the app switches on, and the settings as before?"""
        switched: dict[bytes, bytes] = {}
        for modes, to in re.findall(rb"\x1b\[\?([\d;]+)([hl])", self.output):
            switched |= dict.fromkeys(modes.split(b";"), to)
        on = {mode for mode, to in switched.items() if to == b"h"}
        kitty = len(re.findall(rb"\x1b\[>\d+u", self.output)) - self.output.count(b"\x1b[<u")
        return on == {b"7", b"25"} and kitty <= 0 and termios.tcgetattr(self.master) == self.before

    def hang_up(self) -> None:
        """The connection is lost."""
        os.close(self.master)
        self.master = -1

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


@contextlib.contextmanager
def terminal(name: str, *arguments: str) -> Iterator[Terminal]:
    """A `Terminal` that is gone afterwards."""
    it = Terminal(name, *arguments)
    try:
        yield it
    finally:
        it.process.kill()
        it.process.wait()
        if it.master >= 0:
            it.hang_up()
