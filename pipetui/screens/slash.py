"""What a line that begins with a slash does in the chat: an action of the registry, or a command of the pane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..actions import ACTIONS, names, slash
from ..engine.refusals import Refusal
from ..widgets.prompt import Candidate
from .acting import scope_of
from .base import Place
from .dialogs import Confirm, Reading

if TYPE_CHECKING:
    from ..actions.slash import Said
    from .chat import ChatPane


def complete(pane: ChatPane, text: str) -> Sequence[Candidate]:
    """What the line may become, best first, and what that does."""
    known = {**names.workflows(pane.host.service), **pane.names}
    return [Candidate(each.line, each.help) for each in slash.complete(text, known)]


async def names_at(pane: ChatPane) -> names.Names:
    """What can be named where the user is. StoreError."""
    found = await names.every(pane.host.service, scope_of(pane.main))
    models = {model.name: host.name for host in reversed(pane.chat.hosts) for model in host.models}
    return {**found, "model": [names.Name(name, host) for name, host in sorted(models.items())]}


async def carry_out(pane: ChatPane, text: str) -> None:
    """Do what the line asks for. Invalid or Refusal, with what is nearest, when that can't be."""
    said = slash.parse(text)
    if said.action is None:
        await _command(pane, said)
        return
    name, scope = said.action.name, scope_of(pane.main)
    if said.action.reads:
        done = await ACTIONS.do(pane.host.service, scope, name, said.arguments)
        await pane.note(f"{done.line}\n\n{done.text}".strip() if done.text else done.line)
        return
    effect = await ACTIONS.effect(pane.host.service, scope, name, said.arguments)

    async def go(yes: bool | None = True) -> None:
        if yes:
            done = await ACTIONS.do(pane.host.service, scope, name, said.arguments, expected=effect.target)
            if name != "runs_start":
                await pane.note(done.line)
            else:
                run = await pane.host.service.conversations.in_use(done.result["id"])
                await pane.host.service.conversations.note(run.id, done.line)
                pane.host.go(Place("run", said.arguments["app_name"], done.result["id"]), in_chat=True)

    if name.endswith(_ASKED):
        changes = [
            *(f"− {line}" for line in effect.before.splitlines()),
            *(f"+ {line}" for line in effect.after.splitlines()),
        ]
        pane.app.push_screen(Confirm(f"{effect.title}?", "\n".join(changes), "does it"), go)
    else:
        await go()


_ASKED = ("_delete", "_revert")
"""What takes something away is asked about, here as on the screens."""


async def _command(pane: ChatPane, said: Said) -> None:
    match said.command:
        case "help":
            pane.app.push_screen(Reading("Commands of the chat", slash.overview()))
        case "model" if said.rest:
            from ..chat.choice import Choice

            await pane.chat.choose(Choice(said.rest), "all", pane.main.scope())
            await pane.note(f"{said.rest} answers from now on, where it is there.")
        case "model":
            pane.action_model()
        case "new":
            await pane.action_new_conversation()
        case "settings":
            await pane.app.run_action("settings")
        case "export":
            await pane.export()
        case _:
            raise Refusal(f"There is no command /{said.command}: /help lists them.")
