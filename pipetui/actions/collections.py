"""The actions of every collection: list, insert, update, delete, toggle, sort; made from its declaration."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..engine.collections import COLLECTIONS, Collection
from ..engine.fields import Field, Group, Number, Switch, Text
from ..engine.refusals import Refusal
from ..engine.values import digest
from ..service.collections import placed, state
from ..text import count, one_line
from .action import Action, Args, Done, Effect, Plan, Scope
from .shown import labelled

if TYPE_CHECKING:
    from ..service import Service
    from ..store.collections import Item

MOST_LISTED = 30


def said(collection: Collection, item: Item) -> dict[str, Any]:
    """An item as JSON: what names it first."""
    handle = {} if collection.named_by else {collection.handle: item.id}
    return handle | dict(item.values) | ({"profile": item.owner} if collection.owned else {})


def _line(collection: Collection, item: Item) -> str:
    mark = "✓" if item.values[collection.toggles] else "·"
    number = "" if collection.named_by else f"{item.id:>4}  "
    rest = [
        f"{name} {item.values[name]}"
        for name in collection.columns.members
        if name not in (collection.title, collection.toggles) and item.values[name]
    ]
    return "  ".join([f"{number}{mark} {one_line(item.values[collection.title])}", *rest])


def _whole(collection: Collection, values: Args) -> str:
    """All columns, a line each."""
    return "\n".join(labelled(name, values[name]) for name in collection.columns.members if name in values)


def _of(collection: Collection, scope: Scope) -> str:
    return f" for {one_line(scope.profile, 60)}" if collection.owned else ""


def _name(collection: Collection, item: Item) -> str:
    title = one_line(item.values[collection.title], 80)
    return f"the {collection.one} {title!r}" + ("" if collection.named_by else f" ({item.id})")


async def _find(collection: Collection, service: Service, scope: Scope, args: Args) -> Item:
    return await service.collections.find(collection, args[collection.handle], scope.profile)


async def chosen(service: Service, collection: Collection, profile: str, args: Args) -> list[Item]:
    """The items that the arguments of a list ask for; without a profile those of all."""
    items = await service.collections.items(collection, profile, text=args.get("text", ""))
    if collection.toggles in args:
        items = [item for item in items if item.values[collection.toggles] == args[collection.toggles]]
    return items


async def _list(collection: Collection, service: Service, scope: Scope, args: Args) -> Done:
    items = await chosen(service, collection, scope.profile, args)
    shown = items[: int(args.get("limit", MOST_LISTED))]
    noun = collection.one if len(items) == 1 else collection.name
    whose = f" of {one_line(scope.profile, 60)}" if collection.owned else ""
    result = {collection.name: [said(collection, item) for item in shown], "count": len(items)}
    return Done(f"{count(len(items))} {noun}{whose}", result, "\n".join(_line(collection, item) for item in shown))


async def _insert(collection: Collection, service: Service, scope: Scope, args: Args) -> Plan:
    values = await service.collections.check(collection, args)

    async def carry_out() -> Done:
        item = await service.collections.insert(collection, values, scope.profile)
        return Done(f"Added: {_name(collection, item)}{_of(collection, scope)}.", said(collection, item))

    owner = scope.profile if collection.owned else ""
    effect = Effect(
        f"Add a {collection.one}{_of(collection, scope)}",
        "",
        _whole(collection, values),
        digest(collection.name, "insert", owner, values),
    )
    return Plan(effect, carry_out)


async def _update(collection: Collection, service: Service, scope: Scope, args: Args) -> Plan:
    item = await _find(collection, service, scope, args)
    given = {name: args[name] for name in collection.columns.members if name in args}
    given = await service.collections.check(collection, given, item.id)
    before = {name: item.values[name] for name in given if item.values[name] != given[name]}
    if not before:
        raise Refusal(f"Nothing would change: say what is to be different in {_name(collection, item)}.")
    after = {name: given[name] for name in before}

    async def carry_out() -> Done:
        changed = await service.collections.update(collection, item.id, after, expected=state(item))
        return Done(f"Changed: {_name(collection, changed)}.", said(collection, changed))

    return Plan(
        Effect(
            f"Change {_name(collection, item)}{_of(collection, scope)}",
            _whole(collection, before),
            _whole(collection, after),
            digest("update", state(item), after),
        ),
        carry_out,
    )


async def _delete(collection: Collection, service: Service, scope: Scope, args: Args) -> Plan:
    item = await _find(collection, service, scope, args)
    hanging = await service.collections.check_deletion(collection, item.id)

    async def carry_out() -> Done:
        await service.collections.delete(collection, item.id, expected=state(item))
        return Done(f"Deleted: {_name(collection, item)}.", {"deleted": said(collection, item)})

    return Plan(
        Effect(
            f"Delete {_name(collection, item)}{_of(collection, scope)} for good",
            "\n".join([_whole(collection, item.values), *hanging]),
            "",
            digest("delete", state(item), hanging),
        ),
        carry_out,
    )


async def _toggle(collection: Collection, service: Service, scope: Scope, args: Args) -> Plan:
    item = await _find(collection, service, scope, args)
    was = item.values[collection.toggles]
    mark = f"not {collection.toggles}" if was else collection.toggles

    async def carry_out() -> Done:
        turned = await service.collections.toggle(collection, item.id, expected=state(item))
        return Done(f"Marked as {mark}: {_name(collection, turned)}.", said(collection, turned))

    return Plan(
        Effect(
            f"Mark {_name(collection, item)}{_of(collection, scope)} as {mark}",
            labelled(collection.toggles, was),
            labelled(collection.toggles, not was),
            digest("toggle", state(item)),
        ),
        carry_out,
    )


async def _sort(collection: Collection, service: Service, scope: Scope, args: Args) -> Plan:
    item = await _find(collection, service, scope, args)
    place, total = await service.collections.place(collection, item)
    wanted = min(int(args["position"]), total)

    async def carry_out() -> Done:
        moved = await service.collections.move(collection, item.id, wanted, expected=placed(item, place))
        return Done(f"Moved to place {wanted}: {_name(collection, moved)}.", said(collection, moved))

    return Plan(
        Effect(
            f"Move {_name(collection, item)}{_of(collection, scope)}",
            f"place {count(place)} of {count(total)}",
            f"place {count(wanted)} of {count(total)}",
            digest("sort", placed(item, place), wanted),
        ),
        carry_out,
    )


def made(collection: Collection) -> list[Action]:
    """The actions of a collection."""
    one, many, columns = collection.one, collection.name, collection.columns.members
    handle: dict[str, Field] = {collection.handle: collection.handle_field}
    optional = {name: dataclasses.replace(field, optional=True, default=None) for name, field in columns.items()}
    whose = " of this profile" if collection.owned else ""

    def changing(verb: str, help: str, fields: Mapping[str, Field], plan: Any) -> Action:
        offered = verb == "insert"  # the screen has the rest, on the item itself
        return Action(f"{many}_{verb}", help, Group(fields), plan=partial(plan, collection), offered=offered)

    only = f"only those that are {collection.toggles}, or those that are not"
    filters = {
        "text": Text(optional=True, maximum=100, hint="only those with this text", label="text"),
        collection.toggles: Switch(default=None, optional=True, hint=only, label=collection.toggles),
        "limit": Number(optional=True, whole=True, minimum=1, maximum=200, hint="how many at most", label="at most"),
    }
    place = Number(whole=True, minimum=1, maximum=10_000, hint="its place, from 1", label="place")
    about = f"List the {many}{whose} in their order."
    return [
        Action(f"{many}_list", about, Group(filters), read=partial(_list, collection)),
        changing("insert", f"Add a {one}{' for this profile' if collection.owned else ''}.", columns, _insert),
        changing("update", f"Change a {one}{whose}; what is not given stays.", handle | optional, _update),
        changing("toggle", f"Mark a {one}{whose} as {collection.toggles}, or as not so.", handle, _toggle),
        changing("delete", f"Delete a {one}{whose} for good.", handle, _delete),
        changing("sort", f"Move a {one}{whose} to another place in its list.", handle | {"position": place}, _sort),
    ]


ACTIONS = tuple(action for collection in COLLECTIONS.values() for action in made(collection))
