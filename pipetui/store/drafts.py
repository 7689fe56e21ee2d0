"""Drafts: what was typed and not submitted."""

from __future__ import annotations

from typing import Any

from ..engine.values import decode, encode
from .database import Tx


def put(tx: Tx, run: str, step: str, given: Any, now: float) -> None:
    tx.execute("INSERT OR REPLACE INTO drafts VALUES (?, ?, ?, ?)", (run, step, encode(given), now))


def of(tx: Tx, run: str) -> dict[str, Any]:
    """The drafts of a run by step id."""
    rows = tx.execute("SELECT step, given FROM drafts WHERE run = ?", (run,)).fetchall()
    return {row["step"]: decode(row["given"]) for row in rows}


def drop(tx: Tx, run: str, step: str) -> None:
    tx.execute("DELETE FROM drafts WHERE run = ? AND step = ?", (run, step))


def drop_all(tx: Tx, run: str) -> None:
    tx.execute("DELETE FROM drafts WHERE run = ?", (run,))
