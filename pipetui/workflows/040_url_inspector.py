"""URL inspector: fetches pages over HTTP and lists what search engines would stumble over."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from pipetui import Invalid, Job, Run, Step, Workflow
from pipetui.fields import Group, Number, Switch, Text, TextArea
from pipetui.text import counted
from pipetui.views import Table, View

if TYPE_CHECKING:
    from pipetui.pages.files import PageRow
    from pipetui.pages.findings import Finding
    from pipetui.pages.reader import Reader

URLS = TextArea(blank=True, placeholder="example.com/page", hint="one address a line, http or https")
OVERVIEW = ["status", "title", "findings", "seconds", "url"]
FINDINGS = ["severity", "problem", "url", "detail"]
KEPT = 24
"""Pages that are read and kept while others are fetched: a slow disk holds up no request."""
SEVERITIES = ["error", "warning", "notice"]


class Options(TypedDict):
    timeout: float
    parallel: int
    delay: float
    agent: str
    robots: bool


class Pages(TypedDict):
    pages: int
    fetched: int
    findings: int


class Problem(TypedDict):
    """`pages` have it; it was `found` so many times."""

    code: str
    label: str
    severity: str
    pages: int
    found: NotRequired[int]


def _findings_line(problems: list[Problem]) -> str:
    """`14 errors, 1 warning: No title 2, …`, of each problem on how many pages it is."""
    amounts: Counter[str] = Counter()
    for problem in problems:
        amounts[problem["severity"]] += problem.get("found", problem["pages"])
    told = (f"{amounts[each]:,} {each}{'s' * (amounts[each] != 1)}" for each in SEVERITIES if amounts[each])
    labels = (f"{problem['label']} {problem['pages']:,}" for problem in problems)
    return f"{', '.join(told)}: {', '.join(labels)}" if problems else "no problems found"


class UrlInspector(Workflow):
    APP_NAME = "url_inspector"
    DISPLAY_NAME = "URL Inspector 🔎"
    ENDPOINT_MESSAGE = "Paste addresses; see what each page tells search engines, and what is wrong."
    TRAINING_PROMPT = "url_inspector.md"

    steps = [
        Step(
            "step_01",
            done="urls",
            show="URLs",
            field=URLS,
            refill=True,
        ),
        Step(
            "step_02",
            done="options",
            show="Options",
            field=Group(
                timeout=Number(20, label="Timeout", minimum=1, maximum=600, unit="s"),
                parallel=Number(8, label="Parallel requests", minimum=1, maximum=64, whole=True),
                delay=Number(0, label="Delay per host", minimum=0, maximum=60, unit="s"),
                agent=Text(label="User agent", optional=True, hint="empty: pipetui's own"),
                robots=Switch(True, label="Respect robots.txt"),
            ),
            refill=True,
        ),
        Step(
            "step_03",
            done="pages",
            show="Pages",
            auto=True,
            summary=lambda pages: (
                f"{pages['fetched']:,} of {pages['pages']:,} fetched, {counted(pages['findings'], 'finding')}"
            ),
        ),
        Step(
            "step_04",
            done="findings",
            show="Findings",
            auto=True,
            summary=_findings_line,
        ),
    ]

    def step_01_form(self, run: Run) -> TextArea:
        """In the sandbox faulty pages of its web site stand there already."""
        try:
            known = json.loads((run.shared / "sandbox.json").read_text("utf-8"))
            site, pages = known["site_url"], known.get("practice", [])
        except (OSError, ValueError, KeyError):
            return URLS
        hint = "these are pages of the sandbox's site, to practise" if pages else f"to practise: {site}/"
        default = [*pages, ""] if pages else None  # what one pastes begins a line
        return dataclasses.replace(URLS, default=default, hint=f"{URLS.hint}; {hint}")

    def step_01_submit(self, run: Run, lines: list[str]) -> list[str]:
        from pipetui.pages.urls import BadUrl, parse_urls

        try:
            return parse_urls(lines)
        except BadUrl as error:
            raise Invalid(str(error)) from None

    async def step_03_job(self, run: Run, job: Job) -> Pages:
        from pipetui.pages.reader import Reader

        urls = run.value("urls", list[str])
        options = run.value("options", Options)
        folder = run.folder / f"pages-{job.id[:8]}"  # a job that was reverted may still be writing into its own
        async with Reader(folder) as reader:  # its process starts while we import the rest
            from pipetui.pages import files
            from pipetui.pages.findings import findings

            pages = await _inspected(job, reader, urls, options)
        job.progress(len(urls), len(urls), "Writing files")
        async with job.artifact("pages.jsonl") as artifact:
            artifact.rows = await asyncio.to_thread(files.write_rows, artifact.path, pages)
        async with job.artifact("pages.csv") as artifact:
            artifact.rows = await asyncio.to_thread(files.write_pages_csv, artifact.path, pages)
        async with job.artifact("links.csv") as artifact:
            artifact.rows = await asyncio.to_thread(files.write_links_csv, artifact.path, folder, pages)
        found = await asyncio.to_thread(findings, pages, files.read_links(run.folder / "links.csv"))
        async with job.artifact("overview.csv") as artifact:
            artifact.rows = _write(artifact.path, OVERVIEW, _overview(pages, found))
        fetched = sum(not page["error"] for page in pages)
        return Pages(pages=len(pages), fetched=fetched, findings=len(found))

    def step_03_view(self, run: Run) -> View:
        return Table(OVERVIEW, file=run.folder / "overview.csv", detail=_Details(run.folder))

    async def step_04_job(self, run: Run, job: Job) -> list[Problem]:
        from pipetui.pages import files
        from pipetui.pages.findings import counts, findings

        pages = files.read_rows(run.folder / "pages.jsonl")
        found = await asyncio.to_thread(findings, pages, files.read_links(run.folder / "links.csv"))
        async with job.artifact("findings.csv") as artifact:
            worst_first = sorted(found, key=lambda each: SEVERITIES.index(each.severity))
            lines = ([each.severity, each.label, each.url, each.detail] for each in worst_first)
            artifact.rows = _write(artifact.path, FINDINGS, lines)
        times = Counter(each.code for each in found)
        return [
            Problem(code=of.code, label=of.label, severity=of.severity, pages=of.pages, found=times[of.code])
            for of in counts(found)
        ]

    def step_04_view(self, run: Run) -> View:
        return Table(FINDINGS, file=run.folder / "findings.csv", states={"error": "error", "warning": "warning"})


async def _inspected(job: Job, reader: Reader, urls: list[str], options: Options) -> list[PageRow]:
    """The rows of all pages; each is fetched, read and kept once, whatever happens to the job."""
    from pipetui.pages.fetch import Fetcher
    from pipetui.pages.fetch import Options as How

    rows: dict[str, PageRow] = {}
    left = iter(urls)
    how = How(**options)

    async def work(fetcher: Fetcher) -> None:
        for url in left:

            async def inspect(url: str = url) -> PageRow:
                return await reader.keep(await fetcher.page(url))

            rows[url] = await job.once("page", inspect, inputs=url)
            job.progress(len(rows), len(urls), url)

    async with Fetcher(how) as fetcher, asyncio.TaskGroup() as tasks:
        for _ in range(min(how.parallel + KEPT, len(urls))):
            tasks.create_task(work(fetcher))
    return [rows[url] for url in urls]


class _Details:
    """What Enter on a row of the overview shows: all that is known of the page."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "pages.jsonl"

    def __call__(self, row: int) -> View:
        from pipetui.pages.files import from_row
        from pipetui.pages.findings import findings

        with self._file.open(encoding="utf-8") as file:
            page = from_row(json.loads(next(islice(file, row, None))))
        return Table(["what", "value"], list(_known(page, findings([page]))))


def _overview(pages: list[PageRow], found: list[Finding]) -> Iterator[list[str]]:
    problems = Counter(finding.url for finding in found)
    for page in pages:
        status = str(page["status"] or "–")
        title = page["title"] or page["error"] or "(no title)"
        yield [status, title, str(problems[page["url"]]), f"{page['seconds']:.2f}", page["url"]]


def _known(page: PageRow, found: list[Finding]) -> Iterator[tuple[str, str]]:
    yield "address", page["url"]
    for hop in page["redirects"]:
        yield f"redirect {hop['status']}", f"{hop['url']} → {hop['location']}"
    yield "final address", page["final_url"]
    yield "status", str(page["status"] or "no answer")
    for note in [page["error"], *page["notes"]]:
        if note:
            yield "note", note
    for finding in found:
        yield finding.severity, f"{finding.label} {finding.detail}".strip()
    for name in ("title", "description", "canonical", "language", "encoding", "content_type", "words", "bytes"):
        value = page[name]
        if value not in (None, ""):
            yield name.replace("_", " "), str(value)
    for rule in page["robots"]:
        yield f"robots ({rule['source']})", f"{rule['agent']}: {rule['content']}".removeprefix(": ")
    yield from (("h1", text) for text in page["h1"])
    yield from (("h2", text) for text in page["h2"])
    yield from ((f"hreflang {each['language']}", each["url"]) for each in page["hreflang"])
    yield "links", f"{page['links_internal']:,} internal, {page['links_external']:,} external"
    yield "images", f"{page['images']:,}, {page['images_without_alt']:,} of them without alt"
    yield from (("JSON-LD", name) for name in page["jsonld_types"])
    yield from (("microdata", name) for name in page["microdata_types"])
    yield from page["open_graph"].items()
    yield from ((f"header {name}", value) for name, value in page["headers"])


def _write(path: Path, header: list[str], lines: Iterator[list[str]]) -> int:
    from pipetui.text import csv_cell

    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for line in lines:
            writer.writerow([csv_cell(cell) for cell in line])
            count += 1
    return count
