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
from .presence import LATEST, SOONEST, Lookout, Presence, best, hosts_of
from .request import Request

if TYPE_CHECKING:
    from ..actions.action import Action
    from ..actions.registry import Actions
    from ..service import Service
    from ..settings import ChatSettings

AT_MOST = 2.0
"""Seconds that one of several hosts may delay what is known of the others."""

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
        self._lookout = Lookout(())
        self._aim()
        self._found: Sequence[Presence] = self._lookout.found
        self._marks: defaultdict[str, str] = defaultdict(new_mark)
        self._memory: Mapping[str, Any] = {}
        self._doubt = asyncio.Event()

    @property
    def _settings(self) -> ChatSettings:
        return self._service.settings.chat

    def _aim(self) -> None:
        hosts = hosts_of(self._settings.hosts)
        self._lookout.aim(hosts, self._settings.context)
        self._delay = AT_MOST if len(hosts) > 1 else None

    # who is there

    @property
    def hosts(self) -> Sequence[Presence]:
        """Every host, as it was found last; the preferred first."""
        return self._found

    @property
    def presence(self) -> Presence:
        """The host that answers where no model was chosen, or what is missing."""
        return best(self._found)

    @property
    def models(self) -> list[Model]:
        """All models of all hosts that answer."""
        return [model for host in self._found for model in host.models]

    def host_of(self, model: Model) -> Presence:
        """Where a model is."""
        return next((host for host in self._found if host.name == model.host), self.presence)

    @property
    def missing(self) -> str:
        """What is missing for an answer, and how to get it; '' when nothing is."""
        found = self.presence
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
                before = self.presence.kind
                try:
                    await self.look()
                except StoreError as error:
                    _log.warning("%s", error)
                kind = self.presence.kind
                pause = LATEST if kind == "ready" else SOONEST if kind != before else min(pause * 2, LATEST)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._doubt.wait()
                self._doubt.clear()
        finally:
            await self._lookout.close()

    async def look(self) -> None:
        """Look which hosts and models there are, and which of them are wanted."""
        self._memory = await self._service.conversations.memory()
        self._aim()
        found = await self._lookout.every(self._delay)
        if found != self._found:
            self._found = found
            self._changed()

    async def is_ready(self) -> bool:
        """Whether there is a model to answer."""
        if self.presence.kind == "looking":
            await self.look()
        return self.presence.kind == "ready"

    async def answering(self, scope: Mapping[str, Any]) -> tuple[Client, Model]:
        """The host and the model that answer there. ChatError when there is none."""
        choices = wanted(self._memory, scope, self._settings.model)
        if choices and choices[0].among(self.models) is None:
            await self.look()  # one of the hosts may have it by now
        for host in self._found:  # another one has it perhaps, but was not chosen
            if choices and host.name == choices[0].host and host.kind == "looking":
                raise ChatError(f"{host.name} has not answered yet.", "unreachable")
        model = self.chosen(scope)
        if model is None:
            raise ChatError(self.missing or "There is no model that can answer.", "missing_model")
        return self.client(self.host_of(model)), model

    def client(self, host: Presence) -> Client:
        """ValueError when it can't be a host."""
        return self._lookout.client(host.host)

    def chosen(self, scope: Mapping[str, Any]) -> Model | None:
        """The model that answers there."""
        return chosen(self.models, wanted(self._memory, scope, self._settings.model))

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
