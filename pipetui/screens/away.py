"""The card "While you were away": what jobs did since the app was last seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.widgets import Static

from ..widgets.plain import MUTED, line
from .commands import COMMANDS, keys_of, shown_key

if TYPE_CHECKING:
    from ..engine.jobs import JobView

MOST = 4
"""Lines that it has at most; the Jobs screen has all."""

_WORDS: Mapping[str, str] = {
    "done": "is done",
    "failed": "failed",
    "waiting": "asks you something",
    "cancelled": "was cancelled",
    "parked": "was parked: it died too often",
}


def told(key: str, label: str, job: JobView) -> str:
    """One line about a job: `default-hello-01 · Export: failed: no network`."""
    said = _WORDS.get(job.state, job.state)
    why = job.question.why if job.question else "" if job.state == "cancelled" else job.error
    return f"{key} · {label} {said}" + (f": {why}" if why else "")


class Away(Static):
    """Shown while there is something to tell."""

    DEFAULT_CSS = """
    Away {
        display: none;
        height: auto;
        margin: 1 2 0 1;
        padding: 0 1;
        background: $boost;
        border-left: outer $warning;
        &.-on { display: block; }
    }
    """

    def __init__(self, news: Sequence[str], keymap: Mapping[str, str], **more: Any) -> None:
        super().__init__("", markup=False, **more)
        self._keymap = keymap
        self.show(news)

    def show(self, news: Sequence[str]) -> None:
        key = next(shown_key(keys_of(command, self._keymap)) for command in COMMANDS if command.name == "seen")
        lines = [Content.assemble(line("While you were away", "bold"), "  ", line(f"{key} puts this away", MUTED))]
        lines += [line(text, limit=300) for text in news[:MOST]]
        if len(news) > MOST:
            lines.append(line(f"and {len(news) - MOST} more: see the jobs", MUTED))
        self.update(Content("\n").join(lines))
        self.set_class(bool(news), "-on")
