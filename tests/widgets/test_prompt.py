"""The prompt: what is sent, what is shown, completion, recall."""

import time
from collections.abc import Sequence

from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Input

from pipetui.widgets.prompt import CandidateList, Prompt, PromptBox

from .helpers import HIDDEN, HOSTILE, Posts, screen_text

COMMANDS = {"/help": "", "/tasks add ": "Add a task.", "/tasks list": f"All {HOSTILE}"} | {
    f"/runs {n}": "" for n in range(9)
}


def complete(text: str) -> Sequence[str | tuple[str, str]]:
    return [(known, help) if help else known for known, help in COMMANDS.items() if known.startswith(text)]


class Host(App[None]):
    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.prompt = Prompt(text, placeholder=f"Ask {HOSTILE}", complete=complete)

    def compose(self) -> ComposeResult:
        yield self.prompt
        yield Input()

    def on_mount(self) -> None:
        self.prompt.focus()


async def test_enter_sends_and_other_keys_make_lines() -> None:
    posts = Posts()
    app = Host()
    async with app.run_test(message_hook=posts) as pilot:
        await pilot.press("h", "i", "ctrl+j", "y", "o", "u", "shift+enter", "!", "enter")
        assert [event.text for event in posts.of(Prompt.Sent)] == ["hi\nyou\n!"]
        assert app.prompt.text == "hi\nyou\n!"  # the owner takes it away when it is kept
        app.prompt.clear()
        assert app.prompt.text == ""
        await pilot.press("enter")
        assert posts.of(Prompt.Sent)[-1].text == ""


async def test_it_grows_with_the_text_and_then_scrolls() -> None:
    app = Host()
    async with app.run_test(size=(40, 24)) as pilot:
        heights = []
        for _ in range(12):
            await pilot.pause()
            heights.append(app.query_one(PromptBox).size.height)
            await pilot.press("x", "ctrl+j")
        assert heights == [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8]
        app.prompt.text = "long " * 12
        await pilot.pause()
        assert app.query_one(PromptBox).size.height == 2


async def test_a_big_paste_is_quick_and_comes_back_whole() -> None:
    text = "\n".join(f"line {n} of what was pasted" for n in range(10_000))
    app = Host("before ")
    async with app.run_test() as pilot:
        begun = time.process_time()
        app.query_one(PromptBox).post_message(events.Paste(text))
        await pilot.pause()
        assert time.process_time() - begun < 2
        assert app.prompt.text == f"before {text}"
        assert "line 9999" in screen_text(app)
        begun = time.process_time()
        await pilot.press("x")
        assert time.process_time() - begun < 0.5
        assert app.prompt.text == f"before {text}x"


async def test_what_is_pasted_is_shown_safe_and_sent_as_it_came() -> None:
    posts = Posts()
    app = Host()
    async with app.run_test(size=(120, 24), message_hook=posts) as pilot:
        assert not any(character in screen_text(app) for character in HIDDEN)  # the placeholder's
        raw = HOSTILE.replace("\ud800", "")
        for pasted in (raw, "plain", raw):
            app.query_one(PromptBox).post_message(events.Paste(pasted))
            await pilot.pause()
            await pilot.press("ctrl+j")
        assert not any(character in screen_text(app) for character in HIDDEN)
        assert "␛[31mred" in screen_text(app)
        await pilot.press("enter")
        assert posts.of(Prompt.Sent)[-1].text == f"{raw}\nplain\n{raw}\n"


async def test_tab_takes_the_candidate_and_else_goes_on() -> None:
    app = Host()
    async with app.run_test() as pilot:
        assert "Enter sends · Ctrl+J new line" in screen_text(app)
        await pilot.press(*"/ta")
        await pilot.pause()
        assert screen_text(app).splitlines()[:2] == [
            " ▸ /tasks add   Add a task.",
            "   /tasks list  All [@click=app.bell]x[/foo] ␛[31mred ⟨U+009B⟩2J ⟨U+202E⟩gpj.e…",
        ]
        assert "Tab takes it" in screen_text(app)
        await pilot.press("tab")
        await pilot.pause()
        assert app.prompt.text == "/tasks add "
        assert app.focused is app.query_one(PromptBox)
        await pilot.press("x", "tab")
        assert isinstance(app.focused, Input)
        app.prompt.focus()
        app.prompt.text = "tell /ta"
        await pilot.pause()
        assert "Enter sends · Ctrl" in screen_text(app)


async def test_a_candidate_is_chosen_or_the_list_is_closed() -> None:
    posts = Posts()
    app = Host()
    async with app.run_test(message_hook=posts) as pilot:
        await pilot.press(*"/runs", "down", "down", "up", "up", "up")
        await pilot.pause()
        rows = [row for row in screen_text(app).splitlines() if "/runs " in row]
        assert rows == [*(f"   /runs {n}" for n in range(3, 8)), " ▸ /runs 8"]
        await pilot.press("tab")
        assert app.prompt.text == "/runs 8"
        app.prompt.clear()
        await pilot.press(*"/ta", "escape")
        await pilot.pause()
        assert not app.prompt.candidates
        assert "/tasks add" not in screen_text(app)
        assert app.query_one(PromptBox).region.y == 0
        await pilot.press("up")
        assert [event.step for event in posts.of(Prompt.Recalled)] == [-1]
        app.prompt.text = "/t"  # it comes back, and is not typed
        await pilot.press("down")
        assert [event.step for event in posts.of(Prompt.Recalled)] == [-1, 1]
        await pilot.press("a", "enter")
        assert len(app.prompt.candidates) == 2
        assert posts.of(Prompt.Sent)[-1].text == "/ta"  # as it was typed


async def test_a_click_takes_what_a_command_may_become() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"/runs", "up")  # the last of nine: the list is scrolled
        await pilot.pause()
        app.query_one(Input).focus()
        await pilot.click(CandidateList, offset=(5, 1))
        await pilot.pause()
        assert app.prompt.text == "/runs 4"
        assert not app.prompt.candidates
        await pilot.press("!")
        assert app.prompt.text == "/runs 4!"


async def test_the_hint_is_drawn_anew_when_it_changes() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.prompt.hint = "Esc stops the answer"
        await pilot.pause()
        assert "Esc stops the answer" in screen_text(app)
        assert "Enter sends" not in screen_text(app)


async def test_ctrl_u_clears_the_line_and_then_all() -> None:
    app = Host("one\ntwo\nthree")
    async with app.run_test() as pilot:
        await pilot.press("left", "left", "ctrl+u")
        assert app.prompt.text == "one\ntwo\nee"
        await pilot.press("ctrl+u")
        assert app.prompt.text == ""
        await pilot.press("ctrl+u", "ctrl+z")
        assert app.prompt.text == "one\ntwo\nee"


async def test_up_on_the_first_line_and_down_on_the_last_ask_for_other_texts() -> None:
    posts = Posts()
    app = Host("one\ntwo")
    async with app.run_test(message_hook=posts) as pilot:
        await pilot.press("up", "up", "up", "down", "down", "down")
        assert [event.step for event in posts.of(Prompt.Recalled)] == [-1, -1, 1, 1]


async def test_it_is_still_when_nothing_happens() -> None:
    app = Host("text")
    async with app.run_test() as pilot:
        await pilot.pause()
        assert not app.query_one(PromptBox).cursor_blink
