"""Fields that pick: several of many, a row of a table, a span of days; and Secret, whose value is a reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from .fields import Choice, Field, Invalid, summarize
from .values import Value

__all__ = ["DateRange", "MultiChoice", "Secret", "TablePick"]


@dataclass(frozen=True)
class MultiChoice(Field):
    """Several of many; the value is a list of str, in the order of the options. Typed: `a, b, c`, or one a line."""

    kind: ClassVar[str] = "multi_choice"
    options: Sequence[str | tuple[str, str]] = ()
    minimum: int = dataclasses.field(default=1, kw_only=True)
    maximum: int | None = dataclasses.field(default=None, kw_only=True)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(value, label) of every option."""
        return Choice(self.options).pairs

    def parse(self, given: Any) -> list[str]:
        return self.check(self.editable(given) if isinstance(given, str) else given)

    def check(self, value: Value) -> list[str]:
        if value is None:
            value = []
        if not isinstance(value, list | tuple):
            raise Invalid("This must be a list.")
        named, chosen = Choice(self.options).named, set()
        for item in value:
            if not isinstance(item, str) or item not in named:
                raise Invalid(f"There is no {summarize(item)} here.")
            chosen.add(named[item])
        if len(chosen) < self.minimum and (chosen or not self.optional):
            raise Invalid("Please choose at least " + ("one." if self.minimum == 1 else f"{self.minimum}."))
        if self.maximum is not None and len(chosen) > self.maximum:
            raise Invalid(f"Please choose at most {self.maximum}; these are {len(chosen)}.")
        return [option for option in dict.fromkeys(option for option, _ in self.pairs) if option in chosen]

    def editable(self, value: Value) -> list[str]:
        """The options as a list. A line of text that is no option is taken apart at its commas."""
        if not isinstance(value, str):
            return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
        named, items = Choice(self.options).named, []
        for line in map(str.strip, value.splitlines()):
            items += [line] if line in named else [part.strip() for part in line.split(",")]
        return [item for item in items if item]

    def summary(self, value: Value) -> str:
        if not isinstance(value, list):
            return summarize(value)
        labels = dict(self.pairs)
        return summarize([labels.get(item, item) if isinstance(item, str) else item for item in value])

    @property
    def accepts(self) -> str:
        most = "" if self.maximum is None else f", at most {self.maximum}"
        names = ", ".join(option for option, _ in self.pairs[:12])
        more = f", … ({len(self.options):,} in all)" if len(self.options) > 12 else ""
        return f"some of{most}: {names}{more}"


@dataclass(frozen=True)
class TablePick(Field):
    """One row of a table; the value is the text of its `key` column (by number), which must tell the rows apart.

    A row without a text there can't be picked. With `free`, what was typed and stands in no row is taken as it is.
    """

    kind: ClassVar[str] = "table_pick"
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    key: int = dataclasses.field(default=0, kw_only=True)
    free: bool = dataclasses.field(default=False, kw_only=True)

    @property
    def keys(self) -> list[str]:
        """The key of each row; "" where it has none."""
        return [row[self.key] if self.key < len(row) else "" for row in self.rows]

    def check(self, value: Value) -> str:
        if value is None or (isinstance(value, str) and not value.strip()):
            if self.optional:
                return ""
            raise Invalid("Please choose a row.")
        if isinstance(value, str) and value in self.keys:
            return value
        if isinstance(value, str) and self.free:
            return value.strip()
        raise Invalid(f"There is no {summarize(value)} here: this must be {self.accepts}.")

    def summary(self, value: Value) -> str:
        row = next((row for row, key in zip(self.rows, self.keys, strict=True) if key and key == value), None)
        return summarize(value) if row is None else " · ".join(summarize(cell) for cell in row if cell)

    @property
    def accepts(self) -> str:
        keys = [key for key in self.keys if key]
        more = f", … ({len(keys):,} in all)" if len(keys) > 12 else ""
        return f"{'any text, or one of' if self.free else 'one of'}: {', '.join(keys[:12])}{more}"


@dataclass(frozen=True)
class DateRange(Field):
    """A span of days, both ends in it; the value is `{"start": "2026-01-01", "end": "2026-01-31"}`.

    Typed: `2026-01-01..2026-01-31`, or `30 days`, which end on `last` (default: today). `first` and `last` bound it.
    Where it is optional and nothing was typed the value is null.
    """

    kind: ClassVar[str] = "date_range"
    first: str = dataclasses.field(default="", kw_only=True)
    last: str = dataclasses.field(default="", kw_only=True)

    def parse(self, given: Any) -> dict[str, str] | None:
        if not isinstance(given, str):
            return self.check(given)
        words = given.split()
        if not words:
            return self.check(None)
        if len(words) == 2 and words[0].isdecimal() and words[1].lower() in ("day", "days"):
            return self.check(self._until_last(words[0]))
        start_text, dots, end_text = given.partition("..")
        if not dots:
            raise Invalid(f"This must be {self.accepts}.")
        return self.check({"start": start_text.strip(), "end": end_text.strip()})

    def _until_last(self, days: str) -> dict[str, str]:
        end = _day(self.last) if self.last else date.today()
        try:
            start = end - timedelta(int(days) - 1)
        except (OverflowError, ValueError):
            raise Invalid("So many days ago there was no calendar.") from None
        if start > end:
            raise Invalid("At least 1 day, please.")
        return {"start": start.isoformat(), "end": end.isoformat()}

    def check(self, value: Value) -> dict[str, str] | None:
        if value in (None, ""):
            if self.optional:
                return None
            raise Invalid("Please fill this in.")
        if not isinstance(value, dict) or set(value) != {"start", "end"}:
            raise Invalid(f"This must be {self.accepts}.")
        start, end = _day(value["start"]), _day(value["end"])
        if start > end:
            raise Invalid("The first day is after the last.")
        if self.first and start < _day(self.first):
            raise Invalid(f"There is nothing before {self.first}.")
        if self.last and end > _day(self.last):
            raise Invalid(f"There is nothing after {self.last}.")
        return {"start": start.isoformat(), "end": end.isoformat()}

    def editable(self, value: Value) -> str:
        return f"{value['start']}..{value['end']}" if _is_range(value) else super().editable(value)

    def summary(self, value: Value) -> str:
        if not _is_range(value):
            return summarize(value)
        days = (_day(value["end"]) - _day(value["start"])).days + 1
        return f"{value['start']} to {value['end']} ({days:,} {'day' if days == 1 else 'days'})"

    @property
    def accepts(self) -> str:
        bounds = f"from {self.first} on" if self.first else ""
        if self.last:
            bounds = f"from {self.first} to {self.last}" if self.first else f"up to {self.last}"
        return "days as 2026-01-01..2026-01-31, or 30 days" + (f" ({bounds})" if bounds else "")


@dataclass(frozen=True)
class Secret(Field):
    """A token or password. The service keeps it in a file of its own; the value is `{"secret": name}`.

    `_submit` gets the text itself, to check it; what it returns is not stored.
    """

    kind: ClassVar[str] = "secret"
    kept: ClassVar[bool] = False
    name: str = ""

    def check(self, value: Value) -> Value:
        if value == {"secret": self.name} or (value is None and self.optional):
            return value
        if not isinstance(value, str):
            raise Invalid("This must be text.")
        text = value.strip()
        if not text:
            if self.optional:
                return None
            raise Invalid("Please paste it here.")
        if len(text) > 10_000 or not text.isascii() or not text.isprintable():
            raise Invalid("This has characters that no token has: please copy it again.")
        return text

    def editable(self, value: Value) -> str:
        return ""

    def summary(self, value: Value) -> str:
        return "kept apart, never shown"

    @property
    def accepts(self) -> str:
        return "a secret: pasted here it is not shown; on the command line only from a file (@file) or stdin (-)"


def _day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise Invalid(f"{summarize(text)} is not a day; write it as 2026-01-31.") from None


def _is_range(value: Value) -> bool:
    try:
        return isinstance(value, dict) and bool(_day(value["start"]) and _day(value["end"]))
    except (Invalid, KeyError):
        return False
