from collections.abc import Mapping
from typing import ClassVar

import pytest
from textual.binding import Binding, BindingType

from pipetui.widgets.fields import Toggle
from pipetui.widgets.footer import KeyBar
from pipetui.widgets.header import StatusBar

from .helpers import HIDDEN, HOSTILE, Host, screen_text


class Keys(Host):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r,ctrl+r", "count('revert')", "Revert"),
        Binding("u", "count('undo')", "Undo"),
        Binding("s", "count('secret')", "Secret", show=False),
        Binding("f1", "count('help')", "Help", priority=True),
    ]

    def __init__(self, stays: Mapping[str, int] | None = None) -> None:
        super().__init__(Toggle(False), KeyBar(stays))
        self.counted: list[str] = []
        self.can_undo = True

    def action_count(self, what: str) -> None:
        self.counted.append(what)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if parameters == ("undo",) and not self.can_undo else True


def footer(app: Host) -> str:
    return screen_text(app).splitlines()[-1].strip()


async def test_the_key_bar_shows_the_active_keys_in_one_widget() -> None:
    async with Keys().run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        assert footer(pilot.app) == "space Yes/No  f1 Help  r Revert  u Undo"
        before = len(list(pilot.app.screen.walk_children()))
        for _ in range(6):
            await pilot.press("tab")
        assert len(list(pilot.app.screen.walk_children())) == before
        assert not pilot.app.query_one(KeyBar).children


async def test_the_key_bar_drops_whole_keys_from_the_right() -> None:
    async with Keys().run_test(size=(34, 10)) as pilot:
        await pilot.pause()
        assert footer(pilot.app) == "space Yes/No  f1 Help  r Revert"


async def test_the_ways_out_are_the_last_that_the_key_bar_drops() -> None:
    async with Keys({"count('help')": 2, "count('undo')": 1}).run_test(size=(34, 10)) as pilot:
        await pilot.pause()
        assert footer(pilot.app) == "space Yes/No  f1 Help  u Undo"
        await pilot.resize_terminal(20, 10)
        await pilot.pause()
        assert footer(pilot.app) == "f1 Help  u Undo"
        await pilot.resize_terminal(12, 10)
        await pilot.pause()
        assert footer(pilot.app) == "f1 Help"


async def test_what_is_told_elsewhere_too_is_the_first_that_the_key_bar_drops() -> None:
    async with Keys({"count('revert')": -1}).run_test(size=(34, 10)) as pilot:
        await pilot.pause()
        assert footer(pilot.app) == "space Yes/No  f1 Help  u Undo"


async def test_the_key_bar_draws_only_when_the_keys_change(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Keys().run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        bar = pilot.app.query_one(KeyBar)
        before = bar.keys
        drawn = 0
        draw = bar.render

        def noted() -> object:
            nonlocal drawn
            drawn += 1
            return draw()

        monkeypatch.setattr(bar, "render", noted)
        pilot.app.refresh_bindings()
        await pilot.pause()
        assert drawn == 0
        assert bar.keys is before
        pilot.app.can_undo = False
        pilot.app.refresh_bindings()
        await pilot.pause()
        assert drawn > 0
        assert [key.enabled for key in bar.keys if key.description == "Undo"] == [False]


async def test_a_click_presses_the_key() -> None:
    app = Keys()
    async with app.run_test(size=(80, 10)) as pilot:
        app.set_focus(None)
        await pilot.pause()
        x = footer(app).index("Revert") + 1
        await pilot.click(KeyBar, offset=(x, 0))
        await pilot.click(KeyBar, offset=(78, 0))
        await pilot.pause()
        assert app.counted == ["revert"]


async def test_the_status_bar_shows_where_one_is_and_what_goes_on() -> None:
    bar = StatusBar("Acme", "URL inspector", "acme-url_inspector-01")
    async with Host(bar).run_test(size=(80, 5)) as pilot:
        bar.worker = "idle"
        await pilot.pause()
        top = screen_text(pilot.app).splitlines()[0]
        assert top.startswith(" Acme › URL inspector › acme-url_inspector-01")
        assert top.endswith(" idle")
        bar.jobs, bar.env, bar.model = 2, "dev", "llama3"
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[0].endswith("llama3  2 running   dev")
        bar.jobs, bar.worker, bar.env = 0, "app", "prod"
        await pilot.pause()
        assert screen_text(pilot.app).splitlines()[0].endswith("jobs run in the app")


async def test_a_long_hostile_way_leaves_the_states_in_sight() -> None:
    bar = StatusBar(HOSTILE * 3, HOSTILE)
    bar.env = HOSTILE[:20]
    async with Host(bar).run_test(size=(60, 5)) as pilot:
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "[@click=app.bell]x[/" in text
        assert "…" in text
        assert not any(character in text for character in HIDDEN)
