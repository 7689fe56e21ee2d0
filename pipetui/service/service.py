"""The service: one database, one registry, and the modules that work on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..paths import Paths
from ..store.database import Database
from ..store.schema import MIGRATIONS
from .shelves import Shelves
from .starter import start_worker

if TYPE_CHECKING:
    from ..engine.registry import Registry
    from ..secrets import Secrets
    from ..settings import Settings
    from .choices import Choices
    from .collections import Collections
    from .conversations import Conversations
    from .facts import Asker
    from .feed import Feed
    from .files import Files
    from .jobs import Jobs
    from .profiles import Profiles
    from .runs import Runs

BUILT_IN = Path(__file__).parent.parent / "workflows"


class Service:
    """Everything that one can do, whoever asks. Made by `open`.

    A part is imported when first asked for: a list of runs on the command line needs neither engine nor workflows.
    """

    def __init__(
        self, paths: Paths, settings: Settings | None, db: Database, starter: Callable[[Paths], Awaitable[str]] | None
    ) -> None:
        self.paths = paths
        self.db = db
        self.shelves = Shelves(db, paths.downloads)
        self._given = settings
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

        StoreError, as a sentence, when it can't be had. Without `settings` the file is read when they are asked for.
        """
        db = await Database.open(paths.database, MIGRATIONS, backups=paths.backups)
        try:
            yield cls(paths, settings, db, starter)
        finally:
            await db.close()

    @cached_property
    def secrets(self) -> Secrets:
        """The tokens and passwords, in files of their own."""
        from ..secrets import Secrets

        return Secrets(self.paths.secrets)

    @cached_property
    def choices(self) -> Choices:
        """The settings, to be changed and followed. SettingsError when the file can't be taken."""
        from .choices import Choices

        return Choices(self.paths.settings, self._given)

    @property
    def settings(self) -> Settings:
        """What the user chose, as it is now: not to be kept. SettingsError."""
        return self.choices.now

    @cached_property
    def profiles(self) -> Profiles:
        from .profiles import Profiles

        return Profiles(self.db)

    @cached_property
    def asker(self) -> Asker:
        from .facts import Asker

        return Asker()

    @cached_property
    def runs(self) -> Runs:
        from .runs import Runs

        return Runs(self)

    @cached_property
    def jobs(self) -> Jobs:
        from .jobs import Jobs

        return Jobs(self)

    @cached_property
    def conversations(self) -> Conversations:
        from .conversations import Conversations

        return Conversations(self.db, self.paths.receivers)

    @cached_property
    def collections(self) -> Collections:
        from .collections import Collections

        return Collections(self)

    @cached_property
    def files(self) -> Files:
        from .files import Files

        return Files(self)

    @cached_property
    def registry(self) -> Registry:
        """The workflows; loaded when first asked for."""
        registry = registry_of(self.paths)
        registry.refresh()
        return registry

    def feed(self) -> Feed:
        """The changes from now on, with a cursor of its own."""
        from .feed import Feed

        return Feed(self.db)

    async def resume(self) -> str:
        """Take up the work that a reboot or a killed worker left. What `work` says."""
        from ..store import work

        return await self.work() if await self.db.read(work.is_left) else ""

    async def work(self) -> str:
        """Make sure that queued jobs are run: '' when a worker is there, else a sentence for the user."""
        return "" if self._starter is None else await self._starter(self.paths)


def registry_of(paths: Paths) -> Registry:
    """The workflows of these folders, not looked for yet."""
    from ..engine.registry import Registry

    return Registry([(BUILT_IN, "built in"), (paths.workflows, "yours")], known=paths.cache / "workflows")
