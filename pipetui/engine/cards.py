"""The cards of a run: what each step looks like now. Pure: the same record, jobs and facts make the same cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from . import record as records
from .fields import Field, summarize
from .jobs import UNDERWAY, JobView
from .record import INPUT, JOB, TARGET
from .transitions import is_pending, is_present, said_when_locked
from .workflow import Step, Workflow

State: TypeAlias = Literal[
    "pending", "active", "editing", "running", "waiting", "failed",
    "stale", "skipped", "done", "not_applicable", "broken",
]  # fmt: skip

OPEN: frozenset[State] = frozenset({"active", "editing", "stale"})
"""States in which the card takes an input."""

FINALIZE = Step("finalize", done="finalized", show="Finalize")


@dataclass(frozen=True)
class Facts:
    """What the workflow's code said about one step, asked by `service`."""

    applies: bool = True
    field: Field | None = None
    suggestion: Any = None
    summary: str | None = None
    broken: str = ""


@dataclass(frozen=True)
class Card:
    """One card, as any screen shows it."""

    step: Step
    number: int
    state: State
    locked: bool = False
    summary: str = ""
    field: Field | None = None
    prefill: Any = None
    reason: str = ""
    job: JobView | None = None
    has_job: bool = False
    can_revert: bool = False
    problems: Sequence[str] = ()  # of Finalize: asked apart, when the card is looked at

    @property
    def id(self) -> str:
        return self.step.id

    @property
    def is_open(self) -> bool:
        return self.state in OPEN and not self.locked


def cards(
    workflow: type[Workflow],
    record: Mapping[str, Any],
    jobs: Mapping[str, JobView],
    facts: Mapping[str, Facts],
    drafts: Mapping[str, Any],
) -> list[Card]:
    """All cards in order, Finalize at the end. `jobs` by job id, `facts` and `drafts` by step id."""
    locked = records.is_locked(record)
    result: list[Card] = []
    ended = False
    for number, step in enumerate(workflow.body(), 1):
        card = _card(workflow, step, number, record, jobs, facts.get(step.id, Facts()), drafts, ended)
        ended = ended or card.state not in ("done", "skipped", "not_applicable")
        result.append(card)
    state: State = "done" if locked else "pending" if ended else "active"
    summary = "This run is locked." if locked else ""
    result.append(Card(FINALIZE, len(result) + 1, state, locked, summary))
    return result


def _card(
    workflow: type[Workflow],
    step: Step,
    number: int,
    record: Mapping[str, Any],
    jobs: Mapping[str, JobView],
    facts: Facts,
    drafts: Mapping[str, Any],
    ended: bool,
) -> Card:
    """The first row of DESIGN.md's table that fits."""
    locked, has_job = records.is_locked(record), workflow.has_job(step)
    applies = said_when_locked(record).get(step.id, True) if locked else facts.applies
    part = record.get(step.id, {})
    field = facts.field or step.field
    job_id = part.get(JOB) if isinstance(part, Mapping) else None
    job = jobs.get(job_id) if isinstance(job_id, str) else None
    present = is_present(record, step)
    answered = present or step.id in records.skipped(record) or is_pending(record, step)

    def card(state: State, **more: Any) -> Card:
        can_revert = answered and not locked and state in ("done", "skipped", "running", "waiting", "failed")
        return Card(
            step, number, state, locked, field=field, job=job, has_job=has_job, can_revert=can_revert, **more
        )  # fmt: skip

    def opened(state: State, own: Any = None) -> Card:
        prefill = drafts.get(step.id)
        if prefill is None and field is not None:
            first = next((value for value in (own, facts.suggestion, field.default) if value is not None), None)
            prefill = field.editable(first)
        return card(state, prefill=prefill, summary=summary if present else "", reason=facts.broken)

    own = part.get(INPUT if has_job else step.done) if isinstance(part, Mapping) else None
    summary = _summary(step, field, part, facts, has_job) if present else ""
    if ended:
        return card("pending", summary=summary)
    if not applies:
        return card("not_applicable", reason="This step does not apply here.")
    if record.get(TARGET) == step.id:
        return opened("editing", own)
    if is_pending(record, step):
        return _pending(card, job)
    if step.id in records.stale(record):
        return opened("stale", own)
    if step.id in records.skipped(record):
        return card("skipped", reason=records.skipped(record)[step.id])
    if present:
        return card("done", summary=summary)
    if facts.broken:
        return card("broken", reason=facts.broken)
    return opened("active")


def _pending(card: Callable[..., Card], job: JobView | None) -> Card:
    if job is None:
        return card("failed", reason="The job's row is missing: revert this step to start it anew.")
    if job.state == "waiting" and (question := job.question) is not None:
        return card("waiting", reason=question.why, prefill=question.field.editable(question.field.default))
    if job.state in UNDERWAY or job.state == "done":
        return card("running")
    return card("failed", reason=job.error)


def _summary(step: Step, field: Field | None, part: Mapping[str, Any], facts: Facts, has_job: bool) -> str:
    if facts.summary is not None:
        return facts.summary
    value = part[step.done]
    return field.summary(value) if field is not None and not has_job else summarize(value)
