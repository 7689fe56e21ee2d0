"""The feed: what another process wrote, seen here."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from pipetui.paths import Paths
from pipetui.service import Service


async def test_another_terminal_sees_what_this_one_wrote(home: Paths, service: Service) -> None:
    async with Service.open(home, starter=None) as other:
        feed = other.feed()
        assert await feed.look() is None
        run = (await service.runs.create("Ada", "hello")).id
        changes = await feed.look()
        assert changes is not None and changes.runs == {run} and changes.collections == {"profiles"}
        assert await feed.look() is None
        await service.runs.draft(run, "step_01", "half a na")
        assert await feed.look() is None, "a draft is nobody else's business"


async def test_changes_come_as_they_happen(home: Paths, service: Service) -> None:
    async with Service.open(home, starter=None) as other:
        feed = other.feed()
        await feed.look()  # sets its cursor: from here on it misses nothing
        waiting = asyncio.ensure_future(anext(feed.changes()))
        run = (await service.runs.create("Ada", "hello")).id
        changes = await asyncio.wait_for(waiting, 10)
        assert run in changes.runs


async def test_a_purged_run_is_told(home: Paths, service: Service) -> None:
    run = (await service.runs.create("Ada", "hello")).id
    feed = service.feed()
    await feed.look()
    await service.runs.shelve(run, "binned")
    await service.runs.empty_bin()
    changes = await feed.look()
    assert changes is not None and run in changes.runs


async def test_the_first_look_sets_the_cursor_while_somebody_commits(home: Paths, service: Service) -> None:
    feed = service.feed()
    with closing(sqlite3.connect(home.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        looking = asyncio.ensure_future(feed.look())
        await asyncio.sleep(0.05)
        other.execute("COMMIT")
    assert await looking is None
    run = (await service.runs.create("Ada", "hello")).id
    changes = await feed.look()
    assert changes is not None and changes.runs == {run}
