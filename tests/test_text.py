import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipetui import text as module
from pipetui.text import ago, amount, count, counted, csv_cell, displayable, duration, one_line, size, slug

ANY = st.text(st.characters(exclude_categories=()), max_size=60)  # lone surrogates too
NASTY = st.text(st.sampled_from("a \t\n\r\x00\x1b\x7f\x9b\u200b\u200c\u200d\u202e\u2066\ufe0f\ud800\U000e0041é漢👩👧"))


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\x00b\x7fc", "a␀b␡c"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("gpj\u202eexe", "gpj⟨U+202E⟩exe"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("pay\u200bpal", "pay⟨U+200B⟩pal"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("x\U000e0041", "x⟨U+E0041⟩"),
        ("one\u2028two", "one⟨U+2028⟩two"),
        ("\ud83d", "⟨U+D83D⟩"),
        ("\r\nx\ry", "\nx␍y"),
        ("\ufe0f!", "⟨U+FE0F⟩!"),
        ("!\ufe0f\ufe0f", "!\ufe0f⟨U+FE0F⟩"),
    ],
)
def test_hidden_characters_become_visible(raw: str, shown: str) -> None:
    assert displayable(raw) == shown


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "tab\tand\nnewline",
        "naïve – 漢字 ﷼",
        "👩\u200d👩\u200d👧\u200d👦 ❤\ufe0f 1\ufe0f⃣",
        "می\u200cخواهم",
        "e\u0301",
        "👨🏽\u200d💻",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert displayable(text) == text


@given(ANY | NASTY)
def test_nothing_that_steers_a_terminal_is_left(raw: str) -> None:
    shown = displayable(raw)
    assert displayable(shown) == shown
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"} or character in "\t\n"
    shown.encode()


@given(ANY | NASTY, st.integers(0, 50))
@example("\r\n" * 10, 10)
def test_the_cap_holds_and_is_stable(raw: str, limit: int) -> None:
    for function in (displayable, one_line):
        shown = function(raw, limit)
        assert len(shown) <= limit
        assert function(shown, limit) == shown


def test_what_was_cut_is_counted() -> None:
    assert displayable("x" * 2000, 1000) == "x" * 986 + "… (1,014 more)"
    assert displayable("x" * 1000, 1000) == "x" * 1000
    assert displayable("\x9b" * 2000, 100).count("⟨U+009B⟩") == 10
    assert displayable(None) == "None"


@given(ANY | NASTY)
def test_one_line_is_one(raw: str) -> None:
    line = one_line(raw)
    assert "\n" not in line and "\t" not in line
    assert one_line(line) == line


def test_one_line_shows_where_lines_ended() -> None:
    assert one_line("  a title\r\n   of two\tlines\n") == "a title ⏎ of two lines"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Über Söhne & Co.", "uber-sohne-co"),
        ("../../etc/passwd", "etc-passwd"),
        ("漢字", "untitled"),
        ("", "untitled"),
        ("a" * 39 + " bc", "a" * 39),
    ],
)
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name


@given(ANY, st.integers(8, 60))
def test_a_slug_is_safe_on_any_disk(text: str, limit: int) -> None:
    name = slug(text, limit)
    assert 0 < len(name) <= limit
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert not name.startswith("-") and slug(name, limit) == name


@pytest.mark.parametrize("text", ["-5", "+3.5", "-1,234.50", "-1e9", "12 %", "-.5", "", "a=b", "x@y.z", "'=1"])
def test_plain_cells_stay(text: str) -> None:
    assert csv_cell(text) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\rx", " =1", "＝1", "-", "+49 170 1"]
)
def test_formulas_are_neutralised(text: str) -> None:
    assert csv_cell(text) == "'" + text
    assert csv_cell(csv_cell(text)) == csv_cell(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3900, "1 h 05 min"),
        (86400 * 2 + 3 * 3600, "2 d 03 h"),
        (-1, "0.0 s"),
        (float("inf"), "–"),
        (float("nan"), "–"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "just now"),
        (4.9, "just now"),
        (59.9, "59 s ago"),
        (180, "3 min ago"),
        (3600, "1 h ago"),
        (86400 * 2, "2 d ago"),
        (86400 * 70, "2 months ago"),
        (86400 * 800, "2 years ago"),
        (float("nan"), "just now"),
        (float("inf"), "long ago"),
    ],
)
def test_ago(seconds: float, text: str) -> None:
    assert ago(seconds) == text


@pytest.mark.parametrize(
    ("n", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_951, "1.0 MB"),
        (2_400_000, "2.4 MB"),
        (5e15, "5,000.0 TB"),
    ],
)
def test_size(n: float, text: str) -> None:
    assert size(n) == text


def test_amount() -> None:
    assert [amount(n) for n in (0.0, 200, 1234.5, 1_000_000.0, 1_234_567.89)] == [
        "0", "200", "1,234.5", "1,000,000", "1,234,567.9",
    ]  # fmt: skip


def test_count() -> None:
    assert count(12345) == "12,345"


def test_what_is_passed_unseen_hides_nothing() -> None:
    passed = [chr(code) for code in range(sys.maxunicode + 1) if module._COMMON.fullmatch(chr(code))]
    assert len(passed) > 1_500
    assert [char for char in passed if module.hidden().search(char) or module.hidden().search(f"a{char}")] == []


def test_what_is_counted_is_one_or_many() -> None:
    assert [counted(n, "row") for n in (0, 1, 1234)] == ["0 rows", "1 row", "1,234 rows"]
