"""`pipetui run`: what each way of saying something does, and how it ends."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipetui.paths import paths
from pipetui.service import Service
from pipetui.service.feed import Feed
from pipetui.store import jobs
from pipetui.store.rev import Changes
from tests.e2e.test_headless import eventually, worker

from .conftest import ASKS, Say

ADA = ("run", "hello", "--set", "name=Ada")


def test_from_start_to_finalize(say: Say) -> None:
    answer = say(*ADA, "--set", "greeting=Hello Ada!", "--finalize", "--json")
    assert answer.code == 0
    assert answer.json["state"] == "locked" and answer.json["next"] is None
    assert answer.json["record"]["step_02"] == {"greeting": "Hello Ada!"}
    assert answer.err == "New run: default-hello-01\n"


def test_it_stops_where_a_value_is_missing_and_says_which(say: Say) -> None:
    answer = say(*ADA, "--json")
    assert answer.code == 4
    assert answer.json["state"] == "active" and answer.json["next"]["done"] == "greeting"
    assert answer.json["exit"] == 4 and "--key default-hello-01 --set greeting=" in answer.json["error"]
    assert answer.json["error"] in answer.err


def test_a_key_goes_on_or_makes_the_run(say: Say) -> None:
    assert say(*ADA, "--key", "7").code == 4
    answer = say("run", "hello", "--key", "default-hello-07", "--set", "greeting=Hi", "--json")
    assert answer.code == 0 and answer.json["part"] == "07" and answer.json["state"] == "complete"
    assert [run["key"] for run in say("runs", "--json").json] == ["default-hello-07"]


def test_a_fresh_run_says_its_first_step(say: Say, home: Path) -> None:
    async def begin() -> None:
        async with Service.open(paths("prod"), starter=None) as service:
            await service.runs.create("default", "hello")

    asyncio.run(begin())
    assert [run["next"] for run in say("runs", "--json").json] == ["step_01"]


def test_the_end_of_a_key_is_a_hint_at_the_whole(say: Say) -> None:
    say(*ADA, "--key", "shop", "--set", "greeting=Hi")
    for command in ("show", "events"):
        answer = say(command, "shop")
        assert answer.code == 2 and "did you mean default-hello-shop?" in answer.err
    assert "did you mean" not in say("show", "op").err
    assert "default-hello-shop  complete" in say("runs").out


def test_a_cancelled_job_reads_so(say: Say, home: Path) -> None:
    with worker(home):
        say("run", "stream_simulator", "--set", "options.ticks=10000", "--key", "01")
        (job,) = say("jobs", "--json").json
        say("cancel", job["id"])
        eventually(lambda: say("jobs", "--json").json[0]["state"] == "cancelled")
    key = "default-stream_simulator-01"
    shown = say("show", key)
    assert f"{key}  cancelled" in shown.out and "⊘ Stream" in shown.out and "failed" not in shown.out
    assert "Stream was cancelled" in say("events", key).out
    assert "cancelled" in say("runs").out
    again = say("run", "stream_simulator", "--key", "01", "--json")
    assert again.code == 3 and again.json["state"] == "cancelled" and "Cancelled." in again.err
    assert f"pipetui retry {job['id'][:12]}" in again.err


def test_events_tell_answers_in_words(say: Say) -> None:
    say("run", "hello", "--key", "shop", "--set", "name=Ada", "--set", "greeting=Hi", "--finalize")
    lines = say("events", "default-hello-shop").out.splitlines()
    assert lines[0].split() == ["VERSION", "AT", "WHAT", "ANSWER"]
    assert lines[2].startswith("2 ") and lines[2].endswith("Your Name was submitted      Ada")
    assert lines[-1].endswith("The run was finalized")


def test_a_default_is_said_as_set_takes_it(say: Say) -> None:
    assert "one of: job, worker (default job)" in say("describe", "stream_simulator").out
    assert "lines of text, one item a line" in say("describe", "url_inspector").out
    steps = {step["done"]: step["accepts"] for step in say("describe", "link_graph", "--json").json["steps"]}
    assert steps["project"] == "what its form asks for in the run"
    assert steps["analysis"] == "what its form asks for in the run, once the steps above are done"


def test_profiles_have_runs_of_their_own(say: Say) -> None:
    say("--profile", "My Shop", *ADA)
    say(*ADA, "--profile", "other")
    assert {run["key"] for run in say("runs", "--json").json} == {"My Shop-hello-01", "other-hello-01"}
    assert [run["key"] for run in say("runs", "--json", "--profile", "other").json] == ["other-hello-01"]


def test_a_whole_key_says_its_profile(say: Say) -> None:
    say("--profile", "My Shop", *ADA)
    answer = say("run", "hello", "--key", "My Shop-hello-01", "--set", "greeting=Hi", "--json")
    assert answer.code == 0 and answer.json["profile"] == "My Shop"
    assert len(say("runs", "--json").json) == 1


def test_the_same_value_again_is_nothing_and_another_is_wrong(say: Say) -> None:
    say(*ADA, "--key", "1", "--set", "greeting=Hi")
    version = say("show", "default-hello-01", "--json").json["version"]
    assert say(*ADA, "--key", "1").code == 0
    assert say("show", "default-hello-01", "--json").json["version"] == version
    other = say("run", "hello", "--key", "1", "--set", "name=Bob")
    assert other.code == 2 and "--revert step_01" in other.err
    assert say("show", "default-hello-01", "--json").json["version"] == version


def test_revert_undo_unfinalize(say: Say) -> None:
    say(*ADA, "--key", "1", "--set", "greeting=Hi", "--finalize")
    again = ("run", "hello", "--key", "1", "--json")
    assert say(*again, "--revert", "step_02").code == 5
    assert say(*again, "--set", "name=Bob").code == 5
    assert say(*again, "--unfinalize").json["state"] == "complete"
    assert say(*again, "--revert", "step_02").json["state"] == "editing"
    assert say(*again, "--undo").json["record"]["step_02"] == {"greeting": "Hi"}
    changed = say(*again, "--revert", "step_01", "--set", "name=Bob", "--set", "greeting=Ho", "--finalize")
    assert changed.code == 0 and changed.json["state"] == "locked"
    assert changed.json["record"]["step_01"] == {"name": "Bob"}


def test_what_is_asked_before_an_unlocking_is_answered_by_name(say: Say, home: Path) -> None:
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "100_asks.py").write_text(ASKS, "utf-8")
    run = ("run", "asks", "--key", "1", "--json")
    assert say(*run, "--set", "name=Ada", "--finalize").json["state"] == "locked"
    asked = say(*run, "--unfinalize")
    assert asked.code == 4 and asked.json["state"] == "locked"
    assert "The goods: --answer unfinalize=… (one of: keep, remove, sell)" in asked.err
    for answer, why in (("burn", "one of: keep, remove, sell"), ("sell", "Nobody buys them.")):
        refused = say(*run, "--unfinalize", "--answer", f"unfinalize={answer}")
        assert refused.code == 2 and why in refused.err and refused.json["state"] == "locked"
    assert say(*run, "--unfinalize", "--answer", "unfinalize=remove").json["state"] == "complete"


def test_a_revert_waits_until_all_that_was_said_holds(say: Say) -> None:
    say(*ADA, "--key", "1", "--set", "greeting=Hi")
    version = say("show", "default-hello-01", "--json").json["version"]
    answer = say("run", "hello", "--key", "1", "--revert", "step_02", "--set", "name=Bob", "--set", "greeting=Ho")
    assert answer.code == 2 and "--revert step_01" in answer.err
    assert say("show", "default-hello-01", "--json").json["version"] == version


def test_what_changes_a_run_needs_one(say: Say) -> None:
    for words in (("--undo",), ("--undo", "--key", "9"), ("--revert", "step_01"), ("--unfinalize",)):
        assert say("run", "hello", *words).code == 2
    assert say("runs", "--json").json == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "hullo"), "did you mean hello?"),
        (("run", "hello", "--set", "nmae=x"), "did you mean name?"),
        (("run", "hello", "--set", "name"), "NAME=VALUE"),
        (("run", "hello", "--set", "=x"), "NAME=VALUE"),
        (("run", "hello", "--set", "name="), "name: Please fill this in."),
        (("run", "hello", "--set", "name=a", "--set", "name=b"), "twice"),
        (("run", "hello", "--set", "name=@/no/such/file"), "can't be read"),
        (("run", "hello", "--set", "name=-", "--set", "greeting=-"), "Only one value"),
        (("run", "stream_simulator", "--set", "options.tick=5"), "did you mean options.ticks?"),
        (("run", "stream_simulator", "--set", "options.ticks=0"), "options.ticks: This must be a whole number"),
        (("run", "stream_simulator", "--set", "options=5"), "JSON object"),
        (("run", "stream_simulator", "--set", "stream=5"), "can't be set"),
        (("run", "hello", "--key", ""), "must not be empty"),
        (("run", "hello", "--key", "a\x1bb"), "control"),
        (("run", "hello", "--profile", " "), "1 to 60"),
        (("runs", "--env", "../x"), "environment"),
        (("runs", "--limit", "0"), "number from 1"),
        (("show", "nothing"), "no run nothing"),
        (("cancel", "zzz"), "no job"),
        (("describe", "hell"), "did you mean hello?"),
        (("nonsense",), "--help"),
        (("run",), "--help"),
    ],
)
def test_wrong_use_is_a_sentence_and_changes_nothing(
    words: tuple[str, ...], said: str, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"Ada")))
    answer = say(*words, "--json") if words != ("nonsense",) else say("--json", *words)
    assert answer.code == 2
    assert said in answer.json["error"] and answer.json["exit"] == 2
    assert answer.err.startswith("pipetui: ") and answer.err.count("\n") == 1 and "\x1b" not in answer.err
    assert say("runs", "--json").json == []


def test_values_come_from_files_and_stdin(
    say: Say, options: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "urls.txt").write_bytes(b"\xef\xbb\xbfA.example\r\n\r\n B.example\n")
    answer = say("run", "options", "--set", f"urls=@{tmp_path / 'urls.txt'}", "--json")
    assert answer.json["record"]["step_01"]["urls"] == ["a.example", "b.example"]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("ä\nb\n".encode())))
    assert say("run", "options", "--set", "urls=-", "--json").json["record"]["step_01"]["urls"] == ["ä", "b"]
    assert say("run", "options", "--set", "urls=@@x", "--json").json["record"]["step_01"]["urls"] == ["@x"]
    (tmp_path / "latin.txt").write_bytes(b"\xe4")
    assert say("run", "options", "--set", f"urls=@{tmp_path / 'latin.txt'}").code == 2


def test_defaults_are_taken_unless_asked_for(say: Say, options: None) -> None:
    asked = say("run", "options", "--set", "urls=a", "--ask", "--json")
    assert asked.code == 4 and asked.json["next"]["done"] == "kind"
    taken = say("run", "options", "--key", "1", "--json")
    assert taken.code == 4 and taken.json["next"]["done"] == "limits"  # the depth does not apply, the agent is missing
    assert taken.json["record"]["step_02"] == {"kind": "plain"}


def test_members_of_a_group(say: Say, options: None) -> None:
    begun = ("run", "options", "--key", "1", "--set", "urls=a")
    partly = say(*begun, "--set", "limits.timeout=5", "--json")
    assert partly.code == 4 and "limits.agent" in partly.json["error"]
    whole = say(*begun, "--set", "limits.timeout=5", "--set", "limits.agent=me", "--json")
    assert whole.code == 0
    assert whole.json["record"]["step_04"]["limits"] == {"timeout": 5, "agent": "me", "loud": False}
    assert say(*begun, "--set", "limits.timeout=5", "--json").code == 0
    changed = say("run", "options", "--key", "1", "--revert", "step_04", "--set", "limits.loud=yes", "--json")
    assert changed.json["record"]["step_04"]["limits"] == {"timeout": 5, "agent": "me", "loud": True}
    as_object = say("run", "options", "--set", "urls=a", "--set", 'limits={"agent": "you"}', "--json")
    assert as_object.json["record"]["step_04"]["limits"] == {"timeout": 10, "agent": "you", "loud": False}


def test_the_same_input_is_the_same_value_though_the_workflow_changes_it(say: Say, options: None) -> None:
    say("run", "options", "--set", "urls=A")
    again = say("run", "options", "--key", "1", "--set", "urls=A", "--json")
    assert again.code == 4 and again.json["record"]["step_01"]["urls"] == ["a"]


def test_a_step_that_does_not_apply_can_not_be_set(say: Say, options: None) -> None:
    answer = say("run", "options", "--set", "urls=a", "--set", "depth=3", "--json")
    assert answer.code == 2 and "does not apply" in answer.json["error"]
    deep = say("run", "options", "--key", "2", "--set", "urls=a", "--set", "kind=deep", "--set", "depth=3", "--json")
    assert deep.json["record"]["step_03"] == {"depth": 3}


def test_a_value_that_was_kept_wants_a_decision(say: Say, options: None) -> None:
    say("run", "options", "--key", "1", "--set", "urls=a", "--set", "limits.agent=me")
    stale = say("run", "options", "--key", "1", "--revert", "step_01", "--set", "urls=b", "--json")
    assert stale.code == 4 and stale.json["state"] == "stale"
    kept = say("run", "options", "--key", "1", "--set", "limits.agent=me", "--json")
    assert kept.code == 0 and "_stale" not in kept.json["record"]
    assert [event["kind"] for event in say("events", "default-options-01", "--json").json][-1] == "confirm"


def test_foreign_text_steers_no_terminal(say: Say) -> None:
    answer = say("run", "hello", "--set", "name=\x1b[31mred\x9b\u202e", "--set", "greeting=x")
    assert answer.code == 0 and "␛[31mred" in answer.out
    assert not {"\x1b", "\x9b", "\u202e"} & set(answer.out + answer.err)
    as_json = say("show", "default-hello-01", "--json")
    assert as_json.out.isascii() and as_json.json["record"]["step_01"]["name"] == "\x1b[31mred\x9b\u202e"


def test_a_workflow_that_fails_is_a_sentence(say: Say, home: Path) -> None:
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True)
    (folder / "200_bad.py").write_text(
        "from pipetui import Step, Workflow\nfrom pipetui.fields import Text\n\n\nclass Bad(Workflow):\n"
        '    APP_NAME = "bad"\n    steps = [Step("step_01", done="name", show="Name", field=Text())]\n\n'
        "    def step_01_submit(self, run, value):\n        return 1 / 0\n",
        "utf-8",
    )
    (folder / "210_worse.py").write_text("import sys\nsys.exit(3)\n", "utf-8")
    answer = say("run", "bad", "--set", "name=x", "--json")
    assert answer.code == 1 and "200_bad.py, line 10: ZeroDivisionError" in answer.json["error"]
    listed = say("workflows", "--json").json
    assert [entry["app_name"] for entry in listed][-2:] == ["bad", ""] and listed[-1]["error"]


def test_a_job_that_ends_before_one_looks_is_not_waited_for(
    say: Say, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Feed.look

    async def late(self: Feed) -> Changes | None:
        while await self._db.read(jobs.count_live):
            await asyncio.sleep(0.02)
        return await look(self)

    monkeypatch.setattr(Feed, "look", late)
    giving_up = threading.Timer(30, os.kill, (os.getpid(), signal.SIGINT))
    giving_up.start()
    with worker(home):
        answer = say("run", "stream_simulator", "--set", "options.ticks=2", "--set", "options.pause=0.01", "--wait")
    giving_up.cancel()
    assert answer.code == 0, answer.err


NO_TEXT = "x\udcff"  # a byte on the command line that is no UTF-8


@pytest.mark.parametrize(
    "words",
    [
        ("show", NO_TEXT),
        ("events", NO_TEXT),
        ("cancel", NO_TEXT),
        ("retry", NO_TEXT),
        ("runs", "--profile", NO_TEXT),
        ("tasks", "--profile", NO_TEXT),
        ("--profile", NO_TEXT, "runs"),
        (*ADA, "--key", NO_TEXT),
        (*ADA, "--revert", NO_TEXT),
    ],
)
def test_a_name_that_is_no_text_is_wrong_use(say: Say, words: tuple[str, ...]) -> None:
    answer = say(*words)
    assert answer.code == 2 and "unexpected" not in answer.err and len(answer.err.splitlines()) == 1


@pytest.mark.parametrize("text", ["[" * 50_000, '{"ticks":' * 50_000])
def test_an_object_without_a_bottom_is_none(say: Say, text: str) -> None:
    answer = say("run", "stream_simulator", "--set", f"options={text}")
    assert answer.code == 2 and "options has members" in answer.err


def test_a_home_of_nobody_is_a_folder_of_that_name(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a shell has it, which leaves such a ~ as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIPETUI_HOME", "~surely-nobody/here")
    assert say(*ADA, "--set", "greeting=Hi").code == 0
    assert (tmp_path / "~surely-nobody/here/data/pipetui.db").exists()


def test_following_the_jobs_survives_one_that_is_removed(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the news of it and the look at it its run may be gone from the bin."""

    async def changes(self: Feed) -> AsyncIterator[Changes]:
        yield Changes(2, frozenset(), frozenset({"gone"}), frozenset(), frozenset())

    monkeypatch.setattr(Feed, "changes", changes)
    answer = say("jobs", "--follow")
    assert (answer.code, answer.err) == (0, "")
