"""What is asked of Botify: a query is one object; counting it and exporting it only wrap it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from ..engine.values import digest, encode

API = "https://api.botify.com/v1"
CAP = 1_000_000
"""Rows that one export to a file may have, unless the plan says otherwise."""

GRAPH = re.compile(r"\.graph\.url$")
Dimension: TypeAlias = str | Mapping[str, Any]
Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Project:
    """A project's address: the organisation or user that owns it, and its slug."""

    org: str
    slug: str

    def __str__(self) -> str:
        return f"{self.org}/{self.slug}"

    @property
    def path(self) -> str:
        """`org/slug` as it stands in a URL."""
        return f"{_quoted(self.org)}/{_quoted(self.slug)}"


def parse_project(text: str) -> tuple[Project, str | None]:
    """The project, and the analysis if there is one, of `https://app.botify.com/org/project/…` or `org/project`.

    ValueError says what is accepted.
    """
    given = text.strip()
    if "://" in given:
        url = urlsplit(given)
        if url.scheme not in ("http", "https") or not re.search(
            r"(^|\.)botify\.com$|^localhost$|^127\.0\.0\.1$", url.hostname or ""
        ):
            raise ValueError("This is no address of a Botify project: https://app.botify.com/organisation/project.")
        given = url.path
    parts = [unquote(part) for part in given.strip("/").split("/")]
    if parts and parts[0] == "app.botify.com":
        parts = parts[1:]
    if len(parts) < 2 or not all(_is_name(part) for part in parts[:2]):
        raise ValueError(
            "Give the project's address, https://app.botify.com/organisation/project, or organisation/project."
        )
    analysis = parts[2] if len(parts) > 2 and re.fullmatch(r"\d{8}(-\d+)?", parts[2]) else None
    return Project(parts[0], parts[1]), analysis


def crawl(analysis: str) -> str:
    """The collection of an analysis: `crawl.20240301`."""
    return f"crawl.{analysis}"


@dataclass(frozen=True)
class Query:
    """A BQLv2 query on a project, without a page, a size or a count: those belong to what it is used for.

    `periods` are (first day, last day), `YYYY-MM-DD`, for collections that have dates. `filters` is one filter, or {}.
    """

    project: Project
    collections: Sequence[str]
    dimensions: Sequence[Dimension]
    metrics: Sequence[Dimension] = ()
    filters: Json = field(default_factory=dict)
    sort: Sequence[Any] = ()
    periods: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        for name in ("collections", "dimensions", "metrics", "sort"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "periods", tuple((first, last) for first, last in self.periods))

    @cached_property
    def body(self) -> dict[str, Any]:
        """`{"collections", "periods"?, "query"}`: what is sent to `/query` and, the same, in an export job."""
        query: dict[str, Any] = {"dimensions": list(self.dimensions), "metrics": list(self.metrics)}
        if self.filters:
            query["filters"] = dict(self.filters)
        if self.sort:
            query["sort"] = list(self.sort)
        body: dict[str, Any] = {"collections": list(self.collections)}
        if self.periods:
            body["periods"] = [list(period) for period in self.periods]
        return body | {"query": query}

    @cached_property
    def text(self) -> str:
        """The body's one spelling: byte for byte what is counted and what is exported."""
        return encode(self.body)

    @cached_property
    def hash(self) -> str:
        """32 hex digits: equal for the same query on the same project, however its keys are ordered."""
        return digest(self.project.org, self.project.slug, canonical(self.body))

    @property
    def width(self) -> int:
        """Columns of the export."""
        return len(self.dimensions) + len(self.metrics)

    @property
    def graph(self) -> str:
        """The dimension that makes a row of each link; empty when this is no link graph."""
        return next((name for name in self.dimensions if isinstance(name, str) and GRAPH.search(name)), "")

    @property
    def crawls(self) -> list[str]:
        return [name for name in self.collections if name.startswith("crawl.")]

    @property
    def depth(self) -> int | None:
        """Up to how many clicks from the start its pages are, where that is its one filter; None: it says nothing."""
        depth, is_of_crawls = self.filters.get("value"), str(self.filters.get("field", "")).endswith(".depth")
        return depth if is_of_crawls and self.filters.get("predicate") == "lte" and isinstance(depth, int) else None

    def where(self, *filters: Json) -> Query:
        """This query, with more filters that must hold too."""
        every = [f for f in (self.filters, *filters) if f]
        return replace(self, filters=every[0] if len(every) == 1 else {"and": every} if every else {})

    def asking(
        self, dimensions: Sequence[Dimension], metrics: Sequence[Dimension] = (), sort: Sequence[Any] = ()
    ) -> Query:
        """Another question about the same rows: same collections, periods and filters."""
        return replace(self, dimensions=dimensions, metrics=metrics, sort=sort)

    def to_json(self) -> dict[str, Any]:
        return {"org": self.project.org, "project": self.project.slug} | self.body

    @classmethod
    def from_json(cls, data: Json) -> Query:
        query = data["query"]
        return cls(
            Project(data["org"], data["project"]),
            data["collections"],
            query["dimensions"],
            query["metrics"],
            query.get("filters") or {},
            query.get("sort") or (),
            data.get("periods") or (),
        )


def link_graph(project: Project, analysis: str, depth: int | None = None) -> Query:
    """Every internal link of a crawl, as (source, target); only from pages up to `depth` clicks from the start."""
    name = crawl(analysis)
    links = Query(project, [name], ["url", f"{name}.outlinks_internal.graph.url"])
    return links if depth is None else links.where(up_to(analysis, depth))


def up_to(analysis: str, depth: int) -> Json:
    """The filter for pages up to `depth` clicks from the start page of a crawl."""
    return {"field": f"{crawl(analysis)}.depth", "predicate": "lte", "value": depth}


def cost(query: Query, rows: int) -> float:
    """The credits that an export of so many rows costs: 1 a row, 0.1 a row of the link graph."""
    return round(rows / 10, 1) if query.graph else float(rows)


# -- the calls


@dataclass(frozen=True)
class Call:
    """A request to the API, ready to send or to show. The token is no part of it."""

    method: Literal["GET", "POST"]
    path: str
    body: str = ""
    base: str = API

    @property
    def url(self) -> str:
        return self.base + self.path

    def curl(self) -> str:
        """The call as a shell command; the token is `$BOTIFY_TOKEN`."""
        lines = [f"curl -X {self.method} {shlex.quote(self.url)}", '  -H "Authorization: Token $BOTIFY_TOKEN"']
        if self.body:
            lines += ["  -H 'Content-Type: application/json'", f"  --data-raw {shlex.quote(self.body)}"]
        return " \\\n".join(lines)

    def python(self) -> str:
        """The call as a Python program of the standard library; the token is taken from BOTIFY_TOKEN."""
        data = f"body = {json.loads(self.body)!r}\n" if self.body else ""
        return (
            "import json\nimport os\nimport urllib.request\n\n"
            f"{data}"
            "request = urllib.request.Request(\n"
            f"    {self.url!r},\n"
            f"    method={self.method!r},\n"
            + ("    data=json.dumps(body).encode(),\n" if self.body else "")
            + "    headers={\n"
            '        "Authorization": "Token " + os.environ["BOTIFY_TOKEN"],\n'
            '        "Content-Type": "application/json",\n'
            "    },\n"
            ")\n"
            "with urllib.request.urlopen(request) as response:\n"
            "    print(json.load(response))\n"
        )


def query_call(query: Query, *, page: int = 1, size: int = 500, base: str = API) -> Call:
    """One page of the query's rows; Botify gives at most 2,000 a page."""
    return Call("POST", f"/projects/{query.project.path}/query?page={page}&size={size}", query.text, base)


def count_call(query: Query, base: str = API) -> Call:
    """How many rows the query has: the count that belongs to the export of the same object."""
    return Call("POST", f"/projects/{query.project.path}/query?size=1&count", query.text, base)


def export_call(query: Query, size: int, marker: str, base: str = API) -> Call:
    """The one call that costs: a job that exports at most `size` rows, to be found again by `marker`."""
    return Call("POST", "/jobs", encode(export_body(query, size, marker)), base)


def spelled(query: Query, size: int, base: str = API) -> list[tuple[str, str]]:
    """(title, text) of the calls that count and export at most `size` rows of it: as curl, and as Python."""
    counting, exporting = count_call(query, base), export_call(query, size, "a-name-of-your-own", base)
    return [
        ("the count as curl (free)", counting.curl()),
        ("the export as curl (costs credits)", exporting.curl()),
        ("the count as Python (free)", counting.python()),
        ("the export as Python (costs credits)", exporting.python()),
    ]


def export_body(query: Query, size: int, marker: str) -> dict[str, Any]:
    """All options are said, because what Botify takes without them is documented in two ways."""
    return {
        "job_type": "export",
        "payload": {
            "username": query.project.org,
            "project": query.project.slug,
            "connector": "direct_download",
            "formatter": "csv",
            "formatter_config": {
                "delimiter": ",",
                "print_header": True,
                "print_delimiter": False,
                "header_format": "collection_slug" if len(query.collections) > 1 else "slug",
            },
            "extra_config": {"compression": "gzip"},
            "export_size": size,
            "export_job_name": marker,
            "query": query.body,
        },
        "metadata": {"marker": marker},
    }


def canonical(value: Any) -> Any:
    """A body such that two which mean the same are equal: Botify gives a query back with other keys and defaults.

    Empty members go, a filter without a predicate is `eq`, `{"field": x}` alone is `x`. Lists keep their order.
    """
    if isinstance(value, Mapping):
        if set(value) == {"field"}:
            return value["field"]
        members = {str(name): canonical(member) for name, member in sorted(value.items())}
        if "field" in members and "value" in members:
            members.setdefault("predicate", "eq")
        return {
            name: member
            for name, member in members.items()
            if name in ("dimensions", "metrics", "collections", "value") or member not in (None, {}, [])
        }
    if isinstance(value, list | tuple):
        return [canonical(member) for member in value]
    return value


def columns(query: Query) -> list[tuple[str, ...]]:
    """For each column of the export the names that its header may have; empty where that can't be known."""
    return [_names(query, name) for name in (*query.dimensions, *query.metrics)]


def _names(query: Query, name: Dimension) -> tuple[str, ...]:
    if isinstance(name, Mapping):
        given = name.get("field")
        if not isinstance(given, str):
            return ()
        name = given
    short = next((name[len(c) + 1 :] for c in query.collections if name.startswith(c + ".")), name)
    short = re.sub(r"^period_\d+\.", "", short)
    return tuple(dict.fromkeys((name, short, *(f"{c}.{short}" for c in query.collections))))


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _is_name(part: str) -> bool:
    return bool(part) and part not in (".", "..") and part.isprintable() and not re.search(r"[/\\?#]", part)
