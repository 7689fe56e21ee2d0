"""Stream simulator: a job to practise with. It counts ticks, can be cancelled, fail, or be killed, and goes on."""

import asyncio
import math
import os
import signal
import sys
from typing import TypedDict

from pipetui import Job, JobError, Run, Step, Workflow
from pipetui.fields import Choice, Group, Number
from pipetui.views import Markdown

COMMENTS = {
    1: "It has begun. You can leave, and even end the connection: it goes on without you.",
    15: "Each tick is on disk once it is counted: a crash costs none of them.",
    40: "Its card can cancel it, and try it again; what was counted is kept.",
    65: "The rate and the time left are measured while it runs.",
    85: "Soon `ticks.csv` is in the folder of this run: whole, or not at all.",
}
"""What the job says in the chat when it has come so many per cent of its way."""


class Options(TypedDict):
    ticks: int
    pause: float
    fail_at: int
    kill_at: int
    kill: str


class Stream(TypedDict):
    ticks: int
    lines: int


class StreamSimulator(Workflow):
    APP_NAME = "stream_simulator"
    DISPLAY_NAME = "Stream Simulator 🌊"
    ENDPOINT_MESSAGE = "See what a job is: it goes on while you are away, and after a fault."
    TRAINING_PROMPT = "stream_simulator.md"

    steps = [
        Step(
            "step_01",
            done="options",
            show="Options",
            refill=True,
            field=Group(
                ticks=Number(100, label="Ticks", minimum=1, maximum=100_000, whole=True),
                pause=Number(0.1, label="Pause", minimum=0, maximum=60, unit="s"),
                fail_at=Number(0, label="Fail at tick", minimum=0, whole=True, hint="0: never"),
                kill_at=Number(0, label="Kill at tick", minimum=0, whole=True, hint="0: never"),
                kill=Choice([("job", "the job"), ("worker", "the worker")], default="job", label="Kill what"),
            ),
        ),
        Step(
            "step_02",
            done="stream",
            show="Stream",
            auto=True,
            summary=lambda stream: f"{stream['ticks']:,} ticks",
        ),
    ]

    async def step_02_job(self, run: Run, job: Job) -> Stream:
        options = run.value("options", Options)
        ticks = options["ticks"]
        comments = {max(1, math.ceil(ticks * percent / 100)): comment for percent, comment in COMMENTS.items()}
        async with job.artifact("ticks.csv") as artifact:
            with artifact.path.open("w", encoding="utf-8") as file:
                file.write("tick\n")
                for tick in range(1, ticks + 1):
                    await job.once(f"tick {tick}", lambda: asyncio.sleep(options["pause"]))
                    file.write(f"{tick}\n")
                    job.progress(tick, ticks, f"Tick {tick}")
                    if tick in comments:
                        run.say(f"{tick:,} of {ticks:,} ticks. {comments[tick]}")
                    await _accident(job, options, tick)
            artifact.rows = ticks
        return Stream(ticks=ticks, lines=ticks + 1)

    def step_02_view(self, run: Run) -> Markdown:
        stream = run.value("stream", Stream)
        return Markdown(f"**{stream['ticks']:,} ticks** were counted; `ticks.csv` has {stream['lines']:,} lines.")


async def _accident(job: Job, options: Options, tick: int) -> None:
    """Fail or die at the chosen tick: the first time only, so that a retry comes through."""
    if tick == options["fail_at"] and await _is_first(job, "fail"):
        raise JobError(f"Failed at tick {tick}, as you wished. The ticks so far are kept: try again to go on.")
    if tick == options["kill_at"] and await _is_first(job, "kill"):
        if not _has_own_process():
            raise JobError("This job runs inside the app, which a kill would end: try again, and it goes on.")
        os.kill(os.getppid() if options["kill"] == "worker" else os.getpid(), signal.SIGKILL)


def _has_own_process() -> bool:
    spec = sys.modules["__main__"].__spec__
    return spec is not None and spec.name == "pipetui.worker.child"


async def _is_first(job: Job, what: str) -> bool:
    came_by = False

    async def come_by() -> None:
        nonlocal came_by
        came_by = True

    await job.once(what, come_by)
    return came_by
