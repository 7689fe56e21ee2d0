"""What a page is worth in its graph: degrees, click depth, PageRank, components; all of it as tables in the database.

Every measure is of the pages' links: pairs of two different pages, each once (`links`). Links of a page to itself and
repeated ones are counted elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from .database import Database
from .load import Progress

DAMPING = 0.85
TOLERANCE = 1e-6
MAX_ITERATIONS = 200


@dataclass(frozen=True)
class PageRank:
    """How the ranks were found. They sum to 1. Iterations ended when the sum of all changes was below `tolerance`
    (`converged`), or after 200. The rank of pages without links goes to all pages in equal parts."""

    damping: float
    tolerance: float
    weighted: bool
    iterations: int
    converged: bool


def degrees(db: Database) -> None:
    """`links`, the pairs that the measures are of, and `degrees`: page, in_degree, out_degree, self_link."""
    db.run("CREATE OR REPLACE VIEW links AS SELECT source, target, weight FROM edges WHERE source <> target")
    db.run(
        """
        CREATE OR REPLACE TABLE degrees AS
        SELECT p.id AS page, coalesce(i.n, 0)::INTEGER AS in_degree, coalesce(o.n, 0)::INTEGER AS out_degree,
               s.source IS NOT NULL AS self_link
        FROM pages p
        LEFT JOIN (SELECT target, count(*) AS n FROM links GROUP BY target) i ON i.target = p.id
        LEFT JOIN (SELECT source, count(*) AS n FROM links GROUP BY source) o ON o.source = p.id
        LEFT JOIN (SELECT source FROM edges WHERE source = target) s ON s.source = p.id
        """
    )


def depths(db: Database, home: int | None, progress: Progress) -> None:
    """`depths`: page, depth: the fewest clicks from the home page, for the pages that can be reached."""
    db.run("CREATE OR REPLACE TABLE depths (page INTEGER, depth INTEGER)")
    db.run("INSERT INTO depths SELECT ?::INTEGER, 0 WHERE ? IS NOT NULL", [home, home])
    depth, found = 0, home is not None
    while found:
        progress(f"Click depth {depth}", depth / (depth + 10))
        # Both tables are stored in an order that suits: links by source, depths as they grow. Little of them is read.
        found = db.value(
            "INSERT INTO depths SELECT DISTINCT l.target, ? FROM links l "
            "SEMI JOIN (SELECT page FROM depths WHERE depth = ?) f ON f.page = l.source "
            "ANTI JOIN depths d ON d.page = l.target",
            [depth + 1, depth],
        )
        depth += 1


def pagerank(
    db: Database,
    links: str,
    into: str,
    *,
    damping: float = DAMPING,
    tolerance: float = TOLERANCE,
    weighted: bool = False,
    progress: Progress,
) -> PageRank:
    """The table `into`: page, rank, from the table or view `links`. A link passes on its share of its source's rank,
    in equal parts or by weight."""
    pages = db.value("SELECT count(*) FROM pages")
    given = "sum(weight)" if weighted else "count(*)"
    passed = "r.share * l.weight" if weighted else "r.share"
    now, following = "ranks_now", "ranks_following"
    db.run(
        f"""
        CREATE OR REPLACE TABLE {now} AS
        SELECT p.id AS page, o.given, 1 / ?::DOUBLE AS rank, 1 / ?::DOUBLE / o.given AS share, 0::DOUBLE AS change
        FROM pages p LEFT JOIN (SELECT source, {given} AS given FROM {links} GROUP BY source) o ON o.source = p.id
        """,
        [max(1, pages), max(1, pages)],
    )
    of_all = "SELECT coalesce(sum(abs(change)), 0), coalesce(sum(rank) FILTER (given IS NULL), 0) FROM "
    kept = db.row(of_all + now)[1]  # by the pages without links
    iterations, change = 0, 1.0 if pages else 0.0
    while change >= tolerance and iterations < MAX_ITERATIONS:
        progress(f"PageRank, round {iterations + 1}", iterations / (iterations + 10))
        floor = (1 - damping + damping * kept) / pages
        db.run(
            f"""
            CREATE OR REPLACE TABLE {following} AS
            SELECT page, given, rank, rank / given AS share, rank - before AS change FROM (
                SELECT r.page, r.given, r.rank AS before, ?::DOUBLE + ?::DOUBLE * coalesce(g.got, 0) AS rank
                FROM {now} r LEFT JOIN (
                    SELECT l.target, sum({passed}) AS got FROM {links} l JOIN {now} r ON r.page = l.source
                    GROUP BY l.target) g ON g.target = r.page)
            """,
            [floor, damping],
        )
        now, following = following, now
        change, kept = db.row(of_all + now)
        iterations += 1
    db.run(f"CREATE OR REPLACE TABLE {into} AS SELECT page, rank FROM {now}")
    db.run("DROP TABLE IF EXISTS ranks_now; DROP TABLE IF EXISTS ranks_following")
    return PageRank(damping, tolerance, weighted, iterations, change < tolerance)


def components(db: Database, home: int | None, progress: Progress) -> None:
    """`components`: page, component: pages that hang together by links of any direction have one number, 1 for the
    largest. Needs `depths`: what the home page reaches is one component, and most of the work done."""
    db.run(
        "CREATE OR REPLACE TABLE labels AS SELECT p.id AS page, "
        "CASE WHEN d.page IS NULL THEN p.id ELSE ?::INTEGER END AS label "
        "FROM pages p LEFT JOIN depths d ON d.page = p.id",
        [home],
    )
    db.run(
        "CREATE OR REPLACE TABLE apart AS SELECT DISTINCT a.label AS a, b.label AS b FROM links l "
        "JOIN labels a ON a.page = l.source JOIN labels b ON b.page = l.target WHERE a.label <> b.label"
    )
    done = 0
    while db.value("SELECT count(*) FROM apart"):
        progress(f"Components, round {done + 1}", done / (done + 3))
        # Each label takes its least neighbour as parent, if that is less than itself; then the parent's parent, until
        # all hang on a root. What is still apart lies between roots.
        db.run(
            "CREATE OR REPLACE TABLE parents AS SELECT a AS label, min(b) AS parent FROM "
            "(SELECT a, b FROM apart UNION ALL SELECT b, a FROM apart) GROUP BY a HAVING min(b) < a"
        )
        while db.value("SELECT count(*) FROM parents p JOIN parents q ON q.label = p.parent"):
            db.run(
                "CREATE OR REPLACE TABLE next_parents AS SELECT p.label, coalesce(q.parent, p.parent) AS parent "
                "FROM parents p LEFT JOIN parents q ON q.label = p.parent"
            )
            db.run("DROP TABLE parents; ALTER TABLE next_parents RENAME TO parents")
        db.run(
            "CREATE OR REPLACE TABLE next_labels AS SELECT l.page, coalesce(p.parent, l.label) AS label "
            "FROM labels l LEFT JOIN parents p ON p.label = l.label"
        )
        db.run("DROP TABLE labels; ALTER TABLE next_labels RENAME TO labels")
        db.run(
            "CREATE OR REPLACE TABLE next_apart AS SELECT DISTINCT a, b FROM ("
            "SELECT coalesce(p.parent, e.a) AS a, coalesce(q.parent, e.b) AS b FROM apart e "
            "LEFT JOIN parents p ON p.label = e.a LEFT JOIN parents q ON q.label = e.b) WHERE a <> b"
        )
        db.run("DROP TABLE apart; ALTER TABLE next_apart RENAME TO apart; DROP TABLE parents")
        done += 1
    db.run(
        "CREATE OR REPLACE TABLE components AS SELECT l.page, c.component FROM labels l JOIN ("
        "SELECT label, (row_number() OVER (ORDER BY count(*) DESC, min(page)))::INTEGER AS component "
        "FROM labels GROUP BY label) c ON c.label = l.label"
    )
    db.run("DROP TABLE labels; DROP TABLE apart")


def reciprocal(db: Database) -> float:
    """The share of links whose target links back, from 0 to 1; 0 without links."""
    links, mutual = db.row(
        "SELECT count(*), count(*) - count(DISTINCT (least(source, target)::BIGINT << 32) | greatest(source, target)) "
        "FROM links"
    )
    return 2 * mutual / links if links else 0.0
