"""Profiles: the clients or projects that own runs."""

from __future__ import annotations

from dataclasses import dataclass

from . import rev
from .database import Tx


@dataclass(frozen=True)
class Profile:
    id: str
    name: str
    created: float


def add(tx: Tx, profile: Profile) -> None:
    tx.execute(
        "INSERT INTO profiles VALUES (?, ?, ?, ?)",
        (profile.id, profile.name, profile.created, rev.bump(tx)),
    )


def rename(tx: Tx, id: str, name: str) -> None:
    tx.execute("UPDATE profiles SET name = ?, rev = ? WHERE id = ?", (name, rev.bump(tx), id))


def named(tx: Tx, name: str) -> Profile | None:
    row = tx.execute("SELECT id, name, created FROM profiles WHERE name = ?", (name,)).fetchone()
    return Profile(*row) if row else None


def every(tx: Tx) -> list[Profile]:
    rows = tx.execute("SELECT id, name, created FROM profiles ORDER BY created, name LIMIT 10000")
    return [Profile(*row) for row in rows]
