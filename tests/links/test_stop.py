"""Stopping: from another thread at any time, and what a killed process leaves."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipetui.links import Cancelled, Graph, Stop, report, write_all

from .conftest import Load

ROWS = [("source", "target"), *((f"/{i}", f"/{i * 7 % 500}") for i in range(500))]


@pytest.mark.parametrize("at", range(1, 40, 6))
def test_it_stops_wherever_it_is(at: int, tmp_path: Path) -> None:
    """Interrupted at the n-th word of progress: Cancelled, and nothing is left behind."""
    edges, out, stop, told = tmp_path / "edges.csv", tmp_path / "out", Stop(), list[float]()
    edges.write_text("\n".join(map(",".join, ROWS)))

    def progress(text: str, share: float) -> None:
        assert text and 0 <= share <= 1
        told.append(share)
        if len(told) == at:
            asker = threading.Thread(target=stop.interrupt)
            asker.start()
            asker.join()

    with (
        pytest.raises(Cancelled),
        Graph.load(edges, temp_directory=out, threads=1, progress=progress, stop=stop) as graph,
    ):
        graph.measure()
        write_all(graph, report(graph), out, progress=progress)
    left = [path.name for path in out.iterdir()]
    assert at <= len(told) <= at + 1  # it may be told of the next step before a query finds out
    assert not [name for name in left if name.startswith(".") or name.endswith(".part")]


def test_a_query_that_runs_is_stopped(load: Load) -> None:
    graph = load(ROWS)
    timer = threading.Timer(0.1, graph.interrupt)
    timer.start()
    with pytest.raises(Cancelled):
        graph.db.run("SELECT count(*) FROM range(10000000000) a WHERE hash(a.range) = 1")
    timer.join()
    with pytest.raises(Cancelled):
        graph.measure()


def test_a_file_that_is_being_streamed_is_stopped(load: Load, tmp_path: Path) -> None:
    graph = load([("source", "target"), *((f"/{i}", f"/{i % 7}") for i in range(25_000))])
    chunks = graph.db.stream("SELECT url FROM pages")
    next(chunks)
    graph.interrupt()
    with pytest.raises(Cancelled):
        list(chunks)


def test_what_a_dead_process_left_is_removed(tmp_path: Path) -> None:
    """A scratch folder of a process that is gone goes; that of a living one stays."""
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for owner in (f"{dead.pid}-x", f"{os.getppid()}-x", "mine"):
        (tmp_path / f".links-{owner}").mkdir()
        (tmp_path / f".links-{owner}" / "spill").write_text("much")
    edges = tmp_path / "edges.csv"
    edges.write_text("source,target\n/a,/b\n")
    with Graph.load(edges, temp_directory=tmp_path) as graph:
        mode = graph.db.scratch.stat().st_mode
        assert mode & 0o077 == 0
    assert {path.name for path in tmp_path.iterdir()} == {"edges.csv", f".links-{os.getppid()}-x", ".links-mine"}


def test_nothing_is_drawn_on_the_terminal(tmp_path: Path) -> None:
    """DuckDB's own progress bar would be, in a process without a main file."""
    code = (
        "import sys; from pathlib import Path; from pipetui.links import Graph\n"
        "Path('e.csv').write_text('source,target\\n/a,/b\\n')\n"
        "with Graph.load(Path('e.csv'), temp_directory=Path('.')) as g:\n"
        "    print(g.db.value(\"SELECT current_setting('enable_progress_bar')\"))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout == "False\n"
