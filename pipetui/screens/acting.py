"""Actions from the palette: one without required arguments is done at once, for others a form asks."""

from __future__ import annotations

from typing import Any

from ..actions import ACTIONS, Action, Done, Scope
from ..actions.slash import usage
from ..text import one_line
from .base import MainScreen
from .dialogs import Reading
from .forms import Form


def titled(action: Action) -> str:
    """What the palette calls an action: `Tasks: add`."""
    subject, verb = usage(action).split()[:2]
    return f"{subject[1:].capitalize()}: {verb}"


async def offer(screen: MainScreen, action: Action) -> None:
    """Do it, or ask for what it needs first."""

    async def do(values: dict[str, Any]) -> Done:
        members = action.params.members
        said = {name: it for name, it in values.items() if it != "" or not members[name].optional}
        return await ACTIONS.do(screen.service, scope_of(screen), action.name, said)

    def show(done: Done | None) -> None:
        if done is not None and done.text:
            screen.app.push_screen(Reading(one_line(done.line, 500), done.text))
        elif done is not None:
            screen.host.say(done.line)

    if action.required:
        screen.app.push_screen(Form(titled(action), action.help, action.params, None, "does it", do), show)
    else:
        show(await do({}))


def scope_of(screen: MainScreen) -> Scope:
    """The hands of the person at this screen."""
    where = screen.scope()
    return Scope(where["profile"], where.get("run", ""), where.get("app_name", ""))
