"""What a workflow keeps beside the record: `run.temp` by step, and `run.cached` by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..engine.values import decode, encode
from .database import Tx


def of(tx: Tx, run: str) -> dict[str, Any]:
    rows = tx.execute("SELECT step, value FROM temp WHERE run = ?", (run,)).fetchall()
    return {row["step"]: decode(row["value"]) for row in rows}


def put(tx: Tx, run: str, changed: Mapping[str, Any], dropped: Iterable[str] = ()) -> None:
    tx.executemany(
        "INSERT OR REPLACE INTO temp VALUES (?, ?, ?)", [(run, step, encode(value)) for step, value in changed.items()]
    )
    drop(tx, run, dropped)


def drop(tx: Tx, run: str, steps: Iterable[str]) -> None:
    tx.executemany("DELETE FROM temp WHERE run = ? AND step = ?", [(run, step) for step in steps])


def drop_all(tx: Tx, run: str) -> None:
    tx.execute("DELETE FROM temp WHERE run = ?", (run,))
    tx.execute("DELETE FROM cached WHERE run = ?", (run,))


def cached(tx: Tx, run: str, name: str, digest: str) -> tuple[bool, Any]:
    """(whether there is one for these values, the value)"""
    row = tx.execute(
        "SELECT value FROM cached WHERE run = ? AND name = ? AND digest = ?", (run, name, digest)
    ).fetchone()
    return (True, decode(row[0])) if row else (False, None)


def cache(tx: Tx, run: str, name: str, digest: str, value: Any) -> None:
    tx.execute("INSERT OR REPLACE INTO cached VALUES (?, ?, ?, ?)", (run, name, digest, encode(value)))
