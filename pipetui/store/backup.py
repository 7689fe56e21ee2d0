"""Copies of the database, made and taken back by SQLite itself.

A plain copy of the file could miss what is in a journal, and would drop SQLite's locks in this process.
"""

from __future__ import annotations

import asyncio
import glob
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from .. import disk
from ..paths import make_private
from .connection import Tx, connect, connect_to_copy
from .errors import Busy, Damaged, FileTaken, NotADatabase, NotOurs, explained
from .migrate import Migration, check_ours, migrate, version_of

if TYPE_CHECKING:
    from .database import Database

KEPT = 5  # automatic backups


async def backup(db: Database, to: Path | None = None) -> Path:
    """Writes a compact copy of what is committed now (mode 0600) and returns its path.

    `to`: a file, a folder, or None for the folder of backups. The name appears when the copy is whole and on disk.
    Raises FileTaken, Unreachable, DiskFull, Damaged, Busy.
    """
    if to is None:
        to = _folder(db.backups or db.path.parent)
    if to.is_dir():
        to /= _name(db.path, "backup")
    await asyncio.to_thread(_save, db.path, to, _vacuum_into, db.timeout)
    return to


def automatic(path: Path, folder: Path, *, timeout: float) -> Path:
    """A backup that the program makes by itself before a risk; the folder keeps the last `KEPT` of them."""
    return _automatic(path, folder, _vacuum_into, timeout)


async def restore(
    source: Path,
    path: Path,
    migrations: Sequence[Migration],
    *,
    backups: Path | None = None,
    timeout: float = 5.0,
) -> Path | None:
    """Gives the database at `path` the content of the backup `source`, in one transaction.

    Open connections to it, of any process, stay good and see the new content. The backup is checked and brought to
    this program's version before anything is touched. Returns where the former content now lies: in
    `backups` (None: beside the database), or None if there was nothing.
    Raises NotOurs, NotADatabase, Damaged, NewerSchema (the backup is no good), Busy (another process
    uses the database), Unreachable, DiskFull; nothing is changed then.
    """
    return await asyncio.to_thread(_restore, source, path, migrations, backups or path.parent, timeout)


def _restore(source: Path, path: Path, migrations: Sequence[Migration], backups: Path, timeout: float) -> Path | None:
    if path.exists() and source.exists() and source.samefile(path):
        raise FileTaken(f"{path} is the database itself, not a backup. Nothing was changed.")
    with closing(connect_to_copy(source, timeout=timeout)) as theirs:
        _check_backup(theirs, source, len(migrations))
        _folder(path.parent)
        with _partial(path) as staged, closing(connect(staged, timeout=timeout)) as ready:
            with explained(source):
                theirs.backup(ready, progress=_until(monotonic() + timeout, source))
            migrate(ready, staged, migrations, save=lambda: None)
            try:
                return _replace(ready, path, backups, timeout)
            except NotADatabase:
                # Its header is gone: SQLite can't write into it, and nobody can be using it.
                return _set_aside(path, staged)


def _set_aside(path: Path, successor: Path) -> Path:
    """Renames what lies at `path`, and the whole database `successor` to `path`; needs no space."""
    aside = path.with_name(_name(path, "damaged"))
    with explained(path, OSError):
        path.rename(aside)
        with suppress(FileNotFoundError):  # it would be played into the successor
            _journal(path).rename(_journal(aside))
        successor.rename(path)
        disk.sync(path.parent)
    return aside


def _replace(content: Tx, path: Path, backups: Path, timeout: float) -> Path | None:
    """Copies `content` over the database at `path`; nobody comes between its last backup and that."""
    is_new = not path.exists()
    with closing(connect(path, timeout=timeout)) as tx, explained(path):
        tx.execute("PRAGMA locking_mode=EXCLUSIVE").fetchone()  # keeps the lock after COMMIT, till the close
        tx.execute("BEGIN EXCLUSIVE")
        tx.execute("COMMIT")
        check_ours(tx, path)
        kept = None if is_new else _automatic(path, backups, _pages_of(tx), timeout)
        content.backup(tx, progress=_until(monotonic() + timeout, path))
    return kept


def _check_backup(tx: Tx, source: Path, newest: int) -> None:
    with explained(source):
        if version_of(tx, source, newest) == 0:
            raise NotOurs(f"{source} is empty: it is not a backup of pipetui. Nothing was changed.")
        if tx.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise Damaged(f"The backup {source} is damaged. Nothing was changed. Try an older one.")


Fill = Callable[[Path, Path, float], None]
"""(database, empty file, timeout): writes a copy of the database into the file."""


def _vacuum_into(path: Path, copy: Path, timeout: float) -> None:
    with closing(connect(path, timeout=timeout)) as tx:
        tx.execute("VACUUM INTO ?", (str(copy),))


def _pages_of(tx: Tx) -> Fill:
    """Copies page by page: works for a damaged database too, and on the connection that holds its lock."""

    def fill(path: Path, copy: Path, timeout: float) -> None:
        with closing(sqlite3.connect(copy)) as target:
            tx.backup(target)

    return fill


def _automatic(path: Path, folder: Path, fill: Fill, timeout: float) -> Path:
    made = _folder(folder) / _name(path, "auto")
    _save(path, made, fill, timeout)
    older = sorted(folder.glob(f"{glob.escape(path.stem)}-auto-*{glob.escape(path.suffix)}"))
    older.remove(made)  # never the new one, whatever the clock said when the others were made
    for extra in older[: -KEPT + 1]:
        extra.unlink(missing_ok=True)
    return made


def _save(path: Path, to: Path, fill: Fill, timeout: float) -> None:
    """The file `to` appears whole, durable and 0600, or not at all."""
    if to.exists() and to.samefile(path):
        raise FileTaken(f"{to} is the database itself. Nothing was changed. Choose another name.")
    if to.exists():
        raise _taken(to)
    with explained(to, OSError), _partial(to) as copy:
        with explained(path):
            fill(path, copy, timeout)
        disk.sync(copy)
        _create(to)  # fails if somebody was faster
        copy.replace(to)
        disk.sync(to.parent)


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """An empty 0600 file beside `target`, gone at the end unless it was renamed."""
    partial = target.with_name(f".{target.name}.{os.urandom(4).hex()}.partial")
    with explained(target, OSError):
        _create(partial)
    try:
        yield partial
    finally:
        partial.unlink(missing_ok=True)
        _journal(partial).unlink(missing_ok=True)


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-journal")


def _create(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise _taken(path) from None


def _taken(path: Path) -> FileTaken:
    return FileTaken(f"{path} is already there and was not touched. Choose another name.")


def _folder(path: Path) -> Path:
    with explained(path, OSError):
        make_private(path)
    return path


def _name(path: Path, kind: str) -> str:
    return f"{path.stem}-{kind}-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}{path.suffix}"


def _until(deadline: float, path: Path) -> Callable[[int, int, int], None]:
    """For `Connection.backup`, which would wait for a lock without end."""

    def check(status: int, remaining: int, total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and monotonic() > deadline:
            raise Busy(f"Another program has been using {path} for too long. Nothing was changed. Try again.")

    return check
