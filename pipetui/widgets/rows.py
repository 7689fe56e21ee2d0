"""Rows for a table: in memory, or of a CSV file of any length. No widgets here."""

from __future__ import annotations

import csv
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

BLOCK = 128 * 1024
"""Bytes that are read at once; the index has one entry a block."""

LONGEST_ROW = 1024 * 1024
"""A row of more bytes is taken for one with a quote that is never closed: there, every line is a row."""

BLOCKS_KEPT = 8

# A quote opens a quoted field at the start of a field only; elsewhere it is a character like others. The quantifiers
# are possessive: nothing is tried twice, so no row makes this slow.
_FIELD = rb'(?:"[^"]*+(?:""[^"]*+)*+"[^,\n]*+|(?!")[^,\n]*+)'
_ROW = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+\n")


class Rows(Protocol):
    """Rows that a table shows. `count` may grow until `complete`."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def count(self) -> int: ...
    @property
    def complete(self) -> bool: ...
    def row(self, number: int) -> Sequence[Any]:
        """Row `number`, from 0; empty where there is none."""
        ...


class ListRows:
    """Rows in memory."""

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        self.columns, self._rows = columns, rows
        self.count, self.complete = len(rows), True

    def row(self, number: int) -> Sequence[Any]:
        return self._rows[number] if 0 <= number < self.count else ()


def split_rows(data: bytes) -> tuple[list[bytes], int]:
    """The complete rows at the start of `data`, and where they end (in bytes). Line breaks in quoted cells hold."""
    if b'"' not in data:
        end = data.rfind(b"\n") + 1
        return data[:end].split(b"\n")[:-1], end
    rows, at = [], 0
    while (match := _ROW.match(data, at)) is not None:
        rows.append(data[at : match.end() - 1])
        at = match.end()
    if not rows and len(data) > LONGEST_ROW:
        at = data.rfind(b"\n") + 1
        rows = data[:at].split(b"\n")[:-1]
    return rows, at


def cells(row: bytes) -> list[str]:
    """The cells of one row. Bytes that are no UTF-8 become replacement characters; a broken row is split at commas."""
    text = row.decode("utf-8", "replace").removesuffix("\r")
    if '"' not in text:
        return text.split(",") if text else []
    try:
        return next(csv.reader([text.replace("\r", "\n")]), [])
    except csv.Error:
        return text.split(",")


class CsvRows:
    """The rows of a CSV file with a header line, read where they are looked at.

    Opening reads one block. `index` walks the rest, in a thread of the caller's; meanwhile `row` and `count` may be
    used. OSError where the file can't be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._starts: list[int] = []  # the first row of each block, ascending
        self._offsets: list[int] = []  # and where it begins
        self._kept: OrderedDict[int, list[bytes]] = OrderedDict()
        self.columns: Sequence[str] = []
        self.count = 0
        self.complete = False
        self._next = 0  # where the index goes on
        self._index_block(header=True)

    @property
    def share(self) -> float:
        """How much of the file is indexed, from 0 to 1."""
        return 1.0 if self.complete or not self._size else min(1.0, self._next / self._size)

    def index(self, stop: Callable[[], bool], tell: Callable[[], None]) -> None:
        """Index the rest of the file; `stop` is asked and `tell` called after each block."""
        while not self.complete and not stop():
            self._index_block()
            tell()

    def row(self, number: int) -> Sequence[str]:
        if not 0 <= number < self.count:
            return ()
        block = bisect_right(self._starts, number) - 1
        rows = self._block(block)
        within = number - self._starts[block]
        return cells(rows[within]) if within < len(rows) else ()

    def _index_block(self, header: bool = False) -> None:
        offset = self._next
        rows, end = self._read(offset)
        if header and rows:
            first = rows.pop(0)
            offset += len(first) + 1
            self.columns = cells(first.removeprefix(b"\xef\xbb\xbf"))
        if rows:
            self._offsets.append(offset)
            self._starts.append(self.count)
            self.count += len(rows)
        self._next = end
        self.complete = end >= self._size

    def _read(self, offset: int) -> tuple[list[bytes], int]:
        """The complete rows of the block at `offset`, at least one unless the file ends, and where they end."""
        with self._path.open("rb") as file:
            file.seek(offset)
            data = file.read(BLOCK)
            while True:
                rows, length = split_rows(data)
                if rows:
                    return rows, offset + length
                more = file.read(max(BLOCK, len(data)))
                if not more:  # the last row has no line break
                    return [row for row in split_rows(data + b"\n")[0] or [data] if row], self._size
                data += more

    def _block(self, number: int) -> list[bytes]:
        if number in self._kept:
            self._kept.move_to_end(number)
            return self._kept[number]
        rows, _ = self._read(self._offsets[number])
        self._kept[number] = rows
        if len(self._kept) > BLOCKS_KEPT:
            self._kept.popitem(last=False)
        return rows
