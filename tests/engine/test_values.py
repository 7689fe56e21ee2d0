import math
from typing import Any, NotRequired, TypedDict

import pytest
from hypothesis import given

from pipetui.engine import values

from .examples import JSON, STEADY


class Page(TypedDict):
    url: str
    status: NotRequired[int | None]


@STEADY
@given(JSON)
def test_what_is_written_is_read_back_to_the_byte(value: Any) -> None:
    text = values.encode(value)
    assert text.isascii()
    assert values.encode(values.decode(text)) == text


def test_a_copy_shares_nothing() -> None:
    value = {"list": [1]}
    copied = values.copy(value)
    copied["list"].append(2)
    assert value == {"list": [1]}


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, b"bytes", object()])
def test_what_is_not_json_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        values.copy(value)


def test_a_lone_surrogate_survives() -> None:
    assert values.decode(values.encode("\ud800")) == "\ud800"


def test_the_digest_knows_values_and_not_the_order_of_keys() -> None:
    assert values.digest({"a": 1, "b": 2}) == values.digest({"b": 2, "a": 1})
    assert values.digest("a", "b") != values.digest("ab")
    assert len({values.digest(value) for value in (1, 1.0, True, "1", [1], None, "", [])}) == 8
    assert len(values.digest()) == 32


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", str),
        (0, int),
        (1, float),
        (False, bool),
        ([], list[str]),
        (["a"], list[str]),
        ({"a": [1]}, dict[str, list[int]]),
        (None, int | None),
        ("a", int | str),
        ({"url": "x"}, Page),
        ({"url": "x", "status": None}, Page),
        ([{"url": "x", "status": 200}], list[Page]),
        ({"a": 1}, dict),
        ([object], Any),
    ],
)
def test_a_value_of_the_expected_type_is_given_back(value: Any, expected: Any) -> None:
    assert values.conform(value, expected) is value


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        ("1", int, "value is str, not int"),
        (True, int, "value is bool, not int"),
        (True, float, "value is bool, not float"),
        (1.0, int, "value is float, not int"),
        (None, str, "value is null, not str"),
        (["a", 2], list[str], "value[1] is int, not str"),
        ({"a": ["b"]}, dict[str, list[int]], "value['a'][0] is str, not int"),
        ("a", int | None, "value is str, not int | None"),
        ({}, Page, "value lacks 'url'"),
        ({"url": "x", "status": "200"}, Page, "value['status'] is str"),
        ([{"url": None}], list[Page], "value[0]['url'] is null, not str"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_place(value: Any, expected: Any, why: str) -> None:
    with pytest.raises(TypeError) as caught:
        values.conform(value, expected)
    assert why in str(caught.value)
