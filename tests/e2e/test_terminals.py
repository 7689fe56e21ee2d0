"""The real program in other terminals than the usual one: without colours, of odd names, not UTF-8; large pastes."""

import re
import time
from pathlib import Path

import pytest

from tests.e2e.test_app import ENTER, begin, fill_in, home, program
from tests.terminal.pty import Terminal

__all__ = ["home"]

DOWN, SUBMIT = "\x1b[B", "\x07"


def colours(output: bytes) -> set[str]:
    """The parameters of all SGR sequences that set a colour; those that give back the default's don't."""
    found: set[str] = set()
    for sequence in re.findall(rb"\x1b\[([\d;:]*)m", output):
        for code in sequence.decode().split(";"):
            first = code.split(":")[0]
            if first.isdigit() and (30 <= int(first) <= 38 or 40 <= int(first) <= 48 or 90 <= int(first) <= 107):
                found.add(code)
    return found


def hello_to_its_end(it: Terminal) -> None:
    begin(it)
    fill_in(it)


def leave(it: Terminal) -> None:
    it.send("\x11")
    assert it.end() == 0
    assert it.is_restored()


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"NO_COLOR": ""}, {"TERM": "xterm-mono", "COLORTERM": None}])
def test_without_colours_none_is_sent_and_everything_can_be_seen(env: dict[str, str | None]) -> None:
    with program(env=env) as it:
        it.wait_for("Hello Workflow")
        rows = it.lines()
        cursor = next(y for y, line in enumerate(rows) if "Hello Workflow" in line)
        other = next(y for y, line in enumerate(rows) if "Stream Simulator" in line)
        it.wait(lambda: it.screen.buffer[cursor][6].underscore)
        assert not it.screen.buffer[other][6].underscore
        it.send(DOWN)
        it.wait(lambda: it.screen.buffer[other][6].underscore and not it.screen.buffer[cursor][6].underscore)
        it.send("\x1b[A")
        it.wait(lambda: it.screen.buffer[cursor][6].underscore)
        hello_to_its_end(it)
        it.send("1")
        it.wait(lambda: "▌  1" in "\n".join(it.lines()) and "▌  3" not in "\n".join(it.lines()))
        leave(it)
        assert colours(it.output) == set()


def test_with_colours_some_are_sent() -> None:
    """So that the test above can fail."""
    with program() as it:
        it.wait_for("Hello Workflow")
        assert colours(it.output)


@pytest.mark.parametrize("term", ["vt100", "linux", "screen", "tmux-256color", "xterm-ghostty", "nonsense"])
def test_odd_terminals_are_usable(term: str) -> None:
    with program(env={"TERM": term, "COLORTERM": None}) as it:
        hello_to_its_end(it)
        leave(it)
        assert not colours(it.output) & {"38", "48"} or term == "tmux-256color"


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"TERM": ""}, "TERM is not set"),
        ({"TERM": None}, "TERM is not set"),
        ({"TERM": "dumb"}, "TERM is dumb"),
        ({"TERM": "unknown"}, "TERM is unknown"),
        ({"TERM": "vt52"}, "TERM is vt52"),
        ({"LC_ALL": "C"}, "is not UTF-8"),
        ({"LC_ALL": "de_DE.ISO-8859-1"}, "is not UTF-8"),
    ],
)
def test_where_the_app_cannot_be_shown_it_says_so_and_touches_nothing(
    env: dict[str, str | None], says: str, home: Path
) -> None:
    with program(env=env, size=(300, 24)) as it:
        assert it.end() == 2
        assert says in it.lines()[0] and "pipetui run --help" in it.lines()[0]
        assert b"\x1b" not in it.output
        assert not home.exists()


@pytest.mark.parametrize("lang", [None, "C", "POSIX"])
def test_where_nobody_chose_a_locale_it_is_utf8(lang: str | None) -> None:
    with program(env={"LC_ALL": None, "LC_CTYPE": None, "LANG": lang}) as it:
        hello_to_its_end(it)
        leave(it)


def test_ten_thousand_pasted_addresses(home: Path) -> None:
    """Generous bounds: benchmarks measure."""
    addresses = "".join(f"https://shop.example/products/{number}\n" for number in range(10_000))
    with program(size=(100, 30)) as it:
        it.wait_for("Hello Workflow")
        it.send("url" + ENTER)
        it.wait_for("No run yet")
        it.send("n")
        it.wait_for("A new run")
        it.send(ENTER)
        it.wait_for("Ctrl+G Submit")
        begun = time.monotonic()
        it.paste(addresses)
        it.wait_for("https://shop.example/products/9999")
        assert time.monotonic() - begun < 10, "the paste"
        it.wait_for("10,000 lines")
        begun = time.monotonic()
        it.send(SUBMIT)
        it.wait_for("Timeout")
        assert time.monotonic() - begun < 10, "the submit"
        it.wait_for("10,000")
        leave(it)
