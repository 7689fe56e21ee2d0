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
from .choice import Choice, For, name_of
from .client import Model
from .presence import Presence
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

    def standing(self, scope: Mapping[str, str]) -> str:
        """The model in a few words: its name, and where it is if that is not here."""
        model = self.briefing.chosen(scope)
        words = [model.name if model is not None else ""]
        if model is not None and model.is_elsewhere:
            words.append("in the cloud")
        elif model is not None and self.briefing.host_of(model).is_remote:
            words.append(f"at {model.host}")
        return " · ".join(word for word in words if word)

    # models

    @property
    def hosts(self) -> Sequence[Presence]:
        """Every host with its models, as it was found last; the preferred first."""
        return self.briefing.hosts

    async def look(self) -> None:
        """Look for hosts and models anew."""
        await self.briefing.look()

    async def chosen(self, scope: Mapping[str, str]) -> dict[For, Model]:
        """The models that were chosen, by what for, of those that are there."""
        memory = await self._service.conversations.memory()
        names: Sequence[For] = ("all", "profile", "app_name")
        kept = {each: Choice.of(memory.get(name_of(each, scope))) for each in names}
        found = {each: choice.among(self.briefing.models) for each, choice in kept.items() if choice is not None}
        return {each: model for each, model in found.items() if model is not None}

    async def choose(self, choice: Choice | None, chosen_for: For, scope: Mapping[str, str]) -> None:
        """Answer with this model from now on; None: with no particular one."""
        if key := name_of(chosen_for, scope):
            await self._service.conversations.remember(key, choice.kept if choice is not None else None)
            await self.briefing.look()
            self.answerer.try_again()

    def bring(self, name: str, host: Presence) -> None:
        """Begin to bring a model to a host; one at a time. Refusal when it can't be one."""
        if not name or (self.pull is not None and not self.pull.is_over):
            return
        try:
            client = self.briefing.client(host)
        except ValueError as error:
            raise Refusal(one_line(error, 300)) from None
        self.pull = Pull(client, name, self._brought)

    def _brought(self, said: str) -> None:
        self._news(said)
        self.briefing.doubt()
        self.answerer.wake()
