"""The app as a whole: what goes wrong in it, what comes from outside, sizes, keys, news, settings."""

import asyncio
import gc
import logging
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

from pipetui import app as program
from pipetui.app import STORM, PipetuiApp
from pipetui.paths import Paths
from pipetui.screens.base import MainScreen
from pipetui.screens.commands import COMMANDS, keymap_of
from pipetui.screens.home import Home
from pipetui.screens.run import RunScreen
from pipetui.service import Service
from pipetui.service.place import Place
from pipetui.settings import Settings, load
from pipetui.store import jobs
from pipetui.store.errors import DiskFull
from pipetui.store.rev import Changes
from pipetui.widgets.card import CardView
from tests.screens.stage import Stage, paths_in, serving, stage

HOSTILE = "[bold]x[/] [@click=app.quit]y[/] \x1b]0;owned\x07 \u202egnp.exe [/nope]"
OPTIONS = {"ticks": 10, "pause": 0, "fail_at": 0, "kill_at": 0, "kill": "job"}


class Boom(Exception):
    """Expected by nobody."""


# What goes wrong


def fail(*_: Any) -> None:
    raise Boom("token=secret")


@pytest.mark.parametrize("where", ["action", "handler", "timer", "worker", "callback", "thread"])
async def test_an_exception_anywhere_is_told_and_logged_and_the_app_goes_on(
    tmp_path: Path, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logging.getLogger("pipetui"), "propagate", True)  # `log.start`, in another test, ends that
    async with serving(tmp_path) as service, stage(service, expected=True) as it:
        await it.sees("Hello Workflow")
        screen = it.app.main
        match where:
            case "action":
                monkeypatch.setattr(type(screen), "action_profile", fail)
                await it.press("p")
            case "handler":
                monkeypatch.setattr(type(screen), "on_listing_moved", fail)
                await it.press("down")
            case "timer":
                screen.set_timer(0.01, fail)
            case "worker":

                async def work() -> None:
                    fail()

                it.app.run_worker(work())
            case "callback":
                screen.call_later(fail)
            case "thread":
                screen.run_worker(fail, thread=True)
        await it.sees("Something went wrong (Boom); nothing was lost;")
        assert "secret" not in it.text
        assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [Boom]
        monkeypatch.undo()
        await it.press("home", "enter")
        await it.sees("Start a run, or pick up an old one.")
        assert it.app.return_code is None


async def test_a_storm_of_exceptions_ends_the_app_with_a_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service, expected=True) as it:
        await it.sees("Hello Workflow")
        for _ in range(STORM):
            it.app.call_later(fail)
        await it.until(lambda: it.app.last_words != "")
    assert it.app.return_code == 1
    assert "pipetui had to end: Boom" in it.app.last_words and str(service.paths.log) in it.app.last_words


async def test_a_screen_that_cannot_be_made_at_the_start_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Home, "content", fail)
    async with serving(tmp_path) as service, stage(service, expected=True) as it:
        await it.until(lambda: it.app.last_words != "")
    assert it.app.return_code == 1


async def test_a_key_that_is_refused_before_the_first_frame_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, may_begin = PipetuiApp._begin, asyncio.Event()

    async def late(self: PipetuiApp) -> None:
        await may_begin.wait()
        await begin(self)

    monkeypatch.setattr(PipetuiApp, "_begin", late)
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        memory = {"body": False, "card": "step_01"}
        await Place(service.db).put(
            {"screen": "run", "app_name": "hello", "run": run.id, "memory": memory, "profile": "default"}
        )
        app = await PipetuiApp.make(service)
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            it = Stage(app, pilot)
            await it.until(lambda: isinstance(app.focused, CardView))
            app.post_message(events.Key("x", "x"))
            await it.until(lambda: bool(app._notifications) or app.last_words != "")
            assert not app.is_up
            may_begin.set()
            await it.sees("No job of Your Name is under way.")
    assert app.last_words == ""


async def test_a_full_disk_is_one_sentence_and_work_goes_on_when_space_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        await Place(service.db).put({"screen": "run", "app_name": "hello", "run": run.id, "memory": {}})
        async with stage(service, expected=True) as it:
            await it.sees("one line of text")
            pages = await service.db.write(lambda tx: tx.execute("PRAGMA page_count").fetchone()[0])
            await service.db.write(lambda tx: tx.execute(f"PRAGMA max_page_count={pages}").fetchone()[0])
            assert isinstance(it.app.focused, Input)
            it.app.focused.insert_text_at_cursor("A" * 9000)
            await it.press("enter")
            await it.sees("The disk is full: nothing was saved")
            assert all(isinstance(error, DiskFull) for error in it.app.unexpected)
            await service.db.write(lambda tx: tx.execute("PRAGMA max_page_count=1000000").fetchone()[0])
            await it.press("enter")
            await it.sees("Hello AAA")


async def test_a_database_that_is_none_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = paths_in(tmp_path)
    paths.data.mkdir(parents=True)
    paths.database.write_text("no database at all, but long enough to be looked at as one" * 20)
    code = await program._run(paths, Settings(), None, True, None)
    assert code == 1
    assert "is not a database. Nothing was changed." in capsys.readouterr().err


def test_what_the_guards_lean_on_is_there() -> None:
    """Private in Textual 8.2."""
    for owner, name in (
        (MessagePump, "_dispatch_message"),
        (App, "_handle_exception"),
        (App, "_start_widget"),
        (App, "_register_child"),
        (Widget, "_dispatch_message"),
        (Screen, "_push_result_callback"),
        (App, "_unnotify"),
    ):
        assert hasattr(owner, name)


def test_the_first_frame_pays_for_nothing_that_it_does_not_use() -> None:
    code = "import sys, pipetui.app, pipetui.screens.home; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    dear = {"httpx", "selenium", "ollama", "duckdb", "tomlkit", "pydantic", "textual.widgets._text_area"}
    assert not dear & set(found)
    assert not [name for name in found if name.startswith(("pipetui.worker", "pipetui.http", "pipetui.engine.cards"))]


# What comes from outside


async def test_nothing_from_outside_acts_or_steers(tmp_path: Path) -> None:
    folder = paths_in(tmp_path).workflows
    folder.mkdir(parents=True)
    (folder / "100_evil.py").write_text(
        "from pipetui import Step, Workflow\nfrom pipetui.fields import Text\n\n\nclass Evil(Workflow):\n"
        f"    APP_NAME = 'evil'\n    DISPLAY_NAME = {HOSTILE!r}\n    ENDPOINT_MESSAGE = {HOSTILE!r}\n"
        f"    steps = [Step('step_01', done='a', show={HOSTILE!r}, field=Text(hint={HOSTILE!r})),\n"
        "             Step('step_02', done='b', show='Job')]\n\n"
        "    async def step_02_job(self, run, job):\n        return 1\n"
    )
    (folder / "110_worse.py").write_text(f"raise ValueError({HOSTILE!r})\n")
    async with serving(tmp_path) as service:
        run = await service.runs.create("[red]acme[/]", "evil", "[@click=app.quit]k[/]")
        await service.runs.submit(run.id, "step_01", HOSTILE)
        await service.runs.submit(run.id, "step_02")
        (job,) = await service.jobs.latest()
        await service.db.write(lambda tx: jobs.set_state(tx, job.id, "failed", 1.0, error=HOSTILE))
        async with stage(service, (140, 60)) as it:

            async def look(*texts: str) -> None:
                await it.sees(*texts)
                assert "\x1b" not in it.text and "\u202e" not in it.text and "\x07" not in it.text

            await look("[bold]x[/] [@click=app.quit]y[/] ␛]0;owned␇", "110_worse.py", "[red]acme[/]-evil-[@click")
            await it.press("ctrl+p")
            await look("Open [bold]x[/]", "Its runs, and a new one.")
            await it.press("escape")
            await it.press("end", "enter")
            await look("1 ", "[bold]x[/] [@click=app.quit]y[/]", "failed")
            await it.press("1", "enter", "e")
            await look("History of [red]acme[/]")
            await it.press("escape", "g")
            await look("failed", "[red]acme[/]-evil")
            it.app.say(HOSTILE)
            await look("[bold]x[/] [@click=app.quit]y[/] ␛")


# Sizes


async def test_any_size_at_any_time(tmp_path: Path) -> None:
    dice = random.Random(7)
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "hello")
        await Place(service.db).put({"screen": "run", "app_name": "hello", "run": run.id, "memory": {}})
        async with stage(service) as it:
            await it.sees("one line of text")
            for _ in range(40):
                width, height = dice.choice([1, 20, 60, 79, 80, 120, 200]), dice.choice([1, 5, 15, 24, 50])
                await it.pilot.resize_terminal(width, height)
                if dice.random() < 0.3:
                    await it.press(*dice.choices(["tab", "escape", "enter", "down", "ctrl+p", "f1"], k=2))
            await it.pilot.resize_terminal(60, 15)
            await it.sees("60×15 is too small.")
            await it.pilot.resize_terminal(100, 30)
            await it.misses("too small")
            assert sum(isinstance(screen, MainScreen) for screen in it.app.screen_stack) == 1


# Keys


async def test_the_collector_that_the_start_put_off_runs_after_the_first_frame(tmp_path: Path) -> None:
    gc.disable()
    try:
        async with serving(tmp_path) as service, stage(service):
            assert gc.isenabled() and gc.get_freeze_count()
    finally:
        gc.enable()
        gc.unfreeze()


async def test_help_lists_every_key_and_the_palette_does_commands(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service, (120, 140)) as it:
        await it.sees("Hello Workflow")
        await it.press("question_mark")
        told = [command.help for command in COMMANDS if command.keys and command.name != "open"]
        await it.sees("Everywhere", "Go to the workflow or the run.", "In a table: to another", *told)
        await it.press("escape")
        await it.press("colon")
        await it.type("jobs")
        await it.sees("All jobs, live.")
        await it.press("enter")
        await it.sees("No job is under way.")


async def test_the_palette_takes_a_picture_of_the_screen_below_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        folder = service.paths.screenshots

        async def take() -> None:
            await it.press("colon")
            await it.type("screenshot")
            await it.sees("Keep a picture of this screen")
            await it.press("enter")

        await it.sees("Hello Workflow")
        await take()
        await it.sees("A picture of this screen is in")
        (picture,) = folder.iterdir()
        text = picture.read_text("utf-8").replace("&#160;", " ")
        assert picture.suffix == ".svg" and text.startswith("<svg") and "Hello Workflow" in text
        assert "Find a command" not in text
        assert folder.stat().st_mode & 0o777 == 0o700
        picture.rename(folder.with_name("kept"))
        folder.rmdir()
        folder.write_text("in its way")
        await take()
        await it.sees("No picture was made")


async def test_keys_can_be_others(tmp_path: Path) -> None:
    settings = Settings(keys={"search": "Ctrl+T", "submit": "f2", "jobs": "x", "serch": "f3", "help": "ctrl+alt+zz"})
    async with serving(tmp_path, settings) as service, stage(service) as it:
        await it.sees("Ctrl+T Search", "did you mean search?", "is the key of", "that is no key")
        await it.press("ctrl+t")
        await it.type("hello")
        await it.press("enter", "n", "enter")
        await it.sees("F2 Submit")
        await it.type("Ada")
        await it.press("f2")
        await it.sees("Hello Ada!")


def test_a_letter_is_no_key_for_what_one_does_while_typing() -> None:
    keymap, wrong = keymap_of({"submit": "s"})
    assert not keymap and "one types that" in wrong[0]


# News


async def test_a_job_that_ends_elsewhere_is_told_with_the_bell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[bool] = []
    monkeypatch.setattr(PipetuiApp, "bell", lambda self: rung.append(True))
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        run = await service.runs.create("acme", "stream_simulator")
        await service.runs.submit(run.id, "step_01", OPTIONS)
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Hello Workflow", "1 running")
            await worker.runs.complete(job.id, {"ticks": 10, "lines": 11})
            await it.sees("acme-stream_simulator-01 · Stream is done")
            assert rung == [True]
        async with stage(service) as it:
            await it.sees("Hello Workflow")
            assert "While you were away" not in it.text


async def test_a_run_that_is_removed_meanwhile_holds_up_no_news(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("acme", "stream_simulator")
        await service.runs.submit(run.id, "step_01", OPTIONS)
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Hello Workflow", "1 running")
            await service.runs.complete(job.id, {"ticks": 10, "lines": 11})
            it.app._states.pop(job.id, None)
            nothing: frozenset[str] = frozenset()
            await it.app._ring(Changes(1, nothing, frozenset({job.id, "a", "b", "c"}), nothing, nothing))
            await it.sees("acme-stream_simulator-01 · Stream is done")


async def test_jobs_go_on_though_their_worker_was_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.app.WORK_SECONDS", 0.05)
    called: list[Paths] = []

    async def starter(paths: Paths) -> str:
        called.append(paths)
        return "There is no worker."

    async with Service.open(paths_in(tmp_path), Settings(), starter=starter) as service:
        run = await service.runs.create("default", "stream_simulator")
        async with stage(service) as it:
            await it.sees("Hello Workflow")
            await it.pilot.pause(0.2)
            assert not called, "nobody is started for nothing"
            await service.runs.submit(run.id, "step_01", OPTIONS)
            await it.sees("1 running", "There is no worker.")
            await it.until(lambda: len(called) > 2)
            assert len(it.app._notifications) == 1, "it is told once"


async def test_leaving_tells_that_jobs_go_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("default", "stream_simulator")
        await service.runs.submit(run.id, "step_01", OPTIONS)
        async with stage(service) as it:
            await it.sees("1 running")
            await it.press("q")
            await it.until(lambda: it.app.last_words == "1 job goes on in the background.")


async def test_what_happened_while_one_was_away_is_told_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("acme", "stream_simulator")
        async with stage(service) as it:
            await it.until(lambda: "rev" in it.app._pending)
        await service.runs.submit(run.id, "step_01", OPTIONS)
        (job,) = await service.jobs.latest()
        await service.db.write(lambda tx: jobs.set_state(tx, job.id, "failed", 1.0, error="No network."))
        async with stage(service) as it:
            await it.sees(
                "While you were away", "acme-stream_simulator-01 · Stream failed: No network.", "w puts this away"
            )
            await it.press("w")
            await it.misses("While you were away", "w puts this away")
        async with stage(service) as it:
            await it.sees("Hello Workflow")
            assert "While you were away" not in it.text


@pytest.mark.parametrize("is_here", [True, False])
async def test_what_one_looked_on_at_is_no_news_whatever_is_undone_later(tmp_path: Path, is_here: bool) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as other:
        run = await service.runs.create("acme", "stream_simulator")
        await service.runs.submit(run.id, "step_01", OPTIONS)
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Hello Workflow", "1 running")
            await other.runs.complete(job.id, {"ticks": 10, "lines": 11})
            await it.sees("acme-stream_simulator-01 · Stream is done")
            await service.runs.revert(run.id, "step_01")
            if is_here:
                await service.runs.undo(run.id)
        if not is_here:
            await other.runs.undo(run.id)  # while nobody looks on
        assert (await service.jobs.row(job.id)).superseded is None
        for _ in range(2):
            async with stage(service) as it:
                await it.sees("Hello Workflow")
                await it.until(lambda: "rev" in it.app._pending)
                assert not it.app.away and "While you were away" not in it.text


async def test_a_job_that_one_cancelled_is_no_news(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("acme", "stream_simulator")
        await service.runs.submit(run.id, "step_01", OPTIONS)
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Hello Workflow", "1 running")
            await it.app.flush()
            await service.jobs.cancel(job.id)
            await it.until(lambda: "rev" in it.app._pending)
        async with stage(service) as it:
            await it.until(lambda: "rev" in it.app._pending)
            assert not it.app.away


# Settings and memory


async def test_the_theme_is_kept(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        it.app.theme = "nord"

        def kept() -> bool:
            return service.paths.settings.exists() and load(service.paths.settings).theme == "nord"

        await it.until(kept)


async def test_a_theme_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with serving(tmp_path, Settings(theme="mauve")) as service, stage(service) as it:
        await it.sees("There is no theme 'mauve'")


async def test_a_memory_that_makes_no_sense_leads_home(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for memory in ({"screen": 7, "run": []}, {"screen": "run", "app_name": "", "run": "", "memory": {"card": 3}}):
            await Place(service.db).put(memory | {"rev": "x", "profile": None})
            async with stage(service) as it:
                await it.sees("Workflows", "Recent runs")


async def test_a_saved_workflow_is_loaded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "FILES_SECONDS", 0.1)
    folder = paths_in(tmp_path).workflows
    folder.mkdir(parents=True)
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        (folder / "100_new.py").write_text("def broken(:\n")
        await it.sees("100_new.py", "line 1")


async def test_a_profile_that_is_named_opens_at_home(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = (await service.runs.create("Ada", "hello")).id
        await Place(service.db).put({"profile": "Ada", "screen": "run", "app_name": "hello", "run": run, "memory": {}})
        app = await program.PipetuiApp.make(service, profile="Bob")
        assert app.profile == "Bob" and isinstance(app.get_default_screen(), Home)
        again = await program.PipetuiApp.make(service, profile="Ada")
        assert again.profile == "Ada" and isinstance(again.get_default_screen(), RunScreen)


async def test_one_can_leave_whatever_the_database_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(tmp_path) as service, stage(service) as it:

        async def full(*_: Any) -> None:
            raise DiskFull("The disk is full: nothing was saved.")

        monkeypatch.setattr(it.app, "settle", full)
        await it.press("ctrl+q")
        await it.until(lambda: not it.app.is_running or it.app._exit)
        assert "disk is full" in it.app.last_words
        monkeypatch.undo()
