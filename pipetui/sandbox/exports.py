"""Export files: CSV as the formatter's options want it, compressed, the same bytes for the same seed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from .errors import at
from .query import Query

VERSION = 1
"""Goes up when the same seed would make other bytes: files kept from before are left alone then."""

ROWS = 4_096
"""Rows that are in memory at a time."""

SUFFIXES = {"gzip": ".csv.gz", "zip": ".zip", "none": ".csv"}
TYPES = {"gzip": "application/gzip", "zip": "application/zip", "none": "text/csv"}

DEFAULTS = {"delimiter": ",", "print_header": False, "header_format": "verbose", "print_delimiter": False}
"""Of formatter_config, as a real answer echoed them."""


class Stopped(Exception):
    """The sandbox ends, and the file is not wanted any more."""


@dataclass(frozen=True)
class Export:
    """A file that is ready."""

    file: str
    rows: int
    size: int
    etag: str
    sha256: str
    """Of the CSV before compression."""


@dataclass(frozen=True)
class Layout:
    """How the file is to look."""

    size: int
    """export_size: rows at most."""
    delimiter: str = ","
    header: str = ""
    """verbose, slug, collection_slug, or empty: no line with names."""
    print_delimiter: bool = False
    compression: str = "gzip"
    prepend: tuple[tuple[str, str, str], ...] = ()
    append: tuple[tuple[str, str, str], ...] = ()
    """More columns: value, name, slug."""
    byte_order_mark: bool = False
    windows_lines: bool = False
    member_rows: int = 0
    missing_rows: int = 0


def layout(payload: dict[str, Any], **more: Any) -> Layout:
    """From the payload of a job. Raises ApiError."""
    config = DEFAULTS | (payload.get("formatter_config") or {})
    compression = (payload.get("extra_config") or {}).get("compression", "gzip")
    if not isinstance(compression, str) or compression not in SUFFIXES:
        raise at(("payload", "extra_config", "compression"), f'"{compression}" is not a valid choice.')
    if config["header_format"] not in ("verbose", "slug", "collection_slug"):
        raise at(("payload", "formatter_config", "header_format"), "Not a valid choice.")
    if not isinstance(config["delimiter"], str) or len(config["delimiter"]) != 1:
        raise at(("payload", "formatter_config", "delimiter"), "Not a valid delimiter.")

    def columns(name: str) -> tuple[tuple[str, str, str], ...]:
        return tuple((str(each["value"]), str(each["name"]), str(each["slug"])) for each in config.get(name) or ())

    try:
        prepend, append = columns("prepend_columns"), columns("append_columns")
    except (KeyError, TypeError):
        raise at(("payload", "formatter_config"), "A column has value, name and slug.") from None
    return Layout(
        size=payload["export_size"],
        delimiter=config["delimiter"],
        header=config["header_format"] if config["print_header"] else "",
        print_delimiter=bool(config["print_delimiter"]),
        compression=compression,
        prepend=prepend,
        append=append,
        **more,
    )


class Files:
    """The folder of finished files. One thread makes them, each once."""

    def __init__(self) -> None:
        self.folder = Path()
        """Known once the sandbox has started."""
        self._stopping = False

    def stop(self) -> None:
        """Work that goes on ends with Stopped."""
        self._stopping = True

    def path(self, export: Export) -> Path:
        return self.folder / export.file

    def make(self, query: Query, layout: Layout, identity: object) -> Export:
        """The export of this query in this layout; `identity` is all that the rows depend on."""
        key = hashlib.sha256(_canonical([VERSION, asdict(layout), identity])).hexdigest()[:32]
        note = self.folder / f"{key}.json"
        if note.is_file():
            return Export(**json.loads(note.read_bytes()))
        export = self._write(query, layout, key + SUFFIXES[layout.compression])
        fresh = note.with_suffix(".new")
        fresh.write_bytes(_canonical(asdict(export)))
        fresh.replace(note)
        return export

    def _write(self, query: Query, layout: Layout, name: str) -> Export:
        rows = 0
        sha256 = hashlib.sha256()
        limit = layout.size
        if layout.missing_rows:
            limit = max(0, min(limit, query.count()) - layout.missing_rows)

        def blocks() -> Iterator[bytes]:
            nonlocal rows
            for block, count in _blocks(query, layout, limit):
                if self._stopping:
                    raise Stopped
                rows += count
                sha256.update(block)
                yield block

        made = self.folder / f"{name}.part"
        try:
            with made.open("wb") as file:
                _COMPRESS[layout.compression](file, blocks(), layout.member_rows)
        except BaseException:
            made.unlink()
            raise
        with made.open("rb") as whole:
            etag = hashlib.file_digest(whole, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
        made.replace(self.folder / name)
        return Export(name, rows, (self.folder / name).stat().st_size, f'"{etag}"', sha256.hexdigest())


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True).encode()


def _blocks(query: Query, layout: Layout, limit: int) -> Iterator[tuple[bytes, int]]:
    """Pieces of the CSV, each with how many rows end in it."""
    text = io.StringIO()
    end = "\r\n" if layout.windows_lines else "\n"
    writer = csv.writer(text, delimiter=layout.delimiter, lineterminator=end)
    if layout.byte_order_mark:
        text.write("\ufeff")
    if layout.print_delimiter:
        text.write(f"sep={layout.delimiter}{end}")
    if layout.header:
        which = ("verbose", "slug", "collection_slug").index(layout.header)
        more = 1 if which == 0 else 2
        names = [column[more] for column in layout.prepend], [column[more] for column in layout.append]
        writer.writerow([*names[0], *(labels[which] for labels in query.labels), *names[1]])
    rows = islice(query.rows(), limit)
    before, after = (tuple(column[0] for column in columns) for columns in (layout.prepend, layout.append))
    size = min(ROWS, layout.member_rows) if layout.member_rows else ROWS
    while block := list(islice(rows, size)):
        joined = _joined(block, layout.delimiter, end) if query.is_text and not (before or after) else None
        if joined is not None:
            text.write(joined)
        elif before or after or query.has_booleans:
            writer.writerows((*before, *map(_cell, row), *after) for row in block)
        else:
            writer.writerows(block)
        yield text.getvalue().encode(), len(block)
        text.seek(0)
        text.truncate()
    if rest := text.getvalue():  # names, and no rows
        yield rest.encode(), 0


def _joined(rows: list[tuple[Any, ...]], delimiter: str, end: str) -> str | None:
    """What csv.writer makes of rows of texts, in a fifth of its time; None where something must be quoted."""
    text = end.join([delimiter.join([value or "" for value in row]) for row in rows]) + end
    as_many = text.count(delimiter) == len(rows) * (len(rows[0]) - 1) and text.count("\n") == len(rows)
    return text if as_many and '"' not in text and text.count("\r") == end.count("\r") * len(rows) else None


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _gzip(file: BinaryIO, blocks: Iterator[bytes], member_rows: int) -> None:
    packer = _packer()
    for block in blocks:
        file.write(packer.compress(block))
        if member_rows:
            file.write(packer.flush())
            packer = _packer()
    file.write(packer.flush())


def _packer() -> Any:
    return zlib.compressobj(level=1, wbits=31)


def _zip(file: BinaryIO, blocks: Iterator[bytes], member_rows: int) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        member = zipfile.ZipInfo("botify-2024-03-02.csv", (2024, 3, 2, 0, 0, 0))
        member.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(member, "w", force_zip64=True) as inside:
            for block in blocks:
                inside.write(block)


def _plain(file: BinaryIO, blocks: Iterator[bytes], member_rows: int) -> None:
    file.writelines(blocks)


_COMPRESS = {"gzip": _gzip, "zip": _zip, "none": _plain}
