"""Proposals: actions that a model would like, and what became of them."""

from __future__ import annotations

from typing import Any

from ..engine.messages import Proposal, ProposalState
from . import rev
from .connection import storable
from .database import Tx

CARRY_SECONDS = 120.0
"""What was approved longer ago than this is not being carried out any more."""

BROKEN_OFF = "pipetui ended while this was being done: look whether it was."

_COLUMNS = ", ".join(Proposal.__annotations__)


def _proposal(row: Any) -> Proposal | None:
    return Proposal(*row) if row else None


def add(tx: Tx, proposal: Proposal) -> None:
    values = [getattr(proposal, name) for name in Proposal.__annotations__]
    values = [storable(value) if isinstance(value, str) else value for value in values]
    places = ", ".join("?" * len(values))
    tx.execute(f"INSERT INTO proposals ({_COLUMNS}, rev) VALUES ({places}, ?)", (*values, rev.bump(tx)))


def get(tx: Tx, id: str) -> Proposal | None:
    return _proposal(tx.execute(f"SELECT {_COLUMNS} FROM proposals WHERE id = ?", (id,)).fetchone())


def of(tx: Tx, conversation: str) -> dict[str, Proposal]:
    """The newest proposals of a conversation by id."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM proposals WHERE conversation = ? ORDER BY created DESC LIMIT 1000", (conversation,)
    ).fetchall()
    return {row["id"]: Proposal(*row) for row in rows}


def move(tx: Tx, id: str, expected: ProposalState, state: ProposalState, now: float, result: str = "") -> bool:
    """Bring a proposal from one state to the next. False when it is not (or no longer) in the expected one."""
    done = tx.execute(
        "UPDATE proposals SET state = ?, result = ?, decided = coalesce(decided, ?), rev = ? "
        "WHERE id = ? AND state = ?",
        (state, storable(result), now, rev.bump(tx), id, expected),
    )
    return done.rowcount == 1


def expire(tx: Tx, now: float) -> None:
    """Close what nobody decided in time; and what was approved, while the app ended before it said what came of it."""
    for row in tx.execute(
        "SELECT id FROM proposals WHERE state = 'approved' AND decided <= ?", (now - CARRY_SECONDS,)
    ).fetchall():
        move(tx, row[0], "approved", "failed", now, BROKEN_OFF)
    if tx.execute("SELECT 1 FROM proposals WHERE state = 'open' AND expires <= ?", (now,)).fetchone():
        tx.execute(
            "UPDATE proposals SET state = 'expired', rev = ? WHERE state = 'open' AND expires <= ?", (rev.bump(tx), now)
        )
