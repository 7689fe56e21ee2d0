from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Markdown as StockMarkdown

from pipetui.engine.fields import Invalid
from pipetui.engine.views import Markdown, Table, Text, View
from pipetui.widgets.columns import columns_of, fit
from pipetui.widgets.markdown import MarkdownView, rich_part
from pipetui.widgets.plain import Plain
from pipetui.widgets.tables import DataView, TableView
from pipetui.widgets.views import TextView, view_widget, wrapped

from .helpers import HIDDEN, HOSTILE, Host, Posts, screen_text

MILLION = 1_000_000


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of a million rows; every 1,000th has a cell of two lines and a comma."""
    path = tmp_path_factory.mktemp("csv") / "links.csv"
    with path.open("w", newline="") as file:
        file.write("number,url,title\n")
        for thousand in range(MILLION // 1_000):
            first = thousand * 1_000
            file.write(f'{first},https://example.com/{first},"two\nlines, ""quoted"""\n')
            file.writelines(f"{n},https://example.com/{n},Title {n}\n" for n in range(first + 1, first + 1_000))
    return path


async def settled(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def body(pilot: Pilot[None]) -> list[str]:
    return screen_text(pilot.app).splitlines()


async def test_a_million_rows_are_there_at_once_and_right_in_the_middle_and_at_the_end(million: Path) -> None:
    async with Host(view_widget(Table(file=million))).run_test(size=(80, 24)) as pilot:
        assert body(pilot)[0].split() == ["number", "url", "title"]
        assert 'two ⏎ lines, "quoted"' in body(pilot)[1]
        await settled(pilot)
        data = pilot.app.query_one(DataView).focus()
        assert "row 1 of 1,000,000" in screen_text(pilot.app)
        await pilot.press("end")
        await pilot.pause()
        assert "999999  https://example.com/999999  Title 999999" in screen_text(pilot.app)
        assert "row 1,000,000 of 1,000,000" in screen_text(pilot.app)
        assert body(pilot)[0].split() == ["number", "url", "title"]
        data.cursor = 500_000
        await pilot.pause()
        assert '500000  https://example.com/500000  two ⏎ lines, "quoted"' in screen_text(pilot.app)
        await pilot.press("down", "pagedown", "pageup", "up", "up")
        await pilot.pause()
        assert data.cursor == 499_999
        assert "499999  https://example.com/499999  Title 499999" in screen_text(pilot.app)
        await pilot.press("home")
        await pilot.pause()
        assert data.cursor == 0
        assert "0  https://example.com/0 " in screen_text(pilot.app)


async def test_leaving_stops_the_index(million: Path) -> None:
    async with Host(view_widget(Table(file=million))).run_test() as pilot:
        await pilot.app.query_one(TableView).remove()
        await settled(pilot)
        assert not list(pilot.app.query(DataView))


async def test_enter_opens_a_row_in_place_and_escape_comes_back() -> None:
    def detail(row: int) -> View:
        return Text(f"detail of {row} {HOSTILE}")

    table = Table(["a", "b"], [[number, "x"] for number in range(50)], detail=detail)
    posts = Posts()
    async with Host(view_widget(table)).run_test(message_hook=posts) as pilot:
        data = pilot.app.query_one(DataView).focus()
        await pilot.press("down", "down", "enter")
        await settled(pilot)
        assert [message.row for message in posts.of(TableView.Opened)] == [2]
        assert "detail of 2 [@click=app.bell]" in screen_text(pilot.app)
        assert isinstance(pilot.app.focused, TextView)
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.focused is data
        assert data.cursor == 2
        assert "row 3 of 50" in screen_text(pilot.app)


@pytest.mark.parametrize(
    ("error", "said"),
    [(Invalid("This page was not fetched."), "This page was not fetched."), (KeyError("url"), "KeyError: 'url'")],
)
async def test_a_detail_that_fails_says_so(error: Exception, said: str) -> None:
    def detail(row: int) -> View:
        raise error

    async with Host(view_widget(Table(["a"], [[1]], detail=detail))).run_test() as pilot:
        pilot.app.query_one(DataView).focus()
        await pilot.press("enter")
        await settled(pilot)
        assert said in screen_text(pilot.app)


async def test_columns_are_reached_by_left_and_right() -> None:
    table = Table([f"column{number}" for number in range(20)], [[f"cell{number}" for number in range(20)]])
    async with Host(view_widget(table)).run_test(size=(40, 10)) as pilot:
        pilot.app.query_one(DataView).focus()
        await pilot.pause()
        await pilot.press("right", "right")
        await pilot.pause()
        assert body(pilot)[0].startswith("column2")
        assert body(pilot)[1].startswith("cell2")
        await pilot.press("left")
        await pilot.pause()
        assert body(pilot)[0].startswith("column1")
        await pilot.press(*["right"] * 20)
        await pilot.pause()
        assert body(pilot)[0].rstrip().endswith("column19")


async def test_cells_of_any_kind_and_hostile_ones_are_plain() -> None:
    rows = [[HOSTILE, None, 1.5, ["x"], "tab\tend"], [], ["only one"], ["a", "b", "c", "d", "e", "f"]]
    async with Host(view_widget(Table([HOSTILE, "two"], rows))).run_test(size=(160, 12)) as pilot:
        text = screen_text(pilot.app)
        assert text.count("[@click=app.bell]x[/foo]") == 2
        assert "column 6" in text
        assert "row 1 of 4" in text
        assert not any(character in text for character in HIDDEN)


async def test_a_missing_file_and_no_rows_are_said(tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.write_text("a,b\n")
    async with Host(
        view_widget(Table(file=tmp_path / "gone.csv")), view_widget(Table(file=empty)), view_widget(Table(["a"]))
    ).run_test() as pilot:
        await pilot.press("tab", "down", "end", "enter", "home")
        text = screen_text(pilot.app)
        assert "gone.csv can't be read: No such file or directory." in text
        assert text.count("No rows.") == 2


@pytest.mark.parametrize(
    ("is_indexed", "said"),
    [
        (False, "+ · The rest can't be read: No such file or directory."),
        (True, "This row can't be read: No such file or directory."),
    ],
)
async def test_a_file_that_goes_away_is_said_in_its_place(tmp_path: Path, is_indexed: bool, said: str) -> None:
    path = tmp_path / "links.csv"
    path.write_text("a,b\n" + "1,2\n" * 200_000)
    shown = view_widget(Table(file=path))
    if not is_indexed:
        path.unlink()
    async with Host(shown).run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        path.unlink(missing_ok=True)
        data = pilot.app.query_one(DataView).focus()
        data.cursor = 60_000
        await pilot.pause()
        assert said in screen_text(pilot.app)


@pytest.mark.parametrize(
    ("text", "width", "to_right", "shown"),
    [
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcdef", 4, False, "abc…"),
        ("漢字漢字", 5, False, "漢字…"),
        ("https://a.example/b", 5, False, "…le/b"),
        ("https://a.example/b", 1, False, "…"),
        ("https://a.example/b (404)", 9, False, "https://…"),
    ],
)
def test_cells_fit_their_column(text: str, width: int, to_right: bool, shown: str) -> None:
    assert fit(text, width, to_right) == shown


def test_widths_come_from_a_sample_or_from_the_author() -> None:
    columns = columns_of(["url", "n"], [["https://example.com/", 5], ["x", 10_000]], {"url": 8})
    assert [(column.width, column.is_number) for column in columns] == [(8, False), (5, True)]


@given(st.text(st.sampled_from("ab 漢\n\t"), max_size=60), st.integers(2, 12))
def test_wrapped_lines_fit_and_lose_nothing_but_spaces(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


async def test_a_long_text_scrolls_to_its_end() -> None:
    text = "\n".join(f"line {number}" for number in range(50_000)) + HOSTILE
    async with Host(view_widget(Text(text))).run_test(size=(80, 24)) as pilot:
        assert "line 0" in screen_text(pilot.app)
        pilot.app.query_one(TextView).focus()
        await pilot.press("end")
        await pilot.pause()
        shown = screen_text(pilot.app)
        assert "line 49999[@click=app.bell]x[/foo]" in shown
        assert not any(character in shown for character in HIDDEN)


async def test_a_text_is_wrapped_anew_when_the_screen_gets_narrower() -> None:
    async with Host(view_widget(Text("word " * 30))).run_test(size=(80, 24)) as pilot:
        view = pilot.app.query_one(TextView)
        assert view.size.height == 2
        await pilot.resize_terminal(40, 24)
        await pilot.pause()
        assert view.size.height == 4


async def test_markdown_is_formatted_and_html_stays_text() -> None:
    text = f"# Title\n\nSome **bold** <b>html</b>\n\n<script>x</script>\n\n{HOSTILE}\n"
    async with Host(view_widget(Markdown(text))).run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        shown = screen_text(pilot.app)
        assert "Some bold <b>html</b>" in shown
        assert "<script>x</script>" in shown
        assert not any(character in shown for character in HIDDEN)


async def test_a_link_is_told_and_not_opened() -> None:
    posted: list[str] = []

    class Links(Host):
        def on_markdown_link_clicked(self, event: StockMarkdown.LinkClicked) -> None:
            posted.append(event.href)

        def open_url(self, url: str, *, new_tab: bool = True) -> None:
            raise AssertionError("no browser on the server")

    async with Links(view_widget(Markdown("[here](https://example.com/)"))).run_test() as pilot:
        await pilot.pause()
        await pilot.click(StockMarkdown, offset=(1, 0))
        await pilot.pause()
        assert posted == ["https://example.com/"]


@pytest.mark.parametrize(
    "text",
    ["![](" * 16_000, "*a " * 21_000, "x\n\n" * 5_000, "|" + "a|" * 5_000 + "\n|" + "-|" * 5_000, "`" * 70_000],
    ids=["images", "stars", "paragraphs", "table", "ticks"],
)
async def test_what_would_freeze_is_shown_plain(text: str) -> None:
    assert rich_part(text) < 3_000
    async with Host(view_widget(Markdown(text))).run_test() as pilot:
        await pilot.pause()
        assert pilot.app.query_one(MarkdownView).query(Plain)
        assert len(list(pilot.app.screen.walk_children())) < 450


def test_an_ordinary_report_is_rich_to_its_end() -> None:
    text = "# Title\n\n" + "A paragraph with *stress*, `code` and [a link](https://example.com/).\n\n" * 100
    assert rich_part(text) == len(text)


async def test_a_text_can_be_drawn_at_a_width_that_it_was_not_laid_out_for() -> None:
    view = TextView(Text(" ".join(["word"] * 200)))
    async with Host(view).run_test(size=(100, 20)) as pilot:
        for width in (100, 40, 99, 17):
            lines = view.lay_out(width)
            view.lay_out(width + 1)
            assert view.draw(lines - 1, width).text.strip()
        view.scroll_to(y=100, animate=False)
        await pilot.resize_terminal(200, 20)
        await pilot.pause()
        await pilot.pause()
        assert view.scroll_y == 0 and "word word" in screen_text(pilot.app)


LONG = "https://example.com/" + "long/" * 12 + "end"
FINDINGS = Table(["severity", "url", "detail"], [["error", "/gone", LONG], ["warning", "/a", "short"]])


async def test_a_column_has_what_the_others_leave_and_a_cut_cell_says_so() -> None:
    async with Host(view_widget(FINDINGS)).run_test(size=(120, 12)) as pilot:
        await pilot.pause()
        assert body(pilot)[1] == f"error     /gone  {LONG}"
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert body(pilot)[1] == f"error     /gone  …{LONG[-42:]}", "of an address the end"


async def test_where_columns_have_to_be_scrolled_to_the_last_in_sight_says_that_it_goes_on() -> None:
    table = Table(["one", "two", "three"], [["a" * 30, "b" * 30, "c" * 30]])
    async with Host(view_widget(table)).run_test(size=(36, 12)) as pilot:
        await pilot.pause()
        assert body(pilot)[1] == "a" * 30 + "  " + "b" * 3 + "…"
        pilot.app.query_one(DataView).focus()
        await pilot.press("right")
        await pilot.pause()
        assert body(pilot)[1] == "b" * 30 + "  " + "c" * 3 + "…"
        await pilot.resize_terminal(120, 12)
        await pilot.pause()
        assert body(pilot)[1] == "  ".join(letter * 30 for letter in "abc"), "there is room: nothing is scrolled away"


async def test_enter_opens_all_cells_of_a_row_where_there_is_no_other_detail() -> None:
    async with Host(view_widget(FINDINGS)).run_test(size=(60, 12)) as pilot:
        pilot.app.query_one(DataView).focus()
        await pilot.press("enter")
        await settled(pilot)
        text = screen_text(pilot.app)
        assert "severity  error" in text and "url       /gone" in text
        assert LONG in "".join(text.split()), "in full"
        await pilot.press("escape")
        await settled(pilot)
        assert "row 1 of 2" in screen_text(pilot.app) and "opened" not in screen_text(pilot.app)


async def test_states_have_the_colour_of_what_they_say_but_under_the_cursor() -> None:
    table = replace(FINDINGS, states={"error": "error", "warning": "warning"})

    async with Host(view_widget(table)).run_test(size=(60, 12)) as pilot:
        data = pilot.app.query_one(DataView)

        def colours(line: int) -> list[object]:
            """Of the first two cells."""
            segments = [segment for segment in data.render_line(line) if segment.text.strip()]
            return [segment.style and segment.style.color for segment in segments[:2]]

        pilot.app.set_focus(None)
        await pilot.pause()
        (error, plain), (warning, same) = colours(1), colours(2)
        assert plain == same and len({error, warning, plain}) == 3
        data.focus()
        await pilot.pause()
        assert len(set(colours(1))) == 1 and colours(2) == [warning, plain]


async def test_a_title_stands_over_a_table() -> None:
    async with Host(view_widget(Table(["a"], [["1"]], title=f"The rows {HOSTILE}"))).run_test() as pilot:
        await pilot.pause()
        assert body(pilot)[0].startswith("The rows [@click=app.bell]") and body(pilot)[1].strip() == "a"


async def test_no_row_looks_picked_before_one_is_in_the_table() -> None:
    async with Host(view_widget(FINDINGS)).run_test(size=(60, 12)) as pilot:
        data = pilot.app.query_one(DataView)
        pilot.app.set_focus(None)
        await pilot.pause()
        assert data.style_of(0).bgcolor == data.style_of(1).bgcolor
        data.focus()
        await pilot.pause()
        assert data.style_of(0).bgcolor != data.style_of(1).bgcolor
