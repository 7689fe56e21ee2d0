"""The feed of changes: what any process wrote, told to a screen within half a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from ..store import rev
from ..store.database import Database
from ..store.rev import Changes

TICK = 0.25
"""Seconds between two looks, while something happens."""

IDLE_TICK = 0.5
IDLE_AFTER = 60.0
"""Seconds without a change after which it looks less often."""


class Feed:
    """A cursor of its own over everything that is written."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._version: int | None = None
        self._rev: int | None = None
        self._last_change = time.monotonic()

    async def look(self) -> Changes | None:
        """What changed since the last look; None when nothing did, or when it can't be told just now.

        The first look sets the cursor, whoever writes meanwhile: what is read after it misses nothing.
        """
        since = self._rev
        if since is None:
            self._rev = await self._db.read(rev.current)
            return None
        version = await self._db.data_version()
        if version is None or version == self._version:
            return None
        changes = await self._db.read(lambda tx: rev.since(tx, since))
        self._rev, self._version = changes.rev, version
        if not changes:
            return None
        self._last_change = time.monotonic()
        return changes

    async def changes(self) -> AsyncIterator[Changes]:
        """Changes as they come, without an end."""
        while True:
            changes = await self.look()
            if changes:
                yield changes
            idle = time.monotonic() - self._last_change > IDLE_AFTER
            await asyncio.sleep(IDLE_TICK if idle else TICK)
