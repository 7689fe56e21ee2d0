"""Profiles: the clients or projects that own runs, as runs need them. Their rows are a collection (collections.py)."""

from __future__ import annotations

from dataclasses import dataclass

from .database import Tx


@dataclass(frozen=True)
class Profile:
    id: str
    name: str
    created: float


def named(tx: Tx, name: str) -> Profile | None:
    row = tx.execute("SELECT id, name, created FROM profiles WHERE name = ?", (name,)).fetchone()
    return Profile(*row) if row else None


def get(tx: Tx, id: str) -> Profile | None:
    row = tx.execute("SELECT id, name, created FROM profiles WHERE id = ?", (id,)).fetchone()
    return Profile(*row) if row else None
