"""A workflow file is read by a process of its own first: one that ends whoever reads it then ends nobody else.

os._exit, a crash in a C library, or a loop that no thread can be freed from are found here. The answer is remembered
by the file's content, so each version of a file costs this once.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from .limits import TooSlow
from .workflow import WorkflowError

_READ = 77
"""The exit code that says that the file was read to its end, or raised something."""


def survive(filename: str, text: str, seconds: float, known: Path) -> None:
    """Return when the source can be read here. `known` is the folder of those that could. WorkflowError, TooSlow."""
    data = text.encode("utf-8", "surrogatepass")
    mark = known / hashlib.sha256(sys.version.encode() + b"\0" + data).hexdigest()
    if mark.exists():
        return
    try:
        read = subprocess.run(
            [sys.executable, "-P", "-m", __name__, filename],
            input=data, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise TooSlow(f"It did not end within {seconds:g} s.") from None
    except OSError:
        return  # no process can be had: the file is read as it is
    if read.returncode != _READ:
        raise WorkflowError(f"It ends the program that reads it ({_how(read.returncode)}), so it is not loaded.")
    with suppress(OSError):
        known.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark.touch(mode=0o600)


def _how(code: int) -> str:
    try:
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _main(filename: str) -> None:
    from .registry import load_source

    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    with suppress(BaseException):  # what it raises, it raises again where it can be told
        load_source(filename, text)
    os._exit(_READ)  # threads that it started don't count


if __name__ == "__main__":
    _main(sys.argv[1])
