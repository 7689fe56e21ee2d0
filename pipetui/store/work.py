"""Whether there is work for a worker. Apart from jobs.py, which knows the engine's jobs and is dear to import."""

from __future__ import annotations

from .database import Tx


def is_left(tx: Tx) -> bool:
    """Whether a job is to run, or was running when somebody last looked."""
    return tx.execute("SELECT 1 FROM jobs WHERE state IN ('queued', 'running') LIMIT 1").fetchone() is not None
