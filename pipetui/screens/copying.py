"""Choose what to copy, where there are several things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from ..text import one_line
from ..widgets.copies import Copy
from ..widgets.plain import MUTED, Plain, line
from .dialogs import Dialog
from .listing import Listing, Row
from .looks import column

NAME_CELLS = 34


class PickCopy(Dialog[Copy]):
    """What there is to copy, with the start of each."""

    DEFAULT_CSS = """
    PickCopy > .box { width: 90; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,y", "take", "Copy")]

    def __init__(self, title: str, found: Sequence[Copy]) -> None:
        super().__init__()
        self._title, self._found = title, found
        self._list = Listing(clicks=1, classes="scrolls")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title", limit=200)
            yield self._list
            yield Plain("Enter copies it · Esc leaves it", classes="keys")

    def on_mount(self) -> None:
        rows = [Row(str(number), _row(copy)) for number, copy in enumerate(self._found)]
        self._list.styles.height = min(14, len(rows))
        self._list.show(rows)
        self._list.focus()

    def on_listing_chosen(self, event: Listing.Chosen) -> None:
        event.stop()
        self.action_take()

    def action_take(self) -> None:
        if (row := self._list.current) is not None:
            self.dismiss(self._found[int(row.id)])


def _row(copy: Copy) -> Content:
    return Content.assemble(column(line(copy.name), NAME_CELLS), "  ", line(one_line(copy.text[:500], 100), MUTED))
