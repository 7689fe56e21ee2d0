"""What the model is told about a workflow."""

from pathlib import Path

import pytest

from pipetui.engine.registry import Entry
from pipetui.engine.workflow import Step, Workflow
from pipetui.service.training import BUILT_IN, LONGEST, prompt_of


def entry(file: Path, prompt: str) -> Entry:
    steps = [Step("step_01", done="name", show="Name")]
    made = type("Made", (Workflow,), {"APP_NAME": "made", "TRAINING_PROMPT": prompt, "steps": steps, "step_01_job": 0})
    return Entry(file, "yours", "", made)


def test_a_prompt_is_found_beside_its_workflow_first(tmp_path: Path) -> None:
    made = entry(tmp_path / "100_made.py", "hello.md")
    assert prompt_of(made) == (BUILT_IN / "hello.md").read_text()
    (tmp_path / "hello.md").write_text("beside")
    assert prompt_of(made) == "beside"
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "hello.md").write_text("in training")
    assert prompt_of(made) == "in training"


def test_the_text_itself_may_be_said(tmp_path: Path) -> None:
    assert prompt_of(entry(tmp_path / "100_made.py", "Speak of names.\nKindly.")) == "Speak of names.\nKindly."
    assert len(prompt_of(entry(tmp_path / "100_made.py", "x" * 99_999))) == LONGEST


@pytest.mark.parametrize("name", ["../secret.md", "/etc/secret.md", "missing.md", ""])
def test_no_name_leads_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.md").write_text("secret")
    (tmp_path / "flows").mkdir()
    assert prompt_of(entry(tmp_path / "flows" / "100_made.py", name)) == ""
    assert prompt_of(None) == ""
