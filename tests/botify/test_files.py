"""Exports as one CSV that everything reads."""

from pathlib import Path
from typing import Any

from pipetui.botify import Export, join, link_graph, one_csv

from .conftest import CRAWL, SHOP, Stage


async def test_a_row_that_is_in_two_exports_is_joined_once(stage: Stage, tmp_path: Path) -> None:
    one = await stage.export(link_graph(SHOP, CRAWL, 2))
    other = await stage.export(link_graph(SHOP, CRAWL, 3))
    assert join([one, other], tmp_path / "joined.csv") == other.rows
    assert len((tmp_path / "joined.csv").read_text().splitlines()) == other.rows + 1
    assert not list(tmp_path.glob(".join-*"))


def exported(folder: Path, data: bytes, **facts: Any) -> Export:
    """A link graph's export that lies in a folder, as it came."""
    folder.mkdir()
    (folder / "export.csv").write_bytes(data)
    known: dict[str, Any] = {"job": "1", "marker": "", "api": "", "rows": 2, "counted": 2, "limit": 2, "credits": 0.2}
    known |= {"cut": False, "notes": [], "size": len(data), "sha256": "", "created": None, "finished": 0.0}
    known |= {"header": False, "delimiter": ";", "skip": 0}
    return Export(folder=folder, query=link_graph(SHOP, CRAWL), **known | facts)


def test_a_file_without_a_header_gets_one_and_commas(tmp_path: Path) -> None:
    data = b'sep=;\nhttps://a.example/;"x;y"\nhttps://b.example/;\n'
    export = exported(tmp_path / "1", data, skip=1)
    assert one_csv([export], tmp_path / "one.csv") == 2
    header = "url,outlinks_internal.graph.url"
    assert (tmp_path / "one.csv").read_text() == f"{header}\nhttps://a.example/,x;y\nhttps://b.example/,\n"
    assert export.path.read_bytes() == data, "the one that was paid for stays as it came"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["one.csv"]


def test_a_file_that_is_so_already_is_no_second_copy(tmp_path: Path) -> None:
    export = exported(tmp_path / "1", b"url,target\n/a,/b\n/b,/a\n", header=True, delimiter=",", skip=1)
    assert one_csv([export], tmp_path / "one.csv") == 2
    assert (tmp_path / "one.csv").samefile(export.path)


def test_parts_are_put_together_before_they_get_their_header(tmp_path: Path) -> None:
    exports = [exported(tmp_path / name, f"/{name};/x\n".encode(), rows=1) for name in ("1", "2")]
    assert one_csv(exports, tmp_path / "one.csv") == 2
    assert (tmp_path / "one.csv").read_text().splitlines() == ["url,outlinks_internal.graph.url", "/1,/x", "/2,/x"]
