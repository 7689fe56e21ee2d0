"""The arguments of an action: whatever they are, only what its schema allows comes through."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipetui.actions import ACTIONS, Action, checked, schema, tool
from pipetui.actions.given import MOST, Given
from pipetui.engine.fields import Choice, Group, Invalid, Number, Switch, Text, TextArea
from pipetui.engine.values import encode

EVERY = Action(
    "every_kind",
    "All kinds of arguments.",
    Group(
        name=Text(maximum=20),
        kind=Choice([("a", "The first"), ("b", "The second")]),
        many=Number(3, whole=True, minimum=1, maximum=9),
        much=Number(optional=True),
        sure=Switch(),
        maybe=Switch(default=None, optional=True),
        lines=TextArea(optional=True, maximum=3),
        given=Given(optional=True),
    ),
)
GOOD: dict[str, Any] = {"name": "Ada", "kind": "a"}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)

any_json = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the first of them is slow to make


def test_what_is_unsaid_is_not_there_unless_it_has_a_default() -> None:
    assert checked(EVERY, GOOD) == {"name": "Ada", "kind": "a", "many": 3, "sure": False}
    assert checked(EVERY, GOOD | {"maybe": None}) == checked(EVERY, GOOD)
    assert checked(EVERY, GOOD | {"maybe": False, "much": 2.5})["maybe"] is False


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"nam": "x"}, "did you mean name"),
        ({"name": None}, "wants name"),
        ({"name": ["x"]}, "must be text"),
        ({"name": 7}, "must be text"),
        ({"name": "x" * 21}, "At most 20"),
        ({"name": "a\nb"}, "one line"),
        ({"name": "a\x1b[2Jb"}, "U\\+001B"),
        ({"name": "a\u202eb"}, "U\\+202E"),
        ({"name": "a\ud800b"}, "U\\+D800"),
        ({"kind": "The first"}, "no 'The first'"),
        ({"kind": "а"}, "There is no"),  # a Cyrillic letter
        ({"many": True}, "whole number"),
        ({"many": "3"}, "whole number"),
        ({"many": 3.5}, "whole number"),
        ({"many": -1}, "from 1 to 9"),
        ({"many": 10}, "from 1 to 9"),
        ({"much": math.nan}, "not plain JSON"),
        ({"much": math.inf}, "not plain JSON"),
        ({"much": 10**5000}, "not plain JSON"),
        ({"much": 2**60}, "too large"),
        ({"much": 10**400}, "too large"),
        ({"given": [10**400]}, "what the step asks for"),
        ({"sure": "yes"}, "yes or no"),
        ({"sure": 1}, "yes or no"),
        ({"lines": "a"}, "must be lines"),
        ({"lines": [["a"]]}, "must be lines"),
        ({"lines": ["a", "b", "c", "d"]}, "At most 3"),
        ({"given": {"a": {"b": {"c": {"d": {"e": 1}}}}}}, "what the step asks for"),
        ({"given": {"a": None}}, "what the step asks for"),
        ({"given": "x" * 70_000}, "are the most"),
        ({"given": ["fine", {"deep": "\u2066"}]}, "U\\+2066"),
        ({"given": {"\u200b": 1}}, "U\\+200B"),
    ],
)
def test_hostile_shapes_are_refused_with_a_reason(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        checked(EVERY, GOOD | wrong)


@pytest.mark.parametrize("wrong", [None, [], "{}", 1, [("name", "Ada")], {1: 2}])
def test_arguments_are_an_object(wrong: Any) -> None:
    with pytest.raises(Invalid, match="must be an object"):
        checked(EVERY, wrong)


def test_a_thousand_levels_are_refused() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    with pytest.raises(Invalid):
        checked(EVERY, GOOD | {"given": deep})


@any_json
@given(st.dictionaries(st.sampled_from([*EVERY.params.members, "other", ""]), JSON))
def test_whatever_comes_only_what_the_schema_allows_comes_through(arguments: dict[str, Any]) -> None:
    try:
        result = checked(EVERY, arguments)
    except Invalid as invalid:
        assert str(invalid).strip()
        return
    assert checked(EVERY, result) == result
    assert set(result) <= set(EVERY.params.members)
    assert isinstance(result["name"], str) and result["name"] == arguments["name"].strip() and result["kind"] in "ab"
    assert type(result["many"]) is int and 1 <= result["many"] <= 9
    assert type(result["sure"]) is bool
    if "much" in result:
        assert type(result["much"]) in (int, float) and abs(result["much"]) <= MOST
    encode(result).encode()


@any_json
@given(JSON)
def test_every_action_survives_any_arguments(arguments: Any) -> None:
    for action in ACTIONS.every:
        try:
            checked(action, arguments)
        except Invalid:
            continue
        assert not action.required


def test_what_can_be_asked_is_a_list_that_one_changes_on_purpose() -> None:
    """No shell, no network, no settings, no files but a run's: whoever adds to what a model may ask comes by here."""
    reads = {action.name for action in ACTIONS.every if action.reads}
    assert reads == {
        "tasks_list", "profiles_list", "runs_list", "runs_show", "jobs_list", "jobs_status",
        "files_list", "files_head", "files_statistics", "workflows_list", "workflows_explain",
    }  # fmt: skip
    assert {action.name for action in ACTIONS.every} - reads == {
        *(f"tasks_{verb}" for verb in ("insert", "update", "toggle", "delete", "sort")),
        *(f"profiles_{verb}" for verb in ("insert", "update", "toggle", "delete", "sort")),
        *(f"runs_{verb}" for verb in ("start", "fill", "submit", "skip", "revert", "undo", "finalize", "unfinalize")),
        "jobs_cancel", "jobs_retry",
    }  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS.every, ids=lambda action: action.name)
def test_every_action_can_be_told_to_a_model(action: Action) -> None:
    told = tool(action)
    assert json.loads(encode(told)) == told
    parameters = told["function"]["parameters"]
    assert parameters == schema(action) and parameters["additionalProperties"] is False
    assert set(parameters["required"]) <= set(parameters["properties"])
    assert all(property["description"] for property in parameters["properties"].values())
    assert action.reads == (action.plan is None)
    assert action.name.replace("_", "").isalnum() and action.name.islower() and action.help.endswith(".")
