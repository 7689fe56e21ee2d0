"""The service: one database, one registry, and the modules that work on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from ..engine.registry import Registry
from ..paths import Paths, make_private
from ..settings import Settings, load
from ..store.database import Database
from ..store.schema import MIGRATIONS
from .facts import Asker
from .feed import Feed
from .jobs import Jobs
from .profiles import Profiles
from .runs import Runs
from .starter import start_worker

BUILT_IN = Path(__file__).parent.parent / "workflows"


class Service:
    """Everything that one can do, whoever asks. Made by `open`."""

    def __init__(
        self, paths: Paths, settings: Settings, db: Database, starter: Callable[[Paths], Awaitable[str]] | None
    ) -> None:
        self.paths = paths
        self.settings = settings
        self.db = db
        self.asker = Asker()
        self.profiles = Profiles(db)
        self.runs = Runs(self)
        self.jobs = Jobs(self)
        self._registry: Registry | None = None
        self._starter = starter

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        paths: Paths,
        settings: Settings | None = None,
        *,
        starter: Callable[[Paths], Awaitable[str]] | None = start_worker,
    ) -> AsyncIterator[Service]:
        """The service of these folders. `starter` makes sure that a worker is there; None in the worker itself.

        StoreError or SettingsError, as a sentence, when it can't be had.
        """
        make_private(paths.data)
        db = await Database.open(paths.database, MIGRATIONS, backups=paths.backups)
        try:
            yield cls(paths, settings or load(paths.settings), db, starter)
        finally:
            await db.close()

    @property
    def registry(self) -> Registry:
        """The workflows; loaded when first asked for."""
        if self._registry is None:
            self._registry = Registry([(BUILT_IN, "built in"), (self.paths.workflows, "yours")])
            self._registry.refresh()
        return self._registry

    def feed(self) -> Feed:
        """The changes from now on, with a cursor of its own."""
        return Feed(self.db)

    async def work(self) -> str:
        """Make sure that queued jobs are run: '' when a worker is there, else a sentence for the user."""
        return "" if self._starter is None else await self._starter(self.paths)
