"""A workflow whose job does what the tests need: `what` names one of its methods."""

import asyncio
import ctypes
import multiprocessing
import os
import resource
import subprocess
import time

from pipetui import Absent, Found, Job, JobError, NotDone, Run, Step, Unknown, Workflow
from pipetui.fields import Number, Text


def note(run, line):
    """Leave a mark that survives whatever happens: one write to a file opened for appending."""
    file = os.open(run.folder / "effects", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)


def notes(run):
    file = run.folder / "effects"
    return file.read_text().splitlines() if file.exists() else []


class Probe(Workflow):
    APP_NAME = "probe"
    steps = (
        Step("step_01", done="what", show="What", field=Text()),
        Step("step_02", done="result", show="Result", auto=True),
        Step("step_03", done="note", show="Note", field=Text()),
    )

    async def step_02_job(self, run: Run, job: Job) -> object:
        return await getattr(self, run.value("what", str))(run, job)

    async def quick(self, run, job):
        return "quick"

    async def standing(self, run, job):
        return os.nice(0)

    async def ticks(self, run, job, pause=0.02):
        for n in range(25):

            async def tick(n=n):
                note(run, f"work {n}")
                await asyncio.sleep(pause)
                return n

            assert await job.once(f"tick {n}", tick) == n
            note(run, f"kept {n}")
            job.progress(n + 1, 25, f"Tick {n + 1}")
        return 25

    async def slow(self, run, job):
        return await self.ticks(run, job, 0.2)

    async def hour(self, run, job):
        note(run, "begins")
        job.progress(1, 2, "half")
        await asyncio.sleep(3600)

    async def loop(self, run, job):
        note(run, "begins")
        while True:
            pass

    async def loop_thread(self, run, job):
        note(run, "begins")
        await asyncio.to_thread(time.sleep, 3600)

    async def segfault(self, run, job):
        ctypes.string_at(0)

    async def exits(self, run, job):
        os._exit(3)

    async def sys_exit(self, run, job):
        raise SystemExit("bye")

    async def grandchild(self, run, job):
        subprocess.Popen(["sleep", "3600"])
        os._exit(4)

    async def forks(self, run, job):
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,)).start()
        os._exit(5)

    async def hostile(self, run, job):
        for progress in [(float("nan"), 1), (10**400, 1), ("x", None), (1, 2, "a\ud800\x1b[2J" * 1000)]:
            job.progress(*progress)
        raise JobError("A title: \ud800" + "x" * 100_000)

    async def hard_once(self, run, job):
        """Dies once: on the second way it comes through."""
        note(run, "begins")
        if len(notes(run)) == 1:
            os.kill(os.getpid(), 9)
        return len(notes(run))

    async def error(self, run, job):
        raise JobError("It can't be. All is safe. Try again.")

    async def bug(self, run, job):
        return {}["nothing"]

    async def group_bug(self, run, job):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.error(run, job))
            group.create_task(asyncio.sleep(3600))

    async def not_json(self, run, job):
        return {1, 2}

    async def fails_first(self, run, job):
        await job.once("kept", lambda: self._noted(run, "work"))
        if not (run.folder / "again").exists():
            (run.folder / "again").touch()
            raise JobError("Not yet.")
        return "at last"

    async def _noted(self, run, line):
        note(run, line)

    async def asks(self, run, job):
        count = await job.ask("count", Number(minimum=1), "How many shall it be?")
        return {"count": count}

    async def asks_in_group(self, run, job):
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(self.asks(run, job))
            group.create_task(job.once("beside", lambda: self._noted(run, "beside")))
        return asked.result()

    async def everything(self, run, job):
        """Both forms of once, and an artifact."""

        async def pay(attempt):
            note(run, f"pay {attempt.marker}")
            return attempt.marker

        async def find(attempt):
            return Found(attempt.marker) if f"pay {attempt.marker}" in notes(run) else Absent()

        async with job.artifact("out.txt") as artifact:
            for n in range(3):
                await job.once(f"tick {n}", lambda n=n: self._noted(run, f"work {n}"))
            paid = await job.once("pay", pay, recover=find, settle=0.05, inputs={"amount": 7})
            artifact.path.write_text(f"{paid}\n")
            artifact.rows = 1
        return paid

    async def lost_answer(self, run, job):
        """The effect happened, the answer was lost; who looks can't tell."""

        async def pay(attempt):
            note(run, "pay")
            raise TimeoutError("no answer")

        async def find(attempt):
            return Unknown("Nobody can tell whether it was paid.", decide=lambda answer: Found("paid"))

        return await job.once("pay", pay, recover=find)

    async def refused(self, run, job):
        async def pay(attempt):
            raise NotDone("The shop is closed.")

        async def find(attempt):
            raise AssertionError("never asked: it is known that nothing happened")

        try:
            await job.once("pay", pay, recover=find)
        except NotDone as error:
            return str(error)

    async def hour_after_effect(self, run, job):
        async def pay(attempt):
            note(run, "pay")
            await asyncio.sleep(1.0)
            return "paid"

        async def find(attempt):
            return Absent()

        return await job.once("pay", pay, recover=find)

    async def temp(self, run, job):
        run.temp["step_02"] = {"seen": 1}
        self.db["last"] = "here"
        await job.once("flushes", lambda: self._noted(run, "work"))
        if len(notes(run)) == 1:
            note(run, "second")
            os.kill(os.getpid(), 9)
        return [run.temp["step_02"], self.db["last"]]

    async def half_artifact(self, run, job):
        async with job.artifact("half.txt") as artifact:
            artifact.path.write_text("half")
            raise JobError("Only half of it.")

    async def bad_names(self, run, job):
        tried = []
        for name in ["../out", "/etc/passwd", "", ".hidden", "values/x.json", "Values/x.json", "a//b", "a/../../b"]:
            try:
                async with job.artifact(name) as artifact:
                    artifact.path.write_text("x")
            except ValueError:
                tried.append(name)
        async with job.artifact("pages/one.html") as artifact:
            artifact.path.write_text("one")
        return tried

    async def not_written(self, run, job):
        async with job.artifact("never.txt"):
            pass

    async def full_disk(self, run, job):
        """No file may grow over a limit the first time: as on a disk that is full."""
        first = not (run.folder / "again").exists()
        (run.folder / "again").touch()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        if first:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
        try:
            async with job.artifact("large.bin") as artifact:
                with artifact.path.open("wb") as file:
                    for _ in range(100):
                        file.write(b"x" * 1000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        return 100_000

    async def turns(self, run, job):
        """The first one to come waits until the other one is done."""
        is_first = not notes(run)
        note(run, "begins")
        async with job.artifact("who.txt") as artifact:
            artifact.path.write_text(job.id)
            while is_first and not (run.folder / "go").exists():
                await asyncio.sleep(0.02)
        return job.id

    async def hangs_in_part(self, run, job):
        async with job.artifact("part.txt") as artifact:
            artifact.path.write_text("part")
            note(run, "begins")
            if len(notes(run)) == 1:
                await asyncio.sleep(3600)
        return "whole"
