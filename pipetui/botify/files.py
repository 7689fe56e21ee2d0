"""Finished exports as one CSV: several put together, and any in the form that everything reads."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from .queries import columns
from .shelf import Export

_BUCKETS = 64
_BLOCK = 1 << 20


def one_csv(exports: Sequence[Export], path: Path) -> int:
    """One export, or the parts of a split one, as a CSV with commas and a header line; the number of rows.

    An export that is so already is put there as it is, without a second copy where the disk can do that; what was paid
    for is never changed. Blocking; OSError.
    """
    first = exports[0]
    if len(exports) == 1:
        first.place(path)
    else:
        join(exports, path, disjoint=True)
    if not (first.header and first.delimiter == "," and first.skip == 1):
        _rewrite(first, path)
    return sum(export.rows for export in exports)


def join(exports: Sequence[Export], path: Path, *, disjoint: bool = False) -> int:
    """One CSV of several with the same columns, one header, no row twice; the number of rows.

    Parts of `split` are `disjoint`: they are put one behind the other. Others are compared row by row, in files beside
    `path`, so that little memory does; rows then come in another order. Blocking; OSError.
    """
    with path.open("wb") as out:
        return _joined(exports, out) if disjoint else _distinct(exports, out, path.parent)


def _rewrite(export: Export, path: Path) -> None:
    """Headers are the fields' names without their collection, as Botify writes them."""
    plain = path.with_name(f"{path.name.removesuffix('.part')}-plain.part")  # swept after a crash, as the other
    with (
        path.open(encoding="utf-8-sig", errors="replace", newline="") as source,
        plain.open("w", encoding="utf-8", newline="") as out,
    ):
        for _ in range(export.skip):
            source.readline()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(min(names, key=len, default="") for names in columns(export.query))
        writer.writerows(csv.reader(source, delimiter=export.delimiter))
    plain.replace(path)


def _joined(exports: Sequence[Export], out: BinaryIO) -> int:
    for number, export in enumerate(exports):
        with export.path.open("rb") as file:
            lines = _skipped(file, export)
            if number == 0:
                out.write(lines)
            shutil.copyfileobj(file, out, _BLOCK)
            if export.size > len(lines) and not _ends_line(file):
                out.write(b"\n")
    return sum(export.rows for export in exports)


def _distinct(exports: Sequence[Export], out: BinaryIO, folder: Path) -> int:
    """Equal rows fall into the same of some files, each of which fits into memory."""
    rows = 0
    with tempfile.TemporaryDirectory(prefix=".join-", dir=folder) as place, ExitStack() as stack:
        buckets = [stack.enter_context((Path(place) / f"{n:02}").open("w+b")) for n in range(_BUCKETS)]
        for number, export in enumerate(exports):
            with export.path.open("rb") as file:
                lines = _skipped(file, export)
                if number == 0:
                    out.write(lines)
                for record in _records(file):
                    buckets[zlib.crc32(record) % _BUCKETS].write(record)
        for bucket in buckets:
            bucket.seek(0)
            distinct = dict.fromkeys(_records(bucket))
            out.writelines(distinct)
            rows += len(distinct)
    return rows


def _skipped(file: BinaryIO, export: Export) -> bytes:
    """The lines before the first row."""
    return b"".join(file.readline() for _ in range(export.skip))


def _records(file: BinaryIO) -> Iterator[bytes]:
    """Rows with their line ends; a quoted cell may have line ends too."""
    record = b""
    for line in file:
        record += line
        if record.count(b'"') % 2 == 0:
            yield record if record.endswith(b"\n") else record + b"\n"
            record = b""
    if record:
        yield record + b"\n"


def _ends_line(file: BinaryIO) -> bool:
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
