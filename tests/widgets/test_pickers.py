from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button

from pipetui.engine.cards import Card
from pipetui.engine.fields import Field, Group, Text
from pipetui.engine.pickers import DateRange, MultiChoice, Secret, TablePick
from pipetui.widgets.card import CardView
from pipetui.widgets.fields import FieldInput
from pipetui.widgets.pickers import PickList, SecretBox

from .helpers import HIDDEN, HOSTILE, Host, Posts, screen_text, step

MANY = MultiChoice([(f"f{number}", f"Field {number}") for number in range(5_000)])
FEW = MultiChoice(["red", "green", "blue"])
SITES = TablePick(["slug", "name"], [[f"site-{number}", f"Site number {number}"] for number in range(1_000)])
FREE = TablePick(["slug", "name"], SITES.rows[:20], free=True)
LOGIN = Group(user=Text(), token=Secret("botify"))


async def press(pilot: Pilot[None], *keys: str) -> None:
    """One key at a time, as a person does: a key may move the focus."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


async def focused(pilot: Pilot[None]) -> FieldInput:
    shown = pilot.app.query_one(FieldInput).focus()
    await pilot.pause()
    return shown


@pytest.mark.parametrize(
    ("field", "given", "keys", "submitted"),
    [
        (FEW, None, ["space"], ["red"]),
        (FEW, None, ["down", "space", "up", "space"], ["red", "green"]),
        (FEW, ["green"], ["down", "space"], []),
        (FEW, ["blue", "gone"], [], ["blue"]),
        (MANY, None, [*"4999", "down", "space"], ["f4999"]),
        (MANY, ["f7"], [*"field", "space", *"42", "enter", "space"], ["f7", "f42"]),
        (MANY, None, [*"17", "backspace", "down", "space"], ["f1"]),
        (MANY, None, [*"f99", "down", "space", "backspace", "backspace", "8", "down", "space"], ["f8", "f99"]),
        (MANY, None, [*"nowhere", "down"], []),
        (SITES, None, [], ""),
        (SITES, None, ["down"], "site-0"),
        (SITES, None, [*"number", "space", *"77"], "site-77"),
        (SITES, None, [*"77", "down", "down"], "site-177"),
        (SITES, None, [*"nowhere"], ""),
        (SITES, "site-500", ["down"], "site-501"),
        (SITES, None, ["end", "pageup", "end"], "site-999"),
        (FREE, None, [*"site-1"], "site-1"),
        (FREE, None, [*"new one"], "new one"),
        (FREE, None, [*"number", "down", "down"], "site-1"),
        (FREE, "another", ["s"], "anothers"),
        (DateRange(), {"start": "2026-01-01", "end": "2026-01-31"}, ["backspace", "0"], "2026-01-01..2026-01-30"),
        (Secret("botify"), "never prefilled", [*"tok-1"], "tok-1"),
        (LOGIN, None, ["a", "enter", "t"], {"user": "a", "token": "t"}),
    ],
)
async def test_keys_and_what_they_submit(field: Field, given: Any, keys: list[str], submitted: Any) -> None:
    posts = Posts()
    given = field.editable(given) if isinstance(given, dict) else given
    async with Host(lambda: FieldInput(field, given)).run_test(message_hook=posts) as pilot:
        await focused(pilot)
        await press(pilot, *("space" if key == " " else key for key in keys))
        await pilot.press("ctrl+g")
        assert [message.given for message in posts.of(FieldInput.Submitted)] == [submitted]


@pytest.mark.parametrize(
    ("field", "keys"),
    [(MANY, ["down"]), (FEW, []), (SITES, [*"77"]), (SITES, ["down"]), (FREE, ["x"]), (DateRange(), []),
     (Secret("botify"), ["x"])],
)  # fmt: skip
async def test_enter_submits(field: Field, keys: list[str]) -> None:
    posts = Posts()
    async with Host(lambda: FieldInput(field)).run_test(message_hook=posts) as pilot:
        await focused(pilot)
        await press(pilot, *keys, "enter")
        assert len(posts.of(FieldInput.Submitted)) == 1


@pytest.mark.parametrize("field", [MANY, FEW, SITES, DateRange(), Secret("botify")])
async def test_the_button_is_one_tab_away(field: Field) -> None:
    async with Host(lambda: FieldInput(field)).run_test() as pilot:
        await focused(pilot)
        await press(pilot, "tab")
        assert isinstance(pilot.app.focused, Button)


async def test_five_thousand_options_are_few_widgets_and_those_in_sight_are_drawn() -> None:
    async with Host(lambda: FieldInput(MANY, ["f3"])).run_test(size=(80, 24)) as pilot:
        await focused(pilot)
        assert len(list(pilot.app.screen.walk_children())) < 15
        assert "● Field 3 " in " ".join(screen_text(pilot.app).split()) + " "
        assert "1 chosen · 5,000 in all" in screen_text(pilot.app)
        await press(pilot, "end", "space")
        text = screen_text(pilot.app)
        assert "Field 4999" in text
        assert "Field 3 " not in text
        assert "2 chosen" in text
        await press(pilot, "home", "up")
        assert not isinstance(pilot.app.focused, PickList)


async def test_the_chosen_can_be_found_and_taken_back() -> None:
    async with Host(lambda: FieldInput(MANY, ["f3", "f4000"])).run_test(size=(80, 24)) as pilot:
        shown = await focused(pilot)
        await press(pilot, "ctrl+t")
        text = screen_text(pilot.app)
        assert "Field 3 " in text
        assert "Field 4000" in text
        assert "Field 5 " not in text
        assert "only the chosen are shown" in text
        await press(pilot, "space")
        assert shown.given == ["f4000"], "a row is under the cursor from the start"
        assert "Field 3 " in screen_text(pilot.app)
        await press(pilot, "ctrl+t")
        assert "Field 5 " in screen_text(pilot.app)


async def test_changes_are_told_once_and_drafts_keep_the_list() -> None:
    posts = Posts()
    async with Host(CardView(Card(step(1, "Fields"), 1, "active", field=MANY))).run_test(message_hook=posts) as pilot:
        pilot.app.query_one(CardView).expanded = True
        await pilot.pause()
        await focused(pilot)
        assert posts.of(CardView.Drafted) == []
        await press(pilot, *"42", "down", "space", "down")
        assert [message.given for message in posts.of(CardView.Drafted)] == [["f42"]]


async def test_columns_of_a_table_fit_eighty_columns() -> None:
    rows = [[f"site-{number}", "word " * 40, f"https://example.com/{'x' * 60}", "2026-01-01"] for number in range(20)]
    field = TablePick(["slug", "name", "address", "last day"], rows)
    async with Host(lambda: FieldInput(field)).run_test(size=(80, 24)) as pilot:
        await focused(pilot)
        lines = screen_text(pilot.app).splitlines()
        header = next(line for line in lines if "slug" in line)
        assert header.split() == ["slug", "name", "address", "last", "day"]
        assert "2026-01-01" in lines[lines.index(header) + 1]


# Secrets ----------------------------------------------------------------------------------------------------------


async def test_a_secret_is_masked_pasted_and_cannot_be_copied() -> None:
    async with Host(lambda: FieldInput(Secret("botify"), "old")).run_test(size=(80, 12)) as pilot:
        shown = await focused(pilot)
        assert shown.given == ""
        pilot.app.screen.post_message(events.Paste(" tok-123\n"))
        await pilot.pause()
        assert shown.given == "tok-123"
        text = screen_text(pilot.app)
        assert "•••••••" in text
        assert "tok" not in text
        await press(pilot, "ctrl+a", "home", "shift+end", "ctrl+c", "ctrl+x")
        assert pilot.app.clipboard == ""
        assert shown.given == ""


async def test_without_unicode_the_mask_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.widgets.pickers.has_unicode", lambda: False)
    async with Host(lambda: FieldInput(Secret("botify"))).run_test(size=(80, 12)) as pilot:
        await focused(pilot)
        await press(pilot, *"abc")
        assert "***" in screen_text(pilot.app)


@pytest.mark.parametrize(
    ("field", "keys"), [(Secret("botify"), [*"tok"]), (LOGIN, ["a", "enter", *"tok", "shift+tab", "b"])]
)
async def test_what_is_typed_with_a_secret_is_no_draft(field: Field, keys: list[str]) -> None:
    posts = Posts()
    async with Host(CardView(Card(step(1, "Token"), 1, "active", field=field))).run_test(message_hook=posts) as pilot:
        view = pilot.app.query_one(CardView)
        view.expanded = True
        await pilot.pause()
        await focused(pilot)
        await press(pilot, *keys)
        assert posts.of(FieldInput.Changed)
        assert posts.of(CardView.Drafted) == []
        assert view.given is None
        await press(pilot, "ctrl+g")
        submitted = posts.of(CardView.Submitted)[0].given
        assert "tok" in (submitted if isinstance(submitted, str) else submitted["token"])


# What comes from outside ------------------------------------------------------------------------------------------


async def test_hostile_options_and_rows_are_plain() -> None:
    field = Group(
        many=MultiChoice([(f"{number} {HOSTILE}", HOSTILE) for number in range(20)], hint=HOSTILE),
        site=TablePick([HOSTILE, "b"], [[f"{HOSTILE} {number}", HOSTILE] for number in range(20)], hint=HOSTILE),
        token=Secret(HOSTILE, hint=HOSTILE),
    )
    posts = Posts()
    async with Host(lambda: FieldInput(field)).run_test(size=(200, 50), message_hook=posts) as pilot:
        shown = await focused(pilot)
        await press(pilot, "space", "down", "space")
        pilot.app.query_one(SecretBox).focus()
        await pilot.pause()
        text = screen_text(pilot.app)
        assert text.count("[@click=app.bell]x[/foo] ␛[31mred") > 20
        assert not any(character in text for character in HIDDEN)
        assert shown.given["many"] == [f"{number} {HOSTILE}" for number in (0, 1)]


async def test_an_error_stands_under_a_range() -> None:
    async with Host(lambda: FieldInput(DateRange(), "yesterday")).run_test(size=(80, 10)) as pilot:
        shown = await focused(pilot)
        assert "2026-01-01..2026-01-31, or 30 days" in screen_text(pilot.app)
        shown.show_error("The first day is after the last.")
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[1].strip() == "The first day is after the last."


async def test_a_list_narrowed_far_down_shows_its_matches() -> None:
    async with Host(lambda: FieldInput(MANY)).run_test(size=(80, 24)) as pilot:
        await focused(pilot)
        await press(pilot, "end")
        await press(pilot, *"4999")
        text = screen_text(pilot.app)
        assert "Field 4999" in text
        assert "1 of 5,000 match" in text
        await press(pilot, *["backspace"] * 4)
        assert "match" not in screen_text(pilot.app)
        assert "Field " in screen_text(pilot.app)


async def test_a_free_table_says_what_enter_takes() -> None:
    async with Host(lambda: FieldInput(FREE)).run_test(size=(80, 24)) as pilot:
        shown = await focused(pilot)
        assert "type or paste it, or go down to a row" in screen_text(pilot.app)
        await press(pilot, *"site-1")
        assert "Enter takes what you typed · 11 of the 20 rows match: down goes to them" in screen_text(pilot.app)
        assert shown.given == "site-1"
        await press(pilot, "down", "down")
        assert "11 of 20 match" in screen_text(pilot.app) and shown.given == "site-10"
        await press(pilot, *"xyz")
        assert "Enter takes what you typed · none of the 20 rows match" in screen_text(pilot.app)
        assert "slug" not in screen_text(pilot.app), "no empty table"
        assert shown.given == "site-1xyz"
        await press(pilot, *["backspace"] * 3, "9")
        assert "Enter takes site-19" in screen_text(pilot.app) and shown.given == "site-19", "the only one"
        await press(pilot, *["backspace"] * 7)
        assert "slug" in screen_text(pilot.app) and "20 rows" in screen_text(pilot.app)


async def test_a_free_table_without_rows_is_a_text_field() -> None:
    async with Host(lambda: FieldInput(TablePick(["slug"], free=True))).run_test(size=(80, 24)) as pilot:
        shown = await focused(pilot)
        await press(pilot, *"any")
        assert shown.given == "any" and "slug" not in screen_text(pilot.app)
        await press(pilot, "tab")
        assert isinstance(pilot.app.focused, Button)
