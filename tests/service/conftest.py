"""A real service over a home of the test's own, with workflow files that the test writes; no worker is started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipetui.paths import Paths, paths
from pipetui.service import Service

BRANCHES = """
from pipetui import Invalid, Run, Step, Workflow
from pipetui.fields import Choice, Group, Number, Switch, Text, TextArea
from pipetui.views import Markdown


class Branches(Workflow):
    APP_NAME = "branches"
    steps = [
        Step("step_01", done="kind", show="Kind", field=Choice(["web", "logs"])),
        Step("step_02", done="days", show="Days", field=Number(7, minimum=1, whole=True), refill=True),
        Step("step_03", done="notes", show="Notes", field=TextArea(optional=True), skip=True, refill=True,
             summary=lambda notes: f"{len(notes)} notes"),
        Step("step_04", done="title", show="Title", field=Text()),
    ]

    def step_02_when(self, run: Run) -> bool:
        return run.value("kind", str) == "logs"

    def step_04_submit(self, run: Run, value: str) -> str:
        if value == "bad":
            raise Invalid("Not this one.")
        if value == "crash":
            raise KeyError("oops")
        self.db["last"] = value
        run.temp["step_04"] = {"seen": value}
        return value.upper()

    def step_04_view(self, run: Run) -> Markdown:
        return Markdown(f"# {run.value('title', str)} after {self.db['last']}")

    def problems(self, run: Run) -> list[str]:
        return ["step_04: too short"] if len(run.value("title", str)) < 2 else []
"""

WORK = """
from pipetui import Job, Run, Step, Workflow
from pipetui.fields import Number, Text


class Work(Workflow):
    APP_NAME = "work"
    steps = [
        Step("step_01", done="name", show="Name", field=Text()),
        Step("step_02", done="pages", show="Pages", field=Number(1)),
        Step("step_03", done="report", show="Report", auto=True),
    ]

    async def step_02_job(self, run: Run, job: Job) -> list[str]:
        return []

    async def step_03_job(self, run: Run, job: Job) -> str:
        return ""
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path / "home"))
    found = paths()
    found.workflows.mkdir(parents=True)
    (found.workflows / "100_branches.py").write_text(BRANCHES)
    (found.workflows / "110_work.py").write_text(WORK)
    return found


@pytest.fixture
async def service(home: Paths) -> AsyncIterator[Service]:
    async with Service.open(home, starter=None) as opened:
        yield opened
