"""What a link report costs: beside DuckDB doing the same by itself, at a million and ten million links.

python -m benchmarks.links [MILLIONS …]   (1 10)
Each side runs in a process of its own on the same files; seconds and the peak of resident memory.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from pipetui.links import (
    Graph,
    report,
    write_edges_parquet,
    write_gexf,
    write_graphml,
    write_nodes_csv,
    write_nodes_parquet,
    write_report,
)

URL = (
    "'https://www.example.com/' || ['blog', 'shop', 'help', 'news', 'about', 'tags'][1 + i % 6] || '/' || (i % 97) "
    "|| '/some-readable-words-page-' || i || '.html'"
)
HOME = "https://www.example.com/blog/0/some-readable-words-page-0.html"


def make(folder: Path, edges: int) -> None:
    """A tenth as many pages; some are linked to by very many."""
    pages = edges // 10
    con = duckdb.connect(config={"temp_directory": str(folder)})
    con.execute("SET enable_progress_bar = false; SET threads = 1; SELECT setseed(0.42)")
    con.execute(f"CREATE TABLE urls AS SELECT i, {URL} AS url FROM range({pages}) t(i)")
    con.execute(
        "COPY (SELECT s.url AS source, t.url AS target FROM "
        f"(SELECT (random() * {pages - 1})::INT AS s, (pow(random(), 3) * {pages - 1})::INT AS t FROM range({edges})) "
        f"JOIN urls s ON s.i = s JOIN urls t ON t.i = t) TO '{folder}/edges.csv.gz' (FORMAT csv, HEADER)"
    )
    con.execute(
        'COPY (SELECT url AS "Full URL", CASE WHEN i % 50 = 7 THEN 301 WHEN i % 50 = 9 THEN 404 ELSE 200 END '
        f"AS http_code, 'type ' || i % 12 AS pagetype FROM urls) TO '{folder}/nodes.csv' (FORMAT csv, HEADER)"
    )
    con.close()


def ours(folder: Path) -> dict[str, float]:
    spent: dict[str, float] = {}
    start = time.perf_counter()
    with Graph.load(folder / "edges.csv.gz", folder / "nodes.csv", temp_directory=folder / "ours") as graph:
        spent["load"] = time.perf_counter() - start
        graph.measure(home=HOME)
        spent["measure"] = time.perf_counter() - start - spent["load"]
        write_report(report(graph), folder / "ours" / "report.md")
        write_nodes_csv(graph, folder / "ours" / "nodes.csv")
        write_nodes_parquet(graph, folder / "ours" / "nodes.parquet")
        write_edges_parquet(graph, folder / "ours" / "edges.parquet")
        spent["all"] = time.perf_counter() - start
        for name, write in (("graphml", write_graphml), ("gexf", write_gexf)):
            begun = time.perf_counter()
            write(graph, folder / "ours" / f"graph.{name}")
            spent[name] = time.perf_counter() - begun
    return spent


def bare(folder: Path) -> dict[str, float]:
    """The same measures and files as somebody who knows DuckDB would write them for these very files."""
    out = folder / "bare"
    out.mkdir()
    start = time.perf_counter()
    con = duckdb.connect(config={"memory_limit": "650MB", "temp_directory": str(out / "tmp"),
                                 "preserve_insertion_order": False})  # fmt: skip
    con.execute("SET enable_progress_bar = false")
    run = con.execute

    def value(sql: str) -> float:
        row = run(sql).fetchone()
        assert row is not None
        return row[0] or 0

    edges = (
        f"read_csv('{folder}/edges.csv.gz', header = true, columns = {{'source': 'VARCHAR', 'target': 'VARCHAR'}}, "
        "auto_detect = false, delim = ',', quote = '\"')"
    )
    run(f"CREATE TABLE facts AS FROM read_csv('{folder}/nodes.csv', header = true, auto_detect = false, delim = ',', "
        "quote = '\"', columns = {'url': 'VARCHAR', 'status': 'SMALLINT', 'segment': 'VARCHAR'})")  # fmt: skip
    run("CREATE TABLE pages AS SELECT (row_number() OVER (ORDER BY url) - 1)::INT AS id, url FROM (SELECT DISTINCT url "
        f"FROM (SELECT unnest([source, target]) AS url FROM {edges} UNION ALL SELECT url FROM facts))")  # fmt: skip
    run("CREATE TABLE unsorted AS SELECT s.id AS source, t.id AS target, count(*)::INT AS times "
        f"FROM {edges} e JOIN pages s ON s.url = e.source JOIN pages t ON t.url = e.target GROUP BY ALL")  # fmt: skip
    run("CREATE TABLE edges AS FROM unsorted ORDER BY source, target; DROP TABLE unsorted")
    run("CREATE VIEW links AS FROM edges WHERE source <> target")
    run("CREATE TABLE nodes AS SELECT id, url, f.status, f.segment, coalesce(i.n, 0) AS in_degree, "
        "coalesce(o.n, 0) AS out_degree FROM pages LEFT JOIN facts f USING (url) "
        "LEFT JOIN (SELECT target, count(*) AS n FROM links GROUP BY 1) i ON i.target = id "
        "LEFT JOIN (SELECT source, count(*) AS n FROM links GROUP BY 1) o ON o.source = id")  # fmt: skip
    pages = value("SELECT count(*) FROM pages")
    home = value(f"SELECT id FROM pages WHERE url = '{HOME}'")
    run(f"CREATE TABLE depths AS SELECT {home}::INT AS id, 0 AS depth")
    depth, found = 0, 1.0
    while found:
        found = value(
            f"INSERT INTO depths SELECT DISTINCT target, {depth + 1} FROM links WHERE source IN "
            f"(SELECT id FROM depths WHERE depth = {depth}) AND target NOT IN (SELECT id FROM depths)"
        )
        depth += 1
    run(f"CREATE TABLE ranks AS SELECT id, out_degree AS n, {1 / pages} AS rank, 0.0::DOUBLE AS change FROM nodes")
    change = 1.0
    while change >= 1e-6:
        floor = (0.15 + 0.85 * value("SELECT sum(rank) FROM ranks WHERE n = 0")) / pages
        run(f"CREATE TABLE next AS SELECT id, n, {floor} + 0.85 * coalesce(got, 0) AS rank, "
            f"{floor} + 0.85 * coalesce(got, 0) - rank AS change FROM ranks LEFT JOIN (SELECT target, "
            "sum(rank / n) AS got FROM links JOIN ranks ON id = source GROUP BY target) ON target = id")  # fmt: skip
        run("DROP TABLE ranks; ALTER TABLE next RENAME TO ranks")
        change = value("SELECT sum(abs(change)) FROM ranks")
    # Components: what the home page reaches has its label; then the least one among a page and its neighbours.
    run("CREATE TABLE labels AS SELECT id, CASE WHEN depth IS NULL THEN id ELSE -1 END AS label "
        "FROM pages LEFT JOIN depths USING (id)")  # fmt: skip
    changed = 1.0
    while changed:
        run("CREATE TABLE next AS SELECT l.id, least(l.label, a.label, b.label) AS label FROM labels l "
            "LEFT JOIN (SELECT source AS id, min(label) AS label FROM links JOIN labels ON id = target GROUP BY 1) a "
            "USING (id) LEFT JOIN (SELECT target AS id, min(label) AS label FROM links JOIN labels ON id = source "
            "GROUP BY 1) b USING (id)")  # fmt: skip
        changed = value("SELECT count(*) FROM next n JOIN labels l USING (id) WHERE n.label <> l.label")
        run("DROP TABLE labels; ALTER TABLE next RENAME TO labels")
    run("SELECT count(*) FROM links a SEMI JOIN links b ON b.source = a.target AND b.target = a.source").fetchall()
    run("SELECT a.segment, b.segment, count(*) FROM links JOIN nodes a ON a.id = source JOIN nodes b ON b.id = target "
        "GROUP BY ALL").fetchall()  # fmt: skip
    run(
        "CREATE TABLE bad AS SELECT source AS id, count(*) FILTER (status < 400) AS to_redirects, count(*) FILTER "
        "(status >= 400) AS to_errors FROM links JOIN nodes n ON n.id = target WHERE status >= 300 GROUP BY 1"
    )
    for by in ("rank", "in_degree", "out_degree"):
        run(f"SELECT url, {by} FROM nodes JOIN ranks USING (id) ORDER BY {by} DESC LIMIT 20").fetchall()
    for where in ("in_degree = 0", "out_degree = 0"):
        run(f"SELECT count(*) FROM nodes WHERE {where}").fetchall()
        run(f"SELECT url FROM nodes WHERE {where} ORDER BY in_degree + out_degree DESC LIMIT 20").fetchall()
    run("SELECT status, count(*), sum(in_degree) FROM nodes GROUP BY 1").fetchall()
    run("SELECT depth, count(*) FROM depths GROUP BY 1").fetchall()
    all_of_it = (
        "FROM nodes JOIN ranks USING (id) JOIN labels USING (id) LEFT JOIN depths USING (id) LEFT JOIN bad USING (id)"
    )
    run(f"COPY (SELECT * {all_of_it} ORDER BY rank DESC) TO '{out}/nodes.csv' (HEADER)")
    run(f"COPY (SELECT * {all_of_it} ORDER BY rank DESC) TO '{out}/nodes.parquet'")
    run("COPY (SELECT s.url AS source, t.url AS target, times FROM edges JOIN pages s ON s.id = source "
        f"JOIN pages t ON t.id = target) TO '{out}/edges.parquet'")  # fmt: skip
    con.close()
    return {"all": time.perf_counter() - start}


def apart(work: Callable[[Path], dict[str, float]], folder: Path) -> dict[str, float]:
    """What `work` returns in a fresh process, and its peak of resident memory in MB."""
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=_child, args=(work, folder, answers))
    process.start()
    process.join()
    return json.loads(answers.get())


def _child(work: Callable[[Path], dict[str, float]], folder: Path, answers: multiprocessing.SimpleQueue[str]) -> None:
    try:
        spent = work(folder)
        spent["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    except Exception as error:  # said by the parent, beside the other side's figures
        answers.put(json.dumps({"failed": str(error)[:200]}))
        raise
    answers.put(json.dumps(spent))


def main() -> None:
    for millions in map(float, sys.argv[1:] or ("1", "10")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make(folder, int(millions * 1e6))
            floor, spent = apart(bare, folder), apart(ours, folder)
        print(f"{millions:g} million links")
        print(f"  DuckDB alone  {floor['all']:7.1f} s  {floor['peak']:5.0f} MB")
        print(f"  link report   {spent['all']:7.1f} s  {spent['peak']:5.0f} MB  {spent['all'] / floor['all']:5.2f} × "
              f"(load {spent['load']:.1f} s, measure {spent['measure']:.1f} s)")  # fmt: skip
        for name in ("graphml", "gexf"):
            print(f"  {name:13} {spent[name]:7.1f} s  {spent[name] / millions:5.2f} s a million links")


if __name__ == "__main__":
    main()
