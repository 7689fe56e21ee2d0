"""Keys that come in one burst are taken as if one had waited after each."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from pipetui.terminal import typeahead
from pipetui.terminal.app import TerminalApp

NAMED = {"\r": "enter", "\x7f": "backspace", "\x1b": "escape", "<": "left"}


class Dialog(ModalScreen[str]):
    AUTO_FOCUS = "Input"

    def compose(self) -> ComposeResult:
        yield Label("A dialog")
        yield Input()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class Slow(TerminalApp[None]):
    """Every Enter makes another input, some while later, as a screen does that asks a database first."""

    MOVES = frozenset({"move"})
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave"),
        Binding("n", "new"),
        Binding("d", "delete"),
    ]

    def __init__(self, seconds: float = 0.01) -> None:
        super().__init__()
        self.seconds = seconds
        self.submitted: list[str] = []
        self.named: list[str] = []
        self.deleted = 0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Input()

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.run_worker(self._next(event.value), group="move")

    async def _next(self, value: str) -> None:
        await asyncio.sleep(self.seconds)
        self.submitted.append(value)
        self.query_one(Input).remove()
        fresh = Input()
        await self.query_one(Vertical).mount(fresh)
        self.call_after_refresh(fresh.focus)

    def action_leave(self) -> None:
        self.set_focus(None)

    async def action_new(self) -> None:
        await asyncio.sleep(self.seconds)
        self.push_screen(Dialog(), lambda name: self.named.append(name or ""))

    def action_delete(self) -> None:
        self.deleted += 1


def burst(app: TerminalApp[None], text: str) -> None:
    """Type it all at once, as a packet of a slow line brings it."""
    for char in text:
        key = NAMED.get(char, char)
        app.post_message(events.Key(key, char if char.isprintable() and char not in NAMED else None))


async def until_taken(app: TerminalApp[None], pilot: Pilot[None]) -> None:
    await pilot.pause()
    async with asyncio.timeout(30):
        while app._typed or not app.is_at_rest:
            await asyncio.sleep(0.005)


@pytest.mark.parametrize(
    ("typed", "submitted", "left"),
    [
        ("Ada\rBob\rEve", ["Ada", "Bob"], "Eve"),
        ("Adx\x7fa\rBob\x7f\x7fill\r", ["Ada", "Bill"], ""),
        ("ob<<B\r", ["Bob"], ""),
        ("\r\r\rx", ["", "", ""], "x"),
    ],
)
async def test_a_burst_goes_where_it_would_have_gone_slowly(typed: str, submitted: list[str], left: str) -> None:
    app = Slow()
    async with app.run_test() as pilot:
        burst(app, typed)
        await until_taken(app, pilot)
        assert (app.submitted, app.query_one(Input).value) == (submitted, left)


async def test_what_is_meant_for_a_dialog_is_no_command_of_the_screen_below() -> None:
    app = Slow()
    async with app.run_test() as pilot:
        burst(app, "\x1bnadd\r\x1bd")
        await until_taken(app, pilot)
        assert (app.named, app.deleted, app.query_one(Input).value) == (["add"], 1, "")


async def test_what_letters_changed_is_known_when_another_key_acts() -> None:
    """As when `Ada` and Ctrl+Q come in one packet: the app keeps what was typed, once it was told of it."""

    class Leaving(TerminalApp[None]):
        BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "keep", priority=True)]
        told, kept = "", ""

        def compose(self) -> ComposeResult:
            yield Input()

        def on_input_changed(self, event: Input.Changed) -> None:
            self.told = event.value

        def action_keep(self) -> None:
            self.kept = self.told

    app = Leaving()
    async with app.run_test() as pilot:
        burst(app, "Ada")
        app.post_message(events.Key("ctrl+q", None))
        await until_taken(app, pilot)
        assert app.kept == "Ada"


async def test_a_paste_keeps_its_place_among_the_keys() -> None:
    app = Slow()
    async with app.run_test() as pilot:
        burst(app, "a")
        app.post_message(events.Paste("bc"))
        burst(app, "d\r")
        app.post_message(events.Paste("e"))
        await until_taken(app, pilot)
        assert (app.submitted, app.query_one(Input).value) == (["abcd"], "e")


async def test_a_key_waits_for_a_move_as_long_as_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeahead, "PATIENCE", 2.0)
    app = Slow(seconds=2.5)
    async with app.run_test() as pilot:
        burst(app, "Ada\rBob")
        await until_taken(app, pilot)
        assert (app.submitted, app.query_one(Input).value) == (["Ada"], "Bob")


async def test_for_all_else_it_waits_no_longer_than_its_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeahead, "PATIENCE", 0.05)
    is_stuck, goes_on = asyncio.Event(), asyncio.Event()

    class Stuck(Slow):
        async def action_new(self) -> None:
            is_stuck.set()
            await goes_on.wait()

    app = Stuck()
    async with app.run_test() as pilot, asyncio.timeout(30):
        burst(app, "\x1bndd")
        await is_stuck.wait()
        while app._typed:
            await asyncio.sleep(0.005)
        goes_on.set()
        await until_taken(app, pilot)


async def test_the_key_that_leaves_overtakes_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typeahead, "PATIENCE", 0.05)

    class Leaving(Slow):
        BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "leave_it", priority=True)]
        has_left = asyncio.Event()

        def leaves(self, event: typeahead.Typed) -> bool:
            return isinstance(event, events.Key) and event.key == "ctrl+q"

        def action_leave_it(self) -> None:
            self.has_left.set()

    app = Leaving(seconds=30)
    async with app.run_test():
        burst(app, "Ada\r!\r<<")
        app.post_message(events.Key("ctrl+q", None))
        await asyncio.wait_for(app.has_left.wait(), 20)
        assert (app.submitted, app.query_one(Input).value) == ([], "Ada")
