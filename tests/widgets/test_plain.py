import pytest
from textual.content import Content

from pipetui.widgets.marks import JOBS, LOCKED, LOOKS
from pipetui.widgets.plain import Plain, fitted, line, plain, spread

from .helpers import HIDDEN, HOSTILE, Host, screen_text


def test_data_becomes_content_without_markup_or_hidden_characters() -> None:
    for content in (plain(HOSTILE), line(HOSTILE)):
        assert content.plain.startswith("[@click=app.bell]x[/foo] ␛[31mred")
        assert not content.spans
        assert not any(character in content.plain for character in HIDDEN)


def test_plain_keeps_lines_and_line_does_not() -> None:
    assert plain("a\nb").plain == "a\nb"
    assert line("a\nb").plain == "a ⏎ b"


@pytest.mark.parametrize(
    ("left", "right", "width", "shown"),
    [
        ("left", "right", 20, "left           right"),
        ("a long text on the left", "right", 20, "a long text o… right"),
        ("漢字漢字漢字漢字漢字", "right", 20, "漢字漢字漢字 … right"),
        ("a long text", "right", 10, "a long te…"),
        ("left", "", 20, "left"),
    ],
)
def test_spread_puts_two_texts_at_the_ends_of_a_line(left: str, right: str, width: int, shown: str) -> None:
    assert spread(Content(left), Content(right), width).plain == shown


def test_fitted_survives_no_width() -> None:
    assert fitted(Content("text"), 0).plain == ""


ALL = {**LOOKS, "cancelled": JOBS["cancelled"], "locked": LOCKED}


@pytest.mark.parametrize("state", list(ALL))
def test_every_mark_is_one_cell_wide_and_has_an_ascii_twin(state: str) -> None:
    assert Content(ALL[state].mark).cell_length == 1
    assert ALL[state].ascii.isascii() and len(ALL[state].ascii) == 1


def test_marks_tell_the_states_apart() -> None:
    assert len({look.mark for look in ALL.values()}) == len({look.ascii for look in ALL.values()}) == len(ALL)


async def test_plain_shows_text_as_it_is_and_takes_another() -> None:
    shown = Plain(HOSTILE)
    async with Host(shown).run_test(size=(120, 8)) as pilot:
        assert "[@click=app.bell]x[/foo] ␛[31mred" in screen_text(pilot.app)
        shown.update("two\nlines [b]")
        await pilot.pause()
        assert shown.size.height == 2
        assert "lines [b]" in screen_text(pilot.app)
        assert not any(character in screen_text(pilot.app) for character in HIDDEN)


async def test_an_update_of_the_same_size_lays_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Plain("before")
    async with Host(shown).run_test() as pilot:
        asked = []
        refresh = shown.refresh

        def noted(*regions: object, **more: bool) -> Plain:
            asked.append(more.get("layout", False))
            return refresh(**more)

        monkeypatch.setattr(shown, "refresh", noted)
        shown.update("after!")
        await pilot.pause()
        assert "after!" in screen_text(pilot.app)
        assert asked == [False]
        shown.update("after!")
        assert asked == [False]
        shown.update("one\ntwo")
        assert asked == [False, True]


async def test_a_long_text_is_capped() -> None:
    async with Host(Plain("x" * 100_000, limit=100)).run_test(size=(80, 10)) as pilot:
        assert "more)" in screen_text(pilot.app)
