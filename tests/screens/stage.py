"""An app on a service of its own, driven by a pilot."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot

from pipetui.app import PipetuiApp
from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.place import Place
from pipetui.settings import Settings

PAUSE = 0.02
SECONDS = 15.0


def paths_in(folder: Path) -> Paths:
    return Paths("prod", folder / "data", folder / "config", folder / "cache", folder / "logs")


async def no_worker(paths: Paths) -> str:
    """Jobs stay queued: the test says what becomes of them."""
    return ""


@asynccontextmanager
async def serving(folder: Path, settings: Settings | None = None) -> AsyncIterator[Service]:
    async with Service.open(paths_in(folder), settings or Settings(), starter=no_worker) as service:
        yield service


class Stage:
    """What a test sees of the app, and what it does to it."""

    def __init__(self, app: PipetuiApp, pilot: Pilot[None]) -> None:
        self.app, self.pilot, self.service = app, pilot, app.service

    @property
    def lines(self) -> list[str]:
        """The screen as text."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        await self.pilot.press(*("space" if char == " " else char for char in text))

    async def until(self, what: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
        """Wait until it is true."""
        for _ in range(int(SECONDS / PAUSE)):
            found = what()
            if found if isinstance(found, bool) else await found:
                return
            await self.pilot.pause(PAUSE)
        raise AssertionError(f"it never came true; the screen is\n{self.text}")

    async def sees(self, *texts: str) -> None:
        """Wait until all of these are on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def misses(self, *texts: str) -> None:
        """Wait until none of these is on the screen."""
        await self.until(lambda: not any(text in self.text for text in texts))


@asynccontextmanager
async def stage(service: Service, size: tuple[int, int] = (100, 30), *, expected: bool = False) -> AsyncIterator[Stage]:
    """The app on `service`. Nothing unexpected may happen in it, unless that is what the test is about.

    The chat does not stand beside it by itself, as it does for a person: what it says depends on who is there.
    """
    memory = Place(service.db)
    if "chat_open" not in await memory.get():
        await memory.put({"chat_open": False})
    app = await PipetuiApp.make(service)
    async with app.run_test(size=size, notifications=True) as pilot:
        it = Stage(app, pilot)
        await it.until(lambda: app.is_up or app.last_words != "")
        yield it
    await app.settle()
    if not expected:
        for error in app.unexpected:
            raise error
