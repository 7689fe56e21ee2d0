"""What of a view can be copied, and what it is called. No widgets here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..engine.views import Chart, Files, Heat, Markdown, Stack, Table, Text, View

MOST_CELLS = 50_000
"""Cells of a table that are put together: more than any clipboard takes."""


class Copy(NamedTuple):
    """`name` completes “Copied …”."""

    name: str
    text: str


def copies(view: View | None) -> list[Copy]:
    """The parts of a view, in their order; of files, the tables that are read from them too, their paths."""
    found = list(_parts(view)) if view is not None else []
    often = Counter(copy.name for copy in found)
    seen: Counter[str] = Counter()
    for at, copy in enumerate(found):
        if often[copy.name] > 1:
            seen[copy.name] += 1
            found[at] = copy._replace(name=f"{copy.name} {seen[copy.name]}")
    return found


def row_copies(columns: Sequence[str], row: Sequence[Any]) -> list[Copy]:
    """Each cell of a row that has something in it, and all of them, tabs between."""
    texts = [_text(value) for value in row]
    named = [*columns, *(f"column {number}" for number in range(len(columns) + 1, len(texts) + 1))]
    cells = [Copy(name or "the cell", text) for name, text in zip(named, texts, strict=False) if text]
    return [*cells, Copy("the row", "\t".join(texts))] if len(texts) > 1 else cells


def value_text(value: Any) -> str:
    """A stored value as one would paste it: text as it is, a list of texts a line each, else JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False, indent=2)


def _parts(view: View) -> Iterable[Copy]:
    match view:
        case Stack():
            for part in view.views:
                yield from _parts(part)
        case Text():
            yield Copy(view.title or "the text", view.text)
        case Markdown():
            yield Copy("the text", view.text)
        case Table(file=None):
            rows = view.rows[: MOST_CELLS // max(1, len(view.columns))]
            if rows:
                yield Copy("the table", _lines([view.columns, *rows] if any(view.columns) else rows))
        case Table():
            yield Copy("the path of the file", str(view.file))
        case Files():
            yield from (Copy(f"the path of {file.path.name}", str(file.path)) for file in view.files)
        case Chart():
            yield Copy("the chart's numbers", _lines(view.bars))
        case Heat():
            rows = [[name, *cells] for name, cells in zip(view.rows, view.cells, strict=False)]
            yield Copy("the matrix", _lines([["", *view.columns], *rows]))


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    return "\n".join("\t".join(" ".join(_text(value).split()) for value in row) for row in rows)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
