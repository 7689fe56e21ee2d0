"""Copy to the clipboard of the terminal that one sits at, over SSH too: the terminal is asked (OSC 52) to take it.

tmux keeps such requests to itself unless it is told otherwise, so inside one all three ways are gone: the request
itself (`set-clipboard on`), wrapped for the terminal outside (`allow-passthrough on`), and `tmux load-buffer -w`, which
needs neither and fills the buffer of `prefix ]`, where the tmux is one of this machine.
"""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
import threading
from collections.abc import Mapping
from typing import Any

from textual.app import App

from pipetui.text import count, displayable, size

MOST = 75_000
"""Bytes: 100 kB as they are sent, which is what terminals take at least that take any."""

TMUX_SECONDS = 5


def copy(app: App[Any], text: str, what: str = "") -> str:
    """Put `text` on the clipboard, with hidden characters made visible; the sentence that says so, or why not.

    `what` names it in that sentence: `the address`. A terminal that knows no OSC 52 ignores it, and nobody can tell.
    """
    shown = displayable(text)
    length = len(shown.encode())
    named = what or "it"
    if not shown:
        return "There is nothing to copy."
    if length > MOST:
        return f"Not copied: {named} has {size(length)}, and a terminal's clipboard takes {size(MOST)}."
    app.copy_to_clipboard(shown)
    lines = shown.rstrip("\n").count("\n") + 1
    much = f"{count(lines)} lines" if lines > 1 else f"{count(len(shown))} character{'s' * (len(shown) != 1)}"
    return f"Copied {named}: {much}."


def request(text: str, environ: Mapping[str, str]) -> str:
    """The escape sequences that ask the terminal of this environment to take `text`."""
    osc = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    term = environ.get("TERM", "")
    if "TMUX" not in environ and not term.startswith(("tmux", "screen")):
        return osc
    return osc + "\x1bPtmux;" + osc.replace("\x1b", "\x1b\x1b") + "\x1b\\"


def fill_buffer(text: str) -> None:
    """Give `text` to the tmux that one is in, if it is one of this machine; doesn't wait for it."""
    if "TMUX" in os.environ:
        threading.Thread(target=_load, args=(text.encode(),), daemon=True, name="tmux").start()


def _load(data: bytes) -> None:
    with contextlib.suppress(OSError, subprocess.SubprocessError):  # the terminal was asked as well
        subprocess.run(
            ["tmux", "load-buffer", "-w", "-"], input=data, capture_output=True, timeout=TMUX_SECONDS, check=False
        )
