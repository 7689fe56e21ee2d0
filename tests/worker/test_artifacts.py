"""Artifacts: under their name when complete, and never before."""

from __future__ import annotations

import os
import signal

from pipetui.service import Service

from .conftest import Begin, Probe, Workers, until


async def _files(run: Probe) -> set[str]:
    folder = await run.folder()
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"effects", "again"}


async def test_half_a_file_is_no_artifact(service: Service, probe: Begin, workers: Workers) -> None:
    workers.start()
    for what, error in {"half_artifact": "Only half of it.", "not_written": "was not written"}.items():
        run = await probe(what)
        assert error in (await run.reaches("failed")).error
        assert await _files(run) == set()
        assert not (await run.snapshot()).artifacts


async def test_names_stay_inside_the_run(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("bad_names")
    workers.start()
    assert await run.result() == [
        *("../out", "/etc/passwd", "", ".hidden", "values/x.json", "Values/x.json", "a//b", "a/../../b"),
    ]
    assert await _files(run) == {"pages/one.html"}
    assert [artifact.name for artifact in (await run.snapshot()).artifacts] == ["pages/one.html"]


async def test_a_full_disk_leaves_nothing_truncated_and_a_retry_comes_through(
    service: Service, probe: Begin, workers: Workers
) -> None:
    run = await probe("full_disk")
    workers.start()
    row = await run.reaches("failed")
    assert "File too large" in row.error
    assert await _files(run) == set()
    await service.jobs.retry(row.id)
    assert await run.result() == 100_000
    (artifact,) = (await run.snapshot()).artifacts
    assert artifact.size == 100_000


async def test_what_a_killed_job_left_is_removed(service: Service, probe: Begin, workers: Workers) -> None:
    run = await probe("hangs_in_part")
    workers.start()

    async def has_begun() -> bool:
        return await run.effects() == ["begins"]

    await until(has_begun)
    assert len(await _files(run)) == 1, "the part, under a hidden name"
    pid = (await run.row()).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert await run.result() == "whole"
    assert await _files(run) == {"part.txt"}


async def test_a_superseded_job_does_not_overwrite_the_file_of_the_wanted_one(
    service: Service, probe: Begin, workers: Workers
) -> None:
    run = await probe("turns")
    workers.start()

    async def has_begun() -> bool:
        return bool(await run.effects())

    await until(has_begun)
    superseded = await run.row()
    await service.runs.revert(run.run, "what")
    await service.runs.submit(run.run, "what", "turns")
    wanted = await run.reaches("done")
    assert wanted.id != superseded.id
    (await run.folder() / "go").touch()

    async def is_over() -> bool:
        return (await service.jobs.row(superseded.id)).state == "done"

    await until(is_over)
    snapshot = await run.snapshot()
    assert (snapshot.folder / "who.txt").read_text() == wanted.id == snapshot.row.record["step_02"]["result"]
    assert [artifact.job for artifact in snapshot.artifacts] == [wanted.id]
    assert not list(snapshot.folder.rglob("*.part"))
