"""`pipetui settings`: what can be chosen and what is, and to choose it. The Settings screen does the same."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine.fields import Invalid
from ..screens.commands import BY_NAME, why_not
from ..settings import KEYS, SETTINGS, Settings, SettingsError, load, save, value_of
from . import output
from .exits import OK, USAGE, Exit
from .session import places


class _Line(NamedTuple):
    """A setting as it is listed; `is_own`: somebody chose it."""

    name: str
    value: Any
    default: Any
    does: str
    accepts: str
    is_own: bool


def settings(args: Namespace) -> int:
    file = places(args).settings
    if args.reset or any("=" in word for word in args.words):
        changes = _changes(args.words, args.reset, _keys_now(args))
        now = save(file, changes)
        lines = [line for line in _lines(now) if line.name in changes]
    else:
        every = list(_lines(load(file)))
        lines = [line for line in every if args.json or line.is_own or not line.name.startswith(KEYS)]
        if args.words:
            lines = [line for word in args.words for line in _found(every, word)]
    if args.json:
        output.document([dict(zip(_FIELDS, line, strict=False)) for line in lines])
    else:
        rows = [(line.name, _said(line.value), _said(line.default), line.does) for line in lines]
        output.table(("name", "value", "default", "does"), rows)
    return OK


_FIELDS = ("name", "value", "default", "does", "accepts")


def names() -> list[str]:
    """The names of all settings, the keys last."""
    return [*SETTINGS, *(KEYS + name for name in BY_NAME)]


def _lines(now: Settings) -> Iterator[_Line]:
    for setting in SETTINGS.values():
        value = value_of(now, setting.name)
        does = f"{setting.help} A change takes effect {setting.takes}." if setting.takes else setting.help
        accepts = setting.field.hint or setting.field.accepts
        yield _Line(setting.name, value, setting.default, does, accepts, value != setting.default)
    for command in BY_NAME.values():
        keys = value_of(now, KEYS + command.name)
        is_own = keys not in (None, command.keys)
        does = f"The key of {command.label}: {command.help}"
        yield _Line(KEYS + command.name, keys or command.keys, command.keys, does, "a key: f6, ctrl+t, r", is_own)


def _found(lines: Sequence[_Line], word: str) -> list[_Line]:
    """The setting of this name, or those of a table. Exit when there is none."""
    found = [line for line in lines if line.name == word or line.name.startswith(f"{word}.")]
    if not found:
        raise _unknown(word)
    return found


def _unknown(word: str) -> Exit:
    from ..text import meant

    return Exit(USAGE, f"There is no setting {word!r}{meant(word, names())}")


def _keys_now(args: Namespace) -> Mapping[str, str]:
    try:
        return load(places(args).settings).keys
    except SettingsError:  # a wrong value may be what is to be changed; `save` looks at the whole
        return {}


def _changes(words: Sequence[str], reset: Sequence[str], keys: Mapping[str, str]) -> dict[str, Any]:
    """What is to be kept by name, None for a default. Exit when one is unknown, not accepted, or said twice."""
    from .inputs import pairs

    changes: dict[str, Any] = {}
    for name, text in (*pairs("settings", words), *((name, None) for name in reset)):
        if name not in names():
            raise _unknown(name)
        if name in changes:
            raise Exit(USAGE, f"{name} is said twice.")
        changes[name] = text if text is None or name.startswith(KEYS) else _value(name, text)
    chosen = {name[len(KEYS) :]: value for name, value in changes.items() if name.startswith(KEYS)}
    wanted = {name: value for name, value in {**keys, **chosen}.items() if value is not None}
    for name, value in chosen.items():
        if why := why_not(wanted, name, value):
            raise Exit(USAGE, f"{KEYS}{name}: {why}")
    return changes


def _value(name: str, text: str) -> Any:
    setting = SETTINGS[name]
    given = text.replace(",", "\n") if isinstance(setting.default, list) else text
    try:
        if name == "theme":
            from ..screens.settings import themes

            return themes().parse(given)
        return setting.parse(given)
    except Invalid as invalid:
        raise Exit(USAGE, f"{name}: {invalid}") from None


def _said(value: Any) -> str:
    """A value as it may be said to the command."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ",".join(value) if isinstance(value, list) else str(value)
