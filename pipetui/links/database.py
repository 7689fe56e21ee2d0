"""DuckDB for one graph: in memory up to a limit, beyond it in a scratch folder that goes away with it."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ..text import one_line
from .errors import BadInput, Cancelled, LinksError

if TYPE_CHECKING:
    import duckdb

Row: TypeAlias = tuple[Any, ...]
SCRATCH = ".links-"
CHUNK = 10_000
"""Rows that `stream` hands out at a time."""


class Stop:
    """Ends the work of a graph from another thread, also while it is still loading."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._lock = threading.Lock()  # a connection is not closed while it is being interrupted
        self._connection: duckdb.DuckDBPyConnection | None = None

    def interrupt(self) -> None:
        """The call at work raises `Cancelled` within milliseconds, and so does every later one."""
        self._asked.set()
        with self._lock:
            if self._connection is not None:
                self._connection.interrupt()

    def check(self) -> None:
        if self._asked.is_set():
            raise Cancelled("Stopped.")

    def watch(self, connection: duckdb.DuckDBPyConnection | None) -> None:
        with self._lock:
            self._connection = connection


class Database:
    """One connection, used by one thread at a time. Errors are `LinksError`, `Cancelled` after an interrupt."""

    def __init__(self, folder: Path, *, memory_limit: str, threads: int | None, stop: Stop) -> None:
        import duckdb  # 120 ms: whoever has no graph need not pay them

        self._duckdb = duckdb
        self.stop = stop
        self.scratch = _scratch(folder)
        try:
            self._connection = duckdb.connect(
                ":memory:",
                config={
                    "memory_limit": memory_limit,
                    "temp_directory": str(self.scratch),
                    "threads": threads or min(4, os.cpu_count() or 1),  # each one has buffers of its own
                    "preserve_insertion_order": False,
                    "autoinstall_known_extensions": False,  # nothing is fetched from anywhere
                    "autoload_known_extensions": False,
                },
            )
            self._connection.execute("SET enable_progress_bar = false")  # it would draw on stdout
        except duckdb.Error as error:
            shutil.rmtree(self.scratch, ignore_errors=True)
            raise BadInput(f"The database did not start: {_first_line(error)}") from None
        stop.watch(self._connection)

    def close(self) -> None:
        self.stop.watch(None)
        self._connection.close()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with self._guarded():
            self._connection.execute(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._guarded():
            return self._connection.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[object] = ()) -> Row:
        """The first row of an answer that has one."""
        return self.rows(sql, parameters)[0]

    def value(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        return self.row(sql, parameters)[0]

    def stream(self, sql: str) -> Iterator[list[Row]]:
        """The rows in chunks, in flat memory. Ask nothing else of the database meanwhile."""
        with self._guarded():
            answer = self._connection.execute(sql)
            while chunk := answer.fetchmany(CHUNK):
                self.stop.check()
                yield chunk

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self.stop.check()
        try:
            yield
        except self._duckdb.InterruptException:
            raise Cancelled("Stopped.") from None
        except self._duckdb.Error as error:
            self.stop.check()  # an interrupt may come out as another error
            raise explained(error) from error
        self.stop.check()


def explained(error: Exception) -> LinksError:
    """An error of DuckDB or of the system as one sentence."""
    text = str(error)
    if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return LinksError(f"A file could not be written ({error.strerror}): choose another folder.")
    if re.search(r"No space left|File too large|Disk quota|not enough disk space|max_temp_directory_size", text):
        return LinksError("The disk is full, or a file would be larger than allowed: make room and start again.")
    if type(error).__name__ == "OutOfMemoryException":
        return LinksError("This graph needs more memory than it was given: raise the memory limit and start again.")
    if "GZIP stream" in text or "gzip" in text.lower():
        return BadInput("A file ends in the middle of its gzip stream, or is damaged: download it again.")
    return LinksError(
        f"The graph could not be worked out ({_first_line(error)}). The files that were given are unchanged."
    )


def quoted(name: str) -> str:
    """`name` as an SQL identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _first_line(error: Exception) -> str:
    return one_line(str(error).strip().partition("\n")[0], 200)


def _scratch(folder: Path) -> Path:
    """A new private folder in `folder`; those that dead processes left there are removed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{SCRATCH}*"):
            owner = left.name.removeprefix(SCRATCH).partition("-")[0]
            if owner.isdecimal() and not _is_alive(int(owner)):
                shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-", dir=folder))
    except OSError as error:
        raise BadInput(f"Nothing can be written to {folder} ({error.strerror}): choose another folder.") from None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
