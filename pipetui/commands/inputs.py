"""What --set and --answer say: names, and texts that may come from a file or from stdin."""

from __future__ import annotations

import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..engine.fields import Field, Group, Invalid, named
from ..engine.values import decode
from ..engine.workflow import Step, Workflow
from ..text import meant
from .exits import USAGE, Exit

LARGEST = 64 * 1024 * 1024
"""Bytes of a file or of stdin."""


@dataclass
class Setting:
    """What was said for one step: `texts` by the path to a member, () for the whole."""

    step: Step
    texts: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """As they were said."""
        return [".".join((self.step.done, *path)) for path in self.texts]

    def given(self, kind: Field, base: Any = None) -> Any:
        """The input for the step's field; `base` is what members have of which nothing was said."""
        if not isinstance(kind, Group):
            return self.texts[()]
        given = dict(base) if isinstance(base, Mapping) else {}
        for path, text in sorted(self.texts.items()):  # the whole comes before its members
            if not path:
                given |= _object(text, self.step.done)
                continue
            inner = given
            for member in path[:-1]:
                inner[member] = dict(inner.get(member) or {})
                inner = inner[member]
            inner[path[-1]] = text
        return given


def settings(workflow: type[Workflow], said: Sequence[str]) -> dict[str, Setting]:
    """What every --set says, by step id. Exit when a name fits nothing, or a text can't be what its field wants."""
    found: dict[str, Setting] = {}
    secret = {
        name
        for step in workflow.body()
        if step.field is not None
        for top in (step.done, step.id)
        for name, kind in named(step.field, top)
        if not kind.kept
    }
    for name, text in pairs("--set", said, secret):
        word, *path = name.split(".")
        step = next((step for step in workflow.body() if word in (step.id, step.done)), None)
        if step is None:
            raise unknown(f"{workflow.APP_NAME} has no value {name!r}", name, _names(workflow))
        if not workflow.takes_input(step):
            raise Exit(USAGE, f"{step.done} is what a job returns: it can't be set.")
        if step.field is not None and not workflow.has_form(step):
            _check(workflow, step, name, tuple(path), text)
        setting = found.setdefault(step.id, Setting(step))
        if tuple(path) in setting.texts:
            raise Exit(USAGE, f"{name} is set twice.")
        setting.texts[tuple(path)] = text
    return found


def pairs(option: str, said: Iterable[str], secret: Container[str] = ()) -> list[tuple[str, str]]:
    """NAME=VALUE of every text, with what files and stdin hold in place of their names. Exit."""
    result, stdin_for = [], ""
    for text in said:
        name, equals, value = text.partition("=")
        if name in secret and value != "-" and not value.startswith("@"):
            raise Exit(
                USAGE, f"{name} is a secret: others can read a command line. Use {name}=@FILE, or {name}=- for stdin."
            )
        if not equals or not name:
            raise Exit(USAGE, f"{option} wants NAME=VALUE, not {text!r}.")
        if value == "-":
            if stdin_for:
                raise Exit(USAGE, f"Only one value can be read from stdin: {stdin_for} is already.")
            stdin_for, value = name, _stdin()
        elif value.startswith("@@"):
            value = value[1:]
        elif value.startswith("@"):
            value = _file(value[1:])
        result.append((name, value))
    return result


def unknown(what: str, name: str, known: Sequence[str]) -> Exit:
    """An Exit that names the nearest known name."""
    return Exit(USAGE, what + meant(name, known))


def _names(workflow: type[Workflow]) -> list[str]:
    names = []
    for step in workflow.body():
        if workflow.takes_input(step):
            names += [name for name, _ in named(step.field, step.done)] if step.field else [step.done]
    return names


def _check(workflow: type[Workflow], step: Step, name: str, path: tuple[str, ...], text: str) -> None:
    assert step.field is not None
    kind = dict(named(step.field, step.done)).get(".".join((step.done, *path)))
    if kind is None:
        raise unknown(f"{step.done} has no member {'.'.join(path)!r}", name, _names(workflow))
    if isinstance(kind, Group):
        _object(text, name)
        return
    try:
        kind.parse(text)
    except Invalid as invalid:
        raise Exit(USAGE, f"{name}: {invalid}") from None


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        value = decode(text)
    except (ValueError, RecursionError):  # one that is nested without end
        value = None
    if not isinstance(value, dict):
        raise Exit(USAGE, f"{name} has members: set each ({name}.MEMBER=…), or a JSON object.")
    return value


def _file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            return _text(file.read(LARGEST + 1), name)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise Exit(USAGE, f"The file {name!r} can't be read: {why}.") from None


def _stdin() -> str:
    if not hasattr(sys.stdin, "buffer"):
        raise Exit(USAGE, "stdin is closed: there is nothing to read.")
    return _text(sys.stdin.buffer.read(LARGEST + 1), "stdin")


def _text(data: bytes, name: str) -> str:
    if len(data) > LARGEST:
        raise Exit(USAGE, f"{name} is larger than {LARGEST // 1024 // 1024} MB.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Exit(USAGE, f"{name} is not UTF-8 text (byte {error.start + 1:,}).") from None
