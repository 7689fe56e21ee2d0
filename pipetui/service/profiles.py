"""Profiles: the client or project that the user works for."""

from __future__ import annotations

import time
import uuid

from ..engine.refusals import Refusal
from ..store import profiles
from ..store.database import Database, Tx
from ..store.profiles import Profile

DEFAULT = "default"


class Profiles:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def every(self) -> list[Profile]:
        return await self._db.read(profiles.every)

    async def find(self, name: str) -> Profile | None:
        return await self._db.read(lambda tx: profiles.named(tx, name))

    async def get(self, name: str = DEFAULT) -> Profile:
        """The profile of this name, made if there is none. Refusal when the name can't be one."""
        found = await self.find(name)
        return found if found is not None else await self._db.write(lambda tx: ensure(tx, name))

    async def rename(self, old: str, new: str) -> Profile:
        """Give a profile another name; its runs follow. Refusal."""

        def work(tx: Tx) -> Profile:
            found = profiles.named(tx, old)
            if found is None:
                raise Refusal(f"There is no profile {old!r}.")
            name = checked(new)
            if profiles.named(tx, name):
                raise Refusal(f"There is a profile {name!r} already.")
            profiles.rename(tx, found.id, name)
            return Profile(found.id, name, found.created)

        return await self._db.write(work)


def ensure(tx: Tx, name: str) -> Profile:
    """The profile of this name, made in this transaction if there is none. Refusal when the name can't be one."""
    name = checked(name)
    found = profiles.named(tx, name)
    if found is None:
        found = Profile(uuid.uuid4().hex, name, time.time())
        profiles.add(tx, found)
    return found


def checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 60 or not name.isprintable():
        raise Refusal("A profile's name has 1 to 60 characters, none of them invisible.")
    return name
