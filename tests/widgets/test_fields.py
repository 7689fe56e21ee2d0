import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Button

from pipetui.engine.fields import Choice, Field, Group, Number, Switch, Text, TextArea
from pipetui.widgets.fields import FieldInput, FilteredOptions, LinesBox, Options, TextBox, Toggle

from .helpers import HIDDEN, HOSTILE, OPTIONS, Host, Posts, screen_text

NESTED = Group(name=Text(), proxy=Group(host=Text(), port=Number(8080)))
COUNTRIES = Choice([(f"c{number}", f"Country {number}") for number in range(300)])


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.screen.post_message(events.Paste(text))
    await pilot.pause()


async def test_typing_is_told_and_enter_submits() -> None:
    posts = Posts()
    async with Host(lambda: FieldInput(Text(), "")).run_test(message_hook=posts) as pilot:
        shown = pilot.app.query_one(FieldInput)
        assert posts.of(FieldInput.Changed) == []
        shown.focus()
        await pilot.press("A", "d", "a", "enter")
        assert [message.given for message in posts.of(FieldInput.Changed)] == ["A", "Ad", "Ada"]
        assert [message.given for message in posts.of(FieldInput.Submitted)] == ["Ada"]


@pytest.mark.parametrize(
    ("field", "given", "keys", "submitted"),
    [
        (Text(), "Ada", ["!"], "Ada!"),
        (Number(), "10", ["5"], "105"),
        (TextArea(), "a", ["end", "enter", "b"], "a\nb"),
        (Choice(["red", "green", "blue"]), "red", ["down"], "green"),
        (Choice(["red", "green"]), "", [], ""),
        (COUNTRIES, "", [*"42"], "c42"),
        (COUNTRIES, "", [*"country 1", "down"], "c10"),
        (COUNTRIES, "c299", [], "c299"),
        (COUNTRIES, "", [*"nowhere"], ""),
        (Switch(), False, ["space"], True),
        (Switch(), True, ["n"], False),
        (OPTIONS, None, ["2"], {"timeout": "2", "agent": "pipetui", "robots": True}),
        (NESTED, None, ["x"], {"name": "x", "proxy": {"host": "", "port": "8080"}}),
    ],
)
async def test_one_chord_submits_in_every_field(
    field: Field, given: object, keys: list[str], submitted: object
) -> None:
    posts = Posts()
    async with Host(lambda: FieldInput(field, given)).run_test(message_hook=posts) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.press(*keys)
        await pilot.pause()
        await pilot.press("ctrl+g")
        assert [message.given for message in posts.of(FieldInput.Submitted)] == [submitted]


@pytest.mark.parametrize("field", [Text(), TextArea(), Number(), Choice(["a", "b"]), COUNTRIES, Switch()])
async def test_the_button_is_one_tab_away(field: Field) -> None:
    posts = Posts()
    async with Host(lambda: FieldInput(field)).run_test(message_hook=posts) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.press("tab")
        assert isinstance(pilot.app.focused, Button)
        assert pilot.app.focused.size.height == 1
        await pilot.press("enter")
        await pilot.pause()
        assert len(posts.of(FieldInput.Submitted)) == 1


@pytest.mark.parametrize("field", [Text(), Number(), Choice(["a", "b"]), COUNTRIES, Switch()])
async def test_enter_submits_where_it_is_no_new_line(field: Field) -> None:
    posts = Posts()
    async with Host(lambda: FieldInput(field)).run_test(message_hook=posts) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert len(posts.of(FieldInput.Submitted)) == 1


async def test_enter_walks_through_a_group_and_submits_at_its_end() -> None:
    posts = Posts()
    async with Host(lambda: FieldInput(OPTIONS)).run_test(message_hook=posts) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, TextBox)
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, Toggle)
        assert posts.of(FieldInput.Submitted) == []
        await pilot.press("enter")
        assert [message.given for message in posts.of(FieldInput.Submitted)] == [OPTIONS.editable(None)]


async def test_an_error_stands_under_its_member_and_keeps_what_was_typed() -> None:
    async with Host(lambda: FieldInput(OPTIONS)).run_test(size=(80, 20)) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.press("enter", "end", "x")
        shown.show_error("Too long.", at="timeout")
        await pilot.pause()
        lines = screen_text(pilot.app).splitlines()
        assert "timeout" in lines[0]
        assert lines[1].strip() == "Too long."
        assert shown.given["agent"] == "pipetuix"
        assert isinstance(pilot.app.focused, TextBox)
        assert pilot.app.focused.value == "10"
        await pilot.press("0")
        assert "Too long." not in screen_text(pilot.app)


async def test_an_error_without_a_known_place_stands_below() -> None:
    async with Host(lambda: FieldInput(NESTED)).run_test(size=(80, 20)) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.show_error("Port 0 is refused.", at="proxy.port")
        await pilot.pause()
        lines = screen_text(pilot.app).splitlines()
        assert lines.index(next(line for line in lines if "refused" in line)) == 3
        shown.show_error("All is wrong.", at="nowhere")
        await pilot.pause()
        assert "refused" not in screen_text(pilot.app)
        assert "All is wrong." in screen_text(pilot.app)


async def test_pasted_lines_become_one_line_in_a_text() -> None:
    async with Host(lambda: FieldInput(Text(), "")).run_test() as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.pause()
        await paste(pilot, "one\r\ntwo\n\n three\x1b")
        assert shown.given == "one two three␛"


async def test_ten_thousand_pasted_lines() -> None:
    posts = Posts()
    lines = [f"https://example.com/{number}" for number in range(10_000)]
    async with Host(lambda: FieldInput(TextArea(), "")).run_test(size=(80, 24), message_hook=posts) as pilot:
        shown = pilot.app.query_one(FieldInput)
        shown.focus()
        await pilot.pause()
        await paste(pilot, "\r".join(lines))
        assert shown.given.splitlines() == lines
        assert "10,000 lines" in screen_text(pilot.app)
        assert "https://example.com/9999" in screen_text(pilot.app)
        assert shown.query_one(LinesBox).size.height <= 12
        await pilot.press("x", "ctrl+g")
        assert posts.of(FieldInput.Submitted)[0].given.endswith("/9999x")


@pytest.mark.parametrize("field", [Text(), TextArea()])
async def test_what_cannot_be_shown_comes_back_as_it_was(field: Field) -> None:
    async with Host(lambda: FieldInput(field, HOSTILE)).run_test(size=(120, 10)) as pilot:
        shown = pilot.app.query_one(FieldInput)
        text = screen_text(pilot.app)
        assert "[@click=app.bell]x[/foo] ␛[31mred" in text
        assert not any(character in text for character in HIDDEN)
        assert shown.given == HOSTILE
        shown.focus()
        await pilot.press("end", "!")
        assert not any(character in shown.given for character in HIDDEN)


async def test_hostile_labels_hints_placeholders_and_options_are_plain() -> None:
    field = Group(
        text=Text(label=HOSTILE, hint=HOSTILE, placeholder=HOSTILE),
        lines=TextArea(placeholder=HOSTILE, label=HOSTILE),
        few=Choice([(HOSTILE, HOSTILE), "b"]),
        many=Choice([(str(number), HOSTILE) for number in range(20)]),
    )
    async with Host(lambda: FieldInput(field)).run_test(size=(160, 50)) as pilot:
        shown = pilot.app.query_one(FieldInput)
        for _ in range(4):
            await pilot.press("tab")
            shown.show_error(HOSTILE)
            await pilot.pause()
            text = screen_text(pilot.app)
            assert text.count("[@click=app.bell]x[/foo]") > 8
            assert not any(character in text for character in HIDDEN)


async def test_lines_are_counted_as_the_field_counts_them() -> None:
    given = "one\n\nthree\n\n"
    async with Host(
        lambda: FieldInput(TextArea(), given), lambda: FieldInput(TextArea(blank=True), given)
    ).run_test() as pilot:
        text = screen_text(pilot.app)
        assert "2 lines" in text
        assert "3 lines" in text


async def test_a_draft_of_lines_goes_on_where_it_ended() -> None:
    async with Host(lambda: FieldInput(TextArea(), "one\ntw")).run_test() as pilot:
        shown = pilot.app.query_one(FieldInput).focus()
        await pilot.press("o")
        assert shown.given == "one\ntwo"


async def test_no_choice_is_made_for_the_user() -> None:
    async with Host(lambda: FieldInput(Choice(["a", "b"])), lambda: FieldInput(COUNTRIES)).run_test() as pilot:
        assert pilot.app.query_one(Options).given == ""
        assert pilot.app.query_one(FilteredOptions).given == ""


async def test_a_choice_that_is_not_made_says_how_and_space_begins_it() -> None:
    one = Choice([("new", "Export 6 rows for 6 credits")], hint="this month so far: 0 credits")
    async with Host(lambda: FieldInput(one), lambda: FieldInput(Choice(["a", "b"]))).run_test(size=(120, 30)) as pilot:
        way = "↓ then Enter chooses: Export 6 rows for 6 credits · this month so far: 0 credits"
        assert way in screen_text(pilot.app)
        for key, first, then in (("space", "new", "new"), ("down", "a", "b")):
            shown = pilot.app.query(FieldInput)[0 if key == "space" else 1].focus()
            await pilot.press(key)
            assert shown.given == first
            await pilot.press(key)
            assert shown.given == then
        assert way not in screen_text(pilot.app)


async def test_typing_replaces_a_default_and_goes_on_with_what_was_typed() -> None:
    group = Group(many=Number(3), name=Text(default="red"), more=Number(0))
    async with Host(lambda: FieldInput(group, {"many": "3", "name": "green"})).run_test() as pilot:
        shown = pilot.app.query_one(FieldInput).focus()
        await pilot.press("5", "tab", "x", "tab", "7", "shift+tab", "shift+tab", "0")
        assert shown.given == {"many": "50", "name": "greenx", "more": "7"}
