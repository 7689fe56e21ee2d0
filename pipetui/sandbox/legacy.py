"""BQLv1 and its exports (contract, section 8). Here to show that nobody calls them without need."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .data import Analysis, Project
from .errors import ApiError, required
from .jobs import prefixed
from .query import Query
from .server import Response, json_response

if TYPE_CHECKING:
    from .api import Api, Call

AREAS = ("current", "disappeared", "new", "search_engines_orphans", "gsc_keywords", "gsc_keywords_by_country")
FIRST_ID = 19381
FIELDS = 10


@dataclass(frozen=True)
class LegacyExport:
    id: int
    user: str
    url: str
    query: dict[str, Any]
    area: str
    size: int
    rows: int
    created: float
    created_at: datetime


class Exports:
    def __init__(self) -> None:
        self.all: list[LegacyExport] = []


def _query(project: Project, analysis: Analysis, body: object) -> Query:
    """The same question in BQLv2. Fields have no prefix in the old language."""
    if not isinstance(body, dict):
        raise ApiError("1024")
    fields = body.get("fields")
    if not isinstance(fields, list) or not fields:
        raise ApiError("1016")
    collection = f"crawl.{analysis.slug}"

    def full(name: str) -> str:
        return name if name == "url" or name.startswith("segments.") else f"{collection}.{name}"

    sort = []
    for each in body.get("sort") or []:
        for name, how in {each: {}}.items() if isinstance(each, str) else each.items():
            sort.append({"field": full(name), "order": how.get("order", "asc")})
    query = {"dimensions": [full(name) for name in fields], "metrics": [], "sort": sort}
    query["filters"] = prefixed(body.get("filters") or {}, full)
    return Query(project, {"collections": [collection], "query": query})


def _area(call: Call) -> str:
    area = call.query.get("area") or "current"
    if area not in AREAS:
        raise ApiError("1019")
    return area


async def urls(api: Api, call: Call) -> Response:
    """One object a page; several values of a field stay together."""
    project, analysis = api.analysis(call)
    _area(call)
    body = call.json()
    query = _query(project, analysis, body)
    pages = await asyncio.to_thread(query.sorted_pages)

    def show(page: int) -> dict[str, Any]:
        shown: dict[str, Any] = {}
        for name, column in zip(body["fields"], query.columns, strict=True):
            *path, last = name.split(".")
            at = shown
            for part in path:
                at = at.setdefault(part, {})
            values = column.values(page)
            at[last] = [each for each in values if each is not None] if column.field.multiple else values[0]
        return shown

    return api.paged(call, pages, show)


async def aggregates(api: Api, call: Call) -> Response:
    """Each item has a status of its own; the answer is 200 whatever they are."""
    project, analysis = api.analysis(call)
    _area(call)
    items = call.json()
    if not isinstance(items, list):
        raise ApiError("1020")

    def aggregate(item: Any) -> dict[str, Any]:
        try:
            return {"status": 200, "data": _aggregate(project, analysis, item)}
        except ApiError as error:
            return {"status": error.status, "error": {"message": error.message, "error_code": error.code}}

    return json_response([await asyncio.to_thread(aggregate, item) for item in items])


def _aggregate(project: Project, analysis: Analysis, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        raise ApiError("1023")
    collection = f"crawl.{analysis.slug}"

    def full(name: str) -> str:
        return name if name == "url" else f"{collection}.{name}"

    count: Any = {"function": "count", "args": ["url"]}
    filters = prefixed(item.get("filters") or {}, full)

    def values(metrics: list[Any]) -> list[Any]:
        asked = [
            count if metric == "count" else {"function": name, "args": [full(field)]}
            for metric in metrics
            for name, field in (metric.items() if isinstance(metric, dict) else (("count", "url"),))
        ]
        query = {"dimensions": [], "metrics": asked, "filters": filters}
        row = next(Query(project, {"collections": [collection], "query": query}).rows())
        return [
            float(value) if metric != "count" and value is not None else value
            for metric, value in zip(metrics, row, strict=True)
        ]

    found = []
    for each in item.get("aggs") or []:
        if set(each) != {"metrics"}:
            raise ApiError("1023", {"aggs": ["The sandbox knows metrics only."]})
        found.append({"metrics": values(each["metrics"])})
    return {"count": values(["count"])[0], "aggs": found}


async def datamodel(api: Api, call: Call) -> Response:
    project, analysis = api.analysis(call)
    _area(call)
    return json_response(_datamodel(project, analysis) | {"max_timeseries_fields": 1, "aliases": {}})


async def datasets(api: Api, call: Call) -> Response:
    project, analysis = api.analysis(call)
    _area(call)
    return json_response({"datasets": [{"id": "crawl", "name": "Crawl"} | _datamodel(project, analysis)]})


def _datamodel(project: Project, analysis: Analysis) -> dict[str, Any]:
    collection = project.collections.get(f"crawl.{analysis.slug}")
    if collection is None:
        raise ApiError("1004")
    fields = [field.as_json(kind=False) for field in collection.fields.values() if field.kind == "dimension"]
    return {"fields": fields, "groups": [{"id": "main", "name": "Main"}, {"id": "links", "name": "Links"}]}


async def create_export(api: Api, call: Call) -> Response:
    project, analysis = api.analysis(call)
    area, body = _area(call), call.json()
    if not isinstance(body, dict) or not isinstance(body.get("fields"), list):
        raise required("fields")
    if len(body["fields"]) > FIELDS:
        raise ApiError("1027")
    query = _query(project, analysis, body)
    if sum(column.field.multiple for column in query.columns) > 1:
        raise ApiError("1028")
    size = int(call.query.get("size") or 100_000)
    rows = min(size, sum(1 for _ in query.pages()))
    exports = api.legacy.all
    id = FIRST_ID + len(exports)
    url = f"{api.url}{call.request.target.partition('?')[0]}/{id}"
    export = LegacyExport(id, call.user, url, body, area, size, rows, api.clock(), datetime.now(UTC))
    exports.append(export)
    return json_response(_show(api, export), 201)


async def one_export(api: Api, call: Call) -> Response:
    api.analysis(call)
    for export in api.legacy.all:
        if str(export.id) == call.where["export"]:
            return json_response(_show(api, export))
    raise ApiError("1006")


async def list_exports(api: Api, call: Call) -> Response:
    api.analysis(call)
    return api.paged(call, api.legacy.all[::-1], lambda export: _show(api, export))


def _show(api: Api, export: LegacyExport) -> dict[str, Any]:
    """Its file is not made: the download host answers such a link with 403."""
    age = api.clock() - export.created
    created, processing = api.settings.created, api.settings.processing
    done = age >= created + processing
    name = hashlib.sha256(f"legacy {export.id}".encode()).hexdigest()[:32]
    return {
        "job_id": export.id,
        "job_url": export.url,
        "job_status": "DONE" if done else "PROCESSING" if age >= created else "CREATED",
        "date_created": export.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "query": export.query,
        "area": export.area,
        "nb_results": export.rows if done else None,
        "results": {"download_url": f"{api.files_url}/csv_exports/{name}.csv.gz"} if done else None,
        "size": export.size,
        "user": export.user,
    }
