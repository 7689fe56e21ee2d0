"""Botify export: the pages or links of a crawl as a CSV, counted and priced before anybody says yes."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, TypedDict

from pipetui import Job, JobError, Run, Step, Workflow, botify
from pipetui.fields import Choice, MultiChoice, Number, TablePick
from pipetui.text import amount, counted, csv_cell, size
from pipetui.views import Stack, Table, View

MOST_FINISHED = 3
"""Exports at Botify whose file is offered; the newest."""

WITHOUT_URL = "Full URL is not among the fields: what is equal in all of them becomes one row, so rows may be fewer."


class Part(TypedDict):
    label: str
    rows: int
    credits: float
    query: dict[str, Any]


class Preflight(TypedDict):
    """`limit` is the most rows that one export has here, `credits` what all of it costs, `month` what was spent in this
    month; `needed` and `free` are bytes. `running` and `finished` are exports at Botify, each a number and its maker.
    `bands` are `botify.Band`s, there when it is too much for one export."""

    api: str
    query: dict[str, Any]
    rows: int | None
    exact: bool
    limit: int
    credits: float
    month: float
    needed: int
    free: int
    on_disk: list[str]
    running: list[list[str]]
    finished: list[list[str]]
    problems: list[str]
    notes: list[str]
    bands: list[dict[str, Any]]
    parts: list[Part]


class Exported(TypedDict):
    """`credits` is what this export cost; `how` is paid, disk or followed."""

    rows: int
    columns: list[str]
    credits: float
    how: str
    cut: bool
    notes: list[str]
    sha256: list[str]


class Statistics(TypedDict):
    rows: int
    columns: list[list[str]]


class BotifyExport(Workflow):
    APP_NAME = "botify_export"
    DISPLAY_NAME = "Botify Export 📦"
    ENDPOINT_MESSAGE = "Choose a crawl and its fields; see rows and credits before anything is exported."
    TRAINING_PROMPT = "botify_export.md"

    steps = [
        Step("step_01", done="project", show="Project", refill=True),
        Step("step_02", done="analysis", show="Analysis"),
        Step(
            "step_03",
            done="fields",
            show="Fields",
            refill=True,
            summary=lambda fields: ", ".join(fields[:4]) + (f", … ({len(fields)} in all)" if len(fields) > 4 else ""),
        ),
        Step(
            "step_04",
            done="depth",
            show="Depth",
            refill=True,
            summary=lambda depth: "all pages" if depth is None else f"up to {depth} clicks from the start page",
        ),
        Step(
            "step_05",
            done="preflight",
            show="Preflight",
            auto=True,
            summary=lambda facts: facts["problems"][0] if facts["problems"] else _price(facts),
        ),
        Step(
            "step_06",
            done="export",
            show="Export",
            paid=True,
            summary=lambda done: (
                f"{counted(done['rows'], 'row')}, {amount(done['credits'])} credits"
                f"{', CUT: rows are missing' * done['cut']}"
            ),
        ),
        Step(
            "step_07",
            done="statistics",
            show="Statistics",
            auto=True,
            summary=lambda found: f"{counted(found['rows'], 'row')}, {counted(len(found['columns']), 'column')}",
        ),
    ]

    # -- which project

    async def step_01_form(self, run: Run) -> TablePick:
        return await botify.cards.project_form(run)

    async def step_01_submit(self, run: Run, given: str) -> str:
        project, analysis = await botify.cards.project_submit(run, given)
        run.temp["step_01"] = {"analysis": analysis}
        return str(project)

    # -- which crawl

    async def step_02_form(self, run: Run) -> TablePick:
        project = _project(run)
        found = await botify.cards.asked(run, lambda client: client.analyses(project, only_success=False))
        rows = [[each.slug, each.name, each.launched[:10], f"{each.urls:,}", each.status] for each in found]
        named = run.temp.get("step_01", {}).get("analysis")  # in the address that was pasted
        ready = [each.slug for each in found if each.ready]
        default = named if named in ready else next(iter(ready), None)
        return TablePick(["analysis", "name", "date", "URLs", "status"], rows, default=default, hint="the newest first")

    async def step_02_submit(self, run: Run, slug: str) -> str:
        project = _project(run)
        analysis = await botify.cards.checked(run, lambda client: client.analysis(project, slug))
        return botify.cards.finished(analysis).slug

    # -- which columns and rows

    async def step_03_form(self, run: Run) -> MultiChoice:
        project, crawl = _project(run), botify.crawl(run.value("analysis", str))
        options = {"url": "Full URL"}
        for field in await botify.cards.asked(run, lambda client: client.fields(project, crawl)):
            if field.kind == "dimension":
                marks = [field.name, field.group, "several values" * field.multiple, "deprecated" * field.deprecated]
                options[field.id] = " · ".join(filter(None, marks))
        hint = "a row costs 1 credit; with Internal Outlinks each link is a row, for 0.1; equal rows become one"
        return MultiChoice(list(options.items()), default=["url"], hint=hint)

    def step_04_form(self, run: Run) -> Number:
        is_graph = any(name.endswith("graph.url") for name in run.value("fields", list[str]))
        what = "links from pages" if is_graph else "pages"
        hint = f"only {what} up to so many clicks from the start page; empty: all, orphans too"
        return Number(None, optional=True, whole=True, minimum=0, maximum=10_000, hint=hint)

    # -- what it will be

    async def step_05_job(self, run: Run, job: Job) -> Preflight:
        shelf = botify.places.shelf(run)
        async with botify.places.client(run) as client:
            job.progress(0, 0, "Counting …")
            found = await botify.preflight(client, await _query(run, client), shelf)
            if found.over and not found.problems:
                job.progress(0, 0, "Counting the rows of each depth …")
                found = await botify.divided(client, found, shelf)
        return Preflight(
            api=client.base_url,
            query=found.query.to_json(),
            rows=found.counted.rows,
            exact=found.counted.exact,
            limit=found.limit,
            credits=found.credits,
            month=await asyncio.to_thread(botify.places.this_month, run),
            needed=found.needed,
            free=found.free,
            on_disk=[f"{export.told}, in {export.folder.name}" for export in found.on_disk],
            running=[[remote.id, remote.made] for remote in found.running],
            finished=[[remote.id, remote.made] for remote in found.finished],
            problems=[*found.problems, *filter(None, [found.indivisible])],
            notes=found.notes if "url" in run.value("fields", list[str]) else [*found.notes, WITHOUT_URL],
            bands=[asdict(band) for band in found.bands],
            parts=[
                Part(label=part.label, rows=part.rows, credits=part.credits, query=part.query.to_json())
                for part in found.parts
            ],
        )

    def step_05_view(self, run: Run) -> View:
        facts = run.value("preflight", Preflight)
        views: list[View] = [Table(["what", "value"], list(_known(facts)))]
        if facts["bands"]:
            views += botify.cards.histogram(_bands(facts), _largest(facts))
        views += botify.cards.calls(botify.Query.from_json(facts["query"]), facts["limit"], facts["api"])
        return Stack([*views, *botify.cards.calls_so_far(run)])

    # -- the yes

    def step_06_form(self, run: Run) -> Choice:
        """What can be done now, with its price. What costs credits is never the default."""
        facts, options = run.value("preflight", Preflight), []
        on_disk = botify.places.shelf(run).find(botify.Query.from_json(facts["query"]), facts["api"])
        if on_disk:
            options.append(("disk", f"Use the export on this disk, of {on_disk[0].told} (no credits)"))
        for remote, made in facts["running"]:
            options.append((f"follow:{remote}", f"Follow the export {remote} that is running{made} (no credits)"))
        for remote, made in [] if on_disk and not on_disk[0].cut else facts["finished"][:MOST_FINISHED]:
            options.append((f"follow:{remote}", f"Fetch the file of the finished export {remote}{made} (no credits)"))
        default = options[0][0] if options else None
        if facts["problems"]:
            return Choice(options, default=default, hint=" ".join(facts["problems"]))
        if facts["parts"]:
            number = len(facts["parts"])
            options.append(("parts", f"Export in {number} parts: {_price(facts)}, joined into one file"))
        elif options:
            options.append(("anew", f"Export anew: {_price(facts)}"))
        else:
            options.append(("new", f"Export {_price(facts)}"))
        hint = f"this month so far: {amount(facts['month'])} credits"
        if facts["parts"] and (fitting := _largest(facts)) is not None:
            hint += f"; up to depth {fitting} it would be one export: revert Depth for that"
        return Choice(options, default=default, hint=hint)

    async def step_06_job(self, run: Run, job: Job) -> Exported:
        facts, shelf = run.value("preflight", Preflight), botify.places.shelf(run)
        what, _, remote = run.input("export", str).partition(":")
        if what == "disk":
            on_disk = await asyncio.to_thread(shelf.find, botify.Query.from_json(facts["query"]), facts["api"])
            if not on_disk:
                raise JobError("The export is no longer on this disk. Revert this step and choose anew.")
            made = botify.Made(on_disk[:1], "reused", [])
        else:
            async with botify.places.client(run) as client:
                made = await botify.make(
                    client,
                    _orders(facts, in_parts=what == "parts"),
                    shelf,
                    credits=botify.places.credits(run),
                    job=job,
                    profile=run.profile,
                    fresh=what == "anew",
                    adopt=remote,
                )
        job.progress(0, 0, "Placing the file …")
        async with job.artifact("export.csv") as artifact:
            artifact.rows = rows = await asyncio.to_thread(botify.one_csv, made.exports, artifact.path)
        async with job.artifact("manifest.json") as artifact:
            manifests = [export.to_json() for export in made.exports]
            text = json.dumps(manifests[0] if len(manifests) == 1 else {"rows": rows, "parts": manifests}, indent=2)
            artifact.path.write_text(text + "\n", "utf-8")
        return Exported(
            rows=rows,
            columns=run.value("fields", list[str]),
            credits=made.credits,
            how="disk" if made.how == "reused" else made.how,
            cut=any(export.cut for export in made.exports),
            notes=made.notes,
            sha256=[export.sha256 for export in made.exports],
        )

    def step_06_view(self, run: Run) -> View:
        done = run.value("export", Exported)
        rows = [
            ("rows", f"{done['rows']:,}"),
            ("columns", ", ".join(done["columns"])),
            ("credits", f"{amount(done['credits'])} ({done['how']})"),
            *(("note", note) for note in done["notes"]),
            *(("sha256", each) for each in done["sha256"]),
        ]
        return Table(["what", "value"], rows)

    # -- what is in it

    async def step_07_job(self, run: Run, job: Job) -> Statistics:
        rows, found = await asyncio.to_thread(botify.column_statistics, run.folder / "export.csv", job.progress)
        async with job.artifact("statistics.csv") as artifact:
            with artifact.path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(botify.STATISTICS)
                writer.writerows([csv_cell(cell) for cell in line] for line in found)
            artifact.rows = len(found)
        return Statistics(rows=rows, columns=found)

    def step_07_view(self, run: Run) -> View:
        names, found = botify.STATISTICS, run.value("statistics", Statistics)["columns"]

        def details(row: int) -> View:
            return Table(["what", "value"], list(zip(names, found[row], strict=True)))

        widths = {"column": 28, "min": 16, "max": 16, "most frequent": 24}
        columns = Table(names, found, detail=details, widths=widths, title="What is in each column")
        return Stack([columns, Table(file=run.folder / "export.csv", title="The rows")])


def _project(run: Run) -> botify.Project:
    return botify.parse_project(run.value("project", str))[0]


async def _query(run: Run, client: botify.Client) -> botify.Query:
    """The one object that is counted, shown and exported."""
    project, analysis, depth = _project(run), run.value("analysis", str), run.value("depth", object)
    crawl, wanted = botify.crawl(analysis), run.value("fields", list[str])
    full = {"url": "url"} | {field.id: field.full for field in await client.fields(project, crawl)}
    gone = [name for name in wanted if name not in full]
    if gone:
        raise JobError(f"The analysis has no field {', '.join(gone)} (any more). Revert Fields and choose again.")
    query = botify.Query(project, [crawl], [full[name] for name in wanted])
    return query.where(botify.up_to(analysis, depth)) if isinstance(depth, int) else query


def _orders(facts: Preflight, *, in_parts: bool) -> list[botify.Order]:
    def order(name: str, query: dict[str, Any], rows: int | None) -> botify.Order:
        counted = botify.Counted(rows, exact=facts["exact"])
        return botify.Order(name, botify.Query.from_json(query), counted, min(rows or facts["limit"], facts["limit"]))

    if not in_parts:
        return [order("export", facts["query"], facts["rows"])]
    return [order(f"part_{number}", part["query"], part["rows"]) for number, part in enumerate(facts["parts"], 1)]


# -- in words


def _price(facts: Preflight) -> str:
    """`12,345 rows for 1,234.5 credits`."""
    about = "" if facts["exact"] else "up to "
    rows = facts["rows"] if facts["parts"] and facts["rows"] is not None else facts["limit"]
    return f"{about}{counted(rows, 'row')} for {about}{amount(facts['credits'])} credits"


def _bands(facts: Preflight) -> list[botify.Band]:
    return [botify.Band(**band) for band in facts["bands"]]


def _largest(facts: Preflight) -> int | None:
    """The largest depth up to which all rows fit into one export."""
    return botify.fits(_bands(facts), facts["limit"])


def _known(facts: Preflight) -> Iterator[tuple[str, str]]:
    rows = "not counted" if facts["rows"] is None else f"{facts['rows']:,}"
    yield "rows", rows if facts["exact"] else f"{rows} at most"
    yield "credits", f"{amount(facts['credits'])} (this month so far: {amount(facts['month'])})"
    yield "disk", f"about {size(facts['needed'])} needed, {size(facts['free'])} free"
    yield from (("on this disk", text) for text in facts["on_disk"])
    yield from (("running", f"the same export, number {remote}{made}") for remote, made in facts["running"])
    yield from (("finished", f"the same export, number {remote}{made}") for remote, made in facts["finished"])
    yield from (("problem", text) for text in facts["problems"])
    yield from (("note", text) for text in facts["notes"])
    for part in facts["parts"]:
        yield "part", f"{part['label']}: {counted(part['rows'], 'row')}, {amount(part['credits'])} credits"
