"""Who receives an answer: a file of its own that is locked meanwhile.

The kernel frees it with the process that has it, whatever becomes of that and of the clock.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..paths import inside, make_private
from ..store.errors import StoreError
from .starter import is_running


@contextmanager
def receiving(folder: Path, owner: str) -> Iterator[None]:
    """Within, `owner` is there. StoreError when no file can be locked."""
    with ExitStack() as end:
        try:
            make_private(folder)
            path = inside(folder, owner)
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            end.callback(os.close, file)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            end.callback(path.unlink, missing_ok=True)
        except (OSError, ValueError) as error:
            raise StoreError(f"No answer can begin, what was asked waits: {folder} can't be used ({error}).") from error
        yield


def is_there(folder: Path, owner: str) -> bool:
    """Whether `owner` is receiving, in whichever process. What one that was killed left is removed."""
    try:
        path = inside(folder, owner)
    except ValueError:
        return False
    if is_running(path):
        return True
    path.unlink(missing_ok=True)
    return False
