"""Heat maps: a matrix of numbers, each shaded by its share of the largest in its row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from ..engine.views import Heat
from ..text import one_line
from .charts import number_text
from .columns import fit
from .lines import LinesView

SHADES = 5
WIDEST_LABEL = 24
WIDEST_COLUMN = 14


def shade(value: float | None, largest: float) -> int:
    """From 0, nothing, to SHADES, the largest."""
    if value is None or value <= 0:
        return 0
    return min(SHADES, math.ceil(value / largest * SHADES))


class HeatView(LinesView):
    """The matrix. A row is shaded by its own largest number: of rows of very different sizes each can be read.

    Columns that don't fit are reached by left and right; a line says so.
    """

    DEFAULT_CSS = """
    HeatView {
        & > .heat--title { text-style: bold; }
        & > .heat--header { color: $text-muted; }
        & > .heat--0 { color: $foreground-muted; }
        & > .heat--1 { color: $foreground; background: $primary 12%; }
        & > .heat--2 { color: $foreground; background: $primary 28%; }
        & > .heat--3 { color: $foreground; background: $primary 46%; }
        & > .heat--4 { color: $foreground; background: $primary 68%; text-style: bold; }
        & > .heat--5 { color: auto; background: $primary; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heat--title", "heat--header", *(f"heat--{number}" for number in range(SHADES + 1))
    }  # fmt: skip

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "column(-1)", "Column left", show=False),
        Binding("right", "column(1)", "Column right", show=False),
    ]

    def __init__(self, heat: Heat, **more: Any) -> None:
        super().__init__(**more)
        self._title = one_line(heat.title, 200)
        self._rows = [one_line(label, 200) for label in heat.rows]
        self._columns = [one_line(label, 200) for label in heat.columns]
        self._cells = [
            [_cell(heat.cells, row, column) for column in range(len(self._columns))] for row in range(len(self._rows))
        ]
        self._largest = [max((value for value in row if value is not None), default=0.0) for row in self._cells]
        self._label_width = min(WIDEST_LABEL, max(map(cell_len, self._rows), default=0))
        self._widths = [
            min(WIDEST_COLUMN, 2 + max([cell_len(name), *(cell_len(number_text(row[number])) for row in self._cells)]))
            for number, name in enumerate(self._columns)
        ]
        self._first = 0

    def shown(self, width: int) -> range:
        """The columns that fit into `width` cells, from the first one; at least one."""
        end, used = self._first, self._label_width + 1
        while end < len(self._widths) and (end == self._first or used + self._widths[end] <= width):
            used += self._widths[end]
            end += 1
        return range(self._first, end)

    def lay_out(self, width: int) -> int:
        return len(self._rows) + bool(self._title) + 3  # the header, which columns these are, the legend

    def action_column(self, step: int) -> None:
        shown = self.shown(self.scrollable_content_region.width)
        if step < 0 or shown.stop < len(self._columns):
            self._first = max(0, self._first + step)
            self.refresh()

    def draw(self, number: int, width: int) -> Strip:
        if self._title and number == 0:
            return Strip([Segment(self._title, self.get_component_rich_style("heat--title"))])
        number -= bool(self._title)
        shown = self.shown(width)
        if number == 0:
            names = "".join(self._aligned(self._columns[column], column) for column in shown)
            style = self.get_component_rich_style("heat--header")
            return Strip([Segment(" " * (self._label_width + 1) + names, style)])
        if number <= len(self._rows):
            return self._row(number - 1, shown)
        return self._note(shown) if number == len(self._rows) + 1 else self._legend()

    def _row(self, row: int, shown: range) -> Strip:
        segments = [Segment(fit(self._rows[row], self._label_width) + " ", self.rich_style)]
        for column in shown:
            value = self._cells[row][column]
            style = self.get_component_rich_style(f"heat--{shade(value, self._largest[row])}")
            segments.append(Segment(self._aligned(number_text(value), column), style))
        return Strip(segments)

    def _aligned(self, text: str, column: int) -> str:
        return " " + fit(text, self._widths[column] - 2, to_right=True) + " "

    def _note(self, shown: range) -> Strip:
        """Which columns are shown, if not all."""
        if len(shown) == len(self._columns):
            return Strip([])
        text = f"columns {shown.start + 1} to {shown.stop} of {len(self._columns)}: left and right scroll"
        return Strip([Segment(text, self.get_component_rich_style("heat--header"))])

    def _legend(self) -> Strip:
        muted = self.get_component_rich_style("heat--header")
        levels = [self.get_component_rich_style(f"heat--{number}") for number in range(1, SHADES + 1)]
        swatches = [Segment("   ", level) for level in levels]
        return Strip([Segment("in each row: little ", muted), *swatches, Segment(" its largest", muted)])


def _cell(cells: Sequence[Sequence[float]], row: int, column: int) -> float | None:
    """A finite number, or None."""
    value = cells[row][column] if row < len(cells) and column < len(cells[row]) else None
    return value if value is not None and math.isfinite(value) else None
