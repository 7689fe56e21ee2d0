"""The settings as they stand now, and the one way in which an open app or command changes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..settings import Settings, load, save


class Choices:
    """`now` is replaced as a whole when a setting is changed, here or in the file. Whoever reads `service.settings`
    where it is needed is never behind; who has made something of a setting follows."""

    def __init__(self, file: Path, now: Settings | None = None) -> None:
        """`now` is what the file says, where that was read already. SettingsError."""
        self.file = file
        self._seen = _stamp(file)
        self._now = now or load(file)
        self._followers: list[Callable[[Settings], None]] = []

    @property
    def now(self) -> Settings:
        return self._now

    def follow(self, told: Callable[[Settings], None]) -> None:
        """Call this with the new settings whenever they are others."""
        self._followers.append(told)

    async def change(self, changes: Mapping[str, Any], *, expected: Mapping[str, Any] | None = None) -> None:
        """Keep these values, on disk first: see `settings.save`."""
        await asyncio.to_thread(save, self.file, changes, expected=expected)
        await self.refresh()

    async def refresh(self) -> None:
        """Take what the file says, if it was changed. SettingsError, once, when it can't be taken: all stays then."""
        seen = await asyncio.to_thread(_stamp, self.file)
        if seen == self._seen:
            return
        self._seen = seen
        now = await asyncio.to_thread(load, self.file)
        if now != self._now:
            self._now = now
            for told in self._followers:
                told(now)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What changes whenever the file is written; None when there is none."""
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size
