"""Processes of ours, and their groups."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

CHILD = "pipetui.worker.child"
"""The mark of a job's process."""


PROC = "/proc"
"""Where Linux tells of processes; macOS has no such place."""


def is_ours(pid: int | None, mark: str) -> bool:
    """Whether a process is alive (a zombie is not) and has `mark` in its command line: a pid may be used again."""
    return pid is not None and mark in _command(pid)


def kill(pid: int) -> None:
    """End the group that the process leads, whatever it does; also what is left of it after its leader."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM of a group of zombies
        os.killpg(pid, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """An exit status of `subprocess`, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _command(pid: int) -> str:
    try:
        return Path(f"{PROC}/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        if Path(PROC, "self").exists():
            return ""
    found = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout
