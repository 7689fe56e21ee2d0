"""Workflows and helpers that the tests of the engine share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from pipetui.engine import record as records
from pipetui.engine import transitions
from pipetui.engine.fields import Choice, Number, Text, TextArea
from pipetui.engine.transitions import Actor, Command, Event, Moment
from pipetui.engine.workflow import Step, Workflow

STEADY = settings(derandomize=True, deadline=None)
"""The same examples at every run, on a machine of any speed."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=()), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


class Survey(Workflow):
    """Every kind of step: plain, kept by refill, conditional, with a job, skippable, started by itself, suggested."""

    APP_NAME = "survey"
    steps = (
        Step("step_01", done="size", show="Size", field=Choice(["small", "large"])),
        Step("step_02", done="urls", show="URLs", field=TextArea(), refill=True),
        Step("step_03", done="depth", show="Depth", field=Number(3), refill=True),
        Step("step_04", done="pages", show="Pages", field=Text(), refill=True),
        Step("step_05", done="logs", show="Logs", field=Text(), skip=True),
        Step("step_06", done="totals", show="Totals", auto=True),
        Step("step_07", done="note", show="Note", field=Text(), transform=lambda totals: f"Totals: {totals}"),
    )

    def step_03_when(self, run: Any) -> bool:
        return bool(run.value("size", str) == "large")

    async def step_04_job(self, run: Any, job: Any) -> Any: ...

    async def step_06_job(self, run: Any, job: Any) -> Any: ...


def applies(record: Mapping[str, Any]) -> dict[str, bool]:
    """What `service` would find out from `Survey.step_03_when`."""
    return {"step_03": record.get("step_01", {}).get("size") == "large"}


class History:
    """A run with its events, as a store would keep them."""

    def __init__(self, workflow: type[Workflow] = Survey) -> None:
        self.workflow = workflow
        self.record: records.Record = {}
        self.events: list[Event] = []
        self.bytes = [records.encode({})]
        """The record as written, by version."""
        created = records.new(self.now)
        self.keep(Moment(created, records.Change.between({}, created), "create"), "user")

    @property
    def now(self) -> str:
        return f"2026-01-01T00:00:{len(self.events):02}Z"

    @property
    def applies(self) -> dict[str, bool]:
        return applies(self.record) if self.workflow is Survey else {}

    def do(self, *commands: Command, actor: Actor = "user") -> Moment:
        """Apply commands one after the other; the last one's moment."""
        for command in commands:
            moment = transitions.apply(self.workflow, self.record, command, self.applies, self.now)
            self.keep(moment, actor)
        return moment

    def undo(self) -> Moment:
        moment = transitions.undo(self.workflow, self.record, self.events)
        self.keep(moment, "user")
        return moment

    def keep(self, moment: Moment, actor: Actor) -> None:
        self.record = moment.record
        self.events.append(
            Event(len(self.events) + 1, self.now, actor, moment.kind, moment.step, moment.undoes, moment.change)
        )
        self.bytes.append(records.encode(moment.record))
