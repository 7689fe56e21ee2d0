"""A graph of links: loaded from files, measured, reported on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import measure
from .database import Database, Stop
from .errors import BadInput
from .load import Loaded, Progress, load

MEMORY_LIMIT = "650MB"
"""For DuckDB; the process then stays under 1 GB at ten million links."""

_HOST = "regexp_extract(url, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)', 1)"
_FOLDER = "nullif(regexp_extract(url, '^(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(/[^/?#]*/)', 1), '')"
_IS_ROOT = "regexp_full_match(url, '(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?/?')"


def quiet(text: str, share: float) -> None:
    """Progress that nobody wants to see."""


@dataclass(frozen=True)
class Block:
    """Links that might go: those from a page that fits `source` to one that fits `target`.

    Each is an address in which `*` stands for anything, or `type:NAME` for all pages of a page type.
    """

    source: str = "*"
    target: str = "*"


@dataclass(frozen=True)
class Measured:
    """With which home page (None: there are no pages) and which PageRank the measures were taken."""

    home: str | None
    home_was_guessed: bool
    pagerank: measure.PageRank
    reciprocal: float
    block: Block | None
    block_links: int
    """How many links the block has."""


class Graph:
    """`with Graph.load(…) as graph: graph.measure(); report(graph)`. One thread at a time; `interrupt` from any."""

    def __init__(self, db: Database, loaded: Loaded, progress: Progress) -> None:
        self.db = db
        self.loaded = loaded
        self.measured: Measured | None = None
        self._progress = progress

    @classmethod
    def load(
        cls,
        edges: Path | Sequence[Path],
        nodes: Path | Sequence[Path] = (),
        *,
        temp_directory: Path,
        memory_limit: str = MEMORY_LIMIT,
        threads: int | None = None,
        source: str | None = None,
        target: str | None = None,
        progress: Progress = quiet,
        stop: Stop | None = None,
    ) -> Self:
        """Read CSV files of links, and of pages; gzip or not, with a header or not.

        `temp_directory` gets a private folder, removed by `close`. `memory_limit` is DuckDB's, as in `1GB`; what is
        more goes to that folder. `source` and `target` name the columns (or number them from 1) where the file does
        not tell. `stop` can end the work while this call lasts. BadInput, LinksError, Cancelled.
        """
        db = Database(temp_directory, memory_limit=memory_limit, threads=threads, stop=stop or Stop())
        try:
            loaded = load(db, _several(edges), _several(nodes), source=source, target=target, progress=progress)
        except BaseException:
            db.close()
            raise
        return cls(db, loaded, progress)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the database and remove its folder."""
        self.db.close()

    def interrupt(self) -> None:
        """From another thread: the call at work raises `Cancelled`, and so does every later one but `close`."""
        self.db.stop.interrupt()

    def measure(
        self,
        home: str | None = None,
        *,
        weighted: bool = False,
        damping: float = measure.DAMPING,
        tolerance: float = measure.TOLERANCE,
        without: Block | None = None,
        progress: Progress | None = None,
    ) -> Measured:
        """Take all measures. They are then in the table `nodes`, a row a page, until they are taken again.

        `home` is where click depth starts; without it, the shortest address of the site's root. `weighted` makes
        PageRank follow links by their weight (a `weight` column's sum, or how often they occur), not in equal parts.
        `without` has PageRank taken a second time as if these links were gone. BadInput for a home page that is not
        there, or a block without links.
        """
        db, tell = self.db, progress or self._progress
        self.measured = None
        tell("Degrees", 0.0)
        measure.degrees(db)
        start, was_guessed = self._home(home), home is None
        self._segments(start)
        blocked = self._block(without) if without else 0
        measure.depths(db, start, part_of(tell, 0.1, 0.25))
        measure.components(db, start, part_of(tell, 0.25, 0.35))
        second = 0.65 if without else 0.9
        rank = measure.pagerank(
            db, "links", "pageranks",
            damping=damping, tolerance=tolerance, weighted=weighted, progress=part_of(tell, 0.35, second),
        )  # fmt: skip
        if without:
            measure.pagerank(
                db, "links_left", "pageranks_left",
                damping=damping, tolerance=tolerance, weighted=weighted, progress=part_of(tell, second, 0.9),
            )  # fmt: skip
        tell("Putting the measures together", 0.9)
        self._nodes(start, with_block=without is not None)
        self.measured = Measured(
            None if start is None else db.value("SELECT url FROM pages WHERE id = ?", [start]),
            was_guessed,
            rank,
            measure.reciprocal(db),
            without,
            blocked,
        )
        tell("Measured", 1.0)
        return self.measured

    def _home(self, wanted: str | None) -> int | None:
        if wanted is not None:
            other = wanted.removesuffix("/") if wanted.endswith("/") else wanted + "/"
            found = self.db.rows(
                "SELECT id FROM pages WHERE url IN (?, ?) ORDER BY url = ? DESC LIMIT 1", [wanted, other, wanted]
            )
            if not found:
                raise BadInput(f"The home page {wanted} is not in the files: give an address as it stands there.")
        else:
            found = self.db.rows(
                f"""
                WITH all_pages AS (
                    SELECT p.id, url, d.out_degree > 0 AS links, {_HOST} AS host
                    FROM pages p JOIN degrees d ON d.page = p.id),
                main AS (
                    SELECT host FROM all_pages GROUP BY host
                    ORDER BY count(*) FILTER (links) DESC, count(*) DESC, host LIMIT 1)
                SELECT id FROM all_pages JOIN main USING (host)
                ORDER BY links DESC, {_IS_ROOT} DESC, length(url), url LIMIT 1
                """
            )
        return found[0][0] if found else None

    def _segments(self, home: int | None) -> None:
        """`segments`: page, segment: the page type from a node file, else the first folder (of other sites: the
        host)."""
        if self.loaded.has_segment:
            of_page = "coalesce(f.segment, '(none)')"
        else:
            of_page = (
                f"CASE WHEN {_HOST} = (SELECT {_HOST} FROM pages WHERE id = $home) "
                f"THEN coalesce({_FOLDER}, '/') ELSE {_HOST} END"
            ).replace("$home", str(home if home is not None else -1))
        self.db.run(
            f"CREATE OR REPLACE TABLE segments AS SELECT id AS page, {of_page} AS segment "
            "FROM pages LEFT JOIN facts f ON f.page = id"
        )

    def _block(self, block: Block) -> int:
        """`links_left`: the links without the block's. Returns how many these are."""
        for table, pattern in (("block_sources", block.source), ("block_targets", block.target)):
            if pattern.startswith("type:"):
                query, value = "SELECT page FROM segments WHERE segment = ?", pattern.removeprefix("type:")
            else:
                query, value = "SELECT id AS page FROM pages WHERE url LIKE ? ESCAPE '\\'", _like(pattern)
            self.db.run(f"CREATE OR REPLACE TABLE {table} AS {query}", [value])
        self.db.run(
            "CREATE OR REPLACE TABLE links_left AS SELECT source, target, weight FROM links WHERE NOT ("
            "source IN (SELECT page FROM block_sources) AND target IN (SELECT page FROM block_targets))"
        )
        gone = self.db.value("SELECT (SELECT count(*) FROM links) - (SELECT count(*) FROM links_left)")
        if not gone:
            raise BadInput(f"No link goes from {block.source} to {block.target}: look at the spelling.")
        return int(gone)

    def _nodes(self, home: int | None, *, with_block: bool) -> None:
        """`nodes`: all measures, a row a page."""
        # Ranks are no more exact than this, and the sum of floats differs with the order in which threads come.
        left = "round(w.rank, 12)" if with_block else "NULL::DOUBLE"
        join = "LEFT JOIN pageranks_left w ON w.page = d.page" if with_block else ""
        no_status = not self.loaded.has_status
        self.db.run(
            f"""
            CREATE OR REPLACE TABLE nodes AS
            SELECT d.page, f.status, s.segment, d.in_degree, d.out_degree, d.self_link, depths.depth,
                   round(r.rank, 12) AS pagerank, {left} AS pagerank_without, c.component,
                   d.in_degree = 0 AND d.page <> ? AS orphan,
                   d.out_degree = 0 AND coalesce(f.status BETWEEN 200 AND 299, true) AS dead_end,
                   {"NULL" if no_status else "coalesce(t.redirects, 0)"}::INTEGER AS to_redirects,
                   {"NULL" if no_status else "coalesce(t.errors, 0)"}::INTEGER AS to_errors
            FROM degrees d
            JOIN segments s ON s.page = d.page
            JOIN pageranks r ON r.page = d.page
            JOIN components c ON c.page = d.page
            LEFT JOIN depths ON depths.page = d.page
            LEFT JOIN facts f ON f.page = d.page
            {join}
            LEFT JOIN (
                SELECT l.source, count(*) FILTER (f.status < 400) AS redirects,
                       count(*) FILTER (f.status >= 400) AS errors
                FROM links l JOIN facts f ON f.page = l.target WHERE f.status >= 300 GROUP BY l.source
            ) t ON t.source = d.page
            """,
            [home],
        )
        for table in ("degrees", "segments", "pageranks", "components", "depths"):
            self.db.run(f"DROP TABLE {table}")


def _several(paths: Path | Sequence[Path]) -> Sequence[Path]:
    return [paths] if isinstance(paths, Path) else paths


def part_of(tell: Progress, start: float, end: float) -> Progress:
    """Progress of a part of the work, as that of the whole."""
    return lambda text, share: tell(text, start + (end - start) * share)


def _like(pattern: str) -> str:
    """`*` for anything, all else as it stands."""
    for special in "\\%_":
        pattern = pattern.replace(special, "\\" + special)
    return pattern.replace("*", "%")
