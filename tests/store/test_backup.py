"""Backups that are sound, and a restore that betrays nobody who has the database open."""

import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from pipetui.store.backup import backup, restore
from pipetui.store.database import Database, Tx
from pipetui.store.errors import (
    Busy,
    Damaged,
    DiskFull,
    FileTaken,
    MigrationFailed,
    NewerSchema,
    NotADatabase,
    NotOurs,
    Unreachable,
)

V1 = "CREATE TABLE note (text TEXT)"
V2 = "ALTER TABLE note ADD COLUMN mark INTEGER DEFAULT 7"
MIGRATIONS = (V1,)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "pipetui.db"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
async def db(path: Path, backups: Path) -> AsyncIterator[Database]:
    db = await Database.open(path, MIGRATIONS, backups=backups)
    await add(db, "first")
    yield db
    await db.close()


async def add(db: Database, text: str) -> None:
    await db.write(lambda tx: tx.execute("INSERT INTO note (text) VALUES (?)", (text,)).rowcount)


def texts(tx: Tx) -> list[str]:
    return [row[0] for row in tx.execute("SELECT text FROM note ORDER BY rowid")]


def texts_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as tx:
        return texts(tx)


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


def garble(path: Path, at: int) -> None:
    """Only for a file that nothing in this process has open."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\xff" * 4096)


# --- backup


async def test_a_backup_is_a_whole_private_database(db: Database, tmp_path: Path) -> None:
    to = tmp_path / "mine.db"
    assert await backup(db, to) == to
    assert texts_of(to) == ["first"]
    assert to.stat().st_mode & 0o777 == 0o600
    assert leftovers(tmp_path) == []
    other = await Database.open(to, MIGRATIONS)
    assert await other.integrity() == []
    await other.close()


async def test_without_a_name_it_gets_one_in_the_folder_of_backups(db: Database, backups: Path) -> None:
    made = [await backup(db), await backup(db), await backup(db, backups)]
    assert sorted(backups.iterdir()) == sorted(set(made))
    assert all(path.name.startswith("pipetui-backup-") for path in made)


async def test_nothing_is_overwritten_unasked(db: Database, tmp_path: Path) -> None:
    to = tmp_path / "mine.db"
    to.write_text("precious")
    with pytest.raises(FileTaken, match="already there"):
        await backup(db, to)
    assert to.read_text() == "precious" and leftovers(tmp_path) == []


async def test_the_database_itself_is_never_the_target(db: Database, path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    for to in (path, link):
        with pytest.raises(FileTaken, match="the database itself"):
            await backup(db, to)
    await add(db, "second")
    assert await db.read(texts) == ["first", "second"]


async def test_a_backup_that_cannot_be_written_leaves_nothing(db: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for to in (tmp_path / "file" / "b.db", tmp_path / "missing" / "b.db"):
        with pytest.raises(Unreachable, match="can't be used"):
            await backup(db, to)
    assert not (tmp_path / "missing").exists()


FULL = """
import asyncio, resource, sys
from pathlib import Path
from pipetui.store.backup import backup
from pipetui.store.database import Database
from pipetui.store.errors import StoreError
async def main():
    db = await Database.open(Path(sys.argv[1]), (sys.argv[2],))
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    try:
        await backup(db, Path(sys.argv[3]))
    except StoreError as error:
        print(error)
    await db.close()
asyncio.run(main())
"""


async def test_a_disk_that_fails_in_the_middle_leaves_no_half_of_a_backup(
    db: Database, path: Path, tmp_path: Path
) -> None:
    to = tmp_path / "mine.db"
    await add(db, "x" * 100_000)
    command = [sys.executable, "-c", FULL, str(path), V1, str(to)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert "The disk" in done.stdout, done.stderr
    assert not to.exists()
    assert leftovers(tmp_path) == []


async def test_a_damaged_database_is_not_backed_up_as_a_sound_one(path: Path, tmp_path: Path) -> None:
    db = await Database.open(path, MIGRATIONS)
    await add(db, "x" * 100_000)
    await db.close()
    garble(path, 4096)
    db = await Database.open(path, MIGRATIONS)
    with pytest.raises(Damaged):
        await backup(db, tmp_path / "mine.db")
    assert not (tmp_path / "mine.db").exists()
    await db.close()


# --- restore


async def test_restore_brings_back_the_content_and_keeps_what_was(db: Database, path: Path, backups: Path) -> None:
    saved = await backup(db)
    await add(db, "second")
    kept = await restore(saved, path, MIGRATIONS, backups=backups)
    assert await db.read(texts) == ["first"]
    assert kept is not None
    assert kept.parent == backups
    assert texts_of(kept) == ["first", "second"]
    assert texts_of(saved) == ["first"]
    assert leftovers(path.parent) == leftovers(backups) == []


async def test_open_handles_see_the_restored_content_and_go_on(db: Database, path: Path, backups: Path) -> None:
    saved = await backup(db)
    second = await Database.open(path, MIGRATIONS)
    await add(second, "second")
    assert await db.read(texts) == ["first", "second"]
    before, inode = await db.data_version(), path.stat().st_ino
    await restore(saved, path, MIGRATIONS, backups=backups)
    assert await db.data_version() != before
    assert path.stat().st_ino == inode
    await add(db, "third")
    assert await second.read(texts) == ["first", "third"]
    assert await second.integrity() == []
    await second.close()


async def test_restore_into_nothing_makes_the_database(db: Database, tmp_path: Path) -> None:
    saved = await backup(db)
    path = tmp_path / "new" / "pipetui.db"
    assert await restore(saved, path, MIGRATIONS) is None
    assert texts_of(path) == ["first"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_an_older_backup_is_brought_to_this_version_first(db: Database, path: Path, backups: Path) -> None:
    saved = await backup(db)
    await db.close()
    newer = await Database.open(path, (V1, V2), backups=backups)
    await restore(saved, path, (V1, V2), backups=backups)
    assert await newer.read(lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM note")]) == [("first", 7)]
    await newer.close()


async def test_a_newer_database_can_be_replaced_by_an_older_backup(db: Database, path: Path, backups: Path) -> None:
    saved = await backup(db)
    await db.close()
    await (await Database.open(path, (V1, V2), backups=backups)).close()
    with pytest.raises(NewerSchema, match="restore an older backup"):
        await Database.open(path, MIGRATIONS)
    await restore(saved, path, MIGRATIONS, backups=backups)
    await (await Database.open(path, MIGRATIONS)).close()


async def test_a_failed_migration_of_the_backup_changes_nothing(db: Database, path: Path, backups: Path) -> None:
    saved = await backup(db)
    await add(db, "second")
    with pytest.raises(MigrationFailed):
        await restore(saved, path, (V1, "nonsense"), backups=backups)
    assert await db.read(texts) == ["first", "second"]
    assert leftovers(path.parent) == []


async def test_what_is_no_sound_backup_of_ours_is_refused(db: Database, path: Path, tmp_path: Path) -> None:
    await add(db, "x" * 100_000)
    sound = await backup(db, tmp_path / "sound.db")

    missing = tmp_path / "missing.db"
    text = tmp_path / "text.db"
    text.write_text("Dear diary, " * 1000)
    empty = tmp_path / "empty.db"
    empty.touch()
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as tx:
        tx.execute("CREATE TABLE bookmarks (url)")
    newer = await backup(db, tmp_path / "newer.db")
    with closing(sqlite3.connect(newer)) as tx:
        tx.execute("PRAGMA user_version=99")
    damaged = await backup(db, tmp_path / "damaged.db")
    garble(damaged, 4096)

    for source, refusal in {
        missing: Unreachable,
        text: NotADatabase,
        empty: NotOurs,
        foreign: NotOurs,
        newer: NewerSchema,
        damaged: Damaged,
        path: FileTaken,
    }.items():
        with pytest.raises(refusal, match="Nothing was changed"):
            await restore(source, path, MIGRATIONS)
        assert await db.read(texts) == ["first", "x" * 100_000]
    assert not missing.exists()
    await restore(sound, path, MIGRATIONS)


async def test_another_programs_database_is_not_replaced(db: Database, tmp_path: Path) -> None:
    saved = await backup(db)
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as tx:
        tx.execute("CREATE TABLE bookmarks (url)")
    before = foreign.read_bytes()
    with pytest.raises(NotOurs):
        await restore(saved, foreign, MIGRATIONS)
    assert foreign.read_bytes() == before


@pytest.mark.parametrize("lock", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "BEGIN; SELECT * FROM note"])
async def test_a_database_in_use_is_not_replaced(db: Database, path: Path, backups: Path, lock: str) -> None:
    saved = await backup(db)
    await add(db, "second")
    other = sqlite3.connect(path, isolation_level=None)
    reading = [other.execute(statement) for statement in lock.split("; ")]
    with pytest.raises(Busy, match="too long"):
        await restore(saved, path, MIGRATIONS, backups=backups, timeout=0.02)
    reading.clear()
    other.execute("ROLLBACK")
    assert await db.read(texts) == ["first", "second"]
    await restore(saved, path, MIGRATIONS, backups=backups)
    assert await db.read(texts) == ["first"]


async def test_a_damaged_database_is_kept_as_it_is_and_replaced(path: Path, backups: Path) -> None:
    db = await Database.open(path, MIGRATIONS, backups=backups)
    await add(db, "x" * 100_000)
    saved = await backup(db)
    await db.close()
    garble(path, 4096)
    damaged = path.read_bytes()
    kept = await restore(saved, path, MIGRATIONS, backups=backups)
    assert kept is not None
    assert kept.read_bytes()[4096:] == damaged[4096:]  # the first page has SQLite's counters
    assert texts_of(path) == ["x" * 100_000]


async def test_a_file_that_is_no_database_any_more_is_set_aside(path: Path, backups: Path) -> None:
    db = await Database.open(path, MIGRATIONS, backups=backups)
    await add(db, "first")
    saved = await backup(db)
    await db.close()
    garble(path, 0)
    garbled = path.read_bytes()
    kept = await restore(saved, path, MIGRATIONS, backups=backups)
    assert kept is not None
    assert kept.read_bytes() == garbled
    assert kept.name.startswith("pipetui-damaged-")
    assert texts_of(path) == ["first"]


async def test_a_disk_full_in_the_middle_of_a_restore_leaves_the_database(
    db: Database, path: Path, backups: Path
) -> None:
    saved = await backup(db)
    await add(db, "second")

    def full(tx: Tx) -> None:
        tx.execute("PRAGMA max_page_count=3")
        tx.execute("CREATE TABLE big AS SELECT zeroblob(100000)")

    with pytest.raises(DiskFull):
        await restore(saved, path, (V1, full), backups=backups)
    assert await db.read(texts) == ["first", "second"]
    assert await db.integrity() == []
