"""The command line in this process: quick, and its answer at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pipetui.cli import main


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Say: TypeAlias = Callable[..., Answer]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def say(home: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Call pipetui with these words."""

    def call(*words: str) -> Answer:
        code = main(words)
        out, err = capsys.readouterr()
        return Answer(code, out, err)

    return call


OPTIONS = """
from pipetui import Invalid, Step, Workflow
from pipetui.fields import Choice, Group, Number, Switch, Text, TextArea


class Options(Workflow):
    APP_NAME = "options"
    steps = [
        Step("step_01", done="urls", show="URLs", field=TextArea(), refill=True),
        Step("step_02", done="kind", show="Kind", field=Choice(["plain", "deep"], default="plain")),
        Step("step_03", done="depth", show="Depth", field=Number(whole=True, minimum=1)),
        Step("step_04", done="limits", show="Limits", field=Group(timeout=Number(10), agent=Text(), loud=Switch()),
             refill=True),
    ]

    def step_01_submit(self, run, value):
        return [url.lower() for url in value]

    def step_03_when(self, run):
        return run.value("kind", str) == "deep"
"""


@pytest.fixture
def options(home: Path) -> None:
    """A workflow of the user's own, with a step that applies sometimes only."""
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "100_options.py").write_text(OPTIONS, "utf-8")


ASKS = """
from pipetui import Invalid, Run, Step, Workflow
from pipetui.fields import Choice, Field, Text


class Asks(Workflow):
    APP_NAME = "asks"
    DISPLAY_NAME = "Asks"
    steps = [Step("step_01", done="name", show="Name", field=Text())]

    def unfinalize_form(self, run: Run) -> Field:
        return Choice(["keep", "remove", "sell"], default="keep", label="The goods")

    def unfinalize_submit(self, run: Run, value: str) -> None:
        if value == "sell":
            raise Invalid("Nobody buys them.")
        self.db["goods"] = value
"""
