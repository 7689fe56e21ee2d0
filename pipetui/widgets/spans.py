"""Lines of text with looks, wrapped to a width. Data alone: which colours a look has is decided where it is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size, split_graphemes

NARROWEST = 2
"""Cells that a line has at least: those of a wide character."""

# A line may be broken before and after each character of the scripts that are written without spaces.
_ALONE = "\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60"
_JOINED = "\u0300-\u036f\u200c\u200d\u3099\u309a\ufe00-\ufe0f"
_PIECE = re.compile(f"[{_ALONE}](?![{_JOINED}])|\\s+|[{_ALONE}]?[^\\s{_ALONE}]+")


class Span(NamedTuple):
    """Displayable text of one line, the names of its looks (see inks.py), and where it leads as a link."""

    text: str
    look: str = ""
    href: str = ""


Row: TypeAlias = Sequence[Span]
"""What stands in one line of the screen."""

BLANK: Row = ()


def cells(row: Row) -> int:
    """How wide a row is."""
    return sum(len(span.text) if span.text.isascii() else cell_len(span.text) for span in row)


def breaks(text: str, width: int) -> list[int]:
    """Where the second and each further line of `text` begins, so that each has `width` cells at most.

    Spaces at the end of a line aren't counted. What comes behind a break never moves it: so a text that grows needs
    to be looked at only from its last line on.
    """
    width = max(NARROWEST, width)
    if len(text) <= width and text.isascii():
        return []
    return _ascii_breaks(text, width) if text.isascii() else _breaks(text, width)


def _ascii_breaks(text: str, width: int) -> list[int]:
    found, at = [], 0
    length = len(text)
    while length - at > width:
        space = text.rfind(" ", at, at + width + 1)
        if space > at and not text[at:space].isspace():
            at = space + 1
            while at < length and text[at] == " ":
                at += 1
            if at == length:
                break
        else:
            at += width
        found.append(at)
    return found


def _breaks(text: str, width: int) -> list[int]:
    found: list[int] = []
    column, is_empty = 0, True
    for match in _PIECE.finditer(text):
        piece, at = match.group(), match.start()
        wide = len(piece) if piece.isascii() else cell_len(piece)
        if piece.isspace():
            column += wide
            continue
        if column + wide > width and not is_empty:
            found.append(at)
            column = 0
        if column + wide <= width:
            column += wide
        else:
            for start, _, step in split_graphemes(piece)[0]:
                if column + step > width:
                    found.append(at + start)
                    column = 0
                column += step
        is_empty = False
    return found


def wrap(spans: Sequence[Span], width: int) -> list[Row]:
    """The spans, one line of text, in rows of at most `width` cells."""
    text = "".join([span.text for span in spans])
    starts = breaks(text, width)
    if not starts:
        return [_trimmed(spans)]
    rows: list[Row] = []
    begin = 0
    for end in [*starts, len(text)]:
        rows.append(_trimmed(cut(spans, begin, end)))
        begin = end
    return rows


def folded(spans: Sequence[Span], width: int) -> list[Row]:
    """Like `wrap`, but broken at the width, wherever that is: for code, where every space counts."""
    width = max(NARROWEST, width)
    text = "".join([span.text for span in spans])
    if text.isascii():
        starts = list(range(width, len(text), width))
    else:
        starts, column = [], 0
        for start, _, step in split_graphemes(text)[0]:
            if column + step > width:
                starts.append(start)
                column = 0
            column += step
    return [cut(spans, begin, end) for begin, end in zip([0, *starts], [*starts, len(text)], strict=True)]


def cut(spans: Iterable[Span], begin: int, end: int) -> list[Span]:
    """The characters from `begin` to `end`."""
    found, at = [], 0
    for span in spans:
        after = at + len(span.text)
        if after > begin and at < end:
            whole = at >= begin and after <= end
            found.append(span if whole else span._replace(text=span.text[max(0, begin - at) : end - at]))
        at = after
    return found


def _trimmed(spans: Sequence[Span]) -> Row:
    """Without the spaces at the end."""
    row = list(spans)
    while row and (not row[-1].text or row[-1].text[-1].isspace()):
        text = row[-1].text.rstrip()
        if text:
            row[-1] = row[-1]._replace(text=text)
            break
        row.pop()
    return row


def fitted(row: Row, width: int) -> Row:
    """The row in at most `width` cells, with an ellipsis where it is cut."""
    if cells(row) <= width:
        return row
    found: list[Span] = []
    room = width - 1
    for span in row:
        wide = cell_len(span.text)
        if wide > room:
            found.append(span._replace(text=set_cell_size(span.text, max(0, room)) + "…"[:width]))
            break
        found.append(span)
        room -= wide
    return found


def spread(left: Row, right: Row, width: int) -> Row:
    """One row of `width` cells: `right` at its end, `left` cut where they would meet."""
    room = width - cells(right) - 1
    if not right or room < 8:
        return fitted([*left, Span(" "), *right] if right else left, width)
    left = fitted(left, room)
    return [*left, Span(" " * (width - cells(left) - cells(right))), *right]


def shortened(text: str, room: int) -> str:
    """`text` in about `room` characters: its begin, how many are left out, its end."""
    if len(text) <= room:
        return text
    keep = max(1, (room - 18) // 2)
    return f"{text[:keep]} … ({len(text) - 2 * keep:,} more) … {text[-keep:]}"
