"""How the widgets look. After a wanted change: `pytest tests/widgets/test_snapshots.py --snapshot-update`."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.pilot import Pilot

from pipetui.engine.cards import Card
from pipetui.engine.fields import Choice, TextArea
from pipetui.engine.pickers import MultiChoice, Secret, TablePick
from pipetui.engine.views import Chart, Heat, Markdown, Table
from pipetui.engine.views import Stack as Views
from pipetui.widgets.card import CardView
from pipetui.widgets.footer import KeyBar
from pipetui.widgets.header import StatusBar

from .helpers import CARDS, Host, step

SIZES = [(80, 24), (120, 30)]


class Stack(Host):
    """A stack of cards between header and footer."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "revert", "Revert"), Binding("u", "undo", "Undo")]

    def __init__(self, *cards: Card) -> None:
        super().__init__(*(CardView(card) for card in cards))

    def compose(self) -> ComposeResult:
        bar = StatusBar("Acme", "URL inspector", "acme-url_inspector-01")
        bar.worker, bar.jobs, bar.env = "idle", 1, "dev"
        yield bar
        yield from super().compose()
        yield KeyBar()


@pytest.fixture
def looks_right(snap_compare: Any) -> Any:
    def compare(cards: list[Card], size: tuple[int, int], *, is_open: bool = True, then: Any = None) -> bool:
        async def before(pilot: Pilot[None]) -> None:
            for view in pilot.app.query(CardView):
                view.expanded = is_open
            await pilot.pause()
            if then is not None:
                await then(pilot)
            await pilot.pause()

        result: bool = snap_compare(Stack(*cards), terminal_size=size, run_before=before)
        return result

    return compare


async def focus_input(pilot: Pilot[None]) -> None:
    pilot.app.query_one(CardView).focus_input()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
def test_a_closed_stack_with_every_state(looks_right: Any, size: tuple[int, int]) -> None:
    assert looks_right(CARDS, size, is_open=False)


@pytest.mark.parametrize("size", SIZES)
def test_open_cards_that_wait_for_work_or_a_person(looks_right: Any, size: tuple[int, int]) -> None:
    """running, failed, waiting, broken"""
    assert looks_right([CARDS[3], CARDS[5], CARDS[6], CARDS[9]], size)


@pytest.mark.parametrize("size", SIZES)
def test_open_cards_that_take_an_input(looks_right: Any, size: tuple[int, int]) -> None:
    """editing with a group and an error, active, stale"""

    async def refuse(pilot: Pilot[None]) -> None:
        await focus_input(pilot)
        pilot.app.query_one(CardView).show_error("This must be a number from 1 to 60 (s).", at="timeout")

    assert looks_right([CARDS[8], CARDS[4], CARDS[7]], size, then=refuse)


def test_lines_and_a_long_choice(looks_right: Any) -> None:
    cards = [
        Card(step(1, "URLs"), 1, "active", field=TextArea(hint="addresses, one a line"), prefill="https://a.example/"),
        Card(step(2, "Country"), 2, "active", field=Choice([f"Country {n}" for n in range(50)]), prefill="Country 3"),
    ]
    assert looks_right(cards, (80, 24), then=focus_input)


def test_finished_cards_with_a_table_and_a_report(looks_right: Any) -> None:
    async def show(pilot: Pilot[None]) -> None:
        table, report = pilot.app.query(CardView)
        rows = [[200, f"https://example.com/{number}", f"Title {number}"] for number in range(9)]
        table.show_view(Table(["status", "url", "title"], rows))
        report.show_view(Markdown("Some **bold** text and `code`.\n\n- one\n- two\n"))
        await pilot.pause()
        await pilot.press("tab", "tab", "down")

    cards = [replace(CARDS[0], number=number) for number in (1, 2)]
    assert looks_right(cards, (80, 24), then=show)


def test_a_locked_run(looks_right: Any) -> None:
    cards = [replace(CARDS[0], locked=True), replace(CARDS[-1], state="done", locked=True)]
    assert looks_right(cards, (80, 24))


def test_pickers_and_a_secret(looks_right: Any) -> None:
    rows = [[f"site-{n}", f"The {n}. site of a company with a very long name indeed", "2026-01-01"] for n in range(99)]
    cards = [
        Card(step(1, "Fields"), 1, "active", field=MultiChoice([(f"f{n}", f"Field {n}") for n in range(5_000)])),
        Card(step(2, "Site"), 2, "active", field=TablePick(["slug", "name", "last"], rows), prefill="site-2"),
        Card(step(3, "Token"), 3, "active", field=Secret("botify")),
    ]

    async def choose(pilot: Pilot[None]) -> None:
        await focus_input(pilot)
        for key in ("7", "down", "space", "down"):
            await pilot.press(key)
            await pilot.pause()

    assert looks_right(cards, (80, 40), then=choose)


def test_a_finished_card_with_a_chart_and_a_heat_map(looks_right: Any) -> None:
    bars = [(f"depth {number}", 50_000 // (1 + (number - 2) ** 2)) for number in range(6)]
    names = ["home", "category", "product", "blog", "help", "search", "cart"]
    cells = [[(row + 1) * 10 ** ((row + column) % 5) for column in range(7)] for row in range(7)]

    async def show(pilot: Pilot[None]) -> None:
        views = Views([Chart(bars, "Pages", mark="depth 2"), Heat(names, names, cells, "Links")])
        pilot.app.query_one(CardView).show_view(views)

    assert looks_right([CARDS[0]], (80, 30), then=show)
