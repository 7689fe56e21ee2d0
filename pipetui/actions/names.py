"""What can be named in a call, as it is now: runs, steps, jobs, files, workflows, the items of collections.

`TABLE` says by the name of an argument what it names; with its subject before it where that is one subject's own.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..engine.cards import FINALIZE
from ..engine.collections import COLLECTIONS, Collection
from ..engine.keys import compose
from ..engine.refusals import Refusal
from ..text import ago, one_line, size
from .action import Action, Scope
from .jobs import ID

if TYPE_CHECKING:
    from ..service import Service

MOST = 100


class Name(NamedTuple):
    """What one may type for a thing, what that is, and what else one may begin to type to find it."""

    said: str
    help: str = ""
    also: str = ""

    def begins(self, typed: str) -> bool:
        return any(each.casefold().startswith(typed.casefold()) for each in (self.said, self.also))


Names: TypeAlias = Mapping[str, Sequence[Name]]
"""By what `TABLE` has."""


def of_argument(names: Names, action: Action, argument: str) -> Sequence[Name]:
    """What may be said for an argument of an action, as far as it is known."""
    subject = action.name.partition("_")[0]
    return names.get(f"{subject}.{argument}") or names.get(argument, ())


def workflows(service: Service) -> Names:
    """The names that are there without asking the store."""
    entries = [entry for entry in service.registry.entries() if entry.app_name]
    return {
        "app_name": [
            Name(each.app_name, one_line(each.workflow.DISPLAY_NAME if each.workflow is not None else "", 80))
            for each in entries
        ]
    }


async def every(service: Service, scope: Scope) -> Names:
    """All names that mean something in this scope. StoreError."""
    found = dict(workflows(service))
    for argument, ask in TABLE.items():
        with suppress(Refusal):  # no run is on the screen, or it is gone
            found[argument] = await ask(service, scope)
    return found


async def _runs(service: Service, scope: Scope) -> list[Name]:
    lines = await service.shelves.lines(profile=scope.profile, limit=MOST)
    now = time.time()
    return [
        Name(compose(line.profile, line.app_name, line.part), f"changed {ago(now - line.updated)}", line.part)
        for line in lines
    ]


async def _steps(service: Service, scope: Scope) -> list[Name]:
    if not scope.run:
        return []
    cards = [card for card in (await service.runs.look(scope.run)).cards if card.step is not FINALIZE]
    shown = Counter(card.step.show for card in cards)
    return [
        Name(card.step.show, f"{card.id} · {card.state}", card.id)
        if card.step.show and shown[card.step.show] == 1
        else Name(card.id, card.state)
        for card in cards
    ]


async def _jobs(service: Service, scope: Scope) -> list[Name]:
    rows = await service.jobs.latest(limit=MOST, profile=scope.profile)
    return [Name(row.id[:ID], f"{row.step} · {row.state}") for row in rows]


async def _files(service: Service, scope: Scope) -> list[Name]:
    return [Name(file.name, size(file.size)) for file in await service.files.of(scope.run)] if scope.run else []


async def _items(collection: Collection, service: Service, scope: Scope) -> list[Name]:
    named, title = collection.named_by, collection.title
    return [
        Name(item.values[named]) if named else Name(str(item.id), one_line(item.values[title], 80), item.values[title])
        for item in (await service.collections.items(collection, scope.profile))[:MOST]
    ]


TABLE: Mapping[str, Callable[[Service, Scope], Awaitable[list[Name]]]] = {
    "run": _runs,
    "step": _steps,
    "job": _jobs,
    "file": _files,
} | {f"{each.name}.{each.handle}": partial(_items, each) for each in COLLECTIONS.values()}
