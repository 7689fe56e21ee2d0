"""A proposal as a card: what would be done, what it changes, and how it stands. Rows alone; it decides nothing.

All of it comes from a model: it can be as long as it likes and say what it likes, but no line of it is left out
without its number, and it stands behind a margin that nothing else has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..engine.messages import Proposal, ProposalState
from ..text import count, displayable, one_line
from .marks import has_unicode
from .spans import Row, Span, cells, shortened, spread, wrap

LONGEST_VALUE = 240
"""Characters of a value, and of a line of what changes, that are shown unless the card is unfolded."""

MOST_LINES = 12
MOST_ARGUMENTS = 40

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
    if state == "open" or whole:
        rows += _call(proposal, width, whole)
        rows += _change(proposal, width, whole)
    if state == "open":
        hints = f"{keys['approve']} approves · {keys['reject']} rejects · stands for {_left(proposal.expires - now)}"
        rows += wrap((Span(hints, "muted"),), width)
    elif said := one_line(proposal.result or _SAID.get(state, ""), WHOLE_VALUE if whole else LONGEST_VALUE):
        rows += wrap((Span(said, "muted" if mark.look == "good" else mark.look),), width)
    return rows


def _left(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def _call(proposal: Proposal, width: int, whole: bool) -> Iterator[Row]:
    """The action, and each of its arguments."""
    yield from wrap((Span(one_line(proposal.action, LONGEST_VALUE), "muted"),), width)
    try:
        arguments: Any = json.loads(proposal.arguments)
    except ValueError:
        arguments = proposal.arguments
    if not isinstance(arguments, dict):
        arguments = {"": arguments}
    room = WHOLE_VALUE if whole else LONGEST_VALUE
    shown = list(arguments.items())[: None if whole else MOST_ARGUMENTS]
    for name, value in shown:
        text = shortened(one_line(_value(value)), room)
        yield from _hanging((Span(f"{one_line(name, 80)}: ", "muted"), Span(text)), width)
    if more := len(arguments) - len(shown):
        yield (Span(f"  … {count(more)} more arguments", "warning"),)


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


def _change(proposal: Proposal, width: int, whole: bool) -> Iterator[Row]:
    """What was, and what would be."""
    minus = "−" if has_unicode() else "-"
    for text, sign, look in ((proposal.before, minus, "deleted"), (proposal.after, "+", "inserted")):
        lines = displayable(text).expandtabs(4).split("\n") if text else []
        most = WHOLE_LINES if whole else MOST_LINES
        half = len(lines) if len(lines) <= most else most // 2
        for line in lines[:half]:
            yield from _hanging((Span(f"{sign} ", look), Span(shortened(line, LONGEST_VALUE), look)), width)
        if len(lines) > most:
            yield (Span(f"  … {count(len(lines) - 2 * half)} more lines", "warning"),)
            for line in lines[-half:]:
                yield from _hanging((Span(f"{sign} ", look), Span(shortened(line, LONGEST_VALUE), look)), width)


def _hanging(spans: tuple[Span, ...], width: int) -> Iterator[Row]:
    """Further lines stand two cells in."""
    for number, row in enumerate(wrap(spans, width - 2)):
        yield (Span("  "), *row) if number else row
