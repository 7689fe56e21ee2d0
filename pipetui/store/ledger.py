"""The ledger of jobs: what `once` did, and the answers of people."""

from __future__ import annotations

from typing import Any

from ..engine.jobs import Attempt, Entry
from ..engine.values import decode, encode
from .database import Tx


def entry(tx: Tx, job: str, name: str, key: str) -> Entry | None:
    row = tx.execute(
        "SELECT attempt, marker, inputs, finished, value FROM ledger WHERE job = ? AND name = ? AND key = ?",
        (job, name, key),
    ).fetchone()
    if row is None:
        return None
    attempt = Attempt(row["attempt"], row["marker"], decode(row["inputs"]))
    return Entry(attempt, bool(row["finished"]), decode(row["value"]))


def every(tx: Tx, job: str) -> dict[tuple[str, str], Entry]:
    """All entries of a job, by name and key: a job that starts again reads them in one go."""
    rows = tx.execute(
        "SELECT name, key, attempt, marker, inputs, finished, value FROM ledger WHERE job = ?", (job,)
    ).fetchall()
    return {
        (row["name"], row["key"]): Entry(
            Attempt(row["attempt"], row["marker"], decode(row["inputs"])), bool(row["finished"]), decode(row["value"])
        )
        for row in rows
    }


def put(
    tx: Tx,
    job: str,
    name: str,
    key: str,
    attempt: Attempt,
    now: float,
    *,
    certain: bool,
    finished: bool,
    value: Any = None,
) -> None:
    tx.execute(
        """INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
           attempt = excluded.attempt, marker = excluded.marker, finished = excluded.finished, value = excluded.value,
           at = excluded.at""",
        (job, name, key, attempt.id, attempt.marker, encode(attempt.inputs), certain, finished, encode(value), now),
    )


def drop(tx: Tx, job: str, name: str, key: str) -> None:
    tx.execute("DELETE FROM ledger WHERE job = ? AND name = ? AND key = ?", (job, name, key))


def has_effects(tx: Tx, job: str) -> bool:
    """Whether the job has begun work that must not be repeated."""
    return tx.execute("SELECT 1 FROM ledger WHERE job = ? AND certain LIMIT 1", (job,)).fetchone() is not None


def answer(tx: Tx, job: str, name: str) -> tuple[bool, Any]:
    row = tx.execute("SELECT value FROM answers WHERE job = ? AND name = ?", (job, name)).fetchone()
    return (True, decode(row[0])) if row else (False, None)


def put_answer(tx: Tx, job: str, name: str, value: Any) -> None:
    tx.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (job, name, encode(value)))


def drop_answer(tx: Tx, job: str, name: str) -> None:
    tx.execute("DELETE FROM answers WHERE job = ? AND name = ?", (job, name))
