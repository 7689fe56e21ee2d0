"""A connection to SQLite as pipetui wants it, and a transaction on it. Synchronous: database.py has the threads.

Nothing here or elsewhere opens a database's file but SQLite: closing the file anywhere in the process would
drop the locks that SQLite holds on it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from ..paths import make_private
from .errors import Unreachable, explained, is_busy

Tx: TypeAlias = sqlite3.Connection
"""What a transaction function gets: a connection with an open transaction, whose rows are `sqlite3.Row`."""

COMMIT_TRIES = 3  # each waits for the connection's timeout


def connect(path: Path, *, timeout: float) -> Tx:
    """Opens the database, made with mode 0600 (its folder 0700) if it isn't there; statements commit at once.

    `timeout`: seconds to wait for a lock. Raises Unreachable, NotADatabase, Damaged, Busy.
    """
    _check_place(path)
    with explained(path):
        tx = sqlite3.connect(path, timeout=timeout, isolation_level=None)
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:  # a new file is still empty here
                path.chmod(0o600)
            tx.row_factory = sqlite3.Row
            tx.execute("PRAGMA schema_version").fetchone()  # reads the header: journal_mode leans on it
            tx.execute("PRAGMA journal_mode=TRUNCATE").fetchone()
            tx.execute("PRAGMA synchronous=FULL")
            tx.execute("PRAGMA fullfsync=ON")  # to macOS fsync alone means: into the disk's own memory
            tx.execute("PRAGMA foreign_keys=ON")
            tx.execute("PRAGMA trusted_schema=OFF")
        except BaseException:
            tx.close()
            raise
    return tx


def connect_to_copy(path: Path, *, timeout: float) -> Tx:
    """Opens a database for reading only, wherever it lies and whoever owns it (a backup, say)."""
    with explained(path):
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=timeout, isolation_level=None)


def storable(text: str) -> str:
    """SQLite takes no lone surrogates, and FTS5 stops at a NUL."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "␀")


@contextmanager
def transaction(tx: Tx, begin: str = "BEGIN IMMEDIATE") -> Iterator[None]:
    """BEGIN … COMMIT around the block; undone when the block or the COMMIT raises."""
    tx.execute(begin)
    try:
        yield
        if not tx.in_transaction:
            raise RuntimeError("a transaction function must not commit, roll back or run executescript")
        _commit(tx)
    except BaseException:
        # After a full disk or an I/O error SQLite has often rolled back by itself. If ROLLBACK fails too,
        # the journal stays, and the next access (of anyone) undoes the transaction with it.
        if tx.in_transaction:
            with suppress(sqlite3.Error):
                tx.execute("ROLLBACK")
        raise


def _commit(tx: Tx) -> None:
    # BUSY at COMMIT means that readers have not gone yet; the transaction stays open and can still be committed.
    for _ in range(COMMIT_TRIES - 1):
        try:
            tx.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
        else:
            return
    tx.execute("COMMIT")


def _check_place(path: Path) -> None:
    """Makes the folder, and refuses what SQLite would take now and fail on at the first write."""
    folder = path.parent
    with explained(folder, OSError):
        make_private(folder)
        _check_owner(folder)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise Unreachable(
                f"You may not write in the folder {folder}. Nothing was changed. "
                "Give yourself write permission, or choose another folder with PIPETUI_HOME."
            )
        with suppress(FileNotFoundError):
            _check_owner(path)
            if not os.access(path, os.R_OK | os.W_OK):
                raise Unreachable(
                    f"You may not write to the database {path}. Nothing was changed. "
                    "Give yourself write permission to it."
                )


def _check_owner(path: Path) -> None:
    # Also for root: what `sudo pipetui` wrote, its owner could not use any more.
    if path.stat().st_uid != os.geteuid():
        raise Unreachable(
            f"{path} belongs to another user. Nothing was changed. "
            "Start pipetui as its owner, or choose another folder with PIPETUI_HOME."
        )
