"""Events: the append-only history of a run; its fold is the record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ..engine.record import Change, Patch, Record, fold
from ..engine.transitions import Actor, Event, Happened, Moment
from ..engine.values import decode, encode
from .database import Tx

LAST = 1000
"""Events of a run that are looked at, where nobody says otherwise: undo reaches no further back."""

_WHAT = "seq, at, actor, kind, step, undoes"


def add(tx: Tx, run: str, seq: int, at: float, actor: Actor, moment: Moment) -> None:
    change = moment.change
    tx.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run, seq, at, actor, moment.kind, moment.step, encode(change.forward.to_json()),
            encode(change.backward.to_json()), encode(list(moment.undoes)),
        ),
    )  # fmt: skip


def of(tx: Tx, run: str, *, last: int = LAST) -> list[Event]:
    """The last events of a run, in order."""
    rows = tx.execute(
        f"SELECT {_WHAT}, forward, backward FROM events WHERE run = ? ORDER BY seq DESC LIMIT ?", (run, last)
    ).fetchall()
    return [
        Event(
            **_happened(row),
            change=Change(Patch.from_json(decode(row["forward"])), Patch.from_json(decode(row["backward"]))),
        )
        for row in reversed(rows)
    ]


def happened(tx: Tx, run: str) -> list[Happened]:
    """The last events of a run, in order, without their changes."""
    rows = tx.execute(f"SELECT {_WHAT} FROM events WHERE run = ? ORDER BY seq DESC LIMIT ?", (run, LAST)).fetchall()
    return [Happened(**_happened(row)) for row in reversed(rows)]


def _happened(row: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(row["at"], UTC).isoformat(timespec="seconds")
    what = {name: row[name] for name in ("seq", "actor", "kind", "step")}
    return {**what, "at": at, "undoes": tuple(decode(row["undoes"]))}


def record_at(tx: Tx, run: str, seq: int) -> Record:
    """The record as it was at this version."""
    rows = tx.execute("SELECT forward FROM events WHERE run = ? AND seq <= ? ORDER BY seq", (run, seq)).fetchall()
    return fold(Patch.from_json(decode(row[0])) for row in rows)
