"""`pipetui --sandbox`: the sandbox that an environment practises with, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from pipetui.botify.places import SANDBOX, api_url
from pipetui.botify.queries import API
from pipetui.commands import practice
from pipetui.paths import Paths, paths
from pipetui.secrets import Secrets


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Paths]:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path / "home"))
    yield paths(practice.ENV)
    for pid in _sandboxes(tmp_path / "home"):
        os.kill(pid, signal.SIGKILL)


def _sandboxes(home: Path) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"PIPETUI_HOME={home}\0".encode() in environment and b"sandbox" in words:
            found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="finds its processes in /proc")
def test_it_is_started_once_found_again_and_replaced_when_it_is_gone(where: Paths, tmp_path: Path) -> None:
    assert api_url(where.data) == API, "nothing is practised before it is asked for"
    made = practice.start(where)
    assert api_url(where.data) == f"{made['api_url']}/v1"
    assert Secrets(where.secrets).get("botify", "anyone") == made["token"]
    with urlopen(made["site_url"] + "/") as answer:
        assert answer.status == 200
    assert practice.start(where) == made
    (pid,) = _sandboxes(tmp_path / "home")
    os.kill(pid, signal.SIGKILL)
    while _sandboxes(tmp_path / "home"):
        time.sleep(0.02)
    again = practice.start(where)
    assert api_url(where.data) == f"{again['api_url']}/v1" and len(_sandboxes(tmp_path / "home")) == 1
    assert not (paths().data / SANDBOX).exists(), "the real environment is not touched"


def test_nobody_asks_and_it_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "pipetui", "sandbox", "--json", "--idle", "0.1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert "api_url" in json.loads(ended.stdout)
