"""`pipetui tasks`, `profiles`, `actions`."""

from __future__ import annotations

import re

import pytest

from pipetui.actions import ACTIONS
from pipetui.actions.slash import usage
from pipetui.engine.collections import COLLECTIONS
from tests.commands.conftest import Say


def test_tasks_are_kept_from_the_command_line(say: Say) -> None:
    assert say("tasks").err == "There are no tasks here. To make one: pipetui tasks add TEXT [priority=…] [done=…]\n"
    added = say("tasks", "add", "buy milk", "priority=2", "--json")
    assert added.code == 0
    assert added.json == {"id": 1, "text": "buy milk", "priority": 2, "done": False, "profile": "default"}
    assert say("tasks", "add", "buy", "bread", "--profile", "acme").out == "Added: the task 'buy bread' (2) for acme.\n"
    assert say("tasks", "done", "1").out == "Marked as done: the task 'buy milk' (1).\n"
    assert say("tasks", "edit", "2", "text=bake bread").code == 0
    assert [task["text"] for task in say("tasks", "list", "--json").json] == ["bake bread", "buy milk"]
    assert [task["id"] for task in say("--profile", "acme", "tasks", "--json").json] == [2]
    assert say("tasks", "list", "done=yes").out.splitlines() == [
        "ID  TEXT      PRIORITY  DONE  PROFILE", "1   buy milk  2         yes   default"
    ]  # fmt: skip
    assert say("tasks", "add", "third").code == 0 and say("tasks", "sort", "3", "1").code == 0
    assert [task["id"] for task in say("tasks", "--profile", "default", "--json").json] == [3, 1]
    assert say("tasks", "delete", "1").out == "Deleted: the task 'buy milk' (1).\n"
    assert say("tasks", "delete", "1").code == 2


def test_profiles_are_kept_from_the_command_line(say: Say) -> None:
    assert say("profiles", "add", "Acme Ltd", "note=since May").code == 0
    assert say("profiles", "active", "Acme Ltd").code == 0
    assert say("profiles", "--json").json == [{"name": "Acme Ltd", "note": "since May", "active": False}]
    say("run", "hello", "--profile", "Acme Ltd", "--set", "name=Ada")
    refused = say("profiles", "delete", "Acme Ltd")
    assert refused.code == 2 and "still has 1 run" in refused.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("tasks", "ad", "x"), "invalid choice: 'ad'"),
        (("tasks", "add"), "like pipetui tasks add buy milk"),
        (("tasks", "add", "x", "prio=1"), "did you mean priority"),
        (("tasks", "done", "1 OR 1=1"), "whole number"),
        (("tasks", "delete", "9"), "There is no task 9"),
        (("profiles", "delete", "nobody"), "There is no profile 'nobody'"),
    ],
)
def test_wrong_use_is_a_sentence_and_exit_code_2(say: Say, words: tuple[str, ...], says: str) -> None:
    answer = say(*words)
    assert answer.code == 2 and answer.err.count("\n") == 1 and says in answer.err


@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_grammar_has_the_words_that_the_chat_has(say: Say, name: str) -> None:
    offered = [usage(action).split()[1] for action in ACTIONS.every if action.name.startswith(f"{name}_")]
    _, _, choices = say(name, "nothing").err.partition("choose from ")
    assert re.findall(r"'(\w+)'", choices) == offered


def test_a_task_of_another_profile_is_not_touched(say: Say) -> None:
    say("tasks", "add", "theirs", "--profile", "globex")
    assert say("tasks", "delete", "1", "--profile", "acme").code == 2
    assert len(say("tasks", "--json").json) == 1


def test_actions_are_listed_with_their_schemas(say: Say) -> None:
    found = {action["name"]: action for action in say("actions", "--json").json}
    assert found["tasks_insert"]["parameters"]["required"] == ["text"] and found["tasks_insert"]["changes"]
    assert not found["runs_list"]["changes"]
    assert "/tasks add TEXT" in say("actions").out
