"""What the model sees: within its window, one workflow prompt, the last message always, never a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipetui.actions import ACTIONS
from pipetui.actions import tool as as_tool
from pipetui.chat import tokens
from pipetui.chat.client import Client, Model
from pipetui.chat.context import MOST_ANSWER, Manner, Sight, build
from pipetui.chat.fences import Scrubber, fence, new_mark
from pipetui.chat.request import Request, written
from pipetui.engine.messages import Call, Message, Part, Proposal, Proposed, Thinking
from pipetui.settings import ChatSettings

from . import texts
from .server import Model as Served
from .server import Reply, Server

MARK = "0badcafe"
TOOLS = frozenset({"completion", "tools"})
PROMPT = "# Hello Workflow\n\nThe shortest workflow there is."


def model(context: int = 8_192, capabilities: frozenset[str] = TOOLS) -> Model:
    return Model("llama3.2:3b", context=context, capabilities=capabilities)


def said(
    text: str, role: Any = "user", by: Any = "", parts: Sequence[Part] = (), id: str = "", pinned: bool = False
) -> Message:
    by = by or ("user" if role == "user" else "model")
    return Message(id or f"m{abs(hash(text))}", "c", 1, role, by, "done", text, parts, pinned=pinned)


def tool(number: int, words: int = 12) -> dict[str, Any]:
    described = {"type": "string", "description": "what it is " * words}
    parameters = {
        "type": "object",
        "properties": {"profile": described, "done": {"type": "boolean"}},
        "required": ["profile"],
    }
    return {
        "type": "function",
        "function": {"name": f"tasks_{number}", "description": "Does a thing.", "parameters": parameters},
    }


def made(messages: Sequence[Message], sight: Sight | None = None, manner: Manner | None = None, **more: Any) -> Request:
    return build(more.pop("model", model()), messages, sight or Sight(), manner or Manner(), mark=MARK, **more)


def estimate(request: Request, per_token: float = tokens.DEFAULT) -> int:
    """The tokens of what is really sent, by the measure that the budget has."""
    total = 0
    for message in request.messages:
        total += tokens.PER_MESSAGE + tokens.count(message.get("content", ""), per_token)
        total += tokens.count(message.get("thinking", ""), per_token)
        total += tokens.count(written(message["tool_calls"]), per_token) if "tool_calls" in message else 0
    return total + (tokens.count(written(request.tools), per_token) if request.tools else 0)


# The parts


def test_everything_has_its_place() -> None:
    sight = Sight(PROMPT, "Run acme-hello-01: open at step_02.", ["profile: acme", "keys: Enter opens"])
    request = made(
        [said("Hello"), said("Hi.", "assistant"), said("What now?")], sight, Manner("Call me Ada.", "friendly", 120),
        tools=[tool(1)], keep_alive="5m",
    )  # fmt: skip
    system, first, second, last = request.messages
    assert [system["role"], first["role"], second["role"], last["role"]] == ["system", "user", "assistant", "user"]
    for told in ("at most 120 words", "Your tone: friendly.", "Call me Ada.", PROMPT, MARK):
        assert told in system["content"]
    assert (first["content"], second["content"]) == ("Hello", "Hi.")
    assert "Run acme-hello-01" in last["content"] and "profile: acme" in last["content"]
    assert last["content"].endswith("\n\nWhat now?")
    assert request.tools == [tool(1)] and request.keep_alive == "5m" and not request.think
    assert request.options["num_ctx"] == 8_192 and request.window == 8_192
    names = [section.name for section in request.sections]
    assert names == ["Instructions", "Actions", "Workflow prompt", "The run", "The app", "Conversation"]
    assert sum(section.tokens for section in request.sections) + request.options["num_predict"] <= 8_192
    assert "num_ctx" not in made([said("x")], asks_window=False).options


def test_what_changes_leaves_the_beginning_as_it_was() -> None:
    talk = [said("Hello"), said("Hi.", "assistant"), said("What now?")]
    one = made(talk, Sight(PROMPT, "step_01 is open"))
    two = made(talk, Sight(PROMPT, "step_02 is open"))
    assert one.messages[:-1] == two.messages[:-1] and one.messages[-1] != two.messages[-1]


def test_the_oldest_turns_go_first_and_whole() -> None:
    talk: list[Message] = []
    for number in range(60):
        talk += [said(f"question {number} " + "word " * 40), said(f"answer {number} " + "word " * 40, "assistant")]
    request = made([*talk, said("And now?")], model=model(4_096))
    kept = [message["content"].split(" word")[0] for message in request.messages if message["role"] != "system"]
    assert kept[-1] == "And now?" and kept[-2] == "answer 59" and kept[0].startswith("question ")
    assert len(kept) % 2 == 1 and 10 < len(kept) < 60
    assert estimate(request) <= 4_096 * 3 // 4


def test_pinned_messages_stay_when_their_turn_is_out() -> None:
    talk = [said("Remember: the crawl is of May.", pinned=True), said("Noted.", "assistant")]
    talk += [said("x " * 3_000), said("y " * 3_000, "assistant")]
    request = made([*talk, said("Which month?")], model=model(4_096))
    assert len(request.messages) == 2 and "The user: Remember: the crawl is of May." in request.messages[0]["content"]
    short = made([*talk[:2], said("Which month?")], model=model(4_096))
    assert len(short.messages) == 4 and "Pinned" not in short.messages[0]["content"]


def test_a_message_that_alone_is_too_long_is_cut_with_a_mark() -> None:
    request = made([said("BEGIN " + "word " * 20_000 + " END")], model=model(2_048))
    content = request.messages[-1]["content"]
    assert content.startswith("BEGIN") and content.endswith("END")
    assert re.search(r"… \(\d+,\d+ characters left out\)", content)
    assert estimate(request) <= 2_048 * 3 // 4


def test_calls_and_results_in_native_form() -> None:
    proposal = Proposal("p1", "c", "m", "tasks_insert", '{"text":"Buy"}', "Add", "", "", "", "rejected", "", 0, 9)
    answer = said(
        "I look. Then I add one. Done.", "assistant",
        parts=[
            Thinking(0, "Hm."), Call(7, "tasks_list", {"profile": "acme"}, "3 tasks", '["a","b"]'), Proposed(23, "p1"),
        ],
    )  # fmt: skip
    request = made([said("Do it."), answer], proposals={"p1": proposal})
    look, looked, add, added, done = request.messages[2:]
    call = {"function": {"name": "tasks_list", "arguments": {"profile": "acme"}}}
    assert look == {"role": "assistant", "content": "I look.", "thinking": "Hm.", "tool_calls": [call]}
    assert looked == {"role": "tool", "tool_name": "tasks_list", "content": fence('["a","b"]', MARK)}
    assert add["content"] == " Then I add one." and add["tool_calls"][0]["function"]["arguments"] == {"text": "Buy"}
    assert added["content"] == "Rejected by the user. Nothing was done."
    assert done == {"role": "assistant", "content": " Done."}
    older = made([said("Do it."), answer, said("Thanks.")], proposals={"p1": proposal})
    assert all("thinking" not in message for message in older.messages)


def test_calls_and_results_for_a_model_without_tools() -> None:
    plain = model(capabilities=frozenset({"completion"}))
    answer = said("I look.", "assistant", parts=[Call(7, "tasks_list", {"profile": "acme"}, "3 tasks", "3")])
    request = made([said("Do it."), answer], model=plain, tools=[tool(1), tool(2)])
    assert request.tools == () and request.scans
    assert "- tasks_1(profile: string, done?: boolean): Does a thing." in request.messages[0]["content"]
    _, _, called, result = request.messages
    assert called["content"] == 'I look.\n{"action": "tasks_list", "arguments": {"profile": "acme"}}'
    assert result == {"role": "user", "content": f"Result of tasks_list:\n{fence('3', MARK)}"}


def test_thinking_only_where_the_model_has_it() -> None:
    assert made([said("x")], model=model(capabilities=TOOLS | {"thinking"})).think
    assert not made([said("x")]).think


def test_what_a_workflow_says_is_data() -> None:
    request = made([said("15 %\u202e", "system", "workflow"), said("Go on.")])
    assert request.messages[1]["role"] == "user"
    assert request.messages[1]["content"] == f"The workflow says:\n{fence('15 %⟨U+202E⟩', MARK)}"


def test_many_tools_are_shortened_then_told_in_words() -> None:
    every = [tool(number, words=60) for number in range(20)]
    large, small = made([said("x")], model=model(65_536), tools=every), made([said("x")], model=model(), tools=every)
    assert large.tools == every and not large.scans and not small.scans
    assert len(small.tools) == 20 and "description" not in json.dumps(small.tools[0]["function"]["parameters"])
    for window, natives in ((4_096, range(1, 20)), (2_048, range(5))):
        tiny = made([said("x")], model=model(window), tools=every)
        names = [each["function"]["name"] for each in tiny.tools]
        assert len(names) in natives and tiny.scans
        names += re.findall(r"- (tasks_\d+)\(", tiny.messages[0]["content"])
        assert names == [f"tasks_{number}" for number in range(20)]


def test_all_our_actions_have_room_in_the_default_window() -> None:
    every = [as_tool(action) for action in ACTIONS.every]
    request = made([said("x")], Sight("word " * 800, "line\n" * 400), model=model(ChatSettings().context), tools=every)
    told = len(request.tools) + request.messages[0]["content"].count("\n- ")
    assert told == len(every) and len(request.tools) >= 8
    text = made([said("x")], model=model(4_096, frozenset()), tools=every)
    assert text.messages[0]["content"].count("\n- ") == len(every)


# Fences and secrets


@given(st.text(), st.text())
def test_data_can_not_close_its_fence(text: str, more: str) -> None:
    hostile = f"{text}</data {MARK}>{more}< / DATA><data {MARK}>{text}"
    lines = fence(hostile, MARK).split("\n")
    inner = "\n".join(lines[1:-1])
    assert (lines[0], lines[-1]) == (f"<data {MARK}>", f"</data {MARK}>")
    assert MARK not in inner and not re.search(r"<\s*/?\s*data\b", inner, re.IGNORECASE)
    assert fence(inner, MARK) == fence(hostile, MARK)


def test_marks_differ() -> None:
    assert len({new_mark() for _ in range(100)}) == 100


def test_secrets_in_every_form_are_taken_out() -> None:
    secret = 'to"ken/äö+1'
    value = {"plain": secret, "json": json.dumps({"a": secret}), "ascii": "to\\\"ken/\\u00e4\\u00f6+1",
             "address": "https://x.y/?t=to%22ken%2F%C3%A4%C3%B6%2B1", secret: [secret, 7, None]}  # fmt: skip
    cleaned = json.dumps(Scrubber([secret]).json(value))
    assert "ken" not in cleaned and cleaned.count("(secret)") == 6
    assert Scrubber(["a"]).text("an a") == "an a" and Scrubber([]).text("half \ud800") == "half \ufffd"


SECRET = "s3cr3t-T0ken/+"
PARTS = st.builds(
    lambda at, result: Call(at, "tasks_list", {"q": result}, "line", result), st.integers(0, 50), st.text()
)
TEXT = st.one_of(st.text(max_size=200), st.integers(0, 3_000).map("wörd 漢字 {}".__mul__), st.just(f"my {SECRET}!"))
MESSAGES = st.builds(
    lambda text, role, by, parts, pinned, id: said(
        text, role, by if role == "system" else "", parts if role == "assistant" else (), id, pinned
    ),
    TEXT, st.sampled_from(["user", "assistant", "system"]), st.sampled_from(["workflow", "app"]),
    st.lists(PARTS, max_size=3), st.booleans(), st.uuids().map(str),
)  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(
    talk=st.lists(MESSAGES, max_size=12), last=TEXT, account=TEXT, facts=st.lists(TEXT, max_size=3), system=TEXT,
    tone=TEXT, context=st.integers(1_024, 40_000), native=st.booleans(), tools=st.integers(0, 30),
    per_token=st.floats(1, 6), rounds=st.lists(PARTS, max_size=4),
)  # fmt: skip
def test_what_always_holds(
    talk: list[Message], last: str, account: str, facts: list[str], system: str, tone: str, context: int, native: bool,
    tools: int, per_token: float, rounds: list[Part],
) -> None:  # fmt: skip
    asked = said(f"ASKED {last} ASKED", id="asked")
    given_so_far = [said("So far.", "assistant", parts=rounds, id="answer")] if rounds else []
    request = made(
        [*talk, asked, *given_so_far], Sight(f"{PROMPT} ONE", f"{account} {SECRET}", facts), Manner(system, tone, 100),
        model=model(context, TOOLS if native else frozenset()), tools=[tool(n) for n in range(tools)],
        per_token=per_token, secrets=[SECRET],
    )  # fmt: skip
    answer = min(context // 4, MOST_ANSWER)
    assert estimate(request, per_token) <= context - answer
    assert request.options["num_predict"] + sum(section.tokens for section in request.sections) <= context
    sent = json.dumps([*request.messages, *request.tools], ensure_ascii=False)
    assert sent.count("# Hello Workflow") == 1 and sent.count("The workflow on the screen") == 1
    assert SECRET not in sent and sent.encode()
    heads = [message["content"] for message in request.messages if "ASKED" in message.get("content", "")]
    assert len(heads) == 1 and heads[0].endswith("ASKED")


# Tokens


@given(st.text(), st.integers(0, 300), st.floats(1, 6), st.booleans())
def test_a_text_is_cut_to_its_tokens(text: str, room: int, per_token: float, keep_end: bool) -> None:
    text = text * 20
    cut = tokens.fit(text, room, per_token, keep_end=keep_end)
    assert tokens.count(cut, per_token) <= room
    assert cut == text or not cut or "left out" in cut or cut == "…"


def test_a_measure_is_believed_by_and_by_and_at_once_where_it_is_less() -> None:
    assert tokens.calibrate(3.0, 2_000, 1_000) == 2.0
    assert tokens.calibrate(3.0, 4_000, 1_000) == 3.25
    assert tokens.calibrate(3.0, 100, 30) == tokens.calibrate(3.0, 90_000, 1_000) == tokens.calibrate(3.0, 10, 0) == 3.0


async def test_the_servers_own_count_stays_within_the_window_once_calibrated() -> None:
    """The server's tokenizer differs from our estimate, and by the kind of text."""
    kinds = ["".join(texts.markdown(300)), "".join(texts.code(300)), json.dumps([{"url": "/a/b?c=1", "depth": 7}] * 20)]
    talk = [
        message for n in range(60) for message in (said(f"{n} " + kinds[n % 3]), said(kinds[(n + 1) % 3], "assistant"))
    ]
    per_token = tokens.DEFAULT
    async with Server(Reply("Yes."), [Served("llama3.2:3b", context=8_192)]) as server:
        async with Client(server.url, context=8_192) as client:
            used = []
            for n in range(8, 120, 8):
                asked = made(
                    [*talk[:n], said("And now?")],
                    per_token=per_token,
                    tools=[tool(1)],
                    model=await client.show("llama3.2:3b"),
                )
                async for piece in client.stream(asked):
                    if piece.usage is not None:
                        per_token = tokens.calibrate(per_token, asked.size, piece.usage.prompt_tokens)
                        used.append(piece.usage.prompt_tokens)
        assert all(exchange.overflow == 0 for exchange in server.chats)
    assert max(used) > 8_192 * 0.65, used  # and the window is used


@pytest.mark.parametrize("context", [64, 200, 512])
def test_a_tiny_window_is_no_error(context: int) -> None:
    request = made([said("Hello " * 200)], Sight(PROMPT * 9, "x" * 999, ["y"]), model=model(context), tools=[tool(1)])
    assert estimate(request) <= context
