"""Backup, restore, reset, doctor, logs: what they keep, refuse and tell."""

from __future__ import annotations

import asyncio
import fcntl
import io
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipetui.botify import Credits, Project, link_graph
from pipetui.paths import paths
from pipetui.service import Service
from tests.e2e.test_headless import worker as a_worker

from .conftest import Say


def make_run(say: Say, name: str) -> None:
    assert say("run", "hello", "--key", name, "--set", "name=Ada", "--set", "greeting=Hi").code == 0


def keys(say: Say, *words: str) -> set[str]:
    return {run["part"] for run in say("runs", "--json", *words).json}


def test_a_backup_brings_back_what_was(say: Say, tmp_path: Path) -> None:
    make_run(say, "one")
    made = say("backup", str(tmp_path / "copy.db"), "--json")
    assert made.code == 0 and Path(made.json["file"]).stat().st_mode & 0o777 == 0o600
    make_run(say, "two")
    assert say("backup", str(tmp_path / "copy.db")).code == 1  # it is there already
    restored = say("restore", str(tmp_path / "copy.db"), "--yes", "--json")
    assert restored.code == 0 and keys(say) == {"one"}
    assert say("restore", restored.json["before"], "--yes").code == 0
    assert keys(say) == {"one", "two"}


def test_a_backup_without_a_name_lies_with_the_backups(say: Say, home: Path) -> None:
    made = say("backup")
    assert Path(made.out.strip()).parent == home / "data" / "backups"


def test_restore_asks_and_refuses(say: Say, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_run(say, "one")
    copy = say("backup", "--json").json["file"]
    make_run(say, "two")
    assert say("restore", copy).code == 4  # nobody there to be asked

    class Person(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Person("n\n"))
    assert say("restore", copy).code == 4
    assert say("restore", str(tmp_path / "nothing"), "--yes").code == 2
    (tmp_path / "text").write_text("not a database")
    assert say("restore", str(tmp_path / "text"), "--yes").code == 1
    with (home / "data" / "worker.lock").open("ab") as worker:
        fcntl.flock(worker, fcntl.LOCK_EX)
        refused = say("restore", copy, "--yes")
        assert refused.code == 2 and "worker" in refused.err
    assert keys(say) == {"one", "two"}
    monkeypatch.setattr("sys.stdin", Person("y\n"))
    with a_worker(home) as idle:  # it is asked to go, and goes
        assert say("restore", copy).code == 0
        assert idle.wait(10) == 0
    assert keys(say) == {"one"}


@pytest.mark.parametrize("damage", [b"not a database at all", b""])
def test_restore_mends_what_is_no_database_any_more(damage: bytes, say: Say, home: Path) -> None:
    make_run(say, "one")
    copy = say("backup", "--json").json["file"]
    (home / "data" / "pipetui.db").write_bytes(damage)
    assert say("restore", copy, "--yes").code == 0
    assert keys(say) == {"one"}


def test_reset_is_for_other_environments(say: Say) -> None:
    make_run(say, "one")
    say("run", "hello", "--env", "dev", "--set", "name=Ada")
    assert keys(say, "--env", "dev") == {"01"} and keys(say) == {"one"}
    assert say("reset", "--yes").code == 2
    assert say("reset", "--env", "dev").code == 4
    assert say("reset", "--env", "dev", "--yes").code == 0
    assert keys(say, "--env", "dev") == set() and keys(say) == {"one"}


def test_credits_are_told_by_profile_and_month(say: Say, home: Path) -> None:
    assert say("credits").err == "No export was paid for yet.\n" and say("credits", "--json").json == []
    query = link_graph(Project("acme-org", "acme-shop.example"), "20240601")
    ledger = Credits.of(home / "data")
    ledger.intend("a", query, 20_000, 2_000.0, "acme")
    ledger.settle("a", "done", rows=19_999, credits=1_999.9)
    ledger.intend("b", query, 10, 1.0, "other")
    [other, acme] = say("credits", "--json").json
    assert (acme["profile"], acme["credits"], acme["exports"], acme["unknown"]) == ("acme", 1_999.9, 1, 0)
    assert (other["profile"], other["credits"], other["unknown"]) == ("other", 1.0, 1.0)
    told = say("credits", "--profile", "acme").out
    assert "1,999.9" in told and "other" not in told and f"{datetime.now(UTC):%Y-%m}" in told


def test_the_doctor_finds_a_sound_house(say: Say) -> None:
    make_run(say, "one")
    answer = say("doctor", "--json")
    assert answer.code == 0
    found = {line["what"]: line for line in answer.json}
    assert "sound" in found["database"]["found"] and found["data"]["mark"] == "ok"
    assert {"Ollama", "browser", "terminal", "logout", "worker", "settings", "textual"} <= set(found)
    assert all(line["advice"] for line in answer.json if line["mark"] == "warn" and line["what"] != "terminal")


def test_the_doctor_misses_the_worker_of_a_job(say: Say, home: Path) -> None:
    async def leave_a_job() -> None:
        async with Service.open(paths("prod"), starter=None) as service:
            run = await service.runs.create("default", "stream_simulator")
            options = {"ticks": 1, "pause": 0, "fail_at": 0, "kill_at": 0, "kill": "job"}
            await service.runs.submit(run.id, "step_01", options)

    asyncio.run(leave_a_job())
    found = {line["what"]: line for line in say("doctor", "--json").json}
    assert found["worker"]["mark"] == "warn" and "1 job is under way" in found["worker"]["found"]


def test_the_doctor_names_what_is_broken(say: Say, home: Path) -> None:
    make_run(say, "one")
    (home / "config").mkdir(exist_ok=True)
    (home / "config" / "settings.toml").write_text("mous = true\n")
    with sqlite3.connect(home / "data" / "pipetui.db") as db:
        db.execute("PRAGMA user_version = 999")
    answer = say("doctor")
    assert answer.code == 1
    assert "did you mean mouse?" in answer.out and "newer pipetui" in answer.out


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "127.0.0.1:1", "ftp://x", "host:port", "http://[::1"])
def test_the_doctor_lives_without_ollama(address: str, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", address)
    (line,) = [line for line in say("doctor", "--json").json if line["what"] == "Ollama"]
    assert line["mark"] == "warn" and line["advice"]


def test_logs_of_all_processes_in_the_order_of_time(say: Say, home: Path) -> None:
    assert "Nothing is logged" in say("logs").err
    (home / "logs").mkdir(exist_ok=True)
    (home / "logs" / "pipetui.log").write_text(
        "2026-01-01 00:00:01,000 INFO 1 pipetui: first\n"
        "2026-01-01 00:00:03,000 ERROR 1 pipetui: third\nTraceback\n  here \x1b[0m\n"
    )
    (home / "logs" / "worker.log").write_text("2026-01-01 00:00:02,000 WARNING 2 pipetui.worker: second\nhalf a li")
    lines = say("logs").out.splitlines()
    assert [line.split()[-1] for line in lines] == ["first", "second", "third", "Traceback", "␛[0m"]
    assert say("logs", "--level", "error").out.splitlines()[0].endswith("third")
    assert len(say("logs", "--limit", "1").out.splitlines()) == 3


def test_what_is_above_an_environment_is_private_too(say: Say, home: Path) -> None:
    """Whoever practises first makes the folder in which the real data will lie."""
    say("--env", "practice", "runs")
    made = [home / "data", home / "data/env", home / "data/env/practice", home / "logs/env"]
    assert [oct(stat.S_IMODE(folder.stat().st_mode)) for folder in made] == ["0o700"] * 4
