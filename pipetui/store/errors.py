"""What can go wrong with the database, each as one sentence for its user."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class StoreError(Exception):
    """The store refuses or can't go on; `str()` says what happened, what is safe and what to do."""


class Unreachable(StoreError):
    """The file or its folder can't be used: no permission, another owner, a read-only disk, no folder."""


class NotADatabase(StoreError):
    """The file is no SQLite database."""


class NotOurs(StoreError):
    """The file is a database of another program."""


class Damaged(StoreError):
    """SQLite found the file's content broken."""


class NewerSchema(StoreError):
    """A newer pipetui has written the database."""


class MigrationFailed(StoreError):
    """A new version's changes to the database could not be made; the old version stands."""


class DiskFull(StoreError):
    """No space is left; the transaction is undone."""


class DiskFailed(StoreError):
    """Reading or writing failed; the transaction is undone."""


class Busy(StoreError):
    """Another process held the database for longer than the timeout; the transaction is undone."""


class FileTaken(StoreError):
    """A backup would have overwritten a file."""


class Closed(StoreError):
    """The database was closed before it was asked."""


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the lock that was asked for."""
    return _code(error) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def explain(error: sqlite3.Error | OSError, path: Path) -> StoreError | None:
    """The sentence for an error that met `path`; None for what only a programmer can mend (SQL, constraints)."""
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return _disk_full()
        return Unreachable(
            f"{path} can't be used ({error.strerror}). Nothing was changed. Check the path and your permissions there."
        )
    code = _code(error)
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return Unreachable(
            f"The database {path} was moved or deleted while pipetui had it open: nothing was saved. "
            "Put it back, or start pipetui again."
        )
    match code & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Busy(
                f"Another program has been using the database {path} for too long: nothing was changed. "
                "Try again in a moment."
            )
        case sqlite3.SQLITE_FULL:
            return _disk_full()
        case sqlite3.SQLITE_IOERR:
            return DiskFailed(
                f"The disk refused to read or write {path} (SQLite says: {error}): nothing was saved. "
                "Check its free space, quota and health, then try again."
            )
        case sqlite3.SQLITE_READONLY:
            return Unreachable(
                f"The database {path} is read-only: nothing was saved. "
                "Give yourself write permission to it and to its folder."
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return Unreachable(
                f"{path} can't be opened. Nothing was changed. "
                "Check that it is there, and that you may write to it and to its folder."
            )
        case sqlite3.SQLITE_NOTADB:
            return NotADatabase(
                f"{path} is not a database. Nothing was changed. "
                "Move it away to start anew, or restore a backup with: pipetui restore FILE"
            )
        case sqlite3.SQLITE_CORRUPT:
            return Damaged(
                f"The database {path} is damaged. Nothing was changed. Restore a backup with: pipetui restore FILE"
            )
    return None


@contextmanager
def explained(path: Path, kind: type[sqlite3.Error] | type[OSError] = sqlite3.Error) -> Iterator[None]:
    """Raises, in place of an error of that kind which has an explanation, its StoreError."""
    try:
        yield
    except kind as error:
        explanation = explain(error, path)
        if explanation is None:
            raise
        raise explanation from error


def _code(error: sqlite3.Error) -> int:
    # Errors of the sqlite3 module itself ("cannot operate on a closed database") have no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)


def _disk_full() -> DiskFull:
    return DiskFull("The disk is full: nothing was saved, nothing is damaged. Free some space and try again.")
