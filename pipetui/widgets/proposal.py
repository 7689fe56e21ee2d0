"""A proposal as a card: what would be done, what it changes, and how it stands. Rows alone; it decides nothing.

All of it comes from a model: it can be as long as it likes and say what it likes, but no line of it is left out
without its number, and it stands behind a margin that nothing else has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from ..engine.messages import Proposal, ProposalState
from ..text import count, displayable, one_line
from .marks import fold_sign, has_unicode
from .spans import Row, Span, cells, fitted, shortened, spread, wrap

LONGEST_VALUE = 240
"""Characters of a value, and of a line of what changes, that are shown unless the card is unfolded."""

MOST_LINES = 12
MOST_ARGUMENTS = 40

MOST_COMPARED = 10_000
"""Lines before times lines after; of more than that all are shown as changed."""

WHOLE_VALUE, WHOLE_LINES = 16_000, 400
"""What is shown of them at most, unfolded."""


class Mark(NamedTuple):
    sign: str
    ascii: str
    word: str
    look: str


MARKS: Mapping[ProposalState, Mark] = {
    "open": Mark("?", "?", "to decide", "warning"),
    "approved": Mark("●", "*", "being done", "primary"),
    "rejected": Mark("–", "-", "rejected", "muted"),
    "expired": Mark("–", "-", "expired", "muted"),
    "refused": Mark("!", "!", "refused", "error"),
    "done": Mark("✓", "+", "done", "good"),
    "failed": Mark("✗", "x", "failed", "error"),
}

_SAID: Mapping[ProposalState, str] = {
    "approved": "It is being carried out.",
    "rejected": "Nothing was done.",
    "expired": "Nobody decided in time. Nothing was done.",
}


def state_of(proposal: Proposal, now: float) -> ProposalState:
    """The state as of `now`: nobody may approve what is overdue, even if it isn't put away yet."""
    return "expired" if proposal.state == "open" and proposal.expires <= now else proposal.state


def card_rows(proposal: Proposal, width: int, now: float, *, keys: Mapping[str, str], whole: bool = False) -> list[Row]:
    """The rows of a card. `keys` are what `approve`, `reject` and `unfold` are called; with `whole` nothing is cut."""
    state = state_of(proposal, now)
    mark = MARKS[state]
    head = Span(f"{mark.sign if has_unicode() else mark.ascii} ", mark.look)
    title = one_line(proposal.title, LONGEST_VALUE) or proposal.action
    badge = (Span(mark.word, mark.look),)
    if cells((head, Span(title))) + cells(badge) + 1 <= width:
        rows = [spread((head, Span(title, "strong")), badge, width)]
    else:
        rows = [*wrap((head, Span(title, "strong")), width), badge]
    change = _Change(proposal)
    arguments = _arguments(proposal)
    if state == "open" or whole:
        rows += change.rows(width, whole)
        rows += _call(proposal.action, arguments, "" if whole else f"{title}\n\n{change.said}", width, whole)
    elif was := change.gist or next((f"{name}: {_value(value)}" for name, value in arguments.items()), ""):
        rows.append(fitted((Span(one_line(was, LONGEST_VALUE), "muted"),), width))
    if state == "open":
        hints = f"{keys['approve']} approves · {keys['reject']} rejects · stands for {_left(proposal.expires - now)}"
        rows += wrap((Span(hints, "muted"),), width)
    elif said := one_line(proposal.result or _SAID.get(state, ""), WHOLE_VALUE if whole else LONGEST_VALUE):
        rows += wrap((Span(said, "muted" if mark.look == "good" else mark.look),), width)
    return rows


def _left(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _arguments(proposal: Proposal) -> Mapping[str, Any]:
    """They come from a model: what is no object is shown as one without a name."""
    try:
        arguments: Any = json.loads(proposal.arguments)
    except ValueError:
        arguments = proposal.arguments
    return arguments if isinstance(arguments, dict) else {"": arguments}


def _call(action: str, arguments: Mapping[str, Any], said: str, width: int, whole: bool) -> Iterator[Row]:
    """The action, and each of its arguments that does not stand in `said` word for word."""
    many = f"{count(len(arguments))} argument{'s' * (len(arguments) != 1)}"
    yield from wrap((Span(f"{fold_sign(whole)} {one_line(action, LONGEST_VALUE)} · {many}", "muted"),), width)
    room = WHOLE_VALUE if whole else LONGEST_VALUE
    unsaid = [(name, value) for name, value in arguments.items() if not _stands_in(said, value)]
    shown = unsaid[: None if whole else MOST_ARGUMENTS]
    for name, value in shown:
        text = shortened(one_line(_value(value)), room)
        label = f"{one_line(name, 80)}: " if name else ""
        yield from _hanging((Span(f"  {label}", "muted"), Span(text)), width)
    if more := len(unsaid) - len(shown):
        yield (Span(f"  … {count(more)} more arguments", "warning"),)


def _stands_in(said: str, value: Any) -> bool:
    """Whether a text or a number is there as words of its own: `7` is not in `17`."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = displayable(str(value))
    return bool(text.strip()) and re.search(rf"(?<!\w){re.escape(text)}(?!\w)", said) is not None


def _value(value: Any) -> str:
    """A value as JSON, but texts without quotes where nobody takes them for something else."""
    if isinstance(value, str):
        if value != value.strip() or not value:
            return json.dumps(value, ensure_ascii=False)
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value, ensure_ascii=False)


class _Change:
    """What was, and what would be: lines that are the same on both sides are counted, not shown."""

    def __init__(self, proposal: Proposal) -> None:
        self._before, self._after = _lines(proposal.before), _lines(proposal.after)
        self._gone, self._new = _differing(self._before, self._after)

    @property
    def gist(self) -> str:
        """Its first line, the new state before the old one."""
        minus = "−" if has_unicode() else "-"
        return next((f"{sign} {lines[0]}" for sign, lines in (("+", self._new), (minus, self._gone)) if lines), "")

    @property
    def said(self) -> str:
        """All that `rows` shows where nothing is unfolded."""
        return "\n\n".join(
            "\n".join(shortened(line, LONGEST_VALUE) if line is not None else "\n" for line in _some(lines, MOST_LINES))
            for lines in (self._gone, self._new)
        )

    def rows(self, width: int, whole: bool) -> Iterator[Row]:
        minus = "−" if has_unicode() else "-"
        sides = (self._before, self._after) if whole else (self._gone, self._new)
        for lines, sign, look in zip(sides, (minus, "+"), ("deleted", "inserted"), strict=True):
            most = WHOLE_LINES if whole else MOST_LINES
            for line in _some(lines, most):
                if line is None:
                    yield (Span(f"  … {count(len(lines) - 2 * (most // 2))} more lines", "warning"),)
                else:
                    yield from _hanging((Span(f"{sign} ", look), Span(shortened(line, LONGEST_VALUE), look)), width)
        if same := 0 if whole else len(self._after) - len(self._new):
            yield (Span(f"  {count(same)} unchanged line{'s' * (same != 1)}", "muted"),)


def _lines(text: str) -> list[str]:
    return displayable(text).expandtabs(4).split("\n") if text else []


def _some(lines: list[str], most: int) -> list[str | None]:
    """At most so many lines; None where others are left out."""
    half = most // 2
    return [*lines] if len(lines) <= most else [*lines[:half], None, *lines[-half:]]


def _differing(before: list[str], after: list[str]) -> tuple[list[str], list[str]]:
    """The lines of each side that the other doesn't have in its order."""
    first = next((n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    if first is None:
        first = min(len(before), len(after))
    before, after = before[first:], after[first:]
    if len(before) * len(after) > MOST_COMPARED:
        return before, after
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    return (
        [line for _, begin, end, _, _ in changed for line in before[begin:end]],
        [line for _, _, _, begin, end in changed for line in after[begin:end]],
    )


def _hanging(spans: tuple[Span, ...], width: int) -> Iterator[Row]:
    """Further lines stand two cells in."""
    for number, row in enumerate(wrap(spans, width - 2)):
        yield (Span("  "), *row) if number else row
