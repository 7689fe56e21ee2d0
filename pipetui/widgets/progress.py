"""The progress of a job, in one line where there is room: bar, amounts, rate, time left."""

from __future__ import annotations

import itertools
import math
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from textual.content import Content
from textual.geometry import Size

from ..engine.jobs import JobView, Progress
from ..text import count, duration
from .marks import has_unicode, marks
from .plain import MUTED, Line, fitted, line

MEMORY = 20.0
"""Seconds after which an observation counts for about a third."""

MOST_LINES = 3


class Observation(NamedTuple):
    """`done` as it was seen at `time` (seconds of a clock that doesn't jump)."""

    time: float
    done: float


def pace(seen: Iterable[Observation]) -> float | None:
    """Units a second: the mean over the observed stretches, recent ones weighing more. None before two of them."""
    observations = list(seen)
    weights = amount = 0.0
    for before, after in itertools.pairwise(observations):
        seconds = after.time - before.time
        weight = math.exp((after.time - observations[-1].time) / MEMORY)
        weights += weight * seconds
        amount += weight * (after.done - before.done)
    return amount / weights if weights > 0 else None


def seconds_left(progress: Progress, rate: float | None) -> float | None:
    """None when it can't be known: no total, no rate, or nothing moves."""
    if not rate or rate <= 0 or progress.total <= 0:
        return None
    return max(0.0, progress.total - progress.done) / rate


def bar(done: float, total: float, cells: int, parts: str) -> str:
    """A bar of `cells` cells from `parts`, which go from empty to full."""
    fine = len(parts) - 1
    share = min(1.0, max(0.0, done / total)) if total > 0 else 0.0
    full, rest = divmod(int(share * cells * fine), fine)
    middle = parts[rest] if full < cells else ""
    return (parts[-1] * full + middle).ljust(cells, parts[0])


def per_time(rate: float) -> str:
    """A rate in the unit that reads best: `52/s`, `1.4/s`, `12/min`."""
    if rate >= 10:
        return f"{count(round(rate))}/s"
    return f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.0f}/min"


def outlook(progress: Progress, rate: float | None) -> list[str]:
    """How fast it goes and how long still: `["52/s", "3 min 05 s left"]`. What may be over in an instant, or may hang
    on one slow piece, is a number of pieces that are to come."""
    if not rate or rate <= 0 or progress.done >= (progress.total or math.inf):
        return []
    left, is_share = seconds_left(progress, rate), progress.total == 1
    if left is not None and left < 1:
        return [] if is_share else [f"{_amount(progress.total - progress.done)} to come"]
    words = [] if is_share else [per_time(rate)]
    return words if left is None else [*words, f"{duration(left)} left"]


class ProgressLine(Line):
    """How far a job is, in as few lines as it takes. It draws only when `show` brings something new: no animation, no
    timer."""

    DEFAULT_CSS = """
    ProgressLine {
        width: 1fr;
        height: auto;
        text-wrap: wrap;
    }
    """

    def __init__(self, job: JobView, *, clock: Callable[[], float] = time.monotonic, **more: Any) -> None:
        super().__init__(**more)
        self._clock = clock
        self._seen: deque[Observation] = deque(maxlen=120)
        self._job = job
        self._observe(job)

    def show(self, job: JobView) -> None:
        """Take a newer state of the job."""
        if job == self._job:
            return
        if job.id != self._job.id or job.progress.done < self._job.progress.done or job.state != self._job.state:
            self._seen.clear()
        self._observe(job)
        lines = self._lines(self.content_size.width)
        self._job = job
        self.refresh(layout=self._lines(self.content_size.width) != lines)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self._lines(width)

    def _lines(self, width: int) -> int:
        """A text of several exports at once has no room in one line of a small terminal."""
        return min(MOST_LINES, self.content(width).get_height(self.styles.get_rules(), max(1, width)))

    def _observe(self, job: JobView) -> None:
        if job.state == "running":
            self._seen.append(Observation(self._clock(), job.progress.done))

    def content(self, width: int) -> Content:
        job, progress = self._job, self._job.progress
        if job.cancelling:
            return line("Stopping …", "$text-warning")
        if job.state == "queued":
            return line("Waiting for its turn.", MUTED)
        parts: list[Content] = []
        if progress.total > 0:
            drawn = bar(progress.done, progress.total, min(28, max(8, width // 4)), marks(has_unicode()).bar)
            parts.append(Content.styled(drawn, "$primary on $surface-lighten-2"))
        words = self._words(progress)
        said = line(progress.text, MUTED, 300)
        parts += [Content(" · ").join(words)] * bool(words) + [said] * bool(said)
        return fitted(Content("  ").join(parts or [line("At work …", MUTED)]), width * MOST_LINES)

    def _words(self, progress: Progress) -> list[Content]:
        words = []
        is_share = progress.total == 1
        if is_share:  # `0.3 of 1` would say nothing
            words.append(line(f"{min(1.0, max(0.0, progress.done)):.0%}"))
        elif progress.total > 0:
            words.append(line(f"{_amount(progress.done)} of {_amount(progress.total)}"))
        elif progress.done:
            words.append(line(_amount(progress.done)))
        return words + [line(word, MUTED) for word in outlook(progress, pace(self._seen))]


def _amount(amount: float) -> str:
    return count(int(amount)) if amount == int(amount) else f"{amount:,.1f}"
