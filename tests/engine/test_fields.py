from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipetui.engine import values
from pipetui.engine.fields import (
    Choice,
    Field,
    Group,
    Invalid,
    Number,
    Switch,
    Text,
    TextArea,
    from_json,
    named,
    summarize,
)

from .examples import JSON, STEADY

OPTIONS = Group(
    timeout=Number(10, minimum=1, maximum=60, unit="s"),
    agent=Text(default="pipetui"),
    note=Text(optional=True),
    robots=Switch(default=True),
)


def why(field: Field, given: Any) -> str:
    with pytest.raises(Invalid) as caught:
        field.parse(given)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "given", "value"),
    [
        (Text(), "  Ada ", "Ada"),
        (Text(), "0", "0"),
        (Text(optional=True), "  ", ""),
        (Text(minimum=0), "", ""),
        (Text(pattern=r"\d+"), "42", "42"),
        (TextArea(), "a\r\n\n  b  \n", ["a", "b"]),
        (TextArea(), ["a", "", " b"], ["a", "b"]),
        (TextArea(), ["a\nb"], ["a", "b"]),
        (TextArea(optional=True), "\n\n", []),
        (TextArea(blank=True), "\na\n \nb\n\n", ["", "a", "", "b"]),
        (TextArea(blank=True, optional=True), "\n\n", []),
        (Number(), "5", 5),
        (Number(), " 1_000 ", 1000),
        (Number(), "-0.5", -0.5),
        (Number(), "1e3", 1000.0),
        (Number(), 0, 0),
        (Number(whole=True), "5.0", 5),
        (Number(whole=True), 5.0, 5),
        (Number(optional=True), " ", None),
        (Number(optional=True), None, None),
        (Choice(["a", "b"]), "b", "b"),
        (Choice([("a", "Apple")]), "Apple", "a"),
        (Choice(["a"], optional=True), "", ""),
        (Choice(["a"], optional=True), None, ""),
        (Switch(), "Yes", True),
        (Switch(), "off", False),
        (Switch(), False, False),
        (OPTIONS, {}, {"timeout": 10, "agent": "pipetui", "note": "", "robots": True}),
        (OPTIONS, {"timeout": "5", "robots": "no"}, {"timeout": 5, "agent": "pipetui", "note": "", "robots": False}),
        (Group(lines=TextArea(optional=True), most=Number(optional=True)), {}, {"lines": [], "most": None}),
        (Group(inner=Group(text=Text(optional=True))), {}, {"inner": {"text": ""}}),
    ],
)
def test_an_input_becomes_the_value_that_is_stored(field: Field, given: Any, value: Any) -> None:
    parsed = field.parse(given)
    assert values.encode(parsed) == values.encode(value)
    assert values.encode(field.check(parsed)) == values.encode(value)


@pytest.mark.parametrize(
    ("field", "given", "message"),
    [
        (Text(), "", "Please fill this in."),
        (Text(), " \n ", "Please fill this in."),
        (Text(), "a\nb", "This must be one line."),
        (Text(), "a\u2028b", "This must be one line."),
        (Text(minimum=3), "ab", "At least 3 characters, please."),
        (Text(maximum=3), "abcd", "At most 3 characters, please; these are 4."),
        (Text(pattern="[a-z]+"), "a1", "This must match [a-z]+."),
        (Text(pattern="[a-z]+", hint="Lower case only."), "A", "Lower case only."),
        (Text(), 5, "This must be text."),
        (Text(), None, "This must be text."),
        (TextArea(), "\n", "At least one line, please."),
        (TextArea(minimum=2), "a", "At least 2 lines, please."),
        (TextArea(minimum=2, blank=True), "a\n\n", "At least 2 lines, please."),
        (TextArea(maximum=1), "a\nb", "At most 1 lines, please; these are 2."),
        (TextArea(), [1], "This must be lines of text."),
        (TextArea(), 1, "This must be lines of text."),
        (Number(), "", "Please fill this in."),
        (Number(), "five", "This must be a number."),
        (Number(), "nan", "This must be a number."),
        (Number(), "inf", "This must be a number."),
        (Number(), "9" * 5000, "This must be a number."),
        (Number(), True, "This must be a number."),
        (Number(), [], "This must be a number."),
        (Number(whole=True), "1.5", "This must be a whole number."),
        (Number(minimum=0), -1, "This must be a number of at least 0."),
        (Number(maximum=1_000_000), 10**400, "This must be a number of at most 1,000,000."),
        (Number(minimum=0.5, maximum=10, unit="s"), "11", "This must be a number from 0.5 to 10 (s)."),
        (Choice(["a", "b"]), "", "Please choose one."),
        (Choice(["a", "b"]), None, "Please choose one."),
        (Choice(["a", "b"]), "c", "This must be one of: a, b."),
        (Choice(["a", "b"]), ["a"], "This must be one of: a, b."),
        (Switch(), "maybe", "This must be yes or no."),
        (Switch(), 1, "This must be yes or no."),
        (OPTIONS, "x", "This must be an object with timeout, agent, note, robots."),
        (OPTIONS, {"tiemout": 5}, "There is no tiemout here; there are timeout, agent, note, robots."),
    ],
)
def test_what_is_not_accepted_is_refused_in_a_sentence(field: Field, given: Any, message: str) -> None:
    assert why(field, given) == message


@pytest.mark.parametrize(
    ("field", "given", "at"),
    [
        (OPTIONS, {"timeout": "0"}, "timeout"),
        (OPTIONS, {"agent": ""}, "agent"),
        (OPTIONS, {"tiemout": 5}, "tiemout"),
        (Group(inner=Group(count=Number())), {"inner": {"count": "x"}}, "inner.count"),
        (Group(inner=Group(count=Number())), {}, "inner.count"),
        (Group(name=Text()), {}, "name"),
    ],
)
def test_a_group_marks_the_member(field: Field, given: Any, at: str) -> None:
    with pytest.raises(Invalid) as caught:
        field.parse(given)
    assert caught.value.at == at


def test_an_option_goes_before_the_label_of_another() -> None:
    crossed = Choice([("a", "b"), ("b", "a")])
    assert crossed.check("b") == "b"
    assert crossed.check("a") == "a"


def test_many_options_are_named_in_part() -> None:
    assert Choice([str(n) for n in range(50)]).accepts.endswith("11, … (50 in all)")


@pytest.mark.parametrize(
    ("field", "complete"),
    [
        (Text(), False),
        (Text(optional=True), False),
        (Text(default="x"), True),
        (Text(default=""), False),
        (Number(0), True),
        (Number(0, minimum=1), False),
        (Number(optional=True), False),
        (Switch(), True),
        (Switch(default=None), False),
        (TextArea(default=[], optional=True), True),
        (Choice(["a"], default="b"), False),
        (OPTIONS, True),
        (Group(name=Text(), timeout=Number(10)), False),
    ],
)
def test_a_field_is_complete_when_its_default_can_be_taken(field: Field, complete: bool) -> None:
    assert field.complete is complete


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        (Text(), "Ada", "Ada"),
        (Number(unit="s"), 1500, "1,500 s"),
        (Number(optional=True, unit="s"), None, "nothing"),
        (Choice([("a", "Apple")]), "a", "Apple"),
        (Choice([("a", "Apple")]), "gone", "gone"),
        (Switch(), False, "no"),
        (TextArea(), ["a", "b", "c", "d"], "4: a, b, c, …"),
        (OPTIONS, {"timeout": 5, "agent": "x", "note": "", "robots": True}, "timeout 5 s, agent x, robots yes"),
        (OPTIONS, "imported", "imported"),
    ],
)
def test_a_value_in_one_line(field: Field, value: Any, line: str) -> None:
    assert field.summary(value) == line


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (None, "nothing"),
        (0, "0"),
        (False, "no"),
        ("", ""),
        ("\n", ""),
        ([], "none"),
        ({}, "nothing"),
        (1_234_567, "1,234,567"),
        (0.1 + 0.2, "0.3"),
        (1e6, "1,000,000"),
        ("a\nb", "a … (2 lines)"),
    ],
)
def test_any_json_in_one_line(value: Any, line: str) -> None:
    assert summarize(value) == line


@STEADY
@given(JSON)
def test_a_summary_is_one_line_of_anything(value: Any) -> None:
    for field in (Text(), TextArea(), Number(unit="s"), Choice(["a"]), Switch(), OPTIONS):
        if not isinstance(value, dict):
            assert "\n" not in field.summary(value)


def test_named_lists_what_set_accepts() -> None:
    inner = Group(count=Number())
    field = Group(timeout=Number(), inner=inner)
    assert [name for name, _ in named(field, "options")] == [
        "options",
        "options.timeout",
        "options.inner",
        "options.inner.count",
    ]


# Round trips ------------------------------------------------------------------------------------------------------

LINE = st.text(st.characters(exclude_categories=()), min_size=1, max_size=12)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def leaves(draw: st.DrawFn) -> Field:
    hint, optional = draw(st.text(max_size=5)), draw(st.booleans())
    match draw(st.integers(0, 4)):
        case 0:
            return Text(hint=hint, optional=optional, default=draw(st.none() | LINE), minimum=draw(st.integers(0, 2)))
        case 1:
            default = draw(st.none() | st.lists(LINE, max_size=2))
            return TextArea(hint=hint, optional=optional, blank=draw(st.booleans()), default=default)
        case 2:
            return Number(
                draw(st.none() | NUMBERS),
                minimum=draw(st.none() | st.integers(-9, 0)),
                whole=draw(st.booleans()),
                optional=optional,
                unit=draw(st.sampled_from(["", "s"])),
            )
        case 3:
            word = st.text(min_size=1, max_size=3)
            options = draw(st.lists(word | st.tuples(word, word), min_size=1, max_size=4))
            return Choice(options, hint=hint, optional=optional, label=draw(st.text(max_size=3)))
        case _:
            return Switch(hint=hint, default=draw(st.none() | st.booleans()))


def groups(inner: st.SearchStrategy[Field]) -> st.SearchStrategy[Field]:
    return st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(Group)


FIELDS = st.recursive(leaves(), groups, max_leaves=4)


def inputs(field: Field) -> st.SearchStrategy[Any]:
    """Inputs that have a good chance to be accepted."""
    match field:
        case Text():
            return LINE
        case TextArea():
            return st.lists(LINE | st.just(""), max_size=4)
        case Number():
            return NUMBERS | NUMBERS.map(str) | st.sampled_from(["", None])
        case Choice():
            return st.sampled_from(["", *(word for pair in field.pairs for word in pair)])
        case Switch():
            return st.booleans() | st.sampled_from(sorted(Switch.WORDS))
        case Group():
            return st.fixed_dictionaries({name: inputs(member) for name, member in field.members.items()})
    raise AssertionError(field)


@STEADY
@given(FIELDS)
@example(OPTIONS)
@example(Group(hint="Both", inner=Group(hint="deep", a=Choice([("a", "A")], label="A:"))))
def test_a_field_survives_json(field: Field) -> None:
    data = values.decode(values.encode(field.to_json()))
    assert from_json(data) == field
    assert values.encode(from_json(data).to_json()) == values.encode(data)


@settings(STEADY, max_examples=300)
@given(st.data())
def test_what_is_edited_and_left_alone_stays_the_same_value(data: st.DataObject) -> None:
    field = data.draw(leaves() | FIELDS)
    try:
        value = field.parse(data.draw(inputs(field)))
    except Invalid:
        return
    assert values.encode(field.check(value)) == values.encode(value)
    assert values.encode(field.parse(field.editable(value))) == values.encode(value)


@STEADY
@given(FIELDS, JSON)
def test_any_json_is_taken_or_refused_and_can_be_shown(field: Field, value: Any) -> None:
    field.editable(value)
    field.summary(value)
    assert isinstance(field.accepts, str)
    for how in (field.parse, field.check):
        try:
            stored = how(value)
        except Invalid as invalid:
            assert str(invalid)
        else:
            assert values.copy(stored) == stored
