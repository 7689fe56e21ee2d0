"""Charts: a bar for each label, as long as its value."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ..engine.views import Chart
from ..text import count, one_line
from .columns import GAP, fit
from .lines import LinesView
from .marks import has_unicode, marks
from .progress import bar

SHORTEST_BAR, LONGEST_BAR = 10, 60
WIDEST_LABEL = 32


def number_text(value: float | None) -> str:
    """A number in few characters: `12,345`, `1.23`, `0.25`; `–` where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == int(value) and abs(value) < 1e15:
        return count(int(value))
    return f"{value:,.0f}" if 100 <= abs(value) < 1e15 else f"{value:.3g}"


class ChartView(LinesView):
    """Label, bar and value in three columns; the bars share one scale, from nothing to the largest value."""

    DEFAULT_CSS = """
    ChartView {
        & > .chart--title { text-style: bold; }
        & > .chart--bar { color: $primary; }
        & > .chart--marked { color: $text-accent; text-style: bold; }
        & > .chart--marked-bar { color: $accent; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"chart--title", "chart--bar", "chart--marked", "chart--marked-bar"}

    def __init__(self, chart: Chart, **more: Any) -> None:
        super().__init__(**more)
        self._title = one_line(chart.title, 200)
        unit = one_line(chart.unit, 20)
        self._labels = [one_line(label, 200) or "(empty)" for label, _ in chart.bars]
        self._values = [value if math.isfinite(value) else 0.0 for _, value in chart.bars]
        self._said = [f"{number_text(value)} {unit}".rstrip() for _, value in chart.bars]
        self._marked = {number for number, (label, _) in enumerate(chart.bars) if chart.mark and label == chart.mark}
        self._largest = max(self._values, default=0.0)
        self._label_width = max(map(cell_len, self._labels), default=0)
        self._value_width = max(map(cell_len, self._said), default=0)

    def lay_out(self, width: int) -> int:
        return max(1, len(self._labels)) + bool(self._title)

    def draw(self, number: int, width: int) -> Strip:
        if self._title and number == 0:
            return Strip([Segment(self._title, self.get_component_rich_style("chart--title"))])
        number -= bool(self._title)
        if number >= len(self._labels):
            return Strip([Segment("There is nothing to show.", self.rich_style)])
        room = width - self._value_width - 2 * GAP
        label_width = min(self._label_width, WIDEST_LABEL, max(1, room - SHORTEST_BAR))
        drawn = self._bar(self._values[number], max(1, min(LONGEST_BAR, room - label_width)))
        is_marked = number in self._marked
        style = self.get_component_rich_style("chart--marked") if is_marked else self.rich_style
        bar_style = self.get_component_rich_style("chart--marked-bar" if is_marked else "chart--bar")
        gap = Segment(" " * GAP, style)
        label, said = fit(self._labels[number], label_width), fit(self._said[number], self._value_width, to_right=True)
        return Strip([Segment(label, style), gap, Segment(drawn, bar_style), gap, Segment(said, style)])

    def _bar(self, value: float, cells: int) -> str:
        """Whatever is more than nothing can be seen."""
        parts = marks(has_unicode()).bar
        least = self._largest / (cells * (len(parts) - 1))
        return bar(max(value, least * 1.01) if value > 0 else 0.0, self._largest, cells, parts)
