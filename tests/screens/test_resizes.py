"""Views of a card hold through resizes, too small ones too, and keys in between: never blank, never scrolled beyond."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipetui.service.place import Place
from pipetui.widgets.lines import LinesView
from tests.screens.stage import Stage, paths_in, serving, stage

VIEWS = """
from pipetui import Run, Step, Workflow
from pipetui.fields import Text as Line
from pipetui.views import Chart, Heat, Markdown, Stack, Table, Text, View


class Views(Workflow):
    APP_NAME = "views"
    DISPLAY_NAME = "Views"
    steps = [Step(f"step_0{number}", done=name, show=name.title(), field=Line())
             for number, name in ((1, "one"), (2, "two"), (3, "three"))]

    def step_01_view(self, run: Run) -> View:
        return Stack([
            Markdown("# Hello\\n\\nsome **words** " * 5), Text("hello world " * 60, title="Words"),
            Chart([("a", 3), ("b", 4)], title="Two"), Heat(["r", "s"], ["c", "d"], [[1, 2], [3, 4]], title="Heat"),
            Table(["x"], [["1"], ["2"]]), Text("line\\n" * 40),
        ])

    def step_02_view(self, run: Run) -> View:
        return Stack([
            Chart([(str(number), number) for number in range(30)], title="Many"), Text("hello world " * 160),
            Heat(["r"] * 30, ["c", "d"] * 8, [[1, 2] * 8] * 30, title="Large"),
        ])
"""

KEYS = ["1", "2", "3", "enter", "tab", "down", "pagedown", "end", "up"]


def wrong(it: Stage) -> list[str]:
    """What of the views is not as it must be once all is laid out."""
    found = []
    for view in it.app.screen.query(LinesView):
        width, height = view.scrollable_content_region.size
        if not view.size.area or not view.display:
            continue
        lines = view.lay_out(width)
        drawn = [view.render_line(y).text.strip() for y in range(height)]
        if view.virtual_size.height != lines or view.scroll_y > max(0, lines - height) or not any(drawn):
            found.append(f"{type(view).__name__} of {view.size}: {view.virtual_size}, {lines} lines, {view.scroll_y}")
    return found


@pytest.mark.parametrize("seed", range(2))
async def test_no_view_is_blank_after_resizes(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = paths_in(tmp_path).workflows
    folder.mkdir(parents=True)
    (folder / "100_views.py").write_text(VIEWS)
    async with serving(tmp_path) as service:
        run = (await service.runs.create("default", "views")).id
        for step in ("step_01", "step_02"):
            await service.runs.submit(run, step, "x")
        await Place(service.db).put({"screen": "run", "app_name": "views", "run": run, "memory": {}})
        async with stage(service) as it:
            await it.sees("one line of text")
            await it.press("escape", "1", "enter", "2", "enter")
            for _ in range(6):
                for _ in range(chance.randint(1, 4)):
                    match chance.choice(["resize", "shrink", "scroll", "press"]):
                        case "resize":
                            await it.pilot.resize_terminal(chance.randint(80, 170), chance.randint(24, 60))
                        case "shrink":
                            await it.pilot.resize_terminal(chance.randint(20, 79), chance.randint(5, 40))
                        case "scroll":
                            for view in it.app.screen.query(LinesView):
                                view.scroll_to(y=chance.choice([0, 5, 100]), animate=False)
                        case _:
                            await it.press(chance.choice(KEYS))
                await it.pilot.resize_terminal(chance.randint(80, 170), chance.randint(24, 60))
                await it.until(lambda: not wrong(it))
