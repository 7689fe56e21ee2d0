"""Bytes brought to the disk: all of them, or an OSError. A disk that fills up takes a part of a write, silently."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path


def write(file: int, data: bytes) -> None:
    """Write all of `data` to an open file; it is on the disk when this returns."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
    flush(file)


def put(path: Path, data: bytes) -> None:
    """Give a file this content, at one instant and for its owner alone; until then it is what it was."""
    part = path.with_name(f".{path.name}.{os.urandom(4).hex()}.part")
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            write(file, data)
        finally:
            os.close(file)
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flush(file)
    finally:
        os.close(file)


def flush(file: int) -> None:
    """Bring what was written to an open file to the disk."""
    if sys.platform == "darwin":  # whose fsync stops at the disk's own memory
        with suppress(OSError):  # not every file system can do more
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)
    os.fsync(file)
