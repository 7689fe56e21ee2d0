"""Conversations: chat threads. Every run has one, and there is a general one; both may have branches and successors.

The one in use is the one that was opened last.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from . import messages, rev
from .database import Tx


@dataclass(frozen=True)
class Conversation:
    """`run` is '' for a general one."""

    id: str
    run: str
    name: str
    created: float
    updated: float


@dataclass(frozen=True)
class ConversationLine:
    """A conversation as a list shows it; `key` is its run's, for people, or ''."""

    id: str
    run: str
    key: str
    app_name: str
    name: str
    messages: int
    updated: float


OF_A_RUN = "Chat"
"""The name in the table of a conversation that nobody has named: read as the key of its run, as that is now."""

_KEY = """(SELECT profiles.name || '-' || app_name || '-' || part FROM runs JOIN profiles ON profiles.id = runs.profile
           WHERE runs.id = conversations.run)"""
_NAME = f"CASE conversations.name WHEN '{OF_A_RUN}' THEN coalesce({_KEY}, '{OF_A_RUN}') ELSE conversations.name END"
_COLUMNS = f"id, coalesce(run, ''), {_NAME}, created, updated"


def _conversation(row: Any) -> Conversation | None:
    return Conversation(*row) if row else None


def add(tx: Tx, run: str, name: str, now: float) -> Conversation:
    """A new conversation, in use from now on."""
    id = uuid.uuid4().hex
    tx.execute(
        "INSERT INTO conversations (id, run, name, created, updated, opened, rev) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (id, run or None, name, now, now, _next_opened(tx), rev.bump(tx)),
    )
    made = get(tx, id)
    assert made is not None
    return made


def get(tx: Tx, id: str) -> Conversation | None:
    return _conversation(tx.execute(f"SELECT {_COLUMNS} FROM conversations WHERE id = ?", (id,)).fetchone())


def in_use(tx: Tx, run: str) -> Conversation | None:
    """The conversation of a run (or '') that was opened last."""
    found = tx.execute(
        f"SELECT {_COLUMNS} FROM conversations WHERE run IS ? ORDER BY opened DESC LIMIT 1", (run or None,)
    )
    return _conversation(found.fetchone())


def use(tx: Tx, id: str) -> None:
    """This one is in use from now on."""
    tx.execute("UPDATE conversations SET opened = ?, rev = ? WHERE id = ?", (_next_opened(tx), rev.bump(tx), id))


def _next_opened(tx: Tx) -> int:
    """A count, not a time: two in one instant have an order."""
    return int(tx.execute("SELECT coalesce(max(opened), 0) + 1 FROM conversations").fetchone()[0])


def rename(tx: Tx, id: str, name: str) -> None:
    tx.execute("UPDATE conversations SET name = ?, rev = ? WHERE id = ?", (name, rev.bump(tx), id))


def names(tx: Tx, run: str) -> dict[str, str]:
    """The names of all conversations of a run (or ''), as they stand in the table, by id."""
    return dict(tx.execute("SELECT id, name FROM conversations WHERE run IS ?", (run or None,)).fetchall())


def remove(tx: Tx, id: str) -> None:
    """Remove a conversation for good, with its messages."""
    messages.forget(tx, [id])
    tx.execute("DELETE FROM conversations WHERE id = ?", (id,))
    tx.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (id, rev.bump(tx)))


def forget_run(tx: Tx, run: str) -> None:
    """Take what was said about a run, which is about to be removed, out of the search."""
    rows = tx.execute("SELECT id FROM conversations WHERE run = ?", (run,)).fetchall()
    messages.forget(tx, [row[0] for row in rows])


def lines(tx: Tx, *, text: str = "", limit: int = 200) -> list[ConversationLine]:
    """The conversations, the last changed first; `text` must be in the name or in the run's key."""
    rows = tx.execute(
        f"""WITH line AS (
             SELECT conversations.id, coalesce(conversations.run, '') AS run, coalesce({_KEY}, '') AS key,
                    coalesce(app_name, '') AS app_name, {_NAME} AS name, conversations.updated
             FROM conversations LEFT JOIN runs ON runs.id = conversations.run
             WHERE runs.binned IS NULL)
           SELECT id, run, key, app_name, name,
                  (SELECT count(*) FROM messages WHERE conversation = line.id) AS messages, updated
           FROM line WHERE ? = '' OR instr(lower(name || ' ' || key), lower(?)) > 0
           ORDER BY updated DESC, id LIMIT ?""",
        (text, text, limit),
    ).fetchall()
    return [ConversationLine(*row) for row in rows]
