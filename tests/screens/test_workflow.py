"""The screen of a workflow: its runs and what one does with them."""

from pathlib import Path

from pipetui.service import Service
from pipetui.store.runs import Shelf
from tests.screens.stage import Stage, serving, stage


async def open_hello(it: Stage) -> None:
    await it.sees("Hello Workflow")
    await it.press("home", "enter")
    await it.sees("Start a run, or pick up an old one.")


async def parts(service: Service, shelf: Shelf = "active") -> list[str]:
    lines = await service.runs.lines(app_name="hello", shelf=shelf)
    return sorted(line.part for line in lines)


async def test_a_new_run_has_the_proposed_key_or_another(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await open_hello(it)
        await it.sees("No run yet: n starts one.")
        await it.press("n")
        await it.sees("A new run", "default-hello-")
        await it.press("enter")
        await it.sees("default-hello-01", "one line of text")
        await it.press("escape", "escape")
        await it.sees("next: Your Name")
        await it.press("n")
        await it.sees("02")
        await it.press("backspace", "backspace")
        await it.type("01")
        await it.press("enter")
        await it.sees("There is a run default-hello-01 already")
        await it.press("x", "enter")
        await it.sees("default-hello-01x")
        assert await parts(service) == ["01", "01x"]


async def test_rename_archive_bin_and_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.runs.create("default", "hello")
        async with stage(service) as it:
            await open_hello(it)
            await it.sees("01")
            await it.press("c")
            await it.sees("The key of default-hello-01")
            await it.press("backspace", "backspace")
            await it.type("shop")
            await it.press("enter")
            await it.sees("shop")
            assert await parts(service) == ["shop"]
            await it.press("a")
            await it.sees("No run yet")
            await it.press("v")
            await it.sees("Archive", "shop", "v Bin")
            await it.press("t")
            await it.sees("The archive is empty.")
            await it.press("escape", "d")
            await it.sees("No run yet")
            await it.press("v", "v")
            await it.sees("Bin", "shop")
            await it.press("enter")
            await it.sees("take it back first")
            await it.press("x")
            await it.sees("Empty the bin?")
            await it.press("escape")
            await it.misses("Empty the bin?")
            assert await parts(service, "binned") == ["shop"]
            await it.press("x")
            await it.sees("Empty the bin?")
            await it.press("enter")
            await it.sees("The bin is empty.")
            assert await parts(service, "binned") == []


async def test_keys_that_can_do_nothing_here_say_so(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, stage(service) as it:
        await open_hello(it)
        await it.press("a")
        await it.sees("There is no run here to do that with.")
        await it.press("x")
        await it.sees("There is nothing to empty")


async def test_many_runs_come_page_by_page(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for number in range(1, 451):
            await service.runs.create("default", "hello", f"{number:04}")
        async with stage(service) as it:
            await open_hello(it)
            await it.sees("0450")
            for _ in range(3):
                await it.press("end")
                await it.pilot.pause()
            await it.sees("0001")
            await it.type("0123")  # a digit is no command: it begins a search
            await it.sees("0123")
            await it.misses("0450")


async def test_a_workflow_that_is_gone_leads_home(tmp_path: Path) -> None:
    from pipetui.service.place import Place

    async with serving(tmp_path) as service:
        await Place(service.db).put({"screen": "workflow", "app_name": "gone", "run": "", "memory": {}})
        async with stage(service) as it:
            await it.sees("There is no workflow gone", "Workflows")
