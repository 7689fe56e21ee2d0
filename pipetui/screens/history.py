"""The history of a run: what happened to it, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from ..engine.history import Told
from ..widgets.plain import MUTED, Plain, line
from .dialogs import Dialog, Reading
from .listing import Listing, Row
from .looks import column

MOST = 20
"""Lines that are seen at once."""

WIDEST = 48
"""Cells of the sentences where something stands beside them."""


class History(Dialog[None]):
    """Read only."""

    DEFAULT_CSS = """
    History > .box {
        width: 100;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "whole", "Whole", show=False)]

    def __init__(self, key: str, lines: Sequence[Told]) -> None:
        super().__init__()
        self._key, self._lines = key, lines
        self._list = Listing(clicks=1, classes="scrolls")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(f"History of {self._key}", classes="title", limit=200)
            yield self._list
            yield Plain("Enter shows the whole of a line · Esc closes this", classes="keys")

    def on_mount(self) -> None:
        whens = [_when(told.at) for told in self._lines]
        cells = max(map(len, whens), default=0)
        beside = min(max((len(told.what) for told in self._lines if told.said), default=0), WIDEST)
        rows = [
            _row(str(n), told, f"{when:{cells}}", beside)
            for n, (told, when) in enumerate(zip(self._lines, whens, strict=True))
        ]
        self._list.show(rows[::-1])
        self._list.styles.height = min(max(3, len(rows)), MOST)
        self._list.focus()

    def on_listing_chosen(self) -> None:
        self.action_whole()

    def action_whole(self) -> None:
        if (row := self._list.current) is not None:
            told: Told = row.item
            self.app.push_screen(Reading(told.what, "\n\n".join(filter(None, (_when(told.at), told.said)))))


def _row(id: str, told: Told, when: str, beside: int) -> Row:
    """`beside` is the width of the sentences that have something beside them; others have all the room."""
    start = Content.styled(f"{told.seq or '':>4}  {when}  ", MUTED)
    if not told.said:
        return Row(id, Content.assemble(start, line(told.what)), item=told)
    return Row(
        id, Content.assemble(start, column(line(told.what), beside), "  ", line(told.said, MUTED, 300)), item=told
    )


def _when(at: str) -> str:
    """The local time of an event, with its day where that is not today."""
    local = datetime.fromisoformat(at).astimezone()
    is_today = local.date() == datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M}"
