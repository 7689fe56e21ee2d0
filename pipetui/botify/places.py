"""Where a run's Botify is: the service, or the sandbox of its environment; and what all runs share on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .client import RATE, Client
from .queries import API
from .shelf import Credits, Shelf

if TYPE_CHECKING:
    from ..engine.run import Run

SANDBOX = "sandbox.json"
"""In the shared folder of an environment that practises: `{"api_url": …}`, written by `pipetui --sandbox`.

`rate`, if it is there too, is how many requests a second that sandbox takes; Botify's pace otherwise.
"""


def api_url(shared: Path) -> str:
    """The API that the runs of an environment talk to."""
    return _place(shared)[0]


def client(run: Run) -> Client:
    """A client with the token of the run's profile. JobError when there is none."""
    url, rate = _place(run.shared)
    return Client(run.secret("botify"), base_url=url, rate=rate)


def _place(shared: Path) -> tuple[str, float]:
    """(the API, requests a second)"""
    try:
        place = json.loads((shared / SANDBOX).read_text("utf-8"))
        url, rate = place["api_url"], place.get("rate", RATE)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return API, RATE
    is_rate = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < 1e6
    return (url, float(rate) if is_rate else RATE) if isinstance(url, str) else (API, RATE)


def shelf(run: Run) -> Shelf:
    """The finished exports, of all runs."""
    return Shelf(run.shared / "exports")


def credits(run: Run) -> Credits:
    """What was spent, by all runs."""
    return Credits.of(run.shared)
