"""The difference, drawn on one terminal, against the full screen, drawn on a new one."""

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import ControlType, Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region, Size
from textual.strip import Strip

from pipetui.terminal.celldiff import Shadow, pieces

WIDTH, HEIGHT = 18, 4
SIZE = Size(WIDTH, HEIGHT)
CONSOLE = Console(color_system="truecolor", force_terminal=True, legacy_windows=False)

STYLES = [
    None,
    Style(),
    Style(color="red"),
    Style(color="#102030", bgcolor="#405060"),
    Style(bgcolor="#405060", meta={"line": 1}),
    Style(bold=True),
    Style(bold=True, color="red", bgcolor="blue"),
    Style(underline=True, bgcolor="#405060"),
    Style(reverse=True, italic=True),
]
# pyte and Rich agree on the width of these; what terminals dispute is tested apart.
TEXTS = st.text(st.sampled_from("ab  ─│é漢字日본あ"), max_size=6)
SEGMENTS = st.lists(st.tuples(TEXTS, st.sampled_from(STYLES)), max_size=5)


@st.composite
def strips(draw: st.DrawFn, width: int) -> Strip:
    return Strip(Segment(text, style) for text, style in draw(SEGMENTS)).adjust_cell_length(
        width, draw(st.sampled_from(STYLES))
    )


@st.composite
def lines(draw: st.DrawFn) -> list[Strip]:
    cut = draw(st.integers(1, WIDTH - 1))
    return [draw(strips(cut)), draw(strips(WIDTH - cut))]


SCREENS = st.lists(lines(), min_size=HEIGHT, max_size=HEIGHT)


class Terminal:
    """pyte, without line wrap, as the driver sets it."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.Stream(self.screen)
        self._stream.feed("\x1b[?7l")

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    def cells(self) -> list[list[tuple[object, ...]]]:
        """What can be seen: the ink of a blank can't."""
        return [[_seen(self.screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    inked = cell.data.strip() or cell.underscore or cell.reverse or cell.strikethrough
    return cell if inked else (cell.data, cell.bg)


def full(screen: list[list[Strip]]) -> LayoutUpdate:
    return LayoutUpdate(list(screen), Region(0, 0, WIDTH, HEIGHT))


def painted(update: LayoutUpdate) -> list[list[tuple[object, ...]]]:
    terminal = Terminal()
    # A line break alone would start the next line where this one ends.
    terminal.feed(update.render_segments(CONSOLE).replace("\n", "\r\n"))
    return terminal.cells()


def place(shadow: Shadow, update: LayoutUpdate | ChopsUpdate) -> None:
    for x, y, strip in pieces(update):
        shadow.place(x, y, strip)


def new_shadow() -> Shadow:
    return Shadow(SIZE, ColorSystem.TRUECOLOR)


@given(st.lists(st.tuples(SCREENS, st.sampled_from(["draw", "skip", "forget"])), min_size=1, max_size=6))
def test_the_terminal_always_ends_up_as_a_full_repaint(screens: list[tuple[list[list[Strip]], str]]) -> None:
    terminal, shadow = Terminal(), new_shadow()
    for screen, then in screens:
        place(shadow, full(screen))
        if then == "skip":  # the link is stalled
            continue
        if then == "forget":
            terminal = Terminal()
            shadow.forget()
        terminal.feed(shadow.draw())
        assert terminal.cells() == painted(full(screen))
        assert shadow.draw() == "" and not shadow.changed


@given(
    SCREENS,
    st.lists(
        st.tuples(st.integers(0, HEIGHT - 1), st.integers(0, WIDTH - 1), st.integers(1, WIDTH), st.data()), max_size=5
    ),
)
def test_parts_of_lines(screen: list[list[Strip]], parts: list[tuple[int, int, int, st.DataObject]]) -> None:
    """Partial updates, wherever they cut: the terminal shows what the shadow was given, cell by cell."""
    terminal, shadow = Terminal(), new_shadow()
    place(shadow, full(screen))
    now = [Strip.join(line) for line in screen]
    terminal.feed(shadow.draw())
    for y, x, length, data in parts:
        end = min(x + length, WIDTH)
        strip = data.draw(strips(end - x))
        chops: list[dict[int, Strip | None]] = [{0: None} for _ in range(HEIGHT)]
        chops[y] = {0: None, x: strip} if x else {x: strip}
        ends = [[x, end] if x else [end] for _ in range(HEIGHT)]
        place(shadow, ChopsUpdate(chops, [(y, x, end)], ends))
        now[y] = Strip.join([now[y].crop(0, x), strip, now[y].crop(end, WIDTH)])
        terminal.feed(shadow.draw())
        assert terminal.cells() == painted(full([[line] for line in now]))


def test_one_changed_cell_costs_a_move_and_a_character() -> None:
    shadow = new_shadow()
    place(shadow, full([[Strip([Segment("x" * WIDTH)])] for _ in range(HEIGHT)]))
    shadow.draw()
    place(shadow, full([[Strip([Segment("xxxxxyx".ljust(WIDTH, "x"))])] for _ in range(HEIGHT)]))
    assert shadow.draw() == "\x1b[1;6Hy\x1b[2;6Hy\x1b[3;6Hy\x1b[4;6Hy"


def test_invisible_differences_cost_nothing() -> None:
    shadow = new_shadow()
    place(shadow, full([[Strip([Segment("abc", Style(bold=True, meta={"n": 1}))], 3)]]))
    shadow.draw()
    place(shadow, full([[Strip([Segment("abc", Style(bold=True, meta={"n": 2}))], 3)]]))
    assert not shadow.changed and shadow.draw() == ""


def test_a_control_character_that_slipped_through_becomes_visible() -> None:
    shadow = new_shadow()
    nasty = "a\x1b[2Jb\x9bc\x07\u202ed\ud800\n\te"
    place(shadow, full([[Strip([Segment(nasty, Style(link="https://x.example/\x1b[2J"))], WIDTH)]]))
    written = shadow.draw()
    text = written.replace("\x1b[1H", "").replace("\x1b[m", "")
    assert "\x1b[2J" not in written and "\x1b]8" not in written
    for character in "\x07\x9b\u202e\ud800\n\t":
        assert character not in text
    assert "\ufffd" in written
    written.encode()


def test_control_segments_are_dropped() -> None:
    shadow = new_shadow()
    bell = Segment("\x1b[2J", None, [(ControlType.BELL,)])
    place(shadow, full([[Strip([bell, Segment("ok")], 2)]]))
    assert shadow.draw() == "\x1b[1Hok"


def test_web_links_are_kept() -> None:
    shadow = new_shadow()
    place(shadow, full([[Strip([Segment("go", Style(link="https://x.example/?a=1"))], 2)]]))
    assert shadow.draw() == "\x1b[1H\x1b]8;;https://x.example/?a=1\x1b\\go\x1b]8;;\x1b\\"


@given(st.sampled_from(["👩\u200d👩\u200d👧", "👋", "❤\ufe0f", "🇩🇪", "e\u0301", "ก\u0e33"]), st.sampled_from("xy漢"))
def test_a_character_of_disputed_width_moves_nothing_else(cluster: str, mark: str) -> None:
    """Whatever pyte makes of the cluster, all that follows stands where Rich put it, before and after a change."""
    terminal, shadow = Terminal(), new_shadow()
    for text in (f"{cluster}abc", f"{cluster}ab{mark}", "plain", f"p{cluster}q{mark}"):
        strip = Strip([Segment(text)]).adjust_cell_length(WIDTH)
        place(shadow, full([[strip]]))
        terminal.feed(shadow.draw())
        after = text.rpartition(cluster)[2].rstrip()
        at = strip.cell_length - Strip([Segment(strip.text.split(cluster)[-1])]).cell_length
        shown = "".join(cell.data for cell in (terminal.screen.buffer[0][x] for x in range(at, WIDTH)))
        assert shown.rstrip() == after


def test_a_character_of_disputed_width_is_fenced() -> None:
    """Its place is blanked before, and the cursor is put where it should be after."""
    shadow = new_shadow()
    place(shadow, full([[Strip([Segment("a👋b")])]]))
    assert shadow.draw() == "\x1b[1Ha  \x1b[1;2H👋\x1b[1;4Hb"


def test_a_strip_that_claims_another_length_moves_nothing_else() -> None:
    shadow, terminal = new_shadow(), Terminal()
    place(shadow, full([[Strip([Segment("漢漢漢漢")], 5), Strip([Segment("ab")], 4), Strip([Segment("end")], 3)]]))
    terminal.feed(shadow.draw())
    assert terminal.screen.display[0].rstrip() == "漢漢 ab  end"


def test_outside_the_screen_nothing_is_written() -> None:
    shadow = new_shadow()
    shadow.place(WIDTH, 0, Strip([Segment("x")]))
    shadow.place(0, HEIGHT, Strip([Segment("x")]))
    assert shadow.draw() == ""
    shadow.place(WIDTH - 1, 0, Strip([Segment("漢")]))
    assert shadow.draw() == f"\x1b[1;{WIDTH}H "


def test_without_colours_only_attributes_are_sent_and_unseen_ink_stays_unseen() -> None:
    terminal, shadow = Terminal(), Shadow(SIZE, None)
    grey = Style(color="#102030", bgcolor="#102030")
    parts = [("ab", Style(color="red", bgcolor="blue")), ("▌漢", grey), ("c", Style(bold=True, color="#405060"))]
    shadow.place(0, 0, Strip(Segment(text, style) for text, style in parts))
    drawn = shadow.draw()
    terminal.feed(drawn)
    assert terminal.screen.display[0].rstrip() == "ab   c"
    assert terminal.screen.buffer[0][5].bold
    assert {cell.fg for cell in terminal.screen.buffer[0].values()} == {"default"}
    assert {cell.bg for cell in terminal.screen.buffer[0].values()} == {"default"}
    assert "38;" not in drawn and "48;" not in drawn
