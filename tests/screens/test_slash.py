"""Commands typed in the chat's prompt. They need no model."""

from pathlib import Path

import pytest

from pipetui.engine.collections import TASKS
from tests.screens.test_chat import ask, chatting


@pytest.fixture(autouse=True)
def nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")


async def test_what_is_typed_is_done_and_told(tmp_path: Path) -> None:
    async with chatting(tmp_path) as it:
        await ask(it, "/tasks add buy milk priority=2")
        await it.sees("Added: the task 'buy milk' (1) for default.")
        await ask(it, "/tasks done 1")
        await it.sees("Marked as done: the task 'buy milk' (1).")
        await ask(it, "/tasks")
        await it.sees("1 task of default")
        await ask(it, "/tasks delete 1")
        await it.sees("Delete the task 'buy milk' (1) for default for good?")
        await it.press("escape")
        assert len(await it.service.collections.items(TASKS)) == 1
        await ask(it, "/tasks delete 1")
        await it.sees("for good?")
        await it.press("enter")
        await it.sees("Deleted: the task 'buy milk' (1).")


async def test_what_is_not_understood_stays_with_the_nearest_beside_it(tmp_path: Path) -> None:
    async with chatting(tmp_path) as it:
        await ask(it, "/tasks ad buy milk")
        await it.sees("did you mean /tasks add?", "/tasks ad buy milk")
        assert await it.service.collections.items(TASKS) == []


async def test_words_are_completed_workflows_among_them(tmp_path: Path) -> None:
    async with chatting(tmp_path) as it:
        await it.type("/run hel")
        await it.press("tab")
        await it.sees("/run hello")
        await it.press("enter")
        await it.sees("default-hello-01", "one line of text")


async def test_what_there_is_is_completed_by_its_names(tmp_path: Path) -> None:
    async with chatting(tmp_path) as it:
        await ask(it, "/tasks add buy milk")
        await it.sees("Added: the task 'buy milk' (1) for default.")
        await it.type("/tasks done bu")
        await it.sees("/tasks done 1")
        await it.press("tab", "enter")
        await it.sees("Marked as done: the task 'buy milk' (1).")
        await ask(it, "/run hello")
        await it.sees("default-hello-01")
        await it.service.runs.submit((await it.service.shelves.keyed("default-hello-01")).id, "name", "Ada")
        await it.sees("Hello Ada!")
        await it.type("/runs revert you")
        await it.sees('/runs revert "Your Name"', "step_01 · done")
        await it.press("tab", "enter")
        await it.sees("Open Your Name again in default-hello-01?")
        await it.press("escape")
