"""Export jobs: what is accepted, how they live, what they cost, and where their files are."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .data import Project, World
from .errors import ApiError, at, required
from .exports import DEFAULTS, SUFFIXES, Export, Files, Layout, Stopped, layout
from .faults import JOB, Fault, Faults, Settings
from .query import Query

FIRST_ID = 3658303
DEFAULT_SIZE = 1_000_000


@dataclass(frozen=True)
class Order:
    """What POST /jobs asked for, checked."""

    project: Project
    type: str
    payload: dict[str, Any]
    """As it is echoed."""
    metadata: dict[str, Any] | None
    query: Query | None
    """None where there is nothing to be evaluated: the job fails."""
    layout: Layout
    rows: int
    """Counted: what it will cost."""
    fails: bool

    @property
    def tenths(self) -> int:
        """The price in tenths of a credit: ten a row, one a row of the links graph."""
        return self.rows * (1 if self.query and self.query.links_graph else 10)


@dataclass
class Job:
    id: int
    user: str
    ours: bool
    """False: a colleague's."""
    order: Order
    payload: dict[str, Any]
    metadata: dict[str, Any] | None
    """Both as they are echoed."""
    created: float
    """On the jobs' clock."""
    created_at: datetime
    lives: tuple[float, float]
    """Seconds as CREATED, and as PROCESSING."""
    charge_at: str
    refund: bool
    fate: Fault | None
    failed: bool
    export: Export | None = None
    links: list[str] = field(default_factory=list)
    """Paths of download links, the newest last."""


class Jobs:
    """All jobs of the service. `clock` gives seconds."""

    def __init__(
        self, world: World, settings: Settings, faults: Faults, files: Files, clock: Callable[[], float]
    ) -> None:
        self._world, self._settings, self._faults, self._files, self._clock = world, settings, faults, files, clock
        self._thread = ThreadPoolExecutor(1, "sandbox-export")
        self._builds: set[asyncio.Task[None]] = set()
        self._links: dict[str, tuple[Job, float]] = {}
        self.all: list[Job] = []
        self.posts = 0
        """How often POST /jobs got as far as here, accepted or not."""

    async def stop(self) -> None:
        self._files.stop()
        for task in self._builds:
            task.cancel()
        await asyncio.gather(*self._builds, return_exceptions=True)
        self._thread.shutdown(cancel_futures=True)

    async def create(self, user: str, body: object) -> Job:
        """Raises ApiError: then there is no job, and nothing was spent."""
        self.posts += 1
        settings = self._settings
        if settings.daily_exports and sum(job.user == user for job in self.all) >= settings.daily_exports:
            raise ApiError("1053")
        project, type, payload, metadata = self._checked(user, body)
        plan = layout(
            payload,
            byte_order_mark=settings.byte_order_mark,
            windows_lines=settings.windows_lines,
            member_rows=settings.member_rows,
            missing_rows=settings.missing_rows,
        )
        query: Query | None = None
        rows, fails = 0, False
        if type == "logs_urls_export" and "logs" not in project.collections:
            fails = True
        else:
            try:
                query = Query(project, _logs_query(payload) if type == "logs_urls_export" else payload["query"])
                rows = min(await asyncio.to_thread(query.count), payload["export_size"])
            except ApiError:
                if not settings.accept_invalid:
                    raise
                fails = True
        if query and not project.logs_export and any(each.id == "logs" for each in query.collections):
            fails = True
        order = Order(project, type, payload, metadata, query, plan, rows, fails)
        if settings.colleague:
            unmarked = payload | {"export_job_name": None}
            self._add("grace.hopper", replace(order, payload=unmarked, metadata=None), ours=False)
        return self._add(user, order)

    def _add(self, user: str, order: Order, *, ours: bool = True) -> Job:
        settings, echo = self._settings, self._settings.echo_marker
        job = Job(
            id=FIRST_ID + len(self.all),
            user=user,
            ours=ours,
            order=order,
            payload=order.payload if echo else order.payload | {"export_job_name": None},
            metadata=order.metadata if echo else None,
            created=self._clock(),
            created_at=datetime.now(UTC),
            lives=(settings.created, settings.processing),
            charge_at=settings.charge_at,
            refund=settings.refund_failed,
            fate=self._faults.strike(JOB, "create_job") if ours else None,
            failed=order.fails,
        )
        self.all.append(job)
        if order.query and not order.fails:
            task = asyncio.get_running_loop().create_task(self._build(job, order.query))
            self._builds.add(task)
            task.add_done_callback(self._builds.discard)
        return job

    async def _build(self, job: Job, query: Query) -> None:
        world, order = self._world, job.order
        rows = {name: value for name, value in order.payload.items() if name in ("query", "date_start", "date_end")}
        identity = [world.seed, world.links, order.project.owner.login, order.project.slug, rows]
        make = partial(self._files.make, query, order.layout, identity)
        try:
            job.export = await asyncio.get_running_loop().run_in_executor(self._thread, make)
        except (ApiError, OSError, Stopped):
            job.failed = True

    def get(self, id: str) -> Job:
        for job in self.all:
            if str(job.id) == id:
                return job
        raise ApiError("1059")

    def listed(self, **wanted: str) -> Sequence[Job]:
        """For GET /jobs: filtered by job_type, project and analysis, and not before the lag is over."""
        now = self._clock()

        def fits(job: Job) -> bool:
            collections = (job.payload.get("query") or {}).get("collections") or []
            return (
                now - job.created >= self._settings.list_lag
                and wanted.get("job_type", job.order.type) == job.order.type
                and wanted.get("project", job.order.project.slug) == job.order.project.slug
                and ("analysis" not in wanted or f"crawl.{wanted['analysis']}" in collections)
            )

        found = [job for job in self.all if fits(job)]
        return found if self._settings.list_order == "oldest" else found[::-1]

    def status(self, job: Job) -> str:
        age = self._clock() - job.created
        created, processing = job.lives
        if age < created:
            return "CREATED"
        if job.fate and job.fate.name == "job_unknown_status":
            return str(job.fate.options["state"])
        if age < created + processing or (job.fate and job.fate.name == "job_hangs"):
            return "PROCESSING"
        if job.failed or (job.fate and job.fate.name.startswith("job_fails")):
            return "FAILED"
        return "DONE" if job.export else "PROCESSING"

    def tenths(self, job: Job) -> int:
        """What it has cost by now, in tenths of a credit."""
        status = self.status(job)
        if (job.charge_at == "done" and status != "DONE") or (job.refund and status == "FAILED"):
            return 0
        return job.order.tenths

    def as_json(self, job: Job, host: str) -> dict[str, Any]:
        """As the API shows it. `host` is the address of the download host."""
        status = self.status(job)
        results = None
        if status == "DONE" and not (job.fate and job.fate.name == "job_without_results"):
            results = {"download_url": host + self.link(job)}
        shown = {
            "job_id": job.id,
            "job_type": job.order.type,
            "job_url": f"/v1/jobs/{job.id}",
            "job_status": status,
            "results": results,
            "date_created": job.created_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "payload": job.payload,
            "user": job.user,
            "metadata": job.metadata,
            "crawl_date": None,
        }
        if status == "FAILED" and job.fate and job.fate.name == "job_fails_with_error":
            shown["error"] = ApiError(str(job.fate.options["code"])).envelope["error"]
        return shown

    def link(self, job: Job) -> str:
        """The path of a link to the file: the last one, or, once that has expired, a new one."""
        life, now = self._settings.link_life, self._clock()
        if not job.links or (self._settings.fresh_links and now >= self._links[job.links[-1]][1]):
            name = hashlib.sha256(f"{self._world.seed}:{job.id}:{len(job.links)}".encode()).hexdigest()[:32]
            path = "/".join(["", "collection_exports", *name[:3], name, f"botify-{job.created_at:%Y-%m-%d}"])
            path += SUFFIXES[job.order.layout.compression]
            job.links.append(path)
            self._links[path] = (job, now + life if life else float("inf"))
        return job.links[-1]

    def behind(self, path: str) -> Job | None:
        """The job whose file a link leads to; None once it has expired, or if it never was one."""
        job, ends = self._links.get(path, (None, 0.0))
        return job if self._clock() < ends else None

    # What POST /jobs says

    def _checked(self, user: str, body: object) -> tuple[Project, str, dict[str, Any], dict[str, Any] | None]:
        """Project, job type, payload as it is echoed, metadata."""
        if not isinstance(body, dict):
            raise ApiError("1020")
        for name in ("job_type", "payload"):
            if name not in body:
                raise required(name)
        type, payload, metadata = body["job_type"], body["payload"], body.get("metadata")
        if type not in ("export", "logs_urls_export"):
            raise at(("job_type",), f'"{type}" is not a valid choice.')
        if not isinstance(payload, dict):
            raise at(("payload",), "An object is expected.")
        if metadata is not None and not isinstance(metadata, dict):
            raise at(("metadata",), "An object is expected.")
        for name in ("username", "project", "connector", "formatter", "query"):
            if name not in payload:
                raise required("payload", name)
        for name, only in (("connector", "direct_download"), ("formatter", "csv")):
            if payload[name] != only:
                raise at(("payload", name), "Not a valid choice.")
        project = self._world.project(str(payload["username"]), str(payload["project"]))
        if project is None:
            raise ApiError("1010")
        if user not in project.owner.members:
            raise ApiError("1002")
        size = payload.get("export_size", DEFAULT_SIZE)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise at(("payload", "export_size"), "A valid integer is required.")
        if size > self._settings.export_cap:
            what = f"Ensure this value is less than or equal to {self._settings.export_cap}."
            raise at(("payload", "export_size"), what)
        for name in ("formatter_config", "extra_config"):
            if not isinstance(payload.get(name, {}), dict):
                raise at(("payload", name), "An object is expected.")
        echo: dict[str, Any] = {
            "query": jsonb(payload["query"]),
            "export_size": size,
            "connector": payload["connector"],
            "formatter": payload["formatter"],
            "formatter_config": jsonb(DEFAULTS | payload.get("formatter_config", {})),
            "extra_config": jsonb({"compression": "gzip"} | payload.get("extra_config", {})),
            "sort_url_id": False,
            "export_job_name": payload.get("export_job_name"),
        }
        echo |= {name: payload[name] for name in ("date_start", "date_end") if name in payload}
        return project, type, echo, metadata


def jsonb(value: Any) -> Any:
    """As PostgreSQL keeps it: the keys by length, then by their bytes."""
    if isinstance(value, dict):
        return {name: jsonb(value[name]) for name in sorted(value, key=lambda name: (len(name.encode()), name))}
    return [jsonb(each) for each in value] if isinstance(value, list) else value


def _logs_query(payload: dict[str, Any]) -> dict[str, Any]:
    """The old form of a logs export, with its dates beside the query, as BQLv2."""
    query = payload["query"]
    if not isinstance(query, dict) or not isinstance(query.get("fields"), list):
        raise required("payload", "query", "fields")
    if not isinstance(query.get("sort") or [], list):
        raise at(("payload", "query", "sort"), "A list is expected.")

    def full(name: str) -> str:
        return name if name == "url" else f"logs.period_0.{name}"

    metrics = [full(name) for name in query["fields"] if name != "url"]
    sort = []
    for each in query.get("sort") or []:
        if not isinstance(each, dict) or not all(isinstance(how, dict) for how in each.values()):
            raise at(("payload", "query", "sort"), "Not a valid sort.")
        sort += [{"field": full(name), "order": how.get("order", "asc")} for name, how in each.items()]
    return {
        "collections": ["logs"],
        "periods": [[payload.get("date_start"), payload.get("date_end")]],
        "query": {
            "dimensions": [name for name in query["fields"] if name == "url"],
            "metrics": metrics,
            "filters": prefixed(query.get("filters") or {}, full),
            "sort": sort,
        },
    }


def prefixed(filters: Any, full: Callable[[str], str]) -> Any:
    """The same filters with the full names of their fields."""
    if isinstance(filters, list):
        return [prefixed(each, full) for each in filters]
    if not isinstance(filters, dict):
        return filters
    return {
        name: full(value) if name == "field" else prefixed(value, full) if name in ("and", "or", "not") else value
        for name, value in filters.items()
    }
