"""The workflow files that jobs were queued with: a job runs the source that it had, whatever was saved since."""

from __future__ import annotations

import hashlib

from .database import Tx


def put(tx: Tx, filename: str, text: str) -> str:
    """Keep a source; its sha256."""
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    tx.execute("INSERT OR IGNORE INTO sources VALUES (?, ?, ?)", (sha256, filename, text))
    return sha256


def get(tx: Tx, sha256: str) -> tuple[str, str]:
    """(file name, text)"""
    row = tx.execute("SELECT filename, text FROM sources WHERE sha256 = ?", (sha256,)).fetchone()
    return row["filename"], row["text"]
