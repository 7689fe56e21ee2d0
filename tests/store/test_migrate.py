"""New, old, newer and failing: what happens to a database when the program has moved on."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipetui.store.connection import Tx, connect
from pipetui.store.database import Database
from pipetui.store.errors import DiskFull, MigrationFailed, NewerSchema
from pipetui.store.migrate import APPLICATION_ID, Migration, migrate, statements


def rename(tx: Tx) -> None:
    for row in tx.execute("SELECT id, name FROM person").fetchall():
        tx.execute("UPDATE person SET name = ? WHERE id = ?", (row["name"].title(), row["id"]))


V1 = "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO person (name) VALUES ('ada');"
V2 = "ALTER TABLE person ADD COLUMN mail TEXT"
V3 = rename


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pipetui.db"


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    return tmp_path / "backups"


async def reach(path: Path, *migrations: Migration, backups: Path | None = None) -> None:
    """Opens and closes the database with these migrations."""
    await (await Database.open(path, migrations, backups=backups)).close()


def look(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as tx:
        return tx.execute(query).fetchall()


def version(path: Path) -> object:
    return look(path, "PRAGMA user_version")[0][0]


async def test_a_new_database_gets_every_migration_and_our_mark(path: Path, backups: Path) -> None:
    await reach(path, V1, V2, V3, backups=backups)
    assert look(path, "SELECT name, mail FROM person") == [("Ada", None)]
    assert version(path) == 3
    assert look(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert not backups.exists()


async def test_an_old_database_gets_what_is_missing_after_a_backup(path: Path, backups: Path) -> None:
    await reach(path, V1, backups=backups)
    await reach(path, V1, V2, V3, backups=backups)
    assert look(path, "SELECT name, mail FROM person") == [("Ada", None)]
    (kept,) = backups.iterdir()
    assert version(kept) == 1
    assert look(kept, "SELECT * FROM person") == [(1, "ada")]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert backups.stat().st_mode & 0o777 == 0o700


async def test_a_current_database_is_not_touched(path: Path, backups: Path) -> None:
    await reach(path, V1, backups=backups)
    before = path.read_bytes()
    await reach(path, V1, backups=backups)
    assert path.read_bytes() == before
    assert not backups.exists()


async def test_the_last_five_automatic_backups_stay(path: Path, backups: Path) -> None:
    await reach(path, V1)
    backups.mkdir()
    future = backups / "pipetui-auto-29990101-000000-000000.db"  # made when the clock was wrong
    others = [backups / "pipetui-backup-20200101-000000-000000.db", backups / "notes.txt"]
    for file in (future, *others):
        file.touch()
    steps: list[Migration] = [V1]
    for number in range(8):
        steps.append(f"CREATE TABLE t{number} (x)")
        await reach(path, *steps, backups=backups)
    automatic = sorted(set(backups.glob("*-auto-*")) - {future})
    assert [version(file) for file in automatic] == [5, 6, 7, 8]
    assert future.exists()
    assert all(file.exists() for file in others)


@pytest.mark.parametrize(
    "failing",
    [
        "CREATE TABLE fine (x); DELETE FROM person; CREATE TABLE person (again)",
        lambda tx: tx.execute("DELETE FROM person") and 1 / 0,
        "DELETE FROM person; CREATE TABLE child (p REFERENCES person(id)); INSERT INTO child VALUES (99)",
    ],
    ids=["SQL", "Python", "references"],
)
async def test_a_failed_migration_leaves_the_old_version(path: Path, backups: Path, failing: Migration) -> None:
    await reach(path, V1)
    before = path.read_bytes()
    with pytest.raises(MigrationFailed, match=r"to version 3 \(.+\)\. It is unchanged"):
        await reach(path, V1, V2, failing, backups=backups)
    assert path.read_bytes() == before
    await reach(path, V1)
    await reach(path, V1, V2, V3)


async def test_a_full_disk_in_a_migration_is_called_that(path: Path) -> None:
    def fill(tx: Tx) -> None:
        tx.execute("PRAGMA max_page_count=10")
        tx.execute("CREATE TABLE big AS SELECT zeroblob(100000)")

    await reach(path, V1)
    with pytest.raises(DiskFull):
        await reach(path, V1, fill)
    assert version(path) == 1


async def test_without_a_backup_there_is_no_migration(path: Path, tmp_path: Path) -> None:
    await reach(path, V1)
    (tmp_path / "file").touch()
    with pytest.raises(Exception, match="can't be used"):
        await reach(path, V1, V2, backups=tmp_path / "file" / "backups")
    assert version(path) == 1


async def test_a_newer_database_is_refused_unchanged(path: Path) -> None:
    await reach(path, V1, V2, V3)
    before = path.read_bytes()
    with pytest.raises(NewerSchema, match=r"newer pipetui .*Update pipetui"):
        await reach(path, V1)
    assert path.read_bytes() == before


async def test_a_table_that_others_refer_to_can_be_rebuilt(path: Path) -> None:
    child = "CREATE TABLE child (p INTEGER REFERENCES person(id)); INSERT INTO child VALUES (1)"
    rebuild = """
        CREATE TABLE new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        INSERT INTO new SELECT id, name FROM person;
        DROP TABLE person;
        ALTER TABLE new RENAME TO person;
    """
    await reach(path, V1, child, rebuild)
    with closing(connect(path, timeout=1)) as tx:
        assert tx.execute("SELECT * FROM child JOIN person ON p = id").fetchall()
    assert "person" in str(look(path, "SELECT sql FROM sqlite_schema WHERE name = 'child'"))


def test_references_are_checked_again_after_a_migration(path: Path) -> None:
    with closing(connect(path, timeout=1)) as tx:
        migrate(tx, path, (V1,), save=lambda: None)
        assert tx.execute("PRAGMA foreign_keys").fetchone()[0] == 1


STEPS = """
import asyncio, sys, time
from pathlib import Path
from pipetui.store.database import Database
path, backups = Path(sys.argv[1]), Path(sys.argv[2])
def slow(tx):
    time.sleep(0.1)
    tx.execute("CREATE TABLE slow (x)")
    print("migrated")
async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    db = await Database.open(path, ({first!r}, slow), backups=backups, timeout=30)
    assert await db.integrity() == []
    await db.close()
asyncio.run(main())
"""


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_of_processes_that_come_at_once_one_migrates(path: Path, backups: Path, old: bool) -> None:
    if old:
        asyncio.run(reach(path, V1))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", STEPS.format(first=V1), str(path), str(backups)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], answers
    assert [out for out, _ in answers].count("migrated\n") == 1
    assert version(path) == 2
    assert look(path, "SELECT name FROM person") == [("ada",)]
    assert len(list(backups.glob("*"))) == int(old)


def test_a_script_is_taken_apart_where_its_statements_end() -> None:
    parts = [
        "CREATE TABLE a (x DEFAULT ';'); -- a comment; with a semicolon\n",
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a; INSERT INTO a VALUES (1); END;",
        "\nINSERT INTO a VALUES ('it''s; fine')",
    ]
    found = [part.strip() for part in statements("".join(parts) + "\n  ")]
    assert found[0] == "CREATE TABLE a (x DEFAULT ';');"
    assert found[1].startswith("-- a comment; with a semicolon\nCREATE TRIGGER") and found[1].endswith("END;")
    assert found[2:] == ["INSERT INTO a VALUES ('it''s; fine')"]
    assert list(statements("")) == []
    tx = sqlite3.connect(":memory:")
    for statement in found:
        tx.execute(statement)
    assert tx.execute("SELECT x FROM a").fetchall() == [(1,)]
