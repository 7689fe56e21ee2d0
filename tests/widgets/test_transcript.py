"""The transcript: what stays in view, what is drawn, what may be approved."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from textual.binding import Binding, BindingType
from textual.events import AppBlur, AppFocus, Focus
from textual.pilot import Pilot

from pipetui.engine.messages import Call, Message, ProposalState, Proposed, Thinking, Usage
from pipetui.text import hidden
from pipetui.widgets.transcript import MOST_ROWS, QUIET_SECONDS, Transcript

from .helpers import HIDDEN, HOSTILE, Posts, screen_text
from .talk import MARKDOWN, NOW, Talk, message, proposal

SIZE = (60, 20)


@asynccontextmanager
async def opened(app: Talk, size: tuple[int, int], posts: Posts | None = None) -> AsyncIterator[Pilot[None]]:
    async with app.run_test(size=size, message_hook=posts) as pilot:
        await pilot.pause()
        yield pilot


def many(count: int, lines: int = 8) -> list[Message]:
    return [message(n, "\n\n".join(f"message {n} line {k}" for k in range(lines))) for n in range(count)]


def shown(pilot: Pilot[None]) -> list[str]:
    """The lines of the screen, without the scrollbar."""
    text = "\n".join(line[: pilot.app.size.width - 1].rstrip() for line in screen_text(pilot.app).splitlines())
    return text.rstrip("\n").splitlines()


def drawn(transcript: Transcript) -> int:
    return sum(entry.height for entry in transcript._entries if entry.is_drawn)


async def test_it_opens_at_the_end_and_stays_there() -> None:
    app = Talk(many(50))
    async with opened(app, SIZE) as pilot:
        assert shown(pilot)[-1] == "▌ message 49 line 7"
        app.transcript.show([*app.messages, message(50, "the newest")], {}, earlier=False)
        await pilot.pause()
        assert shown(pilot)[-1] == "  the newest"
        assert app.transcript.at_end


async def test_who_scrolled_up_stays_and_sees_that_there_is_more() -> None:
    app = Talk(many(50))
    async with opened(app, SIZE) as pilot:
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        before = shown(pilot)
        answer = message(50, "word " * 400, state="streaming")
        app.transcript.show([*app.messages, replace(answer, text="")], {}, earlier=False)
        app.transcript.stream(answer)
        await asyncio.sleep(0.15)
        await pilot.pause()
        assert shown(pilot)[:-1] == before[:-1]
        assert shown(pilot)[-1].endswith("▼ new")
        await pilot.press("end")
        await pilot.pause()
        assert "▼ new" not in screen_text(pilot.app)
        assert shown(pilot)[-1].endswith("word")
        assert app.transcript.at_end


async def test_who_reads_the_begin_of_an_answer_is_not_moved_by_its_end() -> None:
    text = "\n\n".join(f"line {n}" for n in range(200))
    app = Talk([*many(3), message(9, text[:1_000], state="streaming")])
    async with opened(app, SIZE) as pilot:
        await pilot.press("pageup", "pageup")
        await pilot.pause()
        before = shown(pilot)
        for end in range(1_000, len(text), 50):
            app.transcript.stream(message(9, text[:end], state="streaming"))
            app.transcript._draw_grown()
        app.transcript.stream(message(9, text))
        await pilot.pause()
        assert shown(pilot)[:-1] == before[:-1]


async def test_earlier_messages_are_asked_for_once_and_come_without_a_jump() -> None:
    messages = many(60)
    posts = Posts()
    app = Talk(messages[30:], earlier=True)
    async with opened(app, SIZE, posts) as pilot:
        assert not posts.of(Transcript.NearTop)
        await pilot.press("home")
        await pilot.pause()
        assert len(posts.of(Transcript.NearTop)) == 1
        before = shown(pilot)
        app.transcript.show(messages, {}, earlier=False)
        await pilot.pause()
        assert shown(pilot) == before
        await pilot.press("pageup")
        await pilot.pause()
        assert "message 29 line 7" in screen_text(pilot.app)
        await pilot.press("home")
        await pilot.pause()
        assert "message 0 line 0" in screen_text(pilot.app)
        assert len(posts.of(Transcript.NearTop)) == 1


async def test_all_is_read_from_end_to_begin_and_little_of_it_is_kept() -> None:
    app = Talk(many(70, lines=30))
    async with opened(app, SIZE) as pilot:
        seen: set[str] = set()
        for _ in range(2_000):
            seen |= {line.strip("▌ ") for line in shown(pilot)}
            if round(app.transcript.scroll_y) == 0:
                break
            app.transcript.action_page(-1)
            await asyncio.sleep(0)
            assert drawn(app.transcript) <= MOST_ROWS + 5 * 62
        assert {f"message {n} line {k}" for n in range(70) for k in range(30)} <= seen


async def test_only_what_is_in_view_is_rendered_when_it_opens() -> None:
    app = Talk(many(200, lines=30))
    async with app.run_test(size=SIZE):
        assert sum(entry.is_drawn for entry in app.transcript._entries) <= 3


async def test_one_can_be_led_to_a_message() -> None:
    app = Talk(many(100))
    async with opened(app, SIZE) as pilot:
        app.transcript.go("m40")
        await pilot.pause()
        assert shown(pilot)[1] == "▌ message 40 line 0"
        assert app.transcript.current == app.messages[40]
        assert not app.transcript.at_end
        app.transcript.go("m99")
        app.transcript.go("gone")
        await pilot.pause()
        assert shown(pilot)[-1] == "▌ message 99 line 7"
        assert app.transcript.at_end


async def test_one_is_led_to_a_message_even_before_there_is_a_view() -> None:
    app = Talk(many(100))
    show = app.transcript.show

    def show_and_go(*given: Any, **more: Any) -> None:
        show(*given, **more)
        app.transcript.go("m40")

    app.transcript.show = show_and_go  # type: ignore[method-assign]
    async with opened(app, SIZE) as pilot:
        assert "message 40 line 0" in shown(pilot)[1]


async def test_who_scrolled_away_from_the_cursor_goes_on_where_they_look() -> None:
    app = Talk(many(60))
    async with opened(app, SIZE) as pilot:
        for _ in range(20):
            await pilot.press("pageup")
        await pilot.press("up")
        await pilot.pause()
        current = app.transcript.current
        assert current is not None
        assert any(line.startswith(f"▌ {current.text.splitlines()[0][:-1]}") for line in shown(pilot))
        await pilot.press("home")
        assert app.transcript.current == app.messages[0]


async def test_a_resize_keeps_what_one_reads() -> None:
    app = Talk([message(n, f"begin {n} " + "word " * 200 + f"end {n}") for n in range(40)])
    async with opened(app, SIZE) as pilot:
        await pilot.press("home")
        for _ in range(30):
            await pilot.press("pagedown")
        await pilot.pause()
        top = next(line for line in shown(pilot) if "begin" in line or "end" in line).split()[1]
        await pilot.resize_terminal(100, 20)
        await pilot.pause()
        assert f" {top}" in screen_text(pilot.app)
        await pilot.resize_terminal(20, 20)
        await pilot.pause()
        assert all(len(line) <= 20 for line in shown(pilot))


@pytest.mark.parametrize("step", [1, 7, 60])
async def test_a_streamed_answer_ends_as_if_it_had_come_at_once(step: int) -> None:
    answer = message(1, MARKDOWN, parts=(Thinking(0, "let me see"), Call(9, "tasks_list", {}, "3 tasks", "[]")))
    async with opened(Talk([answer]), (60, 50)) as pilot:
        expected = shown(pilot)
    app = Talk([replace(answer, text="", parts=(), state="streaming")])
    async with opened(app, (60, 50)) as pilot:
        for at in range(0, len(MARKDOWN), step):
            parts = answer.parts[: (at > 0) + (at >= 9)]
            app.transcript.stream(replace(answer, text=MARKDOWN[:at], parts=parts, state="streaming"))
            app.transcript._draw_grown()
            if at % 20 == 0:
                await pilot.pause()
        app.transcript.stream(answer)
        await pilot.pause()
        assert shown(pilot) == expected


async def test_an_answer_is_drawn_soon_but_not_at_each_token() -> None:
    app = Talk([message(1, "", state="streaming")])
    async with opened(app, SIZE) as pilot:
        updates = 0
        flow = app.transcript._draw_grown

        def count() -> None:
            nonlocal updates
            updates += 1
            flow()

        app.transcript._draw_grown = count  # type: ignore[method-assign]
        text = ""
        for n in range(100):
            text += f"w{n} "
            app.transcript.stream(message(1, text, state="streaming"))
            await asyncio.sleep(0.004)
        await asyncio.sleep(0.1)
        assert "w99" in screen_text(pilot.app)
        assert updates < 20


async def test_a_store_that_is_behind_takes_nothing_away() -> None:
    app = Talk([message(1, "", state="streaming")])
    async with opened(app, SIZE) as pilot:
        app.transcript.stream(message(1, "what has come so far", state="streaming"))
        app.transcript.show([message(1, "what has", state="streaming")], {}, earlier=False)
        await pilot.pause()
        assert "what has come so far" in screen_text(pilot.app)
        app.transcript.stream(message(1, "what has come so far"))
        app.transcript.show([message(1, "what has", state="streaming")], {}, earlier=False)
        await pilot.pause()
        assert "what has come so far" in screen_text(pilot.app)
        app.transcript.show([message(1, "what has come", state="stopped")], {}, earlier=False)
        await pilot.pause()
        assert "so far" not in screen_text(pilot.app)


async def test_how_a_message_stands_is_said() -> None:
    messages = [
        message(1, "Hello\n\n  *you*", by="user"),
        message(2, "", state="waiting", why="Waits for a model: Ollama does not run."),
        message(3, "Half", state="broken", why="The connection was cut."),
        message(4, "Half", state="stopped", pinned=True),
        message(5, "Said", by="workflow"),
        message(6, "Fast", usage=Usage("qwen3:8b", answer_tokens=2_400, seconds=2)),
        message(7, "", state="streaming"),
    ]
    async with opened(Talk(messages), (60, 40)) as pilot:
        assert shown(pilot) == [
            " You · 1 min ago", "  Hello", "", "    *you*", "",
            " llama3.2:3b · 1 min ago" + " " * 30 + "waits",
            "  Waits for a model: Ollama does not run. It is tried again", "  by itself, every few seconds.", "",
            " llama3.2:3b · 1 min ago" + " " * 29 + "broken", "  Half", "", "  The connection was cut.", "",
            " llama3.2:3b · 1 min ago" + " " * 18 + "◆ pinned  stopped", "  Half", "",
            " Workflow · 1 min ago", "  Said", "",
            " qwen3:8b · 1 min ago" + " " * 24 + "1,200 tokens/s", "  Fast", "",
            "▌llama3.2:3b · 1 min ago" + " " * 29 + "writes", "▌ …",
        ]  # fmt: skip


async def test_thinking_and_calls_are_folded_until_enter() -> None:
    parts = (
        Thinking(0, "first this, then that"),
        Call(0, "tasks_list", {"profile": "acme"}, "tasks of acme: 3", '["one"]'),
        Call(0, "files_head", {}, "No such file.", "no such file", failed=True),
    )
    async with opened(Talk([message(1, "Done.", parts=parts)]), SIZE) as pilot:
        assert shown(pilot)[1:] == [
            "▌ ▸ thought for 4 words", "▌", "▌ ▸ tasks of acme: 3", "▌ ▸ No such file.", "▌", "▌ Done.",
        ]  # fmt: skip
        await pilot.press("enter")
        await pilot.pause()
        assert shown(pilot)[1:] == [
            "▌ ▾ thought for 4 words", "▌   first this, then that", "▌", "▌ ▾ tasks of acme: 3", "▌   profile: acme",
            '▌   ["one"]', "▌ ▾ No such file.", "▌   no such file", "▌", "▌ Done.",
        ]  # fmt: skip


async def test_a_key_that_finds_no_card_goes_to_nobody_else() -> None:
    pressed = []

    class Worse(Talk):
        BINDINGS: ClassVar[list[BindingType]] = [Binding("a,x", "worse")]

        def action_worse(self) -> None:
            pressed.append(1)

    app = Worse([message(1, "one", parts=(Proposed(3, "p1"),))], {"p1": proposal(1, "done")})
    async with opened(app, SIZE) as pilot:
        await pilot.press("a", "x", "k", "a", "x")
        app.transcript.show([], {}, earlier=False)
        await pilot.press("a", "x")
        assert not pressed


async def test_the_cursor_goes_by_messages_and_cards() -> None:
    messages = [message(1, "one"), message(2, "two", parts=(Proposed(3, "p2"), Proposed(3, "p3")))]
    posts = Posts()
    app = Talk(messages, {"p2": proposal(2), "p3": proposal(3, "done", result="1 task")})
    async with opened(app, (60, 30), posts) as pilot:
        transcript = app.transcript
        assert transcript.current == messages[1]
        assert transcript.current_proposal is not None
        assert transcript.current_proposal.id == "p2"  # which is open
        await pilot.press("j", "a", "x")  # decided already
        await pilot.press("k")
        await pilot.press("x")
        await pilot.press("up")
        assert transcript.current_proposal is None
        await pilot.press("a")  # on the message, not on a card
        await pilot.press("up", "up")
        assert transcript.current == messages[0]
        await pilot.press("j", "down", "a")
        decided = posts.of(Transcript.Decided)
        assert [(event.proposal, event.approve) for event in decided] == [("p2", False), ("p2", True)]


async def test_what_is_out_of_sight_or_overdue_is_not_approved() -> None:
    messages = [message(1, "x", parts=(Proposed(1, "p1"), Proposed(1, "p2"))), *many(10)[2:]]
    posts = Posts()
    app = Talk(messages, {"p1": proposal(1), "p2": proposal(2, expires=NOW - 1)})
    async with opened(app, SIZE, posts) as pilot:
        await pilot.press("end")
        app.transcript._put_cursor(("m1", "p1"))
        await pilot.press("a")
        await pilot.pause()
        assert not posts.of(Transcript.Decided)
        assert "to decide" in screen_text(pilot.app)  # it was brought into view instead
        await pilot.press("j", "a")
        assert app.transcript.current_proposal is not None
        assert app.transcript.current_proposal.id == "p2"
        assert not posts.of(Transcript.Decided)
        await pilot.press("k", "a")
        assert [event.proposal for event in posts.of(Transcript.Decided)] == ["p1"]


async def test_of_a_card_that_is_higher_than_the_view_one_sees_the_end_first() -> None:
    long = proposal(1, arguments=json.dumps({f"name {n}": "value" for n in range(38)}))
    posts = Posts()
    app = Talk([message(1, "one", parts=(Proposed(3, "p1"),)), *many(10)[2:]], {"p1": long})
    async with opened(app, SIZE, posts) as pilot:
        app.transcript._put_cursor(("m1", "p1"))
        await pilot.press("home")
        app.transcript._put_cursor(("m1", "p1"))
        await pilot.press("a")
        await pilot.pause()
        assert not posts.of(Transcript.Decided)
        assert "a approves" in shown(pilot)[-1]
        await pilot.press("a")
        assert [event.proposal for event in posts.of(Transcript.Decided)] == ["p1"]


async def test_a_new_card_never_slips_under_the_cursor() -> None:
    app = Talk([message(1, "one", parts=(Proposed(3, "p1"),))], {"p1": proposal(1)})
    posts = Posts()
    async with opened(app, (60, 40), posts) as pilot:
        both = {"p1": proposal(1), "p2": proposal(2)}
        app.transcript.show([*app.messages, message(2, "two", parts=(Proposed(3, "p2"),))], both, earlier=False)
        await pilot.press("a")
        assert [event.proposal for event in posts.of(Transcript.Decided)] == ["p1"]


def card_of(rows: Sequence[str]) -> list[str]:
    return [row[3:] for row in rows if row[1:2] == "┃"]


async def test_a_card_shows_the_call_and_hides_nothing_without_saying_so() -> None:
    arguments = {"text": "harmless " * 200 + "rm -rf", "name": "true", "id": 7, "path": "../../x", "y": HOSTILE}
    padded = proposal(1, arguments=json.dumps(arguments), before="a\n" * 50, after="")
    app = Talk([message(1, "", parts=(Proposed(0, "p1"),))], {"p1": padded})
    async with opened(app, (80, 60)) as pilot:
        text = " ".join(card_of(shown(pilot)))
        assert "… (1,584 more) …" in text
        assert "rm -rf" in text
        assert 'name: "true"' in text
        assert "id: 7" in text
        assert "path: ../../x" in text
        assert "[@click=app.bell]x[/foo]" in text
        assert "… 39 more lines" in text
        assert "a approves · x rejects · stands for 10 min" in text
        assert not any(character in text for character in HIDDEN)
        await pilot.press("enter")
        await pilot.resize_terminal(80, 120)
        await pilot.pause()
        text = " ".join(card_of(shown(pilot)))
        assert "more) …" not in text
        assert text.count("harmless") == 200


CHANGE: dict[str, Any] = {
    "action": "runs_submit",
    "arguments": json.dumps({"step": "Greeting", "value": "Hello 7", "count": 7}),
    "title": "Submit Greeting of default-hello-01",
    "before": "Greeting: Hello\nsame\nagain",
    "after": "Greeting: Hello 7\nsame\nagain",
}


async def test_what_stands_in_the_change_is_not_said_twice_and_all_else_is() -> None:
    change = proposal(1, **CHANGE)
    more = {
        "value": "Hello 7 " + "x" * 500 + " end",
        "n": 17,
        "yes": True,
        "none": "",
        "list": ["Hello"],
        "part": "ello",
    }
    app = Talk([message(1, parts=(Proposed(0, "p1"), Proposed(0, "p2")))], {
        "p1": change, "p2": replace(change, id="p2", arguments=json.dumps(more)),
    })  # fmt: skip
    async with opened(app, (80, 24)) as pilot:
        rows = shown(pilot)
        assert card_of(rows)[:6] == [
            "? Submit Greeting of default-hello-01" + " " * 30 + "to decide",
            "− Greeting: Hello", "+ Greeting: Hello 7", "  2 unchanged lines", "▸ runs_submit · 3 arguments",
            "a approves · x rejects · stands for 10 min",
        ]  # fmt: skip
        text = " ".join(" ".join(card_of(rows)[6:]).split())
        assert "▸ runs_submit · 6 arguments value: Hello 7 xxx" in text
        assert 'xxx end n: 17 yes: true none: "" list: ["Hello"] part: ello a approves' in text
        await pilot.press("enter")
        await pilot.pause()
        assert card_of(shown(pilot))[1:11] \
            == ["− Greeting: Hello", "− same", "− again", "+ Greeting: Hello 7", "+ same", "+ again",
                "▾ runs_submit · 3 arguments", "  step: Greeting", "  value: Hello 7", "  count: 7"]  # fmt: skip


async def test_a_card_that_is_over_says_what_it_was_and_what_became_of_it() -> None:
    states: list[ProposalState] = ["rejected", "expired", "refused", "failed", "done"]
    cards = {f"p{n}": replace(proposal(n, state, **CHANGE), result="So it ended.") for n, state in enumerate(states)}
    cards |= {"p5": proposal(5, "done", before="gone", after=""), "p6": proposal(6, "done", before="", after="")}
    app = Talk([message(1, parts=tuple(Proposed(0, card) for card in cards))], cards)
    async with opened(app, (80, 40)) as pilot:
        said = card_of(shown(pilot))
        assert said[1:15:3] == ["+ Greeting: Hello 7"] * 5
        assert said[2:15:3] == ["So it ended."] * 5
        assert said[16] == "− gone"
        assert said[18] == "id: 7"


async def test_one_comes_to_what_is_new_and_else_to_where_one_was() -> None:
    messages = [message(n, f"message {n}\n" * 9, parts=(Proposed(0, f"p{n}"),)) for n in range(5)]
    cards = {f"p{n}": proposal(n, "done" if n == 4 else "open") for n in range(5)}
    cards["p0"] = proposal(0, "rejected")
    app = Talk(messages, cards)

    async def leave_and_enter(pilot: Pilot[None]) -> None:
        app.transcript.blur()
        await pilot.pause()
        app.transcript.focus()
        await pilot.pause()

    async with opened(app, SIZE) as pilot:
        assert app.transcript._cursor == ("m1", "p1")  # the first that is open
        assert "▌┃" in screen_text(app)
        await pilot.press("home")
        await leave_and_enter(pilot)
        assert app.transcript._cursor == ("m0", "")  # nothing is new
        app.transcript.blur()
        await pilot.pause()
        app.transcript.show([*messages, message(5, "newest")], cards, earlier=False)
        await leave_and_enter(pilot)
        assert app.transcript._cursor == ("m5", "")
        assert "▌ newest" in screen_text(app)
        app.transcript.blur()
        await pilot.pause()
        newer = [message(5, "newest"), message(6, "one", parts=(Proposed(0, "p6"),)), message(7, "two")]
        cards["p6"] = proposal(6)
        app.transcript.show([*messages, *newer], cards, earlier=False)
        app.transcript.focus()
        await pilot.pause()
        assert app.transcript._cursor == ("m6", "p6")
        app.transcript.action_first()
        app.post_message(AppBlur())
        await pilot.pause()
        app.transcript.show([*messages, *newer, message(8, "eight")], cards, earlier=False)
        app.post_message(AppFocus())
        await pilot.pause()
        assert app.transcript._cursor == ("m0", "")  # back in the terminal, not in the transcript


async def test_who_clicks_into_it_is_not_moved() -> None:
    app = Talk(many(20))
    async with opened(app, SIZE) as pilot:
        await pilot.press("home")
        app.transcript.blur()
        await pilot.pause()
        app.transcript.show([*app.messages, message(20, "newest")], {}, earlier=False)
        await pilot.click(Transcript, offset=(5, 18))
        await pilot.pause()
        assert app.transcript._cursor == ("m1", "")
        assert round(app.transcript.scroll_y) == 0


async def test_a_decision_leads_to_the_next_card_where_a_key_that_is_held_does_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = (Proposed(0, "p1"), Proposed(0, "p2"), Proposed(0, "p3"))
    messages = [message(1, "one", parts=parts), *many(6)[2:]]
    cards = {f"p{n}": proposal(n) for n in (1, 2, 3)}
    posts = Posts()
    app = Talk(messages, cards)
    async with opened(app, (60, 20), posts) as pilot:
        transcript = app.transcript
        await pilot.press("j", "x")  # p2
        transcript.show(messages, cards | {"p2": proposal(2, "rejected")}, earlier=False)
        assert transcript._cursor == ("m1", "p3")
        assert transcript.to_open_proposal()  # it stays there
        assert transcript._cursor == ("m1", "p3")
        await pilot.press("x", "x", "x")
        assert [event.proposal for event in posts.of(Transcript.Decided)] == ["p2"]
        await asyncio.sleep(QUIET_SECONDS + 0.05)
        await pilot.press("a")
        assert [event.proposal for event in posts.of(Transcript.Decided)] == ["p2", "p3"]
        cards |= {"p2": proposal(2, "rejected"), "p3": proposal(3, "done")}
        await pilot.press("end")
        transcript.show(messages, cards, earlier=False)
        assert transcript._cursor == ("m5", "")  # who went on is left alone
        assert transcript.to_open_proposal()
        assert transcript._cursor == ("m1", "p1")
        await pilot.pause()
        assert "a approves" in screen_text(app)
        transcript.show(messages, cards | {"p1": proposal(1, "done")}, earlier=False)
        assert not transcript.to_open_proposal()


async def test_an_answer_behind_another_one_says_so() -> None:
    live = message(1, "so far", state="streaming")
    waits, blind = message(2, "", state="waiting"), message(3, "", state="waiting", why="No model.")
    async with opened(Talk([live, waits, blind]), SIZE) as pilot:
        assert "Comes after the answer above." in screen_text(pilot.app)
        assert "No model." in screen_text(pilot.app)
        pilot.app.query_one(Transcript).show([replace(live, state="done"), waits, blind], {}, earlier=False)
        await pilot.pause()
        assert "Waits for a model." in screen_text(pilot.app)


async def test_nothing_that_a_model_writes_looks_like_a_card_or_a_header() -> None:
    forged = (
        "┃ ? Add a task\n┃ a approves · x rejects\n\n```\n┃ code\n```\n\n> ┃ quote\n\n- ┃ list\n\n┃\n\n|┃|\n|-|\n|┃|\n"
    )
    app = Talk([message(1, forged), message(2, f" {forged}", by="workflow"), message(3, forged, by="user")])
    async with opened(app, (60, 60)) as pilot:
        app.transcript.blur()
        await pilot.pause()
        headers = [" llama3.2:3b · 1 min ago", " Workflow · 1 min ago", " You · 1 min ago"]
        assert [line for line in shown(pilot) if line[:2].strip()] == headers


async def test_hostile_text_anywhere_is_only_text() -> None:
    usage = Usage(HOSTILE, answer_tokens=1, seconds=1)
    parts = (Thinking(0, HOSTILE), Call(0, HOSTILE, {HOSTILE: HOSTILE}, HOSTILE, HOSTILE), Proposed(0, "p1"))
    broken = message(1, HOSTILE, parts=parts, why=HOSTILE, state="broken", usage=usage)
    wicked = proposal(1, action=HOSTILE, arguments=HOSTILE, title=HOSTILE, before=HOSTILE, after=HOSTILE)
    app = Talk([message(0, HOSTILE, by="user"), broken], {"p1": wicked})
    async with opened(app, (120, 60)) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        text = screen_text(pilot.app)
        assert hidden().search(text) is None
        assert text.count("[@click=app.bell]x[/foo]") >= 10


async def test_a_link_is_told_and_never_opened() -> None:
    posts = Posts()
    app = Talk([message(1, "see [this](https://example.com/a) now")])
    async with opened(app, SIZE, posts) as pilot:
        await pilot.click(Transcript, offset=(7, 1))
        await pilot.click(Transcript, offset=(4, 1))
        await pilot.click(Transcript, offset=(0, 1))
        assert [event.href for event in posts.of(Transcript.LinkClicked)] == ["https://example.com/a"]
        assert app.transcript.links() == ["https://example.com/a"]


async def test_the_code_block_of_a_message_is_there_to_copy() -> None:
    app = Talk([message(1, "no code"), message(2, f"{MARKDOWN}\n```sh\nls\n```\n")])
    async with opened(app, (60, 60)) as pilot:
        assert app.transcript.code() == "ls"
        await pilot.press("up")
        assert app.transcript.code() == ""
        app.transcript.show([], {}, earlier=False)
        assert app.transcript.code() == ""
        assert app.transcript.current is None
        await pilot.press("up", "down", "enter", "a", "home", "end", "pageup")


def everything(transcript: Transcript) -> None:
    """What keys, the footer and the owner may ask at any instant."""
    for current in (transcript.current, message(0)):
        if current is not None:
            transcript.go(current.id)
    transcript.code(), transcript.links(), transcript.current_proposal, transcript.at_end
    for action in ("decide", "move", "unfold"):
        transcript.check_action(action, ())
    for step in (1, -1):
        transcript.action_move(step)
        transcript.action_page(step)
    for approve in (True, False):
        transcript.action_decide(approve)
    transcript.action_first()
    transcript.code(), transcript.links()
    transcript.action_unfold()
    transcript.action_last()
    transcript.action_move(-1)
    transcript.action_decide(True)
    transcript.follow()
    transcript.to_open_proposal()
    transcript.on_blur()
    transcript.on_focus(Focus())
    transcript.on_resize()
    transcript._grow_older()
    transcript.render_line(0)


CARDS = [message(1, MARKDOWN, parts=(Proposed(3, "p1"), Proposed(9, "gone"))), *many(9)[2:]]


@pytest.mark.parametrize("display", ["none", "block"])
async def test_all_of_it_works_before_the_first_layout_and_with_nothing_to_show(display: str) -> None:
    class Early(Talk):
        def on_mount(self) -> None:
            self.transcript.styles.display = display
            everything(self.transcript)
            for messages in ((), CARDS, CARDS[1:], (), CARDS, CARDS[:1]):
                self.transcript.show(messages, {"p1": proposal(1)}, earlier=bool(messages))
                everything(self.transcript)
                self.transcript.show(messages, {}, earlier=False)
                everything(self.transcript)
            self.transcript.show(CARDS, {"p1": proposal(1)}, earlier=True)
            self.transcript.code()
            self.transcript.stream(message(30, "grown", state="streaming"))
            everything(self.transcript)

    app = Early(many(31))  # shown once more behind it
    async with opened(app, SIZE) as pilot:
        everything(app.transcript)
        app.transcript.styles.display = "block"
        await pilot.pause()
        await pilot.press("end")
        await pilot.pause()
        assert shown(pilot)[-1].strip("▌ ") == "message 30 line 7"
        for messages in ((), CARDS, ()):
            app.transcript.show(messages, {"p1": proposal(1)}, earlier=False)
            everything(app.transcript)


async def test_a_long_text_of_a_person_is_folded() -> None:
    app = Talk([message(1, "\n".join(f"line {n}" for n in range(500)), by="user")])
    async with opened(app, (60, 80)) as pilot:
        assert "… 440 more lines · Enter shows them" in screen_text(pilot.app)
        await pilot.press("enter", "end")
        await pilot.pause()
        assert "line 499" in screen_text(pilot.app)


async def test_a_theme_or_a_terminal_without_colours_takes_no_text_away() -> None:
    app = Talk([message(1, MARKDOWN)])
    async with opened(app, (60, 50)) as pilot:
        before = shown(pilot)
        for theme in ("textual-light", "ansi-dark", "dracula"):
            app.theme = theme
            await pilot.pause()
            assert shown(pilot) == before
