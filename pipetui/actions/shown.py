"""What an action shows: values in lines for people, and results cut to what a model should be given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..engine.values import encode
from ..text import count, one_line

LONGEST_RESULT = 6_000
"""Characters of JSON that an action returns."""

LONGEST_TEXT = 20_000
"""Characters of the text that people are given to read."""

LONGEST_LINE = 200
MOST_LINES = 12
"""Of one value in what an effect shows. The middle is left out: the end of a long value is as telling as its start."""


def fitted(result: Any, longest: int = LONGEST_RESULT) -> Any:
    """`result` with its long texts and lists cut until it has at most `longest` characters of JSON."""
    for text, items in ((2_000, 100), (500, 60), (200, 30), (100, 15), (60, 8), (40, 4), (20, 2)):
        pruned = _pruned(result, text, items, 6)
        if len(encode(pruned)) <= longest:
            return pruned
    return one_line(encode(result), longest // 6)


def cut(text: str, longest: int) -> str:
    """A text of at most so many characters, and how many more there are."""
    return text if len(text) <= longest else f"{text[:longest]}… ({count(len(text) - longest)} more characters)"


def _pruned(value: Any, text: int, items: int, levels: int) -> Any:
    match value:
        case str():
            return cut(value, text)
        case list() | dict() if not levels:
            return "…"
        case list():
            kept = [_pruned(item, text, items, levels - 1) for item in value[:items]]
            return kept if len(value) <= items else [*kept, f"… ({count(len(value) - items)} more)"]
        case dict():
            some = {name[:text]: _pruned(item, text, items, levels - 1) for name, item in list(value.items())[:items]}
            return some if len(value) <= items else {**some, "…": f"{count(len(value) - items)} more"}
    return value


def shown(value: Any) -> list[str]:
    """A value in at most `MOST_LINES` lines."""
    lines = [one_line(line, LONGEST_LINE) for line in _lines(value)]
    if len(lines) <= MOST_LINES:
        return lines or [""]
    head, tail = MOST_LINES // 2, MOST_LINES - MOST_LINES // 2 - 1
    return [*lines[:head], f"… ({count(len(lines) - head - tail)} more lines)", *lines[-tail:]]


def labelled(label: str, value: Any) -> str:
    """`label: value`, in lines below it where there are several."""
    lines = shown(value)
    label = one_line(label, 60)
    return f"{label}: {lines[0]}" if len(lines) == 1 else "\n".join([f"{label}:", *(f"  {line}" for line in lines)])


def _lines(value: Any) -> Iterator[str]:
    match value:
        case None:
            yield "nothing"
        case bool():
            yield "yes" if value else "no"
        case str():
            yield from value.splitlines() or [""]
        case list():
            for item in value:
                yield from _lines(item) if isinstance(item, str) else [encode(item)]
        case dict():
            for name, item in value.items():
                yield f"{name}: {item if isinstance(item, str) else encode(item)}"
        case _:
            yield encode(value)
