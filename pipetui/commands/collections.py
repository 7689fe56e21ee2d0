"""`pipetui tasks`, `profiles`, `actions`: what the slash commands do, with their words."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..actions import ACTIONS, Scope, tool
from ..actions.collections import chosen, said
from ..actions.slash import Said, spoken, usage
from ..engine.collections import COLLECTIONS, Collection
from ..engine.fields import summarize
from ..service import Service
from ..service.profiles import DEFAULT
from . import output
from .exits import OK
from .session import serve


def collection(args: Namespace) -> int:
    declared = COLLECTIONS[args.collection]
    asked = spoken(args.collection, [args.verb, *args.words])
    if args.verb == "list":
        return _list(args, declared, asked)
    assert asked.action is not None
    action = asked.action
    scope = Scope(args.profile or (DEFAULT if args.verb == "add" else ""))
    done = serve(args, lambda service: ACTIONS.do(service, scope, action.name, asked.arguments))
    if args.json:
        output.document(done.result)
    else:
        output.line(done.line)
    return OK


def _list(args: Namespace, collection: Collection, asked: Said) -> int:
    async def read(service: Service) -> list[dict[str, Any]]:
        items = await chosen(service, collection, args.profile or "", asked.arguments)
        return [said(collection, item) for item in items[: asked.arguments.get("limit")]]

    found = serve(args, read)
    if args.json:
        output.document(found)
    elif found:
        rows = [["" if value == "" else summarize(value) for value in row.values()] for row in found]
        output.table(list(found[0]), rows)
    else:
        example = usage(ACTIONS.named(f"{collection.name}_insert"))[1:]
        output.note(f"There are no {collection.name} here. To make one: pipetui {example}")
    return OK


def actions(args: Namespace) -> int:
    if args.json:
        output.document([tool(action)["function"] | {"changes": not action.reads} for action in ACTIONS.every])
    else:
        output.table(("command", "does"), [(usage(action), action.help) for action in ACTIONS.every])
    return OK
