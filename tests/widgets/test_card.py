from dataclasses import replace

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from pipetui.engine.cards import FINALIZE, Card
from pipetui.engine.jobs import JobView, Progress, Question
from pipetui.engine.views import Text
from pipetui.widgets.card import CardView
from pipetui.widgets.fields import FieldInput, Options
from pipetui.widgets.marks import LOOKS, has_unicode
from pipetui.widgets.progress import ProgressLine
from pipetui.widgets.views import TextView

from .helpers import ASKING, CARDS, FAILED, HIDDEN, HOSTILE, NAME, OPTIONS, RUNNING, Host, Posts, screen_text, step

ACTIVE = Card(step(1, "Your name"), 1, "active", field=NAME, prefill="")
DONE = Card(step(1, "Your name"), 1, "done", field=NAME, summary="Ada", can_revert=True)
JOB = Card(step(2, "Fetch"), 2, "active", has_job=True)
RUNS = Card(step(2, "Fetch"), 2, "running", job=RUNNING, has_job=True)
STALE = Card(step(2, "Fetch"), 2, "stale", has_job=True, field=NAME, prefill="x", summary="12 pages")
ASKS = Card(step(2, "Fetch"), 2, "waiting", job=ASKING, has_job=True, reason="Was it started?", prefill="")
CANCELLED = JobView("job-6", "step_02", "cancelled", error="Cancelled. What it finished is kept.")
FAILS = Card(step(2, "Fetch"), 2, "failed", job=FAILED, has_job=True, reason=FAILED.error)
BROKEN = Card(step(2, "Fetch"), 2, "broken", reason="KeyError: 'url'")
LAST = Card(FINALIZE, 3, "active")


async def opened(pilot: Pilot[None]) -> CardView:
    view = pilot.app.query_one(CardView)
    view.expanded = True
    await pilot.pause()
    return view


async def test_a_closed_card_is_one_widget_and_one_line() -> None:
    async with Host(*(CardView(card) for card in CARDS * 5)).run_test(size=(80, 24)) as pilot:
        views = list(pilot.app.query(CardView))
        assert len(views) == 60
        assert {view.size.height for view in views} == {1}
        views[4].expanded = True
        await pilot.pause()
        assert len(list(pilot.app.screen.walk_children())) < 80


@pytest.mark.parametrize("width", [30, 80, 120])
async def test_every_state_is_told_without_colour(width: int) -> None:
    words = {"running": "running", "waiting": "asks you", "failed": "failed", "stale": "to confirm", "broken": "broken",
             "skipped": "skipped", "editing": "editing", "not_applicable": "does not apply"}  # fmt: skip
    async with Host(*map(CardView, CARDS)).run_test(size=(width, len(CARDS))) as pilot:
        for card, text in zip(CARDS, screen_text(pilot.app).splitlines(), strict=True):
            assert f"{card.number:>3} {LOOKS[card.state].mark}  " in text
            assert text.endswith(words.get(card.state, ""))
            assert len(text) <= width


async def test_a_cancelled_job_reads_so_and_offers_another_try() -> None:
    card = replace(FAILS, job=CANCELLED, reason=CANCELLED.error, field=NAME, can_revert=True)
    async with Host(CardView(card)).run_test(size=(100, 8)) as pilot:
        view = await opened(pilot)
        text = screen_text(pilot.app)
        assert "  2 ⊘  Fetch" in text and text.splitlines()[0].endswith("cancelled") and "failed" not in text
        assert "Cancelled. What it finished is kept." in text
        assert "Enter tries again · r changes the input" in text
        assert not view.query(".error")


@pytest.mark.parametrize("is_open", [False, True])
async def test_hostile_text_is_plain_in_every_state(is_open: bool) -> None:
    job = JobView(HOSTILE, "step_01", "running", Progress(1, 2, HOSTILE), Question(HOSTILE, NAME, HOSTILE), HOSTILE)
    hostile = Card(
        step(1, HOSTILE), 1, "active", summary=HOSTILE, reason=HOSTILE, field=NAME, prefill=HOSTILE, job=job
    )  # fmt: skip
    cards = [replace(hostile, state=card.state) for card in CARDS]
    async with Host(*map(CardView, cards)).run_test(size=(200, 120)) as pilot:
        for view in pilot.app.query(CardView):
            view.expanded = is_open
            view.show_view(Text(HOSTILE), HOSTILE)
            view.show_error(HOSTILE)
        await pilot.pause()
        await pilot.pause()
        text = screen_text(pilot.app)
        assert text.count("[@click=app.bell]x[/foo] ␛[31mred") >= len(cards) * (2 if is_open else 1)
        assert not any(character in text for character in HIDDEN)


async def test_typing_drafts_and_enter_submits() -> None:
    posts = Posts()
    async with Host(CardView(ACTIVE)).run_test(message_hook=posts) as pilot:
        view = await opened(pilot)
        assert view.focus_input()
        await pilot.press("A", "d", "a", "enter")
        assert [(message.step_id, message.given) for message in posts.of(CardView.Drafted)][-1] == ("step_01", "Ada")
        assert [(message.step_id, message.given) for message in posts.of(CardView.Submitted)] == [("step_01", "Ada")]
        assert view.given == "Ada"


async def test_enter_on_a_closed_card_goes_to_its_input() -> None:
    posts = Posts()
    async with Host(CardView(ACTIVE)).run_test(message_hook=posts) as pilot:
        pilot.app.query_one(CardView).enter()
        await pilot.pause()
        await pilot.press("A")
        assert posts.of(CardView.Drafted)[-1].given == "A"
        assert posts.of(CardView.Submitted) == []


async def test_without_unicode_cards_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locale.getpreferredencoding", lambda do_setlocale=True: "ANSI_X3.4-1968")
    has_unicode.cache_clear()
    try:
        async with Host(*map(CardView, CARDS)).run_test(size=(80, 30)) as pilot:
            await pilot.press("tab")
            for view in list(pilot.app.query(CardView))[3:5]:
                view.expanded = True
            await pilot.pause()
            text = screen_text(pilot.app)
            assert "  4 *  Fetch the pages" in text
            assert "#####..." in text
            assert "".join(sorted(set(text) - set(map(chr, range(128))))) in ("", "·")
    finally:
        has_unicode.cache_clear()


async def test_escape_leaves_the_input_for_the_card() -> None:
    async with Host(CardView(ACTIVE)).run_test() as pilot:
        view = await opened(pilot)
        view.focus_input()
        await pilot.press("A", "escape")
        assert pilot.app.focused is view
        assert view.given == "A"
        assert "escape" not in pilot.app.screen.active_bindings


async def test_what_is_typed_survives_everything_that_does_not_change_the_field() -> None:
    async with Host(CardView(ACTIVE)).run_test() as pilot:
        view = await opened(pilot)
        view.focus_input()
        await pilot.press("A", "d", "a", "left")
        box = pilot.app.query_one(Input)
        view.card = replace(ACTIVE, prefill="Ad", summary="other", reason="The form failed: KeyError.", number=2)
        await pilot.pause()
        assert pilot.app.focused is box
        assert (box.value, box.cursor_position) == ("Ada", 2)
        assert "The form failed: KeyError." in screen_text(pilot.app)
        view.card = replace(ACTIVE, prefill="Ada")
        await pilot.pause()
        assert pilot.app.query_one(Input) is box
        assert "The form failed" not in screen_text(pilot.app)


async def test_an_untouched_input_takes_another_suggestion() -> None:
    async with Host(CardView(replace(ACTIVE, prefill="Hello Ada!"))).run_test() as pilot:
        view = await opened(pilot)
        view.card = replace(ACTIVE, prefill="Hello Bob!")
        await pilot.pause()
        assert view.given == "Hello Bob!"
        view.focus_input()
        await pilot.press("!")
        view.card = replace(ACTIVE, prefill="Hello Eve!")
        await pilot.pause()
        assert view.given == "Hello Bob!!"


async def test_a_card_that_gets_done_keeps_the_focus_and_asks_for_its_view() -> None:
    posts = Posts()
    async with Host(CardView(ACTIVE)).run_test(message_hook=posts) as pilot:
        view = await opened(pilot)
        view.focus_input()
        await pilot.pause()
        view.card = DONE
        await pilot.pause()
        assert pilot.app.focused is view
        assert not pilot.app.query(FieldInput)
        assert [message.step_id for message in posts.of(CardView.ViewWanted)] == ["step_01"]
        view.show_view(None, "Reading …")
        await pilot.pause()
        assert "Reading …" in screen_text(pilot.app)
        view.show_view(Text("the whole story"))
        await pilot.pause()
        assert "Reading …" not in screen_text(pilot.app)
        assert "the whole story" in screen_text(pilot.app)
        assert pilot.app.query_one(TextView).focusable


async def test_progress_changes_a_running_card_in_place() -> None:
    async with Host(CardView(RUNS)).run_test(size=(100, 10)) as pilot:
        assert "31% https://example.com/products" in screen_text(pilot.app)
        view = await opened(pilot)
        shown = pilot.app.query_one(ProgressLine)
        view.card = replace(RUNS, job=replace(RUNNING, progress=Progress(9_000, 10_000, "nearly")))
        await pilot.pause()
        assert pilot.app.query_one(ProgressLine) is shown
        assert "9,000 of 10,000" in screen_text(pilot.app)
        view.card = replace(RUNS, job=replace(RUNNING, cancelling=True))
        await pilot.pause()
        assert "Stopping …" in screen_text(pilot.app)


async def test_a_question_is_answered_and_makes_no_draft() -> None:
    posts = Posts()
    async with Host(CardView(ASKS)).run_test(message_hook=posts) as pilot:
        view = await opened(pilot)
        assert "Was it started?" in screen_text(pilot.app)
        view.enter()
        await pilot.pause()
        assert isinstance(pilot.app.focused, Options)
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        answers = posts.of(CardView.Answered)
        assert [(answer.job_id, answer.name, answer.given) for answer in answers] == [("job-7", "start", "absent")]
        assert posts.of(CardView.Drafted) == []


@pytest.mark.parametrize(
    ("card", "kind", "hint"),
    [
        (JOB, CardView.Started, "Enter starts it."),
        (replace(JOB, step=step(2, "Fetch", paid=True)), CardView.Started, "This is paid work. Enter starts it."),
        (STALE, CardView.Confirmed, "Enter keeps the result · r changes the input"),
        (FAILS, CardView.Retried, "Enter tries again"),
        (replace(FAILS, can_revert=True, field=NAME), CardView.Retried, "Enter tries again · r changes the input"),
        (BROKEN, CardView.Retried, "Enter tries again"),
        (LAST, CardView.Finalized, "Enter finalizes this run"),
    ],
)
async def test_enter_opens_a_card_first_and_then_does_what_the_card_says(
    card: Card, kind: type[CardView.Started], hint: str
) -> None:
    posts = Posts()
    async with Host(CardView(card)).run_test(message_hook=posts) as pilot:
        view = pilot.app.query_one(CardView)
        view.enter()
        await pilot.pause()
        assert view.expanded
        assert posts.of(kind) == []
        assert hint in screen_text(pilot.app)
        view.enter()
        await pilot.pause()
        assert len(posts.of(kind)) == 1


@pytest.mark.parametrize("card", [DONE, RUNS, replace(FAILS, locked=True), replace(LAST, state="done", locked=True)])
async def test_enter_closes_a_card_that_has_nothing_to_start(card: Card) -> None:
    async with Host(CardView(card)).run_test() as pilot:
        view = pilot.app.query_one(CardView)
        view.enter()
        assert view.expanded
        view.enter()
        await pilot.pause()
        assert not view.expanded
        assert view.size.height == 1


async def test_keys_are_called_what_the_user_calls_them() -> None:
    async with Host(CardView(STALE, keys={"revert": "ctrl+e"})).run_test() as pilot:
        await opened(pilot)
        assert "Enter keeps the result · ctrl+e changes the input" in screen_text(pilot.app)


async def test_a_locked_run_looks_locked() -> None:
    locked = replace(LAST, state="done", locked=True, summary="This run is locked.")
    async with Host(CardView(replace(DONE, locked=True)), CardView(locked)).run_test() as pilot:
        for view in pilot.app.query(CardView):
            view.expanded = True
        await pilot.pause()
        text = screen_text(pilot.app)
        assert text.count("locked\n") == 2
        assert "This run is locked. f unlocks it." in text


async def test_finalize_lists_the_problems() -> None:
    async with Host(CardView(replace(LAST, problems=("step_02: no pages", HOSTILE)))).run_test() as pilot:
        await opened(pilot)
        text = screen_text(pilot.app)
        assert "step_02: no pages" in text
        assert "Mend these first" in text


async def test_an_error_of_a_member_is_under_it() -> None:
    card = Card(step(3, "Options"), 3, "active", field=OPTIONS, prefill=OPTIONS.editable(None))
    async with Host(CardView(card)).run_test() as pilot:
        view = await opened(pilot)
        view.show_error("This must be a number.", at="timeout")
        await pilot.pause()
        lines = screen_text(pilot.app).splitlines()
        assert "timeout" in lines[1]
        assert "This must be a number." in lines[2]


async def test_a_card_opened_before_it_is_mounted_has_its_body() -> None:
    view = CardView(BROKEN)
    view.expanded = True
    async with Host(view).run_test() as pilot:
        await pilot.pause()
        assert "KeyError: 'url'" in screen_text(pilot.app)


async def test_a_view_survives_closing_and_its_parts_go() -> None:
    async with Host(CardView(DONE)).run_test() as pilot:
        view = await opened(pilot)
        view.show_view(Text("the story"))
        await pilot.pause()
        view.expanded = False
        await pilot.pause()
        assert not pilot.app.query(TextView)
        view.expanded = True
        await pilot.pause()
        assert "the story" in screen_text(pilot.app)
