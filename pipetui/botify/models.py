"""What Botify tells, as objects: made from whatever shape the service answers in, old or new."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from .queries import Project, canonical

DONE = frozenset({"DONE", "COMPLETE"})
KNOWN = DONE | {"CREATED", "PROCESSING", "FAILED"}


@dataclass(frozen=True)
class Account:
    """Who a token belongs to."""

    username: str
    name: str = ""
    email: str = ""

    @classmethod
    def read(cls, data: Any) -> Account | None:
        inner = _object(data)
        inner = _object(inner.get("data")) or inner
        username = _text(inner.get("username")) or _text(inner.get("login"))
        name = f"{_text(inner.get('first_name'))} {_text(inner.get('last_name'))}".strip()
        return cls(username, name, _text(inner.get("email"))) if username else None


@dataclass(frozen=True)
class ProjectInfo:
    """A project in a list. `created` is ISO 8601, as it came."""

    project: Project
    name: str
    active: bool = True
    created: str = ""

    @classmethod
    def read(cls, data: Any, username: str) -> ProjectInfo | None:
        data = _object(data)
        slug = _text(data.get("slug"))
        if not slug:
            return None
        org = _owner(data) or username
        return cls(Project(org, slug), _text(data.get("name")) or slug, data.get("active") is not False, _date(data))


def organisations(projects: Iterable[ProjectInfo]) -> list[str]:
    """The distinct owners of projects, by name; Botify has no list of them."""
    return sorted({info.project.org for info in projects})


@dataclass(frozen=True)
class Analysis:
    """A crawl. `links_graph` and `export_limit` are known from its detail only (None: not said)."""

    slug: str
    name: str
    status: str
    urls: int
    launched: str
    finished: str = ""
    deleted_on: str = ""
    links_graph: bool | None = None
    export_limit: int | None = None

    @property
    def ready(self) -> bool:
        return self.status == "success"

    @classmethod
    def read(cls, data: Any) -> Analysis | None:
        data = _object(data)
        slug = _text(data.get("slug"))
        if not slug:
            return None
        links = _object(_object(data.get("features")).get("links")).get("links_graph")
        limit = _object(data.get("config")).get("export_limit")
        return cls(
            slug,
            _text(data.get("friendly_name")) or _text(data.get("name")) or slug,
            _text(data.get("status")),
            number(data.get("urls_done")) or 0,
            _text(data.get("date_launched")) or _date(data),
            _text(data.get("date_finished")),
            _text(data.get("to_be_deleted_at")),
            links if isinstance(links, bool) else None,
            number(limit),
        )


@dataclass(frozen=True)
class Collection:
    """A set of fields: a crawl, Search Console, … One with dates wants a period in a query."""

    id: str
    name: str
    date: str = ""
    timestamped: bool = False
    first: str = ""
    last: str = ""

    @classmethod
    def read(cls, data: Any) -> Collection | None:
        data = _object(data)
        found = _text(data.get("id"))
        if not found:
            return None
        texts = (_text(data.get(key)) for key in ("date", "date_start", "date_end"))
        date, first, last = texts
        return cls(found, _text(data.get("name")) or found, date, data.get("timestamped") is True, first, last)


@dataclass(frozen=True)
class FieldInfo:
    """A field of a collection. `id` is without the collection's name, `full` is how a query names it."""

    id: str
    full: str
    name: str
    type: str
    kind: str
    group: str
    multiple: bool = False
    deprecated: bool = False

    @classmethod
    def read(cls, data: Any, collection: str, groups: Mapping[str, str]) -> FieldInfo | None:
        data = _object(data)
        found = _text(data.get("id"))
        if not found:
            return None
        shared = found == "url" or found.startswith("segments.") or collection == "global"
        group = _text(data.get("group"))
        return cls(
            found,
            found if shared else f"{collection}.{found}",
            _text(data.get("name")) or found,
            _text(data.get("subtype")) or _text(data.get("type")),
            _text(data.get("kind")) or "dimension",
            groups.get(group, group),
            data.get("multiple") is True,
            data.get("deprecated") is True,
        )


@dataclass(frozen=True)
class Rows:
    """A page of a query's answer: each row is its dimensions, then its metrics. `count` is of all pages, if asked."""

    rows: list[list[Any]]
    more: bool
    count: int | None = None

    @classmethod
    def read(cls, data: Any) -> Rows | None:
        data = _object(data)
        results = data.get("results")
        if not isinstance(results, list):
            return None
        rows = [[*_list(_object(row).get("dimensions")), *_list(_object(row).get("metrics"))] for row in results]
        return cls(rows, bool(data.get("next")), number(data.get("count")))


@dataclass(frozen=True)
class RemoteJob:
    """An export job at Botify. `created` is in seconds since 1970 (None: not said); `url` is there when it is done."""

    id: str
    status: str
    marker: str = ""
    query: Any = None
    size: int | None = None
    formatter: Any = None
    user: str = ""
    created: float | None = None
    url: str = ""
    reason: str = ""
    code: str = ""

    @property
    def done(self) -> bool:
        return self.status in DONE

    @property
    def made(self) -> str:
        """Who made it, and when: ` by ada, 2024-03-01 10:07 UTC`; of that what Botify says."""
        when = "" if self.created is None else f", {datetime.fromtimestamp(self.created, UTC):%Y-%m-%d %H:%M} UTC"
        return (f" by {self.user}" if self.user else "") + when

    def gives(self, rows: int) -> bool:
        """Whether its file has as many rows of the query, as a CSV to be downloaded; what isn't said speaks for it."""
        formatter, _, connector = self.formatter if isinstance(self.formatter, list) else ("", "", "")
        is_csv = formatter in ("csv", "", None) and connector in ("direct_download", "", None)
        return is_csv and (self.size is None or self.size >= rows)

    @property
    def failed(self) -> bool:
        return self.status == "FAILED"

    @classmethod
    def read(cls, data: Any) -> RemoteJob | None:
        data = _object(data)
        found = data.get("job_id")
        if isinstance(found, bool) or not isinstance(found, int | str) or not re.fullmatch(r"[\w-]{1,64}", str(found)):
            return None
        payload, results, error = (_object(data.get(key)) for key in ("payload", "results", "error"))
        name = _text(payload.get("export_job_name")) or _text(_object(data.get("metadata")).get("marker"))
        query = payload.get("query")
        return cls(
            str(found),
            _text(data.get("job_status")).upper(),
            name,
            canonical(query) if isinstance(query, Mapping) else None,
            number(payload.get("export_size")),
            canonical([payload.get(key) for key in ("formatter", "formatter_config", "connector")]),
            _text(data.get("user")) or _text(_object(data.get("user")).get("login")),
            seconds(_text(data.get("date_created"))),
            _text(results.get("download_url")),
            _text(error.get("message")) or _text(data.get("failure_reason")) or _text(data.get("error")),
            str(error.get("error_code") or ""),
        )


def read_fields(data: Any, collection: str) -> list[FieldInfo] | None:
    """The fields of a collection's detail, those of all its data sets; None when it is none."""
    datasets = _object(data).get("datasets")
    if not isinstance(datasets, list):
        return None
    found: dict[str, FieldInfo] = {}
    for dataset in map(_object, datasets):
        groups = {_text(g.get("id")): _text(g.get("name")) for g in map(_object, _list(dataset.get("groups")))}
        for member in _list(dataset.get("fields")):
            info = FieldInfo.read(member, collection, groups)
            if info is not None:
                found.setdefault(info.id, info)
    return list(found.values())


def search(fields: Iterable[FieldInfo], text: str) -> list[FieldInfo]:
    """The fields in whose id, name or group every word of `text` is; those that begin with it come first."""
    words = text.lower().split()
    hits = [f for f in fields if all(word in f"{f.id} {f.name} {f.group}".lower() for word in words)]
    start = text.lower().strip()
    return sorted(
        hits, key=lambda f: (not f.id.startswith(start) and not f.name.lower().startswith(start), f.deprecated)
    )


def seconds(date: str) -> float | None:
    """An ISO 8601 time in seconds since 1970; one without a zone is UTC. None when it is none."""
    try:
        moment = datetime.fromisoformat(date)
    except ValueError:
        return None
    return (moment if moment.tzinfo else datetime.fromisoformat(date + "+00:00")).timestamp()


def number(value: Any) -> int | None:
    """A whole number, also one that came as a float or as digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value == value and abs(value) < 2**53:
        return int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) else None


def _owner(data: Mapping[str, Any]) -> str:
    user, organisation = _object(data.get("user")), _object(data.get("organization"))
    for found in (
        user.get("login"),
        user.get("username"),
        organisation.get("slug"),
        _object(organisation.get("owner")).get("username"),
    ):
        if _text(found):
            return _text(found)
    return next(iter(urlsplit(_text(data.get("url"))).path.strip("/").split("/")), "")


def _date(data: Mapping[str, Any]) -> str:
    return _text(data.get("date_created"))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
