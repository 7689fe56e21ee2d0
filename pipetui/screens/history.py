"""The history of a run: every event, the newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from ..engine.record import INPUT, SKIPPED
from ..engine.transitions import Event
from ..engine.values import encode
from ..engine.workflow import Step, Workflow
from ..text import one_line
from ..widgets.plain import MUTED, Plain, line
from .dialogs import Dialog
from .listing import Listing, Row
from .looks import column

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
_ACTORS = {"user": "", "auto": "by itself", "job": "by its job", "model": "by the model"}


class History(Dialog[None]):
    """Read only."""

    DEFAULT_CSS = """
    History > .box {
        width: 100;
        & > Listing { height: 20; }
    }
    """

    def __init__(self, key: str, workflow: type[Workflow], events: Sequence[Event]) -> None:
        super().__init__()
        self._key, self._workflow, self._events = key, workflow, events
        self._list = Listing(classes="scrolls")

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(f"History of {self._key}", classes="title", limit=200)
            yield self._list
            yield Plain("Esc closes this", classes="keys")

    def on_mount(self) -> None:
        steps = {step.id: step for step in self._workflow.body()}
        self._list.show([_row(event, steps.get(event.step or "")) for event in reversed(self._events)])
        self._list.focus()


def _row(event: Event, step: Step | None) -> Row:
    label = step.show if step else event.step or "The run"
    what = f"{label} {_WORDS.get(event.kind, event.kind)} {_ACTORS.get(event.actor, event.actor)}".rstrip()
    number = " " * (4 - len(str(event.seq)))
    when = line(f"{event.seq}  {_when(event.at)}", MUTED)
    left = Content.assemble(number, when, "  ", column(line(what), 32), "  ", line(_change(event, step), MUTED, 300))
    return Row(str(event.seq), left)


def _change(event: Event, step: Step | None) -> str:
    """What was answered, in short; of a skip the reason."""
    put = event.change.forward.set
    if event.kind == "skip":
        return str(put.get(SKIPPED, {}).get(event.step, ""))
    part = put.get(event.step or "")
    if step is None or event.kind not in ("submit", "complete", "confirm", "import") or not isinstance(part, Mapping):
        return ""
    value = part.get(step.done, part.get(INPUT))
    return "" if value is None else one_line(value if isinstance(value, str) else encode(value), 300)


def _when(at: str) -> str:
    """The local time of an event."""
    return datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
