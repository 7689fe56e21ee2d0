"""Actions on background jobs: list, status, cancel, retry. Only those of the profile's runs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..engine.fields import Group, Switch, Text
from ..engine.jobs import OVER
from ..engine.keys import compose
from ..engine.refusals import Refusal
from ..engine.values import digest
from ..text import ago, counted, one_line
from .action import Action, Args, Done, Effect, Plan, Scope
from .shown import labelled

if TYPE_CHECKING:
    from ..service import Service
    from ..store.jobs import JobRow

ID = 12
"""Characters of a job's id that are shown; any start that fits one job only is accepted."""

MOST = 20
JOB = Text(minimum=4, maximum=32, pattern="[0-9a-f]+", hint="a job's id, or how it starts", label="job")


async def _find(service: Service, scope: Scope, id: str) -> tuple[JobRow, str, str]:
    """(a job of the profile's runs, the key of its run, what people call it). Refusal."""
    row = await service.jobs.row(id)
    run = await service.shelves.row(row.run)
    if run.profile != scope.profile and run.id != scope.run:
        raise Refusal(f"{one_line(id, 40)} names no job of {scope.profile}.")
    key = compose(run.profile, run.app_name, run.part)
    entry = service.registry.get(run.app_name)
    steps = entry.workflow.body() if entry is not None and entry.workflow is not None else []
    label = next((step.show for step in steps if step.id == row.step), row.step)
    return row, key, f"job of {label} in {key}"


async def _list(service: Service, scope: Scope, args: Args) -> Done:
    rows = await service.jobs.latest(limit=MOST, live=args["live"], profile=scope.profile)
    runs = {id: await service.shelves.row(id) for id in {row.run for row in rows}}
    keys = {id: compose(run.profile, run.app_name, run.part) for id, run in runs.items()}
    found = [_said(row, keys[row.run]) for row in rows]
    said = f"{counted(len(rows), 'job')} of {scope.profile}"
    return Done(said, found, "\n".join(f"{row['job']}  {row['run']}  {row['step']}  {row['state']}" for row in found))


async def _status(service: Service, scope: Scope, args: Args) -> Done:
    row, key, name = await _find(service, scope, args["job"])
    said = _said(row, key)
    text = "\n".join(labelled(name, value) for name, value in said.items())
    return Done(f"The {name} is {row.state}.", said, text)


async def _cancel(service: Service, scope: Scope, args: Args) -> Plan:
    row, key, name = await _find(service, scope, args["job"])
    if row.state in OVER:
        raise Refusal(f"This job is over ({row.state}).")

    async def carry_out() -> Done:
        await service.jobs.cancel(row.id)
        after = await service.jobs.row(row.id)
        return Done(f"The {name} is asked to stop.", _said(after, key))

    effect = Effect(f"Cancel the {name}", row.state, "cancelled", digest("cancel", row.id))
    return Plan(effect, carry_out)


async def _retry(service: Service, scope: Scope, args: Args) -> Plan:
    row, key, name = await _find(service, scope, args["job"])
    if row.state not in ("failed", "cancelled", "parked") or row.superseded is not None:
        why = "the run has moved on" if row.superseded is not None else f"it is {row.state}"
        raise Refusal(f"This job can't be tried again: {why}.")

    async def carry_out() -> Done:
        trouble = await service.jobs.retry(row.id)
        after = await service.jobs.row(row.id)
        return Done(trouble or f"The {name} is tried again.", _said(after, key))

    target = digest("retry", row.id, row.state, row.ended)
    before = "\n".join(filter(None, (row.state, one_line(row.error, 500))))
    return Plan(Effect(f"Try the {name} again", before, "queued", target), carry_out)


def _said(row: JobRow, key: str) -> dict[str, Any]:
    said: dict[str, Any] = {"job": row.id[:ID], "run": key, "step": row.step, "state": row.state}
    if row.view.cancelling:
        said["state"] = "stopping"
    if row.total or row.done:
        said["progress"] = f"{row.done:g} of {row.total:g}" if row.total else f"{row.done:g}"
    if row.text:
        said["text"] = row.text
    if row.view.question is not None:
        said["asks"] = row.view.question.why
    if row.error:
        said["error"] = row.error
    said["since"] = ago(time.time() - (row.ended or row.started or row.queued))
    return said


ACTIONS = (
    Action(
        "jobs_list",
        "List the background jobs of this profile, the newest first.",
        Group(live=Switch(hint="only those that are not over", label="not over")),
        read=_list,
    ),
    Action("jobs_status", "Tell how a background job stands.", Group(job=JOB), read=_status),
    Action("jobs_cancel", "Stop a background job.", Group(job=JOB), plan=_cancel),
    Action(
        "jobs_retry",
        "Run a failed or cancelled job again; what it finished is kept.",
        Group(job=JOB),
        plan=_retry,
    ),
)
