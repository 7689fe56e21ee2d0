"""The API host: who asks, how often, and what the service answers (contract, sections 1 to 9)."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from . import legacy
from .data import PEOPLE, Analysis, Project, World
from .errors import ApiError
from .faults import API, Faults, Settings
from .jobs import Jobs
from .query import Query
from .server import RESET, Entry, Request, Response, html, json_response, spoil

PAGE = 500
LARGEST_PAGE = 2_000
GATEWAY = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
GATEWAY_NAMES = {502: "502 Bad Gateway", 503: "503 Service Unavailable", 504: "504 Gateway Time-out"}


@dataclass(frozen=True)
class Call:
    request: Request
    user: str
    where: dict[str, str]
    """The variable segments of the path."""

    @property
    def query(self) -> dict[str, str]:
        return self.request.query

    def json(self) -> Any:
        try:
            return self.request.json()
        except ValueError:
            raise ApiError("1020") from None


Answer: TypeAlias = Callable[["Api", Call], Awaitable[Response]]


class Api:
    """What listens on the API's port. `url` and `files_url` are the addresses of the two hosts."""

    def __init__(
        self, world: World, settings: Settings, faults: Faults, jobs: Jobs, clock: Callable[[], float]
    ) -> None:
        self.world, self.settings, self.jobs = world, settings, jobs
        self.legacy = legacy.Exports()
        self.url = self.files_url = ""
        self._faults, self.clock = faults, clock
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self.fastest = 0
        """The most requests that a token has made within a second."""

    async def answer(self, request: Request, entry: Entry) -> Response:
        name, answer, where, allowed = _route(request)
        entry.route = name
        fault = self._faults.strike(API, name)
        if fault:
            entry.fault = fault.name
            if instead := _instead(fault.name, fault.options):
                return instead
        try:
            user = self._user(request)
            if not allowed:
                raise ApiError("1039")
            if answer is None:
                return json_response({"detail": "Not found."}, 404)
            response = await answer(self, Call(request, user, where))
        except ApiError as error:
            response = json_response(error.envelope, error.status)
        return spoil(response, fault.name, fault.options) if fault else response

    def _user(self, request: Request) -> str:
        """Raises 1001: nobody; 1053: too often."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        user = PEOPLE.get(token.strip())
        if scheme.lower() != "token" or user is None:
            raise ApiError("1001")
        now, recent = self.clock(), self._recent[user]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        recent.append(now)
        self.fastest = max(self.fastest, len(recent))
        if self.settings.rate and len(recent) > self.settings.rate:
            raise ApiError("1053")
        return user

    # Lists

    def paged(self, call: Call, found: Sequence[Any], show: Callable[[Any], Any]) -> Response:
        """A page of a list, in the service's envelope."""
        page, size = _number(call, "page", 1), _number(call, "size", PAGE)
        if self.settings.list_cap:
            size = min(size, self.settings.list_cap)
        start = (page - 1) * size
        envelope = {"count": len(found), "page": page, "size": size}
        if self.settings.list_links:
            envelope |= self.links(call, page, size, start + size < len(found))
        return json_response(envelope | {"results": [show(each) for each in found[start : start + size]]})

    def links(self, call: Call, page: int, size: int, more: bool) -> dict[str, Any]:
        """`next` and `previous`, absolute, with what else the request asked for."""

        def link(number: int) -> str:
            rest = [
                f"&{name}={quote(value)}" if value else f"&{name}"
                for name, value in call.query.items()
                if name not in ("page", "size")
            ]
            path = call.request.target.partition("?")[0]
            return f"{self.url}{path}?page={number}&size={size}{''.join(rest)}"

        return {"next": link(page + 1) if more else None, "previous": link(page - 1) if page > 1 else None}

    def project(self, call: Call) -> Project:
        owner = self.world.owners.get(call.where["owner"])
        if owner is None:
            raise ApiError("1007")
        if call.user not in owner.members:
            raise ApiError("1002")
        found = self.world.project(owner.login, call.where["project"])
        if found is None:
            raise ApiError("1010")
        return found

    def analysis(self, call: Call) -> tuple[Project, Analysis]:
        project = self.project(call)
        found = project.analysis(call.where["analysis"])
        if found is None:
            raise ApiError("1004")
        return project, found

    # What is asked

    async def profile(self, call: Call) -> Response:
        first, last = call.user.split(".")
        person = {"username": call.user, "email": f"{first}@example.com"}
        return json_response({"data": person | {"first_name": first.title(), "last_name": last.title()}})

    async def projects(self, call: Call) -> Response:
        owner, asked = self.world.owners.get(call.where["owner"]), call.where["owner"]
        if asked == call.user:
            found = self.world.visible(call.user)
        elif owner is None and asked not in PEOPLE.values():
            raise ApiError("1007")
        elif owner is None or call.user not in owner.members:
            raise ApiError("1002")
        else:
            found = [project for project in self.world.projects if project.owner == owner]
        name = call.query.get("name", "")
        found = [project for project in found if name in project.slug]
        return self.paged(call, found, lambda project: _project(project, self.settings.owner_shape))

    async def analyses(self, call: Call) -> Response:
        return self._analyses(call, self._full)

    async def light_analyses(self, call: Call) -> Response:
        return self._analyses(call, _light)

    def _analyses(self, call: Call, show: Callable[[Project, Analysis], dict[str, Any]]) -> Response:
        project = self.project(call)
        every = call.query.get("only_success", "true").lower() in ("false", "0")
        found = [analysis for analysis in project.analyses if every or analysis.status == "success"]
        return self.paged(call, found, lambda analysis: show(project, analysis))

    async def one_analysis(self, call: Call) -> Response:
        return json_response(self._full(*self.analysis(call)))

    def _full(self, project: Project, analysis: Analysis) -> dict[str, Any]:
        owner = project.owner
        links = dict.fromkeys(
            ("links_graph", "links_segment_graph", "page_rank", "top_domains", "chains", "links_to_non_canonical",
             "navigation_percent"), True,
        )  # fmt: skip
        links["links_graph"] = analysis.links_graph
        example = project.slug == "acme.com"
        return _light(project, analysis) | {
            "user": {
                "username": owner.login, "first_name": "", "last_name": "", "email": "billing@example.com",
                "full_name": "",
            },
            "owner": {"login": owner.login, "is_organization": owner.is_organization},
            "computing_revision": None,
            "features": {
                "main": {},
                "links": links,
                "segments": {"names": [{"name": "pagetype", "date": "2024-02-20T10:00:00Z"}]},
                "sitemaps": {},
                "comparison": {},
            },
            "config": {
                "max_urls": 20_000 if example else 1_000_000,
                "max_depth": -1,
                "export_limit": 100_000 if example else self.settings.export_cap,
                "start_urls": [_start(project)],
                "allowed_domains": [{"domain": project.slug, "protocol": "both", "allow_subdomains": True}],
            },
            "failures": [],
            "date_crawl_done": f"{analysis.day}T04:55:00Z" if analysis.status == "success" else None,
            "red_button_domain": None,
            "crawl_launch_type": "scheduled",
        }  # fmt: skip

    async def collections(self, call: Call) -> Response:
        return json_response([collection.as_json() for collection in self.project(call).collections.values()])

    async def collection(self, call: Call) -> Response:
        found = self.project(call).collections.get(call.where["collection"])
        if found is None:
            raise ApiError("1009")
        crawl = found.id.startswith("crawl.")
        groups = [{"id": "main", "name": "Main", "sort_idx": 0}]
        if crawl:
            groups.append({"id": "links", "name": "Links", "sort_idx": 1})
        name = "Crawl" if crawl else found.name
        dataset = {
            "id": "crawl" if crawl else found.id, "name": name, "category": [name], "multiple": False,
            "suggested_operations": [], "groups": groups,
            "fields": [field.as_json() for field in found.fields.values()],
        }  # fmt: skip
        about = {
            "date_start": str(getattr(found, "first", found.day)), "date_end": str(found.day),
            "date_last_modified": f"{found.day}T05:41:48.145667Z", "config": {},
        }  # fmt: skip
        return json_response({"datasets": [dataset], "metadata": about})

    async def query(self, call: Call) -> Response:
        project = self.project(call)
        page, size = _number(call, "page", 1), _number(call, "size", PAGE)
        if size > LARGEST_PAGE:
            if not self.settings.clamp_size:
                raise ApiError("1020", {"size": [f"Ensure this value is less than or equal to {LARGEST_PAGE}."]})
            size = LARGEST_PAGE
        query = Query(project, call.json())
        wants_count = "count" in call.query

        def look() -> tuple[list[dict[str, Any]], bool, int]:
            found: list[dict[str, Any]] = []
            start = (page - 1) * size
            for index, row in enumerate(query.rows()):
                if index == start + size:
                    return found, True, query.count() if wants_count else 0
                if index >= start:
                    found.append({"dimensions": row[: query.width], "metrics": row[query.width :]})
            return found, False, query.count() if wants_count else 0

        found, more, count = await asyncio.to_thread(look)
        links = self.links(call, page, size, more)
        answer = {"results": found, "previous": links["previous"], "next": links["next"], "page": page, "size": size}
        return json_response(answer | ({"count": count} if wants_count else {}))

    async def create_job(self, call: Call) -> Response:
        job = await self.jobs.create(call.user, call.json())
        return json_response(self.jobs.as_json(job, self.files_url), self.settings.created_status)

    async def job(self, call: Call) -> Response:
        return json_response(self.jobs.as_json(self.jobs.get(call.where["job"]), self.files_url))

    async def list_jobs(self, call: Call) -> Response:
        wanted = {name: call.query[name] for name in ("job_type", "project", "analysis") if name in call.query}
        return self.paged(call, self.jobs.listed(**wanted), lambda job: self.jobs.as_json(job, self.files_url))


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise ApiError("1020", {name: ["A valid integer is required."]})
    return int(text[:9])


def _start(project: Project) -> str:
    return f"https://www.{project.slug}/"


def _project(project: Project, shape: str) -> dict[str, Any]:
    owner = project.owner
    shown: dict[str, Any] = {
        "name": project.slug, "slug": project.slug, "active": True, "date_created": "2023-11-07T09:12:44.120Z",
    }  # fmt: skip
    if shape != "organization":
        shown["user"] = {
            "login": owner.login, "email": "billing@example.com", "is_organization": owner.is_organization,
            "url": f"https://app.botify.com/{owner.login}/", "date_joined": "2022-04-09T05:51:27Z",
            "first_name": "", "last_name": "", "company_name": owner.name if owner.is_organization else None,
        }  # fmt: skip
    if shape != "user":
        shown["organization"] = {
            "owner": {"username": owner.login}, "name": owner.name, "slug": owner.login,
            "is_organization": owner.is_organization,
        }  # fmt: skip
    return shown | {
        "url": f"https://app.botify.com/{owner.login}/{project.slug}/",
        "has_crawl": True,
        "has_logs": "logs" in project.collections,
        "current_settings": {
            "start_urls": [_start(project)], "max_nb_pages": 20_000, "max_depth": None, "compare_crawl": True,
        },
    }  # fmt: skip


def _light(project: Project, analysis: Analysis) -> dict[str, Any]:
    day, done = analysis.day, analysis.status == "success"
    return {
        "pk": analysis.pk,
        "slug": analysis.slug,
        "name": analysis.name,
        "friendly_name": analysis.name,
        "url": f"https://app.botify.com/{project.owner.login}/{project.slug}/{analysis.slug}/",
        "status": analysis.status,
        "urls_done": analysis.pages.count,
        "urls_in_queue": 0,
        "date_launched": f"{day}T02:00:03.879995Z",
        "date_finished": f"{day}T05:41:48.145643Z" if done else None,
        "date_last_modified": f"{day}T05:41:48.145667Z",
        "date_created": f"{day}T02:00:01.000000Z",
        "to_be_deleted_at": f"{day.replace(year=day.year + 1)}T00:00:00Z" if analysis.purged else None,
        "comparable": True,
        "excluded_from_trends": False,
        "has_raw_pages": False,
    }


def _instead(name: str, options: dict[str, Any]) -> Response | None:
    """The answer of a fault that strikes before the service hears of the request; None: it does."""
    if name == "drop":
        return RESET
    if name == "bad_gateway":
        status = options["status"]
        return html(GATEWAY.format(GATEWAY_NAMES.get(status, str(status))), status)
    if name == "no_body":
        return Response(options["status"])
    if name == "other_envelope":
        return json_response({"detail": "Invalid token."}, options["status"])
    if name == "login_page":
        return html("<!doctype html><title>Sign in</title><p>Sign in to go on.</p>")
    refusals = {"too_many": "1053", "server_error": "1000", "refuse": options.get("code", "")}
    if name in refusals:
        error = ApiError(refusals[name], status=options.get("status") or None)
        return json_response(error.envelope, error.status)
    return None


ROUTES: dict[str, tuple[str, str, Answer]] = {
    "profile": ("GET", "authentication/profile", Api.profile),
    "projects": ("GET", "projects/{owner}", Api.projects),
    "user_projects": ("GET", "users/{owner}/projects", Api.projects),
    "light_analyses": ("GET", "analyses/{owner}/{project}/light", Api.light_analyses),
    "analyses": ("GET", "analyses/{owner}/{project}", Api.analyses),
    "analysis": ("GET", "analyses/{owner}/{project}/{analysis}", Api.one_analysis),
    "collections": ("GET", "projects/{owner}/{project}/collections", Api.collections),
    "collection": ("GET", "projects/{owner}/{project}/collections/{collection}", Api.collection),
    "query": ("POST", "projects/{owner}/{project}/query", Api.query),
    "create_job": ("POST", "jobs", Api.create_job),
    "list_jobs": ("GET", "jobs", Api.list_jobs),
    "job": ("GET", "jobs/{job}", Api.job),
    "datamodel": ("GET", "analyses/{owner}/{project}/{analysis}/urls/datamodel", legacy.datamodel),
    "datasets": ("GET", "analyses/{owner}/{project}/{analysis}/urls/datasets", legacy.datasets),
    "urls": ("POST", "analyses/{owner}/{project}/{analysis}/urls", legacy.urls),
    "urls_aggs": ("POST", "analyses/{owner}/{project}/{analysis}/urls/aggs", legacy.aggregates),
    "create_urls_export": ("POST", "analyses/{owner}/{project}/{analysis}/urls/export", legacy.create_export),
    "urls_exports": ("GET", "analyses/{owner}/{project}/{analysis}/urls/export", legacy.list_exports),
    "urls_export": ("GET", "analyses/{owner}/{project}/{analysis}/urls/export/{export}", legacy.one_export),
}
"""By name, which faults and the journal know: method, path below /v1/, and who answers."""


def _route(request: Request) -> tuple[str, Answer | None, dict[str, str], bool]:
    """Name, who answers, the variable segments, and whether the method is allowed."""
    segments = request.segments
    other_method = False
    for name, (method, pattern, answer) in ROUTES.items():
        parts = ["v1", *pattern.split("/")]
        if len(parts) != len(segments):
            continue
        pairs = list(zip(parts, segments, strict=True))
        if all(part[0] == "{" or part == segment for part, segment in pairs):
            if request.method == method:
                return name, answer, {part[1:-1]: segment for part, segment in pairs if part[0] == "{"}, True
            other_method = True
    return "", None, {}, not other_method
