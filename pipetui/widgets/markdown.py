"""Markdown, within limits: what would take seconds to render is shown plain."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Markdown as StockMarkdown

from ..text import displayable
from .blocks import parser
from .plain import Plain

RICH_CHARACTERS, RICH_BLOCKS, RICH_SIGNS = 64_000, 250, 2_000
"""What is rendered as Markdown at most: more takes seconds. The rest is shown plain."""


def rich_part(text: str) -> int:
    """How many characters of `text` may be rendered as Markdown; a whole number of blocks."""
    end = min(len(text), RICH_CHARACTERS)
    signs = 0
    for at, character in enumerate(text[:end]):  # a run of these makes a Markdown parser quadratic
        signs += character in "[]!*_`~<>"
        if signs > RICH_SIGNS:
            end = at
            break
    if end < len(text):
        end = text.rfind("\n\n", 0, end) + 1
    starts = [0]
    for line in text[:end].split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    blocks, whole = 0, 0
    for token in parser().parse(text[:end]):
        if token.level == 0 and token.map and token.nesting >= 0:
            whole = token.map[0]
        blocks += token.nesting == 1 or token.type in ("fence", "code_block", "hr")
        if blocks > RICH_BLOCKS:
            return min(starts[whole], end)
    return end


class MarkdownView(VerticalScroll, can_focus=True):
    """Markdown; what is beyond the caps is shown plain below. A link that is clicked is posted, never opened."""

    DEFAULT_CSS = """
    MarkdownView {
        height: auto;
        max-height: 16;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
        Markdown { padding: 0; margin: 0; }
    }
    """

    def __init__(self, text: str, **more: Any) -> None:
        super().__init__(**more)
        text = displayable(text, RICH_CHARACTERS * 4)
        end = rich_part(text)
        self._rich, self._rest = text[:end], text[end:].strip("\n")

    def compose(self) -> ComposeResult:
        if self._rich:
            yield StockMarkdown(self._rich, parser_factory=parser, open_links=False)
        if self._rest:
            yield Plain(self._rest)
