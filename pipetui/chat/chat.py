"""The chat of an app: which hosts and models there are, what they are told, and who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..engine.messages import Message
from ..engine.refusals import Refusal
from ..store.conversations import Conversation
from ..text import one_line
from .answerer import Answerer
from .briefing import Briefing
from .choice import For, name_of
from .client import Model
from .pulling import Pull
from .request import Request

if TYPE_CHECKING:
    from ..actions.registry import Actions
    from ..service import Service


class Chat:
    """What the chat pane and its dialogs ask. `told` gets answers as they grow, `news` a sentence for the user,
    `changed` is called when a model appears or goes."""

    def __init__(
        self,
        service: Service,
        actions: Actions,
        *,
        told: Callable[[Message], None],
        news: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._service = service
        self._news = news
        self.briefing = Briefing(service, actions, changed=changed)
        self.answerer = Answerer(service, actions, self.briefing, told)
        self.pull: Pull | None = None
        self.draft = ""

    async def conversation(self, scope: Mapping[str, str]) -> Conversation:
        """The conversation in use where the user is."""
        return await self._service.conversations.in_use(scope.get("run", ""))

    async def preview(self, conversation: str, text: str, scope: Mapping[str, Any]) -> Request | None:
        """What the model would be told if `text` were sent now; None when there is no model."""
        return await self.briefing.preview(conversation, text, scope)

    @property
    def missing(self) -> str:
        """What is missing for an answer, and how to get it; '' when nothing is."""
        return self.briefing.missing

    @property
    def host(self) -> str:
        """The host that a model is brought to, for people."""
        return self.briefing.presence.name

    def standing(self, scope: Mapping[str, str]) -> str:
        """The model in a few words: its name, and where it is if that is not here."""
        model = self.briefing.chosen(scope)
        words = [model.name if model is not None else ""]
        if model is not None and model.is_elsewhere:
            words.append("in the cloud")
        elif model is not None and self.briefing.presence.is_remote:
            words.append(f"at {model.host}")
        return " · ".join(word for word in words if word)

    # models

    async def models(self) -> list[Model]:
        """All models of the host that answers, looked for anew."""
        return await self.briefing.models()

    async def chosen(self, scope: Mapping[str, str]) -> dict[str, str]:
        """The names that were chosen, by what for."""
        memory = await self._service.conversations.memory()
        names: Sequence[For] = ("all", "profile", "app_name")
        found = {each: memory.get(name) for each in names if (name := name_of(each, scope))}
        return {each: name for each, name in found.items() if isinstance(name, str)}

    async def choose(self, name: str | None, chosen_for: For, scope: Mapping[str, str]) -> None:
        """Answer with this model from now on; None: with no particular one."""
        if key := name_of(chosen_for, scope):
            await self._service.conversations.remember(key, name)
            await self.briefing.look()

    def bring(self, name: str) -> None:
        """Begin to bring a model to the host; one at a time. Refusal when the host can't be one."""
        if not name or (self.pull is not None and not self.pull.is_over):
            return
        try:
            host = self.briefing.nearest
        except ValueError as error:
            raise Refusal(one_line(error, 300)) from None
        self.pull = Pull(host, name, self._brought)

    def _brought(self, said: str) -> None:
        self._news(said)
        self.briefing.doubt()
        self.answerer.wake()
