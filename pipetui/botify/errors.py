"""What Botify refuses, what its numbers mean, and what to do then.

The codes are those of the service's own list (CONTRACT.md, section 12); which HTTP status comes with which code is not
documented, so both are looked at, and neither needs to be there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..engine.jobs import JobError


class BotifyError(JobError):
    """Something at Botify did not go as it should: one sentence on what happened, one on what to do.

    `code` is the service's `error_code` ("" without one), `status` the HTTP status (0 without an answer).
    """

    def __init__(self, message: str, *, code: str = "", status: int = 0) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


class NotConnected(BotifyError):
    """A profile has no token, or one that can be none."""


class Unauthorized(BotifyError):
    """The token is not, or no longer, valid."""


class Forbidden(BotifyError):
    """The token is valid and may not do this."""


class NotFound(BotifyError):
    """There is no such user, project, analysis or job."""


class Rejected(BotifyError):
    """The request itself can't be taken."""


class Transient(BotifyError):
    """Not now: worth another try where a try costs nothing."""


class Busy(Transient):
    """Too many requests in a second, or exports in a day."""


class ServerTrouble(Transient):
    """The service, or something on the way to it, failed or gave no proper answer."""


class NoAnswer(Transient):
    """No connection, or one that broke, or none in time. `sent` is False when the request certainly did not leave."""

    def __init__(self, message: str, *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent


class ExportFailed(BotifyError):
    """Botify says that an export failed. `reason` is what it, or the same query asked directly, says about it."""

    def __init__(self, message: str, *, reason: str = "", code: str = "") -> None:
        super().__init__(message, code=code)
        self.reason = reason


class BadFile(BotifyError):
    """What was downloaded is not the export."""


class LinkExpired(BadFile):
    """The link does not give the file (any more); the job knows a fresh one."""


class DiskFull(BotifyError):
    """There is no room for the file."""


MEANINGS: dict[str, tuple[str, str]] = {
    "1000": ("Botify had an error that it does not name.", "Try again in a minute."),
    "1001": ("Botify does not know this token.", "Copy it anew from https://app.botify.com/account and connect again."),
    "1002": ("The token may not see this.", "Ask the owner of the project for access, or choose another project."),
    "1004": ("There is no such analysis.", "It may have been deleted; choose another from the list."),
    "1006": ("There is no such export.", "Start it again; what was downloaded before is still here."),
    "1007": ("There is no such user or organisation.", "Use the first part of the project's address, after the host."),
    "1009": ("There is no such query.", "Build the query again."),
    "1010": (
        "There is no such project.",
        "Check it against its address at https://app.botify.com/organisation/project.",
    ),
    "1015": ("A regular expression in the filters can't be read.", "Correct the expression."),
    "1016": ("Fields are missing in the query.", "Choose at least one field."),
    "1019": ("There is no such area.", "Choose another area."),
    "1020": ("The request is not formed as Botify wants it.", "See the detail, and correct the query."),
    "1021": ("A collection of the query is not there.", "Look whether the project has this feature and this analysis."),
    "1022": ("The query is not formed as Botify wants it.", "See the detail, and correct the query."),
    "1023": ("The aggregation can't be read.", "Correct the metrics."),
    "1024": ("A parameter of the query should be an object.", "Correct the query."),
    "1027": ("More than ten fields were asked for.", "Choose fewer fields."),
    "1028": ("More than one field with several values was asked for.", "Choose only one of them."),
    "1029": ("A field of the query does not exist.", "Choose it from the list; its name begins with its collection."),
    "1034": ("This feature is switched off for the project.", "Choose other data, or ask Botify to switch it on."),
    "1035": ("Comparison is switched off for the project.", "Use one analysis."),
    "1036": ("Visits are switched off for the project.", "Leave out the fields of visits."),
    "1037": ("The task failed at Botify.", "Try again later, or with a smaller query."),
    "1039": ("Botify does not allow this kind of request here.", "Please report this: it is a fault of pipetui."),
    "1043": ("The query is too big for Botify.", "Use fewer fields, or a filter: a smaller depth, one segment."),
    "1044": ("Botify can't execute this query.", "Use fewer fields, or other filters."),
    "1046": ("Search engine data is switched off for the project.", "Leave out its fields."),
    "1052": ("Another CSV export of this analysis is running.", "Wait until it has ended."),
    "1053": (
        "Too many requests, or the exports of this day are used up.",
        "Wait a minute; if it stays, until tomorrow.",
    ),
    "1055": ("The range of dates of the logs can't be used.", "Choose dates for which there are logs."),
    "1056": ("The range of dates of the logs can't be used.", "Choose dates for which there are logs."),
    "1057": ("A regular expression in the filters can't be read.", "Correct the expression."),
    "1058": ("Another export is running at Botify.", "Wait until it has ended, or follow it if it is the same."),
    "1059": ("There is no such export.", "Check the number; exports are forgotten after some time."),
    "1060": ("The export failed at Botify.", "Nothing is exported again without your yes."),
}
"""error_code → (what it means, what to do)."""

_STATUS: dict[int, tuple[type[BotifyError], str]] = {
    401: (Unauthorized, "1001"),
    403: (Forbidden, "1002"),
    404: (NotFound, ""),
    429: (Busy, "1053"),
}
_CODES: dict[str, type[BotifyError]] = {
    "1001": Unauthorized,
    "1002": Forbidden,
    **dict.fromkeys(("1034", "1035", "1036", "1046"), Forbidden),
    **dict.fromkeys(("1004", "1006", "1007", "1009", "1010", "1059"), NotFound),
    "1053": Busy,
}
_SHORT = 300  # characters of what the service says


def from_answer(status: int, body: bytes, secret: str = "") -> BotifyError:
    """The error that an answer of this status is. Takes every shape of body that was seen, and none of `secret`."""
    code, said = _said(body)
    kind, usual = _STATUS.get(status, (ServerTrouble if status >= 500 or status < 400 else Rejected, ""))
    if status < 500:
        kind = _CODES.get(code, kind)
    meaning, advice = MEANINGS.get(code or usual, ("", ""))
    if not meaning:
        meaning = f"Botify answered with status {status}."
        advice = "Try again in a minute." if issubclass(kind, ServerTrouble) else "Check what was asked for."
    detail = without(said, secret)
    told = f" It says: {detail.rstrip('.')}." if detail and detail.rstrip(".") not in meaning else ""
    number = f" (error {code})" if code else ""
    return kind(f"{meaning[:-1]}{number}.{told} {advice}", code=code, status=status)


def without(text: str, secret: str) -> str:
    """`text` in one short line, the secret taken out."""
    line = " ".join(text.split())
    if secret:
        line = line.replace(secret, "[token]")
    return line if len(line) <= _SHORT else line[: _SHORT - 1] + "…"


def _said(body: bytes) -> tuple[str, str]:
    """(error_code, text) of an error's body."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""  # HTML of a gateway, or nothing
    if not isinstance(data, dict):
        return "", ""
    error = data.get("error")
    if isinstance(error, dict):
        detail = "; ".join(_leaves(error.get("error_detail")))
        message = str(error.get("message") or "")
        return str(error.get("error_code") or ""), f"{message} ({detail})" if detail else message
    if isinstance(error, str):
        return str(data.get("error_code") or ""), error
    if isinstance(data.get("detail"), str):
        return "", data["detail"]
    return "", "; ".join(_leaves(data))


def _leaves(value: Any, at: str = "", depth: int = 0) -> Iterator[str]:
    """`query.filter: Unknown field.` for every text in nested objects and lists."""
    if depth > 6:
        return
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{at}.{name}" if at else str(name), depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, at, depth + 1)
    elif value not in (None, ""):
        yield f"{at}: {value}" if at else str(value)
