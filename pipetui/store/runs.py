"""Runs: the pipeline records. A write names the version that it changes: another one has moved the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from ..engine import record as records
from ..engine.record import Record
from ..engine.values import decode
from . import rev
from .database import Tx

Shelf: TypeAlias = Literal["active", "archived", "binned"]

_WHERE: dict[Shelf, str] = {
    "active": "runs.archived IS NULL AND runs.binned IS NULL",
    "archived": "runs.archived IS NOT NULL AND runs.binned IS NULL",
    "binned": "runs.binned IS NOT NULL",
}


@dataclass(frozen=True)
class RunRow:
    """A run as it is stored; `profile` is the profile's name."""

    id: str
    profile_id: str
    profile: str
    app_name: str
    part: str
    folder: str
    version: int
    record: Record
    next_step: str
    created: float
    updated: float
    archived: float | None = None
    binned: float | None = None


@dataclass(frozen=True)
class RunLine:
    """A run as a list shows it. `job` is the state of its newest wanted job that is not over well, else ''."""

    id: str
    profile: str
    app_name: str
    part: str
    next_step: str
    job: str
    created: float
    updated: float
    archived: bool
    binned: bool


_COLUMNS = """runs.id, runs.profile, profiles.name, app_name, part, folder, version, record, next_step,
    runs.created, runs.updated, archived, binned"""
_FROM = "FROM runs JOIN profiles ON profiles.id = runs.profile"


def _row(found: Any) -> RunRow | None:
    if found is None:
        return None
    fields = list(found)
    fields[7] = decode(fields[7])
    return RunRow(*fields)


def add(tx: Tx, row: RunRow) -> None:
    tx.execute(
        "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)",
        (
            row.id, row.profile_id, row.app_name, row.part, row.folder, row.version, records.encode(row.record),
            row.next_step, row.created, row.updated, rev.bump(tx),
        ),
    )  # fmt: skip


def get(tx: Tx, id: str) -> RunRow | None:
    return _row(tx.execute(f"SELECT {_COLUMNS} {_FROM} WHERE runs.id = ?", (id,)).fetchone())


def keyed(tx: Tx, profile_id: str, app_name: str, part: str) -> RunRow | None:
    """The run with this key that is not in the bin."""
    return _row(
        tx.execute(
            f"SELECT {_COLUMNS} {_FROM} WHERE runs.profile = ? AND app_name = ? AND part = ? AND binned IS NULL",
            (profile_id, app_name, part),
        ).fetchone()
    )


def find(tx: Tx, key: str) -> list[RunRow]:
    """The runs that have this whole key (`profile-APP_NAME-part`) or this id; without the bin."""
    rows = tx.execute(
        f"""SELECT {_COLUMNS} {_FROM} WHERE binned IS NULL
            AND (profiles.name || '-' || app_name || '-' || part = ? OR runs.id = ?) LIMIT 10""",
        (key, key),
    )
    return [row for found in rows.fetchall() if (row := _row(found)) is not None]


def parts(tx: Tx, profile_id: str, app_name: str) -> list[str]:
    """The parts in use, for the proposal of the next one."""
    return [
        row[0]
        for row in tx.execute(
            "SELECT part FROM runs WHERE profile = ? AND app_name = ? AND binned IS NULL", (profile_id, app_name)
        )
    ]


def update(tx: Tx, id: str, expected: int, record: Record, next_step: str, now: float) -> bool:
    """Write the record that follows version `expected`. False when the run has another version by now."""
    done = tx.execute(
        "UPDATE runs SET record = ?, version = version + 1, next_step = ?, updated = ?, rev = ? "
        "WHERE id = ? AND version = ?",
        (records.encode(record), next_step, now, rev.bump(tx), id, expected),
    )
    return done.rowcount == 1


def touch(tx: Tx, id: str) -> None:
    """Tell the feed that something beside the record changed."""
    tx.execute("UPDATE runs SET rev = ? WHERE id = ?", (rev.bump(tx), id))


def rename(tx: Tx, id: str, part: str) -> None:
    tx.execute("UPDATE runs SET part = ?, rev = ? WHERE id = ?", (part, rev.bump(tx), id))


def shelve(tx: Tx, id: str, shelf: Shelf, now: float) -> None:
    archived = now if shelf == "archived" else None
    binned = now if shelf == "binned" else None
    tx.execute("UPDATE runs SET archived = ?, binned = ?, rev = ? WHERE id = ?", (archived, binned, rev.bump(tx), id))


def has_running_job(tx: Tx, id: str) -> bool:
    return tx.execute("SELECT 1 FROM jobs WHERE run = ? AND state = 'running'", (id,)).fetchone() is not None


def purge(tx: Tx, id: str) -> None:
    """Remove a run for good, with all that hangs on it."""
    from . import conversations  # dear at a start: a list of runs needs no messages

    conversations.forget_run(tx, id)
    tx.execute("DELETE FROM runs WHERE id = ?", (id,))
    tx.execute("INSERT OR REPLACE INTO gone VALUES (?, ?)", (id, rev.bump(tx)))


def lines(
    tx: Tx,
    *,
    shelf: Shelf | None = "active",
    profile_id: str | None = None,
    app_name: str | None = None,
    text: str = "",
    limit: int = 100,
    offset: int = 0,
) -> list[RunLine]:
    """A page of runs, the last changed first. `shelf` None: all but the bin; `text` must be in the key."""
    where = [_WHERE[shelf] if shelf else "runs.binned IS NULL"]
    values: list[object] = []
    for condition, value in (("runs.profile = ?", profile_id), ("app_name = ?", app_name)):
        if value is not None:
            where.append(condition)
            values.append(value)
    if text:
        where.append("instr(lower(profiles.name || '-' || app_name || '-' || part), lower(?)) > 0")
        values.append(text)
    rows = tx.execute(
        f"""WITH page AS (SELECT runs.id, profiles.name, app_name, part, next_step, runs.created, runs.updated,
                             archived IS NOT NULL AS archived, binned IS NOT NULL AS binned
                      {_FROM} WHERE {" AND ".join(where)} ORDER BY runs.updated DESC, runs.id LIMIT ? OFFSET ?)
            SELECT id, name, app_name, part, next_step,
              coalesce((SELECT state FROM jobs WHERE jobs.run = page.id AND superseded IS NULL AND state != 'done'
                        ORDER BY queued DESC LIMIT 1), ''),
              created, updated, archived, binned
            FROM page ORDER BY updated DESC, id""",
        (*values, limit, offset),
    )
    return [_line(*row) for row in rows.fetchall()]


def _line(*columns: Any) -> RunLine:
    fields = [*columns[:8], bool(columns[8]), bool(columns[9])]
    return RunLine(*fields)


def count(tx: Tx, *, shelf: Shelf = "active", profile_id: str | None = None, app_name: str | None = None) -> int:
    where, values = [_WHERE[shelf]], []
    for condition, value in (("runs.profile = ?", profile_id), ("app_name = ?", app_name)):
        if value is not None:
            where.append(condition)
            values.append(value)
    found = tx.execute(f"SELECT count(*) FROM runs WHERE {' AND '.join(where)}", values)
    return int(found.fetchone()[0])


def binned(tx: Tx) -> list[RunRow]:
    rows = tx.execute(f"SELECT {_COLUMNS} {_FROM} WHERE binned IS NOT NULL LIMIT 10000").fetchall()
    return [row for found in rows if (row := _row(found)) is not None]
