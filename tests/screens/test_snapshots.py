"""How the screens look. After a wanted change: `pytest tests/screens/test_snapshots.py --snapshot-update`."""

import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from pipetui.engine.collections import TASKS
from pipetui.engine.jobs import Progress
from pipetui.engine.messages import Call, Proposal, Proposed, Thinking, Usage
from pipetui.screens.commands import COMMANDS
from pipetui.service import Service
from pipetui.service.place import Place
from pipetui.service.service import BUILT_IN
from pipetui.store import jobs
from tests.chat.server import Server
from tests.screens.stage import Stage, serving, stage

OPTIONS = {"ticks": 200, "pause": 0.1, "fail_at": 0, "kill_at": 0, "kill": "job"}


class Svg(SingleFileSnapshotExtension):
    _file_extension = "svg"
    _write_mode = WriteMode.TEXT


pytestmark = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


@pytest.fixture(autouse=True)
def still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workflows that stay, and a time that does too."""
    folder = tmp_path / "built in"
    folder.mkdir()
    for name in ("010_hello.py", "015_stream_simulator.py"):
        shutil.copy(BUILT_IN / name, folder)
    monkeypatch.setattr("pipetui.service.service.BUILT_IN", folder)
    for module in ("looks", "jobs"):
        monkeypatch.setattr(f"pipetui.screens.{module}.ago", lambda seconds: "3 min ago")
    monkeypatch.setattr("pipetui.widgets.entry.ago", lambda seconds: "3 min ago")


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(Svg)


def picture_of(it: Stage) -> str:
    """Without the number that each export gets."""
    return re.sub(r"terminal-\d+-", "terminal-", it.app.export_screenshot())


async def hello(service: Service, *values: str, part: str = "01") -> str:
    run = await service.runs.create("default", "hello", part)
    for number, value in enumerate(values, 1):
        await service.runs.submit(run.id, f"step_{number:02}", value)
    return run.id


async def stream(service: Service, part: str = "01") -> tuple[str, str]:
    """A run of the stream simulator, and its job, which is at work."""
    run = await service.runs.create("default", "stream_simulator", part)
    await service.runs.submit(run.id, "step_01", OPTIONS)
    job = (await service.jobs.latest())[0].id
    await service.db.write(lambda tx: jobs.set_state(tx, job, "running", 1.0))
    await service.db.write(lambda tx: jobs.put_progress(tx, {job: Progress(50, 200, "Tick 50")}))
    return run.id, job


async def go_on(service: Service, screen: str, app_name: str = "", run: str = "") -> None:
    """The app opens there."""
    await Place(service.db).put({"screen": screen, "app_name": app_name, "run": run, "memory": {}})


@asynccontextmanager
async def shown(service: Service, size: tuple[int, int], *texts: str) -> AsyncIterator[Stage]:
    async with stage(service, size) as it:
        await it.sees(*texts)
        await it.pilot.pause()
        yield it


async def test_home(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        await service.runs.finalize(await hello(service, "Ada", "Hello Ada!"))
        await hello(service, "Grace", "Hello Grace!", part="02")
        await hello(service, "Eve", part="03")
        await stream(service)
        async with shown(service, size, "Hello Workflow", "next: Hello Message", "1 running") as it:
            assert picture_of(it) == picture


async def test_a_run_with_a_job_at_work(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        run, _ = await stream(service)
        await go_on(service, "run", "stream_simulator", run)
        async with shown(service, size, "50 of 200", "1 running") as it:
            assert picture_of(it) == picture


async def test_a_locked_run(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        run = await hello(service, "Ada", "Hello Ada!")
        await service.runs.finalize(run)
        await go_on(service, "run", "hello", run)
        async with shown(service, size, "f unlocks it") as it:
            assert picture_of(it) == picture


async def test_jobs(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        _, failed = await stream(service)
        await service.db.write(lambda tx: jobs.set_state(tx, failed, "failed", 2.0, error="No network."))
        _, done = await stream(service, "02")
        await service.runs.complete(done, {"ticks": 200, "lines": 201})
        await stream(service, "03")
        await go_on(service, "jobs")
        async with shown(service, size, "Under way", "No network.", "1 running") as it:
            assert picture_of(it) == picture


async def test_tasks(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        for text in ("Call Ada back", "Ask for the crawl of the shop", "Send the report " * 8, "Buy milk"):
            await service.collections.insert(TASKS, {"text": text, "priority": len(text) % 3}, "default")
        await service.collections.toggle(TASKS, 2)
        await go_on(service, "tasks")
        async with shown(service, size, "4 tasks, 1 done") as it:
            assert picture_of(it) == picture


async def test_a_form(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        await service.collections.insert(TASKS, {"text": "Call Ada back", "priority": 2}, "default")
        await go_on(service, "tasks")
        async with shown(service, size, "1 task, 0 done") as it:
            await it.press("enter")
            await it.sees("Change this task")
            await it.press("tab", "9", "ctrl+g")
            await it.sees("from 0 to 3")
            await it.pilot.pause()
            assert picture_of(it) == picture


ANSWER = """\
A **canonical** tag names the page that counts:

```html
<link rel="canonical" href="https://example.com/shoes">
```

- It stands in the `head`.
- It is a *hint*, not a command.

I would fill in the message for you."""


async def conversation(service: Service, run: str) -> None:
    """A question about the run, an answer with everything in it, and a proposal that stands."""
    chat = service.conversations
    where = await chat.in_use(run)
    await chat.send(where.id, "What is a canonical tag?\nAnd what is next?", {"profile": "default", "run": run})
    claimed = await chat.claim("test", "")
    assert claimed is not None
    answer, now = claimed.answer, time.time()
    proposal = Proposal(
        "p1", where.id, answer.id, "runs_submit", '{"step":"step_02","value":"Hello Ada!"}',
        "Submit Hello Message of default-hello-01", "Hello Message: (empty)", "Hello Message: Hello Ada!", "t", "open",
        "", now, now + 899.9,
    )  # fmt: skip
    await chat.propose(proposal)
    parts = (
        Thinking(0, "The user asks two things."),
        Call(len(ANSWER), "runs_show", {}, "default-hello-01: Hello Message (step_02) is active", "{}"),
        Proposed(len(ANSWER), "p1"),
    )
    usage = Usage("llama3.2:3b", "127.0.0.1", 1_900, 140, 4.0, 8_192)
    await chat.save("test", replace(answer, state="done", text=ANSWER, parts=parts, usage=usage))


async def test_the_chat_beside_a_run(
    tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server() as server, serving(tmp_path) as service:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        run = await hello(service, "Ada")
        await conversation(service, run)
        await go_on(service, "run", "hello", run)
        async with shown(service, size, "one line of text") as it:
            await it.press("ctrl+o")
            await it.sees("llama3.2:3b", "a approves", "25% full")
            await it.pilot.pause()
            assert picture_of(it) == picture


async def test_an_empty_chat_without_a_model(
    tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Server(models=[]) as server, serving(tmp_path) as service:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        run = await hello(service, "Ada")
        await go_on(service, "run", "hello", run)
        async with shown(service, size, "one line of text") as it:
            await it.press("ctrl+o")
            await it.sees("Ask what you like", "no model to talk to")
            await it.pilot.pause()
            assert re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:11434", picture_of(it)) == picture


async def test_a_confirmation(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service:
        run, _ = await stream(service)
        await go_on(service, "run", "stream_simulator", run)
        async with shown(service, size, "50 of 200", "1 running") as it:
            await it.press("1", "r")
            await it.sees("Open Options again?")
            await it.pilot.pause()
            assert picture_of(it) == picture


async def test_what_happened_while_one_was_away(
    tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion
) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        _, job = await stream(service)
        async with shown(service, size, "1 running"):
            pass
        await worker.db.write(lambda tx: jobs.set_state(tx, job, "failed", 2.0, error="No network."))
        async with shown(service, size, "While you were away", "No network.", "failed ·") as it:
            assert picture_of(it) == picture


async def test_the_settings(
    tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [each for each in COMMANDS if each.name in ("open", "submit", "revert", "undo")]  # others come and go
    monkeypatch.setattr("pipetui.screens.settings.COMMANDS", few)
    async with serving(tmp_path) as service:
        await service.choices.change({"chat.tone": "friendly", "chat.hosts": ["10.0.0.7"], "keys.revert": "f6"})
        async with shown(service, size, "Hello Workflow") as it:
            await it.press("comma")
            await it.sees("Jobs at once")
            await it.press("down", "down")
            await it.sees("when the app is opened again")
            await it.pilot.pause()
            assert picture_of(it) == picture


async def test_a_key_that_is_refused(tmp_path: Path, size: tuple[int, int], picture: SnapshotAssertion) -> None:
    async with serving(tmp_path) as service, shown(service, size, "Hello Workflow") as it:
        await it.press("comma")
        await it.sees("Jobs at once")
        await it.type("keys.revert")
        await it.misses("Jobs at once")
        await it.press("enter")
        await it.sees("Press a key for Revert")
        await it.press("u")
        await it.sees("Undo (Cards) has the key u")
        await it.pilot.pause()
        assert picture_of(it) == picture
