"""The files: read back by other programs' parsers, with the worst that pages and files may be called."""

from __future__ import annotations

import csv
import resource
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipetui.links import LinksError, Report, files, markdown, report, write_all, write_nodes_csv
from pipetui.links.markdown import code
from pipetui.text import csv_cell

from .conftest import Load

NASTY = [
    "https://a.example/",
    "=cmd|' /C calc'!A0",
    '<script>alert("&")</script>',
    "]]>--><!--",
    "a\x00b\x1b[31m\x7f\u202e\ufffe",
    "`|`` | [x](javascript:1)",
    "new\nline\tand\rreturn",
    "'; DROP TABLE pages; --",
    '"quoted",comma',
    "漢字 ＝1",
    "-5",
]
COLUMNS = ['x" FROM pages; --', 'X" from Pages; --', "url", "status", "=1+1", "*/ ' \\ \x1b", "Depth"]


@pytest.fixture
def told(load: Load, tmp_path: Path) -> Report:
    rows = [(a, b) for a in NASTY for b in NASTY[:4]]
    facts = [(page, "200", f"type {page}", *(f"={index}" for index in range(len(COLUMNS)))) for page in NASTY]
    graph = load([("source", "target"), *rows], [("url", "http_code", "pagetype", *COLUMNS), *facts])
    found = report(graph)
    write_all(graph, found, tmp_path / "out")
    return found


@pytest.fixture
def out(told: Report, tmp_path: Path) -> Path:
    return tmp_path / "out"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def legal(text: str) -> str:
    """Without what XML can't have."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def test_nodes_csv_has_everything_and_no_formula(out: Path) -> None:
    rows = read(out / "nodes.csv")
    assert {row["url"] for row in rows} == set(map(csv_cell, NASTY)) and len(rows) == len(NASTY)
    header = list(rows[0])
    assert len(header) == len({name.casefold() for name in header}) and "url 2" in header and "Depth 2" in header
    for row in rows:
        assert row["segment"] == csv_cell(f"type {row['url']}") or row["url"].startswith("'")
        assert row["'=1+1"] == "'=4"
        assert all(csv_cell(cell) == cell for cell in (*row, *row.values()))
    ranks = [float(row["pagerank"]) for row in rows]
    assert ranks == sorted(ranks, reverse=True) and sum(ranks) == pytest.approx(1)


def test_parquet_has_the_texts_as_they_are(out: Path) -> None:
    with duckdb.connect() as db:
        nodes = db.execute('SELECT url, pagerank, "=1+1" FROM read_parquet(?)', [str(out / "nodes.parquet")]).fetchall()
        edges = db.execute("SELECT source, target, times, weight FROM read_parquet(?)", [str(out / "edges.parquet")])
        assert {row[0] for row in nodes} == set(NASTY) and {row[2] for row in nodes} == {"=4"}
        assert set(edges.fetchall()) == {(a, b, 1, 1.0) for a in NASTY for b in NASTY[:4]}


def test_graphml(out: Path) -> None:
    ns = "{http://graphml.graphdrawing.org/xmlns}"
    graph = ET.parse(out / "graph.graphml").getroot().find(f"{ns}graph")
    assert graph is not None
    pages = {}
    for node in graph.iter(f"{ns}node"):
        data = {each.get("key"): each.text for each in node.iter(f"{ns}data")}
        pages[node.get("id")] = data
        assert data["status"] == "200" and float(data["pagerank"] or 0) > 0 and data["orphan"] in ("true", "false")
    assert {data["url"] for data in pages.values()} == set(map(legal, NASTY))
    pairs = {(pages[edge.get("source")]["url"], pages[edge.get("target")]["url"]) for edge in graph.iter(f"{ns}edge")}
    assert pairs == {(legal(a), legal(b)) for a in NASTY for b in NASTY[:4]}


def test_gexf(out: Path) -> None:
    ns = "{http://www.gexf.net/1.2draft}"
    root = ET.parse(out / "graph.gexf").getroot()
    labels = {node.get("id"): node.get("label") for node in root.iter(f"{ns}node")}
    assert set(labels.values()) == set(map(legal, NASTY))
    edges = list(root.iter(f"{ns}edge"))
    pairs = {(labels[edge.get("source")], labels[edge.get("target")]) for edge in edges}
    assert pairs == {(legal(a), legal(b)) for a in NASTY for b in NASTY[:4]}
    assert len({edge.get("id") for edge in edges}) == len(edges) == len(NASTY) * 4
    assert {value.get("for") for value in root.iter(f"{ns}attvalue")} <= {
        a.get("id") for a in root.iter(f"{ns}attribute")
    }


def test_cosmograph(out: Path) -> None:
    points, links = read(out / "cosmograph_points.csv"), read(out / "cosmograph_links.csv")
    labels = {point["id"]: point["label"] for point in points}
    assert set(labels.values()) == set(map(csv_cell, NASTY))
    assert {(labels[link["source"]], labels[link["target"]]) for link in links} == {
        (csv_cell(a), csv_cell(b)) for a in NASTY for b in NASTY[:4]
    }


def test_the_report_holds_hostile_addresses_in_code(told: Report, out: Path) -> None:
    text = (out / "report.md").read_text("utf-8")
    assert text == markdown(told) and "\x1b" not in text and "\u202e" not in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert any(code(NASTY[5]) in line for line in tables) and any("`<script>" in line for line in tables)
    assert "](" not in text.replace(code(NASTY[5]), "").replace(code(f"type {NASTY[5]}", 40), "")


@given(st.text(st.sampled_from("`|a \n\\"), min_size=1, max_size=12))
def test_code_is_closed_by_nothing_inside(text: str) -> None:
    shown = code(text).replace("\\|", "|")
    fence = shown[: len(shown) - len(shown.lstrip("`"))]
    inside = shown[len(fence) : -len(fence)]
    assert shown.endswith(fence) and fence not in inside.replace(fence + "`", "") and "\n" not in shown
    assert code(text).count("|") == code(text).count("\\|")


TEXT = st.text(
    st.sampled_from("=+-@＝\t\r\n \x0b\x1c\x85\xa0\u2028\u3000'0123٣.,eE%aé") | st.characters(codec="utf-8"),
    max_size=12,
)


@given(st.lists(TEXT, max_size=30))
def test_cells_are_neutralised_as_text_does_it(texts: list[str]) -> None:
    assert [row[0] for row in DB.execute("SELECT csv_cell(unnest(?::VARCHAR[]))", [texts]).fetchall()] == [
        csv_cell(text) for text in texts
    ]


DB = duckdb.connect()
DB.execute(files._CSV_CELL)

FULL = """
import resource, sys
from pathlib import Path
from pipetui.links import Graph, LinksError, report, write_all
edges, out = map(Path, sys.argv[1:])
graph = Graph.load(edges, temp_directory=out, threads=1)
told = report(graph)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    write_all(graph, told, out)
except LinksError as error:
    print(error)
graph.close()
"""


def test_a_full_disk_is_said_and_leaves_no_half_files(tmp_path: Path) -> None:
    edges, out = tmp_path / "edges.csv", tmp_path / "out"
    edges.write_text(
        "source,target\n" + "".join(f"https://a.example/{i},https://a.example/{i * 7 % 3000}\n" for i in range(3000))
    )
    out.mkdir()
    (out / "nodes.csv").write_text("before")
    ended = subprocess.run([sys.executable, "-c", FULL, edges, out], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("The disk is full") and ended.stderr == ""
    assert (out / "nodes.csv").read_text() == "before"
    assert [path.name for path in out.iterdir()] == ["nodes.csv"]


@pytest.mark.parametrize("write", [files.write_graphml, files.write_gexf, files.write_edges_parquet])
def test_a_full_disk_in_every_kind_of_file(load: Load, tmp_path: Path, write: files.Write) -> None:
    graph = load([("source", "target"), *((f"/{i}", f"/{i * i % 997}") for i in range(3000))])
    graph.measure(tolerance=0.1)
    path, limits = tmp_path / "file", resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
        with pytest.raises(LinksError, match="disk is full"):
            write(graph, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.exists() and not path.with_name("file.part").exists()
    write(graph, path)
    assert path.stat().st_size > 4_000


def test_paths_are_taken_as_they_stand(load: Load, tmp_path: Path) -> None:
    folder = tmp_path / "a'b\"[1]*; --"
    folder.mkdir()
    (folder / "in [x]*.csv").write_text("source,target\n/a,/b\n")
    with type(load([("source", "target")])).load(folder / "in [x]*.csv", temp_directory=folder) as graph:
        graph.measure()
        write_nodes_csv(graph, folder / "o'ut.csv")
    assert sorted(path.name for path in folder.iterdir()) == ["in [x]*.csv", "o'ut.csv"]


def test_a_folder_that_can_not_be_written(load: Load, tmp_path: Path) -> None:
    graph = load([("source", "target"), ("/a", "/b")])
    graph.measure()
    with pytest.raises(LinksError):
        write_nodes_csv(graph, tmp_path / "nowhere" / "nodes.csv")
    with pytest.raises(LinksError, match="could not be written"):
        files.write_graphml(graph, tmp_path / "nowhere" / "graph.graphml")
