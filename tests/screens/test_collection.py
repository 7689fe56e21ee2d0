"""The list screen: tasks and profiles, by keys alone."""

from pathlib import Path

from pipetui.engine.collections import PROFILES, TASKS
from pipetui.screens.base import Place
from pipetui.screens.listing import Listing
from pipetui.service import Service
from pipetui.store import artifacts
from pipetui.store.artifacts import ArtifactRow
from tests.screens.stage import Stage, serving, stage


async def texts(service: Service, profile: str = "default") -> list[object]:
    return [item.values["text"] for item in await service.collections.items(TASKS, profile)]


async def with_tasks(service: Service, *texts: str) -> None:
    for text in texts:
        await service.collections.insert(TASKS, {"text": text}, "default")


async def open_tasks(it: Stage) -> None:
    await it.sees("Hello Workflow")
    await it.press("t")
    await it.sees("pipetui › default › Tasks")


async def test_a_task_is_added_changed_marked_and_deleted(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await open_tasks(it)
        await it.sees("No task yet: n adds one.")
        await it.press("n")
        await it.sees("A new task", "For default.")
        await it.press("ctrl+g")
        await it.sees("Please fill this in.")
        await it.type("buy milk")
        await it.press("tab")
        await it.type("9")
        await it.press("ctrl+g")
        await it.sees("from 0 to 3")
        await it.press("backspace", "2", "ctrl+g")
        await it.misses("A new task")
        await it.sees("1 task, 0 done", "buy milk", "priority 2 · #1")
        await it.press("enter")
        await it.sees("Change this task")
        await it.press("end", "exclamation_mark", "ctrl+g")
        await it.sees("buy milk!")
        await it.press("space")
        await it.sees("1 task, 1 done", "✓  buy milk!")
        await it.press("d")
        await it.sees("Delete this task?", "It can't be had back.")
        await it.press("escape")
        await it.misses("Delete this task?")
        assert await texts(service) == ["buy milk!"]
        await it.press("d", "enter")
        await it.sees("No task yet")
        await it.press("escape")
        await it.sees("Hello Workflow")


async def test_a_task_is_four_keys_and_its_text_and_not_lost_by_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await open_tasks(it)
        await it.press("n")
        await it.sees("Enter adds it · Tab goes on")
        await it.type("buy milk")
        await it.press("escape")
        await it.sees("Throw away what you typed?", "It is kept nowhere else.")
        await it.press("escape")
        await it.misses("Throw away what you typed?")
        await it.press("tab", "3", "enter")  # in each of its fields, and typing replaces a default
        await it.sees("1 task, 0 done", "priority 3")
        await it.press("n", "escape")  # nothing typed, nothing asked
        await it.misses("A new task")
        assert await texts(service) == ["buy milk"]


async def test_tasks_are_sorted_where_the_cursor_is(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await with_tasks(service, "alpha", "two", "three")
        async with stage(service) as it:
            await open_tasks(it)
            await it.sees("three")
            await it.press("end", "K", "shift+up")
            assert await texts(service) == ["three", "alpha", "two"]
            await it.press("K", "J")
            assert await texts(service) == ["alpha", "three", "two"]
            await it.press("slash")
            await it.type("t")
            await it.misses("alpha")
            await it.press("down", "J")
            await it.sees("no order of its own")
            assert await texts(service) == ["alpha", "three", "two"]


async def test_search_narrows_and_escape_clears_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await with_tasks(service, "buy milk", "call Ada")
        async with stage(service) as it:
            await open_tasks(it)
            await it.press("slash")
            await it.type("ada")
            await it.misses("buy milk")
            await it.type("zzz")
            await it.sees("No task has that in it")
            await it.press("escape")
            await it.sees("buy milk", "call Ada")


async def test_what_another_terminal_does_is_seen_and_not_undone(tmp_path: Path) -> None:
    async with serving(tmp_path) as mine, serving(tmp_path) as theirs:
        await with_tasks(theirs, "buy milk")
        async with stage(mine) as it:
            await open_tasks(it)
            await it.sees("buy milk")
            await it.press("e")
            await it.sees("Change this task")
            (task,) = await theirs.collections.items(TASKS)
            await theirs.collections.update(TASKS, task.id, {"text": "buy bread"})
            await it.press("end", "x", "ctrl+g")
            await it.sees("was changed meanwhile")
            assert await texts(mine) == ["buy bread"]
            await it.press("escape")
            await it.sees("Throw away what you typed?")
            await it.press("enter")
            await it.misses("Change this task", "Throw away what you typed?")
            await it.sees("buy bread")
            await theirs.collections.delete(TASKS, task.id)
            await it.sees("No task yet")


async def test_text_from_outside_is_shown_as_text(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await with_tasks(service, "[b]bold[/b] [@click=app.quit]x[/] \x1b[2Jgone", "[/foo]")
        async with stage(service, (120, 30)) as it:
            await open_tasks(it)
            await it.sees("[b]bold[/b] [@click=app.quit]x[/] ␛[2Jgone", "[/foo]")
            await it.press("d")
            await it.sees("Delete this task?")
            await it.press("escape", "enter")
            await it.sees("Change this task")


async def test_profiles_are_kept_and_one_with_runs_stays(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.runs.create("acme", "hello")
        async with stage(service) as it:
            await it.sees("Hello Workflow")
            await it.press("P")
            await it.sees("pipetui › Profiles", "1 profile, 1 active", "acme")
            await it.press("d")
            await it.sees("acme still has 1 run")
            await it.press("space")
            await it.sees("1 profile, 0 active")
            await it.press("n")
            await it.sees("A new profile")
            await it.type("acme")
            await it.press("ctrl+g")
            await it.sees("There is a profile 'acme' already")
            await it.type(" two")
            await it.press("ctrl+g")
            await it.sees("2 profiles, 1 active")
            await it.press("escape", "p")
            await it.sees("Which client or project", "acme two")
            assert not any(line.rstrip(" │▊").endswith("  acme") for line in it.lines)  # not active: only when typed


async def test_one_works_for_the_profile_under_the_cursor(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for name in ("default", "acme"):
            await service.profiles.get(name)
        async with stage(service) as it:
            await it.sees("Hello Workflow")
            await it.press("P")
            await it.sees("2 profiles, 2 active", "you work for it")
            await it.until(lambda: "you work for it" in _line(it, "default"))
            await it.press(*(["down"] if _cursor(it) == "default" else []))
            await it.sees("p: work for the one under the cursor")
            await it.press("p")
            await it.until(lambda: "you work for it" in _line(it, "acme"))
            assert it.app.profile == "acme"
            await it.press("escape", "t")
            await it.sees("pipetui › acme › Tasks")
            await it.press("p")
            await it.sees("Which client or project")
            await it.type("default")
            await it.press("enter")
            await it.sees("pipetui › default › Tasks")


def _line(it: Stage, name: str) -> str:
    """The row of a profile."""
    return next((text for text in it.lines[1:] if f"  {name} " in f"{text} "), "")


def _cursor(it: Stage) -> str:
    row = it.app.screen.query_one(Listing).current
    return str(row.item.values["name"]) if row is not None else ""


async def test_a_new_name_of_the_profile_one_works_for_is_followed(tmp_path: Path) -> None:
    async with serving(tmp_path) as mine, serving(tmp_path) as theirs:
        await with_tasks(mine, "buy milk")
        async with stage(mine) as it:
            await open_tasks(it)
            await it.sees("buy milk")
            (profile,) = await theirs.collections.items(PROFILES)
            await theirs.collections.update(PROFILES, profile.id, {"name": "Acme"})
            await it.until(lambda: it.app.profile == "Acme")
            await it.sees("pipetui › Acme › Tasks", "buy milk")
        async with stage(mine) as it:
            await it.sees("pipetui › Acme › Tasks", "buy milk")


async def test_the_palette_asks_for_what_an_action_needs_and_shows_what_it_says(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        await it.press("ctrl+p")
        await it.type("tasks add")
        await it.sees("Tasks: add")
        await it.press("down", "enter")
        await it.sees("Add a task for this profile.")
        await it.type("buy milk")
        await it.press("ctrl+g")
        await it.sees("Added: the task 'buy milk' (1) for default.")
        await it.press("ctrl+p")
        await it.type("files head")
        await it.sees("No matches found")  # there is no run whose files they could be
        await it.press("escape", "ctrl+p")
        await it.type("open tasks")
        await it.press("down", "enter")
        await it.sees("1 task, 0 done")
        run = await service.runs.create("default", "hello")
        await service.db.write(
            lambda tx: artifacts.put(tx, ArtifactRow(run.id, "pages.csv", None, "step_01", 1, "", None, 1.0))
        )
        run.folder.mkdir(parents=True)
        (run.folder / "pages.csv").write_text("url,title\nhttps://a/,[b]A\n")
        it.app.go(Place("run", "hello", run.id))
        await it.sees("Your Name")
        await it.press("escape", "ctrl+p")
        await it.type("files list")
        await it.sees("Files: list")
        await it.press("down", "enter")
        await it.sees("1 file of this run", "pages.csv")
        await it.press("escape", "ctrl+p")
        await it.type("files head")
        await it.press("down", "enter")
        await it.sees("Show the first rows of a file")
        await it.type("pages.csv")
        await it.press("ctrl+g")
        await it.sees("1 row from the start of pages.csv", "https://a/  [b]A")
