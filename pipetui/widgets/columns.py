"""The columns of a table: how wide they are, and how a cell stands in one. No widgets here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.cells import cell_len, set_cell_size

from ..text import one_line

WIDEST = 48
"""Cells of a column at most where the columns have to be scrolled to."""

LONGEST = WIDEST * 4
"""Characters of a cell that are drawn at most."""

NARROWEST = 6
READABLE = 12
"""A column is cut to no less, if the others can be scrolled to instead."""

GAP = 2

_ADDRESS = re.compile(r"https?://[!-~]+")


def cell_text(value: Any) -> str:
    """A cell in one line, cut to what a column may show."""
    return "" if value is None else one_line(value, LONGEST)


def fit(text: str, width: int, to_right: bool = False) -> str:
    """`text` in exactly `width` cells. Of an address that is too long the end is shown: it tells it from the others."""
    cells = cell_len(text)
    if cells > width > 1 and _ADDRESS.fullmatch(text):
        return "…" + text[1 - width :]
    if cells > width:
        return set_cell_size(text, max(0, width - 1)) + "…"[:width]
    return " " * (width - cells) + text if to_right else text + " " * (width - cells)


@dataclass(frozen=True)
class Column:
    name: str
    width: int
    is_number: bool


def columns_of(names: Sequence[str], sample: Sequence[Sequence[Any]], widths: Mapping[str, int]) -> list[Column]:
    """A column for each name, and for each cell of the sample's rows that has none: as wide as its content."""
    most = max([len(names), *(len(row) for row in sample)])
    columns = []
    for number in range(most):
        name = one_line(names[number], LONGEST) if number < len(names) else f"column {number + 1}"
        texts = [cell_text(row[number]) for row in sample if number < len(row)]
        wanted = max([cell_len(name), *map(cell_len, texts), 1])
        width = widths.get(names[number], 0) if number < len(names) else 0
        filled = [text for text in texts if text]
        is_number = bool(filled) and all(_is_number(text) for text in filled)
        columns.append(Column(name, width or wanted, is_number))
    return columns


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def cells_of(columns: Sequence[Column]) -> int:
    """The cells that columns take side by side, gaps counted."""
    return sum(column.width for column in columns) + GAP * max(0, len(columns) - 1)


def fitting(columns: Sequence[Column], width: int, least: int = NARROWEST) -> Sequence[Column]:
    """The columns in `width` cells: the widest are cut first, none to less than `least`, so they may need more."""
    most = max((column.width for column in columns), default=0)
    cut = columns
    while most > least and cells_of(cut) > width:
        most -= 1
        cut = [replace(column, width=min(column.width, most)) for column in columns]
    return cut


def laid_out(columns: Sequence[Column], width: int) -> Sequence[Column]:
    """The columns in `width` cells, if all stay readable; else none wider than `WIDEST`, to be scrolled to."""
    cut = fitting(columns, width, READABLE)
    return cut if cells_of(cut) <= width else [replace(each, width=min(each.width, WIDEST)) for each in columns]
