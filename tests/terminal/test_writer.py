"""The writer at one end of a PTY, with a reader at the other that reads or doesn't."""

import os
import select
import threading
import tty
from collections.abc import Iterator

import pytest

from pipetui.terminal.writer import BACKLOG, CAPACITY, Writer

WAIT = 20


class Line:
    """A PTY and what the writer said about it."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.flowing: list[bool] = []
        self.flows, self.gone = threading.Event(), threading.Event()
        self.writer = Writer(self.slave, self._on_flow, self.gone.set)
        self.writer.start()

    def _on_flow(self, lost: bool) -> None:
        self.flowing.append(lost)
        self.flows.set()

    def read(self, size: int) -> bytes:
        data = b""
        while len(data) < size and select.select([self.master], [], [], WAIT)[0]:
            data += os.read(self.master, 65536)
        return data


@pytest.fixture
def line() -> Iterator[Line]:
    it = Line()
    yield it
    it.writer.close(0.1)
    os.close(it.slave)
    if not it.gone.is_set():
        os.close(it.master)


def test_everything_arrives_in_order(line: Line) -> None:
    for n in range(1000):
        line.writer.write(f"{n},")
    expected = "".join(f"{n}," for n in range(1000)).encode()
    assert line.read(len(expected)) == expected
    assert line.writer.close()
    assert line.flowing == []


def test_a_stalled_line_is_seen_and_said_when_it_flows(line: Line) -> None:
    frame = "x" * (BACKLOG + 10_000)
    line.writer.write(frame)
    line.writer.write("y")
    assert line.writer.stalled
    assert line.read(len(frame) + 1) == frame.encode() + b"y"
    assert line.flows.wait(WAIT)
    assert not line.writer.stalled and line.flowing == [False]


def test_what_is_too_much_is_dropped_whole(line: Line) -> None:
    unit = "<" + "x" * 99_998 + ">"
    for _ in range(30):
        line.writer.write(unit)  # 3 MB, and it returns
    kept = b""
    while not line.flows.is_set():
        kept += line.read(1)
    while select.select([line.master], [], [], 0.1)[0]:
        kept += os.read(line.master, 65536)
    assert len(kept) % 100_000 == 0 and len(kept) <= CAPACITY + 100_000
    assert kept == unit.encode() * (len(kept) // 100_000)
    assert line.flowing == [True]


def test_close_does_not_wait_for_a_reader(line: Line) -> None:
    line.writer.write("x" * 100_000)
    assert not line.writer.close(0.2)
    assert not line.writer.is_alive()
    line.writer.write("too late")


def test_the_end_is_said_instead_of_old_frames(line: Line) -> None:
    line.writer.write("\x1b[1m" + "x" * 50_000 + "!")
    assert line.read(1).startswith(b"\x1b")  # it has begun, so it must end
    line.writer.write("old" * 10_000)
    line.writer.discard()
    line.writer.write("bye")
    rest = b""
    while not rest.endswith(b"bye"):
        rest += line.read(1)
    assert b"old" not in rest and b"!bye" in rest


def test_a_lost_line_is_said_once(line: Line) -> None:
    line.writer.write("x" * 100_000)
    os.close(line.master)
    assert line.gone.wait(WAIT)
    line.writer.write("nobody there")
    assert not line.writer.close()


def test_lone_surrogates_do_not_end_it(line: Line) -> None:
    line.writer.write("a\ud800b")
    assert line.read(3) == b"a?b"
