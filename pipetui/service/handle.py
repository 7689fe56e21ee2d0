"""The run that a workflow's method gets, and the workflow made ready to run."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ..engine import keys
from ..engine.jobs import JobError
from ..engine.record import INPUT
from ..engine.values import conform, copy, digest
from ..engine.workflow import Workflow
from ..secrets import SecretError
from ..store import keyvalue, temp
from ..store.database import Tx
from ..store.runs import RunRow
from .kept import Kept
from .large import unpack
from .said import Said

if TYPE_CHECKING:
    from ..engine.messages import Role
    from .service import Service

T = TypeVar("T")


class Handle:
    """`engine.run.Run`, over a record as it was at one version."""

    def __init__(
        self,
        service: Service,
        row: RunRow,
        workflow: type[Workflow],
        record: Mapping[str, Any],
        folder: Path,
        temp: dict[str, Any],
        space: dict[str, Any],
        job: str = "",
    ) -> None:
        """`job` is the id of the job that it is for, if it is for one."""
        self.id, self.profile, self.app_name, self.part = row.id, row.profile, row.app_name, row.part
        self.version = row.version
        self.key = keys.compose(row.profile, row.app_name, row.part)
        self.folder = folder
        self.shared = service.paths.data
        self.record = MappingProxyType(copy(dict(record)))  # whatever foreign code does to it
        self.temp = Kept(temp)
        self._db = service.db
        scope = {"profile": row.profile, "run": row.id, "app_name": row.app_name}
        self._said = Said(service.db, row.id, scope, job)
        self._secrets = service.secrets
        self._profile_id = row.profile_id
        self._workflow = workflow
        self.workflow = workflow()
        self.workflow.db = self._space = Kept(space)
        self.workflow.log = logging.getLogger(f"pipetui.workflow.{row.app_name}")

    def has(self, name: str) -> bool:
        step = self._workflow.step(name)
        return step.done in self.record.get(step.id, {})

    def value(self, name: str, expected: type[T]) -> T:
        step = self._workflow.step(name)
        return self._typed(self.record[step.id][step.done], name, expected)

    def input(self, name: str, expected: type[T]) -> T:
        return self._typed(self.record[self._workflow.step(name).id][INPUT], name, expected)

    def _typed(self, value: Any, name: str, expected: type[T]) -> T:
        try:
            return conform(unpack(self.folder, value), expected)
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from None

    def secret(self, name: str) -> str:
        try:
            found = self._secrets.foreground(name, self._profile_id)
        except SecretError as error:
            raise JobError(str(error)) from None
        if found is None:
            raise JobError(f"There is no secret {name!r} for {self.profile}: connect first, then try again.")
        return found

    def forget_secret(self, name: str) -> bool:
        return self._secrets.remove(name, self._profile_id)

    def say(self, text: str, verbatim: bool = True, role: Role = "system") -> None:
        self._said.say(text, role, asks=not verbatim)

    def ask(self, text: str) -> None:
        self._said.say(text, "user", asks=True)

    async def said(self) -> None:
        """When what the workflow said is on disk."""
        await self._said.written()

    async def cached(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        values = digest(*(part for key, part in sorted(self.record.items()) if key not in ("created", "updated")))
        found, value = await self._db.read(lambda tx: temp.cached(tx, self.id, name, values))
        if not found:
            value = await work()
            await self._db.write(lambda tx: temp.cache(tx, self.id, name, values, value))
        result: T = value
        return result

    def changes(self) -> Callable[[Tx], None] | None:
        """What writes the changes that the workflow made in `temp` and `db`; from here on they count as written."""
        if not (self.temp.is_dirty or self._space.is_dirty):
            return None
        (changed, dropped), (set_, gone) = self.temp.take(), self._space.take()

        def write(tx: Tx) -> None:
            temp.put(tx, self.id, changed, dropped)
            for name, value in set_.items():
                keyvalue.put(tx, self.app_name, name, value)
            for name in gone:
                keyvalue.drop(tx, self.app_name, name)

        return write

    async def flush(self) -> None:
        """Write what the workflow changed in `temp` and `db`."""
        write = self.changes()
        if write is not None:
            await self._db.write(write)
