"""Processes told by their command lines, with and without /proc."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pipetui.worker import group


@pytest.mark.parametrize("proc", ["/proc", "/nowhere"])
def test_a_process_is_known_by_the_end_of_a_long_command_line(proc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ps` cuts lines where it takes the width of a terminal for the limit, as that of macOS does without one."""
    monkeypatch.setattr(group, "PROC", proc)
    monkeypatch.setenv("COLUMNS", "40")
    folder = "x" * 100
    command = [sys.executable, "-c", "print(flush=True); input()", folder, group.CHILD]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "it has begun"
        assert group.is_ours(process.pid, group.CHILD)
        assert not group.is_ours(process.pid, "another")
        os.kill(process.pid, 9)
        process.wait()
        assert not group.is_ours(process.pid, group.CHILD)
    finally:
        process.communicate()
