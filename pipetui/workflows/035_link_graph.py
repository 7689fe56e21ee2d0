"""Link graph: the internal links of a Botify analysis, joined with what is known of the pages, measured and drawn."""

from __future__ import annotations

import asyncio
import csv
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pipetui import Invalid, Job, JobError, Run, Step, Workflow, botify
from pipetui.botify.joins import Join
from pipetui.fields import Choice, Field, MultiChoice, Number, TablePick
from pipetui.text import amount
from pipetui.views import Chart, File, Files, Heat, Markdown, Stack, Table, Text, View

if TYPE_CHECKING:
    from pipetui.links import Numbers

JOINS = {
    "page_type": Join("Page type", "global", "segments.pagetype.value"),
    "status": Join("HTTP status", "", "http_code"),
    "compliant": Join("Compliant", "", "compliant.is_compliant"),
    "inlinks": Join("Inlinks, as Botify counts them", "", "inlinks_internal.nb.unique"),
    "clicks": Join("Clicks (Search Console)", "search_console", "count_clicks", "Search Console"),
    "impressions": Join("Impressions (Search Console)", "search_console", "count_impressions", "Search Console"),
    "google_crawls": Join("Crawls by Google (logs)", "logs", "crawls.google.count", "Logs"),
}
"""What can be joined to a page, by the names under which it is stored."""

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

MATRIX = 12
"""Page types that the terminal has room for; report.md has more."""


class Window(TypedDict):
    start: str
    end: str


class Plan(TypedDict):
    edges: botify.plans.Preview
    nodes: botify.plans.Preview | None


class Obtained(TypedDict):
    """An export that is here. `how` is `reused`, `followed` or `paid`; `credits` are what this run paid for it."""

    rows: int
    credits: float
    how: str
    notes: list[str]


class Exports(TypedDict):
    edges: Obtained
    nodes: Obtained | None


# -- in one line


def _both(plan: Plan) -> list[tuple[str, botify.plans.Preview]]:
    return [("edges", plan["edges"]), *([("nodes", plan["nodes"])] if plan["nodes"] is not None else [])]


def _join_line(join: list[str]) -> str:
    return ", ".join(JOINS[name].label for name in join) or "nothing: no pages are exported"


def _plan_line(plan: Plan) -> str:
    told = [f"{botify.plans.rows_told(each)} {name}" for name, each in _both(plan)]
    to_pay = sum(each["credits"] for _, each in _both(plan) if not each["on_disk"])
    return f"{', '.join(told)}; {amount(to_pay)} credits" + ("" if to_pay else ": all is on disk")


def _exports_line(exports: Exports) -> str:
    told = [f"{exports['edges']['rows']:,} edges ({exports['edges']['how']})"]
    paid = exports["edges"]["credits"]
    if (nodes := exports["nodes"]) is not None:
        told.append(f"{nodes['rows']:,} nodes ({nodes['how']})")
        paid += nodes["credits"]
    return f"{', '.join(told)}; {amount(paid)} credits"


def _graph_line(graph: Numbers) -> str:
    counts = ("pages", graph["pages"]), ("links", graph["links"]), ("orphans", graph["orphans"])
    return ", ".join(f"{number:,} {name}" for name, number in (*counts, ("dead ends", graph["dead_ends"])))


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
        Step("step_08", done="graph", show="Graph", auto=True, summary=_graph_line),
    ]

    # -- what to look at

    async def step_01_form(self, run: Run) -> Field:
        return await botify.cards.project_form(run)

    async def step_01_submit(self, run: Run, given: str) -> str:
        project, analysis = await botify.cards.project_submit(run, given)
        return f"{project}/{analysis}" if analysis else str(project)

    async def step_02_form(self, run: Run) -> Field:
        project, wanted = botify.parse_project(run.value("project", str))
        async with botify.places.client(run) as client:
            analyses = await client.analyses(project)
        on_disk = await _on_disk(run)
        told = {slug: export.told for slug, export in on_disk}
        rows = [[each.slug, each.name, f"{each.urls:,}", told.get(each.slug, "")] for each in analyses]
        slugs = [each.slug for each in analyses]
        default = wanted if wanted in slugs else next(iter(slugs), None)
        deleted = [slug for slug in dict(on_disk) if slug not in slugs]
        rows += [[slug, "no longer at Botify", "", told[slug]] for slug in deleted]
        hint = "what is on disk is used again, without credits" if told else ""
        return TablePick(["analysis", "name", "URLs", "on disk"], rows, default=default, hint=hint)

    async def step_02_submit(self, run: Run, slug: str) -> str:
        project = _project(run)

        async def look(client: botify.Client) -> botify.Analysis | None:
            try:
                analysis = await client.analysis(project, slug)
            except botify.NotFound:
                if slug in dict(await _on_disk(run)):
                    return None
                raise
            await botify.lacking(client, project, slug, JOINS)  # may be megabytes: from here on they are in the cache
            return analysis

        analysis = await botify.cards.checked(run, look)
        if analysis is not None and botify.cards.finished(analysis).links_graph is False:
            raise Invalid(f"The analysis {slug} was made without a link graph. Choose one that has it.")
        return slug

    # -- what to ask for

    async def step_03_form(self, run: Run) -> Field:
        async def look() -> dict[str, str]:
            async with botify.places.client(run) as client:
                return await botify.lacking(client, _project(run), run.value("analysis", str), JOINS)

        missing = await run.cached("lacking", look)
        options = [(name, join.label) for name, join in JOINS.items() if name not in missing]
        hint = "1 credit a page, whatever you choose; with nothing chosen no pages are exported"
        if not options:
            hint = f"there is nothing to join: the project lacks {', '.join(dict.fromkeys(missing.values()))}"
        elif missing:
            hint += f" (not in this project: {', '.join(dict.fromkeys(missing.values()))})"
        return MultiChoice(options, optional=True, hint=hint)

    def step_04_when(self, run: Run) -> bool:
        return bool(_sources(run))

    async def step_04_form(self, run: Run) -> Field:
        return await botify.cards.days_form(run, _project(run), _sources(run))

    async def step_05_form(self, run: Run) -> Field:
        hint, default = "clicks from the start page to the pages whose links you want; empty: all", None
        if (export := dict(await _on_disk(run)).get(run.value("analysis", str))) is not None:
            default = export.query.depth
            hint += f" ({'all of them' if default is None else f'those up to {default}'} are on disk)"
        return Number(default, optional=True, whole=True, minimum=0, maximum=1000, hint=hint)

    # -- what it will cost

    async def step_06_job(self, run: Run, job: Job) -> Plan:
        async with botify.places.client(run) as client:
            job.progress(0, 2, "Counting the links")
            plan = Plan(edges=await _preview(run, client, _edges(run)), nodes=None)
            if (nodes := _nodes(run)) is not None:
                job.progress(1, 2, "Counting the pages")
                plan["nodes"] = await _preview(run, client, nodes)
        problems = [problem for _, each in _both(plan) if not each["on_disk"] for problem in each["problems"]]
        if problems:
            raise JobError(f"{' '.join(dict.fromkeys(problems))} Nothing was exported, and nothing paid.")
        return plan

    def step_06_view(self, run: Run) -> View:
        previews = _both(run.value("preflight", Plan))
        views = botify.plans.account(previews)
        if _sources(run):
            views.append(Text("Facts of days are from {start} to {end}.".format(**run.value("window", Window))))
        queries, api = {"edges": _edges(run), "nodes": _nodes(run)}, botify.places.api_url(run.shared)
        for name, each in previews:
            if (query := queries[name]) is not None:
                views += botify.cards.calls(query, min(each["rows"] or botify.CAP, botify.CAP), api, of=name)
        return Stack([*views, *botify.cards.calls_so_far(run)])

    # -- the yes, and the one step that costs

    def step_07_form(self, run: Run) -> Field:
        """What can be done now, with its price. What costs credits is never the default."""
        plans, previews = botify.plans, _both(run.value("preflight", Plan))
        missing = [(name, each) for name, each in previews if not each["on_disk"]]
        if not missing:
            here = " and ".join(f"{name} of {each['on_disk']}" for name, each in previews)
            options = [("reuse", f"No credits: use what is on disk, {here}")]
            if not any(each["over"] or each["gone"] for _, each in previews):
                options.append(("again", f"{plans.price(previews)}: export {plans.what(previews)} again"))
            return Choice(options, default="reuse")
        there = [(name, each) for name, each in missing if each["remote"]]
        rest = [(name, each) for name, each in missing if not each["remote"]]
        options = []
        if there and not plans.too_many(rest):
            follow = "fetch " + " and ".join(f"{name} ({plans.remote_told(each)})" for name, each in there)
            label = f"{plans.price(rest)}: export {plans.what(rest)}, {follow}" if rest else f"No credits: {follow}"
            options.append(("follow", label))
        if not plans.too_many(missing):
            kept = " and ".join(name for name, each in previews if each["on_disk"])
            more = f", use {kept} on disk" if kept else ""
            options.append(("export", f"{plans.price(missing)}: export {plans.what(missing)}{more}"))
        month = amount(botify.places.this_month(run))
        hint = f"this month so far: {month} credits" if options else plans.too_many(missing)
        return Choice(options, default="follow" if there and not rest else None, hint=hint)

    async def step_07_job(self, run: Run, job: Job) -> Exports:
        plan, nodes, told = run.value("preflight", Plan), _nodes(run), botify.Progresses(job.progress)
        async with botify.places.client(run) as client, asyncio.TaskGroup() as both:
            links = both.create_task(_obtain(run, job, client, "edges", _edges(run), plan["edges"], told))
            pages = None
            if nodes is not None and plan["nodes"] is not None:
                pages = both.create_task(_obtain(run, job, client, "nodes", nodes, plan["nodes"], told))
        return Exports(edges=links.result(), nodes=pages.result() if pages is not None else None)

    def step_07_view(self, run: Run) -> View:
        exports = run.value("export", Exports)
        names = [(EDGES, exports["edges"]), (NODES, exports["nodes"])]
        here = [(name, each) for name, each in names if each is not None]
        table = Table(
            ["file", "rows", "how", "credits"],
            [[name, f"{each['rows']:,}", each["how"], amount(each["credits"])] for name, each in here],
        )
        notes = [Text(f"{name}: {note}") for name, each in here for note in each["notes"]]
        return Stack([table, *notes, _files(run, [(name, each["rows"]) for name, each in here])])

    # -- what comes of it

    async def step_08_job(self, run: Run, job: Job) -> Numbers:
        from pipetui import links

        nodes = [run.folder / NODES] if run.value("export", Exports)["nodes"] is not None else []
        out = run.folder / f".graph-{job.id[:12]}"
        await asyncio.to_thread(shutil.rmtree, out, ignore_errors=True)  # what a crash left

        def tell(text: str, share: float) -> None:
            job.progress(share, 1.0, text)

        try:
            told, _ = await links.in_thread(
                lambda stop: links.make(run.folder / EDGES, nodes, out, progress=tell, stop=stop)
            )
            rows = {"pages": told.pages, "edges": told.edges}
            for name, counted in FILES.items():
                async with job.artifact(name) as artifact:
                    (out / name).replace(artifact.path)
                    artifact.rows = rows.get(counted)
        except links.LinksError as error:
            raise JobError(f"{error} The exports are safe: try again.") from None
        finally:
            shutil.rmtree(out, ignore_errors=True)
        return links.numbers(told)

    def step_08_view(self, run: Run) -> View:
        from pipetui import links

        graph = run.value("graph", links.Numbers)
        kinds, some, depth = "first folder" if graph["are_folders"] else "page type", slice(MATRIX), _depth(run)
        types, rows = graph["types"][some], {"pages": graph["pages"], "edges": graph["edges"]}
        deeper = "" if depth is None else f" Pages deeper than {depth} look like dead ends: their links were left out."
        title = f"Links from each {kinds} (row) to each (column)"
        return Stack(
            [
                Markdown(links.in_words(graph)),
                Text(f"Clicks are counted from {graph['home'] or 'nowhere: there is no page'}.{deeper}"),
                Chart(
                    [(str(clicks), pages) for clicks, pages in graph["depths"]], "Pages by clicks from the home page"
                ),
                Chart(list(zip(types, graph["type_pages"][some], strict=True)), f"Pages by {kinds}"),
                Heat(types, types, [row[some] for row in graph["matrix"][some]], title=title),
                Table(_headers(run.folder / "nodes.csv", kinds), file=run.folder / "nodes.csv", title="The pages"),
                Text("report.md lists orphans, hubs, redirects and errors one by one: Enter opens a file."),
                _files(run, [(name, rows.get(counted)) for name, counted in FILES.items()]),
            ]
        )


def _headers(nodes: Path, kinds: str) -> list[str]:
    """The columns of the pages, with the word for `segment` that was chosen; none where there is no such file."""
    try:
        with nodes.open(encoding="utf-8", newline="") as file:
            names = next(csv.reader(file), [])
    except OSError:
        return []
    return [kinds if name == "segment" else name for name in names]


# -- the queries


def _project(run: Run) -> botify.Project:
    return botify.parse_project(run.value("project", str))[0]


def _joined(run: Run) -> list[Join]:
    return [JOINS[name] for name in run.value("join", list[str])]


def _sources(run: Run) -> dict[str, str]:
    """The collections with days from which something is joined, and their names."""
    return {join.collection: join.source for join in _joined(run) if join.source}


def _depth(run: Run) -> int | None:
    depth = run.value("depth", object)
    return depth if isinstance(depth, int) else None


def _edges(run: Run) -> botify.Query:
    return botify.link_graph(_project(run), run.value("analysis", str), _depth(run))


def _nodes(run: Run) -> botify.Query | None:
    """What is known of the pages of the graph; None when nothing is to be joined."""
    if not _joined(run):
        return None
    window = run.value("window", Window) if _sources(run) else None
    days = (window["start"], window["end"]) if window else None
    return botify.page_facts(_project(run), run.value("analysis", str), _joined(run), depth=_depth(run), days=days)


async def _on_disk(run: Run) -> list[tuple[str, botify.Export]]:
    """(analysis, export) of the project's link graphs that are on disk, the largest last: `dict` keeps that one."""
    api = botify.places.api_url(run.shared)
    found = await asyncio.to_thread(botify.places.shelf(run).link_graphs, _project(run), api)
    return sorted(found, key=lambda each: each[1].rows)


# -- the exports


async def _preview(run: Run, client: botify.Client, query: botify.Query) -> botify.plans.Preview:
    try:
        return await botify.plans.preview(client, query, botify.places.shelf(run))
    except botify.NotFound:
        slug = run.value("analysis", str)
        others = "; ".join(export.told for of, export in await _on_disk(run) if of == slug)
        there = f" On disk are: {others}. Revert “Largest depth” to open these." if others else ""
        raise JobError(
            f"Botify has no analysis {slug} any more: these can't be exported, and nothing was paid.{there}"
        ) from None


async def _obtain(
    run: Run,
    job: Job,
    client: botify.Client,
    name: str,
    query: botify.Query,
    preview: botify.plans.Preview,
    told: botify.Progresses,
) -> Obtained:
    """One export in the run's folder: from the disk, of a job that runs, or for the credits that were confirmed."""
    choice = run.input("export", str)
    made = await botify.plans.carry_out(
        run,
        job,
        client,
        name,
        query,
        preview,
        fresh=choice == "again",
        follow=choice == "follow",
        progress=told.of(name),
    )
    async with job.artifact(EDGES if name == "edges" else NODES) as artifact:
        artifact.rows = rows = await asyncio.to_thread(botify.one_csv, made.exports, artifact.path)
    told.end(name)
    return Obtained(rows=rows, credits=made.credits, how=made.how, notes=made.notes)


def _files(run: Run, names: Sequence[tuple[str, int | None]]) -> Files:
    found = [(run.folder / name, rows) for name, rows in names]
    return Files([File(path, path.stat().st_size, rows) for path, rows in found if path.is_file()])
