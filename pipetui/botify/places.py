"""Where a run's Botify is: the service, or the sandbox of its environment; and what all runs share on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .client import Client
from .queries import API
from .shelf import Credits, Shelf

if TYPE_CHECKING:
    from ..engine.run import Run

SANDBOX = "sandbox.json"
"""In the shared folder of an environment that practises: `{"api_url": …}`, written by `pipetui --sandbox`."""


def api_url(shared: Path) -> str:
    """The API that the runs of an environment talk to."""
    try:
        url = json.loads((shared / SANDBOX).read_text("utf-8"))["api_url"]
    except (OSError, ValueError, KeyError, TypeError):
        return API
    return url if isinstance(url, str) else API


def client(run: Run) -> Client:
    """A client with the token of the run's profile. JobError when there is none."""
    return Client(run.secret("botify"), base_url=api_url(run.shared))


def shelf(run: Run) -> Shelf:
    """The finished exports, of all runs."""
    return Shelf(run.shared / "exports")


def credits(run: Run) -> Credits:
    """What was spent, by all runs."""
    return Credits(run.shared / "credits.jsonl")
