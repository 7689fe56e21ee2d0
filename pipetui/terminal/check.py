"""Is there a terminal that the app can be shown in? Asked before Textual is imported."""

import re
from collections.abc import Mapping
from typing import Protocol

_colourless = re.compile(r"vt\d+.*|.*-m(ono)?").fullmatch

_INSTEAD = "The commands work anyhow: see `pipetui run --help`."


class Stream(Protocol):
    """What is asked of stdin and stdout."""

    def isatty(self) -> bool:
        """Is it a terminal?"""


def refusal(env: Mapping[str, str], stdin: Stream | None, stdout: Stream | None) -> str | None:
    """Why the app can't be shown here, with what to do; None if it can."""
    if not _is_terminal(stdin) or not _is_terminal(stdout):
        name = "input" if not _is_terminal(stdin) else "output"
        return f"pipetui needs a terminal, and its {name} is none (over SSH: `ssh -t HOST pipetui`). {_INSTEAD}"
    term = env.get("TERM", "")
    if term in {"", "dumb", "unknown", "vt52"}:
        return (
            f"This terminal can't show the app (TERM {f'is {term}' if term else 'is not set'}): say what it is, "
            f"for example `export TERM=xterm-256color`. {_INSTEAD}"
        )
    locale = env.get("LC_ALL") or env.get("LC_CTYPE") or env.get("LANG") or ""
    if locale and "utf8" not in locale.lower().replace("-", ""):
        return f"The locale {locale!r} is not UTF-8, so text would come out wrong: `export LC_ALL=C.UTF-8`. {_INSTEAD}"
    return None


def has_colours(env: Mapping[str, str]) -> bool:
    """Whether TERM is none of those that are known to have no colours: `vt100`, `xterm-mono`, `rxvt-m`."""
    return bool(env.get("COLORTERM")) or _colourless(env.get("TERM", "")) is None


def _is_terminal(stream: Stream | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False
