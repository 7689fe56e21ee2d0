"""The database of a process: a connection that writes and one that reads, each in a thread of its own.

A transaction is one synchronous function, handed whole to the thread. So a cancelled task can't leave half of it or
a lock behind, and an event loop that stands still holds nothing.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import aiosqlite

from . import backup
from .connection import Tx, connect, transaction
from .errors import Closed, explain, explained, is_busy
from .migrate import Migration, migrate

__all__ = ["Database", "Tx"]

T = TypeVar("T")

EXIT_PATIENCE = 2.0  # seconds that a transaction still has when the interpreter ends


class Database:
    """Open it with `Database.open`; close it with `close`. All methods may be called by many tasks at once."""

    def __init__(self, path: Path, backups: Path | None, timeout: float, writer: _Thread, reader: _Thread) -> None:
        self.path = path
        self.backups = backups
        self.timeout = timeout
        self._writer = writer
        self._reader = reader
        # For a program that ends, or drops us, without close().
        self._finalizer = weakref.finalize(self, _stop, writer, reader)

    @classmethod
    async def open(
        cls,
        path: Path,
        migrations: Sequence[Migration],
        *,
        backups: Path | None = None,
        timeout: float = 5.0,
    ) -> Database:
        """Opens the database at `path`, made if it isn't there, in the version that `migrations` lead to.

        `backups`: the folder for the automatic backup before a migration (None: beside the database).
        `timeout`: seconds to wait for another process's lock.
        Raises StoreError: Unreachable, NotADatabase, NotOurs, Damaged, NewerSchema, MigrationFailed, DiskFull, Busy.
        """

        def connect_writer() -> Tx:
            tx = connect(path, timeout=timeout)
            try:
                migrate(
                    tx,
                    path,
                    migrations,
                    save=lambda: backup.automatic(path, backups or path.parent, timeout=timeout),
                )
            except BaseException:
                tx.close()
                raise
            return tx

        def connect_reader() -> Tx:
            tx = connect(path, timeout=timeout)
            tx.execute("PRAGMA query_only=ON")
            return tx

        writer = await _Thread.start(connect_writer)
        try:
            reader = await _Thread.start(connect_reader)
        except BaseException:
            await writer.close()
            raise
        return cls(path, backups, timeout, writer, reader)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Runs `work` between BEGIN IMMEDIATE and COMMIT and returns what it returned, once that is on disk.

        What `work` raises undoes the transaction and is raised here. Cancelling the caller does not stop
        a transaction that was begun or waits for its turn: whoever needs to know its outcome reads again.
        Raises DiskFull, DiskFailed, Busy, Unreachable, Damaged, Closed; nothing is saved then.
        """
        return await self._transact(self._writer, "BEGIN IMMEDIATE", work)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Runs `work`, whose SELECTs all see one state, and returns what it returned: rows, not a cursor."""
        return await self._transact(self._reader, "BEGIN", work)

    async def data_version(self) -> int | None:
        """A number that is another one after each commit of anybody; None while somebody commits. Never waits."""

        def look(tx: Tx) -> int | None:
            tx.execute("PRAGMA busy_timeout=0").fetchone()
            try:
                return int(tx.execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.OperationalError as error:
                if is_busy(error):
                    return None
                raise
            finally:
                tx.execute(f"PRAGMA busy_timeout={int(self.timeout * 1000)}").fetchone()

        with explained(self.path):
            return await self._reader.run(look)

    async def integrity(self) -> list[str]:
        """What SQLite finds wrong in the file and in the references between tables; empty when all is well."""

        def check(tx: Tx) -> list[str]:
            try:
                found = [str(row[0]) for row in tx.execute("PRAGMA integrity_check")]
                broken = tx.execute("PRAGMA foreign_key_check").fetchall()
            except sqlite3.DatabaseError as error:
                explanation = explain(error, self.path)
                if explanation is None:
                    raise
                return [str(explanation)]
            return [line for line in found if line != "ok"] + [
                f"row {row['rowid']} of {row['table']} refers to a row that {row['parent']} does not have"
                for row in broken
            ]

        return await self.read(check)

    async def close(self) -> None:
        """Ends what was begun, then closes the file. May be called twice."""
        if self._finalizer.detach():
            try:
                await self._reader.close()
            finally:
                await self._writer.close()

    async def _transact(self, thread: _Thread, begin: str, work: Callable[[Tx], T]) -> T:
        def whole(tx: Tx) -> T:
            with explained(self.path), transaction(tx, begin):
                result = work(tx)
                if isinstance(result, sqlite3.Cursor):
                    result.close()  # it would hold its lock for as long as it lives
                    raise TypeError("a transaction function returns rows, not a cursor")
                return result

        return await thread.run(whole)


class _Thread:
    """A SQLite connection that lives in a thread. All that leans on aiosqlite's inside is here.

    aiosqlite's public coroutines are one statement each, and a task may be cancelled between two of them; only its
    `_execute` runs a function as a whole. tests/store/test_database.py holds aiosqlite to what we rely on.
    """

    def __init__(self, connector: Callable[[], Tx]) -> None:
        self._connection = aiosqlite.Connection(connector, iter_chunk_size=64)
        # The interpreter joins other threads before it calls anyone who could end this one: it would hang.
        self._connection._thread.daemon = True

    @classmethod
    async def start(cls, connector: Callable[[], Tx]) -> _Thread:
        """`connector` runs in the thread; what it raises is raised here."""
        thread = cls(connector)
        try:
            await thread._connection
        except BaseException:
            # aiosqlite has asked the thread to end and does not wait for it; it must not outlive the event loop.
            thread._join()
            raise
        return thread

    async def run(self, work: Callable[[Tx], T]) -> T:
        """Runs `work` in the thread, after what was handed over before, to its end even if the caller is cancelled."""
        execute: Callable[[Callable[[Tx], T], Tx], Awaitable[T]] = self._connection._execute
        try:
            tx = self._connection._conn
        except ValueError:
            raise Closed("The database is closed. Start pipetui again.") from None
        return await execute(work, tx)

    async def close(self) -> None:
        await self._connection.close()

    def stop(self) -> None:
        """Ends the thread after what was handed over; waits for that a little."""
        self._connection.stop()
        self._join()

    def _join(self) -> None:
        if self._connection._thread is not threading.current_thread():
            self._connection._thread.join(EXIT_PATIENCE)


def _stop(*threads: _Thread) -> None:
    for thread in threads:
        thread.stop()
