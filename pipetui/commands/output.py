"""What goes to stdout: lines, tables, or one JSON document."""

from __future__ import annotations

import io
import json
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from ..text import displayable, one_line


class _Printed(io.TextIOBase):
    """What a workflow's code prints: a word to its author, and no part of the answer."""

    def __init__(self, answer: TextIO) -> None:
        self.answer = answer

    def write(self, text: str) -> int:
        sys.stderr.write(displayable(text))
        return len(text)


@contextmanager
def apart() -> Iterator[None]:
    """Keep stdout for what this module writes: what anybody else prints meanwhile goes to stderr."""
    with redirect_stdout(_Printed(_out())):
        yield


def flush() -> None:
    _out().flush()


def _out() -> TextIO:
    return sys.stdout.answer if isinstance(sys.stdout, _Printed) else sys.stdout


def line(text: str = "") -> None:
    _out().write(displayable(text) + "\n")


def note(text: str) -> None:
    """A line on stderr, for a person."""
    sys.stderr.write(one_line(text) + "\n")
    sys.stderr.flush()


def document(value: Any) -> None:
    """Everything --json prints. ASCII: no terminal is steered by it, and no surrogate stops it."""
    _out().write(json.dumps(value, indent=2, ensure_ascii=True).replace("\x7f", "\\u007f") + "\n")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell, at most 60; the last one as long as it is."""
    last = len(header) - 1
    texts = [[one_line(cell, None if index == last else 60) for index, cell in enumerate(row)] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *texts, strict=True)]
    for cells in ([name.upper() for name in header], *texts):
        padded = (cell + " " * (wide - width(cell)) for cell, wide in zip(cells, widths, strict=True))
        _out().write("  ".join(padded).rstrip() + "\n")


def width(text: str) -> int:
    """Terminal columns of a line: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
