"""What the looks of rows are in the colours of the theme."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from rich.segment import Segment
from rich.style import Style
from textual.css.errors import UnresolvedVariableError
from textual.strip import Strip
from textual.style import Style as Look
from textual.widget import Widget

from .plain import FAINT, MUTED
from .spans import Row

LOOKS: Mapping[str, str] = {
    "muted": MUTED,
    "faint": FAINT,
    "accent": "$text-accent",
    "primary": "$text-primary",
    "good": "$text-success",
    "warning": "$text-warning",
    "error": "$text-error",
    # Markdown
    "title": "bold $text-primary",
    "heading": "bold",
    "strong": "bold",
    "em": "italic",
    "s": "strike",
    "code": "$text-accent",
    "link": "underline",
    "quote": MUTED,
    "mark": "$text-primary",
    # code
    "comment": f"italic {MUTED}",
    "keyword": "$text-accent",
    "string": "$text-success",
    "number": "$text-warning",
    "builtin": "$text-secondary",
    "name": "$text-primary",
    "deleted": "$text-error",
    "inserted": "$text-success",
    # marks of the transcript
    "cursor": "$accent",
    "badge": "reverse bold",
}


class Inks:
    """The styles of one widget. `dry` when its styles have changed."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {}

    def dry(self) -> None:
        self._styles.clear()

    def __call__(self, look: str) -> Style:
        """The style for the names in `look`, the later ones over the earlier."""
        style = self._styles.get(look)
        if style is None:
            ink = self._widget.visual_style
            for name in look.split():
                with suppress(UnresolvedVariableError):  # a theme of ANSI colours has fewer of them
                    ink += Look.parse(LOOKS[name])
            style = self._styles[look] = ink.rich_style
        return style

    def strip(self, spans: Iterable[Row], width: int) -> Strip:
        """Rows side by side, cut or filled to `width` cells."""
        segments = [Segment(span.text, self(span.look)) for row in spans for span in row]
        return Strip(segments).adjust_cell_length(width, self(""))
