"""A run as the command line shows it: a JSON document, or lines."""

from __future__ import annotations

from typing import Any

from ..engine.cards import Card
from ..engine.jobs import JobView
from ..service.runs import Snapshot
from ..text import counted, one_line, size
from . import output

MARKS = {
    "pending": "·", "active": "▸", "editing": "▸", "running": "⏵", "waiting": "?", "failed": "✗", "stale": "~",
    "skipped": "–", "done": "✓", "not_applicable": " ", "broken": "!",
}  # fmt: skip


CANCELLED = "⊘"


def state(snapshot: Snapshot) -> str:
    """Where a run stands: the state of its current card, `complete` before Finalize, `cancelled`, or `locked`."""
    if snapshot.locked:
        return "locked"
    current = snapshot.current
    if _is_cancelled(current):
        return "cancelled"
    return "complete" if current.id == "finalize" else current.state


def _is_cancelled(card: Card) -> bool:
    """To the engine it has failed; people asked for it."""
    return card.state == "failed" and card.job is not None and card.job.state == "cancelled"


def as_json(snapshot: Snapshot) -> dict[str, Any]:
    row, current = snapshot.row, snapshot.current
    where = state(snapshot)
    return {
        "id": row.id,
        "key": snapshot.key,
        "profile": row.profile,
        "app_name": row.app_name,
        "part": row.part,
        "version": row.version,
        "state": where,
        "next": None if where in ("complete", "locked") else _card(current),
        "record": row.record,
        "cards": [_card(card) for card in snapshot.cards],
        "artifacts": [
            {
                "name": artifact.name,
                "path": str(snapshot.folder / artifact.name),
                "step": artifact.step,
                "size": artifact.size,
                "rows": artifact.rows,
                "sha256": artifact.sha256,
            }
            for artifact in snapshot.artifacts
        ],
    }


def _card(card: Card) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": card.id,
        "done": card.step.done,
        "show": card.step.show,
        "state": card.state,
        "summary": card.summary,
        "reason": card.reason,
    }
    if card.is_open and card.field is not None:
        shown["accepts"] = card.field.accepts
    if card.job is not None:
        shown["job"] = _job(card.job)
    return shown


def _job(job: JobView) -> dict[str, Any]:
    question = job.question
    return {
        "id": job.id,
        "state": job.state,
        "done": job.progress.done,
        "total": job.progress.total,
        "text": job.progress.text,
        "error": job.error,
        "question": question and {"name": question.name, "why": question.why, "accepts": question.field.accepts},
    }


def show(snapshot: Snapshot) -> None:
    """The cards and artifacts as lines on stdout."""
    output.line(f"{snapshot.key}  {state(snapshot)}")
    wide = max(output.width(card.step.show) for card in snapshot.cards)
    for card in snapshot.cards:
        label = card.step.show + " " * (wide - output.width(card.step.show))
        said = card.summary or card.reason or (progress(card.job) if card.job else "")
        mark = CANCELLED if _is_cancelled(card) else MARKS[card.state]
        output.line(one_line(f"{card.number:>3} {mark} {label}  {said}", 300).rstrip())
    for artifact in snapshot.artifacts:
        rows = "" if artifact.rows is None else f", {counted(artifact.rows, 'row')}"
        output.line(f"    {snapshot.folder / artifact.name}  ({size(artifact.size)}{rows})")


def progress(job: JobView) -> str:
    """How far a job is, in one line."""
    done, total = job.progress.done, job.progress.total
    share = f"{100 * done / total:.0f} %" if total else ""
    return " ".join(part for part in (job.state, share, job.progress.text) if part)
