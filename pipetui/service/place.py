"""Where the app was when it was last seen: written as it changes, so that a kill loses half a second of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..engine.jobs import OVER
from ..store import jobs, keyvalue, rev
from ..store.database import Database, Tx
from ..store.jobs import JobRow

_SPACE = ""  # the app's own part of the key-value store

MOST_NEWS = 50


class Place:
    """The app's own memory, in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self) -> dict[str, Any]:
        """Everything that was put, by name."""
        return await self._db.read(lambda tx: keyvalue.of(tx, _SPACE))

    async def put(self, values: Mapping[str, Any]) -> None:
        """Keep these values (JSON); the others stay as they are."""

        def work(tx: Tx) -> None:
            for name, value in values.items():
                keyvalue.put(tx, _SPACE, name, value)

        await self._db.write(work)

    async def news(self, since: int | None) -> tuple[int, list[JobRow]]:
        """(the rev now, the wanted jobs that ended or asked after the rev `since`); none of them when it is None."""

        def work(tx: Tx) -> tuple[int, list[JobRow]]:
            now = rev.current(tx)
            if since is None:
                return now, []
            found = [jobs.get(tx, id) for id in rev.since(tx, since).jobs]
            rows = [row for row in found if row is not None and row.superseded is None and _is_news(row)]
            rows.sort(key=lambda row: row.ended or row.queued, reverse=True)
            return now, rows[:MOST_NEWS]

        return await self._db.read(work)


def _is_news(job: JobRow) -> bool:
    return job.state in OVER or job.state == "waiting"
