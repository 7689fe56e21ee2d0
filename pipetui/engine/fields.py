"""Fields: what the input of a step asks for, accepts and stores. Data and checks, no widgets.

Three forms of the same thing: the *input* is what a person types or a widget holds (text, a bool for a switch, an
object for a group); `parse` turns it into the *value* that is stored (JSON), `editable` turns a value back.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .values import Value, encode

__all__ = ["Choice", "Field", "Group", "Invalid", "Number", "Switch", "Text", "TextArea", "from_json"]


KINDS: dict[str, type[Field]] = {}
"""Every kind of field by its name."""


class Invalid(Exception):
    """A value is not accepted. Its text tells the user why; `at` names the member of a group."""

    def __init__(self, why: str, at: str | None = None) -> None:
        super().__init__(why)
        self.at = at


@dataclass(frozen=True)
class Field:
    """The base of all fields.

    `default` is taken when nothing was said (None: there is none), `hint` tells what is wanted in the author's words,
    `label` names a member of a group, `optional` accepts an empty input.
    """

    kind: ClassVar[str]
    kept: ClassVar[bool] = True
    """Whether what is typed may be kept as a draft and told on a command line; not so for a secret."""

    default: Any = dataclasses.field(default=None, kw_only=True)
    hint: str = dataclasses.field(default="", kw_only=True)
    label: str = dataclasses.field(default="", kw_only=True)
    optional: bool = dataclasses.field(default=False, kw_only=True)

    def __init_subclass__(cls) -> None:
        KINDS[cls.kind] = cls

    def parse(self, given: Any) -> Value:
        """The value that an input stands for. Invalid when it stands for none."""
        return self.check(given)

    def check(self, value: Value) -> Value:
        """`value` as it is stored. Invalid when it is not accepted."""
        raise NotImplementedError

    def editable(self, value: Value) -> Any:
        """The input that would give `value`; of any JSON, since it may come from elsewhere."""
        return "" if value is None else value if isinstance(value, str) else encode(value)

    def summary(self, value: Value) -> str:
        """The value in one line, for a closed card."""
        return summarize(value)

    @property
    def accepts(self) -> str:
        """What is accepted, in a few words."""
        raise NotImplementedError

    @property
    def complete(self) -> bool:
        """Whether the field's default is a value that can be taken as it is."""
        try:
            self.check(self.default)
        except Invalid:
            return False
        return self.default is not None

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind} | {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        }


@dataclass(frozen=True)
class Text(Field):
    """One line of text, or with `lines` one text of several. `pattern` is a regular expression that all must match."""

    kind = "text"
    lines: bool = dataclasses.field(default=False, kw_only=True)
    placeholder: str = dataclasses.field(default="", kw_only=True)
    minimum: int = dataclasses.field(default=1, kw_only=True)
    maximum: int = dataclasses.field(default=10_000, kw_only=True)
    pattern: str = dataclasses.field(default="", kw_only=True)

    def check(self, value: Value) -> str:
        if not isinstance(value, str):
            raise Invalid("This must be text.")
        text = value.strip()
        if not self.lines and len(text.splitlines()) > 1:
            raise Invalid("This must be one line.")
        if not text and self.optional:
            return ""
        if len(text) < self.minimum:
            raise Invalid("Please fill this in." if not text else f"At least {self.minimum} characters, please.")
        if len(text) > self.maximum:
            raise Invalid(f"At most {self.maximum:,} characters, please; these are {len(text):,}.")
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise Invalid(self.hint or f"This must match {self.pattern}.")
        return text

    @property
    def accepts(self) -> str:
        if self.optional:
            return "text, may be empty"
        return "text of any lines" if self.lines else "one line of text"


@dataclass(frozen=True)
class TextArea(Field):
    """A list of texts, one a line. The value is a list of str.

    Blank lines are dropped; with `blank` they are kept, for a `_submit` that names lines by their number.
    """

    kind = "text_area"
    placeholder: str = dataclasses.field(default="", kw_only=True)
    blank: bool = dataclasses.field(default=False, kw_only=True)
    minimum: int = dataclasses.field(default=1, kw_only=True)
    maximum: int = dataclasses.field(default=100_000, kw_only=True)

    def parse(self, given: Any) -> list[str]:
        return self.check([given] if isinstance(given, str) else given)

    def check(self, value: Value) -> list[str]:
        if not isinstance(value, list | tuple) or not all(isinstance(line, str) for line in value):
            raise Invalid("This must be lines of text.")
        lines = [line.strip() for item in value for line in item.splitlines() or [""]]
        filled = [line for line in lines if line]
        if not filled and self.optional:
            return []
        if len(filled) < self.minimum:
            wanted = "one line" if self.minimum == 1 else f"{self.minimum} lines"
            raise Invalid(f"At least {wanted}, please.")
        if not self.blank:
            lines = filled
        while lines and not lines[-1]:
            lines.pop()
        if len(lines) > self.maximum:
            raise Invalid(f"At most {self.maximum:,} lines, please; these are {len(lines):,}.")
        return lines

    def editable(self, value: Value) -> str:
        return "\n".join(map(str, value)) if isinstance(value, list) else super().editable(value)

    @property
    def accepts(self) -> str:
        return "lines of text, one item a line"


@dataclass(frozen=True)
class Number(Field):
    """A number; null where it is optional and empty. `whole` accepts integers only; `unit` is shown behind it (`s`)."""

    kind = "number"
    default: float | None = None
    minimum: float | None = dataclasses.field(default=None, kw_only=True)
    maximum: float | None = dataclasses.field(default=None, kw_only=True)
    whole: bool = dataclasses.field(default=False, kw_only=True)
    unit: str = dataclasses.field(default="", kw_only=True)

    def parse(self, given: Any) -> int | float | None:
        if not isinstance(given, str):
            return self.check(given)
        text = given.strip().replace("_", "")
        if not text and self.optional:
            return None
        try:
            return self.check(int(text))
        except ValueError:
            pass
        try:
            return self.check(float(text))
        except ValueError:
            raise Invalid(f"This must be {self.accepts}." if text else "Please fill this in.") from None

    def check(self, value: Value) -> int | float | None:
        if value is None and self.optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Invalid(f"This must be {self.accepts}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise Invalid(f"This must be {self.accepts}.")
        if self.whole and value != int(value):
            raise Invalid(f"This must be {self.accepts}.")
        if (self.minimum is not None and value < self.minimum) or (self.maximum is not None and value > self.maximum):
            raise Invalid(f"This must be {self.accepts}.")
        return int(value) if self.whole else value

    def summary(self, value: Value) -> str:
        return summarize(value) if value is None else f"{summarize(value)} {self.unit}".strip()

    @property
    def accepts(self) -> str:
        noun = "a whole number" if self.whole else "a number"
        low, high = (None if bound is None else summarize(bound) for bound in (self.minimum, self.maximum))
        if low is not None and high is not None:
            noun += f" from {low} to {high}"
        elif low is not None:
            noun += f" of at least {low}"
        elif high is not None:
            noun += f" of at most {high}"
        return f"{noun} ({self.unit})" if self.unit else noun


@dataclass(frozen=True)
class Choice(Field):
    """One of several. `options` are the values, or pairs of value and label; the value is a str."""

    kind = "choice"
    options: Sequence[str | tuple[str, str]] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(value, label) of every option."""
        return [(option, option) if isinstance(option, str) else (option[0], option[1]) for option in self.options]

    @property
    def named(self) -> dict[str, str]:
        """What an option may be called, its value or its label, and its value."""
        labels = {label: option for option, label in reversed(self.pairs)}
        return labels | {option: option for option, _ in self.pairs}

    def check(self, value: Value) -> str:
        if isinstance(value, str) and (option := self.named.get(value)) is not None:
            return option
        if value in (None, ""):
            if self.optional:
                return ""
            raise Invalid("Please choose one.")
        raise Invalid(f"This must be {self.accepts}.")

    def summary(self, value: Value) -> str:
        return next((label for option, label in self.pairs if option == value), summarize(value))

    @property
    def accepts(self) -> str:
        names = [option for option, _ in self.pairs]
        shown = ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
        return f"one of: {shown}"


@dataclass(frozen=True)
class Switch(Field):
    """Yes or no; the value is a bool."""

    kind = "switch"
    default: bool | None = False

    WORDS: ClassVar[Mapping[str, bool]] = {
        word: is_yes
        for words, is_yes in (("yes true on 1 y", True), ("no false off 0 n", False))
        for word in words.split()
    }

    def parse(self, given: Any) -> bool:
        if isinstance(given, str):
            given = self.WORDS.get(given.strip().lower(), given)
        return self.check(given)

    def check(self, value: Value) -> bool:
        if not isinstance(value, bool):
            raise Invalid("This must be yes or no.")
        return value

    def editable(self, value: Value) -> bool:
        return value is True

    @property
    def accepts(self) -> str:
        return "yes or no"


@dataclass(frozen=True, init=False)
class Group(Field):
    """Several fields in one step; the value is an object of their values."""

    kind = "group"
    members: Mapping[str, Field] = dataclasses.field(default_factory=dict)

    def __init__(self, members: Mapping[str, Field] | None = None, *, hint: str = "", **more: Field) -> None:
        object.__setattr__(self, "members", {**(members or {}), **more})
        object.__setattr__(self, "hint", hint)
        object.__setattr__(self, "label", "")
        object.__setattr__(self, "optional", False)
        defaults = {name: member.default for name, member in self.members.items() if member.default is not None}
        object.__setattr__(self, "default", defaults or None)

    def parse(self, given: Any) -> dict[str, Value]:
        return self._each(given, lambda member: member.parse)

    def check(self, value: Value) -> dict[str, Value]:
        return self._each(value, lambda member: member.check)

    def _each(self, given: Any, how: Callable[[Field], Callable[[Any], Value]]) -> dict[str, Value]:
        if not isinstance(given, Mapping):
            raise Invalid(f"This must be an object with {', '.join(self.members)}.")
        for name in given:
            if name not in self.members:
                raise Invalid(f"There is no {name} here; there are {', '.join(self.members)}.", at=str(name))
        value = {}
        for name, member in self.members.items():
            try:
                value[name] = how(member)(given[name]) if name in given else member.parse(_unsaid(member))
            except Invalid as invalid:
                raise Invalid(str(invalid), at=f"{name}.{invalid.at}" if invalid.at else name) from None
        return value

    def editable(self, value: Value) -> dict[str, Any]:
        held = value if isinstance(value, Mapping) else {}
        return {name: member.editable(held.get(name, member.default)) for name, member in self.members.items()}

    def summary(self, value: Value) -> str:
        if not isinstance(value, Mapping):
            return summarize(value)
        return ", ".join(
            f"{member.label or name} {member.summary(value[name])}"
            for name, member in self.members.items()
            if name in value and value[name] not in ("", None)
        )

    @property
    def accepts(self) -> str:
        return "; ".join(f"{name}: {member.accepts}" for name, member in self.members.items())

    @property
    def complete(self) -> bool:
        return all(member.complete or (member.optional and member.default is None) for member in self.members.values())

    def to_json(self) -> dict[str, Any]:
        members = {name: member.to_json() for name, member in self.members.items()}
        return {"kind": self.kind, "members": members} | ({"hint": self.hint} if self.hint else {})


def _unsaid(field: Field) -> Any:
    """The input of a group's member about which nothing was said."""
    if field.default is not None:
        return field.default
    return {} if isinstance(field, Group) else ""


def from_json(data: Mapping[str, Any]) -> Field:
    """The field that `Field.to_json` wrote."""
    from . import pickers  # noqa: F401 - so that their kinds are known

    arguments = {name: value for name, value in data.items() if name != "kind"}
    if data["kind"] == Group.kind:
        members = {name: from_json(member) for name, member in arguments["members"].items()}
        return Group(members, hint=arguments.get("hint", ""))
    if "options" in arguments:
        arguments["options"] = [option if isinstance(option, str) else tuple(option) for option in arguments["options"]]
    return KINDS[data["kind"]](**arguments)


def named(field: Field, name: str) -> Iterator[tuple[str, Field]]:
    """The field under `name`, and under `name.member` what it is made of: what `--set` accepts."""
    yield name, field
    if isinstance(field, Group):
        for member, inner in field.members.items():
            yield from named(inner, f"{name}.{member}")


def summarize(value: Value) -> str:
    """Any JSON in one line."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case str():
            lines = value.splitlines()
            return "".join(lines) if len(lines) <= 1 else f"{lines[0]} … ({len(lines):,} lines)"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.10g}"
        case list():
            if not value:
                return "none"
            first = ", ".join(summarize(item) for item in value[:3])
            return first if len(value) <= 3 else f"{len(value):,}: {first}, …"
        case dict():
            return ", ".join(f"{name} {summarize(item)}" for name, item in list(value.items())[:6]) or "nothing"
    return str(value)
