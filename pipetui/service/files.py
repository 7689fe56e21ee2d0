"""Files that runs produced, looked into: the first rows, and what their columns hold. CSV, gzip or not, Parquet, text.

Only files that are on record for the run. They are read in a thread, as a stream, for a limited time.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import math
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from ..engine.refusals import Refusal
from ..paths import inside
from ..store import artifacts, runs
from ..store.artifacts import ArtifactRow
from ..store.database import Tx
from ..store.runs import RunRow
from ..text import count, meant, one_line

if TYPE_CHECKING:
    from .parquet import Rows
    from .service import Service

SECONDS = 10.0
"""A file is read no longer; what was read until then is told."""

LONGEST_CELL = 1_000
MOST_COLUMNS = 200
MOST_KINDS = 10_000
"""Different values of a column that are counted."""

PARQUET = ".parquet"
TABLES = (".csv", ".csv.gz", PARQUET)
TEXTS = (".txt", ".md", ".json", ".jsonl", ".log", ".xml", ".html", ".graphml", ".gexf")

LONGEST_LINE = 16 * 1024 * 1024
"""Characters."""

T = TypeVar("T")


@dataclass(frozen=True)
class Head:
    """The first rows of a table, or the first lines of a text (then `columns` is None)."""

    columns: Sequence[str] | None
    rows: Sequence[Sequence[str]]


@dataclass
class Column:
    """What one column of a table holds; lowest, highest and mean of its numbers, where more than half are some."""

    name: str
    rows: int = 0
    empty: int = 0
    numbers: int = 0
    lowest: float = float("inf")
    highest: float = float("-inf")
    total: float = 0.0
    longest: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    more_kinds: bool = False

    @property
    def is_numeric(self) -> bool:
        return self.numbers * 2 > self.rows - self.empty

    @property
    def mean(self) -> float:
        return self.total / self.numbers if self.numbers else 0.0

    def take(self, cell: str) -> None:
        self.rows += 1
        if not cell:
            self.empty += 1
            return
        self.longest = max(self.longest, len(cell))
        cell = cell[:LONGEST_CELL]
        if cell in self.kinds or len(self.kinds) < MOST_KINDS:
            self.kinds[cell] += 1
        else:
            self.more_kinds = True
        number = _number(cell)
        if number is not None:
            self.numbers += 1
            self.total += number
            self.lowest, self.highest = min(self.lowest, number), max(self.highest, number)


@dataclass(frozen=True)
class Statistics:
    """What the columns hold in `rows` rows; not `complete` where the time was over before the file."""

    rows: int
    complete: bool
    columns: Sequence[Column]


class Files:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def of(self, run: str) -> list[ArtifactRow]:
        """The files of a run. Refusal when the run is gone."""
        return (await self._rows(run))[1]

    async def head(self, run: str, name: str, rows: int) -> Head:
        """The first rows of a file on record for this run. Refusal."""
        path, is_table = await self._path(run, name)
        return await asyncio.to_thread(_read, path, name, lambda: _head(path, rows, is_table))

    async def statistics(self, run: str, name: str, column: str = "") -> Statistics:
        """What a table's columns hold, or one of them. Refusal."""
        path, is_table = await self._path(run, name)
        if not is_table:
            raise Refusal(f"{name} is no table: only CSV and Parquet files have columns.")
        return await asyncio.to_thread(_read, path, name, lambda: _statistics(path, column, SECONDS))

    async def _rows(self, run: str) -> tuple[RunRow, list[ArtifactRow]]:
        def work(tx: Tx) -> tuple[RunRow | None, list[ArtifactRow]]:
            return runs.get(tx, run), artifacts.of(tx, run)

        row, found = await self._service.db.read(work)
        if row is None:
            raise Refusal("This run is gone: it was removed for good.")
        return row, found

    async def _path(self, run: str, name: str) -> tuple[Path, bool]:
        """Where a file of the run lies, and whether it is a table. Refusal unless it is on record."""
        row, found = await self._rows(run)
        names = [artifact.name for artifact in found]
        if name not in names:
            raise Refusal(f"This run has no file {one_line(name, 80)!r}{meant(name, names)}")
        is_table = name.lower().endswith(TABLES)
        if not is_table and not name.lower().endswith(TEXTS):
            raise Refusal(f"{name} is no text that can be shown here: CSV, Parquet and text files can.")
        try:
            path = inside(inside(self._service.paths.downloads, row.folder), name)
        except ValueError as error:
            raise Refusal(str(error)) from None
        return path, is_table


def _read(path: Path, name: str, work: Callable[[], T]) -> T:
    """What `work` finds in the file. Refusal, as a sentence, when it can't be read."""
    if not path.is_file():
        raise Refusal(f"{name} is on record, but not in the run's folder: it was removed, or moved.")
    try:
        return work()
    except (OSError, EOFError, zlib.error) as error:
        raise Refusal(f"{name} can't be read: {getattr(error, 'strerror', None) or error}.") from None
    except csv.Error as error:
        raise Refusal(f"{name} is no table that can be read: {error}.") from None


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a text file, gzip or not. Refusal for one that is no line any more."""
    opened: Callable[..., TextIO] = gzip.open if path.name.lower().endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as text:

        def each() -> Iterator[str]:
            while line := text.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith("\n"):
                    raise Refusal(f"{path.name} has a line of more than {count(LONGEST_LINE)} characters.")
                yield line.replace("\0", "")

        yield each()


def _head(path: Path, most: int, is_table: bool) -> Head:
    if not is_table:
        with _lines(path) as lines:
            return Head(None, [[line.rstrip("\r\n")[:LONGEST_CELL]] for line in islice(lines, most)])
    with _table(path, SECONDS) as (names, rows):
        columns = range(min(len(names), MOST_COLUMNS))
        found = [[cell[:LONGEST_CELL] for cell in row] for row in islice(rows(columns), most)]
        return Head([names[at][:LONGEST_CELL] for at in columns], found)


def _statistics(path: Path, wanted: str, seconds: float) -> Statistics:
    until = time.monotonic() + seconds
    with _table(path, 2 * seconds) as (names, rows):
        if wanted and wanted not in names:
            raise Refusal(f"{path.name} has no column {one_line(wanted, 80)!r}{meant(wanted, names)}")
        places = [place for place, name in enumerate(names) if wanted in ("", name)][:MOST_COLUMNS]
        columns = [Column(names[place]) for place in places]
        number = 0
        for number, row in enumerate(rows(places) if places else (), 1):
            for column, cell in zip(columns, row, strict=True):
                column.take(cell)
            if number % 1_000 == 0 and time.monotonic() > until:
                return Statistics(number, False, columns)
        return Statistics(number, True, columns)


@contextmanager
def _table(path: Path, seconds: float) -> Iterator[tuple[list[str], Rows]]:
    """(the names of the columns, the rows) of a table; whoever waits longer for a row is told by an OSError."""
    if path.name.lower().endswith(PARQUET):
        from . import parquet

        with parquet.opened(path, seconds) as found:
            yield found
        return
    with _lines(path) as lines:
        csv.field_size_limit(LONGEST_LINE)
        table = (row for row in csv.reader(lines) if row)

        def rows(columns: Sequence[int]) -> Iterator[Sequence[str]]:
            return ([row[place] if place < len(row) else "" for place in columns] for row in table)

        yield next(table, []), rows


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
