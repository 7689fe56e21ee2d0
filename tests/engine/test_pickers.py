from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipetui.engine import values
from pipetui.engine.fields import Field, Group, Invalid, from_json, named
from pipetui.engine.pickers import DateRange, MultiChoice, Secret, TablePick

from .examples import JSON, STEADY

FRUIT = MultiChoice([("a", "Apple"), ("b", "Banana"), "c", ("p", "Pears, ripe")])
SITES = TablePick(["slug", "name"], [["acme", "Acme"], ["shop", "The Shop"], ["", "no key"], []])
JANUARY = {"start": "2026-01-01", "end": "2026-01-31"}
YEAR = DateRange(first="2026-01-01", last="2026-12-31")


def why(field: Field, given: Any) -> str:
    with pytest.raises(Invalid) as caught:
        field.parse(given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        (FRUIT, "b, a", ["a", "b"]),
        (FRUIT, "c\nApple,", ["a", "c"]),
        (FRUIT, "Pears, ripe\nb", ["b", "p"]),
        (FRUIT, ["Banana", "b"], ["b"]),
        (FRUIT, ("c", "a"), ["a", "c"]),
        (MultiChoice(["a", "a"]), ["a"], ["a"]),
        (MultiChoice(["a"], optional=True, minimum=2), "", []),
        (MultiChoice(["a"], minimum=0), None, []),
        (SITES, "shop", "shop"),
        (TablePick(["n"], [[" x "]]), " x ", " x "),
        (TablePick(["n", "slug"], [["1", "x"], ["2", "y"]], key=1), "y", "y"),
        (TablePick(["n"], [["x"]], optional=True), None, ""),
        (TablePick(["n"], [["x"]], free=True), " other ", "other"),
        (DateRange(), "2026-01-01..2026-01-31", JANUARY),
        (DateRange(), " 2026-01-01 .. 20260131", JANUARY),
        (DateRange(), JANUARY, JANUARY),
        (DateRange(last="2026-01-31"), "31 days", JANUARY),
        (DateRange(last="2026-01-31"), "1 Day", {"start": "2026-01-31", "end": "2026-01-31"}),
        (DateRange(optional=True), " ", None),
        (Secret("botify"), "  abc-123\n", "abc-123"),
        (Secret("botify"), {"secret": "botify"}, {"secret": "botify"}),
        (Secret("botify", optional=True), " ", None),
    ],
)
def test_an_input_becomes_the_value_that_is_stored(field: Field, given: Any, value: Any) -> None:
    parsed = field.parse(given)
    assert values.encode(parsed) == values.encode(value)
    assert values.encode(field.check(parsed)) == values.encode(value)


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        (FRUIT, "a, x", "There is no x here."),
        (FRUIT, [["a"]], "There is no a here."),
        (FRUIT, [None], "There is no nothing here."),
        (FRUIT, "", "Please choose at least one."),
        (FRUIT, 5, "This must be a list."),
        (MultiChoice(["a", "b"], minimum=2, optional=True), "a", "Please choose at least 2."),
        (MultiChoice(["a", "b"], maximum=1), "a, b", "Please choose at most 1; these are 2."),
        (SITES, "x", "There is no x here: this must be one of: acme, shop."),
        (SITES, "", "Please choose a row."),
        (SITES, "  ", "Please choose a row."),
        (SITES, ["acme"], "There is no acme here: this must be one of: acme, shop."),
        (TablePick(["n"], [["x"]], free=True), " ", "Please choose a row."),
        (DateRange(), "", "Please fill this in."),
        (DateRange(), "last month", "This must be days as 2026-01-01..2026-01-31, or 30 days."),
        (DateRange(), "2026-02-30..2026-03-01", "2026-02-30 is not a day; write it as 2026-01-31."),
        (DateRange(), {"start": 1, "end": None}, "1 is not a day; write it as 2026-01-31."),
        (DateRange(), {**JANUARY, "more": 1}, "This must be days as 2026-01-01..2026-01-31, or 30 days."),
        (DateRange(), "2026-02-01..2026-01-01", "The first day is after the last."),
        (YEAR, "2025-12-31..2026-01-01", "There is nothing before 2026-01-01."),
        (YEAR, "2026-12-31..2027-01-01", "There is nothing after 2026-12-31."),
        (YEAR, "366 days", "There is nothing before 2026-01-01."),
        (DateRange(), "0 days", "At least 1 day, please."),
        (DateRange(), "99999999 days", "So many days ago there was no calendar."),
        (DateRange(), "9" * 5_000 + " days", "So many days ago there was no calendar."),
        (Secret("botify"), " ", "Please paste it here."),
        (Secret("botify"), {"secret": "another"}, "This must be text."),
        (Secret("botify"), "tok\x1ben", "This has characters that no token has: please copy it again."),
        (Secret("botify"), "a\nb", "This has characters that no token has: please copy it again."),
        (Secret("botify"), "x" * 10_001, "This has characters that no token has: please copy it again."),
    ],
)
def test_what_is_refused_says_why(field: Field, given: Any, message: str) -> None:
    assert why(field, given) == message


def test_days_without_a_last_one_end_today() -> None:
    before = date.today()
    parsed = DateRange().parse("7 days")
    assert parsed is not None
    end = date.fromisoformat(parsed["end"])
    assert before <= end <= date.today()
    assert end - date.fromisoformat(parsed["start"]) == timedelta(6)


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        (FRUIT, ["a", "gone"], "Apple, gone"),
        (FRUIT, [["a"], {}], "a, nothing"),
        (FRUIT, "imported", "imported"),
        (SITES, "shop", "shop · The Shop"),
        (SITES, "", ""),
        (SITES, ["shop"], "shop"),
        (DateRange(), JANUARY, "2026-01-01 to 2026-01-31 (31 days)"),
        (DateRange(), {"start": "x"}, "start x"),
        (DateRange(), None, "nothing"),
        (Secret("botify"), {"secret": "botify"}, "kept apart, never shown"),
        (Secret("botify"), "leaked", "kept apart, never shown"),
    ],
)
def test_a_value_in_one_line(field: Field, value: Any, line: str) -> None:
    assert field.summary(value) == line


def test_a_secret_is_never_given_back() -> None:
    for value in ("token", {"secret": "botify"}, None):
        assert Secret("botify").editable(value) == ""
    group = Group(user=MultiChoice(["a"]), token=Secret("botify"))
    assert group.editable({"user": ["a"], "token": "token"})["token"] == ""
    assert [field.kept for _, field in named(group, "login")] == [True, True, False]


def test_five_thousand_options_are_looked_up_once() -> None:
    field = MultiChoice([(f"o{number}", f"Option {number}") for number in range(5_000)])
    chosen = [f"Option {number}" for number in reversed(range(5_000))]
    assert field.check(chosen) == [f"o{number}" for number in range(5_000)]


# Round trips ------------------------------------------------------------------------------------------------------

WORD = st.text(st.characters(exclude_categories=()), min_size=1, max_size=5)
DAYS = st.dates(date(2000, 1, 1), date(2040, 1, 1)).map(date.isoformat)


@st.composite
def pickers(draw: st.DrawFn) -> Field:
    optional, hint = draw(st.booleans()), draw(st.text(max_size=3))
    match draw(st.integers(0, 3)):
        case 0:
            options = draw(st.lists(WORD | st.tuples(WORD, WORD), min_size=1, max_size=5))
            return MultiChoice(options, optional=optional, hint=hint, minimum=draw(st.integers(0, 2)))
        case 1:
            rows = draw(st.lists(st.lists(WORD, max_size=3), max_size=4))
            return TablePick(["a", "b"], rows, key=draw(st.integers(0, 1)), free=draw(st.booleans()), optional=optional)
        case 2:
            return DateRange(optional=optional, last=draw(st.just("") | DAYS))
        case _:
            return Secret(draw(st.text(max_size=5)), optional=optional)


def inputs(field: Field) -> st.SearchStrategy[Any]:
    """Inputs that have a good chance to be accepted."""
    match field:
        case MultiChoice():
            words = st.sampled_from([word for pair in field.pairs for word in pair])
            return st.lists(words, max_size=4) | words
        case TablePick():
            return st.sampled_from(["", *field.keys]) | WORD
        case DateRange():
            return st.tuples(DAYS, DAYS).map(lambda ends: "..".join(sorted(ends))) | st.just("3 days") | st.just("")
    return st.just("")


@settings(STEADY, max_examples=300)
@given(st.data())
def test_what_is_edited_and_left_alone_stays_the_same_value(data: st.DataObject) -> None:
    field = data.draw(pickers())
    try:
        value = field.parse(data.draw(inputs(field)))
    except Invalid:
        return
    assert values.encode(field.check(value)) == values.encode(value)
    assert values.encode(field.parse(field.editable(value))) == values.encode(value)


@STEADY
@given(pickers())
def test_a_field_survives_json(field: Field) -> None:
    data = values.decode(values.encode(field.to_json()))
    assert from_json(data) == field


@settings(STEADY, max_examples=300)
@given(pickers(), JSON)
def test_any_json_is_taken_or_refused_and_can_be_shown(field: Field, value: Any) -> None:
    field.editable(value)
    assert "\n" not in field.summary(value) or isinstance(value, dict)
    assert isinstance(field.accepts, str)
    for how in (field.parse, field.check):
        try:
            stored = how(value)
        except Invalid as invalid:
            assert str(invalid)
        else:
            assert values.copy(stored) == stored
