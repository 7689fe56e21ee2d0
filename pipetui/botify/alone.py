"""An export without an app: a ledger in a file, for scripts and notebooks. A second run goes on where the first was."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import disk
from ..engine.jobs import Attempt, Entry, Progress, Question
from ..paths import make_private
from .errors import BotifyError


class NeedsAnswer(BotifyError):
    """A person must decide before the export goes on: call again with `answers={error.question.name: …}`."""

    def __init__(self, question: Question) -> None:
        super().__init__(f"{question.why} Call again with answers={{{question.name!r}: {question.field.default!r}}}.")
        self.question = question


@dataclass
class _Part:
    path: Path
    rows: int | None = None


class FileLedger:
    """`engine.jobs.Ledger` in a file of JSON lines, each on disk before its call returns; the last of a key counts."""

    def __init__(
        self,
        path: Path,
        *,
        answers: Mapping[str, Any] | None = None,
        tell: Callable[[Progress], None] | None = None,
    ) -> None:
        self._path = path
        self._tell = tell
        self._answers = dict(answers or {})
        self._entries: dict[tuple[str, str], Entry] = {}
        self.asked: Question | None = None
        make_private(path.parent)
        with suppress(FileNotFoundError):
            for line in path.read_text("utf-8", "replace").splitlines():
                self._read(line)

    def _read(self, line: str) -> None:
        with suppress(ValueError, KeyError, TypeError):  # a line that a crash cut off says nothing
            data = json.loads(line)
            key = (data["name"], data["key"])
            if data.get("attempt") is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = Entry(Attempt(**data["attempt"]), data["finished"], data["value"])

    async def entry(self, name: str, key: str) -> Entry | None:
        return self._entries.get((name, key))

    async def intend(self, name: str, key: str, attempt: Attempt) -> None:
        self._write(name, key, Entry(attempt, finished=False))

    async def finish(self, name: str, key: str, attempt: Attempt, value: Any, *, more: bool = False) -> None:
        self._write(name, key, Entry(attempt, finished=True, value=value))

    async def forget(self, name: str, key: str) -> None:
        self._write(name, key, None)

    async def answer(self, name: str) -> tuple[bool, Any]:
        return name in self._answers, self._answers.get(name)

    async def question(self, question: Question) -> None:
        self.asked = question

    async def drop_answer(self, name: str) -> None:
        self._answers.pop(name, None)

    def progress(self, progress: Progress) -> None:
        if self._tell is not None:
            self._tell(progress)

    @asynccontextmanager
    async def artifact(self, name: str) -> AsyncIterator[_Part]:
        path = self._path.parent / name
        part = _Part(path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part"))
        try:
            yield part
            part.path.replace(path)
        finally:
            part.path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget everything: what was to be done is done."""
        self._path.unlink(missing_ok=True)

    def _write(self, name: str, key: str, entry: Entry | None) -> None:
        line: dict[str, Any] = {"name": name, "key": key}
        if entry is None:
            self._entries.pop((name, key), None)
        else:
            self._entries[name, key] = entry
            line |= {"attempt": asdict(entry.attempt), "finished": entry.finished, "value": entry.value}
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            disk.write(file, b"\n" + json.dumps(line).encode() + b"\n")  # a torn line before must not swallow this one
        finally:
            os.close(file)
