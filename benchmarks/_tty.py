"""A program on a terminal of its own, which answers nothing that is asked of the terminal."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 100, 30


def environment(**more: str) -> dict[str, str]:
    """Ours, for a terminal of all colours."""
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONDONTWRITEBYTECODE", "NO_COLOR")}
    return env | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"} | more


@dataclass
class Heard:
    """What the program wrote, and when."""

    at: float
    data: bytes


class Tty:
    """`heard` is what the program has written so far, as far as somebody listened."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self.started = time.monotonic()
        self.master, slave = os.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=dict(env), start_new_session=True, cwd=ROOT,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(slave)
        self.heard: list[Heard] = []

    def listen(self, seconds: float) -> bool:
        """Take what comes within `seconds`; says whether there was something."""
        if not select.select([self.master], [], [], max(0.0, seconds))[0]:
            return False
        data = os.read(self.master, 1 << 16)
        self.heard.append(Heard(time.monotonic(), data))
        return True

    def until(self, text: bytes, seconds: float = 20.0) -> float:
        """The time at which `text` had come."""
        seen = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.listen(0.5):
                seen = seen[-4000:] + self.heard[-1].data
                if text in seen:
                    return self.heard[-1].at
        raise SystemExit(f"{text!r} never came; the last was {seen[-500:]!r}")

    def settled(self, quiet: float) -> tuple[float, int]:
        """(the time of the last output before a silence of `quiet` seconds, bytes)"""
        last, first = time.monotonic(), len(self.heard)
        while self.listen(quiet):
            last = self.heard[-1].at
        return last, sum(len(heard.data) for heard in self.heard[first:])

    def rest(self, seconds: float = 0.6) -> None:
        """Until it does nothing: who is behind may be silent for a while, and who has a cursor that blinks never is."""
        busy = 1.0
        while busy > 0.1:
            before, end = self.cpu, time.monotonic() + seconds
            while (left := end - time.monotonic()) > 0:
                self.listen(left)
            busy = (self.cpu - before) / seconds

    def send(self, keys: str) -> float:
        """Returns when they were pressed."""
        os.write(self.master, keys.encode())
        return time.monotonic()

    @property
    def cpu(self) -> float:
        """Seconds that the program's threads have taken."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    @property
    def memory(self) -> float:
        """Megabytes that are the program's own."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private")) / 1e3


@contextmanager
def tty(command: list[str], env: Mapping[str, str]) -> Iterator[Tty]:
    it = Tty(command, env)
    try:
        yield it
    finally:
        it.process.send_signal(signal.SIGKILL)
        it.process.wait()
        os.close(it.master)
