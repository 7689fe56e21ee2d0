"""Starting a worker: in the right place, and with a word when it can't run."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipetui.paths import Paths, paths
from pipetui.service import starter


def test_a_home_that_is_relative_is_the_same_one_for_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPETUI_HOME", "some/where")
    assert starter.environment()["PIPETUI_HOME"] == str(tmp_path / "some" / "where")
    monkeypatch.delenv("PIPETUI_HOME")
    assert "PIPETUI_HOME" not in starter.environment()


async def test_a_worker_that_can_not_run_is_told_and_not_waited_for(home: Paths) -> None:
    home.worker_lock.mkdir(parents=True)  # whatever it is that ends it
    assert await starter.start_worker(paths()) == ""
    await asyncio.to_thread(starter._started[home.worker_lock].wait, 30)
    assert "ended with an error (exit code 1" in await starter.start_worker(paths())
    assert home.worker_lock not in starter._started, "the next time it is tried again"
