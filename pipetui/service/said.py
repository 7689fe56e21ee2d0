"""What a workflow says in its run's chat: written in the order in which it was said, never holding anything up."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..store import messages, runs
from ..store.errors import StoreError
from ..text import displayable
from . import conversations

if TYPE_CHECKING:
    from ..engine.messages import Role
    from ..store.database import Database, Tx

MOST_AT_ONCE = 500
"""Messages of one transaction: others who write wait no longer than for these."""

_log = logging.getLogger("pipetui.said")


@dataclass(frozen=True)
class _Saying:
    text: str
    role: Role
    asks: bool
    origin: str | None


class Said:
    """The messages of one run that are not written yet. `say` may be called in any thread."""

    def __init__(self, db: Database, run: str, scope: dict[str, str], job: str) -> None:
        """`job` is the id of the job that speaks, or '': one that runs again from the top says nothing twice."""
        self._db = db
        self._run = run
        self._scope = scope
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[_Saying] = deque()
        self._counts: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None

    def say(self, text: str, role: Role, *, asks: bool) -> None:
        text = _capped(str(text))
        self._waiting.append(_Saying(text, role, asks, self._origin(role, text)))
        with suppress(RuntimeError):  # the loop is closed: `written` has been there before, or the process ends
            self._loop.call_soon_threadsafe(self._begin)

    def _origin(self, role: Role, text: str) -> str | None:
        if not self._job:
            return None
        key = hashlib.sha256(f"{role}\0{text}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
        self._counts[key] += 1
        return f"{self._job}:{key}:{self._counts[key]}"

    def _begin(self) -> None:
        if self._writing is None and self._waiting:
            self._writing = asyncio.create_task(self._write())

    async def written(self) -> None:
        """When everything that was said is on disk, or can't be written now."""
        self._begin()
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting[n] for n in range(min(len(self._waiting), MOST_AT_ONCE))]
                try:
                    await self._db.write(partial(self._put, batch))
                except StoreError as error:  # kept for the next time; what the step itself does tells the user
                    _log.warning("%s messages of run %s are not written: %s", len(self._waiting), self._run, error)
                    return
                for _ in batch:
                    self._waiting.popleft()
        finally:
            self._writing = None

    def _put(self, batch: list[_Saying], tx: Tx) -> None:
        if runs.get(tx, self._run) is None:
            return  # removed for good meanwhile
        where = conversations.ensure(tx, self._run).id
        for saying in batch:
            if not saying.asks:
                messages.add(tx, where, saying.role, "workflow", saying.text, time.time(), origin=saying.origin)
            elif saying.origin is None or not messages.has_origin(tx, saying.origin):
                conversations.ask(tx, where, saying.text, self._scope, by="workflow", origin=saying.origin)


def _capped(text: str) -> str:
    return text if len(text) <= conversations.LONGEST else displayable(text, conversations.LONGEST)
