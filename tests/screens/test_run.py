"""A run: the stack of cards, its keys, its drafts, and what others do to it meanwhile."""

import json
from pathlib import Path

import pytest
from textual.widgets import Input

from pipetui.engine.jobs import Progress
from pipetui.service import Service
from pipetui.service.place import Place
from pipetui.store import artifacts, jobs
from pipetui.store.artifacts import ArtifactRow
from tests.commands.conftest import ASKS
from tests.screens.stage import paths_in, serving, stage

STEPS = """
from pipetui import Invalid, Job, Run, Step, Workflow
from pipetui.fields import Choice, Group, Number, Switch, Text, TextArea
from pipetui.views import Table


class Steps(Workflow):
    APP_NAME = "steps"
    DISPLAY_NAME = "Steps"
    steps = [
        Step("step_01", done="name", show="Name", field=Text()),
        Step("step_02", done="colour", show="Colour", field=Choice(["red", "green"]), skip=True),
        Step("step_03", done="kept", show="Kept", field=Text(), refill=True),
        Step("step_04", done="pages", show="Pages"),
        Step("step_05", done="last", show="Last", field=Group(many=Number(3), wide=Switch(default=False))),
    ]

    async def step_01_submit(self, run: Run, value: str) -> str:
        if value == "nobody":
            raise Invalid("Nobody is not a name.")
        return value

    async def step_04_job(self, run: Run, job: Job) -> int:
        return 1

    def step_04_view(self, run: Run) -> Table:
        return Table(columns=["address", "title"], rows=[["/a", "[bold]A[/bold]"], ["/b", "\\x1b[31mB"]])

    def problems(self, run: Run) -> list[str]:
        return ["step_01: Eve is not welcome."] if run.value("name", str) == "Eve" else []
"""


@pytest.fixture(autouse=True)
def steps(tmp_path: Path) -> None:
    folder = paths_in(tmp_path).workflows
    folder.mkdir(parents=True)
    (folder / "100_steps.py").write_text(STEPS)


async def opened(service: Service, *values: object, app_name: str = "hello") -> str:
    """A run with these values, and the app's memory on it."""
    run = await service.runs.create("default", app_name)
    for number, value in enumerate(values, 1):
        await service.runs.submit(run.id, f"step_{number:02}", value)
    await Place(service.db).put({"screen": "run", "app_name": app_name, "run": run.id, "memory": {}})
    return run.id


async def value(service: Service, run: str, step: str) -> object:
    return (await service.runs.row(run)).record.get(step)


async def test_enter_submits_and_the_next_card_is_open_and_focused(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service)
        async with stage(service) as it:
            await it.sees("one line of text")
            await it.type("Ada")
            await it.press("enter")
            await it.sees("Hello Ada!")
            await it.until(lambda: isinstance(it.app.focused, Input))
            await it.press("enter")
            await it.sees("finalizes this run")
            await it.press("enter")
            await it.sees("This run is locked.")
            assert (await service.runs.open(run)).locked
            for key in "rusxt":
                await it.press(key)
                await it.sees("This run is finalized: nothing in it changes. f unlocks it.")
                it.app.clear_notifications()
                await it.misses("nothing in it changes")
            await it.press("f")
            await it.sees("finalizes this run")
            assert not (await service.runs.open(run)).locked


async def test_a_refused_input_stays_with_its_reason_below(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, app_name="steps")
        async with stage(service) as it:
            await it.sees("one line of text")
            await it.type("nobody")
            await it.press("enter")
            await it.sees("Nobody is not a name.", "nobody")
            assert await value(service, run, "step_01") is None
            await it.press("backspace")
            await it.misses("Nobody is not a name.")
            await it.press("enter")
            await it.sees("nobod", "Colour")
            assert await value(service, run, "step_01") == {"name": "nobod"}


async def test_what_is_typed_is_on_disk_soon_and_comes_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service)
        async with stage(service) as it:
            await it.sees("one line of text")
            await it.type("half a na")

            async def kept() -> bool:
                return (await service.runs.open(run)).drafts == {"step_01": "half a na"}

            await it.until(kept)
            await it.press("escape")
            await it.press("escape")
            await it.sees("next: Your Name")
            await it.press("enter")
            await it.sees("half a na")


async def test_leaving_writes_the_draft_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service)
        async with stage(service) as it:
            await it.sees("one line of text")
            await it.type("x")
            await it.press("ctrl+q")
        assert (await service.runs.open(run)).drafts == {"step_01": "x"}


async def test_revert_says_what_goes_and_escape_gives_it_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", "red", "mine", app_name="steps")
        before = (await service.runs.row(run)).record
        async with stage(service) as it:
            await it.sees("starts it")
            await it.press("1")
            await it.press("r")
            await it.sees("Open Name again?", "Will be cleared: Colour.", "Will be kept, to be confirmed: Kept.")
            await it.press("escape")
            await it.misses("Open Name again?")
            assert (await service.runs.row(run)).record == before
            await it.press("r")
            await it.sees("Open Name again?")
            await it.press("enter")
            await it.sees("editing")
            await it.type("!!")
            await it.press("escape")
            await it.until(lambda: not isinstance(it.app.focused, Input))
            await it.press("escape")
            await it.sees("starts it")
            assert (await service.runs.row(run)).record == before
            assert (await service.runs.open(run)).drafts == {}


async def test_revert_of_the_last_answer_asks_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada")
        async with stage(service) as it:
            await it.sees("Hello Ada!")
            await it.press("escape", "1", "r")
            await it.sees("editing")
            await it.type("x")
            await it.press("enter")
            await it.sees("Hello Adax!")
            assert await value(service, run, "step_01") == {"name": "Adax"}


async def test_undo_and_history(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await opened(service, "Ada")
        async with stage(service) as it:
            await it.sees("Hello Ada!")
            await it.press("escape", "u")
            await it.sees("one line of text")
            await it.press("e")
            await it.sees("History of default-hello-01", "Your Name was taken back", "Your Name was submitted")
            assert next(line for line in it.lines if "was submitted" in line).rstrip().endswith("Ada")
            await it.press("enter")
            await it.sees("Your Name was taken back", "Esc closes this")
            await it.misses("History of")
            await it.press("escape", "down", "enter")
            await it.sees("Ada")
            await it.press("escape", "escape")
            await it.misses("History of")


async def test_a_line_of_the_history_has_the_room(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada")
        await service.runs.revert(run, "step_01", actor="model")
        async with stage(service, (80, 24)) as it:
            await it.sees("editing")
            await it.press("escape")
            await it.app.screen.run_action("history")
            await it.sees("Your Name was opened again by the model")
            assert (
                next(line for line in it.lines if "was submitted" in line)
                .rstrip()
                .endswith("Your Name was submitted  Ada")
            )


async def test_undo_is_offered_only_where_it_reaches(tmp_path: Path) -> None:
    nothing, lock = "There is nothing to undo.", "Undo doesn't reach past finalize."
    turns: list[tuple[str, str, str]] = [  # keys, what is seen then, and what undo says if it can't
        ("escape", "e History", nothing),
        ("enter A enter", "Hello A!", ""),
        ("enter", "f Finalize", ""),
        ("f", "f Unlock", "This run is finalized"),
        ("f", "f Finalize", lock),
    ]
    async with serving(tmp_path) as service:
        await opened(service)
        async with stage(service, (120, 30)) as it:
            await it.sees("one line of text")
            for keys, seen, refusal in turns:
                await it.press(*keys.split())
                await it.sees(seen)
                if seen != "Hello A!":  # there one types
                    await it.until(lambda is_offered=not refusal: ("u Undo" in it.text) == is_offered)
                if refusal:
                    await it.press("u")
                    await it.sees(refusal)
                    it.app.clear_notifications()
            await it.press("ctrl+p")
            await it.sees("Find a command", "Everything that happened to this run.")
            assert "Take back" not in it.text


async def test_undo_puts_the_answer_into_its_input_again_and_can_be_repeated(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", "My own words")
        async with stage(service) as it:
            await it.sees("finalizes this run")
            await it.press("u")
            await it.sees("one line of text")
            assert (await service.runs.open(run)).drafts == {"step_02": "My own words"}
            await it.press("u")
            await it.until(lambda: "My own words" not in it.text)
            assert await value(service, run, "step_01") is None
            await it.press("enter", "!", "enter")
            await it.sees("My own words")
            assert await value(service, run, "step_01") == {"name": "Ada!"}


async def test_undo_of_an_edit_gives_back_what_was(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", "Hello Ada!")
        before = (await service.runs.row(run)).record
        async with stage(service) as it:
            await it.sees("finalizes this run")
            await it.press("1", "r")
            await it.sees("Open Your Name again?")
            await it.press("enter")
            await it.sees("editing", "Esc Leave")
            await it.type("x")
            await it.press("enter")
            await it.sees("Hello Adax!")
            await it.until(lambda: isinstance(it.app.focused, Input))
            await it.press("escape", "u")
            await it.sees("editing", "Adax", "u Undo")
            await it.press("u")
            await it.sees("finalizes this run")
            assert (await service.runs.row(run)).record == before
            assert (await service.runs.open(run)).drafts == {}


async def test_a_job_at_work_is_asked_about_and_reached_from_any_card(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        options = {"ticks": 1_000, "pause": 0.1, "fail_at": 0, "kill_at": 0, "kill": "job"}
        run = await opened(service, options, app_name="stream_simulator")
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Waiting for its turn")
            await it.press("1", "u")
            await it.sees("Take back your last step?", "Stream is at work")
            await it.press("escape")
            await it.misses("Take back your last step?")
            await it.press("r")
            await it.sees("Open Options again?", "The job of Stream stops.")
            await it.press("escape")
            await it.misses("Open Options again?")
            await worker.db.write(lambda tx: jobs.set_state(tx, job.id, "failed", 2.0, error="No network."))
            await it.sees("No network.", "t Try again")
            await it.press("t")
            await it.sees("Waiting for its turn", "x Cancel")
            await it.press("x")
            await it.sees("⊘  Stream", "Cancelled. What it finished is kept.", "Enter tries again", "t Try again")
            assert not any("✗" in line or "failed" in line for line in it.lines)
            await it.press("e")
            await it.sees("Options was submitted", "Ticks 1,000, Pause 0.1 s", "Stream was cancelled")
            assert "{" not in it.text
            await it.press("escape", "u")
            await it.sees("1000", "Submit")
            assert (await service.runs.open(run)).drafts["step_01"]["ticks"] == "1000"


async def test_the_result_that_ends_a_run_stays_open(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        options = {"ticks": 3, "pause": 0, "fail_at": 0, "kill_at": 0, "kill": "job"}
        await opened(service, options, app_name="stream_simulator")
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Waiting for its turn")
            await worker.runs.complete(job.id, {"ticks": 3, "lines": 4})
            await it.sees("finalizes this run", "3 ticks were counted")


async def test_a_run_that_is_only_opened_is_not_locked_by_enter(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", "Hello Ada!")
        for _ in range(2):  # as it is opened, and as it was left
            async with stage(service) as it:
                await it.sees("f finalizes this run")
                assert it.app.main._focused.card.id == "step_02"
                await it.press("enter", "enter", "enter", "enter")
                assert not (await service.runs.open(run)).locked
                await it.press("tab")
                await it.until(lambda: it.app.main._focused.card.id == "finalize")
                await it.press("enter")
                await it.sees("Enter finalizes this run")
                await it.press("up")
                await it.sees("f finalizes this run")
                await it.press("tab", "enter")
                await it.sees("Enter finalizes this run")
                assert not (await service.runs.open(run)).locked
        async with stage(service) as it:
            await it.sees("f finalizes this run")
            await it.press("end", "enter", "enter")
            await it.sees("This run is locked.")


async def test_a_result_that_comes_by_itself_is_not_locked_by_enter(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        options = {"ticks": 3, "pause": 0, "fail_at": 0, "kill_at": 0, "kill": "job"}
        run = await opened(service, options, app_name="stream_simulator")
        (job,) = await service.jobs.latest()
        async with stage(service) as it:
            await it.sees("Waiting for its turn")
            await worker.runs.complete(job.id, {"ticks": 3, "lines": 4})
            await it.sees("f finalizes this run", "3 ticks were counted")
            await it.press("enter", "enter")
            await it.sees("3 ticks were counted")
            while it.app.main._focused.card.id != "finalize":  # out of what the result shows
                await it.press("tab")
            await it.press("enter")
            await it.sees("Enter finalizes this run")
            assert not (await service.runs.open(run)).locked


async def test_a_locked_run_offers_the_key_that_unlocks_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", "Hello Ada!")
        async with stage(service, (120, 30)) as it:
            await it.sees("f Finalize")
            await it.press("f")
            await it.sees("f Unlock")
            await it.press("r", "u")
            await it.sees("nothing in it changes")
            assert len(it.app._notifications) == 1
            await it.press("f")
            await it.sees("f Finalize")
            assert not (await service.runs.open(run)).locked


async def test_one_works_for_whom_the_run_belongs_to(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.runs.create("acme", "hello")
        async with stage(service) as it:
            await it.sees("pipetui › default", "acme-hello-01")
            await it.press("end", "enter")
            await it.sees("one line of text")
            await it.press("escape", "escape")
            await it.sees("acme › Hello Workflow", "next: Your Name")


async def test_skip_wants_a_reason_and_only_where_it_may(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", app_name="steps")
        async with stage(service) as it:
            await it.sees("red")
            await it.press("escape", "1", "s")
            await it.sees("Name is not open")
            await it.press("2", "s")
            await it.sees("Why skip Colour?")
            await it.press("enter")
            await it.sees("needs a reason")
            await it.type("no taste")
            await it.press("enter")
            await it.sees("no taste", "skipped")
            assert (await service.runs.row(run)).record["_skipped"] == {"step_02": "no taste"}


async def test_letters_do_nothing_while_one_chooses(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", app_name="steps")
        async with stage(service) as it:
            await it.sees("red", "green")
            await it.press("u", "r", "s", "f", "q")
            await it.press("enter")
            await it.sees("Colour")
            assert await value(service, run, "step_01") == {"name": "Ada"}


async def test_a_job_from_start_to_its_table(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, serving(tmp_path) as worker:
        run = await opened(service, "Ada", "red", "mine", app_name="steps")
        async with stage(service) as it:
            await it.sees("Enter starts it")
            await it.press("enter")
            await it.sees("Waiting for its turn", "1 running")
            (job,) = await service.jobs.latest()
            await worker.db.write(lambda tx: jobs.set_state(tx, job.id, "running", 1.0))
            await worker.db.write(lambda tx: jobs.put_progress(tx, {job.id: Progress(5, 10, "Page 5")}))
            await it.sees("5 of 10", "Page 5")
            await it.press("x")

            async def asked() -> bool:
                return (await worker.jobs.row(job.id)).cancel is not None

            await it.until(asked)
            await it.sees("Stopping")
            await worker.db.write(lambda tx: jobs.set_state(tx, job.id, "failed", 2.0, error="No network."))
            await it.sees("No network.", "failed")
            await it.press("t")
            await it.sees("Waiting for its turn")
            await worker.runs.complete(job.id, 2)
            await it.sees("many", "a number")
            await it.press("escape")
            await it.sees("e History")
            assert "u Undo" not in it.text
            await it.press("u")
            await it.sees("The result of Pages was built on it")
            await it.press("4", "enter")
            await it.sees("address", "[bold]A[/bold]", "␛[31mB")
        assert await value(service, run, "step_04")


MADE = """
from pipetui import Job, Run, Step, Workflow, views
from pipetui.fields import Text
from pipetui.views import File, Files, Stack


class Made(Workflow):
    APP_NAME = "made"
    steps = [Step("step_01", done="files", show="Files"), Step("step_02", done="end", show="End", field=Text())]

    async def step_01_job(self, run: Run, job: Job) -> int:
        return 1

    def step_01_view(self, run: Run) -> Stack:
        return Stack([*(views.Text(f"line {n}") for n in range(20)), Files([File(run.folder / "listed.csv", 7, 1)])])
"""


async def test_a_long_card_is_paged_through_and_names_each_file_once(tmp_path: Path) -> None:
    (paths_in(tmp_path).workflows / "200_made.py").write_text(MADE)
    async with serving(tmp_path) as service:
        run = await opened(service, None, app_name="made")
        (job,) = await service.jobs.latest()
        for name in ("listed.csv", "other.txt"):
            row = ArtifactRow(run, name, job.id, "step_01", 7, "", 1, 1.0)
            await service.db.write(lambda tx, row=row: artifacts.put(tx, row))
        await service.runs.complete(job.id, 2)
        async with stage(service, (80, 24)) as it:
            await it.sees("End")
            await it.press("escape", "1", "enter")
            await it.sees("other.txt  7 B, 1 row", "line 0")
            await it.misses("listed.csv  7 B", "line 19")
            await it.press("pagedown", "pagedown")
            await it.sees("line 19", "listed.csv")
            await it.press("pageup", "pageup")
            await it.sees("line 0")


async def test_an_answer_from_elsewhere_loses_no_typed_text(tmp_path: Path) -> None:
    async with serving(tmp_path) as mine, serving(tmp_path) as theirs:
        run = await opened(mine)
        async with stage(mine) as it:
            await it.sees("one line of text")
            await it.type("my own words")
            await theirs.runs.submit(run, "step_01", "Grace")
            await it.sees("Your Name was answered elsewhere")
            await it.type("ru")  # what was meant for the input does nothing
            await it.press("escape")
            await it.sees("Hello Grace!")
            assert (await mine.runs.open(run)).drafts.get("step_01") == "my own words"


async def test_a_move_on_an_older_version_is_told_and_not_made(tmp_path: Path) -> None:
    async with serving(tmp_path) as mine, serving(tmp_path) as theirs:
        run = await opened(mine, "Ada")
        async with stage(mine) as it:
            await it.sees("Hello Ada!")
            await it.press("escape")
            it.app.workers.cancel_group(it.app, "feed")  # this terminal hears of nothing
            await theirs.runs.submit(run, "step_02", "Hi")
            await it.press("u")
            await it.sees("This run was changed meanwhile")
            await it.sees("finalizes this run")
            assert await value(mine, run, "step_02") == {"greeting": "Hi"}


async def test_problems_stand_on_the_last_card(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await opened(service, "Eve", "red", "mine", app_name="steps")
        await service.runs.submit(run, "step_04")
        (job,) = await service.jobs.latest()
        await service.runs.complete(job.id, 2)
        await service.runs.submit(run, "step_05", {"many": 3, "wide": False})
        async with stage(service) as it:
            await it.sees("Eve is not welcome.")
            await it.press("f")
            await it.sees("Not finalized")


async def test_the_place_comes_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await opened(service, "Ada", "red", app_name="steps")
        async with stage(service, (80, 24)) as it:
            await it.sees("one line of text")
            await it.press("escape", "1", "enter", "down")
            await it.until(lambda: it.app.main._stack.place["card"] == "step_02")
            before = it.lines
            memory = it.app.main._stack.place
        async with stage(service, (80, 24)) as it:
            await it.until(lambda: it.lines == before)
            assert it.app.main._stack.place == memory
        stored = await Place(service.db).get()
        assert json.loads(json.dumps(stored["memory"])) == memory


async def test_a_run_that_is_gone_leads_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await Place(service.db).put({"screen": "run", "app_name": "hello", "run": "gone", "memory": {}})
        async with stage(service) as it:
            await it.sees("This run is gone", "No run yet")


async def test_numbers_of_two_digits_jump(tmp_path: Path) -> None:
    many = "\n".join(f'Step("step_{n:02}", done="v{n}", show="Step {n}", field=Text()),' for n in range(1, 15))
    head = "from pipetui import Step, Workflow\nfrom pipetui.fields import Text\n\n\nclass Many(Workflow):\n"
    text = f'{head}    APP_NAME = "many"\n    steps = [{many}]\n'
    (paths_in(tmp_path).workflows / "200_many.py").write_text(text)
    async with serving(tmp_path) as service:
        await opened(service, app_name="many")
        async with stage(service, (80, 24)) as it:
            await it.sees("Step 1")
            await it.press("escape", "1", "2")
            await it.until(lambda: (card := it.app.main._focused) is not None and card.card.id == "step_12")
            await it.sees("Step 12")


COPIED = """
from pipetui import Job, Run, Step, Workflow
from pipetui.fields import Secret, Text
from pipetui.views import Stack, Table, Text as Shown, View


class Copied(Workflow):
    APP_NAME = "copied"
    DISPLAY_NAME = "Copied"
    steps = [
        Step("step_01", done="address", show="Address", field=Text()),
        Step("step_02", done="token", show="Token", field=Secret("copied")),
        Step("step_03", done="last", show="Last", field=Text()),
    ]

    def step_01_view(self, run: Run) -> View:
        table = Table(["url", "hits"], [["/a", 1], ["/b", 2]])
        calls = [Shown("curl one", title="the count as curl"), Shown("curl two", title="the export as curl")]
        return Stack([table, *calls])
"""


async def test_y_copies_what_the_card_shows(tmp_path: Path) -> None:
    (paths_in(tmp_path).workflows / "110_copied.py").write_text(COPIED)
    async with serving(tmp_path) as service:
        await opened(service, "https://x.example/", app_name="copied")
        async with stage(service, (80, 24)) as it:
            await it.sees("paste it here")
            await it.press("escape", "1", "y")
            await it.sees("Copy what?", "the value", "the table", "the count as curl", "curl two")
            await it.press("down", "down", "enter")
            await it.sees("Copied the count as curl: 8 characters.")
            assert it.app.clipboard == "curl one"
            await it.press("enter")
            await it.sees("row 1 of 2")
            await it.press("tab", "down", "y")
            await it.sees("Copy what?", "the row", "hits")
            await it.press("escape")
            await it.misses("Copy what?")
            await it.press("y", "y")
            await it.sees("Copied url: 2 characters.")
            assert it.app.clipboard == "/b"
            await it.press("tab", "y")
            await it.sees("Copied the count as curl: 8 characters.")
            assert it.app.clipboard == "curl one"


async def test_y_copies_no_secret_and_says_where_there_is_nothing(tmp_path: Path) -> None:
    (paths_in(tmp_path).workflows / "110_copied.py").write_text(COPIED)
    async with serving(tmp_path) as service:
        await opened(service, "x", "t0ken-that-nobody-sees", app_name="copied")
        async with stage(service) as it:
            await it.sees("Last", "one line of text")
            await it.press("escape")
            for card, label in (("2", "Token"), ("3", "Last"), ("4", "Finalize")):
                await it.press(card, "y")
                await it.sees(f"{label} has nothing to copy yet.")
            assert it.app.clipboard == ""


async def test_what_is_asked_before_an_unlocking_is_a_dialog(tmp_path: Path) -> None:
    (paths_in(tmp_path).workflows / "110_asks.py").write_text(ASKS)
    async with serving(tmp_path) as service:
        run = await opened(service, "Ada", app_name="asks")
        await service.runs.finalize(run)
        async with stage(service, (80, 24)) as it:
            await it.sees("This run is locked.")
            await it.press("f")
            await it.sees("Unlock default-asks-01?", "The goods", "sell")
            await it.press("escape")
            await it.misses("The goods")
            assert (await service.runs.open(run)).locked
            await it.press("f")
            await it.sees("The goods")
            await it.press("end", "enter")
            await it.sees("Nobody buys them.")
            assert (await service.runs.open(run)).locked
            await it.press("up", "enter")
            await it.misses("The goods")
            await it.sees("finalizes this run")
            assert (await service.runs.open(run)).handle.workflow.db["goods"] == "remove"
