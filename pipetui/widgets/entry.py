"""A message as rows: its header, its text, and what it holds beside it. Made when it is looked at.

Row 0 is the header. Behind the last row of the message is a blank one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from ..engine.messages import LIVE, Call, Message, Part, Proposal, Thinking
from ..text import ago, count, counted, displayable, one_line
from .blocks import plain_rows
from .flow import MOST_CHARACTERS, Flow, code_sources
from .marks import fold_sign, has_unicode
from .proposal import card_rows
from .spans import BLANK, Row, Span, shortened, spread, wrap

INDENT = 2
"""Cells before a text; a header and the margin of a card begin one before it."""

CARD_INDENT = 3

FOLD_ROWS = 60
"""Rows of a person's message that are shown unless it is unfolded."""

TRIES = "It is tried again by itself, every few seconds."

KEYS: Mapping[str, str] = {"approve": "a", "reject": "x", "unfold": "Enter"}

Kind: TypeAlias = Literal["text", "plain", "thinking", "call", "card", "note"]


class Source(NamedTuple):
    """What a section is made from: while this is the same, its rows are. `about` is a part, a proposal, or a look."""

    kind: Kind
    text: str = ""
    about: Part | Proposal | str | None = None
    ended: bool = True


@dataclass
class Section:
    """A stretch of a message; `start` is its first row."""

    source: Source
    rows: list[Row]
    flow: Flow | None = None
    start: int = 0


class Place(NamedTuple):
    """Where a row belongs: `card` is the id of a proposal or empty."""

    row: Row
    card: str = ""


@dataclass
class Entry:
    """A message and, once it was looked at, its rows. `height` is an estimate until then."""

    message: Message
    proposals: Mapping[str, Proposal]
    width: int
    unfolded: bool = False
    height: int = 0
    is_exact: bool = False
    keys: Mapping[str, str] = field(default_factory=lambda: KEYS)
    _sections: list[Section] | None = None
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.height:
            self.estimate()

    @property
    def is_drawn(self) -> bool:
        return self._sections is not None

    @property
    def cards(self) -> list[str]:
        """The ids of its proposals, in their order."""
        return [source.about.id for source in self._sources() if isinstance(source.about, Proposal)]

    def estimate(self) -> None:
        text = self.message.text[:MOST_CHARACTERS]
        body = text.count("\n") + len(text) // max(1, self.width - INDENT) + 1
        if self.message.role == "user":
            body = min(body, FOLD_ROWS + 1)
        self.height, self.is_exact = 2 + body + 2 * len(self.message.parts), False

    def drop(self) -> None:
        """Keep no rows, but their number."""
        self._sections = None

    def rewrap(self, width: int) -> None:
        if width != self.width:
            self.width, self._sections = width, None
            self.estimate()

    def draw(self, now: float) -> None:
        """Make the rows, if they aren't there."""
        if self._sections is None:
            self._sections = []
            self._bring_up(now)

    def update(self, message: Message, proposals: Mapping[str, Proposal], now: float) -> int:
        """Take another state of the message; what is as it was stays. Returns the first row that is another one."""
        if message == self.message and proposals is self.proposals:
            return self.height
        self.message, self.proposals = message, proposals
        if self._sections is None:
            self.estimate()
            return 0
        return self._bring_up(now)

    def unfold(self, now: float) -> None:
        self.unfolded = not self.unfolded
        self._sections = None
        self.draw(now)

    def refresh_cards(self, now: float) -> None:
        """Cards tell how long they stand."""
        for section in self._sections or ():
            if isinstance(section.source.about, Proposal) and section.source.about.state == "open":
                section.rows = self._rows(section.source, now)
        self._place()

    def place(self, number: int) -> Place:
        """What stands in row `number`, from 1 on."""
        at = bisect_right(self._starts, number) - 1
        if at < 0 or self._sections is None:
            return Place(BLANK)
        section = self._sections[at]
        row = section.rows[number - section.start] if number - section.start < len(section.rows) else BLANK
        inside = number - section.start < len(section.rows)
        card = section.source.about.id if inside and isinstance(section.source.about, Proposal) else ""
        return Place(row, card)

    def extent(self, card: str = "") -> tuple[int, int]:
        """The first row of the message, or of a card in it, and the one behind the last."""
        for section in self._sections or ():
            if card and isinstance(section.source.about, Proposal) and section.source.about.id == card:
                return section.start, section.start + len(section.rows)
        return 0, self.height - 1

    def codes(self) -> Iterator[tuple[int, str]]:
        """The code blocks as they came, each with the row behind its last."""
        for section in self._sections or ():
            if section.flow is not None:
                sources = code_sources(section.source.text, section.flow)
                yield from ((section.start + c.end, s) for c, s in zip(section.flow.codes, sources, strict=True))

    def links(self) -> list[str]:
        """Where its links lead, each once, in their order."""
        rows = (row for section in self._sections or () for row in section.rows)
        return list(dict.fromkeys(span.href for row in rows for span in row if span.href))

    # What it is made of

    def _sources(self) -> Iterator[Source]:
        message = self.message
        is_live = message.state in LIVE
        at = 0
        parts = message.parts
        for number, part in enumerate(parts):
            if text := message.text[at : part.at]:
                yield self._text(text, True)
            at = max(at, part.at)
            match part:
                case Thinking():
                    is_last = number == len(parts) - 1 and len(message.text) <= at
                    yield Source("thinking", part.text, "", not (is_live and is_last))
                case Call():
                    yield Source("call", "", part)
                case _ if part.proposal in self.proposals:
                    yield Source("card", "", self.proposals[part.proposal])
                case _:
                    yield Source("note", "This proposal is gone.", "muted")
        if text := message.text[at:]:
            yield self._text(text, not is_live)
        if message.state == "waiting":
            yield Source("note", f"{message.why} {TRIES}" if message.why else "Waits for a model.", "warning")
        elif message.state == "streaming" and not message.text and not parts:
            yield Source("note", "…", "muted")
        elif message.state == "broken":
            yield Source("note", message.why or "The answer broke off.", "error")
        elif message.state == "stopped" and message.why:
            yield Source("note", message.why, "muted")

    def _text(self, text: str, ended: bool) -> Source:
        return Source("plain" if self.message.by == "user" else "text", text, None, ended)

    def _bring_up(self, now: float) -> int:
        assert self._sections is not None
        old, new = self._sections, list(self._sources())
        changed = self.height
        for number, source in enumerate(new):
            section = old[number] if number < len(old) else None
            if section is not None and section.source == source:
                continue
            if section is not None and section.flow is not None and _grows(section.source, source):
                row = section.flow.feed(source.text, ended=source.ended)
                section.source = source
                changed = min(changed, section.start + row)
                continue
            changed = min(changed, section.start if section is not None else self.height - 1)
            made = self._section(source, now)
            old[number : number + 1] = [made]
        del old[len(new) :]
        height = self.height
        self._place()
        return min(changed, self.height - 1, height - 1) if self.height != height else changed

    def _place(self) -> None:
        """Put the sections one below the other; between two of them is a blank row, but not between two calls."""
        at, before = 1, ""
        for section in self._sections or ():
            kind = section.source.kind
            at += bool(before) and not (kind == before == "call")
            section.start, before = at, kind
            at += len(section.rows)
        self._starts = [section.start for section in self._sections or ()]
        self.height, self.is_exact = at + 1, True

    def _section(self, source: Source, now: float) -> Section:
        if source.kind != "text":
            return Section(source, self._rows(source, now))
        flow = Flow(self.width - INDENT, breaks=self.message.by != "model")
        flow.feed(source.text, ended=source.ended)
        return Section(source, flow.rows, flow)

    def _rows(self, source: Source, now: float) -> list[Row]:
        width = self.width - INDENT
        match source.kind, source.about:
            case "card", Proposal() as proposal:
                return card_rows(proposal, self.width - CARD_INDENT, now, keys=self.keys, whole=self.unfolded)
            case "call", Call() as call:
                return list(self._call(call, width))
            case "thinking", _:
                return list(self._thinking(source, width))
            case "note", str(look):
                return plain_rows(displayable(source.text, 2_000), width, look)
        rows = plain_rows(displayable(source.text, MOST_CHARACTERS), width)
        if len(rows) > FOLD_ROWS and not self.unfolded:
            more = f"… {counted(len(rows) - FOLD_ROWS, 'more line')} · {self.keys['unfold']} shows them"
            rows = [*rows[:FOLD_ROWS], (Span(more, "muted"),)]
        return rows

    def _thinking(self, source: Source, width: int) -> Iterator[Row]:
        words = len(source.text.split())
        said = f"{'thought for' if source.ended else 'thinking …'} {counted(words, 'word')}"
        yield (Span(f"{fold_sign(self.unfolded)} {said}", "muted"),)
        if self.unfolded:
            for row in plain_rows(displayable(source.text.strip(), MOST_CHARACTERS), width - 2, "muted em"):
                yield (Span("  "), *row)

    def _call(self, call: Call, width: int) -> Iterator[Row]:
        look = "warning" if call.failed else "muted"
        said = one_line(call.line or call.name, 2_000)
        yield from wrap((Span(f"{fold_sign(self.unfolded)} {said}", look),), width)
        if self.unfolded:
            told = [f"{name}: {value}" for name, value in call.arguments.items()] + [call.result]
            for text in told:
                for row in plain_rows(displayable(shortened(text, 4_000)), width - 2, "muted"):
                    yield (Span("  "), *row)

    def header(self, now: float) -> Row:
        """Who, when, with which model, how fast, and how it ended."""
        message = self.message
        name, look = _NAMES[message.by]
        model = one_line(message.usage.model, 60)
        left = [Span(model or name if message.by == "model" else name, f"strong {look}")]
        if message.created:
            left.append(Span(f" · {ago(now - message.created)}", "muted"))
        right: list[Span] = []
        if message.pinned:
            right.append(Span("◆ pinned" if has_unicode() else "* pinned", "primary"))
        if message.usage.rate:
            right.append(Span(f"{count(round(message.usage.rate))} tokens/s", "muted"))
        if message.state in _STATES:
            word, look = _STATES[message.state]
            right.append(Span(word, look))
        spaced = [part for span in right for part in (Span("  "), span)][1:]
        return spread(left, spaced, self.width - INDENT + 1)


_NAMES: Mapping[str, tuple[str, str]] = {
    "user": ("You", "accent"),
    "model": ("Model", "primary"),
    "workflow": ("Workflow", "good"),
    "app": ("pipetui", "muted"),
}
_STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("waits", "warning"),
    "streaming": ("writes", "primary"),
    "stopped": ("stopped", "warning"),
    "broken": ("broken", "error"),
}


def _grows(old: Source, new: Source) -> bool:
    return not old.ended and new.kind == old.kind and new.text.startswith(old.text)
