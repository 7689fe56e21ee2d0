"""How states look: one table. Every mark is one cell wide and comes with an ASCII twin, every state with a word."""

from __future__ import annotations

import locale
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .plain import FAINT, MUTED

if TYPE_CHECKING:
    from ..engine.cards import State


@dataclass(frozen=True)
class Look:
    """`word` is empty where the mark says enough; `colour` is a theme variable."""

    mark: str
    ascii: str
    word: str
    colour: str


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

LOCKED = Look("■", "#", "locked", MUTED)


@dataclass(frozen=True)
class Marks:
    """What the terminal can show: the marks of the states, and the parts of a progress bar, from empty to full."""

    states: Mapping[State, str]
    locked: str
    bar: str
    yes: str
    no: str
    separator: str


@cache
def marks(unicode: bool) -> Marks:
    """The marks for a terminal with Unicode, or without."""
    if unicode:
        return Marks({state: look.mark for state, look in LOOKS.items()}, LOCKED.mark, " ▏▎▍▌▋▊▉█", "●", "○", "›")
    return Marks({state: look.ascii for state, look in LOOKS.items()}, LOCKED.ascii, ".#", "x", "-", ">")


@cache
def has_unicode() -> bool:
    """Whether the locale's encoding is a Unicode one."""
    return locale.getpreferredencoding(False).lower().replace("-", "").startswith("utf")
