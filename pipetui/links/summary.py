"""The few numbers that sum up a report: JSON, to be kept and shown where the graph itself is no longer at hand."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from .report import Report


class Numbers(TypedDict):
    """Counts, as in `Report`; `targetless` are rows that are no links, `reciprocal` is a share, `home` empty without
    pages. `depths` are [clicks, pages]; `matrix[i][j]` are the links from page type `types[i]` to `types[j]`,
    `type_pages[i]` the pages of a type."""

    pages: int
    links: int
    targetless: NotRequired[int]
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


def numbers(report: Report) -> Numbers:
    matrix = report.matrix
    return Numbers(
        pages=report.pages,
        links=report.rows,
        targetless=sum(file.targetless for file in report.edge_files),
        edges=report.edges,
        self_links=report.self_links,
        reciprocal=report.reciprocal,
        orphans=report.orphans,
        dead_ends=report.dead_ends,
        unreachable=report.unreachable,
        components=report.components,
        has_status=report.has_status,
        to_redirects=report.links_to_redirects,
        to_errors=report.links_to_errors,
        home=report.home or "",
        depths=[list(depth) for depth in report.depths],
        are_folders=matrix.are_folders,
        types=list(matrix.segments),
        type_pages=list(matrix.pages),
        matrix=[list(row) for row in matrix.links],
    )


def in_words(found: Numbers) -> str:
    """The numbers as Markdown. Nothing in it comes from outside."""
    distinct = "" if found["edges"] == found["links"] else f", {found['edges']:,} of them different"
    targetless = found.get("targetless", 0)
    left_out = f" {targetless:,} more rows have no target, and are no links." if targetless else ""
    lines = [
        f"**{found['pages']:,}** pages and **{found['links']:,}** links{distinct}."
        f"{left_out} Of all links {found['reciprocal']:.0%} lead to a page that links back.",
        "",
        f"- Orphans, to which no other page links: **{found['orphans']:,}**",
        f"- Dead ends, which link to no other page: **{found['dead_ends']:,}**",
        f"- Pages that can't be reached from the home page: **{found['unreachable']:,}**",
        f"- Separate parts of the graph: **{found['components']:,}**",
        f"- Links of a page to itself: **{found['self_links']:,}**",
    ]
    if found["has_status"]:
        lines.append(f"- Links to redirects: **{found['to_redirects']:,}**, to errors: **{found['to_errors']:,}**")
    return "\n".join(lines)
