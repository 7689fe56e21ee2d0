"""How runs and jobs look in lists: a mark, a key, a word, an age."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.content import Content

from ..engine import keys
from ..store.runs import RunLine
from ..text import ago
from ..widgets.marks import JOBS, LOCKED, LOOKS, Look
from ..widgets.plain import MUTED, fitted, line

if TYPE_CHECKING:
    from ..engine.jobs import JobState
    from ..engine.workflow import Workflow


def column(content: Content, width: int) -> Content:
    """`content` in exactly `width` cells."""
    content = fitted(content, width)
    return Content.assemble(content, " " * (width - content.cell_length))


def widest(contents: Iterable[Content], most: int) -> int:
    """The cells that a column needs for all of these, `most` at most."""
    return min(most, max((content.cell_length for content in contents), default=0))


def mark(look: Look) -> Content:
    return line(look.drawn, look.colour)


def job_mark(state: JobState) -> Content:
    return mark(JOBS[state])


def job_word(state: JobState) -> Content:
    return line(JOBS[state].word, JOBS[state].colour)


def run_key(run: RunLine) -> str:
    return keys.compose(run.profile, run.app_name, run.part)


def run_mark(run: RunLine) -> Content:
    if run.next_step == "locked":
        return mark(LOCKED)
    if run.job:
        return job_mark(_job_state(run.job))
    return mark(LOOKS["done" if run.next_step == "finalize" else "active"])


def run_status(run: RunLine, workflow: type[Workflow] | None) -> Content:
    """Where a run stands: its job, or its next step."""
    if run.next_step == "locked":
        return line(LOCKED.word, LOCKED.colour)
    label = _label(run.next_step, workflow)
    if run.job:
        return Content.assemble(job_word(_job_state(run.job)), " ", line(f"· {label}", MUTED))
    if run.next_step == "finalize":
        return line("complete, not finalized", "$success")
    return line(f"next: {label}", MUTED)


def age(at: float) -> Content:
    return line(ago(time.time() - at), MUTED)


def column_right(content: Content, width: int) -> Content:
    return Content.assemble(" " * max(0, width - content.cell_length), content)


def _job_state(text: str) -> JobState:
    return next((state for state in JOBS if state == text), "failed")


def _label(step: str, workflow: type[Workflow] | None) -> str:
    if workflow is None:
        return step
    body = workflow.body()
    return next((known.show or known.id for known in body if known.id == (step or body[0].id)), step)
