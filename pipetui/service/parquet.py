"""Parquet files, as rows of texts: in little memory, for a limited time, and nothing else is opened."""

from __future__ import annotations

import glob
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..engine.refusals import Refusal
from ..text import one_line

MEMORY = "256MB"
CHUNK = 1_000

_READ = "read_parquet(?, hive_partitioning = false)"
"""Without columns that a folder `key=value` on the way to the file would add."""

Rows = Callable[[Sequence[int]], Iterator[Sequence[str]]]
"""The rows of a table, each with the cells of these columns only."""


@contextmanager
def opened(path: Path, seconds: float) -> Iterator[tuple[list[str], Rows]]:
    """(names of the columns, its rows); an empty text where there is no value.

    Refusal when it is no Parquet file that can be read; TimeoutError once it takes longer than `seconds`.
    """
    import duckdb  # 120 ms: who looks into no such file need not pay them

    where = [glob.escape(str(path))]
    timer: threading.Timer | None = None
    try:
        with duckdb.connect(
            ":memory:",
            config={
                "memory_limit": MEMORY,
                "temp_directory": "",
                "threads": 1,
                "autoinstall_known_extensions": False,  # nothing is fetched from anywhere
                "autoload_known_extensions": False,
            },
        ) as connection:
            connection.execute("SET enable_progress_bar = false")  # it would draw on stdout
            timer = threading.Timer(seconds, connection.interrupt)
            timer.start()
            found = connection.execute(f"SELECT * FROM {_READ} LIMIT 0", where).description  # noqa: S608  a constant
            names = [column[0] for column in found or ()]

            def rows(columns: Sequence[int]) -> Iterator[Sequence[str]]:
                quoted = (f'"{names[at].replace(chr(34), 2 * chr(34))}"' for at in columns)
                cells = ", ".join(f"coalesce(CAST({name} AS VARCHAR), '')" for name in quoted)
                answer = connection.execute(f"SELECT {cells} FROM {_READ}", where)  # noqa: S608  quoted names
                while chunk := answer.fetchmany(CHUNK):
                    yield from chunk

            yield names, rows
    except duckdb.InterruptException:
        raise TimeoutError(f"it takes longer than {seconds:g} s") from None
    except duckdb.Error as error:
        reason = one_line(str(error).replace(str(path), path.name).partition("\n")[0], 200)
        raise Refusal(f"{path.name} can't be read: {reason}") from None
    except (RuntimeError, UnicodeError):  # of what hands a damaged name or cell on to Python
        raise Refusal(f"{path.name} can't be read: there is text in it that is none.") from None
    finally:
        if timer is not None:
            timer.cancel()
            timer.join()
