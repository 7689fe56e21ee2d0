"""How states look: one table. Every mark is one cell wide and comes with an ASCII twin, every state with a word."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from .plain import FAINT, MUTED

if TYPE_CHECKING:
    from ..engine.cards import Card, State
    from ..engine.jobs import JobState


@dataclass(frozen=True)
class Look:
    """`word` is empty where the mark says enough; `colour` is a theme variable."""

    mark: str
    ascii: str
    word: str
    colour: str

    @property
    def drawn(self) -> str:
        """The mark, as this terminal can show it."""
        return self.mark if has_unicode() else self.ascii


LOOKS: Mapping[State, Look] = {
    "pending": Look("○", ".", "", FAINT),
    "active": Look("▸", ">", "", "$text-accent"),
    "editing": Look("✎", "e", "editing", "$text-accent"),
    "running": Look("●", "*", "running", "$text-primary"),
    "waiting": Look("?", "?", "asks you", "$text-warning"),
    "failed": Look("✗", "x", "failed", "$text-error"),
    "stale": Look("~", "~", "to confirm", "$text-warning"),
    "skipped": Look("⤼", "/", "skipped", MUTED),
    "done": Look("✓", "+", "", "$text-success"),
    "not_applicable": Look("–", "-", "does not apply", FAINT),
    "broken": Look("!", "!", "broken", "$text-error"),
}

JOBS: Mapping[JobState, Look] = {
    "queued": replace(LOOKS["running"], word="queued"),
    "running": LOOKS["running"],
    "waiting": LOOKS["waiting"],
    "done": replace(LOOKS["done"], word="done"),
    "failed": LOOKS["failed"],
    "cancelled": Look("⊘", "c", "cancelled", MUTED),
    "parked": replace(LOOKS["failed"], word="parked"),
}
"""How jobs look in lists."""

LOCKED = Look("■", "#", "locked", MUTED)


def look_of(card: Card) -> Look:
    """How a card looks. To the engine a job that was cancelled or parked has failed: people read what it was."""
    if card.state == "failed" and card.job is not None and card.job.state in ("cancelled", "parked"):
        return JOBS[card.job.state]
    return LOOKS[card.state]


@dataclass(frozen=True)
class Marks:
    """What else the terminal can show. `bar`: the parts of a progress bar, from empty to full."""

    bar: str
    yes: str
    no: str
    separator: str


@cache
def marks(unicode: bool) -> Marks:
    """Those for a terminal with Unicode, or without."""
    if unicode:
        return Marks(" ▏▎▍▌▋▊▉█", "●", "○", "›")
    return Marks(".#", "x", "-", ">")


@cache
def has_unicode() -> bool:
    """Whether the locale's encoding is a Unicode one."""
    return locale.getpreferredencoding(False).lower().replace("-", "").startswith("utf")


def fold_sign(unfolded: bool) -> str:
    """Before what Enter unfolds, or folds."""
    if has_unicode():
        return "▾" if unfolded else "▸"
    return "v" if unfolded else ">"
