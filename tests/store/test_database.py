"""The database under cancellation, other processes, full disks, kills and files that are no databases."""

import asyncio
import gc
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import aiosqlite
import pytest

from pipetui.store.connection import COMMIT_TRIES
from pipetui.store.database import Database, Tx
from pipetui.store.errors import (
    Busy,
    Closed,
    Damaged,
    DiskFailed,
    DiskFull,
    NewerSchema,
    NotADatabase,
    NotOurs,
    StoreError,
    Unreachable,
)

MIGRATIONS = (
    """
    CREATE TABLE ledger (id INTEGER PRIMARY KEY, side TEXT, note TEXT);
    CREATE TABLE counter (n INTEGER, version INTEGER);
    INSERT INTO counter VALUES (0, 1);
    CREATE TABLE child (parent INTEGER REFERENCES ledger(id));
    """,
)

# Every child process starts with this: the same schema, and its path as the first argument.
CHILD = f"""
import asyncio, os, sys
from pathlib import Path
from pipetui.store.database import Database
from pipetui.store.errors import StoreError
MIGRATIONS = {MIGRATIONS!r}
path = Path(sys.argv[1])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pipetui.db"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    db = await Database.open(path, MIGRATIONS)
    yield db
    await db.close()


def pair(note: str):
    """A transaction of two rows, of which there must never be one."""

    def work(tx: Tx) -> None:
        tx.execute("INSERT INTO ledger (side, note) VALUES ('debit', ?)", (note,))
        tx.execute("INSERT INTO ledger (side, note) VALUES ('credit', ?)", (note,))

    return work


def count(tx: Tx) -> int:
    return tx.execute("SELECT count(*) FROM ledger").fetchone()[0]


def notes(tx: Tx) -> dict[str, int]:
    return {row["note"]: row["n"] for row in tx.execute("SELECT note, count(*) n FROM ledger GROUP BY note")}


def raw(path: Path, **options: object) -> sqlite3.Connection:
    """A connection of somebody else, which doesn't wait."""
    return sqlite3.connect(path, timeout=0, isolation_level=None, **options)


def child(code: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + code, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def connection_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "_connection_worker_thread" in thread.name]


def assert_no_connection_threads() -> None:
    for thread in connection_threads():  # one that was told to end may need a moment more
        thread.join(10)
    assert connection_threads() == []


# --- what a transaction is


async def test_a_write_is_there_for_everybody_once_it_returns(db: Database, path: Path) -> None:
    await db.write(pair("a"))
    assert await db.read(count) == 2
    assert count(raw(path)) == 2


async def test_an_exception_undoes_the_whole_transaction(db: Database) -> None:
    def work(tx: Tx) -> None:
        pair("a")(tx)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await db.write(work)
    assert await db.read(count) == 0
    await db.write(pair("b"))


async def test_constraints_reach_the_caller_as_they_are(db: Database) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await db.write(lambda tx: tx.execute("INSERT INTO child VALUES (7)").rowcount)


async def test_a_read_sees_one_state(db: Database, path: Path) -> None:
    def work(tx: Tx) -> tuple[int, int]:
        before = count(tx)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            raw(path).execute("DELETE FROM counter")
        return before, count(tx)

    assert await db.read(work) == (0, 0)


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(StoreError):
        await db.read(pair("a"))
    assert await db.read(count) == 0


async def test_a_transaction_function_may_not_end_its_transaction(db: Database) -> None:
    def work(tx: Tx) -> None:
        tx.commit()

    with pytest.raises(RuntimeError, match="must not commit"):
        await db.write(work)
    await db.write(pair("a"))


async def test_a_cursor_may_not_leave_its_transaction(db: Database, path: Path) -> None:
    with pytest.raises(TypeError, match="not a cursor"):
        await db.read(lambda tx: tx.execute("SELECT * FROM counter"))
    raw(path).execute("BEGIN EXCLUSIVE")


async def test_each_connection_has_the_settings_of_the_design(db: Database) -> None:
    def settings(tx: Tx) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "busy_timeout", "fullfsync")
        return [tx.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    for run in (db.read, db.write):
        assert await run(settings) == ["truncate", 2, 1, 0, 5000, 1]


async def test_a_closed_database_says_so(path: Path) -> None:
    db = await Database.open(path, MIGRATIONS)
    await db.close()
    await db.close()
    for ask in (db.read(count), db.write(count), db.data_version(), db.integrity()):
        with pytest.raises(Closed):
            await ask


# --- cancellation


async def test_aiosqlite_is_as_we_rely_on_it(path: Path) -> None:
    """If this fails, aiosqlite has changed: look at `_Thread` in store/database.py."""
    connection = aiosqlite.Connection(lambda: sqlite3.connect(":memory:"), iter_chunk_size=64)
    connection._thread.daemon = True
    await connection
    assert isinstance(connection._conn, sqlite3.Connection)

    entered, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def work(argument: str) -> threading.Thread:
        entered.set()
        go_on.wait(10)
        ended.set()
        return threading.current_thread()

    asker = asyncio.create_task(connection._execute(work, "argument"))
    await asyncio.to_thread(entered.wait, 10)
    asker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asker
    assert not ended.is_set()
    go_on.set()
    assert await connection._execute(work, "argument") is connection._thread
    assert ended.is_set()
    connection.stop()
    await asyncio.to_thread(connection._thread.join, 10)
    assert not connection._thread.is_alive()


async def test_a_cancelled_asker_does_not_stop_the_transaction(db: Database) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def work(tx: Tx) -> None:
        entered.set()
        go_on.wait(10)
        pair("a")(tx)

    asker = asyncio.create_task(db.write(work))
    await asyncio.to_thread(entered.wait, 10)
    waiting = asyncio.create_task(db.write(pair("b")))
    await asyncio.sleep(0)
    for task in (asker, waiting):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    go_on.set()
    await db.write(lambda tx: None)
    assert await db.read(notes) == {"a": 2, "b": 2}


async def test_500_tasks_cancelled_at_random_instants_leave_no_half_and_no_lock(db: Database, path: Path) -> None:
    chance = random.Random(500)
    acknowledged: set[str] = set()

    async def one(note: str) -> None:
        await db.write(pair(note))
        acknowledged.add(note)
        await db.read(count)

    start = monotonic()
    for number in range(10):
        await one(f"uncancelled-{number}")
    usual = (monotonic() - start) / 10
    acknowledged.clear()
    cancelled = 0
    for group in range(100):
        tasks = [asyncio.create_task(one(f"{group}-{number}")) for number in range(5)]
        for task in chance.sample(tasks, len(tasks)):
            await asyncio.sleep(2 * usual * chance.random())
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        cancelled += sum(task.cancelled() for task in tasks)
    assert cancelled
    assert acknowledged
    await db.write(lambda tx: None)  # behind all that was handed over

    saved = await db.read(notes)
    assert set(saved.values()) == {2}
    assert acknowledged <= set(saved)
    other = raw(path)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("ROLLBACK")
    assert await db.integrity() == []


async def test_a_frozen_event_loop_holds_no_lock(db: Database, path: Path) -> None:
    task = asyncio.create_task(db.write(pair("a")))
    await asyncio.sleep(0)  # handed over; from here on the loop stands still
    other = sqlite3.connect(path, timeout=10, isolation_level=None)
    seen: dict[str, int] = {}
    while not seen:
        other.execute("BEGIN IMMEDIATE")
        seen = dict(other.execute("SELECT note, count(*) FROM ledger GROUP BY note").fetchall())
        other.execute("COMMIT")
    assert seen == {"a": 2}
    assert not task.done()
    await task


# --- other processes


INCREMENT = """
async def main():
    db = await Database.open(path, MIGRATIONS, timeout=30)
    conflicts = 0
    for _ in range(200):
        while True:
            n, version = await db.read(lambda tx: tuple(tx.execute("SELECT n, version FROM counter").fetchone()))
            changed = await db.write(lambda tx: tx.execute(
                "UPDATE counter SET n = ?, version = version + 1 WHERE version = ?", (n + 1, version)).rowcount)
            if changed:
                break
            conflicts += 1
    await db.close()
    print(conflicts)
asyncio.run(main())
"""


async def test_two_processes_with_200_version_checked_increments_each_make_400(db: Database, path: Path) -> None:
    both = [child(INCREMENT, path) for _ in range(2)]
    answers = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    n, version = await db.read(lambda tx: tuple(tx.execute("SELECT n, version FROM counter").fetchone()))
    assert (n, version) == (400, 401)


async def test_the_loser_of_a_conflict_is_told(path: Path, db: Database) -> None:
    second = await Database.open(path, MIGRATIONS)
    change = "UPDATE counter SET n = n + 1, version = version + 1 WHERE version = 1"
    assert await db.write(lambda tx: tx.execute(change).rowcount) == 1
    assert await second.write(lambda tx: tx.execute(change).rowcount) == 0
    await second.close()


WRITE_WITHOUT_END = """
async def main():
    db = await Database.open(path, MIGRATIONS, timeout=30)
    number = 0
    while True:
        def work(tx):
            for side in ("debit", "credit"):
                tx.execute("INSERT INTO ledger (side, note) VALUES (?, ?)", (side, f"{os.getpid()}-{number}"))
                tx.execute("UPDATE counter SET n = n + 1")
        await db.write(work)
        print(number, flush=True)
        number += 1
asyncio.run(main())
"""


async def test_kill_9_of_a_writer_costs_the_other_process_nothing(db: Database, path: Path) -> None:
    chance = random.Random(9)
    for round_ in range(4):
        writer = child(WRITE_WITHOUT_END, path)
        last = -1
        for _ in range(chance.randint(2, 30)):
            last = int(writer.stdout.readline())
        await db.write(pair(f"mine-{round_}"))
        writer.kill()
        last = int((writer.communicate()[0].split() or [last])[-1])

        saved = await db.read(notes)
        assert set(saved.values()) == {2}
        theirs = [note for note in saved if note.startswith(f"{writer.pid}-")]
        assert len(theirs) in (last + 1, last + 2)  # the last one may be saved and not yet said
        assert await db.integrity() == []
    assert len([note for note in saved if note.startswith("mine-")]) == 4


async def test_a_lock_that_is_not_given_up_is_busy(path: Path) -> None:
    db = await Database.open(path, MIGRATIONS, timeout=0.02)
    other = raw(path)
    other.execute("BEGIN EXCLUSIVE")
    for ask in (db.write(pair("a")), db.read(count)):
        with pytest.raises(Busy, match="for too long: nothing was changed"):
            await ask
    with pytest.raises(Busy):
        await Database.open(path, MIGRATIONS, timeout=0.02)
    other.execute("ROLLBACK")
    assert await db.read(count) == 0
    await db.write(pair("a"))
    await db.close()


async def test_a_busy_commit_is_repeated_as_commit(path: Path) -> None:
    db = await Database.open(path, MIGRATIONS, timeout=0.02)
    reader = raw(path, check_same_thread=False)
    reader.execute("BEGIN")
    count(reader)
    said: list[str] = []

    def listen(statement: str) -> None:
        said.append(statement)
        if said.count("COMMIT") == 2:
            reader.execute("ROLLBACK")

    def work(tx: Tx) -> None:
        tx.set_trace_callback(listen)
        pair("a")(tx)

    await db.write(work)
    assert said.count("COMMIT") == 2
    assert "ROLLBACK" not in said
    assert count(raw(path)) == 2
    await db.close()


async def test_a_commit_that_stays_busy_is_undone(path: Path) -> None:
    db = await Database.open(path, MIGRATIONS, timeout=0.01)
    reader = raw(path)
    reader.execute("BEGIN")
    count(reader)
    said: list[str] = []

    def work(tx: Tx) -> None:
        tx.set_trace_callback(said.append)
        pair("a")(tx)

    with pytest.raises(Busy):
        await db.write(work)
    assert said.count("COMMIT") == COMMIT_TRIES
    reader.execute("ROLLBACK")
    assert await db.read(count) == 0
    await db.write(pair("b"))
    assert await db.read(notes) == {"b": 2}
    await db.close()


async def test_data_version_changes_with_every_commit_and_is_none_when_busy(path: Path, db: Database) -> None:
    other = raw(path)
    first = await db.data_version()
    assert first is not None
    assert await db.data_version() == first
    await db.write(pair("mine"))
    second = await db.data_version()
    assert second != first
    pair("theirs")(other)
    await db.read(count)  # a read in between hides nothing
    third = await db.data_version()
    assert third not in (first, second)
    other.execute("BEGIN EXCLUSIVE")
    assert await db.data_version() is None
    other.execute("ROLLBACK")
    assert await db.data_version() == third
    assert await db.read(lambda tx: tx.execute("PRAGMA busy_timeout").fetchone()[0]) == 5000


# --- disks


async def test_a_full_disk_saves_nothing_damages_nothing_and_goes_on(db: Database) -> None:
    def fill(tx: Tx) -> None:
        pair("lost")(tx)
        tx.execute(f"PRAGMA max_page_count={tx.execute('PRAGMA page_count').fetchone()[0]}")
        tx.execute("INSERT INTO ledger (note) VALUES (zeroblob(1000000))")

    await db.write(pair("before"))
    for _ in range(2):
        with pytest.raises(DiskFull, match=r"The disk is full: nothing was saved, nothing is damaged\. Free"):
            await db.write(fill)
    assert await db.read(notes) == {"before": 2}
    assert await db.integrity() == []
    await db.write(lambda tx: tx.execute("PRAGMA max_page_count=1000000").fetchone())
    await db.write(pair("after"))
    assert await db.read(notes) == {"before": 2, "after": 2}


LIMITED = """
import resource
big = lambda tx: tx.execute("INSERT INTO ledger (note) VALUES (zeroblob(300000))").rowcount
async def main():
    db = await Database.open(path, MIGRATIONS)
    free = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, free[1]))
    for _ in range(3):
        try:
            await db.write(big)
        except StoreError as error:
            print(type(error).__name__, await db.integrity())
    resource.setrlimit(resource.RLIMIT_FSIZE, free)
    print(await db.write(big))
    await db.close()
asyncio.run(main())
"""


def test_a_disk_that_refuses_at_the_commit_is_survived(path: Path) -> None:
    process = child(LIMITED, path)
    out, err = process.communicate(timeout=30)
    assert out.splitlines() == [f"{DiskFailed.__name__} []"] * 3 + ["1"], err
    assert count(raw(path)) == 1


async def test_a_database_that_was_deleted_under_us_saves_nothing_silently(db: Database, path: Path) -> None:
    path.unlink()
    with pytest.raises(Unreachable, match="moved or deleted"):
        await db.write(pair("a"))


# --- places and files that are refused


async def test_file_and_folder_are_for_their_owner_alone(path: Path, db: Database) -> None:
    await db.write(pair("a"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}


async def test_permissions_that_were_too_wide_are_narrowed(path: Path) -> None:
    await (await Database.open(path, MIGRATIONS)).close()
    path.chmod(0o644)
    await (await Database.open(path, MIGRATIONS)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file" / "pipetui.db", tmp_path / "file" / "below" / "pipetui.db"):
        with pytest.raises(Unreachable, match="Nothing was changed"):
            await Database.open(path, MIGRATIONS)
    assert (tmp_path / "file").read_text() == "mine"


async def test_a_folder_of_another_owner_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = tmp_path / "theirs"
        folder.mkdir()
        os.chown(folder, 12345, 12345)
    else:
        folder = Path("/")
    with pytest.raises(Unreachable, match="belongs to another user"):
        await Database.open(folder / "pipetui.db", MIGRATIONS)
    assert not (folder / "pipetui.db").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
async def test_a_read_only_folder_or_file_is_refused(path: Path) -> None:
    await (await Database.open(path, MIGRATIONS)).close()
    path.chmod(0o400)
    with pytest.raises(Unreachable, match="You may not write to the database"):
        await Database.open(path, MIGRATIONS)
    path.chmod(0o600)
    path.parent.chmod(0o500)
    with pytest.raises(Unreachable, match="You may not write in the folder"):
        await Database.open(path, MIGRATIONS)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
async def test_a_place_where_nobody_can_create_a_file_is_refused() -> None:
    for path in (Path("/proc/pipetui.db"), Path("/proc/pipetui/pipetui.db")):
        with pytest.raises(Unreachable):
            await Database.open(path, MIGRATIONS)


async def test_a_directory_is_no_database(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(Unreachable, match="can't be opened"):
        await Database.open(path, MIGRATIONS)


async def test_a_file_that_is_no_database_is_refused_and_kept(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("Dear diary, " * 1000)
    with pytest.raises(NotADatabase, match="is not a database"):
        await Database.open(path, MIGRATIONS)
    assert path.read_text() == "Dear diary, " * 1000


async def test_another_programs_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    raw(path).execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(NotOurs, match="of another program"):
        await Database.open(path, MIGRATIONS)
    assert [row[0] for row in raw(path).execute("SELECT name FROM sqlite_schema")] == ["bookmarks"]


async def test_a_newer_database_is_refused(path: Path) -> None:
    await (await Database.open(path, (*MIGRATIONS, "CREATE TABLE future (x)"))).close()
    with pytest.raises(NewerSchema, match="its version is 2, this program knows 1"):
        await Database.open(path, MIGRATIONS)


async def test_a_damaged_database_says_so(path: Path) -> None:
    db = await Database.open(path, MIGRATIONS)
    for number in range(200):
        await db.write(
            lambda tx, n=number: tx.execute("INSERT INTO ledger (note) VALUES (?)", ("x" * 500 + str(n),)).rowcount
        )
    await db.close()
    with path.open("r+b") as file:  # no SQLite has it open in this process
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 16384)
    db = await Database.open(path, MIGRATIONS)
    with pytest.raises(Damaged, match=r"is damaged.*pipetui restore"):
        await db.read(lambda tx: tx.execute("SELECT note FROM ledger").fetchall())
    assert await db.integrity() != []
    await db.close()


async def test_integrity_names_broken_references(db: Database, path: Path) -> None:
    raw(path).execute("INSERT INTO child VALUES (7)")  # its connection checks no references
    assert await db.integrity() == ["row 1 of child refers to a row that ledger does not have"]


async def test_a_wal_database_comes_back_to_the_one_journal_mode(path: Path) -> None:
    await (await Database.open(path, MIGRATIONS)).close()
    other = raw(path)
    other.execute("PRAGMA journal_mode=WAL")
    other.close()
    db = await Database.open(path, MIGRATIONS)
    assert await db.read(lambda tx: tx.execute("PRAGMA journal_mode").fetchone()[0]) == "truncate"
    await db.close()


# --- the end of the process


UNCLOSED = {
    "returns": "await db.write(work)",
    "sys.exit": "await db.write(work); sys.exit(3)",
    "sys.exit in mid transaction": "asyncio.create_task(db.write(slow)); await asyncio.sleep(0.05); sys.exit(3)",
    "an exception": "await db.write(work); 1 / 0",
    "Ctrl+C": "await db.write(work); print('ready', flush=True); await asyncio.sleep(60)",
    "Ctrl+C in mid transaction": "asyncio.create_task(db.write(slow)); await asyncio.sleep(60)",
}


@pytest.mark.parametrize("ending", UNCLOSED)
def test_a_process_with_an_unclosed_database_ends(path: Path, ending: str) -> None:
    process = child(
        f"""
import time
def work(tx):
    tx.execute("INSERT INTO ledger (note) VALUES ('kept')")
def slow(tx):
    work(tx)
    print('ready', flush=True)
    time.sleep(0.2)
async def main():
    global db
    db = await Database.open(path, MIGRATIONS)
    {UNCLOSED[ending]}
asyncio.run(main())
""",
        path,
    )
    if "Ctrl+C" in ending:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    expected = {"returns": 0, "sys.exit": 3, "an exception": 1, "Ctrl+C": -signal.SIGINT}
    assert process.returncode == expected[ending.removesuffix(" in mid transaction")]
    assert count(raw(path)) == 1  # a transaction in its middle was given the time to end


async def test_a_dropped_database_ends_its_threads(path: Path) -> None:
    assert_no_connection_threads()
    db = await Database.open(path, MIGRATIONS)
    assert len(connection_threads()) == 2
    del db
    gc.collect()
    assert_no_connection_threads()


async def test_a_failed_open_leaves_no_thread_and_no_lock(path: Path) -> None:
    await (await Database.open(path, (*MIGRATIONS, "CREATE TABLE future (x)"))).close()
    with pytest.raises(NewerSchema):
        await Database.open(path, MIGRATIONS)
    assert_no_connection_threads()
    raw(path).execute("BEGIN EXCLUSIVE")
