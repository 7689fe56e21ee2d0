"""`pipetui workflows` and `describe`."""

from __future__ import annotations

from argparse import Namespace

from ..engine.fields import Field, named
from ..engine.registry import Entry
from ..engine.workflow import Step, Workflow
from ..service.service import registry_of
from . import output
from .exits import OK
from .inputs import unknown
from .session import places


def workflows(args: Namespace) -> int:
    entries = _entries(args)
    if args.json:
        output.document(
            [
                {
                    "order": order,
                    "app_name": entry.app_name,
                    "name": entry.name,
                    "origin": entry.origin,
                    "file": str(entry.file),
                    "error": entry.error,
                }
                for order, entry in enumerate(entries, 1)
            ]
        )
    else:
        output.table(
            ("app_name", "name", "origin", "file"),
            [(entry.app_name or "–", entry.name, entry.origin, entry.file.name) for entry in entries],
        )
        for entry in entries:
            if entry.error:
                output.note(f"Not loaded: {entry.error}")
    return OK


def describe(args: Namespace) -> int:
    entries = _entries(args)
    workflow = next((entry.workflow for entry in entries if entry.workflow and entry.app_name == args.name), None)
    if workflow is None:
        raise unknown(
            f"There is no workflow {args.name!r}", args.name, [entry.app_name for entry in entries if entry.app_name]
        )
    if args.json:
        output.document(
            {
                "app_name": workflow.APP_NAME,
                "name": workflow.DISPLAY_NAME,
                "about": workflow.ENDPOINT_MESSAGE,
                "steps": [_step(workflow, step) for step in workflow.body()],
            }
        )
        return OK
    output.line(f"{workflow.DISPLAY_NAME or workflow.APP_NAME}: {workflow.ENDPOINT_MESSAGE}")
    rows: list[tuple[str, str, str, str]] = []
    for step in workflow.body():
        rows.append((step.id, step.done, step.show, _accepts(workflow, step)))
        if step.field is not None:
            rows += [("", name, "", _said(kind)) for name, kind in list(named(step.field, step.done))[1:]]
    output.table(("step", "name", "label", "accepts"), rows)
    return OK


def _entries(args: Namespace) -> list[Entry]:
    registry = registry_of(places(args))
    registry.refresh()
    return registry.entries()


def _accepts(workflow: type[Workflow], step: Step) -> str:
    if step.field is None and workflow.has_form(step):
        return workflow.form_asks(step)
    if step.field is None:
        return "nothing: what its job returns" + ("; begins by itself" if step.auto else "")
    if len(list(named(step.field, step.done))) > 1:
        return "these members:"
    return _said(step.field)


def _said(field: Field) -> str:
    default = field.default
    if default is None:
        return field.accepts
    said = default if isinstance(default, str) else field.summary(default)  # as --set takes it, not as a card shows it
    return f"{field.accepts} (default {said})" if said else field.accepts


def _step(workflow: type[Workflow], step: Step) -> dict[str, object]:
    return {
        "id": step.id,
        "done": step.done,
        "show": step.show,
        "accepts": _accepts(workflow, step),
        "field": step.field.to_json() if step.field else None,
        "form": workflow.has_form(step),
        "job": workflow.has_job(step),
        "auto": step.auto,
        "paid": step.paid,
        "refill": step.refill,
        "skip": step.skip,
        "set": [name for name, _ in named(step.field, step.done)] if step.field else [],
    }
