"""Tables: rows in memory or a million of a CSV file, drawn line by line where they are looked at."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from ..engine.fields import Invalid
from ..engine.views import Table, Text, View
from ..text import count, one_line
from .columns import GAP, WIDEST, Column, cell_text, cells_of, columns_of, fit, fitting, laid_out
from .copies import Copy, row_copies
from .plain import Plain
from .rows import CsvRows, ListRows, Rows

SAMPLE = 200
"""Rows that the column widths are taken from."""

NO_STATES: Mapping[str, str] = {}
DETAIL_SECONDS = 10
TELL_SECONDS = 0.25


class DataView(ScrollView, can_focus=True):
    """The rows, with a fixed header line and a cursor. It asks `rows` for what it shows, and for nothing else.

    There is no header where no column has a name. With `fits` columns are cut so that all are in sight; else only as
    long as they stay readable: then left and right scroll to them. The cursor is drawn while one is in the table.
    """

    DEFAULT_CSS = """
    DataView {
        height: auto;
        max-height: 16;
        min-height: 2;
        scrollbar-size-horizontal: 0;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        & > .data--error { color: $text-error; }
        & > .data--warning { color: $text-warning; }
        & > .data--header { color: $text-muted; text-style: bold; }
        &:focus > .data--cursor {
            color: $block-cursor-foreground;
            background: $block-cursor-background;
        }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"data--header", "data--cursor", "data--error", "data--warning"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First row", show=False),
        Binding("end", "last", "Last row", show=False),
        Binding("left", "column(-1)", "Column left", show=False),
        Binding("right", "column(1)", "Column right", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor is on another row."""

    def __init__(
        self, rows: Rows, widths: Mapping[str, int], *, fits: bool = False, states: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self._states = states or {}
        self._rows, self._widths, self._fits = rows, widths, fits
        self._header = 1 if any(rows.columns) or not fits else 0
        self._columns: list[Column] = []
        self._laid: tuple[int, Sequence[Column]] = (-1, [])
        self.grow()

    def grow(self) -> None:
        """Take notice of rows that have come since. Widths are taken at once, and again when all rows are there."""
        if not self._columns or self._rows.complete:
            try:
                self._columns = columns_of(self._rows.columns, self._sample(), self._widths)
            except OSError:  # the file has gone: the lines say so where they are drawn
                self._columns = self._columns or columns_of(self._rows.columns, [], self._widths)
        self._laid = (-1, [])
        self._span()

    def _span(self) -> None:
        """Say how far one can scroll."""
        room = self.scrollable_content_region.width
        needed = cells_of(self._shown(room)) if room and not self._fits else 0
        self.virtual_size = Size(needed if needed > room else 0, self._rows.count + self._header)

    def _shown(self, width: int) -> Sequence[Column]:
        """The columns as they are drawn in `width` cells."""
        if self._laid[0] != width:
            self._laid = (width, (fitting if self._fits else laid_out)(self._columns, width))
        return self._laid[1]

    def on_resize(self) -> None:
        self._span()
        if self.scroll_x > self.max_scroll_x:  # there is room for what had to be scrolled to
            self.scroll_to(x=self.max_scroll_x, animate=False)

    def _sample(self) -> list[Sequence[Any]]:
        """The first rows, and some of the middle and the end."""
        rows = self._rows
        numbers = [
            *range(SAMPLE),
            *range(rows.count // 2, rows.count // 2 + 20),
            *range(max(0, rows.count - 20), rows.count),
        ]
        return [rows.row(number) for number in numbers if number < rows.count]

    @property
    def page(self) -> int:
        """Rows that are shown at once."""
        return max(1, self.scrollable_content_region.height - self._header)

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self._rows.count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        top = round(self.scroll_y)
        if new < top:
            self.scroll_to(y=new, animate=False)
        elif new >= top + self.page:
            self.scroll_to(y=new - self.page + 1, animate=False)
        for row in (old, new):
            self.refresh(Region(0, row - round(self.scroll_y) + self._header, self.size.width, 1))
        self.post_message(self.Moved())

    def action_move(self, rows: int) -> None:
        self.cursor += rows

    def action_page(self, pages: int) -> None:
        self.scroll_to(y=self.scroll_y + pages * self.page, animate=False)
        self.cursor += pages * self.page

    def action_first(self) -> None:
        self.cursor = 0

    def action_last(self) -> None:
        self.cursor = self._rows.count - 1

    def action_column(self, step: int) -> None:
        """Scroll to where the next column begins."""
        starts = [0]
        for column in self._shown(self.scrollable_content_region.width)[:-1]:
            starts.append(starts[-1] + column.width + GAP)
        now = round(self.scroll_x)
        if step > 0:
            beyond = next((start for start in starts if start > now), now)
        else:
            beyond = next((start for start in reversed(starts) if start < now), 0)
        self.scroll_to(x=beyond, animate=False, immediate=True)

    def on_click(self, event: events.Click) -> None:
        row = event.y - self._header + round(self.scroll_y)
        if event.y >= self._header and row < self._rows.count:
            self.cursor = row

    def render_line(self, y: int) -> Strip:
        """Line 0 is the header, whatever is scrolled."""
        left, top = self.scroll_offset
        width = self.scrollable_content_region.width
        style = self.rich_style
        if y < self._header:
            style = self.get_component_rich_style("data--header")
            return self._strip([column.name for column in self._columns], style, left, width)
        number = top + y - self._header
        if number >= self._rows.count:
            return Strip.blank(width, style)
        style = self.style_of(number)
        try:
            row = self._rows.row(number)
        except OSError as error:
            return Strip([Segment(f"This row can't be read: {error.strerror}.", style)]).adjust_cell_length(
                width, style
            )
        states = self._states if number != self.cursor or not self.has_focus else {}
        return self._strip([cell_text(value) for value in row], style, left, width, states)

    def style_of(self, number: int) -> Style:
        """The style of row `number`."""
        return self.get_component_rich_style("data--cursor") if number == self.cursor else self.rich_style

    def _strip(
        self, texts: Sequence[str], style: Style, left: int, width: int, states: Mapping[str, str] = NO_STATES
    ) -> Strip:
        segments, room = [], left + width
        for text, column in zip(texts, self._shown(width), strict=False):
            if room <= 0:
                break
            state = states.get(text)
            own = style + self.get_component_rich_style(f"data--{state}", partial=True) if state else style
            segments.append(Segment(fit(text, min(column.width, room), column.is_number), own))
            segments.append(Segment(" " * GAP, style))
            room -= column.width + GAP
        return Strip(segments).extend_cell_length(left + width, style).crop(left, left + width)


class TableView(Vertical):
    """A table with its status line; Enter opens the row's detail in its place, or all its cells; Esc comes back.

    `draw` makes the widget for a detail (see views.view_widget).
    """

    DEFAULT_CSS = """
    TableView {
        height: auto;
        .status, .title { height: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
        .title { text-style: bold; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open row"),
        Binding("escape", "close", "Back to the table"),
    ]

    @dataclass
    class Opened(Message):
        """Enter was pressed on row `row` (from 0)."""

        table_view: TableView
        row: int

    @dataclass
    class Indexed(Message):
        """The index of the file went on, or ended with an error."""

        error: str = ""

    def __init__(self, table: Table, draw: Callable[[View], Widget]) -> None:
        super().__init__()
        self.table = table
        self._draw = draw
        self._stop = threading.Event()
        self._error = ""
        self._rows: Rows = self._open()
        self.data_view = DataView(self._rows, table.widths, states=table.states)
        self._status = Plain(classes="status")
        self._detail: Widget | None = None

    def _open(self) -> Rows:
        table = self.table
        if table.file is None:
            return ListRows(table.columns, table.rows)
        try:
            rows = CsvRows(table.file)
        except OSError as error:
            self._error = f"{table.file.name} can't be read: {error.strerror}."
            return ListRows(table.columns, ())
        if table.columns:
            rows.columns = table.columns
        return rows

    def compose(self) -> ComposeResult:
        if self.table.title:
            yield Plain(one_line(self.table.title, 200), classes="title")
        yield self.data_view
        yield self._status

    def on_mount(self) -> None:
        self._show_status()
        if isinstance(self._rows, CsvRows) and not self._rows.complete:
            self.run_worker(self._index, thread=True, exit_on_error=False, group="index")

    def on_unmount(self) -> None:
        self._stop.set()

    def _index(self) -> None:
        """Runs in a thread."""
        told = time.monotonic()

        def tell() -> None:
            nonlocal told
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self.post_message(self.Indexed())

        assert isinstance(self._rows, CsvRows)
        try:
            self._rows.index(self._stop.is_set, tell)
        except OSError as error:
            self.post_message(self.Indexed(f"The rest can't be read: {error.strerror}."))
        else:
            self.post_message(self.Indexed())

    def on_table_view_indexed(self, event: Indexed) -> None:
        event.stop()
        self._error = event.error
        self.data_view.grow()
        self._show_status()

    def on_data_view_moved(self, event: DataView.Moved) -> None:
        event.stop()
        self._show_status()

    @property
    def copies(self) -> list[Copy]:
        """The row under the cursor, and its cells; none while a detail is open."""
        rows = self._rows
        return row_copies(rows.columns, rows.row(self.data_view.cursor)) if rows.count and not self._detail else []

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open":
            return self._detail is None and self._rows.count > 0
        return self._detail is not None if action == "close" else True

    def action_open(self) -> None:
        row = self.data_view.cursor
        self.post_message(self.Opened(self, row))
        self.run_worker(self._open_detail(row), exclusive=True, group="detail", exit_on_error=False)

    async def _open_detail(self, row: int) -> None:
        detail = self.table.detail
        view: View
        try:
            async with asyncio.timeout(DETAIL_SECONDS):
                view = await asyncio.to_thread(detail, row) if detail else self._whole(row)
        except TimeoutError:
            view = Text(f"The workflow took more than {DETAIL_SECONDS} s to show this row. Esc goes back.")
        except Invalid as invalid:
            view = Text(str(invalid))
        except Exception as error:  # the workflow's own code: it may raise anything, and this is its card
            view = Text(f"The workflow can't show this row: {type(error).__name__}: {error}. Esc goes back.")
        focused = self.has_focus_within
        self._detail = self._draw(view)
        self.data_view.display = False
        await self.mount(self._detail, before=self._status)
        if focused:
            focusable = next(
                (node for node in self._detail.walk_children(Widget, with_self=True) if node.focusable), None
            )
            (focusable or self.screen).focus()
        self._show_status()
        self.refresh_bindings()

    def _whole(self, row: int) -> View:
        """All cells of a row, none of them cut."""
        rows = self._rows
        try:
            cells = rows.row(row)
        except OSError as error:
            return Text(f"This row can't be read: {error.strerror}. Esc goes back.")
        names = [
            *rows.columns[: len(cells)],
            *(f"column {number + 1}" for number in range(len(rows.columns), len(cells))),
        ]
        most = min(WIDEST, max(map(len, names), default=0))
        said = ("" if cell is None else str(cell) for cell in cells)
        return Text("\n".join(f"{name:{most}}  {text}".rstrip() for name, text in zip(names, said, strict=True)))

    async def action_close(self) -> None:
        assert self._detail is not None
        detail, self._detail = self._detail, None
        self.data_view.display = True
        self.data_view.focus()
        await detail.remove()
        self._show_status()
        self.refresh_bindings()

    def _show_status(self) -> None:
        rows = self._rows
        if self._error and not rows.count:
            text = self._error
        elif not rows.count:
            text = "No rows." if rows.complete else "Reading …"
        else:
            text = f"row {count(self.data_view.cursor + 1)} of {count(rows.count)}"
            if self._detail is not None:
                text += ", opened"
            elif isinstance(rows, CsvRows) and not rows.complete:
                text += f"+ · {self._error or f'reading, {rows.share:.0%}'}"
        self._status.update(text, layout=False)
