"""Jobs: what is to run, runs, and ran."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ..engine.jobs import CANCELLED, OVER, JobState, JobView, Progress
from ..engine.values import decode
from . import ledger, rev
from .connection import storable
from .database import Tx

MOST_DEATHS = 5
"""A job that died this often in a row without progress is parked."""

_LIVE = "('queued', 'running', 'waiting')"
_HAS_EFFECTS = "EXISTS (SELECT 1 FROM ledger WHERE ledger.job = jobs.id AND certain)"


@dataclass(frozen=True)
class JobRow:
    """A job as it is stored; times in seconds since the epoch."""

    id: str
    run: str
    step: str
    version: int
    source: str
    state: JobState
    queued: float
    started: float | None
    ended: float | None
    deaths: int
    recorded: int
    pid: int | None
    done: float
    total: float
    text: str
    question: str | None
    error: str
    result: str | None
    cancel: float | None
    superseded: float | None

    @property
    def view(self) -> JobView:
        return JobView(
            self.id,
            self.step,
            self.state,
            Progress(self.done, self.total, self.text),
            JobView.question_from(decode(self.question) if self.question else None),
            self.error,
            self.queued,
            self.started,
            self.ended,
            self.cancel is not None and self.state not in OVER,
        )


_COLUMNS = ", ".join(f"jobs.{name}" for name in JobRow.__annotations__)


def add(tx: Tx, id: str, run: str, step: str, version: int, source: str, now: float) -> None:
    tx.execute(
        "INSERT INTO jobs (id, run, step, version, source, state, queued, rev) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?)",
        (id, run, step, version, source, now, rev.bump(tx)),
    )


def get(tx: Tx, id: str) -> JobRow | None:
    row = tx.execute(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (id,)).fetchone()
    return JobRow(*row) if row else None


def of(tx: Tx, run: str) -> dict[str, JobRow]:
    """The jobs of a run by id."""
    rows = tx.execute(f"SELECT {_COLUMNS} FROM jobs WHERE run = ? ORDER BY queued DESC LIMIT 1000", (run,)).fetchall()
    return {row["id"]: JobRow(*row) for row in rows}


def latest(tx: Tx, *, limit: int = 200, live: bool = False, profile: str | None = None) -> list[JobRow]:
    """The newest jobs first; `live` only those that are not over, `profile` only those of its runs (by its name)."""
    where, values = [f"state IN {_LIVE}"] if live else ["1"], []
    if profile is not None:
        where.append("run IN (SELECT runs.id FROM runs JOIN profiles ON profiles.id = runs.profile WHERE name = ?)")
        values.append(profile)
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE {' AND '.join(where)} ORDER BY queued DESC, id LIMIT ?", (*values, limit)
    ).fetchall()
    return [JobRow(*row) for row in rows]


def starting(tx: Tx, prefix: str) -> list[JobRow]:
    """The jobs whose id starts with a prefix that a person typed."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE substr(id, 1, ?) = ? LIMIT 3", (len(prefix), prefix)
    ).fetchall()
    return [JobRow(*row) for row in rows]


def set_state(tx: Tx, id: str, state: JobState, now: float, **more: Any) -> None:
    """Move a job; `more` are further columns. The time of the end is set when the state is one of the last."""
    columns: dict[str, Any] = {"state": state, "rev": rev.bump(tx), **more}
    if state == "running":
        columns |= {"started": now, "ended": None, "error": "", "question": None}
    elif state in OVER:
        columns |= {"ended": now, "pid": None}
    elif state == "queued":
        columns |= {"pid": None, "question": None, "ended": None, "error": ""}
    names = ", ".join(f"{name} = ?" for name in columns)
    tx.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*columns.values(), id))


def request_cancel(tx: Tx, id: str, now: float) -> None:
    tx.execute("UPDATE jobs SET cancel = ?, rev = ? WHERE id = ?", (now, rev.bump(tx), id))


def supersede(tx: Tx, run: str, in_force: Collection[str], now: float) -> None:
    """Mark the jobs of a run whose result the record no longer wants, and unmark those that it wants again."""
    for row in tx.execute("SELECT id, state, cancel, superseded FROM jobs WHERE run = ?", (run,)).fetchall():
        wanted = row["id"] in in_force
        if wanted == (row["superseded"] is not None):
            since = None if wanted else now
            if wanted and row["state"] == "cancelled" and row["cancel"] is None:
                set_state(tx, row["id"], "queued", now, superseded=None)  # nobody but `abandoned` had stopped it
            elif row["state"] in OVER:  # its end is no news again; who shows it sees the run change
                tx.execute("UPDATE jobs SET superseded = ? WHERE id = ?", (since, row["id"]))
            else:
                tx.execute("UPDATE jobs SET superseded = ?, rev = ? WHERE id = ?", (since, rev.bump(tx), row["id"]))


def claimable(tx: Tx, limit: int) -> list[JobRow]:
    """Queued jobs that are to run, the oldest first; a superseded one only if it has effects that must be finished.

    None of a run that lies in the bin.
    """
    rows = tx.execute(
        f"""SELECT {_COLUMNS} FROM jobs WHERE state = 'queued' AND cancel IS NULL
            AND (superseded IS NULL OR {_HAS_EFFECTS})
            AND EXISTS (SELECT 1 FROM runs WHERE runs.id = jobs.run AND binned IS NULL)
            ORDER BY queued, id LIMIT ?""",
        (limit,),
    ).fetchall()
    return [JobRow(*row) for row in rows]


def abandoned(tx: Tx, before: float) -> list[JobRow]:
    """Jobs that are not over, superseded since before that time, and without effects that must be finished."""
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM jobs WHERE state IN {_LIVE} AND superseded < ? AND NOT {_HAS_EFFECTS} LIMIT 1000",
        (before,),
    ).fetchall()
    return [JobRow(*row) for row in rows]


def running(tx: Tx) -> list[JobRow]:
    rows = tx.execute(f"SELECT {_COLUMNS} FROM jobs WHERE state = 'running'").fetchall()
    return [JobRow(*row) for row in rows]


def put_progress(tx: Tx, progress: Mapping[str, Progress]) -> None:
    """The progress of several jobs at once."""
    bumped = rev.bump(tx)
    tx.executemany(
        "UPDATE jobs SET done = ?, total = ?, text = ?, rev = ? WHERE id = ?",
        [(p.done, p.total, storable(p.text), bumped, id) for id, p in progress.items()],
    )


def claim(tx: Tx, id: str, now: float, pid: int | None = None) -> bool:
    """The job runs from here, in the process `pid`. False when it is no longer to run."""
    row = get(tx, id)
    if row is None or row.state != "queued" or row.cancel is not None:
        return False
    set_state(tx, id, "running", now, recorded=_recorded(tx, id), pid=pid)
    return True


def fail(tx: Tx, id: str, error: str, now: float) -> None:
    """A running job ended with an error, unless a person had cancelled it before."""
    row = get(tx, id)
    if row is None or row.state != "running":
        return
    if row.cancel is not None:
        set_state(tx, id, "cancelled", now, error=CANCELLED)
    else:
        set_state(tx, id, "failed", now, error=storable(error))


def abandon(tx: Tx, id: str, now: float) -> None:
    """A superseded job was stopped: `supersede` queues it again if the record wants it again."""
    row = get(tx, id)
    if row is None or row.state in OVER:
        return
    if row.cancel is not None:
        set_state(tx, id, "cancelled", now, error=CANCELLED)
    elif row.superseded is None or ledger.has_effects(tx, id):
        set_state(tx, id, "queued", now)  # in the last moment it was wanted again, or began what must be finished
    else:
        set_state(tx, id, "cancelled", now, error="The run went another way, so this was stopped.")


def put_back(tx: Tx, id: str, now: float) -> None:
    """A running job is queued again, through no fault of its own."""
    row = get(tx, id)
    if row is not None and row.state == "running":
        cancelled = row.cancel is not None
        set_state(tx, id, "cancelled" if cancelled else "queued", now, error=CANCELLED if cancelled else "")


def died(tx: Tx, id: str, why: str, now: float) -> None:
    """A job's process ended without an answer: it is queued again, or parked when that happens again and again.

    A job that recorded something since it was claimed has not died in vain: its count starts anew.
    """
    row = get(tx, id)
    if row is None or row.state != "running":
        return
    deaths = 1 if _recorded(tx, id) > row.recorded else row.deaths + 1
    if row.cancel is not None:
        set_state(tx, id, "cancelled", now, error=CANCELLED)
    elif deaths >= MOST_DEATHS:
        error = f"It died {deaths} times in a row ({why}) and is parked. What it finished is kept; you can try again."
        set_state(tx, id, "parked", now, deaths=deaths, error=error)
    else:
        set_state(tx, id, "queued", now, deaths=deaths)


def _recorded(tx: Tx, id: str) -> int:
    return int(tx.execute("SELECT count(*) FROM ledger WHERE job = ? AND finished", (id,)).fetchone()[0])


def count_live(tx: Tx) -> dict[str, int]:
    """How many jobs there are in each state that is not over; of superseded ones only those that run."""
    rows = tx.execute(
        f"""SELECT state, count(*) FROM jobs
            WHERE state IN {_LIVE} AND (superseded IS NULL OR state = 'running') GROUP BY state"""
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def result_of(row: JobRow) -> Any:
    return decode(row.result) if row.result is not None else None
