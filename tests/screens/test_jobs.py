"""The screen of all jobs."""

from pathlib import Path

from pipetui.engine.jobs import Progress
from pipetui.store import jobs
from tests.screens.stage import serving, stage

OPTIONS = {"ticks": 10, "pause": 0, "fail_at": 0, "kill_at": 0, "kill": "job"}


async def test_jobs_are_live_and_can_be_stopped_and_tried_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        run = await service.runs.create("acme", "stream_simulator")
        async with stage(service, (120, 30)) as it:
            await it.sees("Hello Workflow")
            await it.press("g")
            await it.sees("No job is under way.")
            await worker.runs.submit(run.id, "step_01", OPTIONS)
            await it.sees("acme-stream_simulator-01 · Stream", "queued")
            (job,) = await worker.jobs.latest()
            await worker.db.write(lambda tx: jobs.set_state(tx, job.id, "running", 1.0))
            await worker.db.write(lambda tx: jobs.put_progress(tx, {job.id: Progress(4, 10, "Tick 4")}))
            await it.sees("running", "40%", "Tick 4")
            await it.press("x")
            await it.sees("stopping")
            await worker.db.write(lambda tx: jobs.set_state(tx, job.id, "cancelled", 2.0, error=jobs.CANCELLED))
            await it.sees("Over", "⊘ cancelled  acme-stream_simulator-01 · Stream")
            assert "Cancelled." not in it.text, "its word says it"
            await it.press("x")
            await it.sees("This job is over")
            await it.press("t")
            await it.sees("queued")
            await it.press("enter")
            await it.sees("Stream Simulator", "Waiting for its turn")


async def test_a_job_that_its_run_left_behind_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("acme", "stream_simulator")
        await service.runs.submit(run.id, "step_01", OPTIONS)
        await service.runs.revert(run.id, "step_01")
        (job,) = await service.jobs.latest()
        await service.db.write(lambda tx: jobs.set_state(tx, job.id, "done", 2.0, result="1"))
        async with stage(service, (120, 30)) as it:
            await it.sees("Hello Workflow")
            await it.press("g")
            await it.sees("done", "Its result is not used: the run was changed meanwhile.")
            assert "t Try again" not in it.lines[-1]
