"""One block of Markdown as rows: paragraphs, headings, lists, quotes, tables, code.

Nothing of it acts: HTML is text, images aren't fetched, a link shows where it leads. The text is displayable already;
what the parser makes of it (`&#x202e;`) is made so once more.

The parsers cost 0.1 s to import: this module is for who has something to render.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token as MarkdownToken
from pygments.lexers import get_lexer_by_name
from pygments.token import Token

from ..text import displayable
from .columns import GAP, Column, fitting
from .marks import has_unicode
from .spans import BLANK, Row, Span, cells, folded, shortened, wrap

RICH_BLOCK, RICH_SIGNS = 16_000, 2_000
"""Characters of a block, and signs in it, that are rendered as Markdown at most: more takes too long."""

LONGEST_ADDRESS = 160
"""Characters of a link's address; of a longer one begin and end are shown."""

MOST_COLUMNS = 40

NARROW = 10
"""Cells below which lists and quotes in others have no margin any more."""

_LANGUAGES = """
bash c console cpp csharp css csv diff docker dockerfile go html ini java javascript js json jsx kotlin lua make
makefile markdown md nix php powershell py python r rb regex ruby rust sass scss sh shell sql swift tcss text toml ts
tsx typescript xml yaml yml zsh
"""
LANGUAGES = frozenset(_LANGUAGES.split())
"""What is highlighted: common languages. A reply may name any, and some lexers take seconds to import or to run."""

_ALIASES = {"csv": "text", "regex": "text", "tcss": "scss", "make": "make", "dockerfile": "docker"}
_SIGNS = re.compile(r"[\[\]!*_`~<>]")


def parser(with_links: bool = True) -> MarkdownIt:
    """HTML is text here: the stock parser would drop it. `with_links`: addresses in plain text are links."""
    return MarkdownIt("gfm-like", {"html": False, "linkify": with_links})


_parser = cache(parser)
"""One for texts with addresses, one for others: looking for them doubles the time."""


def is_rich(text: str) -> bool:
    """Whether a block may be rendered as Markdown."""
    return len(text) <= RICH_BLOCK and sum(1 for _ in _SIGNS.finditer(text)) <= RICH_SIGNS


def plain_rows(text: str, width: int, look: str = "") -> list[Row]:
    """Displayable text as it is, its line breaks kept."""
    return [row for line in text.expandtabs(4).split("\n") for row in wrap((Span(line, look),), width)]


def markdown_rows(text: str, width: int, *, breaks: bool = False) -> list[Row]:
    """A block of Markdown; with `breaks` its line breaks are kept. What is too much, or makes no row, is plain."""
    if not is_rich(text):
        return plain_rows(text, width)
    tokens = _parser("://" in text or "www." in text).parse(text)
    return _Writer(text, breaks).rows(tokens, 0, len(tokens), width) or plain_rows(text, width)


def code_rows(code: str, language: str, width: int) -> list[Row]:
    """A block of code, with its margin."""
    lines = _highlighted(code, language) if len(code) <= RICH_BLOCK else _unlit(code)
    return [row for line in lines for row in code_line(line, width)]


def code_line(line: Sequence[Span], width: int) -> list[Row]:
    """One line of code, with its margin."""
    margin = Span("│ " if has_unicode() else "| ", "faint")
    return [(margin, *row) for row in folded(line, width - 2)] if width >= NARROW else folded(line, width)


def code_span(line: str) -> Span:
    return Span(line.expandtabs(4))


def _unlit(code: str) -> Iterator[list[Span]]:
    for line in code.split("\n"):
        yield [code_span(line)]


# Code


@cache
def _token_looks() -> dict[tuple[str, ...], str]:
    """The looks of Pygments' tokens; of one that isn't here, its parent's."""
    return {
        Token: "",
        Token.Comment: "comment",
        Token.Keyword: "keyword",
        Token.Literal.Number: "number",
        Token.Literal.String: "string",
        Token.Name.Builtin: "builtin",
        Token.Name.Class: "name",
        Token.Name.Function: "name",
        Token.Name.Tag: "name",
        Token.Name.Attribute: "number",
        Token.Name.Decorator: "builtin",
        Token.Operator.Word: "keyword",
        Token.Generic.Deleted: "deleted",
        Token.Generic.Inserted: "inserted",
        Token.Generic.Heading: "keyword",
        Token.Generic.Subheading: "keyword",
    }


@lru_cache(maxsize=64)
def lexer(language: str) -> Any:
    """Pygments' lexer, or None for a language that isn't highlighted. The first call for a language takes 50 ms."""
    name = language.lower()
    if name not in LANGUAGES or (name := _ALIASES.get(name, name)) == "text":
        return None
    return get_lexer_by_name(name, stripnl=False, ensurenl=False, tabsize=4)


def _highlighted(code: str, language: str) -> Iterable[list[Span]]:
    known = lexer(language)
    if known is None:
        return _unlit(code)
    looks = _token_looks()
    lines: list[list[Span]] = [[]]
    for token, text in known.get_tokens(code):
        kind = token
        while (look := looks.get(kind)) is None:
            kind = kind.parent
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append(Span(part, look))
    return lines


# Markdown


def _safe(text: str) -> str:
    return displayable(text).replace("\n", " ").replace("\t", " ")


class _Writer:
    """Turns the parser's tokens into rows. `text` is what they were made from."""

    def __init__(self, text: str, breaks: bool) -> None:
        self._text = text
        self._breaks = breaks

    def rows(self, tokens: Sequence[MarkdownToken], at: int, end: int, width: int, look: str = "") -> list[Row]:
        """The blocks from token `at` to `end`; between two of them is a blank row, but not in a tight list."""
        rows: list[Row] = []
        while at < end:
            token = tokens[at]
            after = _end(tokens, at)
            if made := list(self._block(tokens, at, after, width, look)):
                if rows and not token.hidden and not tokens[at - 1].hidden:
                    rows.append(BLANK)
                rows += made
            at = after
        return rows

    def _block(self, tokens: Sequence[MarkdownToken], at: int, after: int, width: int, look: str) -> Iterable[Row]:
        token = tokens[at]
        match token.type:
            case "paragraph_open":
                return self._lines(tokens[at + 1], width, look)
            case "heading_open":
                is_high = token.tag in ("h1", "h2")
                return self._lines(tokens[at + 1], width, f"{look} {'title' if is_high else 'heading'}")
            case "fence" | "code_block":
                return code_rows(_code(token.content), token.info.partition(" ")[0], width)
            case "bullet_list_open" | "ordered_list_open":
                return self._items(tokens, at, after, width, look)
            case "blockquote_open":
                bar = Span(("▌ " if has_unicode() else "> ") if width >= NARROW else "", "faint")
                inner = self.rows(tokens, at + 1, after - 1, width - len(bar.text), f"{look} quote")
                return [(bar, *row) for row in inner]
            case "table_open":
                return self._table(tokens[at:after], width, look)
            case "hr":
                return [(Span(("─" if has_unicode() else "-") * width, "faint"),)]
        return ()

    def _items(self, tokens: Sequence[MarkdownToken], at: int, after: int, width: int, look: str) -> list[Row]:
        is_ordered = tokens[at].type == "ordered_list_open"
        number = int(tokens[at].attrs.get("start", 1)) if is_ordered else 0
        items = []
        at += 1
        while at < after - 1:
            end = _end(tokens, at)
            items.append((at + 1, end - 1))
            at = end
        bullet = "• " if has_unicode() else "- "
        margin = len(f"{number + len(items) - 1}. ") if is_ordered else 2
        if width < NARROW + margin:
            margin = 0
        rows: list[Row] = []
        is_tight = all(token.hidden for token in tokens[items[0][0] : items[-1][1]] if token.type == "paragraph_open")
        for count, (begin, end) in enumerate(items):
            first = Span((f"{number + count}. ".rjust(margin) if is_ordered else bullet)[:margin], "mark")
            if count and not is_tight:
                rows.append(BLANK)
            inner = self.rows(tokens, begin, end, width - margin, look) or [BLANK]
            rows += [(first if not line else Span(" " * margin), *row) for line, row in enumerate(inner)]
        return rows

    def _table(self, tokens: Sequence[MarkdownToken], width: int, look: str) -> list[Row]:
        lines: list[list[list[Span]]] = []
        sides: list[str] = []
        for at, token in enumerate(tokens):
            if token.type == "tr_open":
                lines.append([])
            elif token.type in ("th_open", "td_open"):
                is_head = token.type == "th_open"
                if is_head:
                    sides.append(str(token.attrs.get("style", "")))
                lines[-1].append(self._spans(tokens[at + 1], f"{look} strong" if is_head else look))
        columns = [
            Column("", min(width, max(1, *(cells(line[number]) for line in lines if number < len(line)), 1)), False)
            for number in range(len(sides))
        ]
        if len(columns) > MOST_COLUMNS:
            return plain_rows(self._text, width)
        columns = list(fitting(columns, width))
        if sum(column.width for column in columns) + GAP * (len(columns) - 1) > width:
            return plain_rows(self._text, width)
        widths = [column.width for column in columns]
        rows: list[Row] = []
        for number, line in enumerate(lines):
            rows += _beside([wrap(cell, wide) for cell, wide in zip(line, widths, strict=False)], widths, sides)
            if number == 0:
                rule = "─" if has_unicode() else "-"
                rows.append((Span((" " * GAP).join(rule * wide for wide in widths), "faint"),))
        return rows

    # Inside of a line

    def _lines(self, inline: MarkdownToken, width: int, look: str) -> Iterator[Row]:
        """The rows of a paragraph; a hard break begins a new one."""
        line: list[Span] = []
        for span in self._spans(inline, look):
            if span.text == "\n":
                yield from wrap(line, width)
                line = []
            else:
                line.append(span)
        yield from wrap(line, width)

    def _spans(self, inline: MarkdownToken, look: str) -> list[Span]:
        """A hard break is a span of its own: `\\n`."""
        found: list[Span] = []
        looks = [look]
        href, begun, is_bare = "", 0, False
        for token in inline.children or ():
            match token.type:
                case "text" | "text_special" | "html_inline":
                    found.append(Span(_safe(token.content), looks[-1], href))
                case "code_inline":
                    found.append(Span(_safe(token.content), f"{looks[-1]} code", href))
                case "softbreak":
                    found.append(Span("\n" if self._breaks else " ", looks[-1]))
                case "hardbreak":
                    found.append(Span("\n"))
                case "image":
                    address = _safe(str(token.attrs.get("src", "")))
                    found.append(Span(f"[image: {_safe(token.content)}]", f"{looks[-1]} muted", href))
                    found.append(Span(f" ({shortened(address, LONGEST_ADDRESS)})", "muted", href))
                case "link_open":
                    href, begun = _safe(str(token.attrs.get("href", ""))), len(found)
                    is_bare = token.markup in ("linkify", "autolink")
                    looks.append(f"{looks[-1]} link")
                case "link_close":
                    looks.pop()
                    if is_bare:  # its text may look like another address
                        found[begun:] = [Span(shortened(href, LONGEST_ADDRESS), f"{looks[-1]} link", href)]
                    elif "".join([span.text for span in found[begun:]]) != href:
                        found.append(Span(f" ({shortened(href, LONGEST_ADDRESS)})", "muted", href))
                    href = ""
                case "strong_open" | "em_open" | "s_open":
                    looks.append(f"{looks[-1]} {token.type[:-5]}")
                case "strong_close" | "em_close" | "s_close":
                    looks.pop()
        return found


def _end(tokens: Sequence[MarkdownToken], at: int) -> int:
    """Behind the token that closes `at`."""
    if tokens[at].nesting != 1:
        return at + 1
    level = tokens[at].level
    at += 1
    while not (tokens[at].nesting == -1 and tokens[at].level == level):
        at += 1
    return at + 1


def _code(content: str) -> str:
    return content.removesuffix("\n")


def _beside(columns: Sequence[Sequence[Row]], widths: Sequence[int], sides: Sequence[str]) -> list[Row]:
    """Cells side by side, in as many rows as the longest has."""
    rows: list[Row] = []
    for number in range(max(map(len, columns), default=0)):
        row: list[Span] = []
        for place, (lines, wide, side) in enumerate(zip(columns, widths, sides, strict=False)):
            line = lines[number] if number < len(lines) else BLANK
            room = wide - cells(line)
            before = room if "right" in side else room // 2 if "center" in side else 0
            gap = (GAP if place else 0) + before
            row += [Span(" " * gap)] * bool(gap) + list(line) + [Span(" " * (room - before))] * (room > before)
        rows.append(row)
    return rows
