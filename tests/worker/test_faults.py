"""Kills at instants that random ones seldom hit, and random ones: nothing kept is done again, nothing paid twice."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
from contextlib import suppress

import pytest

from pipetui.service import Service

from .conftest import Begin, Workers, until

POINTS = [
    "worker.claimed",
    "child.started",
    "once.intended",
    "once.worked:1",
    "once.worked:4",  # after the payment
    "once.finished:2",
    "once.finished:4",
    "artifact.written",
    "artifact.renamed",
    "complete.before",
    "complete.after",
]


@pytest.mark.parametrize("point", POINTS)
async def test_a_kill_between_intent_and_result(service: Service, probe: Begin, workers: Workers, point: str) -> None:
    run = await probe("everything")
    worker = workers.start(fault=point)
    if point == "worker.claimed":
        await until(lambda: worker.poll() == -signal.SIGKILL)
        workers.start()
    paid = await run.result()
    assert (workers.home / f"fault-{point.split(':')[0]}").exists(), "the fault was never met"
    effects = await run.effects()
    assert [line for line in effects if line.startswith("pay")] == [f"pay {paid}"]
    repeated = 1 if point == "once.worked:1" else 0
    assert len([line for line in effects if line.startswith("work")]) == 3 + repeated
    snapshot = await run.snapshot()
    (artifact,) = snapshot.artifacts
    data = (snapshot.folder / "out.txt").read_bytes()
    assert data == f"{paid}\n".encode()
    assert (artifact.size, artifact.rows) == (len(data), 1)
    assert artifact.sha256 == hashlib.sha256(data).hexdigest()
    assert not list(snapshot.folder.rglob("*.part"))
    assert (await run.row()).deaths == (0 if point == "complete.after" else 1)


async def _killed_at_random(service: Service, probe: Begin, workers: Workers, seed: int) -> None:
    chance = random.Random(seed)
    run = await probe(chance.choice(["ticks", "ticks", "everything"]))
    worker = workers.start()
    for _ in range(4):
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        row = await run.row()
        if row.state == "done":
            break
        victim = chance.choice([worker.pid, row.pid, row.pid])
        if victim is not None:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        if victim == worker.pid:
            worker.wait()
            worker = workers.start()
    row = await run.reaches("done", "parked")
    assert row.state == "done", row.error
    kept: set[str] = set()
    for line in await run.effects():
        what, _, tick = line.partition(" ")
        if what == "kept":
            kept.add(tick)
        assert what != "work" or tick not in kept, f"tick {tick} was done again after its result was kept"
    assert len([line for line in await run.effects() if line.startswith("pay")]) <= 1
    assert await service.db.integrity() == []


@pytest.mark.parametrize("seed", range(5))
async def test_random_kills(service: Service, probe: Begin, workers: Workers, seed: int) -> None:
    await _killed_at_random(service, probe, workers, seed)


@pytest.mark.chaos
@pytest.mark.parametrize("seed", range(1000, 1080))
async def test_many_random_kills(service: Service, probe: Begin, workers: Workers, seed: int) -> None:
    await _killed_at_random(service, probe, workers, seed)
