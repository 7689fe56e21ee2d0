"""From any older version of the database to this program's, whole or not at all.

`PRAGMA user_version` counts the migrations that a database has had. All that are missing run in one transaction,
so that after a failure the program that wrote the database can still open it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from .connection import Tx, transaction
from .errors import MigrationFailed, NewerSchema, NotOurs, explain, explained

Migration: TypeAlias = str | Callable[[Tx], None]
"""SQL statements, or a function; entry n of a list brings a database from version n to n+1."""

APPLICATION_ID = 0x70697065  # "pipe", in the header of every database of ours


def check_ours(tx: Tx, path: Path) -> None:
    """Raises NotOurs unless the database is one of pipetui, or new and empty."""
    with explained(path):
        if _pragma(tx, "application_id") == APPLICATION_ID:
            return
        if (
            _pragma(tx, "application_id")
            or _pragma(tx, "user_version")
            or tx.execute("SELECT 1 FROM sqlite_schema").fetchone()
        ):
            raise NotOurs(
                f"{path} is not a database of pipetui but of another program. Nothing was changed. "
                "Choose another file, or another folder with PIPETUI_HOME."
            )


def version_of(tx: Tx, path: Path, newest: int) -> int:
    """The database's version: 0 if it is new and empty. Raises NotOurs, NewerSchema."""
    check_ours(tx, path)
    with explained(path):
        version = _pragma(tx, "user_version")
    if version > newest:
        raise NewerSchema(
            f"The database {path} was written by a newer pipetui (its version is {version}, this program knows "
            f"{newest}). Nothing was changed. Update pipetui, or restore an older backup."
        )
    return version


def migrate(tx: Tx, path: Path, migrations: Sequence[Migration], save: Callable[[], object]) -> None:
    """Brings the database that `tx` is connected to up to `len(migrations)`.

    `save` makes a backup of what is committed. It is called once before a database with content is changed,
    while the write lock is held, so it uses a connection of its own.
    Of several processes that come at once, one migrates and the others find it done.
    Raises NotOurs, NewerSchema, MigrationFailed, DiskFull, Busy; the database is then as it was.
    """
    newest = len(migrations)
    if version_of(tx, path, newest) == newest:
        return
    with explained(path):
        # A migration may rebuild a table that others refer to; the references are checked at its end. This pragma
        # does nothing inside a transaction.
        tx.execute("PRAGMA foreign_keys=OFF")
        try:
            with transaction(tx):
                version = version_of(tx, path, newest)  # another process may have been faster
                if 0 < version < newest:
                    save()
                for number, migration in enumerate(migrations[version:], version + 1):
                    _apply(tx, path, migration, number)
        finally:
            tx.execute("PRAGMA foreign_keys=ON")


def _apply(tx: Tx, path: Path, migration: Migration, number: int) -> None:
    try:
        if isinstance(migration, str):
            for statement in statements(migration):
                tx.execute(statement)
        else:
            migration(tx)
        if tx.execute("PRAGMA foreign_key_check").fetchone():
            raise ValueError("it breaks references between tables")
    except Exception as error:  # a migration is any code: whatever it raises, the user gets a sentence
        if isinstance(error, sqlite3.Error) and (explanation := explain(error, path)):
            raise explanation from error
        raise MigrationFailed(
            f"The database {path} could not be brought to version {number} ({error}). It is unchanged: "
            "the pipetui that you used before can still open it. Please report this."
        ) from error
    tx.execute(f"PRAGMA application_id={APPLICATION_ID}")
    tx.execute(f"PRAGMA user_version={number}")


def statements(script: str) -> Iterator[str]:
    """The SQL statements of a script, one by one (`executescript` would commit the transaction first)."""
    start, end = 0, script.find(";") + 1
    while end:
        if sqlite3.complete_statement(script[start:end]):  # knows strings, comments and triggers
            yield script[start:end]
            start = end
        end = script.find(";", end) + 1
    if script[start:].strip():
        yield script[start:]


def _pragma(tx: Tx, name: str) -> int:
    return int(tx.execute(f"PRAGMA {name}").fetchone()[0])
