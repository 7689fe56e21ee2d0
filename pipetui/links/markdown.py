"""The report as Markdown for people. What came from outside (addresses, names) stands in code, where nothing acts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..text import count, one_line
from .load import EdgeFile, NodeFile
from .report import Broken, Loss, Matrix, Ranked, Report, WithoutBlock

MATRIX_COLUMNS = 12
"""More make no readable table; the heat map and the data have all."""


def code(text: str, limit: int = 200) -> str:
    """`text` as inline code that stays in its cell: fenced by more backticks than it has, bars escaped."""
    shown = one_line(text, limit) or "(empty)"
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


def markdown(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield "# Link report"
    yield ""
    yield from _files(report)
    yield from _overview(report)
    yield from _depths(report)
    yield from _answers(report)
    yield from _ranking(
        "Pages with the highest PageRank", "PageRank", report.by_pagerank,
        "The share of all visits of a reader who follows links at random; all pages together have 100 %.", percent=True,
    )  # fmt: skip
    yield from _ranking("Pages most linked to", "linked from", report.by_in_degree)
    yield from _ranking("Hubs: pages that link to most", "links to", report.by_out_degree)
    yield from _ranking(
        f"Orphans: {_things(report.orphans, 'page')}", "links to", report.orphan_pages,
        "No other page links to them.", shown_of=report.orphans,
    )  # fmt: skip
    yield from _ranking(
        f"Dead ends: {_things(report.dead_ends, 'page')}", "linked from", report.dead_end_pages,
        "They link to no other page in these files. (A page that was not crawled has no links here either.)",
        shown_of=report.dead_ends,
    )  # fmt: skip
    yield from _matrix(report.matrix)
    if report.without:
        yield from _without(report.without)
    yield from _method(report)


def _files(report: Report) -> Iterator[str]:
    yield "## Files"
    yield ""
    for file in report.files:
        yield f"- {code(file.name)}: {_of_file(file)}"
    yield ""


def _of_file(file: EdgeFile | NodeFile) -> str:
    if isinstance(file, EdgeFile):
        said = [f"{count(file.rows)} rows of links, {code(file.source, 60)} → {code(file.target, 60)}"]
        said += [f"weight from {code(file.weight, 60)}"] if file.weight else []
        said += [f"{count(file.targetless)} of them without a target (not counted)"] if file.targetless else []
        missing = "a source or a usable weight" if file.weight else "a source"
    else:
        said = [f"{count(file.rows)} rows of pages, address in {code(file.page, 60)}"]
        said += [f"status in {code(file.status, 60)}"] if file.status else []
        said += [f"page type in {code(file.segment, 60)}"] if file.segment else []
        said += [f"{count(file.duplicates)} repeat a page (not counted)"] if file.duplicates else []
        missing = "an address"
    said += [f"{count(file.unusable)} without {missing} (not counted)"] if file.unusable else []
    said += [f"**{_things(file.malformed, 'malformed line')} left out**"] if file.malformed else []
    return "; ".join(said) + "."


def _overview(report: Report) -> Iterator[str]:
    home = "none" if report.home is None else code(report.home) + (" (guessed)" if report.home_was_guessed else "")
    largest = report.component_sizes[0] if report.component_sizes else 0
    facts: list[tuple[str, str]] = [
        ("Pages", count(report.pages)),
        ("Links", count(report.rows)),
        ("Different links", count(report.edges)),
        ("Repeated links", count(report.duplicates)),
        ("Links of a page to itself", count(report.self_links)),
        ("Links whose target links back", _percent(report.reciprocal)),
        ("Home page", home),
        ("Pages that the home page does not reach", count(report.unreachable)),
        ("Orphans", count(report.orphans)),
        ("Dead ends", count(report.dead_ends)),
        ("Components", f"{count(report.components)}; the largest has {_things(largest, 'page')}"),
    ]
    if report.node_files:
        facts.insert(
            1, ("Pages in the node files", f"{count(report.listed)}; {count(report.unlinked)} without any link")
        )
    if report.has_status:
        facts += [
            ("Links to redirects", count(report.links_to_redirects)),
            ("Links to errors", count(report.links_to_errors)),
        ]
    yield "## Overview"
    yield ""
    yield from _table(("", ""), facts)


def _depths(report: Report) -> Iterator[str]:
    if not report.depths:
        return
    yield "## Clicks from the home page"
    yield ""
    shown = report.depths[:50]
    rows = [(str(depth), count(pages), _percent(pages / report.pages)) for depth, pages in shown]
    if rest := sum(pages for _, pages in report.depths[50:]):
        rows.append((f"{shown[-1][0] + 1} to {report.depths[-1][0]}", count(rest), _percent(rest / report.pages)))
    if report.unreachable:
        rows.append(("not reached", count(report.unreachable), _percent(report.unreachable / report.pages)))
    yield from _table(("Clicks", "Pages", "Share"), rows)


def _answers(report: Report) -> Iterator[str]:
    if not report.has_status:
        return
    yield "## What pages answer"
    yield ""
    rows = [("unknown" if s is None else str(s), count(pages), count(links)) for s, pages, links in report.statuses]
    yield from _table(("Status", "Pages", "Links to them"), rows)
    for title, found in (("Redirects", report.redirects), ("Errors", report.errors)):
        if found:
            yield f"### {title} most linked to"
            yield ""
            yield from _table(("Page", "Status", "Linked from"), map(_of_broken, found))


def _of_broken(page: Broken) -> tuple[str, str, str]:
    return code(page.url), str(page.status), count(page.linked_from)


def _ranking(
    title: str, by: str, pages: Sequence[Ranked], explained: str = "", *, percent: bool = False, shown_of: int = 0
) -> Iterator[str]:
    if not pages:
        return
    yield f"## {title}"
    yield ""
    if explained:
        yield explained
        yield ""
    form = _percent if percent else lambda value: count(int(value))
    yield from _table(("Page", by[:1].upper() + by[1:]), ((code(page.url), form(page.value)) for page in pages))
    if shown_of > len(pages):
        yield f"{count(shown_of - len(pages))} more are in nodes.csv."
        yield ""


def _matrix(matrix: Matrix) -> Iterator[str]:
    if not matrix.segments:
        return
    of = "first folders" if matrix.are_folders else "page types"
    yield f"## Links between {of}"
    yield ""
    yield "From the row to the column."
    yield ""
    shown = range(min(len(matrix.segments), MATRIX_COLUMNS))
    names = [code(name, 40) for name in matrix.segments]
    yield from _table(
        ("", "Pages", *(names[j] for j in shown)),
        ((names[i], count(matrix.pages[i]), *(count(matrix.links[i][j]) for j in shown)) for i in shown),
    )
    if len(names) > len(shown):
        yield f"The {len(shown)} largest of them."
        yield ""


def _without(without: WithoutBlock) -> Iterator[str]:
    block = without.block
    yield f"## If the links from {code(block.source)} to {code(block.target)} go"
    yield ""
    yield f"That is {_things(without.links, 'link')}. These lose most PageRank:"
    yield ""
    yield from _table(("Page", "Before", "After", "Loss"), map(_of_loss, without.losses))
    yield from _table(("Page type or folder", "Before", "After", "Loss"), map(_of_loss, without.by_segment))


def _of_loss(loss: Loss) -> tuple[str, str, str, str]:
    return code(loss.url), _percent(loss.before), _percent(loss.after), f"{100 * loss.share:.1f} %"


def _method(report: Report) -> Iterator[str]:
    rank = report.pagerank
    ended = "ended" if rank.converged else "was stopped"
    yield "## How it was measured"
    yield ""
    yield (
        "Addresses are compared as they stand in the files. In-degree, out-degree, depth, components and PageRank "
        "count a link between two different pages once, and no links of a page to itself."
    )
    yield (
        f"PageRank: damping {rank.damping:g}, {'by weight' if rank.weighted else 'all links of a page alike'}; it "
        f"{ended} after {_things(rank.iterations, 'round')}, with all changes together below "
        f"{rank.tolerance:g} as the aim. What pages without links have goes to all pages alike."
    )


def _table(
    header: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]] | map[tuple[str, ...]]
) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' + ' ---: |' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _percent(share: float) -> str:
    """Enough digits for a page among millions."""
    percent = 100 * share
    return (
        f"{percent:.1f} %"
        if percent >= 1 or percent == 0
        else f"{percent:.2g} %"
        if percent >= 1e-4
        else f"{percent:.1e} %"
    )


def _things(number: int, thing: str) -> str:
    return f"{count(number)} {thing}" + ("" if number == 1 else "s")
