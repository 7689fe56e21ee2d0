"""Whether there is work for a worker. Apart from jobs.py, which knows the engine's jobs and is dear to import."""

from __future__ import annotations

from .database import Tx


def is_left(tx: Tx) -> bool:
    """Whether a job is to run, or was running when somebody last looked."""
    found = tx.execute(
        """SELECT 1 FROM jobs JOIN runs ON runs.id = jobs.run
           WHERE jobs.state = 'running' OR jobs.state = 'queued' AND jobs.cancel IS NULL AND runs.binned IS NULL
           LIMIT 1"""
    )
    return found.fetchone() is not None
