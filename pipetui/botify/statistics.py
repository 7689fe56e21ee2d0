"""What the columns of a CSV hold, in one pass and in little memory."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from io import TextIOWrapper
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

STATISTICS = ("column", "filled", "empty", "distinct", "min", "max", "most frequent", "times")
AT_ONCE = 10_000
"""Rows that are looked at together."""
DISTINCT = 5_000
"""Values of a column that are counted, so that memory does not grow with the file."""
SHOWN = 200
"""Characters of a value."""


def column_statistics(path: Path, progress: Callable[[float, float, str], None]) -> tuple[int, list[list[str]]]:
    """(rows, a line of `STATISTICS` for each column) of a CSV with commas and a header line. Blocking; OSError.

    `progress` gets (bytes read, bytes in all, text).
    """
    csv.field_size_limit(1 << 24)
    rows, size = 0, path.stat().st_size
    with path.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig", "replace", newline="") as file:
        reader = csv.reader(file)
        names = next(reader, [])
        columns = [_Column() for _ in names]
        while some := list(islice(reader, AT_ONCE)):
            for column, cells in zip(columns, zip_longest(*some, fillvalue=""), strict=False):
                column.add(cells)
            rows += len(some)
            progress(raw.tell(), size, f"{rows:,} rows")
    return rows, [column.line(name) for column, name in zip(columns, names, strict=True)]


class _Column:
    """What the rows so far say of a column."""

    def __init__(self) -> None:
        self._filled = self._empty = 0
        self._counts: Counter[str] = Counter()
        self._has_more = False
        self._is_numeric = True
        self._texts: list[str] = []
        self._numbers: list[str] = []

    def add(self, cells: Iterable[str]) -> None:
        counts = Counter(cells)
        self._empty += counts.pop("", 0)
        self._filled += counts.total()
        self._texts = _extremes([*self._texts, *counts], str)
        self._is_numeric = self._is_numeric and all(map(_is_number, counts))
        if self._is_numeric:
            self._numbers = _extremes([*self._numbers, *counts], float)
        for cell, times in counts.items():
            if cell in self._counts or len(self._counts) < DISTINCT:
                self._counts[cell] += times
            else:
                self._has_more = True

    def line(self, name: str) -> list[str]:
        """The column as a row of `STATISTICS`."""
        distinct = f"more than {DISTINCT:,}" if self._has_more else f"{len(self._counts):,}"
        lowest, highest = (self._numbers if self._is_numeric else self._texts) or ("", "")
        [(frequent, times)] = self._counts.most_common(1) or [("", 0)]
        if times < 2:
            frequent, times = "", 0  # every value is there once: none is more frequent
        texts = [name, f"{self._filled:,}", f"{self._empty:,}", distinct, lowest, highest, frequent]
        return [text[:SHOWN] for text in texts] + [f"{times:,}" if times else ""]


def _extremes(cells: Sequence[str], key: Callable[[str], Any]) -> list[str]:
    return [min(cells, key=key), max(cells, key=key)] if cells else []


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
