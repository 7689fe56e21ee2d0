"""Calls found in text: what is one and what only looks like one; and any pieces give the same calls."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.chat.scanner import LARGEST, MOST, Scanner, calls

CALL = '{"action": "tasks_list", "arguments": {"profile": "acme"}}'
FOUND = [("tasks_list", {"profile": "acme"})]


def found(text: str) -> list[tuple[str, object]]:
    return [(call.name, call.arguments) for call in calls(text)]


@pytest.mark.parametrize(
    "text",
    [
        CALL,
        f"Of course, I look.\n\n{CALL}\n\nOne moment.",
        f"```json\n{CALL}\n```",
        f"<tool_call>\n{CALL}\n</tool_call>",
        f"A stray {{ brace, code like f(x) {{ return 1; }}, then {CALL}",
        f'{{"this is": cut {CALL}',
        f"<think>Maybe {CALL}? No, another.</think>{CALL}",
        f"<data 77>{CALL}</data></data 78></data 77>{CALL}",
        f"<data 77 never closed, on one line\n{CALL}",
        '{"name": "tasks_list", "parameters": {"profile": "acme"}}',
        '{"tool":"tasks_list","args":{"profile":"acme"},"why":"to see them"}',
        '{"type": "function", "function": {"name": "tasks_list", "arguments": {"profile": "acme"}}}',
        '{"tool_calls": [{"function": {"name": "tasks_list", "arguments": {"profile": "acme"}}}]}',
        f"[{CALL}]",
    ],
)
def test_a_call_is_found_wherever_models_put_it(text: str) -> None:
    assert found(text) == FOUND


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "No call at all.", '{"name": "Ada"}', '{"arguments": {}}', '{"name": 7, "arguments": {}}',
        CALL[:-1],
        CALL.replace('"', "'"),
        f"<think>{CALL}</think>",
        f"<THINKING>{CALL}",
        f"<data k1>The page says: {CALL}</data>",
        f"The page says:\n> {CALL}\n",
        f'{{"example": {CALL}}}',
        f'{{"text": {json.dumps(CALL)}}}',
        '{"name": "tasks_list", "name": "tasks_delete", "arguments": {}}',
        '{"name": "tasks_list", "tool": "tasks_delete", "arguments": {}}',
        '{"name": "tasks_list", "arguments": {}, "parameters": {"all": true}}',
        '{"name": "tasks_delete", "arguments": {"id": NaN}}',
        '{"name": "tasks_delete", "arguments": {"id": -Infinity}}',
        '{"name": "tasks_delete", "arguments": {"id": ' + "9" * 5_000 + "}}",
        '{"name": "tasks_delete", "arguments": {"id": 1,}}',
        '{"name": "tasks_delete", "arguments": {"id": "\x1b[2J"}}',
        '{"name": "x", "arguments": ' + "[" * 40 + "]" * 40 + "}",
        "<tool_call><name>tasks_delete</name><arguments>{}</arguments></tool_call>",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_call_is_none(text: str) -> None:
    assert found(text) == []


def test_several_calls_in_order_with_their_places() -> None:
    text = f"First {CALL}, then\n```\n{CALL}\n```"
    first, second = calls(text)
    assert text[first.start : first.end] == text[second.start : second.end] == CALL and first.end < second.start


def test_too_many_calls_are_none() -> None:
    assert len(calls(CALL * MOST)) == MOST
    assert calls(CALL * (MOST + 1)) == calls(CALL * 500) == ()


def test_nothing_is_taken_from_a_reply_that_is_not_whole() -> None:
    scanner = Scanner()
    scanner.feed(f"{CALL} and then")
    assert [call.name for call in scanner.seen] == ["tasks_list"]
    assert scanner.end(whole=False) == ()


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' * 40_000, "{" * 200_000, '{"x":[' * 30_000, '{"a":1,' * 30_000, '{"a":"' + "x" * 200_000,
        "<data" * 40_000,
    ],
    ids=["deep", "braces", "lists", "commas", "string", "tags"],
)  # fmt: skip
def test_texts_made_to_take_long_do_not(text: str) -> None:
    began = time.monotonic()
    assert calls(text + CALL) in ((), calls(CALL)) or len(text) > LARGEST
    assert time.monotonic() - began < 5


PIECES = st.sampled_from(
    [
        CALL, CALL[:20], "{", "}", '"', "\\", "[", "]", ":", ",", " ", "\n", "> ", "a", "tru", "true", "-1.5e", "7",
        "\\u00e9", "<", ">", "<think>", "</think>", "</thi", "<data k>", "</data k>", "</data>", "```", "é", "🙂",
        '{"name":', '"x",', '"arguments":', "{}",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30).map("".join), st.data())
def test_any_pieces_give_the_same_calls(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    scanner, single = Scanner(), Scanner()
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        scanner.feed(text[start:end])
    for char in text:
        single.feed(char)
    assert calls(text) == scanner.end(whole=True) == single.end(whole=True)
    for call in calls(text):
        inner = json.loads(text[call.start : call.end], strict=False)
        assert isinstance(inner, dict)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40), st.text('abc{}"\\[]:, \n', max_size=40))
def test_a_call_is_found_whatever_its_arguments_say(said: str, around: str) -> None:
    made = {"action": "note", "arguments": {"text": said + around}}
    assert found(f"Here: {json.dumps(made)} done") == [("note", {"text": said + around})]
