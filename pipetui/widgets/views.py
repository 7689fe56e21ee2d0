"""What a finished card shows: a widget for each of the engine's views."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

from rich.segment import Segment
from textual.containers import Vertical
from textual.strip import Strip
from textual.widget import Widget

from ..engine.views import Chart, Files, Heat, Markdown, Stack, Table, Text, View
from ..text import count, displayable, one_line
from .charts import ChartView
from .files import files_table
from .heat import HeatView
from .lines import LinesView
from .plain import MUTED, Plain
from .spans import breaks
from .tables import TableView

MOST_TEXT = 2_000_000
"""Characters of a text that are shown."""

MOST_VIEWS = 30
"""Views of a stack that are shown."""


def view_widget(view: View) -> Widget:
    """The widget that shows `view`. Its height is its content's, up to about half a screen; it scrolls by itself."""
    match view:
        case Table():
            return TableView(view, view_widget)
        case Markdown():
            from .markdown import MarkdownView  # its parser and highlighter cost 70 ms: the first frame needs neither

            return MarkdownView(view.text)
        case Text():
            return TextView(view)
        case Chart():
            return ChartView(view)
        case Heat():
            return HeatView(view)
        case Files():
            return TableView(files_table(view), view_widget)
        case Stack():
            return StackView(view)
    return TextView(Text(f"pipetui can't show a {type(view).__name__}: it is none of the views in pipetui.views."))


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at spaces where there are some."""
    lines: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        starts = [0, *breaks(line, width), len(line)]
        lines += [line[begin:end].rstrip() for begin, end in pairwise(starts)]
    return lines


class TextView(LinesView):
    """Plain text of any length, wrapped to the width, below its title."""

    DEFAULT_CSS = """
    TextView > .text--title { color: $text-muted; text-style: bold; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"text--title"}

    def __init__(self, text: Text, **more: Any) -> None:
        super().__init__(**more)
        self.view = text
        self._title = [one_line(text.title, 200)] if text.title else []
        self._text = displayable(text.text, MOST_TEXT)
        self._lines: dict[int, list[str]] = {}  # for two widths, with and without a scrollbar

    def lay_out(self, width: int) -> int:
        return len(self._lines_of(width))

    def _lines_of(self, width: int) -> list[str]:
        if width not in self._lines:
            while len(self._lines) > 1:
                del self._lines[next(iter(self._lines))]
            self._lines[width] = [*self._title, *wrapped(self._text, width)]
        return self._lines[width]

    def draw(self, number: int, width: int) -> Strip:
        is_title = number < len(self._title)
        style = self.get_component_rich_style("text--title") if is_title else self.rich_style
        return Strip([Segment(self._lines_of(width)[number], style)])


class StackView(Vertical):
    """Views one below the other."""

    DEFAULT_CSS = """
    StackView {
        height: auto;
        & > * { margin-bottom: 1; }
        & > *:last-child { margin-bottom: 0; }
    }
    """

    def __init__(self, stack: Stack) -> None:
        shown = [view_widget(view) for view in stack.views[:MOST_VIEWS]]
        if (more := len(stack.views) - MOST_VIEWS) > 0:
            shown.append(Plain(f"{count(more)} more are not shown.", style=MUTED))
        super().__init__(*shown)
