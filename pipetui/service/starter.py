"""Make sure that a worker is there: a process of its own that outlives the terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import subprocess
import sys
from pathlib import Path

from ..paths import Paths, make_private, moved_home

KEPT = ("HOME", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR",
        "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS",
        "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
        "http_proxy", "https_proxy", "no_proxy")  # fmt: skip
"""What a worker needs of the environment, beside PIPETUI_… and SE_…."""


def is_running(lock: Path) -> bool:
    """Whether a worker holds the lock of this database."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


_started: dict[Path, subprocess.Popen[bytes]] = {}
"""The worker that this process started last, by its lock."""


async def start_worker(paths: Paths) -> str:
    """Start a worker unless there is one. '' when there is, else why not: a sentence for the user."""
    if is_running(paths.worker_lock):
        return ""
    last = _started.pop(paths.worker_lock, None)
    if last is not None and 0 < (last.poll() or 0) < 128:  # not ended by a signal, nor because it had nothing to do
        return (
            f"The background worker ended with an error (exit code {last.returncode}; `pipetui logs` says more): "
            "jobs stop when you leave, and go on later."
        )
    try:
        _started[paths.worker_lock] = await asyncio.to_thread(_start, paths)
    except OSError as error:
        return f"No background worker could be started ({error.strerror}): jobs stop when you leave, and go on later."
    return ""


def _start(paths: Paths) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "pipetui", "--env", paths.env, "worker"]
    if _logout_would_kill():
        command = ["systemd-run", "--user", "--scope", "--quiet", "--collect", *command]
    make_private(paths.logs)
    with paths.worker_log.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(),
            cwd=paths.data,
            start_new_session=True,
            close_fds=True,
        )


def environment() -> dict[str, str]:
    """A clean environment for the worker, which is at home in another folder than we are."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(("PIPETUI_", "SE_"))}
    if home := moved_home():
        kept["PIPETUI_HOME"] = str(home)
    return kept


def _has(program: str) -> bool:
    import shutil  # dear, and seldom wanted

    return shutil.which(program) is not None


def _logout_would_kill() -> bool:
    """Whether the login manager ends what a session leaves behind, and a scope of the user's own can be had."""
    if not _has("systemd-run") or not os.environ.get("XDG_RUNTIME_DIR"):
        return False
    return kills_at_logout() is True


def kills_at_logout() -> bool | None:
    """What the login manager says of KillUserProcesses; None where there is none to ask."""
    if not _has("busctl"):
        return None
    try:
        asked = subprocess.run(
            ["busctl", "get-property", "org.freedesktop.login1", "/org/freedesktop/login1",
             "org.freedesktop.login1.Manager", "KillUserProcesses"],
            capture_output=True, text=True, timeout=2, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() == "b true" if asked.returncode == 0 else None
