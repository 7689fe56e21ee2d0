"""Puts the terminal back as it was found, however the program ends.

`remember` before the first change, `restore` at any time after, from any thread, as often as one likes. Nothing here
waits longer than it says, even when nobody reads the other end.
"""

import atexit
import contextlib
import os
import select
import termios
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LEAVE = "".join(
    (
        "\x1b[?2026l",  # no half-drawn frame (synchronized output)
        "\x1b]8;;\x1b\\\x1b[m",  # no link, no colours
        "\x1b[?2004l",  # bracketed paste
        "\x1b[?2048l",  # reports of size
        "\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l",  # mouse
        "\x1b[?1004l",  # focus reports
        "\x1b[<u",  # Kitty keyboard: before the alternate screen is left, each screen has its own
        "\x1b[?1049l",  # alternate screen
        "\x1b[?7h\x1b[?25h",  # line wrap and cursor
    )
)
"""Undoes every mode that the app sets; what a terminal doesn't know it passes over."""

_CANCEL = "\x18"  # ends an escape sequence that was cut


@dataclass(frozen=True)
class _Found:
    fd: int
    attributes: list[Any] | None


_found: list[_Found] = []  # one, while the terminal is changed


def remember(fd: int) -> None:
    """Note how the terminal on `fd` is set; `restore` at exit, unless `forget` comes before."""
    if not _found:
        _found.append(_Found(fd, attributes(fd)))
        atexit.unregister(restore)
        atexit.register(restore)


def forget() -> None:
    """The terminal is as it was found."""
    _found.clear()


def restore(limit: float = 0.5) -> None:
    """Put the terminal back, if it was changed; give up after `limit` seconds (it may be gone, or stalled)."""
    if not _found:
        return
    found = _found.pop()
    with open_terminal(found.fd) as fd:
        write(fd, (_CANCEL + LEAVE).encode(), limit)
    set_attributes(found.fd, found.attributes)


def attributes(fd: int) -> list[Any] | None:
    """The terminal's settings, or None if it is gone."""
    try:
        return termios.tcgetattr(fd)
    except termios.error:
        return None


def set_attributes(fd: int, to: list[Any] | None) -> None:
    """Set the terminal at once: waiting for its output would wait for a reader."""
    if to is not None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSANOW, to)


@contextlib.contextmanager
def open_terminal(fd: int) -> Iterator[int]:
    """A descriptor of its own for the terminal on `fd`, that doesn't block.

    O_NONBLOCK on `fd` itself would be set for the shell that shares it. Where the terminal has no name (in some
    containers) it is `fd` itself, which may block.
    """
    own = reopen(fd)
    try:
        yield fd if own is None else own
    finally:
        if own is not None:
            os.close(own)


def reopen(fd: int) -> int | None:
    """A new non-blocking descriptor for the terminal on `fd`, or None if it has no name here."""
    try:
        own = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(own).st_rdev != os.fstat(fd).st_rdev:
        os.close(own)
        return None
    return own


def write(fd: int, data: bytes, limit: float) -> bool:
    """Write all of `data` within `limit` seconds; False if that didn't work."""
    until = time.monotonic() + limit
    while data:
        left = until - time.monotonic()
        try:
            if left <= 0 or not select.select([], [fd], [], left)[1]:
                return False
            data = data[os.write(fd, data[:256]) :]
        except BlockingIOError:
            continue
        except OSError:
            return False
    return True
