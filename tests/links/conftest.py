"""Small graphs on disk, loaded."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from pipetui.links import Graph

Load: TypeAlias = Callable[..., Graph]


def write_csv(path: Path, rows: Iterable[Iterable[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """A graph of rows of links, and rows of node files: the first one of each is the header."""
    with ExitStack() as stack:

        def made(links: list[tuple[Any, ...]], *nodes: list[tuple[Any, ...]], **more: Any) -> Graph:
            edges = write_csv(tmp_path / "edges.csv", links)
            files = [write_csv(tmp_path / f"nodes {i}.csv", rows) for i, rows in enumerate(nodes)]
            return stack.enter_context(Graph.load(edges, files, temp_directory=tmp_path / "out", threads=2, **more))

        yield made


def nodes(graph: Graph) -> dict[str, dict[str, Any]]:
    """The measures by address."""
    names = [row[0] for row in graph.db.rows("DESCRIBE nodes")]
    rows = graph.db.rows("SELECT p.url, n.* FROM nodes n JOIN pages p ON p.id = n.page")
    return {url: dict(zip(names, values, strict=True)) for url, *values in rows}
