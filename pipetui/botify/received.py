"""What a download becomes: a CSV file that was checked while it was written.

The bytes are kept as Botify wrote them. Rows and columns are counted by taking everything out of a piece but its
delimiters, line ends and quotes: a regular file is then the same few bytes again and again, which one comparison shows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..http import Damaged, Unpacker
from .errors import BadFile, LinkExpired

_BOM = b"\xef\xbb\xbf"
_SEP = re.compile(rb'"?sep=(.)"?\r?\n', re.IGNORECASE)
_QUOTED = re.compile(rb'"[^"]*"')
_HEAD = 1 << 16  # bytes within which the first record must end
_LONGEST = 1 << 20  # delimiters and line ends within one record, after which it is no CSV


@dataclass(frozen=True)
class Received:
    """A CSV file on disk. `header` says whether its first record is one; `ragged` are rows with other columns.

    `rows` are without the header, `size` is in bytes, `packed` is how it came: gzip, zip or plain. `skip` are the
    lines before the first row.
    """

    rows: int
    columns: int
    size: int
    sha256: str
    header: bool
    delimiter: str
    ragged: int
    skip: int
    packed: str


class CsvSink:
    """Unpacks, writes, hashes and counts what it is fed. Used by `http.download`, in its thread.

    `names` are the columns that there should be, each with the names that a header may give it; None: whatever comes.
    Raises `http.Damaged`, `LinkExpired` for a page in place of a file, `BadFile`, and OSError.
    """

    def __init__(self, path: Path, names: Sequence[Sequence[str]] | None = None) -> None:
        self._names = names
        self._unpacker = Unpacker()
        self._file = path.open("wb")
        self._sha256 = hashlib.sha256()
        self._size = self._came = 0
        self._head: bytes | None = None  # the lines before the first row, once known
        self._waiting = b""
        self._boundary = False
        self._count = _Count()
        self._delimiter = ","
        self._header = False

    def feed(self, data: bytes) -> None:
        self._came += len(data)
        for piece in self._unpacker.feed(data):
            self._take(piece)

    def finish(self) -> None:
        if not self._came:
            raise Damaged("The file is empty.")
        for piece in self._unpacker.finish():
            self._take(piece)
        self._flush()
        if self._head is None:
            self._begin(self._waiting)
        self._count.finish()
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def received(self) -> Received:
        """The facts, after `finish`."""
        return Received(
            rows=self._count.rows - self._header,
            columns=self._count.width,
            size=self._size,
            sha256=self._sha256.hexdigest(),
            header=self._header,
            delimiter=self._delimiter,
            ragged=self._count.ragged,
            skip=(self._head or b"").count(b"\n"),
            packed=self._unpacker.kind,
        )

    def _take(self, piece: bytes | None) -> None:
        if piece is None:
            self._flush()
            self._boundary = self._head is not None
        elif self._head is None:
            self._waiting += piece
            if _first_record(self._waiting) or len(self._waiting) > _HEAD:
                waiting, self._waiting = self._waiting, b""
                self._begin(waiting)
        elif self._boundary:
            self._waiting += piece
            if len(self._waiting) >= len(self._head):
                self._flush()
        else:
            self._write(piece)

    def _begin(self, data: bytes) -> None:
        """Look at the first lines: what they are, and whether this is a CSV at all."""
        if data.lstrip(_BOM + b" \r\n\t")[:1] in (b"<", b"{"):
            raise LinkExpired("Botify's download link gives a page or an error in place of the file.")
        start = len(_BOM) if data.startswith(_BOM) else 0
        sep = _SEP.match(data, start)
        if sep is not None:
            start = sep.end()
            self._delimiter = sep[1].decode("latin-1")
        first = _first_record(data[start:]) or data[start:]
        if len(first) > _HEAD:
            raise BadFile("The file is no proper CSV: its first row never ends. Nothing is exported again.")
        cells = next(csv.reader(io.StringIO(first.decode("utf-8", "replace")), delimiter=self._delimiter), [])
        width = len(cells) or len(self._names or "")
        if self._names is not None and len(self._names) != width:
            if width == 1:
                raise BadFile(f"The file is not this export: it has 1 column and not {len(self._names)}.")
            self._names = None  # odd, but paid for: kept, and said
        self._header = _is_header(cells, self._names)
        self._head = data[: start + len(first)] if self._header else data[:start]
        self._count.start(max(width, 1), self._delimiter)
        self._write(data, uncounted=start)

    def _flush(self) -> None:
        """Go on after the border of two files in one: the second begins with the lines of the first once more."""
        data, self._waiting = (self._waiting, b"") if self._boundary else (b"", self._waiting)
        self._boundary = False
        if data and self._head and data.startswith(self._head):
            data = data[len(self._head) :]
            if not self._count.at_line_start:
                data = b"\n" + data
        if data:
            self._write(data)

    def _write(self, data: bytes, uncounted: int = 0) -> None:
        self._file.write(data)
        self._sha256.update(data)
        self._size += len(data)
        self._count.add(data[uncounted:] if uncounted else data)


class _Count:
    """Records, and those that have other than `width` columns."""

    def __init__(self) -> None:
        self.rows = self.ragged = self.width = 0
        self.at_line_start = True
        self._carry = b""

    def start(self, width: int, delimiter: str) -> None:
        self.width = width
        mark = delimiter.encode("latin-1")
        self._unit = mark * (width - 1) + b"\n"
        self._dull = bytes(sorted(set(range(256)) - {*mark, *b'"\n'}))

    def add(self, data: bytes) -> None:
        if not data:
            return
        self.at_line_start = data.endswith(b"\n")
        marks = self._carry + data.translate(None, self._dull)
        end = len(marks)
        if b'"' in marks:
            marks = _QUOTED.sub(b"", marks)
            end = marks.find(b'"')  # the beginning of a quotation that goes on in the next piece
            end = len(marks) if end < 0 else end
        cut = marks.rfind(b"\n", 0, end) + 1
        marks, self._carry = marks[:cut], marks[cut:]
        if len(self._carry) > _LONGEST:
            raise BadFile("The file is no proper CSV: a quotation mark is never closed. Nothing is exported again.")
        rows = marks.count(b"\n")
        self.rows += rows
        if marks != self._unit * rows:
            self.ragged += sum(line != self._unit for line in marks.splitlines(keepends=True))

    def finish(self) -> None:
        if not self.at_line_start:
            self.rows += 1
            self.ragged += self._carry != self._unit[:-1]


def _first_record(data: bytes) -> bytes:
    """The first record with its line end, behind a sep line; empty when its end has not come yet."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    sep = _SEP.match(data, start)
    begin = sep.end() if sep else start
    at = begin
    while (end := data.find(b"\n", at, begin + _HEAD)) >= 0:
        if data.count(b'"', begin, end) % 2 == 0:
            return data[begin : end + 1]
        at = end + 1
    return b""


def _is_header(cells: Sequence[str], names: Sequence[Sequence[str]] | None) -> bool:
    """Whether the first record is the header.

    It is when it has the expected names; or when there is no address in a column of addresses, or none anywhere if
    nothing is expected.
    """
    if not cells:
        return False
    if names is None:
        return not any("://" in cell or cell.replace(".", "", 1).isdecimal() for cell in cells)
    known = [(cell, accepted) for cell, accepted in zip(cells, names, strict=True) if accepted]
    if known and all(cell.strip() in accepted for cell, accepted in known):
        return True
    urls = [cell for cell, accepted in known if any(name == "url" or name.endswith(".url") for name in accepted)]
    return bool(urls) and all(cell and "://" not in cell and not cell.startswith("/") for cell in urls)
