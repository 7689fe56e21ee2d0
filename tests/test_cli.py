"""The grammar, and how an error becomes one sentence, one document and an exit code."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pipetui import cli
from pipetui.commands import exits
from pipetui.commands.exits import Exit


@pytest.mark.parametrize(
    "words",
    [
        ["--env", "test", "--profile", "p", "--debug", "runs"],
        ["runs", "--env", "test", "--profile", "p", "--debug"],
        ["--env", "other", "--profile", "p", "runs", "--debug", "--env", "test"],
    ],
)
def test_common_options_stand_before_and_after_the_command(words: list[str]) -> None:
    args = cli.parser().parse_args(words)
    assert (args.env, args.profile, args.debug, args.call) == ("test", "p", True, "runs:runs")


def test_without_a_command_it_is_the_app() -> None:
    args = cli.parser().parse_args([])
    assert (args.call, args.env, args.profile, args.debug, args.no_mouse) == ("start:app", "prod", None, False, False)


def commands() -> dict[str, argparse.ArgumentParser]:
    actions = cli.parser()._actions
    (action,) = [action for action in actions if isinstance(action, argparse._SubParsersAction)]
    return dict(action.choices)


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_there_and_takes_the_common_options(name: str) -> None:
    made = commands()[name]
    assert {"profile", "env", "debug"} <= {action.dest for action in made._actions}
    if name != "worker":
        assert callable(cli._command(made.get_default("call")))


def test_what_nobody_foresaw_is_logged_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(args: argparse.Namespace) -> int:
        raise ZeroDivisionError("nobody\nforesaw\x1b this")

    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path))
    monkeypatch.setattr(cli, "_command", lambda call: fail)
    assert cli.main(["runs", "--json"]) == exits.CRASH
    out, err = capsys.readouterr()
    assert "unexpected error" in json.loads(out)["error"] and err.count("\n") == 1 and "\x1b" not in err
    assert "ZeroDivisionError" in (tmp_path / "logs" / "pipetui.log").read_text()
    assert cli.main(["runs", "--debug"]) == exits.CRASH
    assert "Traceback" in capsys.readouterr().err


def test_an_exit_adds_its_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def end(args: argparse.Namespace) -> int:
        raise Exit(exits.WAITING, "One more thing.", {"key": "k"})

    monkeypatch.setattr(cli, "_command", lambda call: end)
    assert cli.main(["runs", "--json"]) == exits.WAITING
    assert json.loads(capsys.readouterr().out) == {"key": "k", "error": "One more thing.", "exit": 4}


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(args: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_command", lambda call: interrupt)
    assert cli.main(["runs"]) == 130
    assert capsys.readouterr().err == "pipetui: Interrupted.\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completions_are_code_that_the_shell_takes(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "describe" in script
    if shell in ("bash", "zsh", "fish") and shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def test_bash_completes_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    ask = 'source "$1"; COMP_WORDS=(pipetui des); COMP_CWORD=1; _shtab_pipetui; echo "${COMPREPLY[@]}"'
    ended = subprocess.run(
        ["bash", "-c", ask, "bash", str(tmp_path / "script")], capture_output=True, text=True, env={"PATH": os.defpath}
    )
    assert ended.stdout.split() == ["describe"]
