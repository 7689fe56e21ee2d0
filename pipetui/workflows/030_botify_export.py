"""Botify export: the pages or links of a crawl as a CSV, counted and priced before anybody says yes."""

from __future__ import annotations

import asyncio
import csv
import json
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import TextIOWrapper
from itertools import islice, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from pipetui import Invalid, Job, JobError, Run, Step, Workflow
from pipetui.fields import Choice, MultiChoice, Number, TablePick
from pipetui.views import Chart, Stack, Table, Text, View

if TYPE_CHECKING:
    from pipetui.botify import Client, Export, Project, Query

T = TypeVar("T")

LIST_SECONDS = 4.0
"""For a list that a card shows; a card that takes longer than 5 s is broken."""
CHECK_SECONDS = 45.0
STATISTICS = ["column", "filled", "empty", "distinct", "min", "max", "most frequent", "times"]
AT_ONCE = 10_000
"""Rows that are looked at together."""
DISTINCT = 5_000
"""Values of a column that are counted, so that memory does not grow with the file."""
MOST_FINISHED = 3
"""Exports at Botify whose file is offered; the newest."""
SHOWN = 200
"""Characters of a value in the statistics."""


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
                f"{done['rows']:,} rows, {done['credits']:,g} credits{', CUT: rows are missing' * done['cut']}"
            ),
        ),
        Step(
            "step_07",
            done="statistics",
            show="Statistics",
            auto=True,
            summary=lambda found: f"{found['rows']:,} rows, {len(found['columns'])} columns",
        ),
    ]

    # -- which project

    async def step_01_form(self, run: Run) -> TablePick:
        """The projects of the account. Without a list the address can be typed all the same."""
        from pipetui.botify import BotifyError

        columns = ["project", "name", "active"]
        hint = "its address will do too, https://app.botify.com/organisation/project"
        try:
            projects = await _asked(run, lambda client: client.projects())
        except BotifyError as error:
            return TablePick(columns, free=True, hint=f"{error} Or type organisation/project")
        except JobError:
            why = "This profile has no token: run Connect to Botify first."
            return TablePick(columns, free=True, hint=f"{why} Then type organisation/project")
        rows = [[str(info.project), info.name, "yes" if info.active else "no"] for info in projects]
        return TablePick(columns, rows, free=True, hint=hint)

    async def step_01_submit(self, run: Run, text: str) -> str:
        from pipetui.botify import parse_project

        try:
            project, analysis = parse_project(text)
        except ValueError as error:
            raise Invalid(str(error)) from None
        found = await _checked(run, lambda client: client.analyses(project))
        if not found:
            raise Invalid(f"{project} can be read, and has no finished analysis: choose another project.")
        run.temp["step_01"] = {"analysis": analysis}
        return str(project)

    # -- which crawl

    async def step_02_form(self, run: Run) -> TablePick:
        found = await _asked(run, lambda client: client.analyses(_project(run), only_success=False))
        rows = [[each.slug, each.name, each.launched[:10], f"{each.urls:,}", each.status] for each in found]
        named = run.temp.get("step_01", {}).get("analysis")  # in the address that was pasted
        ready = [each.slug for each in found if each.ready]
        default = named if named in ready else next(iter(ready), None)
        return TablePick(["analysis", "name", "date", "urls", "status"], rows, default=default, hint="the newest first")

    async def step_02_submit(self, run: Run, slug: str) -> str:
        analysis = await _checked(run, lambda client: client.analysis(_project(run), slug))
        if not analysis.ready:
            raise Invalid(f"The analysis {slug} is not finished ({analysis.status}): choose another.")
        return slug

    # -- which columns and rows

    async def step_03_form(self, run: Run) -> MultiChoice:
        fields = await _asked(run, lambda client: client.fields(_project(run), _crawl(run)))
        options = {"url": "Full URL"}
        for field in fields:
            if field.kind == "dimension":
                marks = [field.name, field.group, "several values" * field.multiple, "deprecated" * field.deprecated]
                options[field.id] = " · ".join(filter(None, marks))
        hint = "a row costs 1 credit; with Internal Outlinks each link is a row, for 0.1"
        return MultiChoice(list(options.items()), default=["url"], hint=hint)

    def step_04_form(self, run: Run) -> Number:
        is_graph = any(name.endswith("graph.url") for name in run.value("fields", list[str]))
        what = "links from pages" if is_graph else "pages"
        hint = f"only {what} up to so many clicks from the start page; empty: all, orphans too"
        return Number(None, optional=True, whole=True, minimum=0, maximum=10_000, hint=hint)

    # -- what it will be

    async def step_05_job(self, run: Run, job: Job) -> Preflight:
        from pipetui import botify
        from pipetui.botify import places

        project, analysis = _project(run), run.value("analysis", str)
        shelf, credits = places.shelf(run), places.credits(run)
        async with places.client(run) as client:
            query = await _query(run, client)
            job.progress(0, 0, "Counting …")
            limit = (await client.analysis(project, analysis)).export_limit
            cap = min(botify.CAP, limit or botify.CAP)
            found = await botify.preflight(client, query, shelf, cap=cap)
            problems, bands, parts = list(found.problems), list[botify.Band](), list[botify.Part]()
            needed, cost = found.needed, found.credits
            if found.over and not problems:
                job.progress(0, 0, "Counting the rows of each depth …")
                try:
                    bands = await botify.bands(client, query)
                    parts = await botify.split(client, query, bands, cap, segment=await _segment(client, project))
                except botify.Rejected as error:
                    problems.append(str(error))
                rows = found.counted.rows or 0
                cost = botify.cost(query, rows)
                needed = 2 * found.needed * rows // cap  # the parts, and all of them joined
                if needed > found.free:
                    problems.append("There is not enough room on the disk for all parts: use a smaller depth.")
            return Preflight(
                api=client.base_url,
                query=query.to_json(),
                rows=found.counted.rows,
                exact=found.counted.exact,
                limit=found.limit,
                credits=cost,
                month=await asyncio.to_thread(credits.month, run.profile, f"{datetime.now(UTC):%Y-%m}"),
                needed=needed,
                free=found.free,
                on_disk=[f"{_in_words(export)} in {export.folder.name}" for export in found.on_disk],
                running=[[remote.id, remote.made] for remote in found.running],
                finished=[[remote.id, remote.made] for remote in found.finished],
                problems=problems,
                notes=found.notes,
                bands=[asdict(band) for band in bands],
                parts=[
                    Part(
                        label=part.label,
                        rows=part.rows,
                        credits=botify.cost(part.query, part.rows),
                        query=part.query.to_json(),
                    )
                    for part in parts
                ],
            )

    def step_05_view(self, run: Run) -> View:
        from pipetui.botify import Query, places, spelled

        facts = run.value("preflight", Preflight)
        views: list[View] = [Table(["what", "value"], list(_known(facts)), widths={"what": 16, "value": 100})]
        if facts["bands"]:
            views += _histogram(facts)
        calls = spelled(Query.from_json(facts["query"]), facts["limit"], facts["api"])
        return Stack([*views, *(Text(text, title=title) for title, text in [*calls, *places.asked(run)])])

    # -- the yes

    def step_06_form(self, run: Run) -> Choice:
        """What can be done now, with its price. What costs credits is never the default."""
        from pipetui.botify import Query, places

        facts = run.value("preflight", Preflight)
        options, default = [], None
        on_disk = places.shelf(run).find(Query.from_json(facts["query"]), facts["api"])
        if on_disk:
            options.append(("disk", f"Use {_in_words(on_disk[0])} on this disk (no credits)"))
        for remote, made in facts["running"]:
            options.append((f"follow:{remote}", f"Follow the export {remote} that is running{made} (no credits)"))
        for remote, made in [] if on_disk and not on_disk[0].cut else facts["finished"][:MOST_FINISHED]:
            options.append((f"follow:{remote}", f"Fetch the file of the finished export {remote}{made} (no credits)"))
        if options:
            default = options[0][0]
        price = _price(facts)
        if facts["problems"]:
            return Choice(options, default=default, hint=" ".join(facts["problems"]))
        if facts["parts"]:
            options.append(("parts", f"Export in {len(facts['parts'])} parts: {price}, joined into one file"))
        elif options:
            options.append(("anew", f"Export anew: {price}"))
        else:
            options.append(("new", f"Export {price}"))
        hint = f"{price}; this month so far: {facts['month']:,g} credits"
        if facts["parts"] and (fitting := _largest(facts)) is not None:
            hint += f"; up to depth {fitting} it would be one export: revert Depth for that"
        return Choice(options, default=default, hint=hint)

    async def step_06_job(self, run: Run, job: Job) -> Exported:
        from pipetui.botify import Counted, Query, full_export, places

        facts, shelf, credits = run.value("preflight", Preflight), places.shelf(run), places.credits(run)
        what, _, remote = run.input("export", str).partition(":")
        orders = [("export", Query.from_json(facts["query"]), facts["rows"])]
        if what == "parts":
            parts = enumerate(facts["parts"], 1)
            orders = [(f"part_{number}", Query.from_json(part["query"]), part["rows"]) for number, part in parts]

        def on_disk() -> list[Export]:
            return [export for _, query, _ in orders for export in shelf.find(query, facts["api"])]

        async def names_on_disk() -> list[str]:
            return [export.folder.name for export in await asyncio.to_thread(on_disk)]

        before = await job.once("before", names_on_disk)  # what is not among them is paid for by this job
        exports = []
        if what == "disk":
            exports = (await asyncio.to_thread(on_disk))[:1]
            if not exports:
                raise JobError("The export is no longer on this disk. Revert this step and choose anew.")
        else:
            async with places.client(run) as client:
                for name, query, rows in orders:
                    export = await full_export(
                        client,
                        query,
                        shelf,
                        counted=Counted(rows, exact=facts["exact"]),
                        credits=credits,
                        limit=min(rows or facts["limit"], facts["limit"]),
                        job=job,
                        name=name,
                        profile=run.profile,
                        fresh=what == "anew",
                        adopt=remote,
                    )
                    exports.append(export)

        job.progress(0, 0, "Placing the file …")
        columns, rows = run.value("fields", list[str]), sum(export.rows for export in exports)
        async with job.artifact("export.csv") as artifact:
            await asyncio.to_thread(_place, exports, columns, artifact.path)
            artifact.rows = rows
        async with job.artifact("manifest.json") as artifact:
            manifests = [export.to_json() for export in exports]
            text = json.dumps(manifests[0] if len(manifests) == 1 else {"rows": rows, "parts": manifests}, indent=2)
            artifact.path.write_text(text + "\n", "utf-8")
        paid = [] if remote else [export for export in exports if export.folder.name not in before]
        return Exported(
            rows=rows,
            columns=columns,
            credits=sum(export.credits for export in paid),
            how="paid" if paid else "followed" if remote else "disk",
            cut=any(export.cut for export in exports),
            notes=[note for export in exports for note in export.notes],
            sha256=[export.sha256 for export in exports],
        )

    def step_06_view(self, run: Run) -> View:
        done = run.value("export", Exported)
        rows = [
            ("rows", f"{done['rows']:,}"),
            ("columns", ", ".join(done["columns"])),
            ("credits", f"{done['credits']:,g} ({done['how']})"),
            *(("note", note) for note in done["notes"]),
            *(("sha256", each) for each in done["sha256"]),
        ]
        return Table(["what", "value"], rows, widths={"what": 8, "value": 120})

    # -- what is in it

    async def step_07_job(self, run: Run, job: Job) -> Statistics:
        from pipetui.text import csv_cell

        rows, found = await asyncio.to_thread(_statistics, run.folder / "export.csv", job)
        async with job.artifact("statistics.csv") as artifact:
            with artifact.path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(STATISTICS)
                writer.writerows([csv_cell(cell) for cell in line] for line in found)
            artifact.rows = len(found)
        return Statistics(rows=rows, columns=found)

    def step_07_view(self, run: Run) -> View:
        found = run.value("statistics", Statistics)["columns"]

        def details(row: int) -> View:
            return Table(["what", "value"], list(zip(STATISTICS, found[row], strict=True)), widths={"value": 100})

        widths = {"column": 28, "min": 16, "max": 16, "most frequent": 24}
        return Stack([Table(STATISTICS, found, detail=details, widths=widths), Table(file=run.folder / "export.csv")])


# -- Botify


async def _asked(run: Run, ask: Callable[[Client], Awaitable[T]], seconds: float = LIST_SECONDS) -> T:
    """What Botify answers. BotifyError when it refuses or is not in time, JobError when there is no good token."""
    from pipetui.botify import NoAnswer, places

    try:
        async with asyncio.timeout(seconds), places.client(run) as client:
            return await ask(client)
    except TimeoutError:
        raise NoAnswer("Botify takes long to answer. Nothing is lost; try again in a minute.") from None
    except ValueError as error:  # what is kept as a token is none
        raise JobError(str(error)) from None


async def _checked(run: Run, ask: Callable[[Client], Awaitable[T]]) -> T:
    """The same for what was submitted: Invalid with the reason."""
    try:
        return await _asked(run, ask, CHECK_SECONDS)
    except JobError as error:
        raise Invalid(str(error)) from None


def _project(run: Run) -> Project:
    from pipetui.botify import parse_project

    return parse_project(run.value("project", str))[0]


def _crawl(run: Run) -> str:
    return f"crawl.{run.value('analysis', str)}"


async def _query(run: Run, client: Client) -> Query:
    """The one object that is counted, shown and exported."""
    from pipetui.botify import Query

    project, crawl, depth = _project(run), _crawl(run), run.value("depth", object)
    full = {"url": "url"} | {field.id: field.full for field in await client.fields(project, crawl)}
    wanted = run.value("fields", list[str])
    gone = [name for name in wanted if name not in full]
    if gone:
        raise JobError(f"The analysis has no field {', '.join(gone)} (any more). Revert Fields and choose again.")
    filters = {} if depth is None else {"field": f"{crawl}.depth", "predicate": "lte", "value": depth}
    return Query(project, [crawl], [full[name] for name in wanted], filters=filters)


async def _segment(client: Client, project: Project) -> str:
    """The page type, by which a depth that is too large by itself is split; empty where there is none."""
    if "global" not in [collection.id for collection in await client.collections(project)]:
        return ""
    names = [field.full for field in await client.fields(project, "global") if not field.multiple]
    return next((name for name in names if name.startswith("segments.") and "pagetype" in name), "")


# -- words and numbers


def _in_words(export: Export) -> str:
    cut = ", CUT: rows are missing," if export.cut else ""
    return f"the export of {datetime.fromtimestamp(export.finished):%Y-%m-%d} with {export.rows:,} rows{cut}"


def _price(facts: Preflight) -> str:
    """`12,345 rows for 1,234.5 credits`."""
    about = "" if facts["exact"] else "up to "
    rows = facts["rows"] if facts["parts"] and facts["rows"] is not None else facts["limit"]
    return f"{about}{rows:,} rows for {about}{facts['credits']:,g} credits"


def _known(facts: Preflight) -> Iterator[tuple[str, str]]:
    from pipetui.text import size

    rows = "not counted" if facts["rows"] is None else f"{facts['rows']:,}"
    yield "rows", rows if facts["exact"] else f"{rows} at most"
    yield "credits", f"{facts['credits']:,g} (this month so far: {facts['month']:,g})"
    yield "disk", f"about {size(facts['needed'])} needed, {size(facts['free'])} free"
    yield from (("on this disk", text) for text in facts["on_disk"])
    yield from (("running", f"the same export, number {remote}{made}") for remote, made in facts["running"])
    yield from (("finished", f"the same export, number {remote}{made}") for remote, made in facts["finished"])
    yield from (("problem", text) for text in facts["problems"])
    yield from (("note", text) for text in facts["notes"])
    for part in facts["parts"]:
        yield "part", f"{part['label']}: {part['rows']:,} rows, {part['credits']:,g} credits"


def _largest(facts: Preflight) -> int | None:
    """The largest depth up to which all rows fit into one export."""
    from pipetui.botify import Band, fits

    return fits([Band(**band) for band in facts["bands"]], facts["limit"])


def _histogram(facts: Preflight) -> Iterator[View]:
    largest = _largest(facts)
    fitting = "not even the first depth fits" if largest is None else f"up to depth {largest} fits"
    bars, lines = [], []
    for band in facts["bands"]:
        name = "no depth" if band["depth"] is None else str(band["depth"])
        fits = "yes" if band["cumulative"] <= facts["limit"] else ""
        bars.append((name, band["rows"]))
        lines.append([name, f"{band['pages']:,}", f"{band['rows']:,}", f"{band['cumulative']:,}", fits])
    mark = "" if largest is None else str(largest)
    yield Chart(bars, title=f"Rows by depth: {fitting} into one export", unit="rows", mark=mark)
    yield Table(["depth", "pages", "rows", "up to here", "fits into one"], lines)


# -- the file


def _place(exports: Sequence[Export], names: Sequence[str], path: Path) -> None:
    """The exports as one CSV with commas and a header line; the very file where it is so already."""
    from pipetui.botify import join

    first = exports[0]
    if len(exports) == 1:
        first.place(path)
    else:
        join(exports, path, disjoint=True)
    if first.header and first.delimiter == "," and first.skip == 1:
        return
    plain = path.with_name(f"{path.name.removesuffix('.part')}-plain.part")  # swept after a crash, as the other
    with (
        path.open(encoding="utf-8-sig", errors="replace", newline="") as source,
        plain.open("w", encoding="utf-8", newline="") as out,
    ):
        for _ in range(first.skip):
            source.readline()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(csv.reader(source, delimiter=first.delimiter))
    plain.replace(path)


class _Column:
    """What the rows so far say of a column."""

    def __init__(self) -> None:
        self._filled = self._empty = 0
        self._counts: Counter[str] = Counter()
        self._has_more = False
        self._is_numeric = True
        self._texts: list[str] = []
        self._numbers: list[str] = []

    def add(self, cells: Iterable[str]) -> None:
        counts = Counter(cells)
        self._empty += counts.pop("", 0)
        self._filled += counts.total()
        self._texts = _extremes([*self._texts, *counts], str)
        self._is_numeric = self._is_numeric and all(map(_is_number, counts))
        if self._is_numeric:
            self._numbers = _extremes([*self._numbers, *counts], float)
        for cell, times in counts.items():
            if cell in self._counts or len(self._counts) < DISTINCT:
                self._counts[cell] += times
            else:
                self._has_more = True

    def line(self, name: str) -> list[str]:
        """The column as a row of `STATISTICS`."""
        distinct = f"more than {DISTINCT:,}" if self._has_more else f"{len(self._counts):,}"
        lowest, highest = (self._numbers if self._is_numeric else self._texts) or ("", "")
        [(frequent, times)] = self._counts.most_common(1) or [("", 0)]
        if times < 2:
            frequent, times = "", 0  # every value is there once: none is more frequent
        texts = [name, f"{self._filled:,}", f"{self._empty:,}", distinct, lowest, highest, frequent]
        return [text[:SHOWN] for text in texts] + [f"{times:,}" if times else ""]


def _extremes(cells: Sequence[str], key: Callable[[str], Any]) -> list[str]:
    return [min(cells, key=key), max(cells, key=key)] if cells else []


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _statistics(path: Path, job: Job) -> tuple[int, list[list[str]]]:
    """(rows, a line for each column); the file is read once, a few rows at a time."""
    csv.field_size_limit(1 << 24)
    rows, size = 0, path.stat().st_size
    with path.open("rb") as raw, TextIOWrapper(raw, "utf-8-sig", "replace", newline="") as file:
        reader = csv.reader(file)
        names = next(reader, [])
        columns = [_Column() for _ in names]
        while some := list(islice(reader, AT_ONCE)):
            for column, cells in zip(columns, zip_longest(*some, fillvalue=""), strict=False):
                column.add(cells)
            rows += len(some)
            job.progress(raw.tell(), size, f"{rows:,} rows")
    return rows, [column.line(name) for column, name in zip(columns, names, strict=True)]
