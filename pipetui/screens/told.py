"""What the model sees: the parts of the request and their share of its window, then the request itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from ..engine.views import Text
from ..terminal.clipboard import copy
from ..text import count, size
from ..widgets.marks import has_unicode, marks
from ..widgets.plain import MUTED, Plain, line
from ..widgets.progress import bar
from ..widgets.views import TextView
from .dialogs import Dialog
from .looks import column, column_right

if TYPE_CHECKING:
    from ..chat.answerer import Sent
    from ..chat.request import Request, Section

BAR = 24


class Told(Dialog[None]):
    """The next request as it would be now, or the last one, byte for byte as the server received it."""

    DEFAULT_CSS = """
    Told > .box {
        width: 110;
        & > TextView { margin-top: 1; }
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "turn", show=False, priority=True),
        Binding("y", "copy", show=False),
    ]

    def __init__(self, coming: Request | None, sent: Sent | None) -> None:
        super().__init__()
        self._coming, self._sent = coming, sent
        self._shows_sent = coming is None

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain("", classes="title", id="what")
            yield Static("", markup=False, id="parts")
            yield Plain("", classes="keys")

    async def on_mount(self) -> None:
        await self._show()

    async def action_turn(self) -> None:
        if self._coming is not None and self._sent is not None:
            self._shows_sent = not self._shows_sent
            await self._show()

    def action_copy(self) -> None:
        self.app.notify(copy(self.app, self._text, "the request"), markup=False)

    @property
    def _text(self) -> str:
        if self._shows_sent:
            return self._sent.body.decode("utf-8", "replace") if self._sent else ""
        return "\n\n".join(readable(self._coming)) if self._coming else ""

    async def _show(self) -> None:
        request = self._sent.request if self._shows_sent and self._sent else self._coming
        title = (
            f"What the model was told last: {size(len(self._sent.body))}, as the server received them"
            if self._shows_sent and self._sent
            else "What the model would be told now"
        )
        both = self._coming is not None and self._sent is not None
        other = "what it would be told now" if self._shows_sent else "the bytes of the last request"
        keys = (f"Tab shows {other} · " if both else "") + "y copies it · ↑ ↓ scroll · Esc closes this"
        if request is None:
            self.query_one("#what", Plain).update("Nothing was told to a model yet, and there is none to tell it to.")
            self.query_one(".keys", Plain).update("Esc closes this")
            return
        self.query_one("#what", Plain).update(title)
        self.query_one("#parts", Static).update(Content("\n").join(_shares(request)))
        self.query_one(".keys", Plain).update(keys)
        await self.query(TextView).remove()
        view = TextView(Text(self._text), classes="scrolls")
        await self.query_one(".box").mount(view, before=".keys")
        self.call_after_refresh(self.on_resize)
        view.focus()

    def on_resize(self) -> None:
        taken = len(self._sections) + 9
        for view in self.query(TextView):
            view.styles.max_height = max(4, self.size.height * 9 // 10 - taken)

    @property
    def _sections(self) -> Sequence[Section]:
        request = self._sent.request if self._shows_sent and self._sent else self._coming
        return request.sections if request is not None else ()


def _shares(request: Request) -> Iterator[Content]:
    """A line for each part: its name, tokens, and share of the window."""
    sizes = [section.tokens for section in request.sections]
    window = request.window or sum(sizes) or 1
    percents = adding_up([100 * size / window for size in sizes])
    for section, percent in zip(request.sections, percents, strict=True):
        yield _share(section.name, section.tokens, section.tokens / window, percent)
    yield _share("All", sum(sizes), sum(sizes) / window, sum(percents), "bold")


def adding_up(shares: Sequence[float]) -> list[int]:
    """The shares as whole numbers whose sum is theirs, rounded: those are rounded up that lose most otherwise."""
    whole = [int(share) for share in shares]
    most = sorted(range(len(shares)), key=lambda n: whole[n] - shares[n])
    for n in most[: round(sum(shares)) - sum(whole)]:
        whole[n] += 1
    return whole


def _share(name: str, tokens: int, share: float, percent: int, style: str = "") -> Content:
    return Content.assemble(
        column(line(name, style), 30),
        column_right(line(f"{count(tokens)} tokens", MUTED), 16),
        column_right(line(f"{percent}%", style), 7),
        "  ",
        line(bar(min(1.0, share), 1, BAR, marks(has_unicode()).bar), "$primary"),
    )


def readable(request: Request) -> Iterator[str]:
    """The messages and tools of a request, for people."""
    yield f"model {request.model} · window {count(request.window)} tokens"
    for message in request.messages:
        extra = {name: value for name, value in message.items() if name not in ("role", "content")}
        said = str(message.get("content") or "")
        more = "\n" + json.dumps(extra, ensure_ascii=False, indent=1) if extra else ""
        yield f"── {message.get('role')} ──\n{said}{more}"
    if request.tools:
        yield "── tools ──\n" + "\n".join(json.dumps(tool, ensure_ascii=False) for tool in request.tools)
