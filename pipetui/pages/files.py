"""Pages on disk: one JSON-able row a page, the raw HTML, and the tables that spreadsheets open.

A job saves each page as it comes (`Saver`: its HTML, its links, its row) and writes the tables at the end. A row has no
links, as they are many: a file beside collects them, and the row says where.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypedDict, cast

from pipetui.pages.urls import BadUrl, normal
from pipetui.text import csv_cell, slug

if TYPE_CHECKING:
    from pipetui.pages.extract import Extract, Link
    from pipetui.pages.fetch import Page

LINKS_PART = "links.part"
MAX_ROW = 60_000  # bytes of a row's JSON


class HopRow(TypedDict):
    url: str
    status: int
    location: str


class RobotsRow(TypedDict):
    source: str  # "meta" or "header"
    agent: str  # empty: all crawlers
    content: str
    noindex: bool


class HreflangRow(TypedDict):
    language: str
    url: str


class PageRow(TypedDict):
    """What is kept of a page: a line of `pages.jsonl`. Texts that were not there are None, `status` is 0 without an
    answer, times are seconds, `raw` names the file of its HTML (or is empty), `links_at` is the place of its links."""

    url: str
    final_url: str
    fetched: str
    status: int
    code: str
    error: str
    notes: list[str]
    redirects: list[HopRow]
    headers: list[list[str]]
    content_type: str
    bytes: int
    truncated: bool
    first_byte: float
    seconds: float
    encoding: str
    language: str
    html: bool
    title: str | None
    description: str | None
    robots: list[RobotsRow]
    canonical: str | None
    canonical_elsewhere: bool
    hreflang: list[HreflangRow]
    h1: list[str]
    h2: list[str]
    words: int
    links_internal: int
    links_external: int
    images: int
    images_without_alt: int
    images_without_alt_at: list[str]
    jsonld_types: list[str]
    jsonld_errors: list[str]
    microdata_types: list[str]
    open_graph: dict[str, str]
    mixed_content: list[str]
    raw: str
    links_at: list[int]  # offset and length


class LinkRow(TypedDict):
    """A line of `links.csv`."""

    source: str
    target: str
    internal: bool
    rel: str
    text: str


PAGES_HEADER = [
    *("url", "final_url", "status", "error", "redirects", "title", "description", "robots", "canonical"),
    *("canonical_elsewhere", "language", "encoding", "h1", "h2", "words", "links_internal", "links_external"),
    *("images", "images_without_alt", "hreflang", "jsonld", "microdata", "open_graph", "content_type", "bytes"),
    *("first_byte", "seconds", "notes", "fetched", "raw"),
]
LINKS_HEADER = list(LinkRow.__annotations__)

_EMPTY: PageRow = {
    "url": "", "final_url": "", "fetched": "", "status": 0, "code": "", "error": "", "notes": [], "redirects": [],
    "headers": [], "content_type": "", "bytes": 0, "truncated": False, "first_byte": 0.0, "seconds": 0.0,
    "encoding": "", "language": "", "html": False, "title": None, "description": None, "robots": [],
    "canonical": None, "canonical_elsewhere": False, "hreflang": [], "h1": [], "h2": [], "words": 0,
    "links_internal": 0, "links_external": 0, "images": 0, "images_without_alt": 0, "images_without_alt_at": [],
    "jsonld_types": [], "jsonld_errors": [], "microdata_types": [], "open_graph": {}, "mixed_content": [],
    "raw": "", "links_at": [0, 0],
}  # fmt: skip
# What each value may be: exactly, as JSON has no other kinds.
_KINDS: dict[str, tuple[type, ...]] = {
    key: (str, type(None)) if empty is None else (float, int) if isinstance(empty, float) else (type(empty),)
    for key, empty in _EMPTY.items()
}
_CONTAINERS = [key for key, empty in _EMPTY.items() if isinstance(empty, list | dict)]
# What goes, in this order, from a row that would be too long.
_EXPENDABLE = (
    *("headers", "images_without_alt_at", "mixed_content", "open_graph", "h2", "hreflang", "redirects", "h1"),
    *("microdata_types", "jsonld_types", "jsonld_errors", "robots"),
)


def raw_name(url: str) -> str:
    """A file name for the HTML of `url`: readable, unlike that of any other address, and of our making."""
    return f"{_stem(url)}.html"


def complete(row: PageRow, found: Extract | None = None) -> PageRow:
    """`row` with what was found in the page: JSON of at most 60 kB. What had to go for that is named in its notes."""
    if found is not None:
        _fill(row, found)
    return _shortened(row)


def answered(page: Page) -> PageRow:
    """The row of a page before anyone has read it."""
    row = from_row({"url": page.url, "final_url": page.url, "fetched": page.fetched})
    row["code"], row["error"], row["notes"] = page.code, page.error, list(page.notes)
    row["redirects"] = [{"url": hop.url, "status": hop.status, "location": hop.location} for hop in page.hops]
    if (response := page.response) is not None:
        row["final_url"] = _normal(response.final_url) if response.hops else page.url
        row["status"] = response.status
        row["headers"] = [[name, value[:500]] for name, value in response.headers[:60]]
        row["content_type"] = response.header("content-type")[:200]
        row["bytes"], row["truncated"] = len(response.body), response.truncated
        row["first_byte"], row["seconds"] = round(response.first_byte, 4), round(response.total, 4)
    return row


def from_row(data: Mapping[str, object]) -> PageRow:
    """`data`, read back from JSON, as a row: what it lacks is empty. `ValueError` for values of a wrong kind."""
    row: dict[str, Any] = {**_EMPTY, **data}
    for key, kinds in _KINDS.items():
        if type(row[key]) not in kinds:
            raise ValueError(f"This is no row of a page: {key} is {type(row[key]).__name__}.")
    for key in row.keys() - _KINDS.keys():
        del row[key]
    for key in _CONTAINERS:
        row[key] = row[key].copy()
    return cast(PageRow, row)


class Saver:
    """Keeps pages in a folder as they come: `with Saver(folder) as saver: row = saver.save(…)`. Blocking, quick.

    The HTML of a page goes to a file in `folder`/raw, its links to the end of `folder`/links.part; its row says where.
    What a crash leaves behind the last row that was kept is referred to by nobody; saving a page again is harmless.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "raw").mkdir(parents=True, exist_ok=True)
        self._links = (folder / LINKS_PART).open("ab", buffering=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._links.close()

    def save(self, row: PageRow, html: bytes, found: Extract) -> PageRow:
        """Write what belongs to a page and return its row, complete. `OSError` if the disk does not take it."""
        row = complete(row, found)
        row["raw"] = f"raw/{raw_name(row['url'])}"
        (self.folder / row["raw"]).write_bytes(html)
        lines = memoryview(_link_lines(row["final_url"], found.links).encode())
        fcntl.flock(self._links, fcntl.LOCK_EX)  # the reader of a job that was killed may still be at its last page
        try:
            start = self._links.seek(0, os.SEEK_END)
            row["links_at"] = [start, len(lines)]
            while lines:  # a full disk takes part of it before it says so
                lines = lines[self._links.write(lines) :]
        finally:
            fcntl.flock(self._links, fcntl.LOCK_UN)
        return row


def write_pages_csv(path: Path, rows: Iterable[PageRow]) -> int:
    """Write `pages.csv`, one line a page; returns how many. Cells that look like formulas are neutralised."""
    return _write_csv(path, PAGES_HEADER, map(_page_cells, rows))


def write_links_csv(path: Path, folder: Path, rows: Iterable[PageRow]) -> int:
    """Write `links.csv` from what a `Saver` kept in `folder`; returns how many links."""
    count = 0
    with path.open("wb") as out, (folder / LINKS_PART).open("rb") as links:
        out.write((",".join(LINKS_HEADER) + "\n").encode())
        for row in rows:
            start, length = row["links_at"]
            links.seek(start)
            lines = links.read(length)
            if len(lines) < length:
                raise ValueError(f"{folder / LINKS_PART} is shorter than it was; inspect the pages again.")
            count += lines.count(b"\n")  # cells have no line breaks
            out.write(lines)
    return count


def read_links(path: Path) -> Iterator[LinkRow]:
    """The lines of `links.csv`."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        for source, target, internal, rel, text in lines:
            yield {"source": source, "target": target, "internal": internal == "yes", "rel": rel, "text": text}


def write_rows(path: Path, rows: Iterable[PageRow]) -> int:
    """Write `pages.jsonl`, one row a line; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_rows(path: Path) -> Iterator[PageRow]:
    """The rows of `pages.jsonl`. `ValueError` for lines that are none."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield from_row(json.loads(line))


def _fill(row: PageRow, found: Extract) -> None:
    row["html"] = True
    row["notes"] += found.notes
    row["encoding"], row["language"] = found.encoding, found.language
    row["title"], row["description"] = found.title, found.description
    row["robots"] = [
        {"source": rule.source, "agent": rule.agent, "content": rule.content, "noindex": rule.noindex}
        for rule in found.robots
    ]
    row["canonical"] = found.canonical
    row["canonical_elsewhere"] = found.canonical not in (None, row["final_url"])
    row["hreflang"] = [{"language": language, "url": url} for language, url in found.hreflang]
    row["h1"], row["h2"], row["words"] = list(found.h1), list(found.h2), found.words
    row["links_internal"], row["links_external"] = found.links_internal, found.links_external
    row["images"], row["images_without_alt"] = found.images, found.images_without_alt
    row["images_without_alt_at"] = list(found.images_without_alt_at)
    row["jsonld_types"], row["jsonld_errors"] = list(found.jsonld_types), list(found.jsonld_errors)
    row["microdata_types"], row["open_graph"] = list(found.microdata_types), dict(found.open_graph)
    row["mixed_content"] = list(found.mixed_content)


def _shortened(row: PageRow) -> PageRow:
    gone: list[str] = []
    while len(json.dumps(row)) > MAX_ROW - 500 and len(gone) < len(_EXPENDABLE):
        key = _EXPENDABLE[len(gone)]
        gone.append(key)
        cast(dict[str, object], row)[key] = dict(from_row({}))[key]
    if gone:
        row["notes"].append(f"Too long to be listed here: {', '.join(gone)}.")
    return row


def _page_cells(row: PageRow) -> list[str]:
    robots = [f"{rule['agent']}: {rule['content']}".removeprefix(": ") for rule in row["robots"]]
    cells: dict[str, object] = {
        **row,
        "redirects": [f"{hop['status']} {hop['location']}" for hop in row["redirects"]],
        "robots": robots,
        "hreflang": [f"{each['language']} {each['url']}" for each in row["hreflang"]],
        "jsonld": row["jsonld_types"],
        "microdata": row["microdata_types"],
        "open_graph": [f"{name}={value}" for name, value in row["open_graph"].items()],
    }
    return [_cell(cells[name]) for name in PAGES_HEADER]


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return csv_cell(" | ".join(map(str, value)))
        case str():
            return csv_cell(value)
        case _:
            return str(value)


def _link_lines(source: str, links: Iterable[Link]) -> str:
    """Lines of `links.csv`, without its header."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(
        # Addresses in normal form begin with http: no formula.
        (source, link.url, "yes" if link.internal else "no", link.rel and csv_cell(link.rel), csv_cell(link.text))
        for link in links
    )
    return out.getvalue()


def _write_csv(path: Path, header: list[str], lines: Iterable[list[str]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        for line in lines:
            out.writerow(line)
            count += 1
    return count


def _normal(url: str) -> str:
    try:
        return normal(url)
    except BadUrl:
        return url


def _stem(url: str) -> str:
    return f"{slug(url.partition('://')[2], 60)}-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
