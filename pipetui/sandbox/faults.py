"""What can be made to go wrong: settings that hold until they are changed, and faults that strike the n-th request.

Set at start (`pipetui sandbox --fault lost_response --set list_lag=5`), in a test (`sandbox.fault("lost_response")`),
or through POST /_sandbox/faults and /_sandbox/settings.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Settings:
    """What the contract leaves open, and what an account can do. Times in seconds."""

    rate: int = 5
    """Requests that a token may make in a second; 0: as many as it likes."""
    daily_exports: int = 0
    """POST /jobs that a token may make; 0: as many as it likes."""
    export_cap: int = 1_000_000
    """The largest export_size, and config.export_limit of the generated analyses."""
    created: float = 0.2
    """How long a job is CREATED."""
    processing: float = 0.3
    """How long it is PROCESSING then, at least."""
    created_status: int = 201
    charge_at: str = "created"
    """When credits are spent: `created` or `done`."""
    refund_failed: bool = False
    accept_invalid: bool = False
    """POST /jobs takes any query; the job fails."""
    echo_marker: bool = True
    """export_job_name and metadata come back."""
    colleague: bool = False
    """Somebody else has created the same export just before each of ours."""
    list_lag: float = 0.0
    """How long GET /jobs does not show a new job."""
    list_order: str = "newest"
    """... or `oldest`, first."""
    list_cap: int = 0
    """The largest page of a list, whatever `size` asks for; 0: none."""
    list_links: bool = True
    """Lists have the keys `next` and `previous`."""
    owner_shape: str = "both"
    """A project names its owner by `user`, `organization`, or `both`."""
    clamp_size: bool = False
    """/query takes a size above 2,000 for 2,000."""
    link_life: float = 0.0
    """How long a download link works; 0: always."""
    fresh_links: bool = True
    """Asking for the job again gives a new link once the old one has expired."""
    content_type: str = ""
    """Of files, instead of the right one."""
    content_encoding: bool = False
    """gzip files come with Content-Encoding: gzip."""
    ranges: bool = True
    """Range requests are honoured."""
    file_length: bool = True
    """Files come with a Content-Length."""
    file_rate: int = 0
    """Bytes a second at which a file is sent; 0: as fast as it goes."""
    byte_order_mark: bool = False
    windows_lines: bool = False
    """Lines of CSV files end with CR LF."""
    member_rows: int = 0
    """Rows (4,096 at most) after which a gzip file goes on with another member; 0: one member."""
    missing_rows: int = 0
    """Rows at the end that an export leaves out, though they were counted."""

    def change(self, name: str, value: object) -> None:
        """From text too. Raises ValueError: there is no such setting, or it can't be that."""
        known = {each.name: each.default for each in dataclasses.fields(self)}
        if name not in known:
            raise ValueError(f"There is no setting {name!r}. There are: {', '.join(known)}.")
        setattr(self, name, _like(name, known[name], value))


def _like(name: str, example: object, value: object) -> object:
    if isinstance(example, bool):
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if str(value).lower() in words:
            return words[str(value).lower()]
    elif isinstance(example, str):
        return str(value)
    else:
        with suppress(ValueError):
            return int(str(value)) if isinstance(example, int) else float(str(value))
    raise ValueError(f"{name} can't be {value!r}: it is {example!r} by default.")


API, JOB, FILE = "api", "job", "file"


@dataclass(frozen=True)
class Kind:
    """What a fault does, where it strikes unless told otherwise, and what it can be told."""

    at: str
    route: str
    about: str
    options: dict[str, Any] = field(default_factory=dict)


KINDS: dict[str, Kind] = {
    "drop": Kind(API, "*", "the connection is reset before anything is done"),
    "lost_response": Kind(API, "create_job", "it is done, then the connection is reset"),
    "slow": Kind(API, "*", "it is done, and the answer comes late", {"seconds": 2.0}),
    "too_many": Kind(API, "*", "429, code 1053, no Retry-After"),
    "server_error": Kind(API, "*", "500 with the service's envelope"),
    "bad_gateway": Kind(API, "*", "an HTML page of a gateway", {"status": 502}),
    "no_body": Kind(API, "*", "an error without a body", {"status": 503}),
    "other_envelope": Kind(API, "*", "an error that only has `detail`", {"status": 401}),
    "refuse": Kind(API, "*", "an error of your choice", {"code": "1000", "status": 0}),
    "malformed": Kind(API, "*", "it is done, and the JSON breaks off"),
    "login_page": Kind(API, "*", "200 with an HTML page"),
    "drip": Kind(API, "*", "the answer comes a few bytes at a time", {"rate": 200}),
    "job_fails": Kind(JOB, "create_job", "the job fails, without a reason"),
    "job_fails_with_error": Kind(JOB, "create_job", "the job fails, with a reason", {"code": "1060"}),
    "job_without_results": Kind(JOB, "create_job", "the job is DONE and has no file"),
    "job_unknown_status": Kind(JOB, "create_job", "the job stays in a state that nobody knows", {"state": "QUEUED"}),
    "job_hangs": Kind(JOB, "create_job", "the job stays PROCESSING"),
    "truncated": Kind(FILE, "file", "the file breaks off", {"share": 0.5}),
    "reset": Kind(FILE, "file", "the connection is reset in the middle of the file", {"share": 0.5}),
    "corrupt": Kind(FILE, "file", "a byte of the checksum at the end is wrong"),
    "empty_file": Kind(FILE, "file", "200, and no bytes"),
    "html_file": Kind(FILE, "file", "200, and an HTML page instead of the file"),
    "expired": Kind(FILE, "file", "403 with an XML page", {"status": 403}),
    "changed_file": Kind(FILE, "file", "the file has another ETag, so that If-Range starts it anew"),
    "wrong_range": Kind(FILE, "file", "206 with other bytes than were asked for"),
    "file_drip": Kind(FILE, "file", "the file comes slowly", {"rate": 2_000}),
    "file_error": Kind(FILE, "file", "the download host fails", {"status": 503}),
}


@dataclass
class Fault:
    """Strikes requests `first`, `first` + 1, … of a route, `times` of them (0: all)."""

    name: str
    route: str
    first: int
    times: int
    options: dict[str, Any]
    seen: int = 0
    struck: int = 0


class Faults:
    def __init__(self) -> None:
        self._set: list[Fault] = []

    def add(self, name: str, *, route: str = "", first: int = 1, times: int = 1, **options: Any) -> Fault:
        """Raises ValueError: there is no such fault or option."""
        kind = KINDS.get(name)
        if kind is None:
            raise ValueError(f"There is no fault {name!r}. There are: {', '.join(KINDS)}.")
        told = dict(kind.options)
        for option, value in options.items():
            if option not in told:
                raise ValueError(f"{name} has no option {option!r}. It has: {', '.join(told) or 'none'}.")
            told[option] = _like(option, told[option], value)
        fault = Fault(name, route or kind.route, int(first), int(times), told)
        self._set.append(fault)
        return fault

    def parse(self, text: str) -> Fault:
        """`slow:seconds=3,route=query,times=2`."""
        name, _, rest = text.partition(":")
        options: dict[str, Any] = dict(part.partition("=")[::2] for part in rest.split(",") if part)
        return self.add(name, **options)

    def strike(self, at: str, route: str) -> Fault | None:
        """The fault that this request meets, at most one; all that watch its route count it."""
        met = None
        for fault in self._set:
            if KINDS[fault.name].at != at or fault.route not in ("*", route):
                continue
            fault.seen += 1
            if met is None and fault.seen >= fault.first and (not fault.times or fault.struck < fault.times):
                fault.struck += 1
                met = fault
        return met

    def clear(self) -> None:
        self._set.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [dataclasses.asdict(fault) for fault in self._set]
