"""The key of a run for people: `profile-APP_NAME-part`. Composed and compared, never taken apart."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 60


def compose(profile: str, app_name: str, part: str) -> str:
    return f"{profile}-{app_name}-{part}"


def normalized(part: str) -> str:
    """A part as it is stored: trimmed, digits padded to two. ValueError with the reason when it can't be one."""
    part = " ".join(part.split())
    if not part:
        raise ValueError("The key must not be empty.")
    if len(part) > LONGEST:
        raise ValueError(f"The key may have {LONGEST} characters at most; this one has {len(part)}.")
    if not part.isprintable():
        raise ValueError("The key must not have control or invisible characters.")
    return part.zfill(2) if part.isascii() and part.isdigit() else part


def part_of(text: str, profile: str, app_name: str) -> str:
    """The part that a person means who typed a part or a whole key of this profile and workflow."""
    prefix = compose(profile, app_name, "")
    return normalized(text[len(prefix) :] if text.startswith(prefix) and len(text) > len(prefix) else text)


def next_part(taken: Iterable[str]) -> str:
    """The part that is proposed for a new run: the number after the highest one."""
    numbers = [int(part) for part in taken if part.isascii() and part.isdigit() and len(part) < LONGEST]
    return normalized(str(max(numbers, default=0) + 1))
