"""The one counter behind every `rev`: a row that a screen shows bears the count of the transaction that wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from .database import Tx


@dataclass(frozen=True)
class Changes:
    """What was written since some rev: the ids of runs, jobs and conversations, and the names of collections."""

    rev: int
    runs: frozenset[str]
    jobs: frozenset[str]
    conversations: frozenset[str]
    collections: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.runs or self.jobs or self.conversations or self.collections)


def bump(tx: Tx) -> int:
    """The rev for what this transaction writes."""
    (rev,) = tx.execute("UPDATE counter SET rev = rev + 1 RETURNING rev").fetchone()
    return int(rev)


def current(tx: Tx) -> int:
    return int(tx.execute("SELECT rev FROM counter").fetchone()[0])


def since(tx: Tx, rev: int) -> Changes:
    """What changed after `rev`. A job or an artifact counts as a change of its run, a message of its conversation."""
    if current(tx) < rev:
        rev = -1  # a backup was restored: everything may have changed
    jobs = tx.execute("SELECT id, run FROM jobs WHERE rev > ? LIMIT 5000", (rev,)).fetchall()
    runs = {row[0] for row in tx.execute("SELECT id FROM runs WHERE rev > ? LIMIT 5000", (rev,))}
    runs |= {row[0] for row in tx.execute("SELECT DISTINCT run FROM artifacts WHERE rev > ? LIMIT 5000", (rev,))}
    gone = {row[0] for row in tx.execute("SELECT run FROM gone WHERE rev > ? LIMIT 5000", (rev,))}
    runs |= gone
    runs |= {row["run"] for row in jobs}
    chats = gone | {row[0] for row in tx.execute("SELECT id FROM conversations WHERE rev > ? LIMIT 5000", (rev,))}
    for table in ("messages", "proposals"):
        chats |= {
            row[0] for row in tx.execute(f"SELECT DISTINCT conversation FROM {table} WHERE rev > ? LIMIT 5000", (rev,))
        }
    lists = {row[0] for row in tx.execute("SELECT name FROM collections WHERE rev > ?", (rev,))}
    jobs_changed = frozenset(row["id"] for row in jobs)
    return Changes(current(tx), frozenset(runs), jobs_changed, frozenset(chats), frozenset(lists))
