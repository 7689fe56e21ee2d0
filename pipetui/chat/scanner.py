"""Calls in the text of a model without native tools: JSON objects found as the reply comes. Pure.

    {"action": "tasks_list", "arguments": {"profile": "acme"}}

`name`, `tool` and `function` are taken for `action`, `parameters` and `args` for `arguments`; a call may stand in
prose, in a code block, or wrapped as models do. What stands in a data fence, in thoughts or in a quotation is no call.
What is found depends on the text alone, not on the pieces in which it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

MOST = 16
"""Calls of one reply; with more there is something wrong with it, and none is taken."""

LARGEST = 64 * 1024
"""Characters of one object."""

DEEPEST = 30
"""Levels of one object."""

MOST_WORK = 200_000
"""Characters gone through, some again and again; a text that takes more was made so, and none of its calls is taken."""

_PER_OBJECT = 8
_LONGEST_SCALAR = 400
_NAMES = ("action", "name", "tool", "function")
_ARGUMENTS = ("arguments", "parameters", "args")
_WRAPPERS = ("function", "tool_call", "function_call", "call", "tool_calls", "calls", "actions")

_NEXT = re.compile(r"\{|<(think(?:ing)?|data)\b([^<>\n]{0,40})>", re.IGNORECASE)
_BEGUN = re.compile(r"<(?:[a-z]{0,8}|(?:think(?:ing)?|data)\b[^<>\n]{0,40})\Z", re.IGNORECASE)
_PLAIN = re.compile(r"[^\"\\\x00-\x08\x0b\x0c\x0e-\x1f]*")
_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"[-+.\w]*")
_SCALARS = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Found:
    """A call as the model wrote it, nothing of it checked, and its place in the text."""

    name: str
    arguments: Any
    start: int
    end: int


class Scanner:
    """Takes a reply piece by piece."""

    def __init__(self) -> None:
        self._text = ""
        self._place = 0
        self._object: _Object | None = None
        self._closing: re.Pattern[str] | None = None
        self._work = 0
        self._found: list[Found] = []

    def feed(self, piece: str) -> None:
        self._text += piece
        self._scan(is_all=False)

    @property
    def seen(self) -> Sequence[Found]:
        """The calls that are complete so far: to be shown, not to be done."""
        return tuple(self._found)

    def end(self, *, whole: bool) -> Sequence[Found]:
        """The calls of the reply. None of one that is not whole: it was cut by the window, stopped, or broke."""
        self._scan(is_all=True)
        is_sound = whole and len(self._found) <= MOST and self._work <= MOST_WORK
        return tuple(self._found) if is_sound else ()

    def _scan(self, *, is_all: bool) -> None:
        while self._work <= MOST_WORK and len(self._found) <= MOST:
            if self._closing is not None:
                end = self._closing.search(self._text, self._place)
                if end is None:
                    # The tag may be cut: it is looked for again from where it may have begun.
                    self._place = max(self._place, len(self._text) - 80)
                    return
                self._place, self._closing = end.end(), None
            elif self._object is not None:
                if not self._step(self._object, is_all=is_all):
                    return
            elif not self._next(is_all=is_all):
                return

    def _next(self, *, is_all: bool) -> bool:
        """Go to what may be the next object, or skip a region. False: there is nothing in what came so far."""
        found = _NEXT.search(self._text, self._place)
        held = None if is_all else _BEGUN.search(self._text, max(self._place, len(self._text) - 60))
        if found is None or (held is not None and held.start() < found.start()):
            self._place = held.start() if held is not None else len(self._text)
            return False
        if found[1]:
            # A fence ends by its own mark only: what is quoted in it may say anything.
            self._closing = re.compile(rf"</{found[1]}\s*{re.escape(found[2].strip())}\s*>", re.IGNORECASE)
            self._place = found.end()
        elif self._is_quoted(found.start()):
            self._place = found.end()
        else:
            self._object = _Object(found.start())
        return True

    def _is_quoted(self, place: int) -> bool:
        """Whether the line of this place is a quotation in Markdown."""
        line = self._text.rfind("\n", 0, place) + 1
        return self._text[line : min(place, line + 20)].lstrip(" \t").startswith(">")

    def _step(self, object: _Object, *, is_all: bool) -> bool:
        """Go on in an object. False: it wants more text."""
        state = object.go_on(self._text, is_all=is_all)
        if state == "wait" and not is_all:
            return False
        self._object = None
        self._work += object.place - object.start + _PER_OBJECT
        if state != "end":
            self._place = object.start + 1
            return True
        value = _parsed(self._text[object.start : object.place])
        self._found += [Found(name, arguments, object.start, object.place) for name, arguments in _calls(value)]
        self._place = object.place
        return True


_State: TypeAlias = Literal["on", "wait", "end", "bad"]


class _Object:
    """A JSON object that may not be one: gone through once, and given up at the first sign that fits nowhere."""

    def __init__(self, start: int) -> None:
        self.start = self.place = start
        self._open: list[str] = []
        self._wants = "value"
        self._in_string = False

    def go_on(self, text: str, *, is_all: bool) -> _State:
        """`end`: `place` is behind its end. `bad`: it is no object. `wait`: more text is wanted."""
        state: _State = "on"
        while state == "on":
            state = self._string(text) if self._in_string else self._token(text, is_all=is_all)
            if self.place - self.start > LARGEST:
                self.place = self.start + LARGEST
                return "bad"
        return state

    def _string(self, text: str) -> _State:
        self.place = _end(_PLAIN, text, self.place)
        if self.place >= len(text):
            return "wait"
        if text[self.place] == "\\":
            if self.place + 1 >= len(text):
                return "wait"
            self.place += 2
            return "on"
        if text[self.place] != '"':
            return "bad"
        self._in_string = False
        self.place += 1
        self._wants = "colon" if self._wants in ("key", "key or end") else "next"
        return "on"

    def _token(self, text: str, *, is_all: bool) -> _State:
        self.place = _end(_SPACE, text, self.place)
        if self.place >= len(text):
            return "wait"
        char = text[self.place]
        if char == '"' and self._wants not in ("colon", "next"):
            self._in_string = True
        elif char in "{[" and self._wants in ("value", "value or end"):
            self._open.append(char)
            self._wants = "key or end" if char == "{" else "value or end"
            if len(self._open) > DEEPEST:
                return "bad"
        elif char in "}]" and self._wants in ("next", "key or end", "value or end"):
            if self._open.pop() + char not in ("{}", "[]"):
                return "bad"
            self._wants = "next"
        elif char == ":" and self._wants == "colon":
            self._wants = "value"
        elif char == "," and self._wants == "next":
            self._wants = "key" if self._open[-1] == "{" else "value"
        elif self._wants in ("value", "value or end"):
            return self._scalar(text, is_all=is_all)
        else:
            return "bad"
        self.place += 1
        return "on" if self._open else "end"

    def _scalar(self, text: str, *, is_all: bool) -> _State:
        end = _end(_SCALAR, text, self.place)
        if end >= len(text) and not is_all and end - self.place <= _LONGEST_SCALAR:
            return "wait"
        if end - self.place > _LONGEST_SCALAR or not _SCALARS.fullmatch(text, self.place, end):
            return "bad"
        self.place, self._wants = end, "next"
        return "on"


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Where a pattern that may match nothing ends."""
    match = pattern.match(text, place)
    return match.end() if match else place


def calls(text: str) -> Sequence[Found]:
    """The calls of a whole reply."""
    scanner = Scanner()
    scanner.feed(text)
    return scanner.end(whole=True)


def _parsed(text: str) -> Any:
    """The object, or None: with a key twice, or a number that is none, it says two things or nothing."""
    try:
        return json.loads(text, strict=False, object_pairs_hook=_once, parse_constant=_none)
    except (ValueError, RecursionError):
        return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice")
    return made


def _none(text: str) -> Any:
    raise ValueError(text)


def _calls(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The call that an object is, or the calls that it wraps."""
    if not isinstance(value, Mapping) or depth > 2:
        return
    names = [value[key] for key in _NAMES if isinstance(value.get(key), str)]
    arguments = [value[key] for key in _ARGUMENTS if key in value]
    if len(names) == 1 and len(arguments) == 1:
        yield names[0], arguments[0]
    elif not names and not arguments:
        for key in _WRAPPERS:
            inner = value.get(key)
            for each in inner if isinstance(inner, list) else [inner]:
                yield from _calls(each, depth + 1)
