"""What is measured: by hand, and against plain Python."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipetui.links import BadInput, Block, Graph, LinksError, markdown, report
from pipetui.links import load as loading
from pipetui.links.report import OTHERS

from . import reference
from .conftest import Load, nodes, write_csv

H = "https://a.example"
HEADER = ("source", "target")


def test_a_site_by_hand(load: Load) -> None:
    graph = load(
        [
            HEADER,
            (f"{H}/", f"{H}/shop/1"),
            (f"{H}/", f"{H}/shop/1"),
            (f"{H}/", f"{H}/blog/1"),
            (f"{H}/shop/1", f"{H}/"),
            (f"{H}/shop/1", f"{H}/shop/1"),
            (f"{H}/blog/1", f"{H}/gone"),
            (f"{H}/blog/1", f"{H}/moved"),
            (f"{H}/island/a", f"{H}/island/b"),
            (f"{H}/lonely", ""),
            ("", f"{H}/nowhere"),
        ],
        [
            ("Full URL", "HTTP Status Code", "visits"),
            (f"{H}/", "200", "10"),
            (f"{H}/gone", "404", "=1+1"),
            (f"{H}/moved", "301.0", ""),
            (f"{H}/only-listed", "200", "3"),
            (f"{H}/only-listed", "200", "2"),
            ("", "200", ""),
        ],
    )
    told = report(graph)
    assert (told.pages, told.listed, told.unlinked) == (10, 4, 1)
    assert (told.rows, told.edges, told.self_links, told.duplicates) == (8, 7, 1, 1)
    edges, listed = told.edge_files[0], told.node_files[0]
    assert (edges.rows, edges.malformed, edges.unusable, edges.targetless) == (10, 0, 1, 1)
    assert (listed.rows, listed.unusable, listed.duplicates, listed.status) == (6, 1, 1, "HTTP Status Code")
    assert told.home == f"{H}/" and told.home_was_guessed
    assert told.depths == ((0, 1), (1, 2), (2, 2)) and told.unreachable == 5
    assert (told.components, told.component_sizes) == (5, (5, 2, 1, 1, 1))
    assert told.reciprocal == 2 / 6
    assert (told.orphans, {page.url for page in told.orphan_pages}) == (
        4, {f"{H}/island/a", f"{H}/lonely", f"{H}/nowhere", f"{H}/only-listed"},
    )  # fmt: skip
    assert {page.url for page in told.dead_end_pages} == {
        f"{H}/island/b", f"{H}/lonely", f"{H}/nowhere", f"{H}/only-listed",
    }  # fmt: skip
    assert (told.links_to_redirects, told.links_to_errors) == (1, 1)
    assert [(page.url, page.status, page.linked_from) for page in told.redirects] == [(f"{H}/moved", 301, 1)]
    assert [(page.url, page.status) for page in told.errors] == [(f"{H}/gone", 404)]
    assert told.statuses == ((200, 2, 1), (301, 1, 1), (404, 1, 1), (None, 6, 3))
    of = dict(zip(told.matrix.segments, told.matrix.links, strict=True))
    assert told.matrix.segments == ("/", "/island/", "/blog/", "/shop/") and told.matrix.are_folders
    assert told.matrix.pages == (6, 2, 1, 1)
    assert of == {"/": (0, 0, 1, 1), "/island/": (0, 1, 0, 0), "/blog/": (2, 0, 0, 0), "/shop/": (1, 0, 0, 0)}
    assert told.by_out_degree[0].value == 2 and told.by_in_degree[0].value == 1
    assert nodes(graph)[f"{H}/shop/1"]["self_link"] and not nodes(graph)[f"{H}/"]["self_link"]
    assert nodes(graph)[f"{H}/blog/1"]["to_errors"] == nodes(graph)[f"{H}/blog/1"]["to_redirects"] == 1
    assert "| Orphans | 4 |" in markdown(told)


EDGES = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=24)
FACTS = st.dictionaries(
    st.sampled_from("abcdefghij"),
    st.tuples(st.sampled_from(["200", "301", "404", "x", ""]), st.sampled_from(["one", "two", ""])),
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EDGES, FACTS, st.booleans(), st.data())
def test_every_measure_against_plain_python(
    rows: list[tuple[str, str]], facts: dict[str, tuple[str, str]], weighted: bool, data: Any
) -> None:
    pages = {page for row in rows for page in row} | set(facts)
    links = reference.links_of(rows)
    home = data.draw(st.sampled_from(sorted(pages))) if pages else None
    block = None
    if links:
        source, target = data.draw(st.sampled_from(sorted(links)))
        block = Block(source, data.draw(st.sampled_from([target, "*"])))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        edges = write_csv(folder / "edges.csv", [HEADER, *rows])
        listed = write_csv(folder / "nodes.csv", [("url", "status", "segment"), *((p, *f) for p, f in facts.items())])
        with Graph.load(edges, listed, temp_directory=folder, threads=2) as graph:
            graph.measure(home, weighted=weighted, tolerance=1e-7, without=block)
            told, found = report(graph), nodes(graph)
    assert set(found) == pages and (told.pages, told.rows, told.edges) == (len(pages), len(rows), len(set(rows)))
    assert told.self_links == sum(a == b for a, b in rows) and told.duplicates == len(rows) - len(set(rows))
    times = Counter(row for row in rows if row[0] != row[1])
    weights = {pair: float(count) if weighted else 1.0 for pair, count in times.items()}
    ranks = reference.pagerank(pages, weights)
    depths = reference.depths(pages, links, home) if home else {}
    status = {page: int(fact[0]) if fact[0].isdigit() else None for page, fact in facts.items()}
    segment = {page: facts.get(page, ("", ""))[1] or "(none)" for page in pages}
    for page, node in found.items():
        assert node["in_degree"] == sum(b == page for _, b in links)
        assert node["out_degree"] == sum(a == page for a, _ in links)
        assert node["self_link"] == ((page, page) in rows)
        assert node["depth"] == depths[page]
        assert node["pagerank"] == pytest.approx(ranks[page], abs=2e-6)
        assert node["status"] == status.get(page) and node["segment"] == segment[page]
        assert node["orphan"] == (page != home and not any(b == page for _, b in links))
        is_fine = status.get(page) in (None, 200)
        assert node["dead_end"] == (is_fine and not any(a == page for a, _ in links))
        assert node["to_redirects"] == sum(a == page and status.get(b) == 301 for a, b in links)
        assert node["to_errors"] == sum(a == page and status.get(b) == 404 for a, b in links)
    assert told.pagerank.converged and told.reciprocal == reference.reciprocal(links)
    groups = reference.components(pages, links)
    assert {page: node["component"] for page, node in found.items()} == {
        page: number for number, group in enumerate(groups, 1) for page in group
    }
    counted = reference.matrix(links, segment)
    for i, row in enumerate(told.matrix.segments):
        for j, column in enumerate(told.matrix.segments):
            assert told.matrix.links[i][j] == counted[row, column]
    if block:
        gone = {(a, b) for a, b in links if a == block.source and block.target in (b, "*")}
        left = reference.pagerank(pages, {pair: weight for pair, weight in weights.items() if pair not in gone})
        assert told.without is not None and told.without.links == len(gone)
        assert {page: node["pagerank_without"] for page, node in found.items()} == pytest.approx(left, abs=2e-6)
        assert all(loss.before > loss.after for loss in told.without.losses)
        falls = sorted((fall for p in pages if (fall := ranks[p] - left[p]) > 1e-5), reverse=True)
        shown = [fall for loss in told.without.losses if (fall := loss.before - loss.after) > 1e-5]
        assert shown == pytest.approx(falls, abs=5e-6)


@pytest.mark.parametrize("shape", ["chain", "backwards", "star", "pairs", "comb"])
def test_components_of_shapes_that_are_hard_for_label_propagation(load: Load, shape: str) -> None:
    n = 100
    rows = {
        "chain": [(f"{i:03}", f"{i + 1:03}") for i in range(n)],
        "backwards": [(f"{i + 1:03}", f"{i:03}") for i in range(n)],
        "star": [("zzz", f"{i:03}") for i in range(n)],
        "pairs": [(f"{i:03}", f"{n - i:03}") for i in range(n // 2)],
        "comb": [(f"{i:03}", f"{(i * 7) % n:03}") for i in range(0, n, 2)],
    }[shape]
    graph = load([("source", "target"), *rows])
    graph.measure(home=rows[n // 4][1], tolerance=0.1)
    pages = {page for row in rows for page in row}
    groups = reference.components(pages, reference.links_of(rows))
    assert {page: node["component"] for page, node in nodes(graph).items()} == {
        page: number for number, group in enumerate(groups, 1) for page in group
    }


def test_a_weight_column_is_followed_and_bad_weights_are_counted(load: Load) -> None:
    graph = load(
        [
            (*HEADER, "weight"),
            ("h", "a", "3"),
            ("h", "b", "1"),
            ("h", "c", "-1"),
            ("h", "d", "inf"),
            ("h", "e", "x"),
            ("h", "f", "nan"),
        ]
    )
    graph.measure("h", weighted=True, tolerance=1e-11)
    told = report(graph)
    assert (told.pages, told.rows, told.edge_files[0].unusable, told.edge_files[0].weight) == (3, 2, 4, "weight")
    found = {page: node["pagerank"] for page, node in nodes(graph).items()}
    assert found == pytest.approx(reference.pagerank({*"hab"}, {("h", "a"): 3, ("h", "b"): 1}), abs=1e-9)


def test_several_files_are_one_graph(tmp_path: Path) -> None:
    first = write_csv(tmp_path / "1.csv", [HEADER, ("/a", "/b"), ("/a", "/c")])
    second = write_csv(tmp_path / "2.csv", [("to", "from"), ("/b", "/a"), ("/a", "/b")])
    with Graph.load([first, second], temp_directory=tmp_path) as graph:
        told = report(graph)
    assert (told.rows, told.edges, told.duplicates) == (4, 3, 1)


@pytest.mark.parametrize(
    ("rows", "home"),
    [
        (
            [("https://t.co/", "https://t.co/x"), (f"{H}/x/y", f"{H}/"), (f"{H}/", f"{H}/x/y"), (f"{H}/z", f"{H}/")],
            f"{H}/",
        ),
        ([(f"{H}/en/", f"{H}/en/a"), (f"{H}/en/a", f"{H}/en/")], f"{H}/en/"),
        ([("/b", "/"), ("/", "/b")], "/"),
        ([("https://b.example", "https://b.example/x"), ("https://b.example/x", "https://b.example")], "https://b.example"),
    ],
)  # fmt: skip
def test_the_home_page_is_guessed(load: Load, rows: list[tuple[str, str]], home: str) -> None:
    assert load([HEADER, *rows]).measure().home == home


def test_a_home_page_with_or_without_its_slash(load: Load) -> None:
    graph = load([HEADER, (f"{H}/", f"{H}/a")])
    with pytest.raises(BadInput, match="is not in the files"):
        graph.measure(home="https://elsewhere.example/")
    assert graph.measure(home=H).home == f"{H}/"


def test_measures_may_be_taken_again(load: Load) -> None:
    graph = load([HEADER, ("/", "/a"), ("/a", "/b")])
    first = report(graph)
    graph.measure("/a", without=Block("/a"))
    second = report(graph)
    assert (first.home, first.without, second.home, second.depths) == ("/", None, "/a", ((0, 1), (1, 1)))
    assert second.without is not None and second.without.losses[0].url == "/b"


def test_a_block_by_pattern_and_type(load: Load) -> None:
    rows = [HEADER, (f"{H}/", f"{H}/a_b"), (f"{H}/", f"{H}/aXb"), (f"{H}/shop/1", f"{H}/"), (f"{H}/shop/2", f"{H}/%")]
    assert load(rows).measure(f"{H}/", without=Block("*", "*/a_b")).block_links == 1
    assert load(rows).measure(f"{H}/", without=Block("*", "*%")).block_links == 1
    assert load(rows).measure(f"{H}/", without=Block("type:/shop/", "*")).block_links == 2
    with pytest.raises(BadInput, match="No link goes from"):
        load(rows).measure(f"{H}/", without=Block("type:' OR true --", "*"))


def test_more_page_types_than_the_matrix_has(load: Load) -> None:
    rows = [(f"/{i}/a", f"/{i + 1}/a") for i in range(50)]
    told = report(load([HEADER, *rows]))
    assert len(told.matrix.segments) == 31 and told.matrix.segments[-1] == OTHERS
    assert sum(map(sum, told.matrix.links)) == 50 and sum(told.matrix.pages) == 51


def test_a_file_without_links(load: Load) -> None:
    told = report(load([HEADER]))
    assert (told.pages, told.rows, told.home, told.components, told.reciprocal) == (0, 0, None, 0, 0.0)
    assert "| Pages | 0 |" in markdown(told)


def test_addresses_with_the_same_hash_stay_apart(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [HEADER, *((f"/{i}", f"/{(i * i) % 17}") for i in range(17))]
    by_hash = nodes_measured(load(rows))
    monkeypatch.setattr(loading, "HASH", "length({})")  # a hash with many collisions
    assert nodes_measured(load(rows)) == by_hash


def nodes_measured(graph: Graph) -> dict[str, dict[str, Any]]:
    graph.measure("/0")
    return nodes(graph)


def test_it_works_out_of_core(tmp_path: Path) -> None:
    """A graph larger than the memory it is given comes out the same; too little memory is said."""
    n = 40_000
    rows = ((f"https://a.example/{'x' * 40}/{i}", f"https://a.example/{'x' * 40}/{i * 7 % n}") for i in range(n))
    edges = write_csv(tmp_path / "edges.csv", [HEADER, *rows])
    with Graph.load(edges, temp_directory=tmp_path, memory_limit="45MB", threads=1) as graph:
        graph.measure(tolerance=0.1)
        assert report(graph).rows == n
    with pytest.raises(LinksError, match="more memory"):
        Graph.load(edges, temp_directory=tmp_path, memory_limit="4MB", threads=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edges.csv"]
