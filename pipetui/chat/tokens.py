"""How many tokens a text takes: estimated by its size, corrected by what the server counted. Pure.

The size of a text is its bytes in UTF-8, signs and digits counted twice: tokens of prose, JSON, addresses and other
scripts are then of much the same size, whatever the model.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import ceil

DEFAULT = 3.3
"""Size of a token of a model that was never asked: rather too small."""

SMALLEST, LARGEST = 1.0, 6.0
"""Between these a measured size is believed; a server that counts only what its cache had not yet would say more."""

FEWEST = 200
"""Tokens of a prompt that tell anything: in a shorter one the template weighs too much."""

PER_MESSAGE = 8
"""Tokens that a model's template puts around a message."""

_WORDS = re.compile(r"[A-Za-z\s\x80-\U0010ffff]+")


def size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass")) + len(_WORDS.sub("", text))


def count(text: str, per_token: float) -> int:
    """The tokens of a text, where a token has the size `per_token`."""
    return ceil(size(text) / per_token)


def calibrate(old: float, sent: int, tokens: int) -> float:
    """The size of a token, after a prompt of the size `sent` (`Request.size`) took so many tokens.

    A smaller one is believed at once, since too long a prompt loses its beginning; a larger one little by little.
    """
    if tokens < FEWEST or not SMALLEST <= (measured := sent / tokens) <= LARGEST:
        return old
    return measured if measured < old else old + (measured - old) / 4


def fit(text: str, tokens: int, per_token: float, *, keep_end: bool = False) -> str:
    """`text` in at most so many tokens: what doesn't fit is replaced by a mark, at the end or else in the middle."""
    if count(text, per_token) <= tokens:
        return text

    def cut(kept: int) -> str:
        head = kept * 2 // 3 if keep_end else kept
        end = text[len(text) - kept + head :] if keep_end else ""
        return f"{text[:head].rstrip()}\n… ({len(text) - kept:,} characters left out)\n{end.lstrip()}".rstrip()

    kept = _most(len(text) - 1, lambda kept: count(cut(kept), per_token) <= tokens)
    if kept is None:
        return "…" if count("…", per_token) <= tokens else ""
    return cut(kept)


def _most(most: int, fits: Callable[[int], bool]) -> int | None:
    """The largest number up to `most` that fits, found by halving; None when not even 0 does."""
    low, high = -1, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return None if low < 0 else low
