"""The registry: every action by its name, and the two ways to use one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..engine.refusals import Moved, Refusal
from ..text import meant, one_line
from .action import Action, Done, Effect, Plan, Scope
from .schema import checked
from .shown import LONGEST_TEXT, cut, fitted

if TYPE_CHECKING:
    from ..service import Service


class Actions:
    """Actions by name, in the order in which they are offered."""

    def __init__(self, every: Sequence[Action]) -> None:
        self.every = tuple(every)
        self._named: Mapping[str, Action] = MappingProxyType({action.name: action for action in self.every})
        if len(self._named) != len(self.every):
            raise ValueError("Two actions have the same name.")

    def get(self, name: str) -> Action | None:
        return self._named.get(name)

    def named(self, name: str) -> Action:
        """The action of exactly this name. Refusal, with the nearest, when there is none."""
        found = self._named.get(name) if isinstance(name, str) else None
        if found is None:
            raise Refusal(f"There is no action {one_line(name, 60)!r}{meant(str(name), self._named)}")
        return found

    async def effect(self, service: Service, scope: Scope, name: str, arguments: Any) -> Effect:
        """What a changing action would do now. Refusal when it can't, Invalid for its arguments; nothing is changed."""
        return (await self._plan(service, scope, self.named(name), arguments)).effect

    async def do(
        self, service: Service, scope: Scope, name: str, arguments: Any, *, expected: str | None = None
    ) -> Done:
        """Carry an action out. With `expected` (an effect's target) only what was shown then: Moved when it changed.

        What the model wishes to change is never done without that. Refusal, Invalid, Broken, StoreError.
        """
        action = self.named(name)
        if action.read is not None:
            done = await action.read(service, scope, checked(action, arguments))
        else:
            if scope.actor == "model" and expected is None:
                raise Refusal(f"{name} changes something: it is done only as a person approved it.")
            plan = await self._plan(service, scope, action, arguments)
            if expected is not None and plan.effect.target != expected:
                raise Moved("What this would change is another one by now: nothing was done. Ask for it anew.")
            done = await plan.carry_out()
        return replace(done, result=fitted(done.result), text=cut(done.text, LONGEST_TEXT))

    async def _plan(self, service: Service, scope: Scope, action: Action, arguments: Any) -> Plan:
        if action.plan is None:
            raise Refusal(f"{action.name} only reads: it has no effect to approve.")
        return await action.plan(service, scope, checked(action, arguments))
