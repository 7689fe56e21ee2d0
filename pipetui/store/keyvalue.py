"""A persistent dictionary for each workflow, and one ('') for the app."""

from __future__ import annotations

from typing import Any

from ..engine.values import decode, encode
from .database import Tx


def of(tx: Tx, space: str) -> dict[str, Any]:
    rows = tx.execute("SELECT name, value FROM keyvalue WHERE space = ?", (space,)).fetchall()
    return {row["name"]: decode(row["value"]) for row in rows}


def put(tx: Tx, space: str, name: str, value: Any) -> None:
    tx.execute("INSERT OR REPLACE INTO keyvalue VALUES (?, ?, ?)", (space, name, encode(value)))


def drop(tx: Tx, space: str, name: str) -> None:
    tx.execute("DELETE FROM keyvalue WHERE space = ? AND name = ?", (space, name))
