"""What a CSV file is like, from its first bytes: compression, encoding, delimiter, header, and which column is what.

Made for Botify's exports (`sep=` line or not, header or not, its names verbose, slug or collection_slug) and for what
crawlers and spreadsheets write. Never trusts a file's name.
"""

from __future__ import annotations

import contextlib
import csv
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BadInput

SAMPLE = 256 * 1024
"""Decompressed bytes that are looked at."""
ROWS = 100
DELIMITERS = (",", "\t", ";", "|")

SOURCES = ("source", "from", "src", "source url", "url source", "from url", "url from", "link from", "source page",
           "referrer", "referring page", "url", "full url", "address", "page")  # fmt: skip
TARGETS = ("target", "to", "dst", "destination", "target url", "url target", "to url", "url to", "link to",
           "destination url", "target page", "outlinks internal graph url", "outlinks external graph url", "href",
           "link")  # fmt: skip
PAGES = ("url", "full url", "address", "page url", "page", "loc", "node", "id", "source")
STATUSES = ("http code", "http status code", "status code", "http status", "status")
SEGMENTS = ("pagetype", "page type", "segment", "segments pagetype value", "template")
WEIGHTS = ("weight",)

_SEP_LINE = re.compile(r'"?sep=([^\w"\r\n])"?[ \t]*')


@dataclass(frozen=True)
class CsvFile:
    """How to read a file. `skip` is what stands before the data, in rows; `names` are the header's, or made up."""

    path: Path
    compression: str  # "none" or "gzip"
    encoding: str  # "utf-8" or "utf-16"
    delimiter: str
    skip: int
    names: tuple[str, ...]
    has_header: bool
    sample: tuple[tuple[str, ...], ...]  # the first rows of data

    def find(self, known: Sequence[str]) -> int | None:
        """The column that has the first of the known names, or None."""
        plain = [_plain(name) for name in self.names] if self.has_header else []
        return next((plain.index(name) for name in known if name in plain), None)

    def named(self, name: str) -> int:
        """The column of this name, as it stands in the header, or its number from 1. BadInput."""
        if name in self.names:
            return self.names.index(name)
        if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= len(self.names):
            return int(name) - 1
        raise BadInput(f"{self.path.name} has no column {name!r}; it has {self._columns()}.")

    def ends(self, source: str | None = None, target: str | None = None) -> tuple[int, int]:
        """The columns of a link's source and target. BadInput when the file does not say."""
        if len(self.names) < 2:
            raise BadInput(f"{self.path.name} has one column: a file of links has a source and a target.")
        start = self.named(source) if source is not None else None
        end = self.named(target) if target is not None else None
        if start is None and end is None:
            plain = [_plain(name) for name in self.names] if self.has_header else []
            inbound = next((i for i, name in enumerate(plain) if name.startswith("inlinks ")), None)
            if inbound is not None:  # the twin of Botify's link graph: the page is the one that is linked to
                start, end = inbound, self.find(PAGES)
        if start is None:
            start = self.find(SOURCES)
        if end is None:
            end = self.find(TARGETS)
        if end is None and self.has_header:
            end = next((i for i, name in enumerate(self.names) if "outlink" in name.lower()), None)
        if len(self.names) == 2:
            if start is None:
                start = 0 if end is None else 1 - end
            if end is None:
                end = 1 - start
        if start is None or end is None:
            addresses = [i for i in range(len(self.names)) if i not in (start, end) and self._has_addresses(i)]
            if start is None and addresses:
                start = addresses.pop(0)
            if end is None and addresses:
                end = addresses.pop(0)
        if start is None or end is None or start == end:
            raise BadInput(
                f"It is not clear which columns of {self.path.name} are source and target: name them. "
                f"It has {self._columns()}."
            )
        return start, end

    def page(self) -> int:
        """The column of a node file that holds the page's address."""
        found = self.find(PAGES)
        if found is None:
            found = next((i for i in range(len(self.names)) if self._has_addresses(i)), 0)
        return found

    def status(self) -> int | None:
        return self.find(STATUSES)

    def segment(self) -> int | None:
        found = self.find(SEGMENTS)
        if found is None and self.has_header:
            found = next((i for i, name in enumerate(self.names) if _plain(name).startswith("segment")), None)
        return found

    def _has_addresses(self, column: int) -> bool:
        cells = [row[column] for row in self.sample if column < len(row)]
        return bool(cells) and sum(map(_is_address, cells)) * 2 > len(cells)

    def _columns(self) -> str:
        shown = ", ".join(name[:40] for name in self.names[:12])
        return shown + (f" and {len(self.names) - 12} more" if len(self.names) > 12 else "")


def sniff(path: Path) -> CsvFile:
    """Look at the first bytes of a file. BadInput when it can't be read, or is no CSV."""
    try:
        with path.open("rb") as file:
            raw = file.read(SAMPLE)
    except OSError as error:
        raise BadInput(f"{path} can't be read ({error.strerror}).") from None
    compression = "none"
    if raw[:2] == b"\x1f\x8b":
        compression, raw = "gzip", _unpacked(path, raw)
    if raw[:4] == b"PK\x03\x04":
        raise BadInput(f"{path.name} is a zip archive: unpack it first.")
    encoding, text = _decoded(path, raw)
    if not text.strip():
        raise BadInput(f"{path.name} is empty.")
    if re.match(r"\s*<(!doctype|html|\?xml)", text, re.IGNORECASE):
        raise BadInput(f"{path.name} is a web page or XML, not a table: download the file again.")
    lines = text.splitlines(keepends=True)
    if len(raw) >= SAMPLE and len(lines) > 1:
        lines.pop()  # cut in the middle
    before = len(lines)
    _drop_blank(lines)
    sep = _SEP_LINE.fullmatch(lines[0].rstrip("\r\n"))
    if sep:
        lines.pop(0)
        _drop_blank(lines)
    skip = before - len(lines)
    delimiter, rows = _split(lines, (sep[1],) if sep else DELIMITERS)
    if not rows:
        raise BadInput(f"{path.name} is empty.")
    has_header = _has_header(rows)
    width = len(rows[0]) if has_header else _usual_width(rows)
    names = tuple(name.strip() for name in rows[0]) if has_header else tuple(f"column {i + 1}" for i in range(width))
    data = tuple(map(tuple, rows[1:] if has_header else rows))
    return CsvFile(path, compression, encoding, delimiter, skip + has_header, names, has_header, data)


def _drop_blank(lines: list[str]) -> None:
    while lines and not lines[0].strip():
        lines.pop(0)


def _unpacked(path: Path, raw: bytes) -> bytes:
    """The beginning of a gzip file's content."""
    try:
        return zlib.decompressobj(wbits=31).decompress(raw, SAMPLE)
    except zlib.error:
        raise BadInput(f"{path.name} is damaged: download it again.") from None


def _decoded(path: Path, raw: bytes) -> tuple[str, str]:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", raw.decode("utf-16", "replace")
    start = raw[:1000]
    if start.count(0) * 10 > len(start) or raw[:4] == b"PAR1":
        raise BadInput(f"{path.name} is no text: a CSV file in UTF-8 is wanted.")
    return "utf-8", raw.decode("utf-8-sig", "replace")


def _split(lines: Sequence[str], delimiters: Iterable[str]) -> tuple[str, list[list[str]]]:
    """The delimiter under which the rows look most like a table, and those rows."""
    best: tuple[tuple[bool, bool, float], str, list[list[str]]] | None = None
    for delimiter in delimiters:
        rows: list[list[str]] = []
        with contextlib.suppress(csv.Error):  # a field of more than 128 kB: what stands before it will do
            rows.extend(row for row in csv.reader(lines[:ROWS], delimiter=delimiter) if row)
        if not rows:
            continue
        width = _usual_width(rows)
        known = width > 1 and bool({_plain(name) for name in rows[0]} & _KNOWN)
        score = (known, width > 1, sum(len(row) == width for row in rows) / len(rows))
        if best is None or score > best[0]:
            best = (score, delimiter, rows)
    return (best[1], best[2]) if best else (",", [])


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    return Counter(map(len, rows)).most_common(1)[0][0]


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """A header has no address in it; and it has a name we know, or what stands below it is of another kind."""
    first, rest = rows[0], rows[1:]
    if any(map(_is_address, first)):
        return False
    if {_plain(name) for name in first} & _KNOWN:
        return True
    below = [cell for row in rest for cell in row]
    if any(map(_is_address, below)):
        return True
    return bool(below) and all(map(_is_number, below)) and not any(map(_is_number, first))


def _plain(name: str) -> str:
    """`crawl.20240301.outlinks_internal.graph.url` and `Outlinks Internal Graph URL` are the same name."""
    name = re.sub(r"^\s*crawl\.\d{8}(-\d+)?\.", "", name.lower())
    return re.sub(r"[^a-z0-9]+", " ", name).strip()


def _is_address(cell: str) -> bool:
    cell = cell.strip()
    return "://" in cell or cell.startswith("/")


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", cell) is not None


_KNOWN = frozenset((*SOURCES, *TARGETS, *PAGES, *STATUSES, *SEGMENTS, *WEIGHTS, "inlinks internal graph url"))
