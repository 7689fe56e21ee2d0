"""Chart, Heat, Files, Stack."""

import gzip
import math
import re
from pathlib import Path

import pytest
from textual.pilot import Pilot

from pipetui.engine.views import Chart, File, Files, Heat, Stack, Table, Text
from pipetui.widgets.charts import ChartView, number_text
from pipetui.widgets.files import MOST_BYTES, short_names
from pipetui.widgets.heat import HeatView, shade
from pipetui.widgets.tables import DataView, TableView
from pipetui.widgets.views import MOST_VIEWS, TextView, view_widget

from .helpers import HIDDEN, HOSTILE, Host, screen_text
from .test_views import body, settled

BARS = "[█▉▊▋▌▍▎▏]"
DEPTHS = Chart([("home", 1), ("depth 1", 8_000), ("depth 2", 16_000)], "Pages", "pages", mark="depth 1")


# Chart ------------------------------------------------------------------------------------------------------------


async def test_bars_share_one_scale_and_values_stand_in_a_column() -> None:
    async with Host(view_widget(DEPTHS)).run_test(size=(60, 10)) as pilot:
        title, *lines = body(pilot)[:4]
        assert title == "Pages"
        assert [line.split()[-2:] for line in lines] == [["1", "pages"], ["8,000", "pages"], ["16,000", "pages"]]
        assert len({len(line) for line in lines}) == 1
        one, half, whole = (len(re.findall(BARS, line)) for line in lines)
        assert one == 1
        assert abs(whole - 2 * half) <= 1
        view = pilot.app.query_one(ChartView)
        styles = [view.draw(number, 60)._segments[0].style for number in (1, 2)]
        assert styles[0] != styles[1]


async def test_without_unicode_bars_are_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipetui.widgets.charts.has_unicode", lambda: False)
    async with Host(view_widget(DEPTHS)).run_test(size=(60, 10)) as pilot:
        assert all(line.isascii() for line in body(pilot)[1:4])
        assert "####" in body(pilot)[3]


async def test_many_bars_scroll_and_long_labels_are_cut() -> None:
    bars = [(f"{number} {'a very long label ' * 5}", float(number)) for number in range(5_000)]
    async with Host(view_widget(Chart(bars))).run_test(size=(80, 24)) as pilot:
        view = pilot.app.query_one(ChartView)
        view.focus()
        assert view.size.height == 16
        assert body(pilot)[0].startswith("0 a very long label")
        assert "…" in body(pilot)[0]
        await pilot.press("end")
        await pilot.pause()
        assert body(pilot)[15].startswith("4999 ")
        assert body(pilot)[15].rstrip("▎ ").endswith("4,999")


@pytest.mark.parametrize(
    ("bars", "said"),
    [([], "There is nothing to show."), ([("a", 0.0), ("b", -3.0)], "-3"), ([("a", math.nan), ("b", math.inf)], "–")],
)
async def test_values_that_make_no_bar(bars: list[tuple[str, float]], said: str) -> None:
    async with Host(view_widget(Chart(bars))).run_test(size=(60, 10)) as pilot:
        text = screen_text(pilot.app)
        assert said in text
        assert not re.search(BARS, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12_345.0, "12,345"), (0.25, "0.25"), (1.23456, "1.23"), (1234.56, "1,235"), (1e300, "1e+300"),
     (None, "–"), (-0.5, "-0.5")],
)  # fmt: skip
def test_numbers_are_short(value: float | None, text: str) -> None:
    assert number_text(value) == text


# Heat -------------------------------------------------------------------------------------------------------------


async def test_a_matrix_has_its_numbers_under_their_columns_and_a_legend() -> None:
    heat = Heat(["home", "blog"], ["home", "blog"], [[1_000, 10], [0]], "Links")
    async with Host(view_widget(heat)).run_test(size=(80, 10)) as pilot:
        title, header, home, blog, _, legend = body(pilot)[:6]
        assert title == "Links"
        assert header.index("home") + 4 == home.index("1,000") + 5
        assert home.split() == ["home", "1,000", "10"]
        assert blog.split() == ["blog", "0", "–"]
        assert legend.startswith("in each row: little")
        assert legend.endswith("its largest")


@pytest.mark.parametrize(("value", "level"), [(0, 0), (None, 0), (-5, 0), (0.001, 1), (50, 3), (100, 5)])
def test_shades_follow_the_share(value: float | None, level: int) -> None:
    assert shade(value, 100) == level


async def test_columns_that_do_not_fit_are_counted_and_reached() -> None:
    columns = [f"segment {number}" for number in range(20)]
    heat = Heat(["a"], columns, [[float(number) for number in range(20)]])
    async with Host(view_widget(heat)).run_test(size=(80, 10)) as pilot:
        assert "columns 1 to 7 of 20: left and right scroll" in screen_text(pilot.app)
        assert all(len(line) <= 80 for line in body(pilot))
        pilot.app.query_one(HeatView).focus()
        await pilot.press(*["right"] * 30)
        await pilot.pause()
        assert body(pilot)[0].endswith("segment 19")
        assert "of 20" in screen_text(pilot.app)
        await pilot.press("left")
        await pilot.pause()
        assert body(pilot)[0].endswith("segment 18")


async def test_broken_numbers_leave_a_gap() -> None:
    heat = Heat(["a", "b"], ["x", "y"], [[math.nan, math.inf], [1, 2]])
    async with Host(view_widget(heat)).run_test(size=(80, 10)) as pilot:
        assert body(pilot)[1].split() == ["a", "–", "–"]
        assert body(pilot)[2].split() == ["b", "1", "2"]


# Files ------------------------------------------------------------------------------------------------------------


async def opened(pilot: Pilot[None], row: int = 0) -> str:
    """What the preview of a file shows."""
    pilot.app.query(DataView).first().focus()
    await pilot.press(*["down"] * row, "enter")
    await settled(pilot)
    return screen_text(pilot.app)


async def test_files_are_listed_below_their_common_folder(tmp_path: Path) -> None:
    files = [File(tmp_path / "links.csv", 2_400_000, 1_234), File(tmp_path / "raw" / "a.html", 5)]
    async with Host(view_widget(Files(files))).run_test(size=(80, 10)) as pilot:
        assert body(pilot)[0].split() == ["file", "size", "rows"]
        assert body(pilot)[1].split() == ["links.csv", "2.4", "MB", "1,234"]
        assert body(pilot)[2].split() == ["raw/a.html", "5", "B"]


@pytest.mark.parametrize("paths", [[], ["a.csv"], ["a/b.csv", "/c/d.csv"], ["a.csv", "x/b.csv"]])
def test_names_of_any_paths(paths: list[str]) -> None:
    names = short_names([Path(path) for path in paths])
    assert len(set(names)) == len(paths)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"url,n\nhttps://a.example/,5\n", "row 1 of 1"),
        ("a.CSV", b"url,n\nhttps://a.example/,5\n", "row 1 of 1"),
        ("a.csv.gz", gzip.compress(b"url,n\nhttps://a.example/,5\nb,6"), "https://a.example/"),
        ("plain.csv.gz", b"url,n\nhttps://a.example/,5\n", "row 1 of 1"),
        ("cut.csv.gz", gzip.compress(b"url,n\n" + b"https://a.example/,5\n" * 9_000)[:-40], "is damaged"),
        ("empty.csv.gz", gzip.compress(b""), "No rows."),
        ("a.txt", b"https://a.example/\n", "https://a.example/"),
        ("a.txt", b"", "This file is empty."),
        ("a.txt", b"caf\xe9", "caf"),
        ("a.txt", b"x" * (MOST_BYTES + 5), "The first 1.0 MB of a.txt"),
        ("bomb.csv.gz", gzip.compress(b"a,b\n" * 5_000_000), "The first 1.0 MB of bomb.csv.gz"),
        ("a.png", b"\x89PNG\0\0", "a.png is no text"),
        ("a.csv", b"\0\1\2", "a.csv is no text"),
        ("a.bin.gz", gzip.compress(b"x"), "a.bin.gz is no text"),
        ("a.txt", HOSTILE.encode("utf-8", "surrogatepass"), "[@click=app.bell]x[/foo] ␛[31mred"),
    ],
)
async def test_a_file_opens_in_place(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    async with Host(view_widget(Files([File(path, len(content))]))).run_test(size=(160, 24)) as pilot:
        text = await opened(pilot)
        assert said in text
        assert not any(character in text for character in HIDDEN)
        await pilot.press("escape")
        await pilot.pause()
        assert "row 1 of 1" in screen_text(pilot.app)
        assert isinstance(pilot.app.focused, DataView)


async def test_only_the_file_itself_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token")
    link, gone = tmp_path / "link.txt", tmp_path / "gone.txt"
    link.symlink_to(secret)
    async with Host(view_widget(Files([File(link, 5), File(gone, 5), File(tmp_path, 5)]))).run_test() as pilot:
        for row, name in enumerate(["link.txt", "gone.txt", tmp_path.name]):
            text = await opened(pilot, 1 if row else 0)
            assert f"{name} is not there any more. Esc goes back." in " ".join(text.split())
            assert "token" not in text
            await pilot.press("escape")
            await pilot.pause()


async def test_a_broken_compressed_table_shows_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "pages.csv.gz"
    path.write_bytes(gzip.compress(b"url,n\n" + b"".join(b"https://a.example/%d,5\n" % n for n in range(50_000)))[:-9])
    async with Host(view_widget(Files([File(path, 1)]))).run_test(size=(100, 40)) as pilot:
        text = await opened(pilot)
        assert "https://a.example/3 " in text


# Stack, and what comes from outside -------------------------------------------------------------------------------


async def test_a_stack_shows_one_below_the_other() -> None:
    stack = Stack([Text("words"), DEPTHS, Stack([Table(["a"], [["1"]])])])
    async with Host(view_widget(stack)).run_test(size=(80, 24)) as pilot:
        text = screen_text(pilot.app)
        places = [text.index(word) for word in ("words", "Pages", "depth 2", "row 1 of 1")]
        assert places == sorted(places)
        await pilot.press("tab", "tab")
        assert isinstance(pilot.app.focused, DataView)


async def test_a_stack_of_too_many_says_so() -> None:
    async with Host(view_widget(Stack([Text("x")] * (MOST_VIEWS + 5)))).run_test(size=(80, 90)) as pilot:
        assert len(pilot.app.query(TextView)) == MOST_VIEWS
        assert "5 more are not shown." in screen_text(pilot.app)


async def test_hostile_labels_are_plain(tmp_path: Path) -> None:
    views = [
        Chart([(HOSTILE, 1.0)], HOSTILE, HOSTILE),
        Heat([HOSTILE], [HOSTILE], [[1.0]], HOSTILE),
        Files([File(tmp_path / HOSTILE.replace("/", "|"), 5)]),
    ]
    async with Host(view_widget(Stack(views))).run_test(size=(200, 24)) as pilot:
        text = screen_text(pilot.app)
        assert text.count("[@click=") > 4
        assert not any(character in text for character in HIDDEN)
        assert "is not there any more" in await opened(pilot)
        assert not pilot.app.query(TableView).first().query("Link")
