"""`pipetui doctor`: everything that pipetui needs, looked at; each line says what to do."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import stat
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, TypeAlias

from .. import __version__
from ..paths import Paths
from ..settings import ChatSettings, SettingsError, load
from ..store.errors import StoreError
from ..text import one_line, size
from . import output
from .exits import CRASH, OK
from .session import complete, places

Mark: TypeAlias = Literal["ok", "warn", "fail"]
SIGNS: dict[Mark, str] = {"ok": "✓", "warn": "!", "fail": "✗"}
LIBRARIES = ("textual", "httpx", "aiosqlite", "ollama", "selenium", "platformdirs", "selectolax", "protego")
PATIENCE = 1.0
"""Seconds for whoever is asked."""


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what is there, and what to do about it."""

    mark: Mark
    what: str
    found: str
    advice: str = ""


def doctor(args: Namespace) -> int:
    """The exit code is 1 when something that is needed is broken."""
    where = places(args)
    looks: list[Callable[[Paths], Iterator[Finding]]] = [
        _versions, _settings, _folders, _database, _worker, _login_manager, _browser, _ollama, _terminal,
    ]  # fmt: skip
    findings = [finding for look in looks for finding in look(where)]
    if args.json:
        output.document([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            output.line(one_line(f"{SIGNS[finding.mark]} {finding.what}: {finding.found}"))
            if finding.advice:
                output.line("    " + one_line(finding.advice))
    return CRASH if any(finding.mark == "fail" for finding in findings) else OK


def _versions(where: Paths) -> Iterator[Finding]:
    yield Finding("ok", "pipetui", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield Finding("ok", "SQLite", sqlite3.sqlite_version)
    for name in LIBRARIES:
        try:
            yield Finding("ok", name, version(name))
        except PackageNotFoundError:
            yield Finding("fail", name, "is not installed", "Install pipetui again.")


def _settings(where: Paths) -> Iterator[Finding]:
    try:
        load(where.settings)
    except SettingsError as error:
        yield Finding("fail", "settings", str(error), "Correct the file, or move it away.")
    else:
        is_there = where.settings.exists()
        yield Finding("ok", "settings", f"{where.settings}{'' if is_there else ' (not there: defaults)'}")


def _folders(where: Paths) -> Iterator[Finding]:
    for what, folder in (("data", where.data), ("config", where.config), ("cache", where.cache), ("logs", where.logs)):
        yield _folder(what, folder)
    existing = _existing(where.data)
    try:
        free = shutil.disk_usage(existing).free
    except OSError:
        return
    if free < 500_000_000:
        yield Finding("warn", "free space", size(free), f"Free some space in {existing}: exports are large.")
    else:
        yield Finding("ok", "free space", size(free))


def _folder(what: str, folder: Path) -> Finding:
    existing = _existing(folder)
    if not existing.is_dir():
        return Finding("fail", what, f"{existing} is no folder", "Move it away, or set PIPETUI_HOME to a folder.")
    if not os.access(existing, os.R_OK | os.W_OK | os.X_OK):
        return Finding("fail", what, f"{existing} can't be written", "Take it over, or set PIPETUI_HOME.")
    if existing != folder:
        return Finding("ok", what, f"{folder} (made when needed)")
    found = folder.stat()
    if found.st_uid != os.geteuid():
        return Finding("fail", what, f"{folder} belongs to another user", "Be its owner, or set PIPETUI_HOME.")
    if what == "data" and stat.S_IMODE(found.st_mode) & 0o077:
        return Finding("warn", what, f"{folder} can be read by others", f"chmod 700 {folder}")
    return Finding("ok", what, str(folder))


def _existing(path: Path) -> Path:
    """The path, or the nearest of its parents that exists."""
    while path != path.parent:
        try:
            path.lstat()
        except OSError:
            path = path.parent
        else:
            break
    return path


def _database(where: Paths) -> Iterator[Finding]:
    from ..service import Service

    if not where.database.exists():
        yield Finding("ok", "database", f"{where.database} (made when needed)")
        return

    async def check() -> list[str]:
        async with Service.open(where, starter=None) as service:
            return await service.db.integrity()

    try:
        problems = complete(check)
    except StoreError as error:
        yield Finding("fail", "database", str(error))
        return
    shown = f"{where.database}, {size(where.database.stat().st_size)}"
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        yield Finding(
            "fail", "database", f"{shown}: {problems[0]}{more}", "Restore a backup with: pipetui restore FILE"
        )
    else:
        yield Finding("ok", "database", f"{shown}, sound")


def _worker(where: Paths) -> Iterator[Finding]:
    from ..service import Service
    from ..service.starter import is_running

    async def count() -> int:
        async with Service.open(where, starter=None) as service:
            counts = await service.jobs.counts()
            return counts.get("queued", 0) + counts.get("running", 0)

    if is_running(where.worker_lock):
        yield Finding("ok", "worker", "running")
        return
    try:
        jobs = complete(count) if where.database.exists() else 0
    except StoreError:
        jobs = 0  # the database's own finding says it
    if jobs:
        left = "1 job is" if jobs == 1 else f"{jobs} jobs are"
        yield Finding(
            "warn", "worker", f"not running, and {left} under way", "To have them taken up again: pipetui jobs"
        )
    else:
        yield Finding("ok", "worker", "not running (started when needed)")


def _login_manager(where: Paths) -> Iterator[Finding]:
    from ..service.starter import kills_at_logout

    kills = kills_at_logout()
    if kills is None:
        yield Finding("ok", "logout", "no login manager that would end background jobs")
    elif not kills:
        yield Finding("ok", "logout", "jobs go on (KillUserProcesses=no)")
    elif _lingers():
        yield Finding("ok", "logout", "jobs go on (lingering is on)")
    else:
        yield Finding(
            "warn", "logout", "the login manager ends jobs (KillUserProcesses=yes)", "Once: loginctl enable-linger"
        )


def _lingers() -> bool:
    try:
        asked = subprocess.run(
            ["loginctl", "show-user", str(os.geteuid()), "--property=Linger", "--value"],
            capture_output=True, text=True, timeout=2, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.stdout.strip() == "yes"


def _browser(where: Paths) -> Iterator[Finding]:
    advice = "Workflows that drive a browser need it. Debian: sudo apt install chromium chromium-driver"
    for what, names in (
        ("browser", ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")),
        ("driver", ("chromedriver",)),
    ):
        found = next((path for name in names if (path := shutil.which(name))), None)
        yield Finding("ok", what, found) if found else Finding("warn", what, f"no {names[0]} found", advice)


def _ollama(where: Paths) -> Iterator[Finding]:
    from ..chat.client import Patience
    from ..chat.presence import hosts_of, look

    try:
        chat = load(where.settings).chat
    except SettingsError:
        chat = ChatSettings()  # its own finding says it

    patience = Patience(connect=PATIENCE, plain=PATIENCE * 5)
    found = complete(lambda: look(hosts_of(chat.hosts), chat.model, patience=patience))
    if found.chosen is None:
        yield Finding("warn", "Ollama", found.text, f"Only the chat needs it. {found.hint}")
        return
    models = "1 model" if len(found.models) == 1 else f"{len(found.models)} models"
    where_ = f"{found.name}{' (remote)' if found.is_remote else ''}"
    shown = f"{where_}, version {found.version}, {models}; the chat talks to {found.chosen.name}"
    if chat.model and not found.chosen.is_called(chat.model):
        yield Finding("warn", "Ollama", shown, f"{chat.model} is not there. To have it: ollama pull {chat.model}")
    else:
        yield Finding("ok", "Ollama", shown)


def _terminal(where: Paths) -> Iterator[Finding]:
    from ..terminal.check import refusal

    refused = refusal(os.environ, sys.stdin, sys.stdout)
    if refused:
        yield Finding("warn", "terminal", refused)
        return
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    term, colours = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "")
    deep = colours in ("truecolor", "24bit")
    shown = f"{term}, {'16 million' if deep else '256 or fewer'} colours, UTF-8, {columns}×{lines}"
    if columns < 80 or lines < 24:
        yield Finding("warn", "terminal", shown, "The app wants 80×24 at least: enlarge the window.")
    elif "NO_COLOR" in os.environ:
        yield Finding("ok", "terminal", f"{shown}; NO_COLOR is set: no colours")
    elif not deep:
        yield Finding("ok", "terminal", shown, "If it can show more colours: export COLORTERM=truecolor")
    else:
        yield Finding("ok", "terminal", shown)
    if os.environ.get("TMUX"):
        yield _tmux()


def _tmux() -> Finding:
    try:
        asked = subprocess.run(
            ["tmux", "show-options", "-gsv", "set-clipboard"], capture_output=True, text=True, timeout=2, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("warn", "tmux", "does not answer")
    if asked.stdout.strip() == "off":
        return Finding("warn", "tmux", "copying is off", "In ~/.tmux.conf: set -s set-clipboard on")
    return Finding("ok", "tmux", f"set-clipboard {asked.stdout.strip()}")
