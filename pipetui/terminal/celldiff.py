"""Sends only the cells that changed.

Textual paints whole regions again: a blinking cursor redraws its input, a moved focus the whole screen. Over SSH that
is 1 to 9 kB a key. `Shadow` knows what the terminal shows (front) and what it should show (back), and turns the
difference into few bytes of text, colours and cursor moves that every terminal understands the same way. `CellDiff`
puts it under Textual's drawing.

While the link is stalled, updates go to the back alone; what is drawn when it flows again is one difference.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from rich.cells import cell_len, split_graphemes
from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS, Console, RenderableType
from rich.segment import Segment
from rich.style import Style
from textual import events

# Private in Textual 8.2: the two updates of the compositor (their attributes strips and region; chops, spans and
# chop_ends), `CompositorUpdate.render_segments`, and below `App._display`, `_driver`, `_batch_count`, `_running`,
# `_previous_cursor_position`. tests/terminal/test_contract.py fails when one of them goes.
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App, ReturnType, ScreenStackError
from textual.geometry import Size
from textual.screen import Screen
from textual.strip import Strip

from pipetui.terminal.driver import TerminalDriver
from pipetui.text import hidden

GAP = 4
"""Unchanged cells that are cheaper to write again than to jump over."""

LONGEST_CLUSTER = 16
"""Code points of one cell; more is not writing but a flood of accents."""

_REPLACEMENT = "\ufffd"


class Pen(NamedTuple):
    """How a cell looks: SGR parameters, and the target of a hyperlink."""

    attributes: str = ""
    colour: str = "39"
    background: str = "49"
    link: str = ""


PLAIN = Pen()

Cell = tuple[str, Pen]
"""The characters of one cell and their pen. The second half of a wide character is `""`."""

Row = list[Cell | None]
"""The cells of one line; None where nothing is known."""

# One code point, one cell, in every terminal.
_narrow = re.compile(
    "[\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u25fc\u2800-\u28ff]*"
).fullmatch
# Two cells in every terminal: CJK, Hangul, fullwidth forms.
_wide = re.compile(
    "[\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60]"
).fullmatch
_web_link = re.compile(r"https?://[\x21-\x7e]{1,2000}").fullmatch


@lru_cache(maxsize=8192)
def pen_of(style: Style | None, colors: ColorSystem | None) -> Pen:
    """The pen for a Rich style; without `colors` it has none.

    What can't be seen (meta data) makes no difference; links lead to the web only.
    """
    if style is None or style == Style.null():
        return PLAIN
    attributes = Strip.render_ansi(style.without_color, ColorSystem.STANDARD)
    if colors is None:
        return Pen(attributes, link=style.link if style.link and _web_link(style.link) else "")
    colour = style.color.downgrade(colors).get_ansi_codes() if style.color else ("39",)
    background = style.bgcolor.downgrade(colors).get_ansi_codes(foreground=False) if style.bgcolor else ("49",)
    link = style.link if style.link and _web_link(style.link) else ""
    return Pen(attributes, ";".join(colour), ";".join(background), link)


@lru_cache(maxsize=8192)
def clusters(text: str) -> list[tuple[str, int]]:
    """The characters of `text` with their widths in cells, as Rich counts them; what steers a terminal is replaced."""
    safe = hidden().sub(_REPLACEMENT, text).replace("\n", _REPLACEMENT).replace("\t", " ")
    return [(safe[start:end][:LONGEST_CLUSTER], width) for start, end, width in split_graphemes(safe)[0]]


def cells_of(segments: Iterable[Segment], length: int, colors: ColorSystem | None) -> list[Cell]:
    """The `length` cells that `segments` fill. Control segments are dropped: nobody may steer the terminal by them.

    Ink of the paper's colour stays unseen without `colors` too.
    """
    cells: list[Cell] = []
    for text, style, control in segments:
        if control or not text:
            continue
        pen = pen_of(style, colors)
        if colors is None and style is not None and style.color is not None and style.color == style.bgcolor:
            cells.extend(repeat((" ", pen), cell_len(text)))
            continue
        if text.isspace() and not pen.attributes and not pen.link:
            pen = pen._replace(colour="39")  # nobody sees the ink of a blank
        if _narrow(text):
            cells.extend(zip(text, repeat(pen)))
            continue
        for cluster, width in clusters(text):
            if width == 0:
                if cells and cells[-1][0]:
                    cells[-1] = ((cells[-1][0] + cluster)[:LONGEST_CLUSTER], cells[-1][1])
                continue
            cells.append((cluster, pen))
            if width == 2:
                cells.append(("", pen))
    if len(cells) > length:
        if cells[length][0] == "" and length:
            cells[length - 1] = (" ", cells[length - 1][1])
        del cells[length:]
    elif len(cells) < length:
        cells.extend(repeat((" ", PLAIN), length - len(cells)))
    return cells


def pieces(update: LayoutUpdate | ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """x, y and strip of everything that `update` would write; the same strips, at the same places, as Textual's own."""
    if isinstance(update, LayoutUpdate):
        for y, line in enumerate(update.strips, update.region.y):
            x = update.region.x
            for strip in line:
                yield x, y, strip
                x += strip.cell_length
        return
    for y, x1, x2 in update.spans:
        for end, (x, chop) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if chop is None or x > x2 or end <= x1:
                continue
            whole = x1 <= x < x2 and end <= x2
            yield x, y, chop if whole else chop.crop(0, min(end, x2) - x)


class Shadow:
    """What a terminal of `size` shows, and what it should show."""

    def __init__(self, size: Size, colors: ColorSystem | None) -> None:
        self.size = size
        self._colors = colors
        self._front: list[Row] = self._unknown()
        self._back: list[Row] = self._unknown()
        self._touched: set[int] = set()

    @property
    def changed(self) -> bool:
        """Is there anything to draw?"""
        return bool(self._touched)

    def forget(self) -> None:
        """What the terminal shows is not known any more: the next drawing repeats everything."""
        self._front = self._unknown()
        self._touched.update(range(self.size.height))

    def place(self, x: int, y: int, strip: Strip) -> None:
        """Put a strip on the back; what lies outside is cut off."""
        width, height = self.size
        if not 0 <= y < height or x >= width or x < 0:
            return
        length = min(strip.cell_length, width - x)
        cells = cells_of(strip, length, self._colors)
        row = self._back[y]
        end = x + length
        if row[x:end] == cells:
            return
        # As a terminal does, blank the other half of a wide character that is cut through.
        if x and (half := row[x]) and half[0] == "" and (left := row[x - 1]):
            row[x - 1] = (" ", left[1])
        if end < width and (half := row[end]) and half[0] == "":
            row[end] = (" ", half[1])
        row[x:end] = cells
        self._touched.add(y)

    def draw(self) -> str:
        """What to write so that the terminal shows the back; it is taken as written."""
        out = _Writer()
        touched = sorted(self._touched)
        for y in touched:
            old, new = self._front[y], self._back[y]
            if old == new:
                continue
            if _is_doubtful(old) or _is_doubtful(new):
                out.doubtful_line(y, new)
                continue
            for start, end in _runs(old, new):
                out.run(start, y, new[start:end])
        text = out.finish()
        for y in touched:
            self._front[y] = [ours or theirs for ours, theirs in zip(self._back[y], self._front[y], strict=True)]
        self._touched.clear()
        return text

    def _unknown(self) -> list[Row]:
        return [[None] * self.size.width for _ in range(self.size.height)]


@lru_cache(maxsize=4096)
def _disputed(text: str) -> bool:
    """May a terminal draw this cell wider or narrower than Rich thinks? (emoji, joined and combining characters)"""
    return not (_narrow(text) or _wide(text))


def _is_doubtful(row: Row) -> bool:
    text = "".join([cell[0] for cell in row if cell])
    return not _narrow(text) and any(cell and cell[0] and _disputed(cell[0]) for cell in row)


def _runs(old: Sequence[Cell | None], new: Sequence[Cell | None]) -> Iterator[tuple[int, int]]:
    """Start and end of the stretches of `new` to write over `old`.

    The halves of a wide character come and go together, so none is cut.
    """
    start = last = -1
    for x, (before, after) in enumerate(zip(old, new, strict=True)):
        if after is None or before == after:
            continue
        if last >= 0 and (x - last == 1 or _bridges(new[last : x + 1])):
            last = x
            continue
        if last >= 0:
            yield start, last + 1
        start = last = x
    if last >= 0:
        yield start, last + 1


def _bridges(cells: Sequence[Cell | None]) -> bool:
    pens = {cell[1] if cell else None for cell in cells[:-1]}
    return len(cells) - 2 <= GAP and len(pens) == 1


class _Writer:
    """Puts cells, moves and colours into one string, and says nothing twice."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._at: tuple[int, int] | None = None
        self._pen = PLAIN

    def run(self, x: int, y: int, cells: Row) -> None:
        """Write cells from (x, y) on, all of them known, and of one width everywhere."""
        self._move(x, y)
        append = self._out.append
        for cell in cells:
            if cell is None:
                continue
            text, pen = cell
            if pen is self._pen:
                append(text)
            else:
                self._write(text, pen)
        self._at = (x + len(cells), y)

    def doubtful_line(self, y: int, cells: Row) -> None:
        """Write a whole line with cells whose width is disputed; unknown ones are jumped over.

        The place of such a cell is blanked first, and afterwards the cursor is sent to where it should be: then a
        character that turns out narrower or wider than Rich thinks spoils nothing but itself.
        """
        for x, (cell, after) in enumerate(zip(cells, [*cells[1:], None], strict=True)):
            if cell is None or not cell[0]:
                continue
            text, pen = cell
            width = 2 if after and after[0] == "" else 1
            self._move(x, y)
            if _disputed(text):
                self._write(" " * width, pen)
                self._at = None
                self._move(x, y)
                self._write(text, pen)
                self._at = None
            else:
                self._write(text, pen)
                self._at = (x + width, y)

    def finish(self) -> str:
        """Everything, with the pen put back."""
        self._dip(PLAIN)
        return "".join(self._out)

    def _move(self, x: int, y: int) -> None:
        if self._at == (x, y):
            return
        if self._at and self._at[1] == y and self._at[0] < x:
            steps = x - self._at[0]
            self._out.append(f"\x1b[{steps}C" if steps > 1 else "\x1b[C")
        else:
            self._out.append(f"\x1b[{y + 1};{x + 1}H" if x else f"\x1b[{y + 1}H")
        self._at = (x, y)

    def _write(self, text: str, pen: Pen) -> None:
        now = self._pen
        if pen is not now:
            if text == " " and not (pen.attributes or pen.link or now.attributes or now.link):
                pen = pen._replace(colour=now.colour)
            self._dip(pen)
        self._out.append(text)

    def _dip(self, pen: Pen) -> None:
        now, self._pen = self._pen, pen
        if pen == now:
            return
        if pen.link != now.link:
            self._out.append(f"\x1b]8;;{pen.link}\x1b\\")
        codes: list[str] = []
        if now.attributes and pen.attributes != now.attributes:
            codes.append("")  # an empty parameter is 0: all off
            now = PLAIN
        if pen[:3] == PLAIN[:3] and now[:3] != PLAIN[:3]:
            codes = [""]
        else:
            if pen.attributes != now.attributes:
                codes.append(pen.attributes)
            if pen.colour != now.colour:
                codes.append(pen.colour)
            if pen.background != now.background:
                codes.append(pen.background)
        if codes:
            self._out.append(f"\x1b[{';'.join(codes)}m")


class CellUpdate(CompositorUpdate):
    """Writes the difference; made when it is written, so that nothing is taken as shown that wasn't sent."""

    def __init__(self, shadow: Shadow) -> None:
        self._shadow = shadow

    def render_segments(self, console: Console) -> str:
        """The difference as terminal sequences."""
        return self._shadow.draw()

    def __rich__(self) -> str:
        return ""  # Textual's type for what it displays asks for it; it calls render_segments


class CellDiff(App[ReturnType]):
    """An App that writes only the cells that changed, and nothing while the link is stalled."""

    _shadow: Shadow | None = None

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        driver = self._driver
        if not isinstance(driver, TerminalDriver) or renderable is None or self._batch_count or not self._running:
            super()._display(screen, renderable)
            return
        if not isinstance(renderable, LayoutUpdate | ChopsUpdate):
            self._shadow = None
            super()._display(screen, renderable)
            return
        shadow = self._shadow
        if shadow is None or shadow.size != self.size:
            shadow = self._shadow = Shadow(self.size, self._colors)
        for x, y, strip in pieces(renderable):
            shadow.place(x, y, strip)
        self._show(screen, shadow, driver)

    def _show(self, screen: Screen[object], shadow: Shadow, driver: TerminalDriver) -> None:
        moved = screen.outer_size.clamp_offset(self.cursor_position) != self._previous_cursor_position
        pending = (shadow.changed or moved) and not driver.stalled
        super()._display(screen, CellUpdate(shadow) if pending else None)

    async def _on_resize(self, event: events.Resize) -> None:
        # A terminal that was resized (twice, back to the same size), or left and entered again, shows anything.
        self._show_again(forget=True)

    def on_terminal_driver_flowing(self, event: TerminalDriver.Flowing) -> None:
        """The link takes data again: draw what changed meanwhile."""
        event.stop()
        self._show_again(forget=event.lost)

    def _show_again(self, *, forget: bool) -> None:
        shadow, driver = self._shadow, self._driver
        if shadow is None or not isinstance(driver, TerminalDriver):
            return
        if forget:
            shadow.forget()
        if shadow.size != self.size:
            return  # a full update is on its way
        try:
            self._show(self.screen, shadow, driver)
        except ScreenStackError:
            return  # between two screens; the next one is drawn anyhow

    @property
    def _colors(self) -> ColorSystem | None:
        if self.no_color:
            return None
        return COLOR_SYSTEMS.get(self.console.color_system or "", ColorSystem.TRUECOLOR)
