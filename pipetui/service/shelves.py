"""Where runs lie: find and list them, give them another key, put them away. No workflow's code is needed for that."""

from __future__ import annotations

import time
from pathlib import Path

from ..engine import keys
from ..engine.refusals import Refusal
from ..paths import inside
from ..store import profiles as stored_profiles
from ..store import runs
from ..store.database import Database, Tx
from ..store.runs import RunLine, RunRow, Shelf


class Shelves:
    def __init__(self, db: Database, downloads: Path) -> None:
        self._db = db
        self._downloads = downloads

    async def next_part(self, profile: str, app_name: str) -> str:
        """The part that is proposed for a new run."""

        def work(tx: Tx) -> str:
            owner = stored_profiles.named(tx, profile)
            return keys.next_part(runs.parts(tx, owner.id, app_name) if owner else ())

        return await self._db.read(work)

    async def find(self, profile: str, app_name: str, key: str) -> RunRow | None:
        """The run that a person means by a key or part. Refusal when it can't be one."""
        part = part_from(key, profile, app_name)

        def work(tx: Tx) -> RunRow | None:
            owner = stored_profiles.named(tx, profile)
            return runs.keyed(tx, owner.id, app_name, part) if owner else None

        return await self._db.read(work)

    async def keyed(self, key: str) -> RunRow:
        """The run with this whole key or id. Refusal when there is none."""
        found = await self._db.read(lambda tx: runs.find(tx, key))
        if not found:
            raise Refusal(f"There is no run {key}: `pipetui runs` lists them.")
        if len(found) > 1:
            raise Refusal(f"{key} names {len(found)} runs; use the id: {', '.join(row.id for row in found)}.")
        return found[0]

    async def lines(
        self,
        *,
        profile: str | None = None,
        app_name: str | None = None,
        shelf: Shelf | None = "active",
        text: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> list[RunLine]:
        """A page of runs, the last changed first."""

        def work(tx: Tx) -> list[RunLine]:
            owner = stored_profiles.named(tx, profile) if profile is not None else None
            if profile is not None and owner is None:
                return []
            return runs.lines(
                tx,
                shelf=shelf,
                profile_id=owner.id if owner else None,
                app_name=app_name,
                text=text,
                limit=limit,
                offset=offset,
            )

        return await self._db.read(work)

    async def row(self, run: str) -> RunRow:
        """A run as it is stored. Refusal when it is gone."""
        row = await self._db.read(lambda tx: runs.get(tx, run))
        if row is None:
            raise Refusal("This run is gone: it was removed for good.")
        return row

    async def rename(self, run: str, part: str) -> RunRow:
        """Give a run another key; its files stay where they are. Refusal."""

        def work(tx: Tx) -> None:
            row = _present(tx, run)
            new = part_from(part, row.profile, row.app_name)
            taken = runs.keyed(tx, row.profile_id, row.app_name, new)
            if taken and taken.id != run:
                raise Refusal(f"There is a run {keys.compose(row.profile, row.app_name, new)} already.")
            runs.rename(tx, run, new)

        await self._db.write(work)
        return await self.row(run)

    async def shelve(self, run: str, shelf: Shelf) -> None:
        """Archive a run, put it into the bin, or take it back ('active'). Refusal when its key is taken by now."""

        def work(tx: Tx) -> None:
            row = _present(tx, run)
            if row.binned is not None and shelf != "binned":
                taken = runs.keyed(tx, row.profile_id, row.app_name, row.part)
                if taken:
                    key = keys.compose(row.profile, row.app_name, row.part)
                    raise Refusal(f"There is another run {key} by now: rename that one, then take this one back.")
            if shelf == "binned" and runs.has_running_job(tx, run):
                raise Refusal("A job of this run is running: cancel it first, then delete the run.")
            runs.shelve(tx, run, shelf, time.time())

        await self._db.write(work)

    async def empty_bin(self) -> int:
        """Remove the runs in the bin for good, with their files; how many there were."""

        def work(tx: Tx) -> list[RunRow]:
            rows = runs.binned(tx)
            for row in rows:
                runs.purge(tx, row.id)
            return rows

        import shutil  # dear, and seldom wanted

        rows = await self._db.write(work)
        for row in rows:
            shutil.rmtree(inside(self._downloads, row.folder), ignore_errors=True)
        return len(rows)


def _present(tx: Tx, run: str) -> RunRow:
    row = runs.get(tx, run)
    if row is None:
        raise Refusal("This run is gone: it was removed for good.")
    return row


def part_from(text: str, profile: str, app_name: str) -> str:
    """The part, as it is stored, that a person means who typed it or the whole key. Refusal when it can't be one."""
    try:
        return keys.part_of(text, profile, app_name)
    except ValueError as error:
        raise Refusal(str(error)) from None
