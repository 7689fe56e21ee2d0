"""Save all data, take it back, or start anew. The database may be broken, so these need no open service."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..engine.refusals import Refusal
from ..paths import PROD, Paths, make_private
from ..store import backup as stored
from ..store.database import Database
from ..store.errors import explained
from ..store.schema import MIGRATIONS


async def backup(paths: Paths, to: Path | None = None) -> Path:
    """Write a copy of the database (None: into the folder of backups) and return where it is. StoreError."""
    db = await Database.open(paths.database, MIGRATIONS, backups=paths.backups)
    try:
        return await stored.backup(db, to)
    finally:
        await db.close()


async def restore(paths: Paths, source: Path) -> Path | None:
    """Give the database the content of a backup; where the former content lies now, None if there was none.

    Refusal while a worker runs, StoreError when the backup is no good: nothing is changed then.
    """
    with _no_worker(paths):
        return await stored.restore(source, paths.database, MIGRATIONS, backups=paths.backups)


def reset(paths: Paths) -> None:
    """Delete data and cache of an environment. Refusal in prod and while a worker runs, StoreError."""
    if paths.env == PROD:
        raise Refusal("prod is never reset. Choose another environment with --env, or delete single runs in the app.")
    with _no_worker(paths), explained(paths.data, OSError):
        for folder in (paths.data, paths.cache):
            if folder.exists():
                shutil.rmtree(folder)


@contextmanager
def _no_worker(paths: Paths) -> Iterator[None]:
    """Hold the worker's lock, so that none runs or starts. Refusal when one does."""
    with explained(paths.data, OSError):
        make_private(paths.data)
        with paths.worker_lock.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refusal(
                    "A background worker has jobs at work on these data: nothing was changed. Wait for them or cancel "
                    "them (pipetui jobs), then try again."
                ) from None
            yield
