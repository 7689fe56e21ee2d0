"""What a command may import (it is paid for at every start), and what a workflow may."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DEAR = {"textual", "rich", "httpx", "selenium", "ollama", "duckdb", "selectolax", "protego", "shtab", "tomlkit"}
WORKFLOWS_MAY = {
    "pipetui", "pipetui.fields", "pipetui.views", "pipetui.text",
    "pipetui.pages", "pipetui.botify", "pipetui.links", "pipetui.browser",
}  # fmt: skip


def modules_after(arguments: list[str], home: Path) -> set[str]:
    """What is in sys.modules at the end of a call, beside what Python itself begins with."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from pipetui.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('\\n' + ' '.join(set(sys.modules) - before))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True, text=True, check=True, env={"PIPETUI_HOME": str(home)},
    )  # fmt: skip
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_help_and_version_import_argparse_and_little_else(arguments: list[str], tmp_path: Path) -> None:
    found = modules_after(arguments, tmp_path)
    assert "argparse" in found
    assert {name for name in found if name.startswith("pipetui")} == {
        "pipetui", "pipetui.__main__", "pipetui.cli", "pipetui.commands", "pipetui.commands.exits",
    }  # fmt: skip
    assert not found & (DEAR | {"asyncio", "sqlite3", "dataclasses", "typing", "logging", "shutil", "json"})


@pytest.mark.parametrize("arguments", [["runs"], ["runs", "--json"], ["--profile", "x", "runs", "--all"]])
def test_the_list_of_runs_needs_neither_engine_nor_workflows(arguments: list[str], tmp_path: Path) -> None:
    found = modules_after(arguments, tmp_path)
    assert "pipetui.service.shelves" in found
    assert not found & DEAR
    assert not found & {
        "pipetui.engine.registry", "pipetui.engine.workflow", "pipetui.engine.fields", "pipetui.engine.transitions",
        "pipetui.engine.jobs", "pipetui.service.runs", "pipetui.settings", "pipetui.worker", "pipetui.app",
        "platformdirs", "tomllib", "shutil", "uuid",
    }  # fmt: skip


@pytest.mark.parametrize("arguments", [["settings"], ["settings", "keys", "--json"]])
def test_the_settings_are_listed_without_a_screen(arguments: list[str], tmp_path: Path) -> None:
    found = modules_after(arguments, tmp_path)
    assert "pipetui.screens.commands" in found
    assert not found & DEAR


def test_a_run_without_a_screen_needs_no_screen(tmp_path: Path) -> None:
    found = modules_after(["run", "hello", "--set", "name=Ada", "--set", "greeting=Hi"], tmp_path)
    assert "pipetui.engine.transitions" in found
    assert not found & {"textual", "rich", "ollama", "selenium", "pipetui.app", "pipetui.worker"}


def test_the_chat_needs_neither_ollama_nor_a_screen_until_it_asks() -> None:
    modules = [f"pipetui.chat.{file.stem}" for file in (ROOT / "pipetui" / "chat").glob("[a-z]*.py")]
    lazy = [name for name in modules if name != "pipetui.chat.wire"]  # the client imports it with ollama
    code = f"import sys, {', '.join(lazy)}; print(*sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(ended.stdout.split()) & (DEAR - {"sqlite3"})


@pytest.mark.parametrize("file", sorted((ROOT / "pipetui" / "workflows").glob("*.py")), ids=lambda file: file.stem)
def test_a_workflow_imports_the_api_and_what_it_is_made_for(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    ours = {name for name in imported if name.partition(".")[0] == "pipetui"}
    assert {name for name in ours if ".".join(name.split(".")[:2]) not in WORKFLOWS_MAY} == set()
    assert not {name.partition(".")[0] for name in imported} & DEAR


def test_a_package_is_reached_from_the_contracts() -> None:
    """A room that is new must be put into pyproject.toml's contracts."""
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    rooms = {path.parent.name for path in (ROOT / "pipetui").glob("*/__init__.py")}
    assert {room for room in rooms if f"pipetui.{room}" not in text} == set()
