"""The installed program without a screen: real processes, exit codes, signals and broken disks."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

import pytest

PROGRAM = str(Path(sys.executable).with_name("pipetui"))
HELLO = ("run", "hello", "--set", "name=Ada", "--set", "greeting=Hello Ada!")
PATIENCE = 30.0

Say: TypeAlias = Callable[..., subprocess.CompletedProcess[str]]

LINES = """
from pipetui import Step, Workflow
from pipetui.fields import TextArea


class Lines(Workflow):
    APP_NAME = "lines"
    steps = [Step("step_01", done="urls", show="URLs", field=TextArea())]
"""

SLOW = """
import os
import time
from pathlib import Path
from pipetui import Step, Workflow
from pipetui.fields import Text
HOME = Path(os.environ['PIPETUI_HOME'])


class Slow(Workflow):
    APP_NAME = "slow"
    steps = [Step("step_01", done="name", show="Name", field=Text())]

    def step_01_submit(self, run, value):
        if value == 'slow':
            (HOME / 'begun').touch()
            while not (HOME / 'go').exists():
                time.sleep(0.01)
        return value
"""

ASKS = """
from pipetui import Job, Run, Step, Workflow
from pipetui.fields import Number, Text


class Asks(Workflow):
    APP_NAME = "asks"
    steps = [Step("step_01", done="age", show="Age")]

    async def step_01_job(self, run: Run, job: Job) -> int:
        return await job.ask("age", Number(whole=True), "How old?")
"""

PAID = """
from pipetui import Job, Run, Step, Workflow


class Paid(Workflow):
    APP_NAME = "paid"
    steps = [Step("step_01", done="export", show="Export", paid=True)]

    async def step_01_job(self, run: Run, job: Job) -> int:
        return 1
"""


LOUD = """
from pipetui import Run, Step, Workflow
from pipetui.fields import Text


class Loud(Workflow):
    APP_NAME = "loud"
    steps = [Step("step_01", done="name", show="Name", field=Text())]

    async def step_01_when(self, run: Run) -> bool:
        print("when")
        return True

    def step_01_submit(self, run: Run, value: str) -> str:
        print("submit \\x1b[31m")
        return value
"""


def environment(home: Path | str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PIPETUI_HOME": str(home), "LANG": "C.UTF-8", "HOME": "/nonexistent"}


def start(home: Path | str, *words: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, *words],
        env=environment(home), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        **more,
    )  # fmt: skip


def call(home: Path | str, *words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    more = {"stdin": subprocess.DEVNULL, "env": environment(home)} | more
    if "input" in more:
        del more["stdin"]
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=PATIENCE, **more)


@pytest.fixture
def say(tmp_path: Path) -> Say:
    return lambda *words, **more: call(tmp_path, *words, **more)


@contextmanager
def worker(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker of the test's own: whoever queues a job finds it running."""
    process = start(home, "worker", "--idle", "60")
    try:
        eventually(lambda: "begins" in read(home / "logs" / "worker.log"))
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def read(path: Path) -> str:
    with suppress(FileNotFoundError):
        return path.read_text("utf-8")
    return ""


def eventually(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it never was so"
        time.sleep(0.02)


def workflow(home: Path, name: str, text: str) -> None:
    folder = home / "config" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def assert_one_sentence(ended: subprocess.CompletedProcess[str]) -> None:
    assert ended.stderr.startswith("pipetui: ") and ended.stderr.count("\n") == 1, ended.stderr
    assert "Traceback" not in ended.stderr and "unexpected" not in ended.stderr


def test_hello_from_start_to_the_locked_end(say: Say) -> None:
    ended = say(*HELLO, "--finalize", "--json")
    assert (ended.returncode, ended.stderr) == (0, "New run: default-hello-01\n")
    shown = json.loads(ended.stdout)
    assert set(shown) == {
        "id", "key", "profile", "app_name", "part", "version", "state", "next", "record", "cards", "artifacts",
    }  # fmt: skip
    assert [(card["done"], card["state"]) for card in shown["cards"]] == [
        ("name", "done"), ("greeting", "done"), ("finalized", "done"),
    ]  # fmt: skip
    for words in (("show", shown["key"], "--json"), ("show", shown["id"], "--json")):
        assert json.loads(say(*words).stdout) == shown
    (listed,) = json.loads(say("runs", "--json").stdout)
    assert (listed["key"], listed["next"], listed["id"]) == (shown["key"], "locked", shown["id"])
    events = json.loads(say("events", shown["key"], "--json").stdout)
    assert [event["kind"] for event in events] == ["create", "submit", "submit", "finalize"]
    text = say("show", shown["key"]).stdout
    assert "✓ Your Name" in text and "Hello Ada!" in text and "\x1b" not in text


def test_urls_from_a_file_and_from_stdin(say: Say, tmp_path: Path) -> None:
    workflow(tmp_path, "100_lines.py", LINES)
    (tmp_path / "urls.txt").write_text("\n".join(f"https://example.com/{number}" for number in range(10_000)))
    ended = say("run", "lines", "--set", "urls=@urls.txt", "--json", cwd=tmp_path)
    assert ended.returncode == 0 and "10,000" in json.loads(ended.stdout)["cards"][0]["summary"]
    again = say("run", "lines", "--key", "1", "--set", "urls=@urls.txt", cwd=tmp_path)
    assert again.returncode == 0
    piped = say("run", "lines", "--set", "urls=-", "--json", input="a\n\nb\n")
    assert json.loads(piped.stdout)["record"]["step_01"]["urls"] == ["a", "b"]


def test_two_processes_on_one_run(say: Say, tmp_path: Path) -> None:
    """The one whose workflow thinks for long finds the run moved: exit 5, and nothing of it is stored."""
    workflow(tmp_path, "100_slow.py", SLOW)
    assert say("run", "slow", "--key", "1").returncode == 4
    slow = start(tmp_path, "run", "slow", "--key", "1", "--set", "name=slow", "--json")
    eventually((tmp_path / "begun").exists)
    assert say("run", "slow", "--key", "1", "--set", "name=quick").returncode == 0
    (tmp_path / "go").touch()
    out, err = slow.communicate(timeout=PATIENCE)
    assert slow.returncode == 5 and "changed meanwhile" in err
    shown = json.loads(out)
    assert shown["exit"] == 5 and shown["record"]["step_01"] == {"name": "quick"}


def test_jobs_to_their_end_and_their_failure(say: Say, tmp_path: Path) -> None:
    simulate = ("run", "stream_simulator", "--set", "options.ticks=8", "--set", "options.pause=0.01")
    with worker(tmp_path):
        begun = say(*simulate, "--json")
        assert begun.returncode == 0 and json.loads(begun.stdout)["state"] == "running"
        ended = say("run", "stream_simulator", "--key", "1", "--wait", "--json")
        shown = json.loads(ended.stdout)
        assert ended.returncode == 0 and shown["state"] == "complete"
        (artifact,) = shown["artifacts"]
        assert Path(artifact["path"]).read_text().count("\n") == artifact["rows"] + 1 == 9
        failed = say(*simulate, "--set", "options.fail_at=3", "--wait", "--json", "--key", "f")
        shown = json.loads(failed.stdout)
        assert failed.returncode == 3 and "Failed at tick 3" in shown["error"]
        assert "\x1b" not in failed.stderr and "\r" not in failed.stderr
        job = shown["next"]["job"]["id"]
        assert say("retry", job[:10]).returncode == 0
        assert say("run", "stream_simulator", "--key", "f", "--wait", "--finalize").returncode == 0
        assert say("retry", job).returncode == 2
        assert {job["state"] for job in json.loads(say("jobs", "--json").stdout)} == {"done"}


def test_a_job_asks_and_goes_on_with_the_answer(say: Say, tmp_path: Path) -> None:
    workflow(tmp_path, "100_asks.py", ASKS)
    with worker(tmp_path):
        asked = say("run", "asks", "--wait", "--json")
        assert asked.returncode == 4
        shown = json.loads(asked.stdout)
        assert shown["state"] == "waiting" and "How old? Use --answer age=" in shown["error"]
        assert say("run", "asks", "--key", "1", "--answer", "age=old", "--wait").returncode == 2
        done = say("run", "asks", "--key", "1", "--answer", "age=36", "--wait", "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["record"]["step_01"]["age"] == 36


def test_what_costs_something_wants_a_yes(say: Say, tmp_path: Path) -> None:
    workflow(tmp_path, "100_paid.py", PAID)
    with worker(tmp_path):
        for words in ((), ("--answer", "export=no"), ("--wait",)):
            asked = say("run", "paid", "--key", "1", *words)
            assert asked.returncode == 4 and "--answer export=yes" in asked.stderr
        assert json.loads(say("jobs", "--json").stdout) == []
        assert say("run", "paid", "--key", "1", "--answer", "export=yes", "--wait").returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_waiting_and_not_the_job(number: int, code: int, say: Say, tmp_path: Path) -> None:
    with worker(tmp_path):
        words = ("--set", "options.ticks=1000", "--set", "options.pause=0.05")
        waiting = start(tmp_path, "run", "stream_simulator", *words, "--wait", "--json")
        assert waiting.stderr is not None
        while "Tick" not in waiting.stderr.readline():
            assert waiting.poll() is None
        waiting.send_signal(number)
        out, err = waiting.communicate(timeout=PATIENCE)
        assert waiting.returncode == code
        assert "goes on in the background" in err and json.loads(out)["exit"] == code
        (job,) = json.loads(say("jobs", "--json").stdout)
        assert job["state"] == "running"
        assert say("cancel", job["id"][:8]).returncode == 0
        ended = say("run", "stream_simulator", "--key", "1", "--wait", "--json")
        assert ended.returncode == 3 and json.loads(ended.stdout)["next"]["job"]["state"] == "cancelled"


def test_the_worker_comes_when_it_is_needed(say: Say, tmp_path: Path) -> None:
    try:
        ended = say("run", "stream_simulator", "--set", "options.ticks=3", "--set", "options.pause=0", "--wait")
        assert ended.returncode == 0, ended.stderr
    finally:
        with suppress(ProcessLookupError):
            os.kill(int(read(tmp_path / "data" / "worker.lock")), signal.SIGTERM)


def test_following_the_jobs_and_the_logs_until_ctrl_c(say: Say, tmp_path: Path) -> None:
    say(*HELLO)
    for words in (("jobs", "--follow"), ("logs", "--follow")):
        following = start(tmp_path, *words)
        if words[0] == "jobs":
            assert following.stdout is not None and following.stdout.readline().startswith("ID")
        else:
            with (tmp_path / "logs" / "pipetui.log").open("a") as log:
                log.write("2026-01-01 00:00:01,000 INFO 1 pipetui: something\n")
            assert following.stdout is not None and "something" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.wait(PATIENCE) == 130
        following.communicate()


def test_a_reader_that_goes_away_is_no_error(say: Say, tmp_path: Path) -> None:
    say(*HELLO)
    for words in (["runs"], ["--help"], ["show", "default-hello-01"]):
        read_end, write_end = os.pipe()
        os.close(read_end)
        ended = subprocess.run(
            [PROGRAM, *words], env=environment(tmp_path), stdout=write_end, stderr=subprocess.PIPE, text=True
        )
        os.close(write_end)
        assert (ended.returncode, ended.stderr) == (141, "")


def test_output_that_can_not_be_written_is_told(say: Say, tmp_path: Path) -> None:
    say(*HELLO)
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [PROGRAM, "runs"], env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert ended.returncode == 1 and "can't be written" in ended.stderr and ended.stderr.count("\n") == 1


def test_without_a_terminal_the_app_says_what_to_do(say: Say) -> None:
    ended = say()
    assert ended.returncode == 2 and "needs a terminal" in ended.stderr


def test_a_locale_that_has_no_check_mark(say: Say, tmp_path: Path) -> None:
    ended = say(*HELLO, env=environment(tmp_path) | {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"})
    assert ended.returncode == 0 and "\\u2713" in ended.stdout


def test_a_full_disk_is_a_sentence_and_loses_nothing(say: Say, tmp_path: Path) -> None:
    assert say(*HELLO, "--key", "1").returncode == 0
    database = tmp_path / "data" / "pipetui.db"
    limit = database.stat().st_size

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    big = "greeting=" + "x" * 9_000
    for _ in range(2):  # the first may still find room in a page
        ended = say("run", "hello", "--set", f"name={'y' * 9_000}", "--set", big, preexec_fn=full)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith("pipetui: The disk")
    assert "Traceback" not in ended.stderr
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert say("run", "hello", "--set", "name=Bob", "--set", big).returncode == 0  # space is back
    assert json.loads(say("show", "default-hello-01", "--json").stdout)["state"] == "complete"


def a_file(home: Path) -> str:
    (home / "file").write_text("mine")
    return str(home / "file")


@pytest.mark.parametrize("make_home", [lambda home: "/dev/null/x", a_file])
@pytest.mark.parametrize("words", [("runs",), HELLO, ("jobs",), ("backup",)])
def test_a_home_that_can_not_be_one(make_home: Callable[[Path], str], words: tuple[str, ...], tmp_path: Path) -> None:
    ended = call(make_home(tmp_path), *words, "--json")
    assert ended.returncode == 1
    assert_one_sentence(ended)
    assert json.loads(ended.stdout)["error"] in ended.stderr


def test_a_database_that_is_none_is_left_alone_and_can_be_replaced(say: Say, tmp_path: Path) -> None:
    say(*HELLO)
    copy = json.loads(say("backup", "--json").stdout)["file"]
    database = tmp_path / "data" / "pipetui.db"
    whole = database.read_bytes()
    newer = sqlite3.connect(database)
    newer.execute("PRAGMA user_version = 999")
    newer.close()
    for content, said in (
        (database.read_bytes(), "newer pipetui"),
        (b"a letter to my aunt\n" * 500, "not a database"),
        (whole[:4096] + b"\xff" * 8192 + whole[12288:], "damaged"),
    ):
        database.write_bytes(content)
        ended = say("runs")
        assert ended.returncode == 1 and said in ended.stderr, ended
        assert_one_sentence(ended)
        assert database.read_bytes() == content
        assert say("doctor").returncode == 1
    assert say("restore", copy, "--yes").returncode == 0
    assert len(json.loads(say("runs", "--json").stdout)) == 1


def test_another_program_s_database_is_not_ours(say: Say, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "pipetui.db")) as db:
        db.execute("CREATE TABLE theirs (x)")
    ended = say(*HELLO)
    assert ended.returncode == 1 and "another program" in ended.stderr
    assert_one_sentence(ended)


def test_what_a_workflow_prints_is_no_part_of_the_answer(say: Say, tmp_path: Path) -> None:
    workflow(tmp_path, "100_loud.py", LOUD)
    ended = say("run", "loud", "--set", "name=Ada", "--json")
    assert json.loads(ended.stdout)["record"]["step_01"] == {"name": "Ada"}
    assert "submit ␛[31m" in ended.stderr and "when" in ended.stderr and "\x1b" not in ended.stderr


@pytest.mark.parametrize("home", ["relative", "with space/'\"$x", "ünï ✓", "two\nlines"])
def test_a_home_of_any_name(tmp_path: Path, home: str) -> None:
    """The worker and its jobs find the same one."""
    words = ("--set", "options.ticks=3", "--set", "options.pause=0.01")
    where = home if home == "relative" else tmp_path / home
    ended = call(where, "run", "stream_simulator", *words, "--wait", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    (artifact,) = json.loads(ended.stdout)["artifacts"]
    assert Path(artifact["path"]).is_relative_to(tmp_path / home)


def test_broken_settings_stop_no_job(say: Say, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text("theme = [")
    words = ("--set", "options.ticks=3", "--set", "options.pause=0.01")
    assert say("run", "stream_simulator", *words, "--wait").returncode == 0
    assert "The worker goes on with the defaults" in read(tmp_path / "logs" / "worker.log")


def test_a_full_disk_under_stdout_is_said(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [PROGRAM, "doctor"], env=environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1 and "unexpected" not in ended.stderr
