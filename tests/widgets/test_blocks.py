"""Markdown as rows: whole, in pieces, hostile, narrow."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from pipetui.text import displayable, hidden
from pipetui.widgets.blocks import code_rows
from pipetui.widgets.flow import MOST_CHARACTERS, Flow, code_sources
from pipetui.widgets.spans import Row, Span, breaks, cells, cut, fitted, spread, wrap

from .helpers import HIDDEN, HOSTILE
from .talk import MARKDOWN


def rows_of(text: str, width: int = 60) -> list[Row]:
    flow = Flow(width)
    flow.feed(text, ended=True)
    return flow.rows


def shown(rows: Sequence[Row]) -> list[str]:
    return ["".join(span.text for span in row).rstrip() for row in rows]


def looks_of(rows: Sequence[Row], text: str) -> set[str]:
    return {name for row in rows for span in row if text in span.text for name in span.look.split()}


LINES = st.sampled_from(
    [
        "", "", " ", "word", "two words here", "# title", "## ", "- item", "* star", "- ", "  - inner", "    deep",
        "1. one", "2) two", "  more of it", "> quote", ">", "```", "```python", "~~~", "````", "  ```", "---", "***",
        "===", "| a | b |", "|---|--:|", "| 1 | 2 | 3 |", "[x](https://a.example/b)", "[r]: https://a.example",
        "![i](u)", "**bold** `code`", "漢字" * 30, "long " * 40, "x" * 200, "\ttab", "a\\", "end  ", "<b>html</b>",
        "&#x202e;", "https://a.example/?q=1", "\x1b[31m", "👩‍💻 ok", "\r",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(LINES, max_size=30).map("\n".join),
    st.text(max_size=300),
    st.text(st.sampled_from("ab `*_[]()!<>#-+=|>~\n\t 1.)\\&;:/漢👍\u200d\ufe0f\u202e\r\x1b"), max_size=200),
)


@given(TEXTS, st.lists(st.integers(0, 40), max_size=60), st.integers(12, 80))
@settings(max_examples=400, deadline=None)
def test_in_whatever_pieces_a_text_comes_it_ends_with_the_same_rows(text: str, sizes: list[int], width: int) -> None:
    flow, at = Flow(width), 0
    for size in sizes:
        at = min(len(text), at + size)
        before = list(flow.rows)
        changed = flow.feed(text[:at])
        assert flow.rows[:changed] == before[:changed]  # what it says has changed is all that has
    flow.feed(text, ended=True)
    assert flow.rows == rows_of(text, width)


@given(TEXTS, st.integers(10, 80))
@example("> " * 30 + "- " * 30 + "deep", 12)
@example("- " * 18 + "日本語", 11)
@settings(max_examples=400, deadline=None)
def test_no_row_is_wider_than_it_may_be_and_none_steers_the_terminal(text: str, width: int) -> None:
    for whole in (True, False):
        flow = Flow(width)
        flow.feed(text, ended=whole)
        for row in flow.rows:
            assert cells(row) <= width
            line = "".join(span.text for span in row)
            assert cell_len(line) <= width
            assert "\n" not in line
            assert "\t" not in line
            assert hidden().search(line) is None
            assert all(hidden().search(span.href) is None for span in row)


@given(st.text(st.sampled_from("ab  漢字👩‍💻é\u0301-"), max_size=120), st.integers(2, 40), st.integers(0, 120))
@settings(max_examples=400, deadline=None)
def test_what_comes_behind_a_break_never_moves_it(text: str, width: int, end: int) -> None:
    text = displayable(text)
    short, whole = breaks(text[:end], width), breaks(text, width)
    assert short[:-1] == whole[: len(short[:-1])]
    begins = [0, *whole]
    assert begins == sorted(set(begins))
    for begin, after in zip(begins, [*whole, len(text)], strict=True):
        assert cell_len(text[begin:after].rstrip()) <= width
    assert "".join(text[b:e] for b, e in zip(begins, [*whole, len(text)], strict=True)) == text


def test_words_stay_whole_and_wide_characters_break_anywhere() -> None:
    assert shown(wrap([Span("one two three")], 8)) == ["one two", "three"]
    assert shown(wrap([Span("one   "), Span("two")], 4)) == ["one", "two"]
    assert shown(wrap([Span("unbreakable")], 4)) == ["unbr", "eaka", "ble"]
    assert shown(wrap([Span("see 漢字漢字")], 9)) == ["see 漢字", "漢字"]
    assert shown(wrap([Span("    indented text")], 12)) == ["    indented", "text"]


def test_spans_are_cut_fitted_and_spread() -> None:
    spans = [Span("one", "a"), Span("two", "b")]
    assert cut(spans, 2, 4) == [Span("e", "a"), Span("t", "b")]
    assert shown([fitted(spans, 5)]) == ["onet…"]
    assert shown([spread(spans, (Span("right"),), 20)]) == ["onetwo         right"]
    assert shown([spread([Span("much longer than that")], (Span("right"),), 20)]) == ["much longer t… right"]


def test_markdown_as_it_looks() -> None:
    rows = rows_of(MARKDOWN, 48)
    assert shown(rows) == [
        "What the log says",
        "",
        "There are three pages with 404, see the report",
        "(https://example.com/report?day=1) or",
        "https://example.com/all.",
        "",
        "│ def broken(pages: list[str]) -> int:",
        "│     # counts them",
        "│     return len([page for page in pages if page",
        '│  == "404"])',
        "",
        "• one",
        "• two, with stress",
        "  1. inner",
        "  2. second",
        "",
        "▌ A quote with 日本語 and 👩‍💻.",
        "",
        "page    hits  note",
        "─────  ─────  ────",
        "/a     1,200   ok",
        "/漢字      7  gone",
        "",
        "A last line and one more.",
    ]
    assert looks_of(rows, "three") == {"strong"}
    assert looks_of(rows, "stress") == {"em"}
    assert looks_of(rows, "404,") == looks_of(rows, "nothing")
    assert looks_of(rows, "# counts") == {"comment"}
    assert {span.href for row in rows for span in row} == {
        "", "https://example.com/report?day=1", "https://example.com/all",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<script>alert(1)</script>", ["<script>alert(1)</script>"]),
        ("![alt *x*](https://evil.example/?q=secret)", ["[image: alt *x*] (https://evil.example/?q=secret)"]),
        ("[click](javascript:alert(1))", ["[click](javascript:alert(1))"]),
        ("&#x202e;gpj &#27;[31m", ["⟨U+202E⟩gpj �[31m"]),
        ("[r]: https://a.example\n", ["[r]: https://a.example"]),
        ("[https://bank.example](https://evil.example)", ["https://bank.example (https://evil.example)"]),
        ("see https://аррӏе.example/x", ["see https://xn--80ak6aa92e.example/x"]),
        ("- [ ] open\n- [x] done", ["• [ ] open", "• [x] done"]),
        ("text\n---\nmore", ["text", "", "more"]),
        ("a\n\n***\n\nb", ["a", "", "─" * 60, "", "b"]),
        ("9. nine\n10. ten", [" 9. nine", "10. ten"]),
        ("- a\n\n  more\n- b", ["• a", "", "  more", "", "• b"]),
        ("```\nno end", ["│ no end"]),
        ("```weird|lang\nx = 1\n```", ["│ x = 1"]),
        ("    code\n", ["│ code"]),
        ("line  \nbreak", ["line", "break"]),
    ],
)
def test_what_it_does_with(text: str, expected: list[str]) -> None:
    assert shown(rows_of(text)) == expected


def test_hostile_text_is_only_text() -> None:
    text = "\n".join(shown(rows_of(f"{HOSTILE}\n\n- {HOSTILE}\n\n```\n{HOSTILE}\n```\n")))
    assert text.count("[@click=app.bell]x[/foo]") == 3
    assert not any(character in text for character in HIDDEN)


def test_a_code_block_is_copied_as_it_came() -> None:
    text = "Try:\n```bash\necho 'a\tb'  \r\n\x1b[31m\n```\nand\n\n~~~\nopen\n"
    flow = Flow(40)
    flow.feed(text, ended=True)
    assert code_sources(text, flow) == ["echo 'a\tb'  \r\n\x1b[31m", "open"]
    assert shown([flow.rows[code.end - 1] for code in flow.codes]) == ["│ ␛[31m", "│ open"]


@pytest.mark.parametrize(
    "text",
    [
        "![](" * 16_000, "[" * 60_000, "*a_" * 20_000, "`" * 60_000, "> " * 30_000, "- " * 30_000, "<" * 60_000,
        "~~" * 30_000, "a\n\n" * 5_000, "|" * 5_000 + "\n" + "|-" * 5_000 + "|\n" + "|x" * 5_000, "x" * 200_000,
        "漢" * 60_000, "# h\n" * 20_000, "```python\n" + "x = [(" * 10_000, "```json\n" + '"\\' * 8_000,
        "- a\n" * 20_000, "&amp;" * 12_000, "\x1b" * 60_000, "www." * 16_000, "http://a" * 4_000,
        "e\u0301" * 30_000, "a\u200d" * 30_000,
    ],
    ids=lambda text: f"{text[:9]!a} in {len(text)}",
)  # fmt: skip
def test_a_flood_is_shown_in_time(text: str) -> None:
    """Less than 3 s on a busy machine; most take some hundredths."""
    begun = time.process_time()
    flow = Flow(60)
    for at in range(0, len(text), 20_000):
        flow.feed(text[:at])
    flow.feed(text, ended=True)
    assert time.process_time() - begun < 3
    assert len(flow.rows) > 1


def test_what_is_too_much_is_counted() -> None:
    rows = rows_of("word " * 60_000)
    assert shown(rows)[-1] == f"… ({300_000 - MOST_CHARACTERS:,} more)"
    flow = Flow(60)
    for end in range(0, 300_001, 1_000):
        flow.feed("word " * (end // 5))
    flow.feed("word " * 60_000, ended=True)
    assert flow.rows == rows


def test_the_end_of_a_long_answer_costs_no_more_than_its_begin() -> None:
    text = "".join(f"Paragraph {n} with **some** words in it.\n\n" for n in range(1_000))
    flow = Flow(60)

    def feed(begin: int, end: int) -> float:
        begun = time.process_time()
        for at in range(begin, end, 20):
            flow.feed(text[:at])
        return time.process_time() - begun

    first = feed(2_000, 5_000)
    feed(5_000, 33_000)
    assert feed(33_000, 36_000) < 5 * first + 0.05


def test_languages_are_highlighted_and_others_left_alone() -> None:
    assert looks_of(code_rows("SELECT 1", "SQL", 40), "SELECT") == {"keyword"}
    assert looks_of(code_rows("SELECT 1", "befunge", 40), "SELECT") == set()
