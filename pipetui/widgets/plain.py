"""The one way in which data gets onto the screen: as `Content` of displayable text, never as markup."""

from __future__ import annotations

from typing import Any

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Static

from ..text import displayable, one_line

MUTED, FAINT = "$foreground-muted", "$foreground-disabled"
"""Styles for what matters less. ($text-muted is for CSS: in Content it loses its transparency.)"""

LONGEST_LINE = 2_000
"""Characters of a single line that are looked at; no terminal is that wide."""


def plain(text: object, style: str = "", limit: int | None = None) -> Content:
    """Any text as it is, line breaks kept, in at most `limit` characters."""
    return Content.styled(displayable(text, limit), style)


def line(text: object, style: str = "", limit: int = LONGEST_LINE) -> Content:
    """Any text in one line."""
    return Content.styled(one_line(text, limit), style)


def fitted(content: Content, width: int) -> Content:
    """`content` in at most `width` cells, with an ellipsis where it is cut."""
    return content.truncate(max(0, width), ellipsis=True)


def spread(left: Content, right: Content, width: int) -> Content:
    """One line of `width` cells: `right` at its end, `left` cut where they would meet."""
    room = width - right.cell_length - 1
    if not right or room < 8:
        return fitted(left, width)
    left = fitted(left, room)
    return Content.assemble(left, " " * (width - left.cell_length - right.cell_length), right)


class Plain(Static):
    """Text from outside, shown as it is. The caller's `limit` caps what is rendered (in characters)."""

    DEFAULT_CSS = """
    Plain {
        width: 1fr;
    }
    """

    def __init__(self, text: object = "", *, style: str = "", limit: int = 64_000, **more: Any) -> None:
        self._style, self._limit = style, limit
        super().__init__(plain(text, style, limit), markup=False, **more)

    def update(self, content: object = "", *, layout: bool = True) -> None:
        """Show another text. The screen is laid out anew only if the text needs another size."""
        new = content if isinstance(content, Content) else plain(content, self._style, self._limit)
        shown = self.content
        if isinstance(shown, Content) and shown.is_same(new):
            return
        if layout and isinstance(shown, Content) and self.is_mounted and self.size.width:
            layout = (
                self.styles.width is None or self.styles.width.is_auto or _height(self, shown) != _height(self, new)
            )
        super().update(new, layout=layout)


def _height(widget: Widget, content: Content) -> int:
    return content.get_height(widget.styles.get_rules(), widget.content_size.width)


class Line(Widget):
    """The base of widgets of one line that draw themselves from their attributes: no children, no layout on change."""

    DEFAULT_CSS = """
    Line {
        height: 1;
        text-wrap: nowrap;
    }
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(markup=False, **more)

    def content(self, width: int) -> Content:
        """The line, in at most `width` cells."""
        raise NotImplementedError

    def render(self) -> Content:
        return self.content(self.content_size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return 1
