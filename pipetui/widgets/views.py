"""What a finished card shows: a widget for each of the engine's views."""

from __future__ import annotations

from typing import Any, ClassVar

from markdown_it import MarkdownIt
from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Markdown as StockMarkdown

from ..engine.views import Markdown, Table, Text, View
from ..text import displayable
from .plain import Plain
from .tables import TableView

MOST_TEXT = 2_000_000
"""Characters of a text that are shown."""

RICH_CHARACTERS, RICH_BLOCKS, RICH_SIGNS = 64_000, 400, 2_000
"""What is rendered as Markdown at most: more takes seconds. The rest is shown plain."""


def view_widget(view: View) -> Widget:
    """The widget that shows `view`. Its height is its content's, up to about half a screen; it scrolls by itself."""
    match view:
        case Table():
            return TableView(view, view_widget)
        case Markdown():
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
        overflow-x: hidden;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, show=False)
        for key, action in (
            ("up", "scroll_up"), ("down", "scroll_down"), ("pageup", "page_up"), ("pagedown", "page_down"),
            ("home", "scroll_home"), ("end", "scroll_end"),
        )
    ]  # fmt: skip

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

    def _wrap(self, width: int) -> None:
        if width != self._width:
            self._width, self._lines = width, wrapped(self._text, width)

    def render_line(self, y: int) -> Strip:
        number, style = self.scroll_offset.y + y, self.rich_style
        text = self._lines[number] if number < len(self._lines) else ""
        return Strip([Segment(text, style)]).adjust_cell_length(self.size.width, style)


def parser() -> MarkdownIt:
    """HTML is text here: the stock parser would drop it."""
    return MarkdownIt("gfm-like", {"html": False})


def rich_part(text: str) -> int:
    """How many characters of `text` may be rendered as Markdown; a whole number of blocks."""
    end = min(len(text), RICH_CHARACTERS)
    signs = 0
    for at, character in enumerate(text[:end]):  # a run of these makes a Markdown parser quadratic
        signs += character in "[]!*_`~<>"
        if signs > RICH_SIGNS:
            end = at
            break
    if end < len(text):
        end = text.rfind("\n\n", 0, end) + 1
    starts = [0]
    for line in text[:end].split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    blocks, whole = 0, 0
    for token in parser().parse(text[:end]):
        if token.level == 0 and token.map and token.nesting >= 0:
            whole = token.map[0]
        blocks += token.nesting == 1 or token.type in ("fence", "code_block", "hr")
        if blocks > RICH_BLOCKS:
            return min(starts[whole], end)
    return end


class MarkdownView(VerticalScroll, can_focus=True):
    """Markdown; what is beyond the caps is shown plain below. A link that is clicked is posted, never opened."""

    DEFAULT_CSS = """
    MarkdownView {
        height: auto;
        max-height: 16;
        scrollbar-size-vertical: 1;
        Markdown { padding: 0; margin: 0; }
    }
    """

    def __init__(self, text: str, **more: Any) -> None:
        super().__init__(**more)
        text = displayable(text, MOST_TEXT)
        end = rich_part(text)
        self._rich, self._rest = text[:end], text[end:].strip("\n")

    def compose(self) -> ComposeResult:
        if self._rich:
            yield StockMarkdown(self._rich, parser_factory=parser, open_links=False)
        if self._rest:
            yield Plain(self._rest)
