"""Files as a table, and what a look into one shows. No widgets here."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from ..engine.fields import Invalid
from ..engine.views import File, Files, Stack, Table, Text, View
from ..text import count, size
from .rows import cells, split_rows

MOST_BYTES = 1_000_000
"""Bytes of a text, or of a compressed table once it is unpacked, that a preview reads."""


def files_table(view: Files) -> Table:
    """A row a file; Enter opens its preview."""
    names = short_names([file.path for file in view.files])
    rows = [
        [name, size(file.size), "" if file.rows is None else count(file.rows)]
        for name, file in zip(names, view.files, strict=True)
    ]
    return Table(["file", "size", "rows"], rows, detail=lambda row: preview(view.files[row]))


def short_names(paths: list[Path]) -> list[str]:
    """The paths as they are told apart: without the folder that all have in common."""
    try:
        common = os.path.commonpath([path.parent for path in paths])
    except ValueError:  # none, or relative and absolute ones
        return [str(path) for path in paths]
    return [os.path.relpath(path, common) for path in paths]


def preview(file: File) -> View:
    """A table of a CSV file, plain or gzipped; else its text. Invalid where there is none to show.

    Exactly this file is read: a symbolic link in its place is not followed.
    """
    path = file.path
    if path.is_symlink() or not path.is_file():
        raise Invalid(f"{path.name} is not there any more. Esc goes back.")
    try:
        with path.open("rb") as opened:
            start = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise Invalid(f"{path.name} can't be read: {error.strerror}. Esc goes back.") from None
    name = path.name.lower()
    is_gzip = start.startswith(b"\x1f\x8b")
    if name.endswith(".csv.gz") and is_gzip:
        return _unpacked(path)
    if b"\0" in start[:8_000] or is_gzip:
        return Text(f"{path.name} is no text, so it can't be shown here. It lies at {path}")
    if name.endswith((".csv", ".csv.gz")):
        return Table(file=path)
    text = start[:MOST_BYTES].decode("utf-8", "replace")
    return Text(text or "This file is empty.") if len(start) <= MOST_BYTES else _cut(path, Text(text))


def _unpacked(path: Path) -> View:
    """The rows at the start of a gzipped CSV file; of a broken one, as far as it goes."""
    data, broken = b"", ""
    try:
        with gzip.open(path) as opened:
            while len(data) <= MOST_BYTES and (piece := opened.read(65_536)):
                data += piece
    except (EOFError, zlib.error, gzip.BadGzipFile):
        broken = "The rest of this file is damaged: it can't be unpacked."
    except OSError as error:
        raise Invalid(f"{path.name} can't be read: {error.strerror}. Esc goes back.") from None
    whole = len(data) <= MOST_BYTES
    lines, _ = split_rows(data + b"\n" if whole and not data.endswith(b"\n") else data)
    header, *rows = [cells(line) for line in lines] or [[]]
    table = Table([name.removeprefix("\ufeff") for name in header], rows)
    if broken:
        return Stack([Text(broken), table])
    return table if whole else _cut(path, table)


def _cut(path: Path, view: View) -> View:
    return Stack([Text(f"The first {size(MOST_BYTES)} of {path.name}. All of it lies at {path}"), view])
