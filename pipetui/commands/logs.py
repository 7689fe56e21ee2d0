"""`pipetui logs`: what the app, the command line and the worker logged, in the order of time."""

from __future__ import annotations

import os
import re
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from ..log import LEVELS
from . import output
from .exits import CRASH, OK, Exit
from .session import places

TAIL = 2_000_000
"""Bytes that are read of the end of each file."""

PAUSE = 0.3
_START = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) ")


def logs(args: Namespace) -> int:
    where = places(args)
    tails = [_Tail(path) for path in (where.log, where.worker_log)]
    graver = {level.upper() for level in LEVELS[LEVELS.index(args.level) :]} | {"CRITICAL"}

    def news() -> list[str]:
        try:
            entries = sorted(entry for tail in tails for entry in tail.read())
        except OSError as error:
            raise Exit(CRASH, f"The log in {where.logs} can't be read: {error.strerror}.") from None
        return [entry for entry in entries if (level := _START.match(entry)) is None or level[1] in graver]

    found = news()[-args.limit :]
    for entry in found:
        output.line(entry)
    if not found and not args.follow:
        output.note(f"Nothing is logged: {where.logs}")
    while args.follow:
        sys.stdout.flush()
        time.sleep(PAUSE)
        for entry in news():
            output.line(entry)
    return OK


class _Tail:
    """The end of a file, then what is appended to it, also after it was put aside."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._position = 0, 0

    def read(self) -> list[str]:
        """New entries; one has several lines where it has a traceback."""
        try:
            with self._path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino != self._inode or found.st_size < self._position:
                    self._position = 0 if self._inode else max(0, found.st_size - TAIL)
                    self._inode = found.st_ino
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return []
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        return list(_entries(whole.decode("utf-8", "backslashreplace")))


def _entries(text: str) -> Iterator[str]:
    entry = ""
    for line in text.splitlines():
        if _START.match(line) and entry:
            yield entry
            entry = line
        else:
            entry = f"{entry}\n{line}" if entry else line
    if entry:
        yield entry
