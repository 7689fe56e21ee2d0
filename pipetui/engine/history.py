"""The history of a run in words: its events, and the ends of jobs that left no result. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .cards import Card
from .fields import summarize
from .jobs import CANCELLED, OVER, JobView
from .record import INPUT, JOB, SKIPPED, TARGET
from .transitions import Event

_WORDS = {
    "create": "was begun",
    "submit": "was submitted",
    "confirm": "was confirmed",
    "complete": "was completed",
    "revert": "was opened again",
    "skip": "was skipped",
    "finalize": "was finalized",
    "unfinalize": "was unlocked",
    "undo": "was taken back",
    "import": "was imported",
}
_ENDS = {"failed": "failed", "cancelled": "was cancelled", "parked": "was parked"}
_ACTORS = {"user": "", "auto": "by itself", "job": "by its job", "model": "by the model"}


@dataclass(frozen=True)
class Told:
    """`seq` is None for the end of a job, which is no event; `at` is ISO 8601; `said` the answer, or why."""

    seq: int | None
    at: str
    what: str
    said: str


def told(
    cards: Iterable[Card],
    events: Iterable[Event],
    jobs: Iterable[JobView],
    value_of: Callable[[Any], Any] = lambda stored: stored,
) -> list[Told]:
    """What happened, in order. Without `cards` the steps are named by their ids. `value_of` what a stored value is."""
    known = {card.id: card for card in cards}
    ends = [job for job in jobs if job.state in OVER - {"done"} and job.ended is not None]
    return list(
        heapq.merge(
            [_event(event, known.get(event.step or ""), value_of) for event in events],
            sorted((_end(job, known.get(job.step)) for job in ends), key=_at),
            key=_at,
        )
    )


def _at(line: Told) -> datetime:
    return datetime.fromisoformat(line.at)


def _event(event: Event, card: Card | None, value_of: Callable[[Any], Any]) -> Told:
    label = card.step.show if card else event.step or "The run"
    is_edit_left = event.kind == "undo" and TARGET in event.change.forward.drop
    word = "was given back" if is_edit_left else _WORDS.get(event.kind, event.kind)
    if event.kind == "submit" and card is not None and card.has_job and card.field is None:
        word = "was started"
    what = f"{label} {word} {_ACTORS.get(event.actor, event.actor)}".rstrip()
    return Told(event.seq, event.at, what, _said(event, card, value_of))


def _said(event: Event, card: Card | None, value_of: Callable[[Any], Any]) -> str:
    """What was answered, in short, as its card says it; of a skip the reason."""
    put = event.change.forward.set
    if event.kind == "skip":
        return str(put.get(SKIPPED, {}).get(event.step, ""))
    part = put.get(event.step or "")
    if event.kind not in ("submit", "complete", "import") or not isinstance(part, Mapping):
        return ""
    result = {name: value for name, value in part.items() if name not in (INPUT, JOB)}
    if result and (INPUT in part or card is None or card.has_job):
        return summarize(value_of(next(iter(result.values()))))
    given = next(iter(result.values()), part.get(INPUT))
    if given is None:
        return ""
    return card.field.summary(value_of(given)) if card and card.field else summarize(value_of(given))


def _end(job: JobView, card: Card | None) -> Told:
    at = datetime.fromtimestamp(job.ended or 0, UTC).isoformat(timespec="seconds")
    label = card.step.show if card else job.step
    return Told(None, at, f"{label} {_ENDS[job.state]}", "" if job.error == CANCELLED else job.error)
