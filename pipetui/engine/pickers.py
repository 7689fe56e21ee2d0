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
    """Several of many; the value is a list of str, in the order of the options. Typed: `a, b, c`."""

    kind: ClassVar[str] = "multi_choice"
    options: Sequence[str | tuple[str, str]] = ()
    minimum: int = dataclasses.field(default=1, kw_only=True)
    maximum: int | None = dataclasses.field(default=None, kw_only=True)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(value, label) of every option."""
        return Choice(self.options).pairs

    def parse(self, given: Any) -> list[str]:
        if isinstance(given, str):
            given = [part.strip() for part in given.replace("\n", ",").split(",") if part.strip()]
        return self.check(given)

    def check(self, value: Value) -> list[str]:
        if value is None:
            value = []
        if not isinstance(value, list | tuple):
            raise Invalid("This must be a list.")
        one = Choice(self.options)
        chosen = set()
        for item in value:
            try:
                chosen.add(one.check(item))
            except Invalid:
                raise Invalid(f"There is no {summarize(item)} here.") from None
        if len(chosen) < (0 if self.optional else self.minimum):
            raise Invalid("Please choose at least " + ("one." if self.minimum == 1 else f"{self.minimum}."))
        if self.maximum is not None and len(chosen) > self.maximum:
            raise Invalid(f"Please choose at most {self.maximum}; these are {len(chosen)}.")
        return [option for option, _ in self.pairs if option in chosen]

    def editable(self, value: Value) -> list[str]:
        return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []

    def summary(self, value: Value) -> str:
        labels = dict(self.pairs)
        return summarize([labels.get(item, item) for item in value] if isinstance(value, list) else value)

    @property
    def accepts(self) -> str:
        most = "" if self.maximum is None else f", at most {self.maximum}"
        names = ", ".join(option for option, _ in self.pairs[:12])
        more = f", … ({len(self.options):,} in all)" if len(self.options) > 12 else ""
        return f"some of{most}: {names}{more}"


@dataclass(frozen=True)
class TablePick(Field):
    """One row of a table; the value is the text of its `key` column (by number), which must tell the rows apart."""

    kind: ClassVar[str] = "table_pick"
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    key: int = dataclasses.field(default=0, kw_only=True)

    def check(self, value: Value) -> str:
        if value in (None, ""):
            if self.optional:
                return ""
            raise Invalid("Please choose a row.")
        if isinstance(value, str) and any(row[self.key] == value for row in self.rows):
            return value
        raise Invalid(f"There is no {summarize(value)} here: this must be {self.accepts}.")

    def summary(self, value: Value) -> str:
        row = next((row for row in self.rows if row[self.key] == value), None)
        return summarize(value) if row is None else " · ".join(cell for cell in row if cell)

    @property
    def accepts(self) -> str:
        names = ", ".join(row[self.key] for row in self.rows[:12])
        more = f", … ({len(self.rows):,} in all)" if len(self.rows) > 12 else ""
        return f"one of: {names}{more}"


@dataclass(frozen=True)
class DateRange(Field):
    """A span of days, both ends in it; the value is `{"start": "2026-01-01", "end": "2026-01-31"}`.

    Typed: `2026-01-01..2026-01-31`, or `30 days`, which end on `last` (default: today). `first` and `last` bound it.
    """

    kind: ClassVar[str] = "date_range"
    first: str = dataclasses.field(default="", kw_only=True)
    last: str = dataclasses.field(default="", kw_only=True)

    def parse(self, given: Any) -> dict[str, str]:
        if not isinstance(given, str):
            return self.check(given)
        words = given.split()
        if len(words) == 2 and words[0].isdecimal() and words[1] in ("day", "days"):
            end = _day(self.last) if self.last else date.today()
            days = int(words[0][:5])
            if days < 1:
                raise Invalid("At least 1 day, please.")
            start = end - timedelta(days - 1)
            return self.check({"start": start.isoformat(), "end": end.isoformat()})
        start_text, dots, end_text = given.partition("..")
        if not dots:
            raise Invalid(f"This must be {self.accepts}.")
        return self.check({"start": start_text.strip(), "end": end_text.strip()})

    def check(self, value: Value) -> dict[str, str]:
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
        return "days as 2026-01-01..2026-01-31, or 30 days"


@dataclass(frozen=True)
class Secret(Field):
    """A token or password. The service keeps it in a file of its own; the value is `{"secret": name}`.

    `_submit` gets the text itself, to check it; what it returns is not stored.
    """

    kind: ClassVar[str] = "secret"
    kept: ClassVar[bool] = False
    name: str = ""

    def check(self, value: Value) -> Value:
        if value == {"secret": self.name}:
            return value
        if not isinstance(value, str):
            raise Invalid("This must be text.")
        text = value.strip()
        if not text:
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
