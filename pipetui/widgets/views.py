"""What a finished card shows: a widget for each of the engine's views."""

from __future__ import annotations

from typing import Any, ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ..engine.views import Markdown, Table, Text, View
from ..text import displayable
from .tables import TableView

MOST_TEXT = 2_000_000
"""Characters of a text that are shown."""


def view_widget(view: View) -> Widget:
    """The widget that shows `view`. Its height is its content's, up to about half a screen; it scrolls by itself."""
    match view:
        case Table():
            return TableView(view, view_widget)
        case Markdown():
            from .markdown import MarkdownView  # its parser and highlighter cost 70 ms: the first frame needs neither

            return MarkdownView(view.text)
        case Text():
            return TextView(view.text)
    return TextView(f"pipetui can't show a {type(view).__name__}; use a Text, Markdown or Table.")


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` cells, broken at spaces where there are some."""
    lines: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        if len(line) <= width and (line.isascii() or cell_len(line) <= width):
            lines.append(line)
        else:
            lines.extend(_wrapped_line(line, max(2, width)))
    return lines


def _wrapped_line(line: str, width: int) -> list[str]:
    if not line.isascii() and cell_len(line) != len(line):
        return list(chop_cells(line, width))
    lines, at = [], 0
    while len(line) - at > width:
        space = line.rfind(" ", at, at + width + 1)
        end = space if space > at else at + width
        lines.append(line[at:end])
        at = end + 1 if space > at else end
    lines.append(line[at:])
    return lines


class TextView(ScrollView, can_focus=True):
    """Plain text of any length: wrapped to the width, drawn where it is looked at."""

    DEFAULT_CSS = """
    TextView {
        height: auto;
        max-height: 16;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        overflow-x: hidden;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, f"go('{key}')", show=False) for key in ("up", "down", "pageup", "pagedown", "home", "end")
    ]

    def __init__(self, text: str, **more: Any) -> None:
        super().__init__(**more)
        self._text = displayable(text, MOST_TEXT)
        self._lines: list[str] = []
        self._width = 0

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._wrap(width)
        return len(self._lines)

    def on_resize(self) -> None:
        self._wrap(self.scrollable_content_region.width)
        self.virtual_size = Size(self._width, len(self._lines))
        self._refresh_scrollbars()

    def _wrap(self, width: int) -> None:
        if width != self._width:
            self._width, self._lines = width, wrapped(self._text, width)

    def action_go(self, key: str) -> None:
        page = max(1, self.scrollable_content_region.height)
        by = {
            "up": -1,
            "down": 1,
            "pageup": -page,
            "pagedown": page,
            "home": -len(self._lines),
            "end": len(self._lines),
        }
        self.scroll_to(y=self.scroll_y + by[key], animate=False)

    def render_line(self, y: int) -> Strip:
        number, style = self.scroll_offset.y + y, self.rich_style
        text = self._lines[number] if number < len(self._lines) else ""
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)
