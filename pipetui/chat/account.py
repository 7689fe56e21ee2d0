"""A compact account of a run for the model: cards, values, jobs, files by name and shape. Pure; never a file's content.

What it says comes in part from outside: `context` puts it between data fences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..engine.cards import Card
from ..engine.fields import Field, Group, summarize
from ..engine.jobs import JobView
from ..engine.pickers import Secret
from ..text import count, counted, one_line, size
from .request import written

if TYPE_CHECKING:
    from ..service.runs import Snapshot
    from ..store.artifacts import ArtifactRow

LONGEST_VALUE = 400
"""Characters of a value."""

MOST_FILES = 30
MOST_ITEMS = 5
"""Items of a list that are told; of the others only how many there are."""


def of_run(snapshot: Snapshot) -> str:
    """The whole account, the most important first: what is open, then the cards, then the files."""
    state = "locked" if snapshot.locked else f"open at {_where(snapshot.current)}"
    lines = [f"Run {one_line(snapshot.key, 120)}: {state}."]
    lines += [of_card(card, snapshot.row.record) for card in snapshot.cards]
    lines += _files(snapshot.artifacts)
    return "\n".join(lines)


def of_card(card: Card, record: Mapping[str, Any]) -> str:
    """One card in a few lines: also what "send this card to the chat" sends."""
    said = (
        f"{card.number}. {card.id} ({card.step.done}) {one_line(card.step.show, 80)!r}: {card.state.replace('_', ' ')}"
    )
    part = record.get(card.id)
    if isinstance(part, Mapping) and card.step.done in part and card.id != "finalize":
        said += f"; value: {_value(part[card.step.done], card)}"
    if card.is_open:
        said += f"; takes {one_line(card.field.accepts, 200)}" if card.field is not None else ""
        if card.prefill not in (None, "", []) and not _has_secret(card.field):
            said += f"; suggested: {_shortened(card.prefill)}"
    if card.reason:
        said += f"; {one_line(card.reason, 200)}"
    if card.job is not None:
        said += "".join(f"\n   {line}" for line in _job(card.job))
    return said + "".join(f"\n   problem: {one_line(problem, 200)}" for problem in card.problems)


def _where(card: Card) -> str:
    return f"{card.id} {one_line(card.step.show, 80)!r}"


def _value(value: Any, card: Card) -> str:
    if _has_secret(card.field) or (isinstance(value, Mapping) and "secret" in value):
        return "kept apart, never shown"
    if isinstance(value, Mapping) and "_artifact" in value:  # too large for the record
        return one_line(card.summary, LONGEST_VALUE) or "a large value"
    return _shortened(value)


def _shortened(value: Any) -> str:
    if isinstance(value, list) and len(value) > MOST_ITEMS:
        shown = written(value[:MOST_ITEMS])
        return f"{one_line(shown[:-1], LONGEST_VALUE)}, … {count(len(value))} items]"
    text = written(value)
    return (
        one_line(text, LONGEST_VALUE) if len(text) <= LONGEST_VALUE * 4 else one_line(summarize(value), LONGEST_VALUE)
    )


def _has_secret(field: Field | None) -> bool:
    if isinstance(field, Group):
        return any(map(_has_secret, field.members.values()))
    return isinstance(field, Secret)


def _job(job: JobView) -> Iterator[str]:
    progress = job.progress
    far = f" {count(int(progress.done))}" + (f" of {count(int(progress.total))}" if progress.total else "")
    text = f" {one_line(progress.text, 160)}" if progress.text else ""
    yield f"job: {job.state}{far if progress.done or progress.total else ''}{text}"
    if job.error:
        yield f"error: {one_line(job.error, 300)}"
    if job.question is not None:
        yield f"asks: {one_line(job.question.why, 200)}; takes {one_line(job.question.field.accepts, 120)}"


def _files(artifacts: Any) -> list[str]:
    rows: list[ArtifactRow] = list(artifacts)
    if not rows:
        return []
    lines = [f"Files ({count(len(rows))}):"]
    for row in rows[:MOST_FILES]:
        shape = f", {counted(row.rows, 'row')}" if row.rows is not None else ""
        lines.append(f"- {one_line(row.name, 120)}: {size(row.size)}{shape}, of {row.step}")
    return lines + ([f"- … {count(len(rows) - MOST_FILES)} more"] if len(rows) > MOST_FILES else [])
