"""Messages of conversations, and the search over all of them.

`found` holds the text of every message that has ended. It is kept by hand: triggers may not touch a virtual table
under `trusted_schema=OFF` in the SQLite versions that are about.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..engine.messages import LIVE, By, Message, MessageState, Part, Role, Usage, part_from_json, part_to_json
from ..engine.values import decode, encode
from . import rev
from .connection import storable
from .database import Tx

MOST_COPIES = 4
"""Branches with the same message that a search reckons with."""

_COLUMNS = "id, conversation, seq, role, author, state, text, parts, why, pinned, created, usage"


@dataclass(frozen=True)
class Hit:
    """A message that a search found: `excerpt` is a piece of its text, `found` says where in it the words stand."""

    message: str
    conversation: str
    role: Role
    excerpt: str
    created: float
    found: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Claimed:
    """A waiting answer that somebody took; `scope` is where its asker was."""

    answer: Message
    scope: dict[str, Any]


def _message(row: Any) -> Message:
    id, conversation, seq, role, by, state, text, parts, why, pinned, created, usage = row
    return Message(
        id, conversation, seq, role, by, state, text,
        tuple(part_from_json(part) for part in decode(parts)), why, bool(pinned), created,
        Usage(**decode(usage)) if usage else Usage(),
    )  # fmt: skip


def add(
    tx: Tx,
    conversation: str,
    role: Role,
    by: By,
    text: str,
    now: float,
    *,
    state: MessageState = "done",
    parts: Sequence[Part] = (),
    scope: dict[str, Any] | None = None,
    origin: str | None = None,
    pinned: bool = False,
    usage: Usage | None = None,
    why: str = "",
) -> Message | None:
    """Put a message at the end of a conversation. None when one of this `origin` is there already."""
    if origin is not None and has_origin(tx, origin):
        return None
    (seq,) = tx.execute(
        "SELECT coalesce(max(seq), 0) + 1 FROM messages WHERE conversation = ?", (conversation,)
    ).fetchone()
    bumped = rev.bump(tx)
    row = tx.execute(
        f"INSERT INTO messages ({_COLUMNS}, scope, origin, rev) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        f"RETURNING number, {_COLUMNS}",
        (
            uuid.uuid4().hex, conversation, seq, role, by, state, storable(text), _parts(parts), storable(why),
            pinned, now, encode(asdict(usage)) if usage else "", encode(scope or {}), origin, bumped,
        ),
    ).fetchone()  # fmt: skip
    number, *fields = row
    message = _message(fields)
    _index(tx, number, message)
    tx.execute("UPDATE conversations SET updated = ?, rev = ? WHERE id = ?", (now, bumped, conversation))
    return message


def has_origin(tx: Tx, origin: str) -> bool:
    return tx.execute("SELECT 1 FROM messages WHERE origin = ?", (origin,)).fetchone() is not None


def get(tx: Tx, id: str) -> Message | None:
    row = tx.execute(f"SELECT {_COLUMNS} FROM messages WHERE id = ?", (id,)).fetchone()
    return _message(row) if row else None


def scope_of(tx: Tx, id: str) -> dict[str, Any]:
    """Where the asker of an answer was."""
    row = tx.execute("SELECT scope FROM messages WHERE id = ?", (id,)).fetchone()
    scope: dict[str, Any] = decode(row[0]) if row else {}
    return scope


def page(tx: Tx, conversation: str, *, before: int | None = None, limit: int = 100) -> list[Message]:
    """The last messages of a conversation whose `seq` is below `before`, in their order."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE conversation = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (conversation, before if before is not None else 1 << 60, limit),
    ).fetchall()
    return [_message(row) for row in reversed(rows)]


def since(tx: Tx, conversation: str, seq: int, *, limit: int = 1_000) -> list[Message]:
    """The last messages of a conversation from `seq` on, in their order."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE conversation = ? AND seq >= ? ORDER BY seq DESC LIMIT ?",
        (conversation, seq, limit),
    ).fetchall()
    return [_message(row) for row in reversed(rows)]


def pinned(tx: Tx, conversation: str) -> list[Message]:
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM messages WHERE conversation = ? AND pinned ORDER BY seq LIMIT 100", (conversation,)
    ).fetchall()
    return [_message(row) for row in rows]


def pin(tx: Tx, id: str, is_pinned: bool) -> None:
    tx.execute("UPDATE messages SET pinned = ?, rev = ? WHERE id = ?", (is_pinned, rev.bump(tx), id))


def remove(tx: Tx, id: str) -> None:
    """Remove a message for good."""
    row = tx.execute("DELETE FROM messages WHERE id = ? RETURNING number, conversation", (id,)).fetchone()
    if row is not None:
        tx.execute("DELETE FROM found WHERE rowid = ?", (row["number"],))
        tx.execute("UPDATE conversations SET rev = ? WHERE id = ?", (rev.bump(tx), row["conversation"]))


def forget(tx: Tx, conversations: Iterable[str]) -> None:
    """Take the messages of conversations, which are about to be removed, out of the search."""
    for id in conversations:
        tx.execute("DELETE FROM found WHERE rowid IN (SELECT number FROM messages WHERE conversation = ?)", (id,))


# -- answers


def claim(tx: Tx, owner: str, preferred: str, now: float, later: Sequence[str] = ()) -> Claimed | None:
    """Take the waiting answer that is next and none of `later`, in the preferred conversation first.

    None when there is none whose conversation has no answer under way: they are given in their order.
    """
    row = tx.execute(
        f"""SELECT {_COLUMNS}, scope FROM messages AS mine WHERE state = 'waiting'
            AND id NOT IN ({", ".join("?" * len(later))}) AND NOT EXISTS
              (SELECT 1 FROM messages AS other WHERE other.conversation = mine.conversation
               AND other.state IN ('waiting', 'streaming') AND other.seq < mine.seq)
            ORDER BY conversation = ? DESC, number LIMIT 1""",
        (*later, preferred),
    ).fetchone()
    if row is None:
        return None
    scope = row[-1]
    tx.execute(
        "UPDATE messages SET state = 'streaming', why = '', owner = ?, touched = ?, rev = ? WHERE id = ?",
        (owner, now, rev.bump(tx), row["id"]),
    )
    answer = get(tx, row["id"])
    assert answer is not None
    return Claimed(answer, decode(scope))


def save(tx: Tx, owner: str, answer: Message, now: float) -> bool:
    """Write how far an answer came, or how it ended. False when it is no longer this owner's."""
    row = tx.execute(
        """UPDATE messages SET state = ?, text = ?, parts = ?, why = ?, usage = ?, touched = ?, rev = ?
           WHERE id = ? AND owner = ? AND state = 'streaming' RETURNING number, conversation""",
        (
            answer.state, storable(answer.text), _parts(answer.parts), storable(answer.why),
            encode(asdict(answer.usage)), now, rev.bump(tx), answer.id, owner,
        ),
    ).fetchone()  # fmt: skip
    if row is None:
        return False
    if answer.state not in LIVE:
        _index(tx, row["number"], answer)
        tx.execute("UPDATE conversations SET updated = ? WHERE id = ?", (now, row["conversation"]))
    return True


def put_back(tx: Tx, owner: str, id: str, why: str) -> None:
    """A claimed answer of which nothing came waits again; `why` says for what."""
    tx.execute(
        "UPDATE messages SET state = 'waiting', owner = '', why = ?, rev = ? WHERE id = ? AND owner = ? "
        "AND state = 'streaming'",
        (why, rev.bump(tx), id, owner),
    )


def stop(tx: Tx, id: str, why: str) -> bool:
    """End a live answer, whoever it belongs to; what came is kept. Whether it was live."""
    row = tx.execute(
        "UPDATE messages SET state = 'stopped', why = ?, owner = '', rev = ? "
        "WHERE id = ? AND state IN ('waiting', 'streaming') RETURNING number",
        (why, rev.bump(tx), id),
    ).fetchone()
    if row is not None and (ended := get(tx, id)) is not None:
        _index(tx, row["number"], ended)
    return row is not None


def received(tx: Tx) -> list[tuple[str, str]]:
    """(the id of a streamed answer, who receives it) for each."""
    return [(id, owner) for id, owner in tx.execute("SELECT id, owner FROM messages WHERE state = 'streaming'")]


def is_unanswered(tx: Tx) -> bool:
    """Whether an answer waits, or is being streamed by anybody."""
    row = tx.execute("SELECT 1 FROM messages WHERE state IN ('waiting', 'streaming') LIMIT 1").fetchone()
    return row is not None


def explain(tx: Tx, why: str) -> None:
    """Say of all answers that wait for what they do."""
    if tx.execute("SELECT 1 FROM messages WHERE state = 'waiting' AND why != ?", (why,)).fetchone():
        tx.execute("UPDATE messages SET why = ?, rev = ? WHERE state = 'waiting'", (why, rev.bump(tx)))


# -- search


def search(tx: Tx, text: str, *, limit: int = 50) -> list[Hit]:
    """The newest messages that have every one of these words, the last of which may be unfinished.

    A message that branches of a conversation share is found once, in the newest of them.
    """
    words = re.findall(r"\w+", text)
    if not words:
        return []
    wanted = " ".join(f'"{word}"' for word in words) + "*"
    rows = tx.execute(
        """WITH newest AS (SELECT rowid, snippet(found, 0, char(2), char(3), '…', 24) AS excerpt FROM found
                           WHERE found MATCH ? ORDER BY rowid DESC LIMIT ?)
           SELECT id, conversation, role, excerpt, created FROM newest JOIN messages ON number = newest.rowid
           ORDER BY number DESC""",
        (wanted, limit * MOST_COPIES),
    ).fetchall()
    hits: dict[tuple[Role, str, float], Hit] = {}
    for id, conversation, role, marked, created in rows:
        hits.setdefault((role, marked, created), Hit(id, conversation, role, *_unmarked(marked, created)))
    return list(hits.values())[:limit]


def _unmarked(marked: str, created: float) -> tuple[str, float, Sequence[tuple[int, int]]]:
    """(the excerpt, `created`, where its marks were)"""
    text, found, at = "", [], 0
    for match in re.finditer("\x02([^\x02\x03]*)\x03", marked):
        text += marked[at : match.start()]
        found.append((len(text), len(text) + len(match[1])))
        text, at = text + match[1], match.end()
    return text + marked[at:], created, tuple(found)


def _index(tx: Tx, number: int, message: Message) -> None:
    if message.state not in LIVE and message.text:
        tx.execute("INSERT OR REPLACE INTO found (rowid, text) VALUES (?, ?)", (number, storable(message.text)))


def _parts(parts: Sequence[Part]) -> str:
    return encode([part_to_json(part) for part in parts])
