"""The base of views made of lines that are drawn where they are looked at."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class LinesView(ScrollView, can_focus=True):
    """Lines that scroll, of which only those in sight are drawn. Its height is theirs, up to 16."""

    DEFAULT_CSS = """
    LinesView {
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

    _laid_out = Size(0, 0)

    def lay_out(self, width: int) -> int:
        """How many lines there are in a view of `width` cells. Asked often, of a width and the one beside it."""
        raise NotImplementedError

    def draw(self, number: int, width: int) -> Strip:
        """Line `number` of those that `lay_out(width)` counts, from 0; it is cut or filled to `width` cells."""
        raise NotImplementedError

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.lay_out(width)

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """A scrollbar takes a cell of each line, so there may be more lines: whether it is there is decided here."""
        self._laid_out = self.content_region.size
        width, height = self._laid_out
        lines = self.lay_out(width)
        if lines > height:
            width -= self.styles.scrollbar_size_vertical
            lines = self.lay_out(width)
        self.virtual_size = Size(width, lines)
        self._refresh_scrollbars()
        if self.scroll_y > (last := max(0, lines - height)):
            self.scroll_to(y=last, animate=False, force=True)  # without a scrollbar too

    def action_go(self, key: str) -> None:
        page, all_lines = max(1, self.scrollable_content_region.height), self.virtual_size.height
        by = {"up": -1, "down": 1, "pageup": -page, "pagedown": page, "home": -all_lines, "end": all_lines}
        self.scroll_to(y=self.scroll_y + by[key], animate=False)

    def render_line(self, y: int) -> Strip:
        if self.content_region.size != self._laid_out:
            # Textual 8.2 tells of no resize what it lays out while it scrolls (what a key pressed at once brings into
            # sight). Drawn it is right all the same: what raises here takes the whole screen's picture with it.
            self._laid_out = self.content_region.size
            self.call_later(self._lay_out)
        number, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        strip = self.draw(number, width) if number < self.lay_out(width) else Strip([])
        return strip.adjust_cell_length(width, self.rich_style)
