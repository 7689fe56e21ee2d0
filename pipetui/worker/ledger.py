"""The ledger of a job in the store, and the artifacts that it makes."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from .. import disk
from ..engine import fault
from ..engine.jobs import Attempt, Entry, JobError, Progress, Question
from ..engine.values import encode
from ..paths import inside, make_private
from ..service.handle import Handle
from ..store import artifacts, jobs, ledger
from ..store.artifacts import ArtifactRow
from ..store.database import Database, Tx
from ..store.jobs import JobRow

_Line: TypeAlias = tuple[Callable[[Tx], None], asyncio.Future[None]]

_TOGETHER = 0.03
"""Seconds that a result waits for others that are on their way."""

_LONGEST = 500  # characters of a progress text
_BLOCK = 1 << 20


class StoredLedger:
    """`engine.jobs.Ledger` over the store. `tell` gets the progress, from any thread, at once.

    Results of work that may be repeated share commits: whatever came while one transaction ran goes into the next,
    and while results come close together each transaction waits a moment for more of them.
    """

    def __init__(
        self,
        db: Database,
        row: JobRow,
        handle: Handle,
        entries: Mapping[tuple[str, str], Entry],
        tell: Callable[[Progress], None],
    ) -> None:
        self._db = db
        self._row = row
        self._handle = handle
        self._entries = dict(entries)
        self._tell = tell
        self._queue: list[_Line] = []
        self._committer: asyncio.Task[None] | None = None
        self._all_here = asyncio.Event()
        self._close_together = True
        self._parts = itertools.count()

    async def entry(self, name: str, key: str) -> Entry | None:
        return self._entries.get((name, key))

    async def intend(self, name: str, key: str, attempt: Attempt) -> None:
        await self._write(lambda tx: self._put(tx, name, key, attempt, certain=True, finished=False))
        self._entries[name, key] = Entry(attempt, finished=False)

    async def finish(self, name: str, key: str, attempt: Attempt, value: Any, *, more: bool = False) -> None:
        certain = (name, key) in self._entries  # an unfinished entry is an intent

        def put(tx: Tx) -> None:
            self._put(tx, name, key, attempt, certain=certain, finished=True, value=value)

        await (self._write(put) if certain else self._write_together(put, more))
        self._entries[name, key] = Entry(attempt, finished=True, value=value)

    async def forget(self, name: str, key: str) -> None:
        await self._write(lambda tx: ledger.drop(tx, self._row.id, name, key))
        self._entries.pop((name, key), None)

    async def answer(self, name: str) -> tuple[bool, Any]:
        return await self._db.read(lambda tx: ledger.answer(tx, self._row.id, name))

    async def question(self, question: Question) -> None:
        """The job waits for a person from here on; an answer that comes at once waits until its process is gone."""
        asked = encode({"name": question.name, "field": question.field.to_json(), "why": question.why})

        def ask(tx: Tx) -> None:
            row = jobs.get(tx, self._row.id)
            if row is not None and row.state == "running" and row.cancel is None:
                jobs.set_state(tx, row.id, "waiting", time.time(), question=asked, pid=None)

        await self._write(ask)

    async def drop_answer(self, name: str) -> None:
        await self._write(lambda tx: ledger.drop_answer(tx, self._row.id, name))

    def progress(self, progress: Progress) -> None:
        try:
            done, total = float(progress.done), float(progress.total)
        except (TypeError, ValueError, OverflowError):
            return  # an author's slip in a progress is no reason to fail
        if math.isfinite(done) and math.isfinite(total):
            self._tell(Progress(done, total, str(progress.text)[:_LONGEST]))

    def _put(self, tx: Tx, name: str, key: str, attempt: Attempt, **more: Any) -> None:
        ledger.put(tx, self._row.id, name, key, attempt, time.time(), **more)

    async def _write(self, work: Callable[[Tx], None]) -> None:
        """One transaction, with what the workflow changed in `temp` and `db` meanwhile."""
        changes = self._handle.changes()

        def both(tx: Tx) -> None:
            work(tx)
            if changes is not None:
                changes(tx)

        await self._db.write(both)

    async def _write_together(self, work: Callable[[Tx], None], more: bool) -> None:
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append((work, written))
        if not more:
            self._all_here.set()
        if self._committer is None:
            self._committer = asyncio.create_task(self._commit())
        await asyncio.shield(written)

    async def _commit(self) -> None:
        try:
            while self._queue:
                if self._close_together:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_TOGETHER):
                            await self._all_here.wait()
                batch, self._queue = self._queue, []
                self._all_here.clear()
                self._close_together = len(batch) > 1  # one alone has waited in vain: the next one doesn't
                await self._write_batch(batch)
        finally:
            self._committer = None

    async def _write_batch(self, batch: list[_Line]) -> None:
        def put(tx: Tx) -> None:
            for work, _ in batch:
                work(tx)

        try:
            await self._write(put)
        except Exception as error:  # whatever it is, each asker gets it
            for _, written in batch:
                written.set_exception(error)
                written.exception()  # seen: an asker that was cancelled doesn't look any more
        else:
            for _, written in batch:
                written.set_result(None)

    # -- artifacts

    @asynccontextmanager
    async def artifact(self, name: str) -> AsyncIterator[Part]:
        """See `engine.jobs.Job.artifact`. JobError when the block wrote nothing, ValueError when the name can't be."""
        path = _checked(self._handle.folder, name)
        make_private(path.parent)
        part = Part(path.with_name(f".{path.name}.{self._mark}-{next(self._parts)}.part"))
        try:
            yield part
            size, sha256 = await asyncio.to_thread(_seal, part.path, name)
            fault.point("artifact.written")
            if await self._db.read(lambda tx: artifacts.is_kept_out(tx, self._row.run, name, self._row.id)):
                return  # the run went another way, and what it went for has made this file
            part.path.replace(path)
            fault.point("artifact.renamed")
            disk.sync(path.parent)
            row = ArtifactRow(
                self._row.run, name, self._row.id, self._row.step, size, sha256, part.rows, time.time()
            )  # fmt: skip
            await self._write(lambda tx: artifacts.put(tx, row))
        finally:
            part.path.unlink(missing_ok=True)

    @property
    def _mark(self) -> str:
        return self._row.id[:12]

    def sweep(self) -> None:
        """Remove the parts that a dead predecessor left."""
        for left in self._handle.folder.rglob(f".*.{self._mark}-*.part"):
            left.unlink(missing_ok=True)


class Part:
    """A file that is being made: see `engine.jobs.Artifact`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: int | None = None


def _checked(folder: Path, name: str) -> Path:
    parts = name.split("/")
    if parts[0].lower() == "values" or any(part.startswith(".") or not part for part in parts):
        raise ValueError(f"{name!r} can't be the name of an artifact: use plain names, with / for folders.")
    return inside(folder, name)


def _seal(path: Path, name: str) -> tuple[int, str]:
    """Bring a file to the disk; its size in bytes and its sha256."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        raise JobError(f"The artifact {name} was not written.") from None
    with file:
        disk.flush(file.fileno())
        sha256, size = hashlib.sha256(), 0
        while block := file.read(_BLOCK):
            sha256.update(block)
            size += len(block)
    return size, sha256.hexdigest()
