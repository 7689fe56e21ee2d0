"""Collections: what one may do with the items of any. Names are checked and refusals are sentences, whoever asks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..engine.collections import PROFILES, TASKS, Collection
from ..engine.fields import Invalid
from ..engine.refusals import Moved, Refusal
from ..engine.values import Value, digest
from ..secrets import SecretError
from ..store import collections, runs
from ..store import profiles as stored_profiles
from ..store.collections import Item
from ..store.database import Tx
from ..text import count, meant, one_line
from . import profiles

if TYPE_CHECKING:
    from .service import Service

MOST = 2_000
"""Items of one list."""

_CHANGED = "This {one} was changed meanwhile: nothing was done. Look at it as it is now, then try again."


def state(item: Item) -> str:
    """A hash of an item as it is, so that whoever changes it changes what was seen. Its place is not in it."""
    return digest(item.id, item.owner, dict(item.values))


class Collections:
    """`profile` is a profile's name; None or '' means the items of all. `expected` is a `state`: Moved for another."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._db = service.db

    async def items(
        self, collection: Collection, profile: str | None = None, *, text: str = "", limit: int = MOST
    ) -> list[Item]:
        """The items in their order; `text` must be in one of their texts."""

        def work(tx: Tx) -> list[Item]:
            if not collection.owned or not profile:
                return collections.items(tx, collection, text=text, limit=limit)
            owner = stored_profiles.named(tx, profile)
            return collections.items(tx, collection, owner=owner.id, text=text, limit=limit) if owner else []

        return await self._db.read(work)

    async def find(self, collection: Collection, handle: Any, profile: str | None = None) -> Item:
        """The item of this number, or of exactly this name. Refusal, with the nearest, when the profile has none."""
        if not collection.named_by:
            found = await self._db.read(lambda tx: collections.get(tx, collection, int(handle)))
            if found is None or (profile and found.owner != profile):
                whose = f" of {one_line(profile, 60)}" if profile else ""
                raise Refusal(
                    f"There is no {collection.one} {handle}{whose}: {collection.name}_list has their numbers."
                )
            return found
        found = await self._db.read(lambda tx: collections.called(tx, collection, handle))
        if found is None:
            names = [str(item.values[collection.named_by]) for item in await self.items(collection)]
            raise Refusal(f"There is no {collection.one} {one_line(handle, 60)!r}{meant(handle, names)}")
        return found

    async def insert(self, collection: Collection, given: Mapping[str, Any], profile: str = "") -> Item:
        """A new item at the end of its list; what is not given has its default. Invalid or Refusal."""
        values = {name: given.get(name, field.default) for name, field in collection.columns.members.items()}

        def work(tx: Tx) -> Item:
            owner = profiles.ensure(tx, profile).id if collection.owned else None
            if collections.count(tx, collection, owner) >= MOST:
                raise Refusal(f"There are {count(MOST)} {collection.name} already, which is the most.")
            return add(tx, collection, values, owner)

        return await self._db.write(work)

    async def update(
        self, collection: Collection, id: int | str, given: Mapping[str, Any], *, expected: str | None = None
    ) -> Item:
        """Change some columns of an item. Invalid or Refusal."""

        def work(tx: Tx) -> Item:
            _there(tx, collection, id, expected)
            values = _checked(tx, collection, given, id)
            collections.update(tx, collection, id, values)
            return _there(tx, collection, id)

        return await self._db.write(work)

    async def delete(self, collection: Collection, id: int | str, *, expected: str | None = None) -> Item:
        """Remove an item for good, with what belongs to it. Refusal when something still needs it."""

        def work(tx: Tx) -> Item:
            item = _there(tx, collection, id, expected)
            if collection is PROFILES:
                _check_unused(tx, item)
            collections.delete(tx, collection, id)
            return item

        item = await self._db.write(work)
        if collection is PROFILES:
            try:
                self._service.secrets.remove_all(str(id))
            except SecretError as error:
                raise Refusal(f"The profile is deleted, but not all that was its: {error}") from None
        return item

    async def toggle(self, collection: Collection, id: int | str, *, expected: str | None = None) -> Item:
        """Turn an item's switch."""

        def work(tx: Tx) -> Item:
            item = _there(tx, collection, id, expected)
            collections.update(tx, collection, id, {collection.toggles: not item.values[collection.toggles]})
            return _there(tx, collection, id)

        return await self._db.write(work)

    async def move(self, collection: Collection, id: int | str, place: int, *, expected: str | None = None) -> Item:
        """Put an item to a place of its list, from 1; beyond the end is the end. `expected`: also its place then."""

        def work(tx: Tx) -> Item:
            item = _there(tx, collection, id)
            before = collections.order(tx, collection, item)
            after = list(before)
            if expected is not None and placed(item, after.index(id) + 1) != expected:
                raise Moved(_CHANGED.format(one=collection.one))
            after.remove(id)
            after.insert(max(0, place - 1), id)
            moved = {each: number for number, each in enumerate(after, 1) if before[each] != number}
            collections.arrange(tx, collection, moved)
            return _there(tx, collection, id)

        return await self._db.write(work)

    async def place(self, collection: Collection, item: Item) -> tuple[int, int]:
        """(an item's place in its list, from 1, how many there are)."""

        def work(tx: Tx) -> tuple[int, int]:
            order = list(collections.order(tx, collection, _there(tx, collection, item.id)))
            return order.index(item.id) + 1, len(order)

        return await self._db.read(work)

    async def check(
        self, collection: Collection, given: Mapping[str, Any], id: int | str | None = None
    ) -> dict[str, Value]:
        """The columns as they would be stored for this item, or for a new one. Invalid or Refusal."""
        return await self._db.read(lambda tx: _checked(tx, collection, given, id))

    async def check_deletion(self, collection: Collection, id: int | str) -> list[str]:
        """What would go with an item if it was deleted, in words. Refusal when it can't be."""

        def work(tx: Tx) -> list[str]:
            item = _there(tx, collection, id)
            if collection is not PROFILES:
                return []
            _check_unused(tx, item)
            tasks = collections.count(tx, TASKS, str(id))
            return [f"and {count(tasks)} {'task' if tasks == 1 else 'tasks'}"] if tasks else []

        return await self._db.read(work)


def placed(item: Item, place: int) -> str:
    """A hash of an item and of its place."""
    return digest(state(item), place)


def add(tx: Tx, collection: Collection, values: Mapping[str, Any], owner: str | None) -> Item:
    """Add an item in this transaction; `owner` is a profile's id. Invalid or Refusal for its values."""
    id = uuid.uuid4().hex if collection.named_by else None
    values = _checked(tx, collection, values, None)
    return _there(tx, collection, collections.insert(tx, collection, values, owner, id, time.time()))


def _there(tx: Tx, collection: Collection, id: int | str, expected: str | None = None) -> Item:
    item = collections.get(tx, collection, id)
    if item is None:
        raise Refusal(f"This {collection.one} is gone: it was deleted.")
    if expected is not None and state(item) != expected:
        raise Moved(_CHANGED.format(one=collection.one))
    return item


def _checked(tx: Tx, collection: Collection, given: Mapping[str, Any], id: int | str | None) -> dict[str, Value]:
    """The values as they are stored. Invalid, with the column, or Refusal for a name that another one has."""
    members = collection.columns.members
    values: dict[str, Value] = {}
    for name, value in given.items():
        if name not in members:
            raise Refusal(f"There is no {one_line(name, 60)!r} here{meant(name, members)}")
        try:
            field = members[name]
            values[name] = _RULES.get((collection.name, name), _same)(field.check("" if value is None else value))
        except Invalid as invalid:
            raise Invalid(str(invalid), at=name) from None
    if collection.named_by in values:
        other = collections.called(tx, collection, str(values[collection.named_by]))
        if other is not None and other.id != id:
            name = one_line(values[collection.named_by], 60)
            raise Invalid(f"There is a {collection.one} {name!r} already.", at=collection.named_by)
    return values


def _same(value: Value) -> Value:
    return value


def _profile_name(value: Value) -> Value:
    try:
        return profiles.checked(str(value))
    except Refusal as refusal:
        raise Invalid(str(refusal)) from None


_RULES: Mapping[tuple[str, str], Callable[[Value], Value]] = {("profiles", "name"): _profile_name}
"""What a column wants beside its field."""


def _check_unused(tx: Tx, item: Item) -> None:
    """Refusal while a profile has runs."""
    kept = sum(runs.count(tx, shelf=shelf, profile_id=str(item.id)) for shelf in ("active", "archived"))
    binned = runs.count(tx, shelf="binned", profile_id=str(item.id))
    if kept or binned:
        total = f"{count(kept + binned)} {'run' if kept + binned == 1 else 'runs'}"
        bin = f" ({count(binned)} in the bin)" if binned else ""
        name = one_line(item.values["name"], 60)
        raise Refusal(f"{name} still has {total}{bin}: delete them and empty the bin first, or make it inactive.")
