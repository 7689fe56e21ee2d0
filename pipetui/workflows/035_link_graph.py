"""Link graph: the internal links of a Botify analysis, joined with what is known of the pages, measured and drawn."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from pipetui import Invalid, Job, JobError, Run, Step, Workflow
from pipetui.fields import Choice, DateRange, Field, MultiChoice, Number, TablePick
from pipetui.views import Chart, File, Files, Heat, Markdown, Stack, Table, Text, View

if TYPE_CHECKING:
    from pipetui.botify import Client, Export, Project, Query
    from pipetui.links import Graph, Report, Stop


class Join(NamedTuple):
    """Something that Botify knows of a page. `collection` is one of the project; "" is the crawl itself."""

    label: str
    collection: str
    field: str


JOINS = {
    "page_type": Join("Page type", "global", "segments.pagetype.value"),
    "status": Join("HTTP status", "", "http_code"),
    "compliant": Join("Compliant", "", "compliant.is_compliant"),
    "inlinks": Join("Inlinks, as Botify counts them", "", "inlinks_internal.nb.unique"),
    "clicks": Join("Clicks (Search Console)", "search_console", "count_clicks"),
    "impressions": Join("Impressions (Search Console)", "search_console", "count_impressions"),
    "google_crawls": Join("Crawls by Google (logs)", "logs", "crawls.google.count"),
}
DATED = {"search_console": "Search Console", "logs": "Logs"}
"""Collections whose facts belong to days, and their names."""

EDGES, NODES = "export/edges.csv", "export/nodes.csv"
FILES = {
    "report.md": "",
    "nodes.csv": "pages",
    "nodes.parquet": "pages",
    "edges.parquet": "edges",
    "graph.graphml": "",
    "graph.gexf": "",
    "cosmograph_points.csv": "pages",
    "cosmograph_links.csv": "edges",
}
"""What is made of the graph, and of which of its numbers a file has a row each."""

LIST_SECONDS = 4.0
"""Until the list of projects is given up: a form has 5 s."""

MATRIX = 12
"""Page types that the terminal has room for; report.md has more."""


class Window(TypedDict):
    start: str
    end: str


class Part(TypedDict):
    """One of several exports that share no row."""

    label: str
    rows: int
    query: dict[str, object]


class Band(TypedDict):
    depth: int | None
    pages: int
    rows: int
    together: int


class Preview(TypedDict):
    """What one export will be. `on_disk` tells of the finished one, "" without one.

    `remote` is a job at Botify that is running or has a file that is not on disk, `state` says which and whose. `gone`:
    Botify has the analysis no longer, so that what is on disk is all there is.
    """

    rows: int | None
    exact: bool
    credits: float
    needed: int
    on_disk: str
    remote: str
    state: str
    problems: list[str]
    notes: list[str]
    gone: bool
    over: bool
    bands: list[Band]
    fits: int | None
    parts: list[Part]


class Plan(TypedDict):
    edges: Preview
    nodes: Preview | None


class Obtained(TypedDict):
    """An export that is here. `how` is `reused`, `followed` or `paid`; `credits` are what this run paid for it."""

    rows: int
    credits: float
    how: str
    notes: list[str]


class Exports(TypedDict):
    edges: Obtained
    nodes: Obtained | None


class Numbers(TypedDict):
    pages: int
    links: int
    edges: int
    self_links: int
    reciprocal: float
    orphans: int
    dead_ends: int
    unreachable: int
    components: int
    has_status: bool
    to_redirects: int
    to_errors: int
    home: str
    depths: list[list[int]]
    are_folders: bool
    types: list[str]
    type_pages: list[int]
    matrix: list[list[int]]


# -- in one line


def _both(plan: Plan) -> list[tuple[str, Preview]]:
    return [("edges", plan["edges"]), *([("nodes", plan["nodes"])] if plan["nodes"] is not None else [])]


def _rows(preview: Preview) -> str:
    if preview["rows"] is None:
        return "unknown"
    return f"{'' if preview['exact'] else 'at most '}{preview['rows']:,}"


def _remote(preview: Preview) -> str:
    """`job 3658303, made by ada, 2024-03-01 10:07 UTC`; empty without one."""
    return f"job {preview['remote']}, {preview['state']}" if preview["remote"] else ""


def _number(number: float) -> str:
    return f"{number:,.1f}".removesuffix(".0")


def _join_line(join: list[str]) -> str:
    return ", ".join(JOINS[name].label for name in join) or "nothing: no pages are exported"


def _plan_line(plan: Plan) -> str:
    told = [f"{_rows(each)} {name}" for name, each in _both(plan)]
    to_pay = sum(each["credits"] for _, each in _both(plan) if not each["on_disk"])
    return f"{', '.join(told)}; {_number(to_pay)} credits" + ("" if to_pay else ": all is on disk")


def _exports_line(exports: Exports) -> str:
    told = [f"{exports['edges']['rows']:,} edges ({exports['edges']['how']})"]
    paid = exports["edges"]["credits"]
    if (nodes := exports["nodes"]) is not None:
        told.append(f"{nodes['rows']:,} nodes ({nodes['how']})")
        paid += nodes["credits"]
    return f"{', '.join(told)}; {_number(paid)} credits"


class LinkGraph(Workflow):
    APP_NAME = "link_graph"
    DISPLAY_NAME = "Link Graph 🔗"
    ENDPOINT_MESSAGE = "Export the internal links of a Botify analysis, and see how the site hangs together."
    TRAINING_PROMPT = "link_graph.md"

    steps = [
        Step("step_01", done="project", show="Project", refill=True),
        Step("step_02", done="analysis", show="Analysis"),
        Step("step_03", done="join", show="Join to the pages", refill=True, summary=_join_line),
        Step("step_04", done="window", show="Days", summary=lambda window: f"{window['start']} to {window['end']}"),
        Step(
            "step_05", done="depth", show="Largest depth", summary=lambda depth: "all" if depth is None else str(depth)
        ),
        Step("step_06", done="preflight", show="Preflight", auto=True, summary=_plan_line),
        Step("step_07", done="export", show="Export", paid=True, summary=_exports_line),
        Step(
            "step_08",
            done="graph",
            show="Graph",
            auto=True,
            summary=lambda graph: (
                f"{graph['pages']:,} pages, {graph['links']:,} links, {graph['orphans']:,} orphans,"
                f" {graph['dead_ends']:,} dead ends"
            ),
        ),
    ]

    # -- what to look at

    async def step_01_form(self, run: Run) -> Field:
        from pipetui.botify import BotifyError, places

        rows: list[list[str]] = []
        hint = "or its address, https://app.botify.com/organisation/project"
        try:
            client = places.client(run)
        except (JobError, ValueError):
            hint = "there is no token yet: run “Connect to Botify” first; then organisation/project, or its address"
        else:
            try:
                async with asyncio.timeout(LIST_SECONDS), client:
                    projects = await client.projects()
                rows = [[str(p.project), p.name, "active" if p.active else "inactive"] for p in projects]
            except (BotifyError, TimeoutError):
                hint = "the list of projects could not be read now: type organisation/project, or its address"
        return TablePick(["project", "name", ""], rows, free=True, hint=hint)

    async def step_01_submit(self, run: Run, given: str) -> str:
        from pipetui.botify import BotifyError, parse_project, places

        try:
            project, analysis = parse_project(given)
            async with places.client(run) as client:
                found = await client.analyses(project)
        except (BotifyError, ValueError) as error:
            raise Invalid(str(error)) from None
        except JobError:
            raise Invalid(
                "There is no token for this profile: run “Connect to Botify” first, then try again."
            ) from None
        if not found:
            raise Invalid(f"{project} has no finished analysis. Choose another project.")
        return f"{project}/{analysis}" if analysis else str(project)

    async def step_02_form(self, run: Run) -> Field:
        from pipetui.botify import parse_project, places

        project, wanted = parse_project(run.value("project", str))
        async with places.client(run) as client:
            analyses = await client.analyses(project)
            on_disk = await asyncio.to_thread(_on_disk, run, client.base_url, project)
        rows = []
        for each in analyses:
            there = next((_described(export) for slug, export in on_disk if slug == each.slug), "")
            rows.append([each.slug, f"{each.urls:,}", there, each.name])  # no date: slug and name say it
        slugs = [each.slug for each in analyses]
        default = wanted if wanted in slugs else next(iter(slugs), None)
        for slug, export in on_disk:  # deleted at Botify since
            if slug not in slugs:
                rows.append([slug, "", _described(export), "no longer at Botify"])
                slugs.append(slug)
        hint = "what is on disk is used again, without credits" if any(row[2] for row in rows) else ""
        return TablePick(["analysis", "URLs", "on disk", "name"], rows, default=default, hint=hint)

    async def step_02_submit(self, run: Run, slug: str) -> str:
        from pipetui.botify import BotifyError, NotFound, places

        project = _project(run)
        try:
            async with places.client(run) as client:
                try:
                    analysis = await client.analysis(project, slug)
                except NotFound:
                    on_disk = await asyncio.to_thread(_on_disk, run, client.base_url, project)
                    if slug in (found for found, _ in on_disk):
                        return slug
                    raise
                await _lacking(client, project, slug)  # may be megabytes: from here on they are in the cache
        except BotifyError as error:
            raise Invalid(str(error)) from None
        if not analysis.ready:
            raise Invalid(f"The analysis {slug} is not finished ({analysis.status}). Choose another.")
        if analysis.links_graph is False:
            raise Invalid(f"The analysis {slug} was made without a link graph. Choose one that has it.")
        return slug

    # -- what to ask for

    async def step_03_form(self, run: Run) -> Field:
        from pipetui.botify import places

        async def look() -> dict[str, str]:
            async with places.client(run) as client:
                return await _lacking(client, _project(run), run.value("analysis", str))

        lacking = await run.cached("lacking", look)
        options = [(name, join.label) for name, join in JOINS.items() if name not in lacking]
        hint = "1 credit a page, whatever you choose; with nothing chosen no pages are exported"
        if len(lacking) == len(JOINS):
            hint = f"there is nothing to join: the project lacks {', '.join(dict.fromkeys(lacking.values()))}"
        elif lacking:
            hint += f" (not in this project: {', '.join(dict.fromkeys(lacking.values()))})"
        return MultiChoice(options, optional=True, hint=hint)

    def step_04_when(self, run: Run) -> bool:
        return bool(_dated(run))

    async def step_04_form(self, run: Run) -> Field:
        from pipetui.botify import places

        async def look() -> list[list[str]]:
            async with places.client(run) as client:
                there = await client.collections(_project(run))
            return [[found.first, found.last] for found in there if found.id in _dated(run)]

        spans = await run.cached("spans", look)
        first, last = max(span[0] for span in spans), min((span[1] for span in spans if span[1]), default="")
        end = date.fromisoformat(last) if last else date.today() - timedelta(1)
        start = end - timedelta(29)
        if first:
            start = max(start, min(end, date.fromisoformat(first)))
        hint = f"the days of {' and '.join(DATED[name] for name in _dated(run))}, or as “30 days”"
        if first and last:
            hint += f"; there is something from {first} to {last}"
        default = {"start": start.isoformat(), "end": end.isoformat()}
        return DateRange(first=first, last=last, default=default, hint=hint)

    async def step_05_form(self, run: Run) -> Field:
        from pipetui.botify import places

        project, slug = _project(run), run.value("analysis", str)
        api = places.client(run).base_url
        there = [export for of, export in await asyncio.to_thread(_on_disk, run, api, project) if of == slug]
        hint = "clicks from the start page to the pages whose links you want; empty: all"
        if not there:
            return Number(optional=True, whole=True, minimum=0, maximum=1000, hint=hint)
        depth = _depth_of(there[0])
        on_disk = "all of them" if depth is None else f"those up to {depth}"
        return Number(depth, optional=True, whole=True, minimum=0, maximum=1000, hint=f"{hint} ({on_disk} are on disk)")

    # -- what it will cost

    async def step_06_job(self, run: Run, job: Job) -> Plan:
        from pipetui.botify import places

        edges, nodes = _edges(run), _nodes(run)
        async with places.client(run) as client:
            job.progress(0, 2, "Counting the links")
            plan = Plan(edges=await _preview(run, client, edges), nodes=None)
            if nodes is not None:
                job.progress(1, 2, "Counting the pages")
                plan["nodes"] = await _preview(run, client, nodes)
        hopeless = [preview for _, preview in _both(plan) if not preview["on_disk"] and preview["problems"]]
        if hopeless:
            problems = dict.fromkeys(problem for preview in hopeless for problem in preview["problems"])
            raise JobError(f"{' '.join(problems)} Nothing was exported, and nothing paid.")
        return plan

    def step_06_view(self, run: Run) -> View:
        from pipetui.botify import CAP, places, spelled
        from pipetui.text import size

        plan = run.value("preflight", Plan)
        previews = _both(plan)
        rows = [
            ["rows", *(_rows(each) for _, each in previews)],
            ["credits", *(_number(each["credits"]) for _, each in previews)],
            ["on disk", *(each["on_disk"] or "no" for _, each in previews)],
            ["at Botify", *(_remote(each) or "no" for _, each in previews)],
            ["room needed", *(size(each["needed"]) for _, each in previews)],
        ]
        views: list[View] = [Table(["", *(name for name, _ in previews)], rows)]
        if _dated(run):
            window = run.value("window", Window)
            views.append(Text(f"Facts of days are from {window['start']} to {window['end']}."))
        views += [Text(f"{name}: {note}") for name, each in previews for note in [*each["problems"], *each["notes"]]]
        for name, each in previews:
            if each["bands"]:
                views += _histogram(name, each)
        queries, api = {"edges": _edges(run), "nodes": _nodes(run)}, places.api_url(run.shared)
        for name, each in previews:
            if (query := queries[name]) is not None:
                calls = spelled(query, min(each["rows"] or CAP, CAP), api)
                views += [Text(text, title=f"{name}: {title}") for title, text in calls]
        return Stack([*views, *(Text(text, title=title) for title, text in places.asked(run))])

    def step_07_form(self, run: Run) -> Field:
        plan = run.value("preflight", Plan)
        previews = _both(plan)
        missing = [(name, each) for name, each in previews if not each["on_disk"]]
        if not missing:
            here = " and ".join(f"{name} of {each['on_disk']}" for name, each in previews)
            options = [("reuse", f"No credits: use what is on disk, {here}")]
            if not any(each["over"] or each["gone"] for _, each in previews):
                options.append(("again", f"{_price(previews)}: export {_what(previews)} again"))
            return Choice(options, default="reuse")
        there = [(name, each) for name, each in missing if each["remote"]]
        rest = [(name, each) for name, each in missing if not each["remote"]]
        options = []
        if there and not _too_many(rest):
            follow = "fetch " + " and ".join(f"{name} ({_remote(each)})" for name, each in there)
            label = f"{_price(rest)}: export {_what(rest)}, {follow}" if rest else f"No credits: {follow}"
            options.append(("follow", label))
        if not _too_many(missing):
            kept = " and ".join(name for name, each in previews if each["on_disk"])
            more = f", use {kept} on disk" if kept else ""
            options.append(("export", f"{_price(missing)}: export {_what(missing)}{more}"))
        hint = "" if options else f"{_too_many(missing)}: revert “Largest depth”, and take {_smaller(missing)}"
        return Choice(options, default="follow" if there and not rest else None, hint=hint)

    # -- the one step that costs

    async def step_07_job(self, run: Run, job: Job) -> Exports:
        from pipetui.botify import places

        plan, nodes, lines = run.value("preflight", Plan), _nodes(run), _Lines(job.progress)
        async with places.client(run) as client, asyncio.TaskGroup() as both:
            links = both.create_task(_obtain(run, job, lines, client, "edges", _edges(run), plan["edges"]))
            pages = None
            if nodes is not None and plan["nodes"] is not None:
                pages = both.create_task(_obtain(run, job, lines, client, "nodes", nodes, plan["nodes"]))
        return Exports(edges=links.result(), nodes=pages.result() if pages is not None else None)

    def step_07_view(self, run: Run) -> View:
        exports = run.value("export", Exports)
        names = [(EDGES, exports["edges"]), (NODES, exports["nodes"])]
        here = [(name, each) for name, each in names if each is not None]
        table = Table(
            ["file", "rows", "", "credits"],
            [[name, f"{each['rows']:,}", each["how"], _number(each["credits"])] for name, each in here],
        )
        notes = [Text(f"{name}: {note}") for name, each in here for note in each["notes"]]
        return Stack([table, *notes, _files(run, [(name, each["rows"]) for name, each in here])])

    # -- what comes of it

    async def step_08_job(self, run: Run, job: Job) -> Numbers:
        from pipetui.links import Cancelled, LinksError, Stop

        nodes = run.folder / NODES if run.value("export", Exports)["nodes"] is not None else None
        out = run.folder / f".graph-{job.id[:12]}"
        await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)  # what a crash left
        stop = Stop()
        work = asyncio.create_task(asyncio.to_thread(_measured, run.folder / EDGES, nodes, out, stop, job.progress))
        try:
            told = await asyncio.shield(work)
            rows = {"pages": told.pages, "edges": told.edges}
            for name, counted in FILES.items():
                async with job.artifact(name) as artifact:
                    (out / name).replace(artifact.path)
                    artifact.rows = rows.get(counted)
        except LinksError as error:
            raise JobError(f"{error} The exports are safe: try again.") from None
        except asyncio.CancelledError:
            stop.interrupt()
            with suppress(Cancelled, LinksError):
                await work
            raise
        finally:
            shutil.rmtree(out, ignore_errors=True)
        matrix = told.matrix
        return Numbers(
            pages=told.pages,
            links=told.rows,
            edges=told.edges,
            self_links=told.self_links,
            reciprocal=told.reciprocal,
            orphans=told.orphans,
            dead_ends=told.dead_ends,
            unreachable=told.unreachable,
            components=told.components,
            has_status=told.has_status,
            to_redirects=told.links_to_redirects,
            to_errors=told.links_to_errors,
            home=told.home or "",
            depths=[list(depth) for depth in told.depths],
            are_folders=matrix.are_folders,
            types=list(matrix.segments),
            type_pages=list(matrix.pages),
            matrix=[list(row) for row in matrix.links],
        )

    def step_08_view(self, run: Run) -> View:
        graph = run.value("graph", Numbers)
        kinds = "first folder" if graph["are_folders"] else "page type"
        some = slice(MATRIX)
        rows = {"pages": graph["pages"], "edges": graph["edges"]}
        widths = {"url": 60, "segment": 14, "pagerank": 14}
        return Stack(
            [
                Markdown(_in_words(graph)),
                Text(f"Clicks are counted from {graph['home'] or 'nowhere: there is no page'}."),
                Chart(
                    [(str(depth), pages) for depth, pages in graph["depths"]],
                    title="Pages by clicks from the home page",
                ),
                Chart(
                    list(zip(graph["types"][some], graph["type_pages"][some], strict=True)),
                    title=f"Pages by {kinds}",
                ),
                Heat(
                    graph["types"][some],
                    graph["types"][some],
                    [row[some] for row in graph["matrix"][some]],
                    title=f"Links from each {kinds} (row) to each (column)",
                ),
                Table(file=run.folder / "nodes.csv", widths=widths),
                _files(run, [(name, rows.get(counted)) for name, counted in FILES.items()]),
            ]
        )


# -- the queries


def _project(run: Run) -> Project:
    from pipetui.botify import parse_project

    return parse_project(run.value("project", str))[0]


def _dated(run: Run) -> list[str]:
    """The collections with days from which something is joined."""
    chosen = {JOINS[name].collection for name in run.value("join", list[str])}
    return [name for name in DATED if name in chosen]


def _depth(run: Run) -> int | None:
    depth = run.value("depth", object)
    return depth if isinstance(depth, int) else None


def _edges(run: Run) -> Query:
    from pipetui.botify import link_graph

    return link_graph(_project(run), run.value("analysis", str), _depth(run))


def _nodes(run: Run) -> Query | None:
    """What is known of the pages of the graph; None when nothing is to be joined."""
    from pipetui.botify import Query

    chosen = [JOINS[name] for name in run.value("join", list[str])]
    if not chosen:
        return None
    crawl, dated = f"crawl.{run.value('analysis', str)}", _dated(run)
    dimensions = [f"{crawl}.{j.field}" if not j.collection else j.field for j in chosen if j.collection not in DATED]
    metrics = [f"{j.collection}.period_0.{j.field}" for j in chosen if j.collection in DATED]
    query = Query(_project(run), [crawl, *dated], ["url", *dimensions], metrics)
    if dated:
        window = run.value("window", Window)
        query = Query(
            query.project, query.collections, query.dimensions, query.metrics,
            filters={"field": f"{crawl}.url", "predicate": "exists"},  # others know pages that were not crawled
            periods=[(window["start"], window["end"])],
        )  # fmt: skip
    depth = _depth(run)
    if depth is not None:  # what the deepest pages link to is one click further away
        query = query.where({"field": f"{crawl}.depth", "predicate": "lte", "value": depth + 1})
    return query


async def _lacking(client: Client, project: Project, slug: str) -> dict[str, str]:
    """What can't be joined, and what the project lacks for it."""
    there = {collection.id for collection in await client.collections(project)}
    crawl = f"crawl.{slug}"
    if crawl not in there:
        return dict.fromkeys(JOINS, f"the analysis {slug}, which is no longer at Botify")
    wanted = dict.fromkeys(join.collection or crawl for join in JOINS.values())
    fields = {name: {f.id for f in await client.fields(project, name)} for name in wanted if name in there}
    lacking = {}
    for name, join in JOINS.items():
        collection = join.collection or crawl
        if collection not in there and join.collection in DATED:
            lacking[name] = DATED[join.collection]
        elif join.field not in fields.get(collection, set()) | fields.get(crawl, set()):
            lacking[name] = join.label
    return lacking


# -- what is on disk


def _on_disk(run: Run, api: str, project: Project) -> list[tuple[str, Export]]:
    """(analysis, export) of the project's link graphs that are on disk, the newest first."""
    from pipetui.botify import link_graph, places

    found = []
    for export in places.shelf(run).all():
        if export.api != api or export.query.project != project or len(export.query.crawls) != 1:
            continue
        slug = export.query.crawls[0].removeprefix("crawl.")
        if export.query.hash == link_graph(project, slug, _depth_of(export)).hash:
            found.append((slug, export))
    return found


def _depth_of(export: Export) -> int | None:
    depth = export.query.filters.get("value")
    return depth if isinstance(depth, int) else None


def _described(export: Export) -> str:
    depth = _depth_of(export)
    up_to = "" if depth is None else f", up to depth {depth}"
    return f"{_day(export.finished)}, {export.rows:,} rows{up_to}{', incomplete' if export.cut else ''}"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


# -- the preflight


async def _preview(run: Run, client: Client, query: Query) -> Preview:
    from pipetui.botify import CAP, NotFound, Rejected, bands, fits, places, preflight, split

    try:
        found = await preflight(client, query, places.shelf(run), cap=CAP)
    except NotFound:
        return await asyncio.to_thread(_left_over, run, client.base_url, query)
    remote = next(iter([*found.running, *found.finished]), None)
    preview = Preview(
        rows=found.counted.rows,
        exact=found.counted.exact,
        credits=found.credits,
        needed=found.needed,
        on_disk=_described(found.on_disk[0]) if found.on_disk else "",
        remote=remote.id if remote else "",
        state=f"{'finished' if remote.done else 'running'}{remote.made}" if remote else "",
        problems=found.problems,
        notes=found.notes,
        gone=False,
        over=found.over,
        bands=[],
        fits=None,
        parts=[],
    )
    if not found.over or found.on_disk:
        return preview
    depths = await bands(client, query)
    preview["bands"] = [Band(depth=b.depth, pages=b.pages, rows=b.rows, together=b.cumulative) for b in depths]
    preview["fits"] = fits(depths, CAP)
    segment = JOINS["page_type"].field
    has_types = "page_type" not in await _lacking(client, query.project, run.value("analysis", str))
    try:
        parts = await split(client, query, depths, CAP, segment=segment if has_types else "")
    except Rejected as error:
        preview["notes"].append(str(error))
    else:
        preview["parts"] = [Part(label=part.label, rows=part.rows, query=part.query.to_json()) for part in parts]
        preview["credits"] = sum(_cost(part) for part in preview["parts"])
    return preview


def _left_over(run: Run, api: str, query: Query) -> Preview:
    """What is on disk of an analysis that Botify has deleted. JobError where that is something else."""
    from pipetui.botify import cost, places

    found = places.shelf(run).find(query, api)
    slug = run.value("analysis", str)
    if not found:
        others = "; ".join(_described(export) for of, export in _on_disk(run, api, query.project) if of == slug)
        there = f" On disk are: {others}. Revert “Largest depth” to open these." if others else ""
        raise JobError(f"Botify has no analysis {slug} any more: these can't be exported, and nothing was paid.{there}")
    return Preview(
        rows=found[0].rows,
        exact=True,
        credits=cost(query, found[0].rows),
        needed=0,
        on_disk=_described(found[0]),
        remote="",
        state="",
        problems=[],
        notes=["Botify has deleted this analysis: what is on disk is all there is."],
        gone=True,
        over=False,
        bands=[],
        fits=None,
        parts=[],
    )


def _cost(part: Part) -> float:
    from pipetui.botify import Query, cost

    return cost(Query.from_json(part["query"]), part["rows"])


def _too_many(previews: list[tuple[str, Preview]]) -> str:
    """Which exports are too large and can't be split; empty when all can be made."""
    large = [name for name, each in previews if each["over"] and not each["parts"]]
    return f"The {' and '.join(large)} are too many for one export, and can't be split" if large else ""


def _smaller(previews: list[tuple[str, Preview]]) -> str:
    fitting = [each["fits"] for _, each in previews if each["over"] and each["fits"] is not None]
    return f"at most {min(fitting)}" if fitting else "a smaller one"


def _price(previews: list[tuple[str, Preview]]) -> str:
    bound = "" if all(each["exact"] for _, each in previews) else "At most "
    return f"{bound}{_number(sum(each['credits'] for _, each in previews))} credits"


def _what(previews: list[tuple[str, Preview]]) -> str:
    """`edges (20,000 rows) and nodes (1,512 rows)`."""
    told = []
    for name, each in previews:
        parts = f" in {len(each['parts'])} parts" if each["parts"] else ""
        told.append(f"{name} ({_rows(each)} rows{parts})")
    return " and ".join(told)


def _histogram(name: str, preview: Preview) -> list[View]:
    """How many rows all pages up to a depth have, the largest depth that fits marked; and the parts."""

    def label(depth: int | None) -> str:
        return "all" if depth is None else f"up to {depth}"

    bands, fit = preview["bands"], preview["fits"]
    bars = [(label(band["depth"]), band["together"]) for band in bands]
    mark = "" if fit is None else label(fit)
    said = f"up to depth {fit} they fit into one export" if fit is not None else "no depth fits into one export"
    views: list[View] = [
        Chart(bars, title=f"Rows of {name} by depth, summed up: {said}", unit="rows", mark=mark),
        Table(
            ["depth", "pages", "rows", "together"],
            [
                [
                    "none" if b["depth"] is None else str(b["depth"]),
                    f"{b['pages']:,}",
                    f"{b['rows']:,}",
                    f"{b['together']:,}",
                ]
                for b in bands
            ],
        ),
    ]
    if preview["parts"]:
        parts = [[part["label"], f"{part['rows']:,}", _number(_cost(part))] for part in preview["parts"]]
        views.append(Table([f"part of the {name}", "rows", "credits"], parts))
    return views


# -- the export


class _Lines:
    """The progress of exports that are made at the same time: what each does, and one bar for what is downloaded."""

    def __init__(self, show: Callable[[float, float, str], None]) -> None:
        self._show = show
        self._known: dict[str, tuple[float, float, str]] = {}

    def tell(self, name: str, done: float, total: float, text: str) -> None:
        """`total` is 0 while it isn't known; then there is no bar."""
        self._known[name] = (done, total, text)
        every = self._known.values()
        of = sum(total for _, total, _ in every) if all(total for _, total, _ in every) else 0
        told = [
            f"{each}: {text}" + (f", {done / total:.0%}" if total and len(self._known) > 1 else "")
            for each, (done, total, text) in self._known.items()
        ]
        self._show(sum(done for done, _, _ in every) if of else 0, of, " · ".join(told))


async def _obtain(
    run: Run, job: Job, lines: _Lines, client: Client, name: str, query: Query, preview: Preview
) -> Obtained:
    """One export in the run's folder: from the disk, of a job that runs, or for the credits that were confirmed."""
    from pipetui.botify import Counted, Query, full_export, join, places

    choice, shelf, credits = run.input("export", str), places.shelf(run), places.credits(run)

    async def export(query: Query, counted: Counted, part: str, adopt: str = "") -> tuple[Export, bool]:
        """(the export, whether it was there before)"""

        async def look() -> list[str]:
            return [found.folder.name for found in await asyncio.to_thread(shelf.find, query, client.base_url)]

        before = await job.once(f"{part}_before", look, inputs=query.hash)
        done = await full_export(
            client, query, shelf, counted=counted, credits=credits, job=job, name=part, profile=run.profile,
            fresh=choice == "again", adopt=adopt, progress=partial(lines.tell, name),
        )  # fmt: skip
        return done, done.folder.name in before

    if preview["on_disk"] and choice != "again":
        found = await asyncio.to_thread(shelf.find, query, client.base_url)
        if not found:
            raise JobError(
                f"The {name} are no longer on disk. Nothing was paid: revert “Preflight”, and it looks anew."
            )
        exports, how = [found[0]], "reused"
    elif choice == "follow" and preview["remote"]:
        counted = Counted(preview["rows"], preview["exact"])
        exports, how = [(await export(query, counted, name, preview["remote"]))[0]], "followed"
    else:
        whole = [(query, Counted(preview["rows"], preview["exact"]), name)]
        parts = [
            (Query.from_json(part["query"]), Counted(part["rows"], exact=True), f"{name}_{number}")
            for number, part in enumerate(preview["parts"], 1)
        ]
        made = [await export(*each) for each in parts or whole]
        exports = [done for done, _ in made]
        paid = sum(done.credits for done, was_there in made if not was_there)
        how = "paid" if not all(was_there for _, was_there in made) else "reused"
    async with job.artifact(EDGES if name == "edges" else NODES) as artifact:
        if len(exports) == 1:
            await asyncio.to_thread(exports[0].place, artifact.path)
            artifact.rows = exports[0].rows
        else:
            artifact.rows = await asyncio.to_thread(join, exports, artifact.path, disjoint=True)
    notes = list(dict.fromkeys(note for done in exports for note in done.notes))
    return Obtained(rows=artifact.rows, credits=paid if how == "paid" else 0.0, how=how, notes=notes)


# -- the graph


def _measured(
    edges: Path, nodes: Path | None, out: Path, stop: Stop, tell: Callable[[float, float, str], None]
) -> Report:
    """All files of the graph in `out`. Blocking."""
    from pipetui.links import Graph, report, write_all

    def part(start: float, end: float) -> Callable[[str, float], None]:
        return lambda text, share: tell(start + (end - start) * share, 1.0, text)

    graph: Graph
    with Graph.load(edges, nodes or (), temp_directory=out, progress=part(0.0, 0.35), stop=stop) as graph:
        graph.measure(progress=part(0.35, 0.6))
        told = report(graph)
        write_all(graph, told, out, progress=part(0.6, 1.0))
    return told


def _in_words(graph: Numbers) -> str:
    distinct = "" if graph["edges"] == graph["links"] else f", {graph['edges']:,} of them different"
    lines = [
        f"**{graph['pages']:,}** pages and **{graph['links']:,}** links{distinct}."
        f" Of all links {graph['reciprocal']:.0%} are answered by one back.",
        "",
        f"- Orphans, to which no other page links: **{graph['orphans']:,}**",
        f"- Dead ends, which link to no other page: **{graph['dead_ends']:,}**",
        f"- Pages that can't be reached from the home page: **{graph['unreachable']:,}**",
        f"- Separate parts of the graph: **{graph['components']:,}**",
        f"- Links of a page to itself: **{graph['self_links']:,}**",
    ]
    if graph["has_status"]:
        lines.append(f"- Links to redirects: **{graph['to_redirects']:,}**, to errors: **{graph['to_errors']:,}**")
    return "\n".join(lines)


def _files(run: Run, names: list[tuple[str, int | None]]) -> Files:
    found = [(run.folder / name, rows) for name, rows in names]
    return Files([File(path, path.stat().st_size, rows) for path, rows in found if path.is_file()])
