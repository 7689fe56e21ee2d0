"""The log: plain lines in one file a kind of process. What the screen says in one sentence, the log has whole."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from .paths import make_private

LARGEST = 5_000_000
"""Bytes at which a log is put aside (as `.1`) when a process starts to write it."""

LONGEST = 20_000
"""Characters of what is logged at once: its begin and its end."""

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
LEVELS = ("debug", "info", "warning", "error")


class _Lines(logging.Formatter):
    """A record in lines that a terminal can show: no control characters but the newline."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if over := max(0, len(text) - LONGEST):
            text = f"{text[: LONGEST // 2]} … {over} more characters … {text[-LONGEST // 2 :]}"
        return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def start(path: Path, level: str = "info") -> None:
    """Write what is logged in this process to `path`. Where that can't be written, nothing is logged."""
    logger = logging.getLogger("pipetui")
    logger.setLevel(level.upper())
    logger.propagate = False
    for old in list(logger.handlers):
        logger.removeHandler(old)
        old.close()
    try:
        make_private(path.parent)
        if path.exists() and path.stat().st_size > LARGEST:
            _put_aside(path)
        path.touch(mode=0o600)
        handler: logging.Handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(_Lines(FORMAT))
    logger.addHandler(handler)
    logging.raiseExceptions = False  # a full disk must not print tracebacks into the terminal


def _put_aside(path: Path) -> None:
    """By a copy: other processes have the file open, and go on at the end of what bears its name."""
    import shutil  # dear, and seldom wanted

    aside = path.with_suffix(path.suffix + ".1")
    aside.touch(mode=0o600)
    shutil.copyfile(path, aside)
    os.truncate(path, 0)
