"""Pick from a list that narrows as one types: profiles, models, conversations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.widget import Widget

from ..engine.fields import Invalid
from ..engine.refusals import Refusal
from ..store.errors import StoreError
from ..widgets.controls import Edited, Entered, TextBox
from ..widgets.plain import Plain
from .dialogs import Dialog
from .listing import Listing, Row

T = TypeVar("T")

AROUND = 12
"""Lines of the dialog beside its list."""


BESIDE = 8
"""Cells of the dialog beside a row: border, padding, scrollbar, margins."""


class Pick(Dialog[T], Generic[T]):
    """Up and down move, Enter takes. What speaks against it is said below the list; what was typed stays."""

    DEFAULT_CSS = """
    Pick > .box > .list {
        & > .listing--cursor { background: $block-cursor-background 30%; }
        &:nocolor > .listing--cursor { text-style: bold underline; }
    }
    """

    WIDE: ClassVar[int] = 68
    """Cells of the box, if the terminal has them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    def __init__(self, title: str, placeholder: str, keys: str, current: str = "") -> None:
        """`current` is the id of the row that the cursor is on first."""
        super().__init__()
        self._title, self._keys, self._current = title, keys, current
        self._box = TextBox("", placeholder)
        self._list = Listing(clicks=1, classes="list")
        self._list.can_focus = False
        self._shown_in: Size | None = None
        self.said = Plain(classes="error")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title")
            yield self._box
            yield self._list
            yield from self.more()
            yield self.said
            yield Plain(self._keys, classes="keys")

    @property
    def room(self) -> int:
        """Cells of a row."""
        return min(self.WIDE, self.size.width * 94 // 100) - BESIDE

    @property
    def page(self) -> int:
        """Rows of the list that there is room for."""
        return min(14, max(3, self.size.height * 9 // 10 - AROUND))

    async def on_mount(self) -> None:
        self.query_one(".box").styles.width = self.WIDE
        self._list.go(self._current)
        self._box.focus()
        await self.load()
        await self.show()

    def more(self) -> Iterator[Widget]:
        """What stands below the list."""
        yield from ()

    async def load(self) -> None:
        """Read what there is to pick from."""

    async def rows(self, typed: str) -> Sequence[Row]:
        """The rows for what was typed."""
        raise NotImplementedError

    async def take(self, row: Row) -> None:
        """Enter on a row. Refusal, Invalid and StoreError are said."""
        raise NotImplementedError

    @property
    def typed(self) -> str:
        return " ".join(self._box.given.split())

    @property
    def picked(self) -> Row | None:
        """The row under the cursor."""
        return self._list.current

    async def show(self) -> None:
        self._shown_in = self.size
        rows = await self.rows(self.typed)
        self._list.show(rows)
        self._list.styles.height = min(self.page, max(1, len(rows)))

    def on_resize(self) -> None:
        """The columns are as wide as there is room."""
        if self._shown_in not in (None, self.size):
            self.call_next(self.show)

    async def on_edited(self, event: Edited) -> None:
        event.stop()
        self.said.update("")
        await self.show()

    def action_move(self, step: int) -> None:
        self._list.action_move(step)

    async def on_entered(self, event: Entered) -> None:
        event.stop()
        await self._take()

    async def on_listing_chosen(self, event: Listing.Chosen) -> None:
        event.stop()
        await self._take()

    async def _take(self) -> None:
        if (row := self.picked) is not None:
            try:
                await self.take(row)
            except (Refusal, Invalid, StoreError) as error:
                self.said.update(str(error))
