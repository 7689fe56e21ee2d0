"""What a model is told for an answer, and by whom: joins the hosts, the run, its workflow's prompt and the settings."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..actions.schema import tool
from ..engine.collections import TASKS
from ..engine.messages import Message, Proposal, Usage
from ..engine.refusals import Refusal
from ..service.training import prompt_of
from ..store.errors import StoreError
from . import account, tokens
from .choice import chosen, wanted
from .client import ChatError, Client, Model
from .context import Manner, Sight, build
from .fences import new_mark
from .presence import LATEST, LOOKING, SOONEST, Lookout, Presence, hosts_of
from .request import Request

if TYPE_CHECKING:
    from ..actions.action import Action
    from ..actions.registry import Actions
    from ..service import Service

_SIZE = "token size of "  # what the chat remembers of each model

_ORDER: Mapping[bool, Sequence[str]] = {
    True: ("runs", "files", "jobs", "tasks", "workflows", "profiles"),
    False: ("workflows", "runs", "tasks", "jobs", "profiles"),
}
"""The subjects of actions, the most important first: on the screen of a run, and elsewhere."""


_log = logging.getLogger("pipetui.chat")


class Briefing:
    """`changed` is called when a model appears or goes."""

    def __init__(self, service: Service, actions: Actions, *, changed: Callable[[], None]) -> None:
        self._service = service
        self._actions = actions
        self._changed = changed
        self._settings = service.settings.chat
        self._lookout = Lookout(hosts_of(self._settings.hosts), context=self._settings.context)
        self._presence = LOOKING
        self._marks: defaultdict[str, str] = defaultdict(new_mark)
        self._memory: Mapping[str, Any] = {}
        self._doubt = asyncio.Event()

    # who is there

    @property
    def presence(self) -> Presence:
        return self._presence

    @property
    def missing(self) -> str:
        """What is missing for an answer, and how to get it; '' when nothing is."""
        found = self._presence
        if found.kind in ("ready", "looking"):
            return ""
        return f"{found.text} {found.hint}{', or here /model' if found.kind == 'no_model' else ''}".strip()

    def doubt(self) -> None:
        """Look soon whether things are still as they were."""
        self._doubt.set()

    async def watch(self) -> None:
        """Look who is there, from time to time, without an end."""
        pause = SOONEST
        try:
            while True:
                before = self._presence
                try:
                    await self.look()
                except StoreError as error:
                    _log.warning("%s", error)
                is_new = before.kind != self._presence.kind
                pause = LATEST if self._presence.kind == "ready" else SOONEST if is_new else min(pause * 2, LATEST)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._doubt.wait()
                self._doubt.clear()
        finally:
            await self._lookout.close()

    async def look(self, scope: Mapping[str, Any] | None = None) -> None:
        """Look for the model that is wanted there, else for any."""
        self._memory = await self._service.conversations.memory()
        names = wanted(self._memory, scope or {}, self._settings.model)
        found = await self._lookout.look(names[0] if names else "")
        if found != self._presence:
            self._presence = found
            self._changed()

    async def is_ready(self) -> bool:
        """Whether there is a model to answer."""
        if self._presence.kind == "looking":
            await self.look()
        return self._presence.kind == "ready"

    async def answering(self, scope: Mapping[str, Any]) -> tuple[Client, Model]:
        """The host and the model that answer there. ChatError when there is none."""
        names = wanted(self._memory, scope, self._settings.model)
        if names and not any(model.is_called(names[0]) for model in self._presence.models):
            await self.look(scope)  # another of the hosts may have it
        model = self.chosen(scope)
        if model is None:
            raise ChatError(self.missing or "There is no model that can answer.", "missing_model")
        return self._lookout.client(self._presence.host), model

    @property
    def nearest(self) -> Client:
        """The host that a model is brought to: the one that answers, else the first that was named. ValueError."""
        return self._lookout.client(self._presence.host)

    async def models(self) -> list[Model]:
        """All models of the host that answers, looked for anew."""
        await self.look()
        return list(self._presence.models)

    def chosen(self, scope: Mapping[str, Any]) -> Model | None:
        """The model that answers there."""
        return chosen(self._presence.models, wanted(self._memory, scope, self._settings.model))

    # what it is told

    async def request(
        self, model: Model, answer: Message, scope: Mapping[str, Any], *, may_act: bool = True
    ) -> Request:
        """The request for an answer, as far as it has come."""
        said = await self._service.conversations.before(answer)
        begun = [answer] if answer.text or answer.parts else []
        return await self._built(model, [*said.messages, *begun], said.proposals, scope, answer.conversation, may_act)

    async def preview(self, conversation: str, text: str, scope: Mapping[str, Any]) -> Request | None:
        """What would be told if `text` were sent now; None when there is no model."""
        model = self.chosen(scope)
        if model is None:
            return None
        asked = Message("", conversation, 1 << 40, "user", "user", "done", text or "…", created=time.time())
        said = await self._service.conversations.before(asked)
        return await self._built(model, [*said.messages, asked], said.proposals, scope, conversation, True)

    async def _built(
        self,
        model: Model,
        history: Sequence[Message],
        proposals: Mapping[str, Proposal],
        scope: Mapping[str, Any],
        conversation: str,
        may_act: bool,
    ) -> Request:
        return build(
            model,
            history,
            await self._sight(scope),
            Manner(self._settings.system, self._settings.tone, self._settings.word_limit),
            mark=self._marks[conversation],
            proposals=proposals,
            tools=[tool(action) for action in self._offered(scope)] if may_act else [],
            per_token=self._size(model),
            secrets=await asyncio.to_thread(self._service.secrets.every),
            keep_alive=self._settings.keep_alive,
            asks_window=bool(self._settings.context),
        )

    def _offered(self, scope: Mapping[str, Any]) -> list[Action]:
        order = _ORDER[bool(scope.get("run"))]

        def place(action: Action) -> int:
            subject = action.name.partition("_")[0]
            return order.index(subject) if subject in order else len(order)

        return sorted((each for each in self._actions.every if place(each) < len(order)), key=place)

    async def _sight(self, scope: Mapping[str, Any]) -> Sight:
        facts = [f"The user works for the profile {scope.get('profile', 'default')}."]
        if scope.get("screen"):
            facts.append(f"The screen: {scope['screen']}.")
        if scope.get("keys"):
            facts.append(f"Keys there: {scope['keys']}.")
        facts += await self._counted(scope)
        told = ""
        if scope.get("run"):
            with suppress(Refusal):  # gone, or its workflow is
                told = account.of_run(await self._service.runs.look(scope["run"]))
        entry = self._service.registry.get(scope["app_name"]) if scope.get("app_name") else None
        return Sight(await asyncio.to_thread(prompt_of, entry), told, facts)

    async def _counted(self, scope: Mapping[str, Any]) -> list[str]:
        jobs = sum((await self._service.jobs.counts()).values())
        tasks = await self._service.collections.items(TASKS, scope.get("profile"))
        left = sum(not item.values["done"] for item in tasks)
        return [f"Background jobs under way: {jobs}.", f"Tasks of the profile: {len(tasks)}, of them {left} to do."]

    # what it took

    def _size(self, model: Model) -> float:
        known = self._memory.get(_SIZE + model.name)
        return known if isinstance(known, float) else tokens.DEFAULT

    async def learn(self, request: Request, usage: Usage) -> None:
        """How many tokens a request really took, for the next one."""
        name = _SIZE + request.model
        old = self._memory.get(name)
        old = old if isinstance(old, float) else tokens.DEFAULT
        new = tokens.calibrate(old, request.size, usage.prompt_tokens)
        if new != old:
            self._memory = {**self._memory, name: new}
            await self._service.conversations.remember(name, new)
