"""Home: workflows, recent runs, search, profiles."""

from pathlib import Path

import pytest
from textual import events

from pipetui.engine.collections import PROFILES
from pipetui.screens.home import RECENT
from pipetui.service.place import Place
from tests.screens.stage import paths_in, serving, stage


async def test_workflows_stand_in_menu_order_and_empty_states_explain(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow", "Stream Simulator", "None yet: open a workflow and start one.")
        order = [
            number
            for name in ("Hello", "Stream")
            for number, line in enumerate(it.lines)
            if line.strip().startswith(name)
        ]
        assert order == sorted(order)


async def test_search_narrows_as_one_types_and_enter_opens_what_is_left(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        await it.press("slash")
        await it.type("stre")
        await it.misses("Hello Workflow")
        await it.press("enter")
        await it.sees("See what a job is", "No run yet")


async def test_a_workflow_of_that_name_comes_before_one_that_speaks_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Botify Export")
        await it.press("down", "down")  # Connect to Botify, whose message has both words too
        await it.press("slash")
        await it.type("botify export")
        await it.misses("Hello Workflow")
        await it.press("enter")
        await it.sees("see rows and credits before anything is exported", "No run yet")


async def test_what_is_no_command_begins_a_search_and_commands_stay_commands(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        await it.press("space")
        assert it.lines[2].strip() == "Search workflows and runs"
        await it.type("streng")  # n and g are letters now
        await it.sees("No workflow is called so")
        await it.press("backspace", "backspace", "down", "i", "enter")
        await it.sees("No workflow is called so")
        await it.press("escape")
        await it.sees("Hello Workflow")
        await it.press("j", "g")
        await it.sees("No job is under way.")


@pytest.mark.parametrize("typed", ["url insp", "/nope n"])
async def test_letters_that_come_in_one_burst_are_all_searched_for(tmp_path: Path, typed: str) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        for letter in typed:
            it.app.post_message(events.Key({" ": "space", "/": "slash"}.get(letter, letter), letter))
        await it.sees(typed.removeprefix("/"))


async def test_what_is_pasted_into_the_list_is_searched_for(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow")
        it.app.post_message(events.Paste("url insp\n"))
        await it.sees("url insp", "URL Inspector")
        await it.misses("Hello Workflow")


async def test_n_starts_a_run_of_the_workflow_under_the_cursor(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.sees("Hello Workflow", "n New ")
        await it.press("down", "n")
        await it.sees("default-stream_simulator-", "01")
        await it.type("mine")  # in place of what is proposed
        await it.press("enter")
        await it.sees("default-stream_simulator-mine", "Ticks")


async def test_a_search_for_nothing_says_so_and_escape_clears_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await it.press("slash")
        await it.type("zzz")
        await it.sees("No workflow is called so", "No run has that in its key.")
        await it.press("escape")
        await it.sees("Hello Workflow")


async def test_recent_runs_open_where_they_stand(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        run = await service.runs.create("acme", "hello")
        await service.runs.submit(run.id, "step_01", "Ada")
        async with stage(service) as it:
            await it.sees("acme-hello-01", "next: Hello Message", "just now")
            await it.press("end", "enter")
            await it.sees("acme-hello-01", "Hello Ada!")


async def test_the_runs_of_the_profile_one_works_for_come_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.runs.create("default", "hello")
        for _ in range(RECENT):  # however much is done for others
            await service.runs.create("acme", "hello")
        async with stage(service) as it:
            await it.sees("default-hello-01", "acme-hello-10")
            at = [n for n, text in enumerate(it.lines) if "Of other profiles" in text or "-hello-01" in text]
            assert len(at) == 2 and "default-hello-01" in it.lines[at[0]]
            await it.press("p")
            await it.sees("Which client or project")
            await it.press("ctrl+u")
            await it.type("acme")
            await it.press("enter")
            await it.sees("pipetui › acme", "acme-hello-01")
            await it.misses("Of other profiles")


async def test_a_file_that_does_not_load_has_a_card_of_its_own(tmp_path: Path) -> None:
    folder = paths_in(tmp_path).workflows
    folder.mkdir(parents=True)
    (folder / "100_wrong.py").write_text("from pipetui import Workflow\nthis is [no] python\n")
    async with serving(tmp_path) as service, stage(service, (120, 30)) as it:
        await it.sees("100_wrong.py", "line 2", "Hello Workflow")
        await it.press("end", "enter")
        await it.sees("100_wrong.py can't be loaded", "Mend the file and save it")
        await it.press("escape")
        await it.misses("Mend the file")


async def test_a_profile_is_made_and_taken(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        async with stage(service) as it:
            await it.press("p")
            await it.sees("Which client or project")
            await it.type("Acme & Söhne")
            await it.sees("make 'Acme & Söhne'")
            await it.press("enter")
            await it.sees("Acme & Söhne")
            assert [item.values["name"] for item in await service.collections.items(PROFILES)] == ["Acme & Söhne"]
        async with stage(service) as it:
            await it.sees("pipetui › Acme & Söhne")


async def test_what_another_terminal_does_is_seen(tmp_path: Path) -> None:
    async with serving(tmp_path) as mine, serving(tmp_path) as theirs, stage(mine) as it:
        await it.sees("None yet")
        await theirs.runs.create("acme", "hello", "from afar")
        await it.sees("acme-hello-from afar")


async def test_who_is_new_reads_what_the_workflows_are_and_where_to_start(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await Place(service.db).put({"chat_open": None})  # as nobody has opened or closed it
        async with stage(service, (120, 40)) as it:
            await it.sees(
                "Hello Workflow", "None yet", "New here? Hello Workflow", "is the place to start: Enter, then n."
            )
            assert it.app.main.chat is None
            await it.press("n", "enter")
            await it.sees("Your Name", "Ask what you like")  # beside the cards it stands
            await it.press("escape", "H")
            await it.sees("Recent runs", "default-hello-01")
            await it.misses("New here?", "Ask what you like")
            await it.press("ctrl+o")
            await it.sees("Ask what you like")
        async with stage(service, (120, 40)) as it:
            await it.sees("Recent runs", "Ask what you like")
