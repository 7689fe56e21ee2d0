"""Artifacts: the files that runs produced."""

from __future__ import annotations

from dataclasses import dataclass

from . import rev
from .database import Tx


@dataclass(frozen=True)
class ArtifactRow:
    """A file below the run's folder; `size` in bytes."""

    run: str
    name: str
    job: str | None
    step: str
    size: int
    sha256: str
    rows: int | None
    at: float


def put(tx: Tx, row: ArtifactRow) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (row.run, row.name, row.job, row.step, row.size, row.sha256, row.rows, row.at, rev.bump(tx)),
    )


def is_kept_out(tx: Tx, run: str, name: str, job: str) -> bool:
    """Whether a file of this name is there that a job in force made, while `job` is superseded."""
    found = tx.execute(
        """SELECT 1 FROM artifacts JOIN jobs AS maker ON maker.id = artifacts.job
           WHERE artifacts.run = ? AND name = ? AND maker.id != ? AND maker.superseded IS NULL
           AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = ? AND jobs.superseded IS NOT NULL)""",
        (run, name, job, job),
    )
    return found.fetchone() is not None


def of(tx: Tx, run: str) -> list[ArtifactRow]:
    rows = tx.execute(
        "SELECT run, name, job, step, size, sha256, rows, at FROM artifacts WHERE run = ? ORDER BY name LIMIT 20000",
        (run,),
    )
    return [ArtifactRow(*row) for row in rows.fetchall()]
