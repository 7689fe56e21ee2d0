"""The messages of a conversation, drawn line by line where they are looked at.

It is given messages and draws them; it knows neither model nor store. Each message is made into rows when it comes
near the view, and its rows are forgotten when it is far from it. The view stays at the end until the user leaves it.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple, TypeAlias

from textual import events
from textual import message as textual
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget

from ..engine.messages import LIVE, Message, Proposal, Proposed
from .entry import INDENT, KEYS, Entry
from .inks import Inks
from .marks import has_unicode
from .proposal import state_of
from .spans import Row, Span, cells

FRAME_SECONDS = 0.08
"""Between two looks at an answer that grows."""

AGE_SECONDS = 20.0
"""Between two looks at how old things are."""

MOST_ROWS = 3_000
"""Rows that are kept; of messages far from the view only the height is."""

QUIET_SECONDS = 0.6
"""After the cursor went to a card by itself: a key that is held down or pressed twice decides nothing there."""

NARROW = 16
"""Cells that a message takes at least."""

Stop: TypeAlias = tuple[str, str]
"""A place of the cursor: the id of a message, and of a proposal in it or ''."""


class Anchor(NamedTuple):
    """A row of a message; of `of` rows that it has, if these will be others (0: the rows before it stay)."""

    message: str
    row: int
    of: int


class Transcript(ScrollView, can_focus=True):
    """Messages one below the other, the last one at the bottom."""

    DEFAULT_CSS = """
    Transcript {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        scrollbar-background: $surface;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="transcript.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="transcript.down"),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
        Binding("enter", "unfold", "Unfold", show=False, id="transcript.unfold"),
        Binding("a", "decide(True)", "Approve", id="transcript.approve"),
        Binding("x", "decide(False)", "Reject", id="transcript.reject"),
        # Off a card these keys do nothing: the screen below may have other, worse uses for them.
        Binding("a,x", "nothing", show=False),
    ]

    class NearTop(textual.Message):
        """The user comes near the first message, and there are earlier ones."""

    class Moved(textual.Message):
        """The cursor is on another message."""

    @dataclass
    class Decided(textual.Message):
        """The proposal under the cursor was approved or rejected."""

        proposal: str
        approve: bool

    @dataclass
    class LinkClicked(textual.Message):
        """A link was chosen. Nothing has opened it."""

        href: str

    def __init__(self, *, keys: Mapping[str, str] = KEYS, clock: Callable[[], float] = time.time, **more: Any) -> None:
        """`keys` are what the cards call `approve`, `reject` and `unfold`, where they are remapped."""
        super().__init__(**more)
        self._keys = {**KEYS, **keys}
        self._clock = clock
        self._entries: list[Entry] = []
        self._tops: list[int] = [0]
        self._proposals: Mapping[str, Proposal] = {}
        self._inks = Inks(self)
        self._cursor: Stop | None = None
        self._follows = True
        self._has_new = False
        self._earlier = False
        self._busy = False
        self._grown: Message | None = None
        self._frame: Timer | None = None
        self._drawn_at = 0.0
        self._led_to = ""
        self._decided = ""
        self._quiet_until = 0.0
        self._known: tuple[str, frozenset[str]] = ("", frozenset())
        self._enters = False

    # What it shows

    def show(self, messages: Sequence[Message], proposals: Mapping[str, Proposal], *, earlier: bool) -> None:
        """The loaded messages, oldest first; `earlier` says whether there are more before them.

        What the user looks at stays where it is, whatever has come before or behind it.
        """
        self._draw_grown()
        anchor = self._anchor()
        known = {entry.message.id: entry for entry in self._entries}
        last = self._entries[-1].message.id if self._entries else ""
        entries = []
        now, width = self._clock(), self._width
        for message in _as_told(messages):
            ids = [part.proposal for part in message.parts if isinstance(part, Proposed)]
            own = {id: proposals[id] for id in ids if id in proposals}
            entry = known.get(message.id)
            if entry is None:
                entry = Entry(message, own, width, keys=self._keys)
            elif not (_is_behind(message, entry.message) and own == entry.proposals):
                entry.update(message, entry.proposals if own == entry.proposals else own, now)
            entries.append(entry)
        self._entries, self._proposals, self._earlier = entries, proposals, earlier
        self._measure()
        if self._cursor and all(entry.message.id != self._cursor[0] for entry in entries):
            self._cursor = None
        if entries and entries[-1].message.id != last and not self._follows:
            self._has_new = True
        if self.has_focus and self._cursor is None and entries:
            self._put_cursor((entries[-1].message.id, ""))
        self._settle(anchor)
        if self._decided and not self._is_open(self._decided):
            decided, self._decided = self._decided, ""
            if self._cursor and self._cursor[1] == decided:
                self.to_open_proposal()
        self.refresh()
        self.refresh_bindings()
        self._ask_earlier()

    def stream(self, message: Message) -> None:
        """The last message has grown, or ended. It is drawn at once if some time has passed since the last drawing."""
        self._grown = message
        wait = self._drawn_at + FRAME_SECONDS - time.monotonic()
        if wait <= 0 or message.state not in LIVE:
            self._draw_grown()
        elif self._frame is None:
            self._frame = self.set_timer(wait, self._draw_grown)

    def _draw_grown(self) -> None:
        if self._frame is not None:
            self._frame.stop()
            self._frame = None
        message, self._grown = self._grown, None
        if message is None:
            return
        self._drawn_at = time.monotonic()
        at = self._at(message.id)
        anchor = self._anchor()
        if at is None:
            entry = Entry(message, {}, self._width, keys=self._keys)
            self._entries.append(entry)
            self._settle(anchor)
            self.refresh()
            return
        entry = self._entries[at]
        before, old = entry.message, entry.height
        row = entry.update(message, entry.proposals, self._clock())
        if entry.is_drawn and (before.state, before.usage, before.why) != (message.state, message.usage, message.why):
            self._refresh_rows(self._tops[at], 1)
        if entry.height == old:
            self._refresh_rows(self._tops[at] + row, entry.height - row)
            return
        if not self._follows:
            self._has_new = True
        self._settle(anchor)
        self._refresh_rows(self._tops[at] + row, self.size.height)

    @property
    def current(self) -> Message | None:
        """The message under the cursor, or the last one."""
        entry = self._entry(self._cursor[0]) if self._cursor else None
        if entry is None and self._entries:
            entry = self._entries[-1]
        return entry.message if entry else None

    @property
    def current_proposal(self) -> Proposal | None:
        """The proposal under the cursor."""
        return self._proposals.get(self._cursor[1]) if self._cursor and self._cursor[1] else None

    @property
    def at_end(self) -> bool:
        """Whether the view follows what comes."""
        return self._follows

    def code(self) -> str:
        """The code block of the current message that is in sight, or its last one; '' if it has none."""
        message = self.current
        at = self._at(message.id) if message else None
        if at is None:
            return ""
        entry = self._entries[at]
        self._extent((entry.message.id, ""))  # draws it
        found = list(entry.codes())
        top = round(self.scroll_y) - self._tops[at]
        seen = [source for end, source in found if end > top]
        return seen[0] if seen and top > 0 else found[-1][1] if found else ""

    def links(self) -> list[str]:
        """Where the links of the current message lead, each once."""
        message = self.current
        entry = self._entry(message.id) if message else None
        if entry is None:
            return []
        self._extent((entry.message.id, ""))  # draws it
        return entry.links()

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._follows, self._has_new = True, False
        self._settle(None)
        self.refresh()

    def go(self, message: str) -> None:
        """Put the cursor on a message, and its first line to the top."""
        if self._at(message) is None:
            return
        if not self.scrollable_content_region.width:
            self._led_to = message  # when it is laid out
            return
        self._put_cursor((message, ""))
        begin, _ = self._extent((message, ""))
        self._follows = False
        self.scroll_to(y=begin, animate=False)
        self._follows = round(self.scroll_y) >= self.max_scroll_y
        self.refresh()

    # Where things are

    @property
    def _width(self) -> int:
        return max(NARROW, self.scrollable_content_region.width or 80)

    @property
    def _page(self) -> int:
        return max(1, self.scrollable_content_region.height)

    def _at(self, message: str) -> int | None:
        """The place of a message; the last ones are looked at first."""
        return next((n for n in reversed(range(len(self._entries))) if self._entries[n].message.id == message), None)

    def _entry(self, message: str) -> Entry | None:
        at = self._at(message)
        return None if at is None else self._entries[at]

    def _measure(self) -> None:
        """Whoever puts, draws or drops entries measures: where they begin is always known, before a layout too."""
        self._tops = [0, *accumulate(entry.height for entry in self._entries)]
        if not self.scrollable_content_region.width:
            return
        size = Size(self._width, max(0, self._tops[-1] - 1))
        if size != self.virtual_size:
            # Without the layout of the whole screen that the setter asks for: our own size stays.
            self.set_reactive(Widget.virtual_size, size)
            self._scroll_update(size)

    def _anchor(self, *, rewraps: bool = False) -> Anchor | None:
        """What is at the top of the view; None at the end."""
        if self._follows or not self._entries:
            return None
        top = round(self.scroll_y)
        at = min(bisect_right(self._tops, top) - 1, len(self._entries) - 1)
        entry = self._entries[at]
        of = entry.height if rewraps or not entry.is_drawn else 0
        return Anchor(entry.message.id, top - self._tops[at], of)

    def _settle(self, anchor: Anchor | None) -> None:
        """Draw what is in view or near, and put the view to the anchor: until nothing there is an estimate any more."""
        if not self.scrollable_content_region.width:
            self._measure()
            return  # not laid out yet
        was_busy, self._busy = self._busy, True
        now = self._clock()
        anchored = self._entry(anchor.message) if anchor else None
        while True:
            self._measure()
            if anchor is None:
                self._go(self.max_scroll_y)
            elif anchored is not None:
                row = round(anchor.row / anchor.of * anchored.height) if anchor.of else anchor.row
                self._go(self._tops[self._at(anchor.message) or 0] + row)
            rough = [entry for entry in self._near_view() if not entry.is_drawn]
            if not rough:
                break
            for entry in [anchored] if anchored is not None and not anchored.is_drawn else rough:
                entry.draw(now)
        self._forget()
        self._busy = was_busy

    def _go(self, y: float) -> None:
        if round(y) != round(self.scroll_y):
            self.scroll_to(y=y, animate=False)

    def _near_view(self) -> list[Entry]:
        """The messages in view, and a page above and below: so that who scrolls by pages skips nothing."""
        top = round(self.scroll_y)
        first = max(0, bisect_right(self._tops, top - self._page) - 1)
        last = bisect_right(self._tops, top + 2 * self._page)
        return self._entries[first:last]

    def _forget(self) -> None:
        """Drop the rows of messages that are farthest from the view, if too many are kept."""
        drawn = [n for n, entry in enumerate(self._entries) if entry.is_drawn]
        kept = sum(self._entries[n].height for n in drawn)
        if kept <= MOST_ROWS:
            return
        top, end = round(self.scroll_y), round(self.scroll_y) + self._page
        away = {n: max(self._tops[n] - end, top - self._tops[n + 1]) for n in drawn}
        for n in sorted(drawn, key=away.__getitem__, reverse=True):
            if kept <= MOST_ROWS or away[n] <= 2 * self._page:
                break
            if self._entries[n].message.state not in LIVE:
                kept -= self._entries[n].height
                self._entries[n].drop()

    def on_resize(self) -> None:
        anchor = self._anchor(rewraps=True)
        for entry in self._entries:
            entry.rewrap(self._width)
        self._settle(anchor)
        self.refresh()
        self._ask_earlier()
        if self._led_to and self.scrollable_content_region.width:
            led_to, self._led_to = self._led_to, ""
            self.go(led_to)

    def on_mount(self) -> None:
        self.set_interval(AGE_SECONDS, self._grow_older)

    def _grow_older(self) -> None:
        now = self._clock()
        anchor = self._anchor()
        for entry in self._entries:
            entry.refresh_cards(now)
        self._settle(anchor)
        self.refresh()
        self.refresh_bindings()

    def notify_style_update(self) -> None:
        self._inks.dry()
        super().notify_style_update()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._busy:
            return
        self._follows = round(new_value) >= self.max_scroll_y
        if self._follows:
            self._has_new = False
        if any(not entry.is_drawn for entry in self._near_view()):
            self._settle(self._anchor())
        self._ask_earlier()

    def _ask_earlier(self) -> None:
        if self._earlier and self.scrollable_content_region.width and self.scroll_y <= self._page:
            self._earlier = False  # until it is shown anew
            self.post_message(self.NearTop())

    # The cursor

    def _stops(self) -> list[Stop]:
        """Every message, and in it its proposals."""
        return [(entry.message.id, card) for entry in self._entries for card in ("", *entry.cards)]

    def _extent(self, stop: Stop) -> tuple[int, int]:
        """The first line of a stop and the one behind its last."""
        at = self._at(stop[0])
        assert at is not None
        entry = self._entries[at]
        if not entry.is_drawn:
            anchor = self._anchor()
            entry.draw(self._clock())
            self._settle(anchor)
        begin, end = entry.extent(stop[1])
        return self._tops[at] + begin, self._tops[at] + end

    def _put_cursor(self, stop: Stop | None) -> None:
        self._quiet_until = 0.0
        if stop == self._cursor:
            return
        self._cursor = stop
        self.refresh()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def on_focus(self, event: events.Focus) -> None:
        """To what came since the focus left: the first card to decide, else the newest message.

        Who only comes back to the terminal finds the cursor where it was.
        """
        stops = self._stops()
        if stops and not (event.from_app_focus and self._cursor):
            newest, known = self._known if self._cursor else ("", frozenset())
            card = next((stop for stop in stops if self._is_open(stop[1]) and stop[1] not in known), None)
            if card or stops[-1][0] != newest:
                self._put_cursor(card or (stops[-1][0], ""))
                self._enters = True
                self.call_later(self._enter)
        self.refresh()

    def on_mouse_down(self) -> None:
        self._enters = False  # what is clicked on stays where it is

    def _enter(self) -> None:
        """Show all of a card; of a message any part is enough."""
        if self._enters and self._cursor and self.has_focus and self.scrollable_content_region.width:
            begin, end = self._extent(self._cursor)
            top = round(self.scroll_y)
            if self._cursor[1] or begin >= top + self._page or end <= top:
                self._bring_into_view(self._cursor, 1)
        self._enters = False

    def on_blur(self) -> None:
        if self._entries:
            self._known = (self._entries[-1].message.id, frozenset(self._proposals))
        self.refresh()

    def _is_open(self, card: str) -> bool:
        proposal = self._proposals.get(card)
        return proposal is not None and state_of(proposal, self._clock()) == "open"

    def to_open_proposal(self) -> bool:
        """Put the cursor on a card that is to be decided: this one, the next, else the first; whether there is one."""
        stops = self._stops()
        at = stops.index(self._cursor) if self._cursor in stops else 0
        stop = next((each for each in (*stops[at:], *stops[:at]) if self._is_open(each[1])), None)
        if stop is None:
            return False
        self._put_cursor(stop)
        if self.scrollable_content_region.width:
            self._bring_into_view(stop, 1)
        self._quiet_until = time.monotonic() + QUIET_SECONDS
        return True

    def action_move(self, step: int) -> None:
        """To the next stop; in one that is longer than the view, a few lines further first."""
        stops = self._stops()
        if not stops:
            return
        if self._cursor is None or self._cursor not in stops:
            self._put_cursor(stops[-1])
            return
        begin, end = self._extent(self._cursor)
        top = round(self.scroll_y)
        if begin >= top + self._page or end <= top:  # the user has scrolled away from it
            self._put_cursor(self._seen_stop(step))
            return
        if end > top + self._page if step > 0 else begin < top:
            self._scroll(step * min(3, self._page))
            return
        at = stops.index(self._cursor) + step
        if not 0 <= at < len(stops):
            self._scroll(step * self._page)
            return
        self._put_cursor(stops[at])
        self._bring_into_view(stops[at], step)

    def _seen_stop(self, step: int) -> Stop | None:
        """The first stop in view, or the last one for who goes up."""
        top = round(self.scroll_y)
        near = [(entry.message.id, card) for entry in self._near_view() for card in ("", *entry.cards)]
        extents = [(self._extent(stop), stop) for stop in near]
        seen = [stop for (begin, end), stop in extents if begin < top + self._page and end > top]
        return (seen[0] if step > 0 else seen[-1]) if seen else self._cursor

    def _bring_into_view(self, stop: Stop, step: int) -> None:
        begin, end = self._extent(stop)
        top = round(self.scroll_y)
        if end - begin > self._page:
            self.scroll_to(y=begin if step > 0 else end - self._page, animate=False)
        elif begin < top:
            self.scroll_to(y=begin, animate=False)
        elif end > top + self._page:
            self.scroll_to(y=end - self._page, animate=False)

    def _scroll(self, lines: int) -> None:
        self.scroll_to(y=round(self.scroll_y) + lines, animate=False)

    def action_page(self, pages: int) -> None:
        self._scroll(pages * max(1, self._page - 1))

    def action_first(self) -> None:
        self.scroll_to(y=0, animate=False)
        if stops := self._stops():
            self._put_cursor(stops[0])

    def action_last(self) -> None:
        self.follow()
        if stops := self._stops():
            self._put_cursor(stops[-1])

    def action_unfold(self) -> None:
        at = self._at(self._cursor[0]) if self._cursor else None
        if at is None:
            return
        entry = self._entries[at]
        top = round(self.scroll_y)
        was_at = self._tops[at] - top
        entry.unfold(self._clock())
        self._measure()
        self._busy = True  # the header stays where it is
        self._go(self._tops[at] - was_at)
        self._busy = False
        self._follows = round(self.scroll_y) >= self.max_scroll_y
        self._settle(self._anchor())
        self.refresh()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "decide" or bool(self._cursor and self._is_open(self._cursor[1]))

    def action_decide(self, approve: bool) -> None:
        """Only on a card that is in sight: what one can't see one doesn't approve."""
        proposal = self.current_proposal
        if proposal is None or self._cursor is None:
            return
        begin, end = self._extent(self._cursor)
        top = round(self.scroll_y)
        fits = end - begin <= self._page
        if end > top + self._page or (fits and begin < top):
            self._bring_into_view(self._cursor, 1 if fits else -1)
            return
        now = time.monotonic()
        if now < self._quiet_until:
            self._quiet_until = now + QUIET_SECONDS
            return
        self._decided = proposal.id
        self.post_message(self.Decided(proposal.id, approve))

    def action_nothing(self) -> None:
        pass

    def on_click(self, event: events.Click) -> None:
        if self._has_new and event.y == self._page - 1 and event.x >= self._width - cells((_new(),)):
            self.follow()
            return
        line = event.y + round(self.scroll_y)
        at = bisect_right(self._tops, line) - 1
        if not 0 <= at < len(self._entries):
            return
        entry = self._entries[at]
        place = entry.place(line - self._tops[at]) if line > self._tops[at] else None
        self._put_cursor((entry.message.id, place.card if place else ""))
        if place and (href := _href_at(place.row, event.x - INDENT)):
            self.post_message(self.LinkClicked(href))

    # Drawing

    def _refresh_rows(self, first: int, count: int) -> None:
        """Draw `count` lines from `first` on, as far as they are in sight."""
        top = round(self.scroll_y)
        begin, end = max(0, first - top), min(self.size.height, first + count - top)
        if begin < end:
            self.refresh(Region(0, begin, self.size.width, end - begin))

    def render_line(self, y: int) -> Strip:
        line, width = round(self.scroll_y) + y, self.scrollable_content_region.width
        at = bisect_right(self._tops, line) - 1
        rows: list[Row] = []
        if 0 <= at < len(self._entries):
            entry = self._entries[at]
            number = line - self._tops[at]
            is_here = self._cursor is not None and self._cursor[0] == entry.message.id and number < entry.height - 1
            if number == 0:
                rows = [(_margin(is_here and not self._stop_card, self.has_focus),), entry.header(self._clock())]
            else:
                place = entry.place(number)
                bar = is_here and self._stop_card == (place.card if self._stop_card else "")
                rows = [(_margin(bar, self.has_focus), _card_margin(place.card)), place.row]
        if self._has_new and y == self._page - 1:
            room = cells((_new(),))
            return Strip.join([self._inks.strip(rows, width - room), self._inks.strip([(_new(),)], room)])
        return self._inks.strip(rows, width)

    @property
    def _stop_card(self) -> str:
        return self._cursor[1] if self._cursor else ""


def _new() -> Span:
    return Span(" ▼ new " if has_unicode() else " v new ", "badge")


def _margin(is_here: bool, has_focus: bool) -> Span:
    if not is_here or not has_focus:
        return Span(" ")
    return Span("▌" if has_unicode() else ">", "cursor")


def _card_margin(card: str) -> Span:
    """What no text can draw: texts begin one cell further in."""
    if not card:
        return Span(" ")
    return Span("┃ " if has_unicode() else "| ", "warning")


def _href_at(row: Row, x: int) -> str:
    for span in row:
        if x < (wide := cells((span,))):
            return span.href if x >= 0 else ""
        x -= wide
    return ""


def _as_told(messages: Sequence[Message]) -> Iterator[Message]:
    """The messages; one that waits for the answer above it says so."""
    comes_after = False
    for message in messages:
        is_behind = comes_after and message.state == "waiting" and not message.why
        yield replace(message, why="Comes after the answer above.") if is_behind else message
        comes_after |= message.state in LIVE


def _is_behind(message: Message, known: Message) -> bool:
    """Whether this is an older state of an answer that was streamed: the store is behind what came."""
    return (
        message.state in LIVE
        and (known.state in LIVE or bool(message.text))
        and len(message.text) < len(known.text)
        and known.text.startswith(message.text)
    )
