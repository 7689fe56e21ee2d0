"""What there is to say about a graph that was measured, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .database import Database
from .graph import Block, Graph
from .load import EdgeFile, NodeFile
from .measure import PageRank

MATRIX_SIZE = 30
"""Page types that the matrix keeps apart, the largest ones; the rest is one."""
OTHERS = "(others)"


@dataclass(frozen=True)
class Ranked:
    """A page and what it was ranked by."""

    url: str
    value: float


@dataclass(frozen=True)
class Broken:
    """A page that answers with a redirect or an error, and how many pages link to it."""

    url: str
    status: int
    linked_from: int


@dataclass(frozen=True)
class Matrix:
    """Links between page types: `links[i][j]` of them go from `segments[i]` to `segments[j]`; `pages[i]` are of a
    type. Sorted by pages, the largest first; `are_folders` when no file told the types."""

    segments: tuple[str, ...]
    pages: tuple[int, ...]
    links: tuple[tuple[int, ...], ...]
    are_folders: bool


@dataclass(frozen=True)
class Loss:
    """A page's PageRank before and after."""

    url: str
    before: float
    after: float

    @property
    def share(self) -> float:
        """What it loses of its own, from 0 to 1."""
        return (self.before - self.after) / self.before


@dataclass(frozen=True)
class WithoutBlock:
    """What happens when a block of links goes: the pages that lose most PageRank, in total and by page type."""

    block: Block
    links: int
    losses: tuple[Loss, ...]
    by_segment: tuple[Loss, ...]  # their `url` is the page type


@dataclass(frozen=True)
class Report:
    """Everything that report.md says. Lists are cut to the `top` that was asked for; counts are of all."""

    edge_files: tuple[EdgeFile, ...]
    node_files: tuple[NodeFile, ...]
    pages: int
    listed: int
    """Pages in a node file."""
    unlinked: int
    """Listed pages that no link touches."""
    rows: int
    """Links as they were given, the repeated ones too."""
    edges: int
    """Different pairs, self links included."""
    self_links: int
    duplicates: int
    """Rows that repeat a pair."""
    home: str | None
    home_was_guessed: bool
    depths: tuple[tuple[int, int], ...]
    """(clicks from the home page, pages)."""
    unreachable: int
    pagerank: PageRank
    reciprocal: float
    """Share of links whose target links back."""
    components: int
    component_sizes: tuple[int, ...]
    orphans: int
    orphan_pages: tuple[Ranked, ...]
    """With their out-degree."""
    dead_ends: int
    dead_end_pages: tuple[Ranked, ...]
    """With their in-degree."""
    has_status: bool
    statuses: tuple[tuple[int | None, int, int], ...]
    """(status, pages, links to them)."""
    links_to_redirects: int
    links_to_errors: int
    redirects: tuple[Broken, ...]
    errors: tuple[Broken, ...]
    by_pagerank: tuple[Ranked, ...]
    by_in_degree: tuple[Ranked, ...]
    by_out_degree: tuple[Ranked, ...]
    matrix: Matrix
    without: WithoutBlock | None

    @property
    def files(self) -> tuple[EdgeFile | NodeFile, ...]:
        return (*self.edge_files, *self.node_files)


def report(graph: Graph, top: int = 20) -> Report:
    """Ask the measured graph everything; takes the measures first where that was not done. LinksError, Cancelled."""
    measured = graph.measured or graph.measure()
    db, loaded = graph.db, graph.loaded
    pages, listed, unlinked, unreachable, orphans, dead_ends = db.row(
        """
        SELECT count(*), count(*) FILTER (p.listed),
               count(*) FILTER (p.listed AND n.in_degree = 0 AND n.out_degree = 0 AND NOT n.self_link),
               count(*) FILTER (n.depth IS NULL), count(*) FILTER (n.orphan), count(*) FILTER (n.dead_end)
        FROM nodes n JOIN pages p ON p.id = n.page
        """
    )
    rows, edges, self_links = db.row(
        "SELECT coalesce(sum(times), 0)::BIGINT, count(*), coalesce(sum(times) FILTER (source = target), 0)::BIGINT "
        "FROM edges"
    )
    sizes = [row[0] for row in db.rows("SELECT count(*) FROM nodes GROUP BY component ORDER BY component")]
    to_redirects, to_errors = db.row(
        "SELECT coalesce(sum(to_redirects), 0)::BIGINT, coalesce(sum(to_errors), 0)::BIGINT FROM nodes"
    )
    return Report(
        loaded.edge_files,
        loaded.node_files,
        pages=pages,
        listed=listed,
        unlinked=unlinked,
        rows=rows,
        edges=edges,
        self_links=self_links,
        duplicates=rows - edges,
        home=measured.home,
        home_was_guessed=measured.home_was_guessed,
        depths=tuple(
            (depth, count)
            for depth, count in db.rows(
                "SELECT depth, count(*) FROM nodes WHERE depth IS NOT NULL GROUP BY depth ORDER BY depth"
            )
        ),
        unreachable=unreachable,
        pagerank=measured.pagerank,
        reciprocal=measured.reciprocal,
        components=len(sizes),
        component_sizes=tuple(sizes[:top]),
        orphans=orphans,
        orphan_pages=_ranked(db, "out_degree", top, "orphan"),
        dead_ends=dead_ends,
        dead_end_pages=_ranked(db, "in_degree", top, "dead_end"),
        has_status=loaded.has_status,
        statuses=tuple(
            (status, count, links)
            for status, count, links in db.rows(
                "SELECT status, count(*), sum(in_degree)::BIGINT FROM nodes GROUP BY status ORDER BY status NULLS LAST"
            )
        )
        if loaded.has_status
        else (),
        links_to_redirects=to_redirects,
        links_to_errors=to_errors,
        redirects=_broken(db, 300, 399, top),
        errors=_broken(db, 400, 599, top),
        by_pagerank=_ranked(db, "pagerank", top),
        by_in_degree=_ranked(db, "in_degree", top),
        by_out_degree=_ranked(db, "out_degree", top),
        matrix=_matrix(db, are_folders=not loaded.has_segment),
        without=_without(db, measured.block, measured.block_links, top) if measured.block else None,
    )


def _ranked(db: Database, by: str, top: int, where: str = "true") -> tuple[Ranked, ...]:
    found = db.rows(
        f"SELECT p.url, n.value FROM (SELECT page, {by} AS value FROM nodes WHERE {where} "
        f"ORDER BY value DESC, page LIMIT ?) n JOIN pages p ON p.id = n.page ORDER BY n.value DESC, n.page",
        [top],
    )
    return tuple(Ranked(url, value) for url, value in found)


def _broken(db: Database, least: int, most: int, top: int) -> tuple[Broken, ...]:
    found = db.rows(
        "SELECT p.url, n.status, n.in_degree FROM nodes n JOIN pages p ON p.id = n.page "
        "WHERE n.status BETWEEN ? AND ? AND n.in_degree > 0 ORDER BY n.in_degree DESC, n.page LIMIT ?",
        [least, most, top],
    )
    return tuple(Broken(url, status, links) for url, status, links in found)


def _matrix(db: Database, *, are_folders: bool) -> Matrix:
    segments = db.rows(
        "SELECT segment, count(*) AS pages FROM nodes GROUP BY segment ORDER BY pages DESC, segment LIMIT ?",
        [MATRIX_SIZE],
    )
    names = [name for name, _ in segments]
    pages = [count for _, count in segments]
    rest = db.value("SELECT count(*) FROM nodes") - sum(pages)
    if rest:
        names.append(OTHERS)
        pages.append(rest)
    links = [[0] * len(names) for _ in names]
    db.run("CREATE OR REPLACE TABLE kinds AS SELECT page, coalesce(list_position(?, segment), ?)::UTINYINT - 1 AS kind "
           "FROM nodes", [names[:MATRIX_SIZE] or [""], MATRIX_SIZE + 1])  # fmt: skip
    for source, target, count in db.rows(
        "SELECT a.kind, b.kind, count(*) FROM links l JOIN kinds a ON a.page = l.source "
        "JOIN kinds b ON b.page = l.target GROUP BY ALL"
    ):
        links[source][target] = count
    db.run("DROP TABLE kinds")
    return Matrix(tuple(names), tuple(pages), tuple(map(tuple, links)), are_folders)


def _without(db: Database, block: Block, links: int, top: int) -> WithoutBlock:
    losses = db.rows(
        "SELECT p.url, n.pagerank, n.pagerank_without FROM nodes n JOIN pages p ON p.id = n.page "
        "WHERE n.pagerank > n.pagerank_without ORDER BY n.pagerank - n.pagerank_without DESC, n.page LIMIT ?",
        [top],
    )
    segments = db.rows(
        "SELECT segment, sum(pagerank) AS b, sum(pagerank_without) AS a FROM nodes GROUP BY segment "
        "ORDER BY b - a DESC, segment LIMIT ?",
        [top],
    )
    return WithoutBlock(block, links, _losses(losses), _losses(segments))


def _losses(rows: Sequence[tuple[str, float, float]]) -> tuple[Loss, ...]:
    return tuple(Loss(*row) for row in rows)
