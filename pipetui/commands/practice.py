"""`pipetui --sandbox`: an environment of its own whose Botify and web site are the local sandbox.

The sandbox is a process that outlives the app, as the worker does: an export goes on when the terminal closes. It ends
when nobody has asked it anything for a while; the next start makes a new one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from .. import disk
from ..botify.places import SANDBOX
from ..paths import Paths, make_private
from ..secrets import Secrets
from ..service.starter import environment
from .exits import CRASH, Exit

ENV = "sandbox"
IDLE_SECONDS = 3600


def start(where: Paths) -> dict[str, Any]:
    """Make sure that the sandbox runs and that this environment talks to it; its addresses. Exit."""
    make_private(where.data)
    file = where.data / SANDBOX
    known = _read(file)
    if known is not None and _answers(known):
        return known
    made = _begin(where)
    disk.put(file, json.dumps(made).encode())
    Secrets(where.secrets).put("botify", made["token"])
    return made


def _read(file: Path) -> dict[str, Any] | None:
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return known if isinstance(known, dict) and isinstance(known.get("api_url"), str) else None


def _answers(known: dict[str, Any]) -> bool:
    """Whether a sandbox is still there, at its address."""
    try:
        with urlopen(f"{known['api_url']}/_sandbox/state", timeout=2) as answer:  # noqa: S310 - loopback, written by us
            return bool(answer.status == 200)
    except (URLError, OSError, ValueError):
        return False


def _begin(where: Paths) -> dict[str, Any]:
    make_private(where.logs)
    command = [sys.executable, "-P", "-m", "pipetui", "sandbox", "--json", "--idle", str(IDLE_SECONDS)]
    with (where.logs / "sandbox.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(),
            cwd=where.data,
            start_new_session=True,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
    try:
        made: dict[str, Any] = json.loads(line)
    except ValueError:
        raise Exit(CRASH, f"The sandbox could not be started: see {where.logs / 'sandbox.log'}.") from None
    return made
