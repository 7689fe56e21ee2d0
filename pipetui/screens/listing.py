"""A list of one-line rows, drawn where it is looked at: ten thousand cost what a screenful does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from ..widgets.plain import MUTED, line, spread


@dataclass(frozen=True)
class Row:
    """One row; `item` is the owner's. The cursor passes over those without an id: headings, blanks, notes."""

    id: str
    left: Content
    right: Content = field(default_factory=lambda: Content(""))
    item: Any = field(default=None, compare=False)


def heading(text: str) -> Row:
    return Row("", line(text, f"bold {MUTED}"))


def note(text: str) -> Row:
    return Row("", Content.assemble("  ", line(text, MUTED)))


BLANK = Row("", Content(""))


class Listing(ScrollView, can_focus=True):
    """Rows with a cursor. `show` replaces them; the cursor stays on the row that it was on."""

    DEFAULT_CSS = """
    Listing {
        height: 1fr;
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        background: transparent;
        & > .listing--cursor { background: $boost; }
        &:focus > .listing--cursor { background: $block-cursor-background 30%; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"listing--row", "listing--cursor"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "to_end(-1)", show=False),
        Binding("end", "to_end(1)", show=False),
    ]

    cursor: reactive[int] = reactive(-1, repaint=False)

    @dataclass
    class Chosen(Message):
        """A row was clicked, in a dialog once and elsewhere twice; Enter is the screen's."""

        row: Row

    class Moved(Message):
        """The cursor is on another row."""

    class NearEnd(Message):
        """The cursor comes close to the last of the rows that are known."""

    def __init__(self, *, clicks: int = 2, **more: Any) -> None:
        """`clicks` choose a row."""
        super().__init__(**more)
        self._clicks = clicks
        self._rows: Sequence[Row] = ()
        self._index: dict[str, int] = {}
        self._wanted = ""

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self._rows[self.cursor] if 0 <= self.cursor < len(self._rows) else None

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows."""
        if list(rows) == list(self._rows):
            self._rows = rows  # their items may be newer
            return
        wanted = self._wanted or (self.current.id if self.current else "")
        before = self.cursor
        self._rows = rows
        self._index = {row.id: number for number, row in enumerate(rows) if row.id}
        at = self._index.get(wanted)
        if at is not None:
            self._wanted = ""
        else:
            at = self._near(max(0, before))
        self.virtual_size = Size(self.size.width, len(rows))
        self.set_reactive(Listing.cursor, at)
        if self.is_mounted:
            self._keep_in_view()
            self.post_message(self.Moved())
        self.refresh()

    def go(self, id: str) -> None:
        """Put the cursor on this row, as soon as there is one of this id."""
        if id in self._index:
            self.cursor = self._index[id]
        else:
            self._wanted = id

    def _near(self, start: int) -> int:
        """The first row with an id from `start` on, else the nearest before it; -1 when there is none."""
        rows = self._rows
        after = range(start, len(rows))
        before = range(min(start, len(rows)) - 1, -1, -1)
        return next((number for number in (*after, *before) if rows[number].id), -1)

    def watch_cursor(self, old: int, new: int) -> None:
        self._wanted = ""
        self._keep_in_view()
        for row in (old, new):
            self.refresh(Region(0, row - round(self.scroll_y), self.size.width, 1))
        self.post_message(self.Moved())
        if new >= len(self._rows) - 2 * self._page:
            self.post_message(self.NearEnd())

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height)

    def _keep_in_view(self) -> None:
        top, page = round(self.scroll_y), self._page
        if self.cursor < 0:
            return
        first = next((n for n in range(self.cursor) if self._rows[n].id), self.cursor)
        below = range(self.cursor + 1, len(self._rows))
        if self.cursor == first:
            self.scroll_to(y=0, animate=False)  # with the heading above it
        elif below and not any(self._rows[n].id for n in below):
            self.scroll_to(y=min(self.cursor, len(self._rows) - page), animate=False)  # with the notes below it
        elif self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False)

    def action_move(self, step: int) -> None:
        number = self.cursor + step
        while 0 <= number < len(self._rows):
            if self._rows[number].id:
                self.cursor = number
                return
            number += step

    def action_page(self, step: int) -> None:
        number = min(max(0, self.cursor + step * (self._page - 1)), len(self._rows) - 1)
        if (at := self._near(number)) >= 0:
            self.cursor = at

    def action_to_end(self, step: int) -> None:
        if (at := self._near(0 if step < 0 else len(self._rows) - 1)) >= 0:
            self.cursor = at

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._keep_in_view()

    def on_click(self, event: events.Click) -> None:
        number = event.y + round(self.scroll_y)
        if not (0 <= number < len(self._rows) and self._rows[number].id):
            return
        self.cursor = number
        if event.chain == self._clicks:
            self.post_message(self.Chosen(self._rows[number]))

    def render_line(self, y: int) -> Strip:
        number, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        names = ("listing--row", "listing--cursor") if number == self.cursor else ("listing--row",)
        style = self.get_visual_style(*names)
        if not 0 <= number < len(self._rows) or width <= 2:
            return Strip.blank(width, style.rich_style)
        row = self._rows[number]
        content = Content.assemble(" ", spread(row.left, row.right, width - 2), " ")
        strips = Visual.to_strips(self, content, width, 1, style)
        strip = strips[0] if strips else Strip.blank(width, style.rich_style)
        return strip.extend_cell_length(width, style.rich_style).crop(0, width)
