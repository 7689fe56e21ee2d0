"""The actions of the collections: what is shown before, what is done, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from pipetui.actions import ACTIONS, Done, Effect, Scope
from pipetui.engine.collections import TASKS
from pipetui.engine.fields import Invalid
from pipetui.engine.refusals import Moved, Refusal
from pipetui.engine.values import encode
from pipetui.service import Service

MODEL = Scope("acme", actor="model")


async def approved(service: Service, name: str, /, scope: Scope = MODEL, **arguments: Any) -> tuple[Effect, Done]:
    effect = await ACTIONS.effect(service, scope, name, arguments)
    return effect, await ACTIONS.do(service, scope, name, arguments, expected=effect.target)


async def test_tasks_are_added_changed_turned_sorted_and_deleted(service: Service) -> None:
    effect, done = await approved(service, "tasks_insert", text="Buy milk", priority=2)
    assert effect == Effect("Add a task for acme", "", "text: Buy milk\npriority: 2\ndone: no", effect.target)
    id = done.result["id"]
    await approved(service, "tasks_insert", text="Buy bread")
    effect, _ = await approved(service, "tasks_update", id=id, text="Buy oat milk", priority=2)
    assert effect.title == f"Change the task 'Buy milk' ({id}) for acme"
    assert (effect.before, effect.after) == ("text: Buy milk", "text: Buy oat milk")
    effect, done = await approved(service, "tasks_toggle", id=id)
    assert (effect.before, effect.after) == ("done: no", "done: yes") and done.result["done"] is True
    effect, _ = await approved(service, "tasks_sort", id=id, position=10)
    assert (effect.before, effect.after) == ("place 1 of 2", "place 2 of 2")
    done = await ACTIONS.do(service, MODEL, "tasks_list", {})
    assert done.line == "2 tasks of acme"
    assert [task["text"] for task in done.result["tasks"]] == ["Buy bread", "Buy oat milk"]
    assert (await ACTIONS.do(service, MODEL, "tasks_list", {"done": False})).result["count"] == 1
    effect, _ = await approved(service, "tasks_delete", id=id)
    assert "for good" in effect.title and "Buy oat milk" in effect.before
    assert (await ACTIONS.do(service, MODEL, "tasks_list", {})).result["count"] == 1


async def test_profiles_are_added_changed_and_deleted_by_their_name(service: Service) -> None:
    await approved(service, "profiles_insert", name="globex")
    await approved(service, "profiles_update", profile="globex", name="Globex Ltd", note="since May")
    effect, _ = await approved(service, "profiles_toggle", profile="Globex Ltd")
    assert (effect.before, effect.after) == ("active: yes", "active: no")
    await service.collections.insert(TASKS, {"text": "x"}, "Globex Ltd")
    effect, _ = await approved(service, "profiles_delete", profile="Globex Ltd")
    assert effect.before.endswith("and 1 task")
    with pytest.raises(Refusal, match="no profile"):
        await approved(service, "profiles_delete", profile="Globex Ltd")
    await service.runs.create("acme", "hello")
    with pytest.raises(Refusal, match="still has 1 run"):
        await ACTIONS.effect(service, MODEL, "profiles_delete", {"profile": "acme"})


async def test_an_approval_holds_for_what_was_shown_and_nothing_else(service: Service) -> None:
    task = await service.collections.insert(TASKS, {"text": "Buy milk"}, "acme")
    for name, more in (
        ("tasks_update", {"text": "x"}), ("tasks_delete", {}), ("tasks_toggle", {}), ("tasks_sort", {"position": 1})
    ):  # fmt: skip
        arguments = {"id": task.id} | more
        effect = await ACTIONS.effect(service, MODEL, name, arguments)
        await service.collections.toggle(TASKS, task.id)
        with pytest.raises(Moved):
            await ACTIONS.do(service, MODEL, name, arguments, expected=effect.target)
    for scope, arguments in ((Scope("globex", actor="model"), {"text": "x"}), (MODEL, {"text": "y"})):
        effect = await ACTIONS.effect(service, MODEL, "tasks_insert", {"text": "x"})
        with pytest.raises(Moved):
            await ACTIONS.do(service, scope, "tasks_insert", arguments, expected=effect.target)
    assert len(await service.collections.items(TASKS)) == 1


async def test_more_was_to_go_than_was_shown(service: Service) -> None:
    await service.profiles.get("globex")
    effect = await ACTIONS.effect(service, MODEL, "profiles_delete", {"profile": "globex"})
    await service.collections.insert(TASKS, {"text": "x"}, "globex")
    with pytest.raises(Moved):
        await ACTIONS.do(service, MODEL, "profiles_delete", {"profile": "globex"}, expected=effect.target)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tasks_delete", {"id": "1 OR 1=1"}),
        ("tasks_delete", {"id": "1"}),
        ("tasks_delete", {"id": True}),
        ("tasks_delete", {"id": -1}),
        ("tasks_delete", {"id": 0}),
        ("tasks_delete", {"id": 1.5}),
        ("tasks_delete", {"id": float("nan")}),
        ("tasks_delete", {"id": 10**400}),
        ("tasks_delete", {"id": 2**53 - 1}),
        ("tasks_delete", {"id": [1]}),
        ("tasks_delete", {"id": {"$gt": 0}}),
        ("tasks_delete", {}),
        ("tasks_delete", {"id": 1, "profile": "globex"}),
        ("tasks_toggle", {"id": 2}),
        ("tasks_update", {"id": 1}),
        ("tasks_update", {"id": 1, "text": ""}),
        ("tasks_update", {"id": 1, "text": "Buy milk"}),
        ("tasks_update", {"id": 1, "done": "true"}),
        ("tasks_insert", {"text": "a\x1b]0;title\x07"}),
        ("tasks_insert", {"text": "x", "rev": 1}),
        ("sqlite_master_list", {}),
        ("profiles_insert", {"name": "acme"}),
        ("profiles_insert", {"name": "x" * 61}),
        ("profiles_delete", {"profile": "acme'--"}),
        ("profiles_delete", {"profile": "ACME"}),
    ],
)
async def test_hostile_calls_change_nothing(service: Service, name: str, arguments: dict[str, Any]) -> None:
    await service.collections.insert(TASKS, {"text": "Buy milk"}, "acme")
    await service.collections.insert(TASKS, {"text": "theirs"}, "globex")
    before = await service.collections.items(TASKS)
    for expected in (None, "", "0" * 32):
        with pytest.raises((Refusal, Invalid)):
            await ACTIONS.do(service, Scope("acme"), name, arguments, expected=expected)
    assert await service.collections.items(TASKS) == before


async def test_a_list_of_thousands_is_told_in_a_few_kilobytes(service: Service) -> None:
    for number in range(250):
        await service.collections.insert(TASKS, {"text": f"{number} " + "x" * 400}, "acme")
    done = await ACTIONS.do(service, MODEL, "tasks_list", {"limit": 200})
    assert done.result["count"] == 250 and len(encode(done.result)) <= 6_000
