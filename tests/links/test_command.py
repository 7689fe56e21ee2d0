"""`pipetui links report`, as it is called."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipetui.cli import main
from pipetui.links import Graph

H = "https://a.example"


@pytest.fixture
def edges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path / "home"))
    path = tmp_path / "edges.csv"
    path.write_text(f"sep=,\nurl,outlinks_internal.graph.url\n{H}/,{H}/a\n{H}/a,{H}/b\nbroken\n")
    return path


def test_report_writes_all_files(edges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nodes = tmp_path / "nodes.csv"
    nodes.write_text(f"url,status\n{H}/b,404\n")
    assert main(["links", "report", str(edges), "--nodes", str(nodes), "--out", str(tmp_path / "out")]) == 0
    said, noted = capsys.readouterr()
    assert (
        said.startswith("3 pages, 2 links, 0 orphans, 0 dead ends.\n") and "malformed lines were left out: 1" in noted
    )
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "nodes.csv", "nodes.parquet", "edges.parquet", "cosmograph_points.csv", "cosmograph_links.csv",
        "graph.graphml", "graph.gexf", "report.md",
    }  # fmt: skip


def test_json_and_a_block(edges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "links",
        "report",
        str(edges),
        "--out",
        str(tmp_path / "out"),
        "--json",
        "--tables-only",
        "--home",
        f"{H}/",
    ]
    assert main([*words, "--without", "*", "*/b"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["depths"] == [[0, 1], [1, 1], [2, 1]] and told["home"] == f"{H}/"
    assert told["without"]["losses"][0]["url"] == f"{H}/b"
    assert [Path(name).name for name in told["files"]] == ["nodes.csv", "nodes.parquet", "edges.parquet", "report.md"]


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--home", "https://b.example/"], "is not in the files"), (["--source", "x"], "has no column 'x'"),
     (["--without", "*", "*/zzz"], "No link goes from")],
)  # fmt: skip
def test_what_can_not_be_is_one_sentence(
    edges: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(["links", "report", str(edges), "--out", str(tmp_path / "out"), *more]) == 2
    assert said in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_ctrl_c_ends_it_and_leaves_nothing(edges: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with edges.open("a") as file:
        file.writelines(f"{H}/{i},{H}/{i * 7919 % 1000003}\n" for i in range(400_000))
    running = subprocess.Popen(
        [sys.executable, "-m", "pipetui", "links", "report", str(edges), "--out", str(out)], stderr=subprocess.PIPE
    )
    while running.poll() is None and not (out.exists() and list(out.glob(f".links-{running.pid}-*"))):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130 and b"Ended by SIGINT" in said
    assert list(out.iterdir()) == []


def test_the_room_imports_duckdb_when_it_loads_a_graph() -> None:
    code = "import sys, pipetui.links; print('duckdb' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n" and Graph.__module__ == "pipetui.links.graph"
