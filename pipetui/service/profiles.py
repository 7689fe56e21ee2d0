"""Profiles: the client or project that the user works for. What else one may do with them: service/collections.py."""

from __future__ import annotations

import time
import uuid

from ..engine.collections import PROFILES
from ..engine.refusals import Refusal
from ..store import collections, profiles
from ..store.database import Database, Tx
from ..store.profiles import Profile

DEFAULT = "default"


class Profiles:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, name: str = DEFAULT) -> Profile:
        """The profile of this name, made if there is none. Refusal when the name can't be one."""
        found = await self._db.read(lambda tx: profiles.named(tx, name))
        return found if found is not None else await self._db.write(lambda tx: ensure(tx, name))


def ensure(tx: Tx, name: str) -> Profile:
    """The profile of this name, made in this transaction if there is none. Refusal when the name can't be one."""
    name = checked(name)
    found = profiles.named(tx, name)
    if found is None:
        found = Profile(uuid.uuid4().hex, name, time.time())
        values = {column: field.default or "" for column, field in PROFILES.columns.members.items()} | {"name": name}
        collections.insert(tx, PROFILES, values, None, found.id, found.created)
    return found


def checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 60 or not name.isprintable():
        raise Refusal("A profile's name has 1 to 60 characters, none of them invisible.")
    return name
