"""Where a run's Botify is: the service, or the sandbox of its environment; and what all runs share on disk."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..engine.jobs import JobError
from .client import RATE, Client, based
from .errors import NotConnected
from .queries import API, Call
from .shelf import Credits, Shelf

if TYPE_CHECKING:
    from ..engine.run import Run

SANDBOX = "sandbox.json"
"""In the shared folder of an environment that practises: `{"api_url": …}`, written by `pipetui --sandbox`.

`rate`, if it is there too, is how many requests a second that sandbox takes (Botify's pace otherwise), `token` the one
that it knows.
"""

MOST_CALLS = 30
"""Requests that a run remembers, each once; the latest come last."""

_CALLS = "calls"  # no step's name: it stays until the run is locked


def api_url(shared: Path) -> str:
    """The API that the runs of an environment talk to, with `/v1`. ValueError when the sandbox's is no address."""
    return based(_place(shared).url)


def practice_token(shared: Path) -> str:
    """What the sandbox of an environment that practises takes for a token, which is no secret; "" elsewhere."""
    return _place(shared).token


def client(run: Run) -> Client:
    """A client with the token of the run's profile; the run remembers what it asks. NotConnected without a token."""
    place = _place(run.shared)
    try:
        token = run.secret("botify")
    except JobError:
        raise NotConnected("This profile has no token: run “Connect to Botify” first, then try again.") from None
    try:
        return Client(token, base_url=place.url, rate=place.rate, on_call=lambda call: _remember(run, call))
    except ValueError as error:
        raise NotConnected(f"{error} Run “Connect to Botify” again.") from None


def asked(run: Run) -> list[tuple[str, str]]:
    """(title, text) of what this run asked Botify lately, until it is locked: as curl, and as Python."""
    base = api_url(run.shared)
    calls = [Call(method, path, body, base) for method, path, body in run.temp.get(_CALLS, [])]
    if not calls:
        return []
    return [
        ("all that was asked so far, as curl", "\n\n".join(call.curl() for call in calls)),
        ("all that was asked so far, as Python", "\n\n".join(call.python() for call in calls)),
    ]


def _remember(run: Run, call: Call) -> None:
    said = [call.method, call.path, call.body]
    run.temp[_CALLS] = [*(known for known in run.temp.get(_CALLS, []) if known != said), said][-MOST_CALLS:]


class _Place(NamedTuple):
    url: str
    rate: float
    """Requests a second."""
    token: str = ""


def _place(shared: Path) -> _Place:
    try:
        place = json.loads((shared / SANDBOX).read_text("utf-8"))
        url, rate, token = place["api_url"], place.get("rate", RATE), place.get("token", "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _Place(API, RATE)
    if not isinstance(url, str):
        return _Place(API, RATE)
    is_rate = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 < rate < 1e6
    return _Place(url, float(rate) if is_rate else RATE, token if isinstance(token, str) else "")


def shelf(run: Run) -> Shelf:
    """The finished exports, of all runs."""
    return Shelf(run.shared / "exports")


def credits(run: Run) -> Credits:
    """What was spent, by all runs."""
    return Credits.of(run.shared)


def this_month(run: Run) -> float:
    """The credits that the run's profile spent in this month, UTC. Blocking."""
    return credits(run).month(run.profile, f"{datetime.now(UTC):%Y-%m}")
