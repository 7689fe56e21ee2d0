"""What the workflow's own code says about a run: asked here, with a time limit, once for the same values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..engine import limits, registry
from ..engine.cards import Facts
from ..engine.fields import Field, Invalid
from ..engine.jobs import JobError
from ..engine.record import is_locked
from ..engine.transitions import halts, is_present, said_when_locked
from ..engine.values import copy, digest
from ..engine.views import View
from ..engine.workflow import Step, Workflow
from .handle import Handle

LOOK_SECONDS = 5.0
"""For `when`, `view`, `transform` and `summary`, which only look."""

FORM_SECONDS = 20.0
"""For `form`, which may ask a service what there is to choose from."""

SUBMIT_SECONDS = 60.0
"""For `submit`, `finalizing` and `unfinalizing`, which may ask somebody."""

_MOST_RUNS = 100


class Broken(Exception):
    """The workflow's own code failed; the text says how."""


class Asker:
    """Asks workflows' code and remembers the answers."""

    def __init__(self) -> None:
        self._answers: dict[str, dict[str, Any]] = {}  # by run, then by step and the values above

    def forget(self, run: str) -> None:
        """So that the next look at this run asks anew: somebody opens it, and the world may have changed."""
        self._answers.pop(run, None)

    async def facts(self, handle: Handle, values: Mapping[str, Any], source: str) -> dict[str, Facts]:
        """The facts of every step up to where the chain ends. `values`: the record with large values in place."""
        workflow = type(handle.workflow)
        facts: dict[str, Facts] = {}
        said = said_when_locked(handle.record) if is_locked(handle.record) else None
        nearest: Any = None
        above: list[Any] = [source]
        for step in workflow.body():
            key = digest(*above, step.id)
            facts[step.id] = fact = await self._fact(handle, step, values, nearest, key, said)
            if fact.broken or not fact.applies:
                if fact.broken and not is_present(handle.record, step):
                    break
                continue
            if halts(handle.record, step):
                break
            if is_present(handle.record, step):
                nearest = values[step.id][step.done]
                above.append(handle.record[step.id])
        return facts

    async def _fact(
        self,
        handle: Handle,
        step: Step,
        values: Mapping[str, Any],
        nearest: Any,
        key: str,
        said: Mapping[str, bool] | None,
    ) -> Facts:
        try:
            applies = True
            if said is not None:
                applies = said.get(step.id, True)
            elif when := handle.workflow.hook(step, "when"):
                applies = bool(await self._once(f"{key} when", handle, lambda: when(handle)))
            if not applies:
                return Facts(applies=False)
            if not halts(handle.record, step):
                return Facts(summary=await self._summary(handle, step, values, key))
            field: Field | None = None
            if form := handle.workflow.hook(step, "form"):
                field = await self._once(f"{key} form {handle.version}", handle, lambda: form(handle), FORM_SECONDS)
                if not isinstance(field, Field):
                    raise TypeError(f"{step.id}_form returned {type(field).__name__}, not a Field")
            suggestion = None
            if nearest is not None and (transform := step.transform) is not None:
                suggestion = await self._once(f"{key} transform", handle, lambda: transform(copy(nearest)))
            summary = None
            with suppress(Broken, Invalid):  # the input is there all the same
                summary = await self._summary(handle, step, values, key)
            return Facts(field=field, suggestion=suggestion, summary=summary)
        except (Broken, Invalid) as error:
            return Facts(broken=str(error))
        except TypeError as error:
            return Facts(broken=f"{step.id}: {error}")

    async def _summary(self, handle: Handle, step: Step, values: Mapping[str, Any], key: str) -> str | None:
        summary = step.summary
        if summary is None or not is_present(handle.record, step):
            return None
        value = values[step.id][step.done]
        return str(await self._once(f"{key} {digest(handle.record[step.id])}", handle, lambda: summary(copy(value))))

    async def _once(self, key: str, handle: Handle, work: Callable[[], Any], seconds: float = LOOK_SECONDS) -> Any:
        answers = self._answers.setdefault(handle.id, {})
        if key not in answers:
            if len(self._answers) > _MOST_RUNS:
                self._answers = {handle.id: answers}
            answers[key] = await ask(handle, work, seconds)
        return answers[key]


async def ask(handle: Handle, work: Callable[[], Any], seconds: float) -> Any:
    """What a workflow's method answers: awaited, or in a thread where it is synchronous.

    Broken when it fails or takes too long; Invalid passes.
    """
    try:
        result = await limits.acall(work, seconds)
        if inspect.isawaitable(result):
            result = await limits.within(result, seconds)
    except Invalid:
        raise
    except JobError as error:  # a sentence already
        raise Broken(str(error)) from error
    except Exception as error:  # foreign code: whatever it raises is its own failure
        handle.workflow.log.warning("failed", exc_info=error)
        raise Broken(registry.explain(error, Path(_file(handle.workflow)))) from error
    finally:
        await handle.said()
    await handle.flush()
    return result


def _file(workflow: Workflow) -> str:
    import sys

    return getattr(sys.modules.get(type(workflow).__module__), "__file__", None) or "workflow"


async def view(handle: Handle, step: Step) -> View | None:
    """What the finished card's body shows. Broken."""
    hook = handle.workflow.hook(step, "view")
    if hook is None:
        return None
    result = await ask(handle, lambda: hook(handle), LOOK_SECONDS)
    if not isinstance(result, View):
        raise Broken(f"{step.id}_view returned {type(result).__name__}, not a View.")
    return result
