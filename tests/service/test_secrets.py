"""A secret goes from the input into its own file, and nowhere else."""

from __future__ import annotations

import stat

import pytest

from pipetui.engine.fields import Invalid
from pipetui.engine.jobs import JobError
from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.facts import Broken

TOKEN = "0123456789abcdef0123456789abcdef01234567"

WORKFLOW = """
from pipetui import Invalid, Run, Step, Workflow
from pipetui.fields import Secret, Text


class Connect(Workflow):
    APP_NAME = "connect_test"
    steps = [
        Step("step_01", done="token", show="Token", field=Secret("botify")),
        Step("step_02", done="name", show="Name", field=Text()),
    ]

    def step_01_submit(self, run: Run, token: str) -> str:
        if len(token) != 40:
            raise Invalid("A token has 40 characters.")
        return "never stored"

    def step_02_submit(self, run: Run, name: str) -> str:
        return name + str(len(run.secret("botify")))
"""


@pytest.fixture
async def run(home: Paths, service: Service) -> str:
    (home.workflows / "300_connect.py").write_text(WORKFLOW)
    service.registry.refresh()
    return (await service.runs.create("Ada", "connect_test")).id


async def test_it_is_in_its_file_only(home: Paths, service: Service, run: str) -> None:
    snapshot = await service.runs.submit(run, "token", f" {TOKEN}\n")
    assert snapshot.row.record["step_01"] == {"token": {"secret": "botify"}}
    snapshot = await service.runs.submit(run, "name", "n")
    assert snapshot.row.record["step_02"] == {"name": "n40"}
    assert await service.runs.problems(snapshot) == []
    await service.runs.revert(run, "token")
    await service.runs.undo(run)
    holding = [file for file in home.data.parent.rglob("*") if file.is_file() and TOKEN.encode() in file.read_bytes()]
    assert [file.parent.parent for file in holding] == [home.secrets]
    assert stat.S_IMODE(holding[0].stat().st_mode) == 0o600


async def test_a_refused_one_is_not_kept_as_a_draft(home: Paths, service: Service, run: str) -> None:
    with pytest.raises(Invalid, match="40 characters"):
        await service.runs.submit(run, "token", "too short")
    await service.runs.draft(run, "step_01", TOKEN)
    opened = await service.runs.open(run)
    assert opened.drafts == {} and opened.current.prefill == ""
    assert not home.secrets.exists()


async def test_without_one_a_workflow_is_told(service: Service, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOTIFY_TOKEN", raising=False)
    opened = await service.runs.open(run)
    with pytest.raises(JobError, match="connect first"):
        opened.handle.secret("botify")


async def test_one_that_can_not_be_read_is_a_sentence(home: Paths, service: Service, run: str) -> None:
    await service.runs.submit(run, "token", TOKEN)
    (file,) = (path for path in home.secrets.rglob("*") if path.is_file())
    file.unlink()
    file.mkdir()
    with pytest.raises(Broken) as raised:
        await service.runs.submit(run, "name", "n")
    assert str(raised.value) == f"{file} is no file of yours: it is not used. Remove it and give the secret again."
