"""Actions on workflows: list them, explain one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.fields import Group, Text
from ..engine.refusals import Refusal
from ..engine.workflow import Step, Workflow
from ..text import count, meant, one_line
from .action import Action, Args, Done, Scope

if TYPE_CHECKING:
    from ..service import Service


def known(service: Service, app_name: str) -> type[Workflow]:
    """The workflow of this APP_NAME. Refusal, with the nearest, when there is none."""
    entry = service.registry.get(app_name)
    if entry is None or entry.workflow is None:
        names = [entry.app_name for entry in service.registry.entries() if entry.app_name]
        raise Refusal(f"There is no workflow {one_line(app_name, 60)!r}{meant(app_name, names)}")
    return entry.workflow


async def _list(service: Service, scope: Scope, args: Args) -> Done:
    workflows = [entry.workflow for entry in service.registry.entries() if entry.workflow is not None]
    found = [{"app_name": it.APP_NAME, "name": it.DISPLAY_NAME, "about": it.ENDPOINT_MESSAGE} for it in workflows]
    text = "\n".join(f"{it['app_name']}  {it['name']}: {it['about']}" for it in found)
    return Done(f"{count(len(found))} workflows", found, text)


async def _explain(service: Service, scope: Scope, args: Args) -> Done:
    app_name = args.get("app_name") or scope.app_name
    if not app_name:
        raise Refusal("No workflow is on the screen: say which one is meant, by its APP_NAME.")
    workflow = known(service, app_name)
    name = workflow.DISPLAY_NAME or app_name
    steps = [_step(workflow, step) for step in workflow.body()]
    result = {"app_name": app_name, "name": name, "about": workflow.ENDPOINT_MESSAGE, "steps": steps}
    lines = [f"{name}: {workflow.ENDPOINT_MESSAGE}"]
    lines += [f"{step['step']}  {step['label']}: {step['accepts']}" for step in steps]
    return Done(f"{name}: {count(len(steps))} steps", result, "\n".join(lines))


def _step(workflow: type[Workflow], step: Step) -> dict[str, Any]:
    accepts = "nothing: it is what its job returns"
    if step.field is not None:
        accepts = step.field.accepts
    elif workflow.has_form(step):
        accepts = workflow.form_asks(step)
    said: dict[str, Any] = {"step": step.id, "value": step.done, "label": step.show, "accepts": accepts}
    said |= {name: True for name in ("skip", "paid", "auto") if getattr(step, name)}
    return said | ({"job": True} if workflow.has_job(step) else {})


ACTIONS = (
    Action("workflows_list", "List the workflows that there are.", Group(), read=_list),
    Action(
        "workflows_explain",
        "Tell what a workflow does, step by step.",
        Group(
            app_name=Text(
                optional=True,
                maximum=40,
                pattern="[A-Za-z0-9_]+",
                hint="its APP_NAME; left out: the workflow on the screen",
                label="workflow",
            )
        ),
        read=_explain,
        offered=True,
    ),
)
