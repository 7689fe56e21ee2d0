"""What the documentation for authors says of this room works as it stands there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pipetui import botify, links

from .conftest import LINKS, Stage

DOCS = Path(__file__).parent.parent.parent / "docs" / "authors.md"


async def test_a_script_exports_and_measures(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(stage.folder)
    _, _, section = DOCS.read_text("utf-8").partition("## Botify and link graphs")
    block = re.search(r"```python\n(.*?)```", section, re.DOTALL)
    assert block is not None
    known: dict[str, Any] = {"botify": botify, "links": links, "Path": Path, "client": stage.client}
    body = textwrap.indent(block[1] + "return found, export, report, files", "    ")
    exec(f"async def script():\n{body}", known)  # our own text
    found, export, report, files = await known["script"]()
    assert capsys.readouterr().out.startswith(f"{found.limit} {found.credits} []")
    assert found.counted.rows == export.rows <= LINKS and stage.sandbox.state()["job_posts"] == 1
    assert report.rows > 0 and all(file.exists() for file in files)
