"""Real workers over a home of the test's own: started as processes, watched through the database, killed for real."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import pytest

from pipetui.paths import Paths, paths
from pipetui.service import Service
from pipetui.service.runs import Snapshot
from pipetui.store.jobs import JobRow

PROBE = (Path(__file__).parent / "probe.py").read_text("utf-8")

WORKER = [sys.executable, "-P", "-m", "pipetui", "worker"]
PATIENCE = 30.0  # seconds after which a test gives up; none waits that long when all is well


class Workers:
    """Starts workers on one home, and leaves none behind."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *, idle: float = 60.0, fault: str = "") -> subprocess.Popen[bytes]:
        environment = os.environ | {"PIPETUI_FAULT": fault}
        with (self.home / "stderr").open("ab") as stderr:
            process = subprocess.Popen([*WORKER, f"--idle={idle}"], env=environment, stderr=stderr)
        self._started.append(process)
        return process

    def processes(self) -> list[int]:
        """The processes of this home that live, by what they have in their environment."""
        mark = f"PIPETUI_HOME={self.home}\0".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if int(folder.name) != os.getpid() and mark in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        return found

    def stop(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Probe:
    """A run of the workflow `probe`, whose job does what its first step says."""

    def __init__(self, service: Service, run: str) -> None:
        self.service = service
        self.run = run

    async def row(self) -> JobRow:
        """The newest job of the run."""
        rows = [row for row in await self.service.jobs.latest() if row.run == self.run]
        return rows[0]

    async def state(self) -> str:
        return (await self.row()).state

    async def reaches(self, *states: str) -> JobRow:
        """Wait until the job is in one of these states."""
        await until(lambda: self._is(states))
        return await self.row()

    async def _is(self, states: tuple[str, ...]) -> bool:
        return await self.state() in states

    async def snapshot(self) -> Snapshot:
        return await self.service.runs.open(self.run)

    async def result(self) -> object:
        await self.reaches("done")
        return (await self.snapshot()).row.record["step_02"].get("result")

    async def folder(self) -> Path:
        return (await self.service.runs.look(self.run)).folder

    async def effects(self) -> list[str]:
        """What the job's work left behind, line by line."""
        file = await self.folder() / "effects"
        return file.read_text().splitlines() if file.exists() else []


Begin: TypeAlias = Callable[[str], Awaitable[Probe]]


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until a condition, which may be a coroutine function, holds."""
    end = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return
        assert time.monotonic() < end, what or "waited in vain"
        await asyncio.sleep(0.02)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PIPETUI_FAULT", raising=False)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    found = paths()
    found.workflows.mkdir(parents=True)
    (found.workflows / "700_probe.py").write_text(PROBE)
    return found


@pytest.fixture
async def service(home: Paths) -> AsyncIterator[Service]:
    async with Service.open(home, starter=None) as opened:
        yield opened


@pytest.fixture
def workers(home: Paths, tmp_path: Path) -> Iterator[Workers]:
    found = Workers(tmp_path / "home")
    yield found
    found.stop()


@pytest.fixture
def probe(service: Service) -> Begin:
    """Begins a run whose job does what one says."""

    async def begin(what: str) -> Probe:
        run = (await service.runs.create("Ada", "probe")).id
        await service.runs.submit(run, "what", what)
        return Probe(service, run)

    return begin
