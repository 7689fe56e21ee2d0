"""A text of Markdown that may still grow, as rows: its finished blocks are rendered once, its end is shown plain.

The text is divided into blocks line by line, by rules that look at nothing but the lines that are whole. So it makes
no difference in which pieces it came.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..text import count, displayable
from .blocks import code_line, code_rows, code_span, lexer, markdown_rows, plain_rows
from .spans import BLANK, Row

RICH_CHARACTERS, RICH_BLOCKS = 64_000, 250
"""What is rendered as Markdown at most; the rest is shown plain."""

MOST_CHARACTERS = 256_000
"""What is shown at most."""

LONGEST_LINE = 8_000
"""A longer line is cut here, so that its end stays cheap to show while it grows."""

_FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`]*$)|~{3,})(.*)")
_HEADING = re.compile(r" {0,3}#{1,6}(\s|$)")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(\1[ \t]*){2,}$")
_ITEM = re.compile(r"( {0,3})([-+*]|\d{1,9}[.)])( +|\t|$)")

Kind: TypeAlias = Literal["", "text", "list", "code"]


@dataclass(frozen=True)
class Code:
    """A code block: its rows from `begin` to `end`, and the source from `first` to `last` that makes it."""

    begin: int
    end: int
    first: int
    last: int


class Flow:
    """`rows` are the text as far as it is known; `codes` the finished code blocks in it."""

    def __init__(self, width: int, *, breaks: bool = False) -> None:
        """`breaks`: line breaks are kept in paragraphs too."""
        self.rows: list[Row] = []
        self.codes: list[Code] = []
        self._width, self._breaks = width, breaks
        self._taken = 0  # characters of the text that are in whole lines
        self._blocks = 0
        self._closed = 0  # rows of finished blocks
        self._settled = 0  # and of the whole lines of the open one
        self._kind: Kind = ""
        self._lines: list[str] = []
        self._fence, self._indent = "", 0
        self._first = 0  # where the code begins
        self._offset = 0  # where the text of a list's item begins
        self._is_blank = False  # the last line of a list was
        self._changed = 0

    def feed(self, text: str, *, ended: bool = False) -> int:
        """Take the text as it stands now: what it was before, and more. Returns the first row that is another one."""
        old = self.rows[self._settled :]
        at = self._changed = self._settled
        del self.rows[self._settled :]
        shown = min(len(text), MOST_CHARACTERS)
        while (end := self._line_end(text, shown)) is not None:
            line, taken = text[self._taken : end], end
            if end < shown and text[end] == "\n":
                line, taken = line.removesuffix("\r"), end + 1
            self._taken, first = taken, self._taken
            self._take(displayable(line), first)
        if ended or len(text) > shown:
            if self._taken < shown:
                first, self._taken = self._taken, shown
                self._take(displayable(text[first:shown]), first)
            self._close(self._taken)
            if more := len(text) - shown:
                self.rows += plain_rows(f"… ({count(more)} more)", self._width, "muted")
        elif self._taken < shown:
            self._show_end(displayable(text[self._taken : shown]))
        if self._changed == at:  # only the end has changed: from where?
            new = self.rows[at:]
            same = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
            return at + same
        return self._changed

    def _line_end(self, text: str, shown: int) -> int | None:
        """Where the next whole line ends."""
        most = self._taken + LONGEST_LINE
        end = text.find("\n", self._taken, min(shown, most + 1))
        if end >= 0:
            return end
        return most if shown > most else None

    @property
    def _is_plain(self) -> bool:
        return self._taken > RICH_CHARACTERS or self._blocks >= RICH_BLOCKS

    def _take(self, line: str, first: int) -> None:
        """Take a whole line, which begins at `first` in the source."""
        if self._kind == "code":
            if re.match(rf" {{0,3}}{re.escape(self._fence)}{self._fence[0]}*\s*$", line):
                self._close(first)
            else:
                self._add(line)
            return
        if self._is_plain:
            self._close(first)
            self.rows += plain_rows(line, self._width)
            self._closed = self._settled = len(self.rows)
            return
        is_blank = not line.strip()
        indent = len(line) - len(line.lstrip(" "))
        item = _ITEM.match(line)
        if self._kind == "list":
            if not is_blank and self._is_blank and indent < self._offset and not item:
                self._close(first)
            elif is_blank or indent >= self._offset:
                self._is_blank = is_blank
                self._add(line)
                return
        if is_blank:
            self._close(first)
        elif fence := _FENCE.match(line):
            self._close(first)
            self._open("code")
            self._indent, self._fence = len(fence[1]), fence[2]
            language = fence[3].strip().partition(" ")[0]
            self._lines = [language]
            lexer(language[:40])  # while there is time: not at the end, when all wait for the last word
            self._first = first + len(line) + 1
        elif _HEADING.match(line) or (_RULE.match(line) and (self._kind != "text" or line.lstrip()[0] != "-")):
            self._close(first)
            self._open("text")
            self._add(line)
            self._close(self._taken)
        elif item and not (self._kind == "text" and (not line[item.end() :].strip() or item[2][:-1] not in ("", "1"))):
            if self._kind != "list":
                self._close(first)
                self._open("list")
            spaces = len(item[3]) if 0 < len(item[3]) < 5 else 1
            self._offset, self._is_blank = len(item[1]) + len(item[2]) + spaces, False
            self._add(line)
        else:
            if not self._kind:
                self._open("text")
            self._is_blank = False
            self._add(line)

    def _open(self, kind: Kind) -> None:
        self._kind, self._lines = kind, []
        if self.rows:
            self.rows.append(BLANK)
        self._settled = len(self.rows)

    def _add(self, line: str) -> None:
        """A line more of the open block, shown plain for now."""
        if self._kind == "code":
            line = line[min(self._indent, len(line) - len(line.lstrip(" "))) :]
        self._lines.append(line)
        self.rows += self._plain(line)
        self._settled = len(self.rows)

    def _plain(self, line: str) -> list[Row]:
        return code_line((code_span(line),), self._width) if self._kind == "code" else plain_rows(line, self._width)

    def _show_end(self, line: str) -> None:
        """The last line, which isn't whole."""
        if not self._kind and self.rows and not self._is_plain:
            self.rows.append(BLANK)
        self.rows += self._plain(line)

    def _close(self, last: int) -> None:
        """The open block is finished; its source ends at `last`."""
        if not self._kind:
            return
        del self.rows[self._closed :]
        self._changed = min(self._changed, self._closed)
        if self.rows:
            self.rows.append(BLANK)
        begin = len(self.rows)
        if self._kind == "code":
            language, *lines = self._lines
            self.rows += code_rows("\n".join(lines), language, self._width)
            self.codes.append(Code(begin, len(self.rows), self._first, max(self._first, last)))
        else:
            self.rows += markdown_rows("\n".join(self._lines).rstrip(), self._width, breaks=self._breaks)
        self._closed = self._settled = len(self.rows)
        self._blocks += 1
        self._kind, self._lines, self._is_blank = "", [], False


def code_sources(text: str, flow: Flow) -> list[str]:
    """The code blocks of a text that `flow` has taken, as they came."""
    return [text[code.first : code.last].removesuffix("\n").removesuffix("\r") for code in flow.codes]
