"""The controls that pick: several of many options, a row of a table; and the one for a secret.

A picker is a filter line over one list that draws what is in sight, so thousands of options cost what ten do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

from rich.style import Style
from rich.text import Text as RichText
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message

from ..engine.pickers import MultiChoice, TablePick
from ..text import count, counted, one_line
from .controls import MOST_LISTED, Edited, Entered, TextBox
from .marks import has_unicode, marks
from .plain import Plain
from .tables import DataView


class SecretBox(TextBox):
    """One line that shows a mark for each character. It begins empty, and what is in it can't be copied out."""

    def __init__(self) -> None:
        super().__init__("")
        self.password = True

    @property
    def _value(self) -> RichText:
        mark = "•" if has_unicode() else "*"
        return RichText(mark * len(self.value), no_wrap=True, overflow="ignore", end="")

    def action_copy(self) -> None:
        """Nothing: the clipboard is no place for a secret."""

    def action_cut(self) -> None:
        self.delete_selection()


class Picks:
    """The rows of a list that match the filter; with `chosen`, a first column that marks those."""

    complete = True

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], chosen: set[int] | None = None) -> None:
        self._rows, self._chosen = rows, chosen
        self.columns = columns if chosen is None else ["", *columns]
        self._texts = [" ".join(row).casefold() for row in rows]
        self.numbers: Sequence[int] = range(len(rows))

    @property
    def count(self) -> int:
        return len(self.numbers)

    @property
    def total(self) -> int:
        return len(self._rows)

    def narrow(self, words: Iterable[str], only: set[int] | None = None) -> None:
        """Keep the rows that have all `words` (case-folded), and are among `only`."""
        wanted = range(self.total) if only is None else sorted(only)
        words = list(words)
        self.numbers = [row for row in wanted if all(word in self._texts[row] for word in words)]

    def row(self, number: int) -> Sequence[str]:
        if not 0 <= number < self.count:
            return ()
        row = self.numbers[number]
        if self._chosen is None:
            return self._rows[row]
        known = marks(has_unicode())
        return (known.yes if row in self._chosen else known.no, *self._rows[row])


class PickList(DataView):
    """The list of a picker. Its cursor is -1 while no row is picked; what is typed here goes to the filter."""

    DEFAULT_CSS = """
    PickList {
        max-height: 10;
        min-height: 1;
        padding: 0 1;
        background: $surface-lighten-1;
        scrollbar-background: $surface-lighten-1;
        & > .data--cursor { background: $block-cursor-blurred-background; }
        & > .data--chosen { color: $text-accent; text-style: bold; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"data--chosen"}

    class Typed(Message):
        """A key was pressed that belongs to the filter."""

        def __init__(self, key: str, character: str | None) -> None:
            super().__init__()
            self.key, self.character = key, character

    class Left(Message):
        """Up was pressed on the first row."""

    def __init__(self, picks: Picks, chosen: set[int] | None, *, is_filtered: bool) -> None:
        super().__init__(picks, {}, fits=True)
        self._picks, self._chosen, self._is_filtered = picks, chosen, is_filtered
        self.set_reactive(DataView.cursor, -1)

    def show(self, cursor: int) -> None:
        """Draw the picks anew after they were narrowed, with the cursor on row `cursor`."""
        self.virtual_size = self.virtual_size.with_height(self._picks.count + self._header)
        self.cursor = cursor
        self.refresh(layout=True)

    def validate_cursor(self, cursor: int) -> int:
        return max(-1, min(cursor, self._picks.count - 1))

    def action_move(self, rows: int) -> None:
        if rows < 0 and self.cursor <= 0:
            self.post_message(self.Left())
        else:
            super().action_move(rows)

    def action_page(self, pages: int) -> None:
        super().action_page(pages)
        self.cursor = max(0, self.cursor)

    def style_of(self, number: int) -> Style:
        style = super().style_of(number)
        if self._chosen is not None and number != self.cursor and self._picks.numbers[number] in self._chosen:
            return style + self.get_component_rich_style("data--chosen", partial=True)
        return style

    def on_key(self, event: events.Key) -> None:
        if not self._is_filtered:
            return
        if event.key == "backspace" or (event.is_printable and event.key != "space"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(event.key, event.character))


class Picker(Vertical):
    """A filter line, a list and a line that counts. Typing filters, up and down go through the list."""

    DEFAULT_CSS = """
    Picker {
        height: auto;
        width: 1fr;
        .status { color: $text-muted; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "into_list", show=False),
        Binding("enter", "enter", show=False),
    ]

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], chosen: set[int] | None) -> None:
        super().__init__()
        self._picks = Picks(columns, rows, chosen)
        self._is_filtered = len(rows) > MOST_LISTED
        self._box = TextBox("", "type to filter")
        self._list = PickList(self._picks, chosen, is_filtered=self._is_filtered)
        self._status = Plain(classes="status")
        self._only: set[int] | None = None

    @property
    def given(self) -> Any:
        raise NotImplementedError

    @property
    def hint(self) -> str:
        """Which keys do what."""
        raise NotImplementedError

    def said(self) -> str:
        """The line below the list."""
        shown, total = self._picks.count, self._picks.total
        if shown < total:
            return f"{count(shown)} of {count(total)} match"
        return f"row {count(self.picked + 1)} of {count(total)}" if self.picked >= 0 else counted(total, "row")

    def cursor_after_typing(self, row: int) -> int:
        """Where the cursor goes in the narrowed list; it was on `row` (of all rows, or -1)."""
        numbers = self._picks.numbers
        return numbers.index(row) if row in numbers else 0 if self._box.value.strip() else -1

    def compose(self) -> ComposeResult:
        if self._is_filtered:
            yield self._box
        yield self._list
        yield self._status

    def on_mount(self) -> None:
        self._status.update(self.said())

    def focus(self, scroll_visible: bool = True, *, from_app_focus: bool = False) -> Self:
        self._list.focus(scroll_visible)
        return self

    @property
    def picked(self) -> int:
        """The row under the cursor, of all rows; -1 where there is none."""
        at = self._list.cursor
        return self._picks.numbers[at] if 0 <= at < self._picks.count else -1

    def narrow(self) -> None:
        """Show what matches the filter now."""
        row = self.picked
        self._picks.narrow(self._box.value.casefold().split(), self._only)
        self._list.show(self.cursor_after_typing(row))
        self.tell()

    def tell(self) -> None:
        self._status.update(self.said(), layout=False)
        self.post_message(Edited(self))

    def action_into_list(self) -> None:
        """Down in the filter; in the list it is the list's own."""
        if self._picks.count:
            self._list.focus()
            self._list.cursor = max(0, self._list.cursor)

    def action_enter(self) -> None:
        self.post_message(Entered())

    def on_edited(self, event: Edited) -> None:
        if event.source is self._box:
            event.stop()
            self.narrow()

    def on_data_view_moved(self, event: DataView.Moved) -> None:
        event.stop()
        self.tell()

    def on_pick_list_left(self, event: PickList.Left) -> None:
        event.stop()
        if self._is_filtered:
            self._box.focus()

    def on_pick_list_typed(self, event: PickList.Typed) -> None:
        event.stop()
        self._box.focus()
        if event.character and event.key != "backspace":
            self._box.insert_text_at_cursor(event.character)
        else:
            self._box.action_delete_left()


class TablePicker(Picker):
    """One row of a table: the one under the cursor, and Enter submits it. Nothing is picked for the user.

    Where the field takes any text, what is in the filter line counts until a row is picked, or if only one has it.
    """

    def __init__(self, field: TablePick, given: Any) -> None:
        super().__init__(field.columns, [[*map(str, row)] for row in field.rows], None)
        self._keys, self._is_free = field.keys, field.free
        self._is_filtered = self._is_filtered or self._is_free
        if self._is_free:
            self._box.placeholder = "type or paste it, or go down to a row" if field.rows else "type or paste it"
            self._list.display = bool(field.rows)
        if isinstance(given, str) and given in self._keys:
            self._list.set_reactive(PickList.cursor, self._keys.index(given))
        elif self._is_free and isinstance(given, str):
            self._box.value = given

    @property
    def given(self) -> str:
        if self.picked >= 0:
            return self._keys[self.picked]
        return self._only_match() or self._box.given.strip() if self._is_free else ""

    def _only_match(self) -> str:
        """The key of the one row that has what was typed; "" where none has it, or several have."""
        is_one = self._picks.count == 1 and bool(self._box.value.strip())
        return self._keys[self._picks.numbers[0]] if is_one else ""

    @property
    def hint(self) -> str:
        if self._is_free:
            return ""  # the filter line says it
        start = "type to filter, " if self._is_filtered else ""
        return f"{start}up and down pick a row, Enter takes it"

    def focus(self, scroll_visible: bool = True, *, from_app_focus: bool = False) -> Self:
        (self._box if self._is_free else self._list).focus(scroll_visible)
        return self

    def said(self) -> str:
        """Of a free one what Enter takes: the row, or what was typed, though it be a part of some row."""
        if not self._is_free or self.picked >= 0 or not self._box.value.strip():
            return super().said() if self._picks.total else ""
        if only := self._only_match():
            return f"Enter takes {one_line(only, 200)}"
        found = count(self._picks.count) if self._picks.count else "none"
        of = f" · {found} of the {count(self._picks.total)} rows match" if self._picks.total else ""
        return f"Enter takes what you typed{of}{': down goes to them' if self._picks.count else ''}"

    def narrow(self) -> None:
        super().narrow()
        if self._is_free:
            self._list.display = bool(self._picks.count)  # an empty table looks as if nothing were accepted

    def cursor_after_typing(self, row: int) -> int:
        return -1 if self._is_free else super().cursor_after_typing(row)


class MultiPicker(Picker):
    """Several of many options: space chooses the one under the cursor; Ctrl+T shows only those that are chosen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "flip", "Choose"),
        Binding("ctrl+t", "only_chosen", "Chosen only"),
    ]

    def __init__(self, field: MultiChoice, given: Any) -> None:
        pairs = list(dict(field.pairs).items())
        have_names = any(value != label for value, label in pairs)
        held = set(field.editable(given))
        self._values = [value for value, _ in pairs]
        self._chosen = {number for number, pair in enumerate(pairs) if held.intersection(pair)}
        self._maximum = field.maximum
        columns = ["", ""] if have_names else [""]
        super().__init__(columns, [[label, value] if have_names else [value] for value, label in pairs], self._chosen)
        if pairs:  # the cursor has chosen nothing, so it may stand on a row from the start
            self._list.set_reactive(PickList.cursor, 0)

    @property
    def given(self) -> list[str]:
        """The chosen values, in the order of the options."""
        return [self._values[number] for number in sorted(self._chosen)]

    @property
    def hint(self) -> str:
        if self._box.has_focus:
            return "type to filter, down goes to the list, Ctrl+T shows the chosen, Ctrl+G submits"
        start = "type to filter, " if self._is_filtered else ""
        return f"{start}space chooses, Ctrl+T shows the chosen, Enter submits"

    def said(self) -> str:
        most = "" if self._maximum is None else f", at most {count(self._maximum)}"
        shown = self._picks.count
        if self._only is not None:
            matching = f" · only the chosen are shown: Ctrl+T shows all {count(self._picks.total)}"
        elif shown < self._picks.total:
            matching = f" · {count(shown)} of {count(self._picks.total)} match"
        else:
            matching = f" · {count(self._picks.total)} in all"
        return f"{count(len(self._chosen))} chosen{most}{matching}"

    def cursor_after_typing(self, row: int) -> int:
        """The cursor has chosen nothing, so it goes to the first match."""
        return 0 if self._box.value.strip() else max(0, super().cursor_after_typing(row))

    def action_flip(self) -> None:
        if self.picked < 0:
            self._list.action_move(1)
        if self.picked >= 0:
            self._chosen ^= {self.picked}
            self._list.refresh()
            self.tell()

    def action_only_chosen(self) -> None:
        """Those that are chosen now, so that one that is taken back stays in sight; and back to all."""
        self._only = set(self._chosen) if self._only is None else None
        self.narrow()

    def on_entered(self, event: Entered) -> None:
        """Enter in the filter line goes to the list: nothing is chosen by it."""
        if self._box.has_focus:
            event.stop()
            self.action_into_list()
