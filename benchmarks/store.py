"""What the store costs: submits a second (FULL), opening with 10,000 runs, a page of the runs list, and a search over
100,000 messages (to reach: 100 ms), common words and rare ones.

python -m benchmarks.store
Each figure stands beside its floor: the same bytes written, or the same rows read, by bare sqlite3.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from pipetui.engine import record as records
from pipetui.engine.transitions import Moment
from pipetui.paths import paths
from pipetui.service import Service
from pipetui.service.profiles import ensure
from pipetui.store import conversations, events, messages, runs
from pipetui.store.database import Tx
from pipetui.store.runs import RunRow

RUNS = 10_000
MESSAGES = 100_000
WORDS = [
    "canonical",
    "redirect",
    "crawl",
    "depth",
    "title",
    "anchor",
    "noindex",
    "sitemap",
    "robots",
    "hreflang",
    "page",
    "link",
    "the",
    "of",
    "and",
    "is",
]


def say(tx: Tx) -> None:
    """Messages of 40 words, the last of which names each."""
    where = conversations.add(tx, "", "Bench", 1.0).id
    for number in range(MESSAGES):
        text = " ".join(WORDS[(number * 7 + place * place) % len(WORDS)] for place in range(40))
        messages.add(tx, where, "user", "user", f"{text} number{number}", 1.0)


async def searched(service: Service, text: str) -> float:
    """Median seconds of a search, as the dialog of the conversations makes it."""
    spent = []
    for _ in range(10):
        start = time.perf_counter()
        assert await service.conversations.search(text)
        spent.append(time.perf_counter() - start)
    return median(spent)


def fill(tx: Tx) -> None:
    owner = ensure(tx, "bench")
    for number in range(RUNS):
        record = {**records.new("2026-01-01T00:00:00+00:00"), "step_01": {"name": f"Ada {number}"}}
        row = RunRow(f"{number:032x}", owner.id, owner.name, "hello", f"{number:05}", f"hello/{number}", 1, record,
                     "step_02", number, number)  # fmt: skip
        runs.add(tx, row)
        events.add(tx, row.id, 1, number, "user", Moment(record, records.Change.between({}, record), "create"))


def timed(work: Callable[[], object], times: int) -> float:
    """Median seconds."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return median(spent)


def bare_commits(folder: Path, times: int) -> float:
    db = sqlite3.connect(folder / "floor.db", isolation_level=None)
    db.executescript("PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=FULL; CREATE TABLE t (a TEXT, b TEXT)")

    def commit() -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t VALUES (?, ?)", ("x" * 300, "y" * 300))
        db.execute("COMMIT")

    try:
        return timed(commit, times)
    finally:
        db.close()


async def submits(service: Service, times: int) -> float:
    run = (await service.runs.create("bench", "hello", "submits")).id
    spent = []
    for number in range(times):
        start = time.perf_counter()
        await service.runs.submit(run, "name", f"Ada {number}")
        spent.append(time.perf_counter() - start)
        await service.runs.undo(run)
    return median(spent)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PIPETUI_HOME"] = folder
        home = paths()
        async with Service.open(home, starter=None) as service:
            await service.db.write(fill)
            floor = bare_commits(Path(folder), 200)
            submit = await submits(service, 200)
            print(
                f"submit             {submit * 1e3:7.2f} ms  {1 / submit:6.0f}/s  {submit / floor:5.2f} × a bare commit"
            )
            start = time.perf_counter()
            lines = await service.runs.lines(profile="bench", limit=100)
            page = time.perf_counter() - start
            assert len(lines) == 100
            start = time.perf_counter()
            await service.runs.lines(profile="bench", limit=100, offset=RUNS - 200)
            last = time.perf_counter() - start
            print(f"page of 100 runs   {page * 1e3:7.2f} ms  the last one {last * 1e3:.2f} ms")

        async with Service.open(home, starter=None) as service:
            await service.db.write(say)
            for text in ("canonical redir", f"number{MESSAGES // 2}"):
                took = await searched(service, text)
                print(f"search             {took * 1e3:7.2f} ms  {text!r} in {MESSAGES:,} messages (to reach: 100 ms)")

        def bare_open() -> None:
            db = sqlite3.connect(home.database)
            db.execute("SELECT count(*) FROM runs").fetchone()
            db.close()

        floor = timed(bare_open, 20)
        spent = []
        for _ in range(20):
            start = time.perf_counter()
            async with Service.open(home, starter=None) as service:
                await service.runs.lines(limit=10)
            spent.append(time.perf_counter() - start)
        opened = median(spent)
        print(f"open, first 10     {opened * 1e3:7.2f} ms  {opened / floor:5.2f} × bare sqlite3, {RUNS:,} runs")


if __name__ == "__main__":
    asyncio.run(main())
