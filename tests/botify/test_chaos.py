"""`kill -9` at random and at chosen instants of an export: one yes, one job, the server's file."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pipetui.botify import Credits, link_graph
from pipetui.sandbox import Sandbox

from .conftest import CRAWL, QUICK, SHOP

POINTS = ["once.intended", "once.worked", "once.finished"]
SETTLE = 0.25  # longer than any list_lag below


class Victims:
    """Starts exports in processes of their own."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    async def run(self, order: dict[str, Any], kill_after: float | None) -> dict[str, Any] | None:
        """What came of it; None when it was killed. `kill_after` seconds, unless it ends by itself."""
        assert self._process.stdin and self._process.stdout
        result = Path(order["result"])
        result.unlink(missing_ok=True)
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        pid = int(await asyncio.to_thread(self._process.stdout.readline))
        ended = asyncio.create_task(asyncio.to_thread(self._process.stdout.readline))
        if kill_after is not None:
            await asyncio.wait([ended], timeout=kill_after)
            if not ended.done():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(ended, 30)
        return json.loads(result.read_text()) if result.exists() else None


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    command = [sys.executable, "-m", "tests.botify.victim"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Victims(process)
        assert process.stdin
        process.stdin.close()


async def survive(seed: int, victims: Victims, folder: Path) -> None:
    """One export under the faults and kills of a seed."""
    rng = random.Random(seed)
    settings: dict[str, Any] = {
        "echo_marker": rng.random() < 0.7,
        "list_lag": rng.choice([0.0, 0.0, 0.1]),
        "colleague": rng.random() < 0.3,
        "charge_at": rng.choice(["created", "done"]),
    }
    async with Sandbox(seed=1, links=600, **QUICK | settings) as sandbox:
        for name, chance in {"lost_response": 0.3, "malformed": 0.1, "slow": 0.1, "drop": 0.1}.items():
            if rng.random() < chance:
                sandbox.fault(name, route="create_job")
        for name in ("reset", "expired", "corrupt"):
            if rng.random() < 0.3:
                sandbox.fault(name)
        kills: list[str | float] = [
            f"{rng.choice(POINTS)}:{rng.randint(1, 3)}" if rng.random() < 0.5 else rng.uniform(0.0, 0.12)
            for _ in range(rng.randint(1, 3))
        ]
        query = link_graph(SHOP, CRAWL)
        data = {"folder": folder / "data", "home": folder / "home"}
        for place in data.values():
            place.mkdir(parents=True)
        order: dict[str, Any] = {
            "folder": str(data["folder"]),
            "query": query.to_json(),
            "token": sandbox.token,
            "api": sandbox.api_url,
            "rows": 600,
            "timeout": 1.0,
            "settle": SETTLE,
            "result": str(folder / "result"),
        }
        yeses, answers, found = 0, {}, None
        for _ in range(20):
            kill = kills.pop(0) if kills else None
            environment = {"PIPETUI_HOME": str(data["home"]), "PIPETUI_FAULT": kill if isinstance(kill, str) else ""}
            for mark in data["home"].iterdir():
                mark.unlink()
            after = kill if isinstance(kill, float) else None
            found = await victims.run(order | {"answers": answers, "environment": environment}, after)
            answers = {}
            if found and "asked" in found:
                ours = [job for job in sandbox.state()["jobs"] if job["ours"]]
                yeses += not ours
                answer = {"what": "paste", "id": str(ours[0]["id"])} if ours else {"what": "create", "id": ""}
                answers = {found["asked"]: answer}
            elif found:
                break
        state = sandbox.state()
        story = (
            seed,
            settings,
            found,
            yeses,
            [spent.outcome for spent in Credits(data["folder"] / "credits.jsonl").entries()],
        )
        assert found and "job" in found, story
        assert state["jobs_created"] == 1, story
        assert state["job_posts"] <= 1 + yeses, story
        job = next(job for job in state["jobs"] if str(job["id"]) == found["job"])
        assert job["ours"], story
        assert state["credits"] == 60.0, story
        assert found["sha256"] == job["sha256"] == hashlib.sha256(Path(found["path"]).read_bytes()).hexdigest(), story
        assert found["rows"] == job["rows"] == 600, story
        assert not list(data["folder"].rglob("*.part")), story
        assert state["tokens_at_files"] == 0, story
        assert not any(
            sandbox.token.encode() in path.read_bytes() for path in data["folder"].rglob("*") if path.is_file()
        ), story


@pytest.mark.parametrize("seed", range(20))
async def test_one_yes_is_one_job_whatever_is_killed(seed: int, victims: Victims, tmp_path: Path) -> None:
    await survive(seed, victims, tmp_path)


@pytest.mark.chaos
async def test_one_yes_is_one_job_two_hundred_times(victims: Victims, tmp_path: Path) -> None:
    for seed in range(1_000, 1_200):
        await survive(seed, victims, tmp_path / str(seed))
