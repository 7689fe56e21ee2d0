"""What actions do to runs, files and jobs: exactly what their effect showed, in the name of who asked."""

from __future__ import annotations

import gzip
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipetui.actions import ACTIONS, Scope, names
from pipetui.actions.action import Done, Effect
from pipetui.engine.collections import TASKS
from pipetui.engine.fields import Invalid
from pipetui.engine.refusals import Moved, Refusal
from pipetui.engine.values import encode
from pipetui.service import Service, parquet
from pipetui.store import artifacts, jobs
from pipetui.store.artifacts import ArtifactRow

MODEL = Scope("acme", actor="model")


async def branches(service: Service, *values: Any, profile: str = "acme") -> Scope:
    """The hands in which the run is that these values were submitted to."""
    run = await service.runs.create(profile, "branches")
    for step, value in zip(("step_01", "step_03", "step_04"), values, strict=False):
        await service.runs.submit(run.id, step, value)
    return Scope(profile, run.id, "branches", "model")


async def approved(service: Service, scope: Scope, name: str, /, **arguments: Any) -> tuple[Effect, Done]:
    """Propose it, and carry out what was proposed."""
    effect = await ACTIONS.effect(service, scope, name, arguments)
    return effect, await ACTIONS.do(service, scope, name, arguments, expected=effect.target)


async def test_a_run_from_start_to_lock_and_back_by_the_model(service: Service) -> None:
    effect, done = await approved(service, MODEL, "runs_start", app_name="branches")
    assert (effect.before, effect.after) == ("", "acme-branches-01")
    scope = replace(MODEL, run=done.result["id"])

    effect, _ = await approved(service, scope, "runs_submit", value="web")
    assert effect.title == "Submit Kind of acme-branches-01"
    assert (effect.before, effect.after) == ("Kind: (empty)", "Kind: web")
    await approved(service, scope, "runs_fill", value=["a", "b"], step="notes")
    assert (await service.runs.look(scope.run)).drafts == {"step_03": ["a", "b"]}
    effect, _ = await approved(service, scope, "runs_submit")
    assert "  a\n  b" in effect.after
    await approved(service, scope, "runs_submit", value="fine")
    effect, done = await approved(service, scope, "runs_finalize")
    assert effect.after == "The run is locked." and done.result["state"] == "locked"
    with pytest.raises(Refusal, match="finalized"):
        await approved(service, scope, "runs_submit", value="more")
    await approved(service, scope, "runs_unfinalize")

    effect, done = await approved(service, scope, "runs_revert", step="step_01")
    assert done.line == "Kind is open again in acme-branches-01." and done.result["next"]["step"] == "step_01"
    assert "Notes" in effect.before and "to be confirmed" in effect.after and "Title: (empty)" in effect.after
    effect, done = await approved(service, scope, "runs_submit", value="logs")
    assert done.line == "Kind is submitted in acme-branches-01. Next: Days."
    await approved(service, scope, "runs_submit", value=3)
    effect, _ = await approved(service, scope, "runs_submit")
    assert effect.title.startswith("Keep Notes as it is")
    effect, _ = await approved(service, scope, "runs_undo")
    assert effect.after == "Notes:\n  a\n  b\n  (to be confirmed)"
    history = await service.runs.history(scope.run)
    assert {event.actor for event in history} == {"model"} and len(history) == 11


@pytest.mark.parametrize("step", ["step_01", "kind", "1", "Kind", " kInD"])
async def test_a_step_is_named_as_people_name_it(service: Service, step: str) -> None:
    scope = await branches(service, "web")
    effect = await ACTIONS.effect(service, scope, "runs_revert", {"step": step})
    assert effect.title == "Open Kind again in acme-branches-01"


async def test_what_is_shown_is_what_is_done_or_nothing_is(service: Service) -> None:
    scope = await branches(service)
    effect = await ACTIONS.effect(service, scope, "runs_submit", {"value": "web"})
    with pytest.raises(Moved):
        await ACTIONS.do(service, scope, "runs_submit", {"value": "logs"}, expected=effect.target)
    await service.runs.submit(scope.run, "step_01", "logs")
    with pytest.raises((Moved, Refusal, Invalid)):
        await ACTIONS.do(service, scope, "runs_submit", {"value": "web"}, expected=effect.target)
    assert (await service.runs.look(scope.run)).row.record["step_01"] == {"kind": "logs"}


async def test_what_was_filled_in_anew_since_is_not_submitted(service: Service) -> None:
    scope = await branches(service)
    await service.runs.draft(scope.run, "step_01", "web")
    effect = await ACTIONS.effect(service, scope, "runs_submit", {})
    await service.runs.draft(scope.run, "step_01", "logs")
    with pytest.raises(Moved):
        await ACTIONS.do(service, scope, "runs_submit", {}, expected=effect.target)


async def test_the_model_changes_nothing_that_nobody_approved(service: Service) -> None:
    scope = await branches(service)
    for action in ACTIONS.every:
        if not action.reads:
            with pytest.raises((Refusal, Invalid)):
                await ACTIONS.do(service, scope, action.name, {})
    assert (await service.runs.look(scope.run)).version == 1


async def test_an_approval_for_one_run_is_none_for_another(service: Service) -> None:
    one, other = await branches(service), await branches(service)
    effect = await ACTIONS.effect(service, one, "runs_submit", {"value": "web"})
    with pytest.raises(Moved):
        await ACTIONS.do(service, other, "runs_submit", {"value": "web"}, expected=effect.target)
    effect = await ACTIONS.effect(service, MODEL, "runs_start", {"app_name": "branches"})
    with pytest.raises(Moved):
        await ACTIONS.do(
            service, replace(MODEL, profile="globex"), "runs_start", {"app_name": "branches"}, expected=effect.target
        )


async def test_nobody_reaches_the_runs_of_another_profile(service: Service) -> None:
    theirs = await branches(service, profile="globex")
    await branches(service)
    for key in ("globex-branches-01", theirs.run):
        with pytest.raises(Refusal, match="no run"):
            await ACTIONS.do(service, MODEL, "runs_show", {"run": key})
    found = await ACTIONS.do(service, MODEL, "runs_list", {})
    assert [row["run"] for row in found.result] == ["acme-branches-01"]


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("runs_delete", {}, "no action 'runs_delete'; did you mean"),
        ("sqlite_master", {}, r"no action 'sqlite_master'; the nearest of \d\d are \w+, \w+, \w+, \w+\.$"),
        ("runs_show", {"run": "acme-branches-0l"}, "did you mean acme-branches-01"),
        ("runs_show", {"run": "1 OR 1=1"}, "no run"),
        ("runs_submit", {"value": "web", "approved": True}, "takes no 'approved'"),
        ("runs_submit", {"value": "webb"}, "one of: web, logs"),
        ("runs_submit", {"value": "web", "step": "step_04"}, "not open"),
        ("runs_submit", {"value": "web", "step": "step_1"}, r"did you mean 1 Kind \(step_01\)\?"),
        ("runs_submit", {"value": "web", "step": "../step_01"}, "no step"),
        ("runs_revert", {"step": "9"}, r"no step 9 here; there are 1 Kind \(step_01\), 2 .*, 5 Finalize \(finalize\)"),
        ("runs_submit", {"value": "web", "step": "finalize"}, "not open"),
        ("runs_revert", {"step": "step_01"}, "nothing to revert"),
        ("runs_skip", {"step": "step_01", "reason": "no"}, "can't be skipped"),
        ("runs_undo", {}, "nothing to undo"),
        ("runs_finalize", {}, "not complete"),
        ("runs_start", {"app_name": "brances"}, "did you mean branches"),
        ("runs_start", {"app_name": "branches", "part": "01"}, "already"),
        ("runs_start", {"app_name": "../../evil"}, "app_name"),
        ("jobs_cancel", {"job": "1 OR 1=1"}, "job"),
        ("jobs_cancel", {"job": "abcdef"}, "no job"),
        ("workflows_explain", {"app_name": "nothing"}, "no workflow"),
    ],
)
async def test_hostile_calls_end_in_a_sentence(
    service: Service, name: str, arguments: dict[str, Any], says: str
) -> None:
    scope = await branches(service)
    with pytest.raises((Refusal, Invalid), match=says):
        await ACTIONS.do(service, scope, name, arguments, expected="x")
    assert (await service.runs.look(scope.run)).version == 1


async def test_no_secret_is_taken_or_told(service: Service) -> None:
    run = await service.runs.create("acme", "connect")
    scope = Scope("acme", run.id, "connect", "model")
    for name in ("runs_fill", "runs_submit"):
        with pytest.raises(Refusal, match="typed on its card"):
            await ACTIONS.effect(service, scope, name, {"value": "t0ken-1234"})
    service.secrets.put("botify", "t0ken-1234", run.row.profile_id)
    for action in ACTIONS.every:
        if action.reads and not action.required:
            assert "t0ken" not in encode((await ACTIONS.do(service, scope, action.name, {})).result)


async def test_jobs_are_listed_stopped_and_tried_again(service: Service) -> None:
    run = await service.runs.create("acme", "work")
    scope = Scope("acme", run.id, "work", "model")
    await approved(service, scope, "runs_submit", value="x")
    effect, _ = await approved(service, scope, "runs_submit", value=2)
    assert "This starts a job." in effect.after
    (job,) = (await ACTIONS.do(service, scope, "jobs_list", {})).result
    assert job["state"] == "queued" and job["run"] == "acme-work-01"
    assert (await ACTIONS.do(service, replace(MODEL, profile="globex"), "jobs_list", {})).result == []
    with pytest.raises(Refusal, match="no job of globex"):
        await ACTIONS.effect(service, replace(MODEL, profile="globex"), "jobs_cancel", {"job": job["job"]})
    _, done = await approved(service, scope, "jobs_cancel", job=job["job"])
    assert done.line.startswith("The job of ") and "step_0" not in done.line
    assert (await ACTIONS.do(service, scope, "jobs_status", {"job": job["job"]})).result["state"] == "cancelled"
    await approved(service, scope, "jobs_retry", job=job["job"])
    with pytest.raises(Refusal, match="it is queued"):
        await ACTIONS.effect(service, scope, "jobs_retry", {"job": job["job"]})
    row = await service.jobs.row(job["job"])
    await service.db.write(lambda tx: jobs.set_state(tx, row.id, "done", 1.0))
    with pytest.raises(Refusal, match="over"):
        await ACTIONS.effect(service, scope, "jobs_cancel", {"job": job["job"]})


async def with_file(service: Service, name: str, data: bytes) -> Scope:
    """A run that has this file on record."""
    scope = await branches(service)
    await on_record(service, scope, name)
    folder = (await service.runs.look(scope.run)).folder
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return scope


async def on_record(service: Service, scope: Scope, name: str) -> None:
    await service.db.write(
        lambda tx: artifacts.put(tx, ArtifactRow(scope.run, name, None, "step_01", 1, "", None, 1.0))
    )


TABLE = b'\xef\xbb\xbfurl,status,note\nhttps://a/,200,\nhttps://b/,404,"two\nlines"\nhttps://c/,200,x\n'


@pytest.mark.parametrize("name", ["pages.csv", "pages.csv.gz"])
async def test_a_table_is_looked_into(service: Service, name: str) -> None:
    scope = await with_file(service, name, gzip.compress(TABLE) if name.endswith("gz") else TABLE)
    head = await ACTIONS.do(service, scope, "files_head", {"file": name, "rows": 2})
    assert head.result["columns"] == ["url", "status", "note"]
    assert head.result["rows"] == [["https://a/", "200", ""], ["https://b/", "404", "two ⏎ lines"]]
    found = (await ACTIONS.do(service, scope, "files_statistics", {"file": name})).result
    assert found["rows"] == 3
    assert found["columns"][1] == {
        "column": "status", "empty": 0, "different": 2, "numbers": 3, "lowest": 200.0, "highest": 404.0, "mean": 268.0,
        "most_common": [["200", 2]],
    }  # fmt: skip
    assert found["columns"][2]["empty"] == 1
    one = (await ACTIONS.do(service, scope, "files_statistics", {"file": name, "column": "url"})).result
    assert [column["column"] for column in one["columns"]] == ["url"]
    with pytest.raises(Refusal, match="no column 'statsu'; did you mean status"):
        await ACTIONS.do(service, scope, "files_statistics", {"file": name, "column": "statsu"})


async def test_what_can_be_named_is_known(service: Service) -> None:
    scope = await with_file(service, "pages.csv", TABLE)
    await service.collections.insert(TASKS, {"text": "buy milk"}, scope.profile)
    snapshot = await service.runs.look(scope.run)
    found = await names.every(service, scope)
    assert snapshot.key in [name.said for name in found["run"]]
    assert [name.said for name in found["file"]] == ["pages.csv"]
    assert [(name.said, name.also) for name in found["tasks.id"]] == [("1", "buy milk")]
    assert scope.profile in [name.said for name in found["profiles.profile"]]
    assert "hello" in [name.said for name in found["app_name"]]
    for name in found["step"]:  # what is offered is understood
        assert snapshot.card(name.said).id in (name.said, name.also)
    elsewhere = await names.every(service, replace(scope, run="", profile="nobody"))
    assert not any(elsewhere[what] for what in ("run", "step", "file", "job", "tasks.id"))


def test_what_an_argument_names_is_an_argument_of_some_action() -> None:
    arguments = {
        name
        for action in ACTIONS.every
        for it in action.params.members
        for name in (it, f"{action.name.partition('_')[0]}.{it}")
    }
    assert set(names.TABLE) <= arguments


async def test_a_parquet_file_is_looked_into(service: Service, tmp_path: Path) -> None:
    made = str(tmp_path / "made.parquet")
    duckdb.execute(
        'COPY (SELECT i AS id, \'https://a/\' || i AS url, if(i % 2 = 0, 1.5, NULL) AS "ra""nk", [i, 2] AS pair '
        f"FROM range(10000) t(i)) TO '{made}' (FORMAT parquet)"
    )
    name = "p[a]ges*.parquet"
    scope = await with_file(service, name, Path(made).read_bytes())
    head = await ACTIONS.do(service, scope, "files_head", {"file": name, "rows": 2})
    assert head.result["columns"] == ["id", "url", 'ra"nk', "pair"]
    assert head.result["rows"] == [["0", "https://a/0", "1.5", "[0, 2]"], ["1", "https://a/1", "", "[1, 2]"]]
    found = (await ACTIONS.do(service, scope, "files_statistics", {"file": name})).result
    assert found["rows"] == 10_000 and "note" not in found
    assert found["columns"][0] == {
        "column": "id", "empty": 0, "different": 10_000, "numbers": 10_000, "lowest": 0.0, "highest": 9999.0,
        "mean": 4999.5, "most_common": [],
    }  # fmt: skip
    assert (found["columns"][2]["empty"], found["columns"][2]["most_common"]) == (5_000, [["1.5", 5_000]])
    one = (await ACTIONS.do(service, scope, "files_statistics", {"file": name, "column": "url"})).result
    assert [column["column"] for column in one["columns"]] == ["url"]
    with pytest.raises(TimeoutError, match="takes longer than"), parquet.opened(Path(made), 0.1) as (_, rows):
        for number, _row in enumerate(rows([0])):
            if number % 1_000 == 0:
                time.sleep(0.2)
    whole = Path(made).read_bytes()
    for content in (whole[:5_000], whole.replace(b"pair", b"\xff\xfe\xfd\xfc")):
        broken = await with_file(service, "broken.parquet", content)
        for action in ("files_head", "files_statistics"):
            with pytest.raises(Refusal, match=r"^broken\.parquet can't be read: "):
                await ACTIONS.do(service, broken, action, {"file": "broken.parquet"})


def test_a_folder_with_an_equals_sign_is_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "day=1"
    folder.mkdir()
    duckdb.execute(f"COPY (SELECT 2 AS id) TO '{folder}/made.parquet' (FORMAT parquet)")
    with parquet.opened(folder / "made.parquet", 10) as (names, rows):
        assert (names, list(rows([0]))) == (["id"], [("2",)])


async def test_no_file_but_the_run_s_own_is_opened(service: Service, tmp_path: Path) -> None:
    secret = tmp_path / "home" / "secret.txt"
    secret.write_text("hidden")
    scope = await with_file(service, "pages.csv", TABLE)
    other = await with_file(service, "theirs.csv", TABLE)
    for name in ("../../../secret.txt", str(secret), "theirs.csv", "pages.csv/../pages.csv", "/etc/passwd", "%2e%2e"):
        with pytest.raises(Refusal, match="has no file"):
            await ACTIONS.do(service, scope, "files_head", {"file": name})
    assert [row["file"] for row in (await ACTIONS.do(service, other, "files_list", {})).result] == ["theirs.csv"]
    # even one that came onto the record, by a link or by its name
    await on_record(service, scope, "../../../../../secret.txt")
    with pytest.raises(Refusal, match="outside"):
        await ACTIONS.do(service, scope, "files_head", {"file": "../../../../../secret.txt"})
    await on_record(service, scope, "link.txt")
    ((await service.runs.look(scope.run)).folder / "link.txt").symlink_to(secret)
    with pytest.raises(Refusal, match="outside"):
        await ACTIONS.do(service, scope, "files_head", {"file": "link.txt"})
    with pytest.raises(Refusal, match="No run is on the screen"):
        await ACTIONS.do(service, MODEL, "files_list", {})


async def test_broken_files_end_in_a_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = await with_file(service, "broken.csv.gz", gzip.compress(TABLE)[:-20])
    with pytest.raises(Refusal, match="can't be read"):
        await ACTIONS.do(service, scope, "files_statistics", {"file": "broken.csv.gz"})
    scope = await with_file(service, "empty.csv", b"")
    assert (await ACTIONS.do(service, scope, "files_statistics", {"file": "empty.csv"})).result["rows"] == 0
    assert (await ACTIONS.do(service, scope, "files_head", {"file": "empty.csv"})).result["rows"] == []
    scope = await with_file(service, "image.png", b"\x89PNG")
    with pytest.raises(Refusal, match="no text"):
        await ACTIONS.do(service, scope, "files_head", {"file": "image.png"})
    monkeypatch.setattr("pipetui.service.files.LONGEST_LINE", 1000)
    scope = await with_file(service, "long.txt", b"x" * 5000)
    with pytest.raises(Refusal, match="a line of more than 1,000"):
        await ACTIONS.do(service, scope, "files_head", {"file": "long.txt"})
    await on_record(service, scope, "gone.csv")
    with pytest.raises(Refusal, match="not in the run's folder"):
        await ACTIONS.do(service, scope, "files_head", {"file": "gone.csv"})


async def test_what_a_model_is_given_is_small(service: Service) -> None:
    row = ",".join(["x" * 900] * 300) + "\n"
    scope = await with_file(service, "wide.csv", (row * 200).encode())
    for name, arguments in (("files_head", {"rows": 50}), ("files_statistics", {})):
        done = await ACTIONS.do(service, scope, name, {"file": "wide.csv"} | arguments)
        assert len(encode(done.result)) <= 6_000 and len(done.text) <= 20_100
    for number in range(60):
        await service.runs.create("acme", "branches", f"{'long ' * 9}{number}")
    done = await ACTIONS.do(service, scope, "runs_list", {"limit": 50})
    assert len(done.result) >= 10 and len(encode(done.result)) <= 6_000


async def test_a_long_value_is_shown_at_both_ends(service: Service) -> None:
    scope = await branches(service, "web")
    effect = await ACTIONS.effect(
        service, scope, "runs_submit", {"value": [*(f"line {number}" for number in range(800)), "rm -rf /"]}
    )
    assert "line 0\n" in effect.after and "more lines)" in effect.after and "rm -rf /" in effect.after
    assert len(effect.after) < 1_000


async def test_workflows_are_listed_and_explained(service: Service) -> None:
    found = await ACTIONS.do(service, MODEL, "workflows_list", {})
    assert "branches" in [row["app_name"] for row in found.result]
    explained = await ACTIONS.do(service, replace(MODEL, app_name="branches"), "workflows_explain", {})
    assert explained.result["steps"][0]["accepts"] == "one of: web, logs"
