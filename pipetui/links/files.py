"""A graph that was measured, as files for spreadsheets, DuckDB and pandas, Gephi, Cosmograph.

Every file is written beside its place under a name that ends in `.part` and takes its name when it is complete. All
functions need `graph.measure()` first, replace what is there, and raise LinksError or Cancelled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, TypeAlias

from ..text import csv_cell
from .database import explained, quoted
from .graph import Graph, quiet
from .load import Progress, unlike
from .markdown import markdown
from .report import Report

Write: TypeAlias = Callable[[Graph, Path], None]

MEASURES = (
    ("status", "INTEGER"),
    ("segment", "VARCHAR"),
    ("in_degree", "INTEGER"),
    ("out_degree", "INTEGER"),
    ("self_link", "BOOLEAN"),
    ("depth", "INTEGER"),
    ("pagerank", "DOUBLE"),
    ("pagerank_without", "DOUBLE"),
    ("component", "INTEGER"),
    ("orphan", "BOOLEAN"),
    ("dead_end", "BOOLEAN"),
    ("to_redirects", "INTEGER"),
    ("to_errors", "INTEGER"),
)
"""The columns of `nodes` and their types, in the order of the files. `pagerank_without` only with a block."""

# text.csv_cell in SQL. Python's white space and digits are more than those of DuckDB's regular expressions.
_SPACE = r"[\t-\r\x1c-\x20\x{85}\p{Z}]"
_FORMULA = rf"^(?:[\t\r]|{_SPACE}*[=+\-@＝＋－＠])"
_NUMBER = rf"[+-]?(?:\p{{Nd}}+(?:[.,]\p{{Nd}}+)*|\.\p{{Nd}}+)(?:[eE][+-]?\p{{Nd}}+)?{_SPACE}?%?"
_CSV_CELL = (
    "CREATE OR REPLACE MACRO csv_cell(x) AS CASE "
    f"WHEN regexp_matches(x, '{_FORMULA}') AND NOT regexp_full_match(x, '{_NUMBER}') THEN '''' || x ELSE x END"
)

_NOT_XML = r"[^\t\n\r\x20-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}]"
_XML_TEXT = (
    "CREATE OR REPLACE MACRO xml_text(x) AS replace(replace(replace(replace(replace(replace(replace("
    f"regexp_replace(x, '{_NOT_XML}', '', 'g'), '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '\"', '&quot;'), "
    "chr(10), '&#10;'), chr(13), '&#13;'), chr(9), '&#9;')"
)


def write_nodes_csv(graph: Graph, path: Path) -> None:
    """One line a page with all measures and the node files' other columns, the highest PageRank first. Cells that a
    spreadsheet would take for a formula begin with `'`."""
    _copy(graph, _all_nodes(graph, csv=True), path, "FORMAT csv, HEADER true")


def write_nodes_parquet(graph: Graph, path: Path) -> None:
    """The same as Parquet, texts as they are."""
    _copy(graph, _all_nodes(graph, csv=False), path, "FORMAT parquet")


def write_edges_parquet(graph: Graph, path: Path) -> None:
    """Every pair of linked pages once: source, target, times (how often it came), weight."""
    query = (
        "SELECT s.url AS source, t.url AS target, e.times, e.weight "
        "FROM edges e JOIN pages s ON s.id = e.source JOIN pages t ON t.id = e.target"
    )
    _copy(graph, query, path, "FORMAT parquet")


def write_cosmograph(graph: Graph, points: Path, links: Path) -> None:
    """Two CSV files for Cosmograph: points (id, label and measures) and links (source, target, weight), by id."""
    graph.db.run(_CSV_CELL)
    measures = ", ".join(
        f"csv_cell(n.{name}) AS {name}" if kind == "VARCHAR" else f"n.{name}" for name, kind in _measures(graph)
    )
    query = f"SELECT p.id, csv_cell(p.url) AS label, {measures} FROM nodes n JOIN pages p ON p.id = n.page"
    _copy(graph, query, points, "FORMAT csv, HEADER true")
    _copy(graph, "SELECT source, target, weight FROM edges", links, "FORMAT csv, HEADER true")


def write_graphml(graph: Graph, path: Path) -> None:
    """GraphML, streamed. Characters that XML can't have are left out."""
    types = {"INTEGER": "int", "DOUBLE": "double", "BOOLEAN": "boolean", "VARCHAR": "string"}
    keys = [("url", "VARCHAR"), *_measures(graph)]
    with _part(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for name, kind in keys:
            out.write(f'<key id="{name}" for="node" attr.name="{name}" attr.type="{types[kind]}"/>\n')
        out.write('<key id="weight" for="edge" attr.name="weight" attr.type="double"/>\n')
        out.write('<graph edgedefault="directed">\n')
        data = _elements('<data key="{}">', "</data>", keys)
        _stream(graph, out, f"SELECT '<node id=\"n' || p.id || '\">' || {data} || E'</node>\\n' FROM {_NODES}")
        _stream(
            graph, out,
            "SELECT '<edge source=\"n' || source || '\" target=\"n' || target || '\"><data key=\"weight\">' || weight "
            "|| E'</data></edge>\\n' FROM edges",
        )  # fmt: skip
        out.write("</graph>\n</graphml>\n")


def write_gexf(graph: Graph, path: Path) -> None:
    """GEXF 1.2 for Gephi, streamed. Characters that XML can't have are left out."""
    types = {"INTEGER": "integer", "DOUBLE": "double", "BOOLEAN": "boolean", "VARCHAR": "string"}
    measures = _measures(graph)
    with _part(path) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.write('<?xml version="1.0" encoding="UTF-8"?>\n<gexf xmlns="http://www.gexf.net/1.2draft" version="1.2">\n')
        out.write('<graph mode="static" defaultedgetype="directed">\n<attributes class="node">\n')
        for name, kind in measures:
            out.write(f'<attribute id="{name}" title="{name}" type="{types[kind]}"/>\n')
        out.write("</attributes>\n<nodes>\n")
        data = _elements('<attvalue for="{}" value="', '"/>', measures)
        _stream(
            graph, out,
            "SELECT '<node id=\"' || p.id || '\" label=\"' || xml_text(p.url) || '\"><attvalues>' || "
            f"{data} || E'</attvalues></node>\\n' FROM {_NODES}",
        )  # fmt: skip
        out.write("</nodes>\n<edges>\n")
        _stream(
            graph, out,
            "SELECT '<edge id=\"' || id || '\" source=\"' || source || '\" target=\"' "
            "|| target || '\" weight=\"' || weight || E'\"/>\\n' FROM edges",
        )  # fmt: skip
        out.write("</edges>\n</graph>\n</gexf>\n")


def write_report(report: Report, path: Path) -> None:
    """report.md."""
    with _part(path) as part:
        part.write_text(markdown(report), "utf-8")


_NODES = "nodes n JOIN pages p ON p.id = n.page"


def write_all(
    graph: Graph, told: Report, folder: Path, *, progress: Progress = quiet, drawings: bool = True
) -> list[Path]:
    """All files of a graph in `folder`; those for drawing programs (GraphML, GEXF, Cosmograph) unless not wanted."""
    folder.mkdir(parents=True, exist_ok=True)
    points, links = folder / "cosmograph_points.csv", folder / "cosmograph_links.csv"
    steps: list[tuple[list[Path], Callable[..., None]]] = [
        ([folder / "nodes.csv"], write_nodes_csv),
        ([folder / "nodes.parquet"], write_nodes_parquet),
        ([folder / "edges.parquet"], write_edges_parquet),
    ]
    if drawings:
        steps += [
            ([points, links], write_cosmograph),
            ([folder / "graph.graphml"], write_graphml),
            ([folder / "graph.gexf"], write_gexf),
        ]
    for done, (paths, write) in enumerate(steps):
        progress(f"Writing {paths[0].name}", done / len(steps))
        write(graph, *paths)
    write_report(told, folder / "report.md")
    progress("Written", 1.0)
    return [*(path for paths, _ in steps for path in paths), folder / "report.md"]


def _measures(graph: Graph) -> list[tuple[str, str]]:
    assert graph.measured is not None, "measure() comes first"
    left_out = set() if graph.measured.block else {"pagerank_without"}
    if not graph.loaded.has_status:
        left_out |= {"status", "to_redirects", "to_errors"}
    return [(name, kind) for name, kind in MEASURES if name not in left_out]


def _all_nodes(graph: Graph, *, csv: bool) -> str:
    """SQL for url, listed, the measures, and the node files' other columns under their own names."""
    graph.db.run(_CSV_CELL)
    taken = ["url", "listed", *(name for name, _ in MEASURES)]
    text = "csv_cell({})" if csv else "{}"
    columns = [f"{text.format('p.url')} AS url", "p.listed"]
    columns += [f"{text.format('n.' + name) if kind == 'VARCHAR' else 'n.' + name} AS {name}"
                for name, kind in _measures(graph)]  # fmt: skip
    for index, name in enumerate(graph.loaded.extra):
        shown = unlike(csv_cell(name) if csv else name, taken)
        taken.append(shown)
        columns.append(f"{text.format(f'f.x{index}')} AS {quoted(shown)}")
    return (
        f"SELECT {', '.join(columns)} FROM {_NODES} LEFT JOIN facts f ON f.page = n.page ORDER BY n.pagerank DESC, p.id"
    )


def _elements(start: str, end: str, columns: Sequence[tuple[str, str]]) -> str:
    """SQL for the XML elements of a page: one a column, none where there is no value."""
    elements = []
    for name, kind in columns:
        column = "p.url" if name == "url" else f"n.{name}"
        value = f"xml_text({column})" if kind == "VARCHAR" else f"{column}::VARCHAR"
        elements.append(f"coalesce('{start.format(name)}' || {value} || '{end}', '')")
    return " || ".join(elements)


def _stream(graph: Graph, out: TextIO, query: str) -> None:
    """Write what the query makes of each row."""
    graph.db.run(_XML_TEXT)
    for chunk in graph.db.stream(query):
        out.write("".join([text for (text,) in chunk]))


def _copy(graph: Graph, query: str, path: Path, form: str) -> None:
    with _part(path) as part:
        graph.db.run(f"COPY ({query}) TO ? ({form})", [str(part)])


@contextmanager
def _part(path: Path) -> Iterator[Path]:
    """A path to write to; it becomes `path` when all is well, and is gone when not."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise explained(error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
