"""Events: the append-only history of a run; its fold is the record."""

from __future__ import annotations

from datetime import UTC, datetime

from ..engine.record import Change, Patch, Record, fold
from ..engine.transitions import Actor, Event, Moment
from ..engine.values import decode, encode
from .database import Tx


def add(tx: Tx, run: str, seq: int, at: float, actor: Actor, moment: Moment) -> None:
    change = moment.change
    tx.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run, seq, at, actor, moment.kind, moment.step, encode(change.forward.to_json()),
            encode(change.backward.to_json()), encode(list(moment.undoes)),
        ),
    )  # fmt: skip


def of(tx: Tx, run: str, *, last: int = 1000) -> list[Event]:
    """The last events of a run, in order."""
    rows = tx.execute(
        """SELECT seq, at, actor, kind, step, forward, backward, undoes FROM events
           WHERE run = ? ORDER BY seq DESC LIMIT ?""",
        (run, last),
    ).fetchall()
    return [
        Event(
            row["seq"],
            datetime.fromtimestamp(row["at"], UTC).isoformat(timespec="seconds"),
            row["actor"],
            row["kind"],
            row["step"],
            Change(Patch.from_json(decode(row["forward"])), Patch.from_json(decode(row["backward"]))),
            tuple(decode(row["undoes"])),
        )
        for row in reversed(rows)
    ]


def record_at(tx: Tx, run: str, seq: int) -> Record:
    """The record as it was at this version."""
    rows = tx.execute("SELECT forward FROM events WHERE run = ? AND seq <= ? ORDER BY seq", (run, seq)).fetchall()
    return fold(Patch.from_json(decode(row[0])) for row in rows)
