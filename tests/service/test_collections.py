"""Tasks and profiles: what one may do with them, and what another terminal changes meanwhile."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipetui.engine.collections import COLLECTIONS, PROFILES, TASKS, Collection
from pipetui.engine.fields import Choice, Group, Invalid, Switch, Text
from pipetui.engine.refusals import Moved, Refusal
from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.collections import state
from pipetui.store.collections import Item
from pipetui.store.database import Database
from pipetui.store.schema import MIGRATIONS


async def tasks(service: Service, *texts: str, profile: str = "acme") -> list[Item]:
    return [await service.collections.insert(TASKS, {"text": text}, profile) for text in texts]


async def texts(service: Service, profile: str | None = "acme") -> list[Any]:
    return [item.values["text"] for item in await service.collections.items(TASKS, profile)]


async def test_a_task_from_insert_to_delete(service: Service) -> None:
    (task,) = await tasks(service, "  Buy milk ")
    assert task.values == {"text": "Buy milk", "priority": 0, "done": False} and task.owner == "acme"
    task = await service.collections.update(TASKS, task.id, {"priority": 2})
    task = await service.collections.toggle(TASKS, task.id)
    assert task.values == {"text": "Buy milk", "priority": 2, "done": True}
    await service.collections.delete(TASKS, task.id)
    assert await texts(service) == []
    with pytest.raises(Refusal, match="gone"):
        await service.collections.toggle(TASKS, task.id)
    (again,) = await tasks(service, "Another")
    assert again.id != task.id  # a number is never used again


async def test_each_profile_has_its_own_list(service: Service) -> None:
    (mine,) = await tasks(service, "mine")
    (theirs,) = await tasks(service, "theirs", profile="globex")
    assert await texts(service) == ["mine"] and await texts(service, None) == ["mine", "theirs"]
    assert await texts(service, "nobody") == []
    with pytest.raises(Refusal, match=f"no task {theirs.id} of acme"):
        await service.collections.find(TASKS, theirs.id, "acme")
    assert (await service.collections.find(TASKS, mine.id, "acme")).values["text"] == "mine"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=10
)
@given(moves=st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 8)), max_size=6))
def test_moving_is_what_moving_in_a_list_is(
    moves: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    import asyncio

    folder = tmp_path_factory.mktemp("moves")

    async def play() -> None:
        async with Service.open(
            Paths("prod", folder / "d", folder / "c", folder / "k", folder / "l"), starter=None
        ) as service:
            items = await tasks(service, *"abcde")
            (other,) = await tasks(service, "x", profile="globex")
            model = list("abcde")
            for which, to in moves:
                item = items[which]
                await service.collections.move(TASKS, item.id, to)
                model.remove(str(item.values["text"]))
                model.insert(max(0, to - 1), str(item.values["text"]))
                assert await texts(service) == model
                place = model.index(str(item.values["text"])) + 1
                assert await service.collections.place(TASKS, item) == (place, 5)
            assert (await service.collections.find(TASKS, other.id)).position == 1

    asyncio.run(play())


async def test_what_was_changed_since_is_not_changed(service: Service) -> None:
    (task,) = await tasks(service, "Buy milk")
    seen = state(task)
    await service.collections.update(TASKS, task.id, {"priority": 1})
    for change in (
        service.collections.update(TASKS, task.id, {"text": "x"}, expected=seen),
        service.collections.toggle(TASKS, task.id, expected=seen),
        service.collections.delete(TASKS, task.id, expected=seen),
        service.collections.move(TASKS, task.id, 1, expected=seen),
    ):
        with pytest.raises(Moved):
            await change
    assert await texts(service) == ["Buy milk"]


@pytest.mark.parametrize(
    ("collection", "given", "at"),
    [
        (TASKS, {"text": ""}, "text"),
        (TASKS, {"text": "two\nlines"}, "text"),
        (TASKS, {"text": "x" * 501}, "text"),
        (TASKS, {"text": "x", "priority": 4}, "priority"),
        (TASKS, {"text": "x", "priority": True}, "priority"),
        (TASKS, {"text": "x", "done": "yes"}, "done"),
        (PROFILES, {"name": "a\u202eb"}, "name"),
        (PROFILES, {"name": "  "}, "name"),
        (PROFILES, {"name": "acme"}, "name"),
    ],
)
async def test_what_a_column_does_not_take(service: Service, collection: Collection, given: Any, at: str) -> None:
    await service.profiles.get("acme")
    with pytest.raises(Invalid) as caught:
        await service.collections.insert(collection, given, "acme")
    assert caught.value.at == at


async def test_text_from_outside_is_text(service: Service) -> None:
    hostile = "'); DROP TABLE tasks; -- [@click=app.quit]x[/] %s ; \\"
    await tasks(service, hostile)
    assert await texts(service) == [hostile]
    assert [item.values["text"] for item in await service.collections.items(TASKS, "acme", text="drop TABLE")] == [
        hostile
    ]
    with pytest.raises(Refusal, match="no 'rev' here"):
        await service.collections.update(TASKS, 1, {"rev": 0})
    with pytest.raises(Refusal, match="there are text"):
        await service.collections.update(TASKS, 1, {"text = 'x' --": 1})


async def test_a_profile_with_runs_stays_and_one_without_goes_with_all_that_is_its(service: Service) -> None:
    run = await service.runs.create("acme", "hello")
    acme = await service.collections.find(PROFILES, "acme")
    with pytest.raises(Refusal, match="still has 1 run:"):
        await service.collections.delete(PROFILES, acme.id)
    await service.runs.shelve(run.id, "binned")
    with pytest.raises(Refusal, match=r"1 run \(1 in the bin\)"):
        await service.collections.check_deletion(PROFILES, acme.id)
    await service.runs.empty_bin()
    await tasks(service, "one", "two")
    service.secrets.put("botify", "t0ken", str(acme.id))
    assert await service.collections.check_deletion(PROFILES, acme.id) == ["and 2 tasks"]
    await service.collections.delete(PROFILES, acme.id)
    assert await texts(service, None) == [] and service.secrets.get("botify", str(acme.id)) is None
    assert await service.collections.items(PROFILES) == []


async def test_a_name_that_looks_like_another_names_nothing(service: Service) -> None:
    await service.profiles.get("acme")
    with pytest.raises(Refusal, match="did you mean acme"):
        await service.collections.find(PROFILES, "аcme")  # a Cyrillic letter
    with pytest.raises(Refusal, match="no profile"):
        await service.collections.find(PROFILES, "' OR 1=1 --")


async def test_the_feed_tells_of_what_came_changed_and_went(service: Service) -> None:
    async with Service.open(service.paths, starter=None) as elsewhere:
        feed = elsewhere.feed()
        await feed.look()
        (task,) = await tasks(service, "Buy milk")
        changes = await feed.look()
        assert changes is not None and changes.collections == {"tasks", "profiles"} and not changes.runs
        for change in (
            service.collections.toggle(TASKS, task.id),
            service.collections.move(TASKS, task.id, 1),
            service.collections.delete(TASKS, task.id),
        ):
            await change
            changes = await feed.look()
            assert changes is not None and changes.collections == {"tasks"}


async def test_a_list_has_an_end(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.service.collections.MOST", 2)
    await tasks(service, "a", "b")
    with pytest.raises(Refusal, match="which is the most"):
        await tasks(service, "c")


async def test_profiles_of_an_older_database_get_their_columns_and_places(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    db = await Database.open(path, MIGRATIONS[:2])
    insert = "INSERT INTO profiles VALUES ('b', 'second', 2.0, 1), ('a', 'first', 1.0, 2)"
    await db.write(lambda tx: tx.execute(insert).fetchall())
    await db.close()
    await (await Database.open(path, MIGRATIONS)).close()
    with sqlite3.connect(path) as found:
        rows = found.execute("SELECT name, note, active, position FROM profiles ORDER BY position").fetchall()
    found.close()
    assert rows == [("first", "", 1, 1), ("second", "", 1, 2)]


def test_a_declaration_is_checked() -> None:
    assert set(COLLECTIONS) == {"tasks", "profiles"}
    for columns in (
        Group(rev=Text()),
        Group({"a; --": Text()}),
        Group(kind=Choice(["a"]), on=Switch()),
        Group(on=Switch()),
    ):
        with pytest.raises(ValueError, match=r"can't be|don't fit"):
            Collection("things", "thing", "", columns, title="kind", toggles="on", handle="id")
