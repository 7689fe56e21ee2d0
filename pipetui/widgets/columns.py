"""The columns of a table: how wide they are, and how a cell stands in one. No widgets here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.cells import cell_len, set_cell_size

from ..text import one_line

WIDEST = 48
NARROWEST = 6
GAP = 2


def cell_text(value: Any) -> str:
    """A cell in one line, cut to what a column may show."""
    return "" if value is None else one_line(value, WIDEST * 4)


def fit(text: str, width: int, to_right: bool = False) -> str:
    """`text` in exactly `width` cells."""
    cells = cell_len(text)
    if cells > width:
        return set_cell_size(text, max(0, width - 1)) + "…"[:width]
    return " " * (width - cells) + text if to_right else text + " " * (width - cells)


@dataclass(frozen=True)
class Column:
    name: str
    width: int
    is_number: bool


def columns_of(names: Sequence[str], sample: Sequence[Sequence[Any]], widths: dict[str, int]) -> list[Column]:
    """A column for each name, and for each cell of the sample's rows that has none."""
    most = max([len(names), *(len(row) for row in sample)])
    columns = []
    for number in range(most):
        name = one_line(names[number], WIDEST * 4) if number < len(names) else f"column {number + 1}"
        texts = [cell_text(row[number]) for row in sample if number < len(row)]
        wanted = max([cell_len(name), *map(cell_len, texts), 1])
        width = widths.get(names[number], 0) if number < len(names) else 0
        filled = [text for text in texts if text]
        is_number = bool(filled) and all(_is_number(text) for text in filled)
        columns.append(Column(name, width or min(wanted, WIDEST), is_number))
    return columns


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True


def fitting(columns: Sequence[Column], width: int) -> Sequence[Column]:
    """The columns in `width` cells, gaps counted: the widest are cut, to no less than `NARROWEST`."""
    room = width - GAP * (len(columns) - 1)
    if sum(column.width for column in columns) <= room:
        return columns
    most = max((column.width for column in columns), default=0)
    while most > NARROWEST and sum(min(column.width, most) for column in columns) > room:
        most -= 1
    return [replace(column, width=min(column.width, most)) for column in columns]
