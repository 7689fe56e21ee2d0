"""The history of a run: what happened to it, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from ..engine.history import Told
from ..widgets.plain import MUTED, Plain, line
from .dialogs import Dialog
from .listing import Listing, Row
from .looks import column

MOST = 20
"""Lines that are seen at once."""


class History(Dialog[None]):
    """Read only."""

    DEFAULT_CSS = """
    History > .box {
        width: 100;
    }
    """

    def __init__(self, key: str, lines: Sequence[Told]) -> None:
        super().__init__()
        self._key, self._lines = key, lines
        self._list = Listing(classes="scrolls")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(f"History of {self._key}", classes="title", limit=200)
            yield self._list
            yield Plain("Esc closes this", classes="keys")

    def on_mount(self) -> None:
        whens = [_when(told.at) for told in self._lines]
        cells = max(map(len, whens), default=0)
        rows = [
            _row(str(n), told, f"{when:{cells}}") for n, (told, when) in enumerate(zip(self._lines, whens, strict=True))
        ]
        self._list.show(rows[::-1])
        self._list.styles.height = min(max(3, len(rows)), MOST)
        self._list.focus()


def _row(id: str, told: Told, when: str) -> Row:
    left = Content.assemble(
        Content.styled(f"{told.seq or '':>4}  {when}", MUTED),
        "  ",
        column(line(told.what), 32),
        "  ",
        line(told.said, MUTED, 300),
    )
    return Row(id, left)


def _when(at: str) -> str:
    """The local time of an event, with its day where that is not today."""
    local = datetime.fromisoformat(at).astimezone()
    is_today = local.date() == datetime.now().astimezone().date()
    return f"{local:%H:%M:%S}" if is_today else f"{local:%Y-%m-%d %H:%M}"
