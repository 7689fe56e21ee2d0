"""What files may look like."""

from __future__ import annotations

import gzip
import itertools
from pathlib import Path

import pytest

from pipetui.links import BadInput, Graph, report
from pipetui.links.sniff import sniff

BOTIFY = {
    "slug": "url,outlinks_internal.graph.url",
    "collection_slug": "crawl.20240301.url,crawl.20240301.outlinks_internal.graph.url",
    "verbose": "Full URL,Outlinks Internal - Graph - URL",
    "none": "",
}
ROWS = (
    'https://a.example/,https://a.example/x\n"https://a.example/x,y","https://a.example/""q"""\nhttps://a.example/x,\n'
)


@pytest.mark.parametrize(
    ("header", "sep", "bom", "packed", "crlf"),
    list(itertools.product(BOTIFY, (False, True), (False, True), (False, True), (False, True))),
)
def test_all_shapes_of_a_botify_export(
    header: str, sep: bool, bom: bool, packed: bool, crlf: bool, tmp_path: Path
) -> None:
    text = ("sep=,\n" if sep else "") + (BOTIFY[header] + "\n" if BOTIFY[header] else "") + ROWS
    data = (("\ufeff" if bom else "") + text.replace("\n", "\r\n" if crlf else "\n")).encode()
    path = tmp_path / "export.bin"  # the name says nothing
    path.write_bytes(gzip.compress(data) if packed else data)
    found = sniff(path)
    assert (found.compression, found.delimiter, found.skip) == (
        "gzip" if packed else "none",
        ",",
        sep + bool(BOTIFY[header]),
    )
    assert found.ends() == (0, 1) and found.sample[1] == ("https://a.example/x,y", 'https://a.example/"q"')
    if packed == crlf == bom:  # some of them read to the end
        with Graph.load(path, temp_directory=tmp_path, threads=1) as graph:
            assert graph.db.value("SELECT list(url ORDER BY id) FROM pages") == [
                f"https://a.example/{page}" for page in ("", '"q"', "x", "x,y")
            ]
            (file,) = graph.loaded.edge_files
            assert (file.rows, file.targetless, file.malformed) == (3, 1, 0)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_is_sniffed_is_what_is_read(delimiter: str, packed: bool, tmp_path: Path) -> None:
    rows = ["Type", "Source", "Destination"], ["a;b", "/x,1|", "/y"], ["", "/y", "/x,1|"]
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    path = tmp_path / "links.csv"
    path.write_bytes(gzip.compress(text[:40].encode()) + gzip.compress(text[40:].encode()) if packed else text.encode())
    with Graph.load(path, temp_directory=tmp_path, threads=1) as graph:
        assert graph.db.rows("SELECT url FROM pages ORDER BY id") == [("/x,1|",), ("/y",)]
        assert graph.db.rows("SELECT source, target FROM edges") == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("to,from\n/a,/b\n", (1, 0)),
        ("url,inlinks_internal.graph.url\n/a,/b\n", (1, 0)),
        ("src_id,dst_id\n1,2\n", (0, 1)),
        ("anchor,where,whither\nhi,/a,/b\nho,/b,/c\n", (1, 2)),
        ("/a,/b\n/c,/d\n", (0, 1)),
        ("a,b\nc,d\n", (0, 1)),
        ("weight,target,source\n1,/a,/b\n", (2, 1)),
        ("target,page type\n/a,x\n", (1, 0)),
    ],
)
def test_which_column_is_which(text: str, ends: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text(text)
    assert sniff(path).ends() == ends


@pytest.mark.parametrize(
    ("text", "header"),
    [("a,b\nc,d\n", False), ("1,2\n3,4\n", False), ("x,y\n3,4\n", True), ("x,y\n/3,/4\n", True),
     ("/x,/y\n/3,/4\n", False), ("https://a/source,https://a/target\n/3,/4\n", False),
     ("source,target\n", True)],
)  # fmt: skip
def test_header_or_not(text: str, header: bool, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text(text)
    assert sniff(path).has_header == header


def test_the_columns_of_a_node_file(tmp_path: Path) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text("depth;crawl.20240301.http_code;crawl.20240301.segments.pagetype.value;url\n1;200;shop;/a\n")
    found = sniff(path)
    assert (found.page(), found.status(), found.segment()) == (3, 1, 2)
    path.write_text("/a\n/b,with,commas\n/c\n")
    assert sniff(path).page() == 0 and not sniff(path).has_header


def test_columns_that_are_named_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_text("a,b,c\nx,y,z\nu,v,w\n")
    with pytest.raises(BadInput, match=r"not clear.*a, b, c|not clear.*column 1"):
        sniff(path).ends()
    assert sniff(path).ends("1", "3") == (0, 2)
    with pytest.raises(BadInput, match="no column '9'"):
        sniff(path).ends("9", "1")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n\n", "is empty"),
        (b"sep=,\n", "is empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"PAR1\0\0\0", "no text"),
        (b"\x1f\x8b\x08garbage", "damaged"),
        (gzip.compress(b"<html><body>Not found</body></html>", mtime=0), "web page"),
        (b"/a\n/b\n", "one column"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=said):
        Graph.load(path, temp_directory=tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        Graph.load(tmp_path / "links.csv", temp_directory=tmp_path)


def test_a_gzip_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "links.csv.gz"
    whole = gzip.compress("".join(f"/{i * 7919 % 100003},/{i * 104729 % 99991}\n" for i in range(60_000)).encode())
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match=r"links.csv.gz: .*download it again"):
        Graph.load(path, temp_directory=tmp_path)


@pytest.mark.parametrize(
    ("data", "rows", "malformed"),
    [
        (b"source,target\n/a,/b\n/c\n/d,/e,/f\n/a,/c\n", 2, 2),
        (b"source,target\n/a,/b\n\xff\xfe,/b\n/a,/c\n", 2, 1),
        (b'source,target\n/a,/b\n"/c,/d\n/e,/f\n', 1, 1),
        (b"source,target\n/a,/b\n/" + b"x" * 3_000_000 + b",/b\n/a,/c\n", 2, 1),
        (b"source,target\r\n/a,/b\r\n/c,/d\n/e,/f\n", 3, 0),
        (b"\n\nsource,target\n\n/a,/b\n\n", 1, 0),
        (b"source,target\n /a ,\t/b\n/a,/b \n", 2, 0),
        (b"source,target\n/a\0x,/b\n", 1, 0),
    ],
)
def test_malformed_rows_are_counted(data: bytes, rows: int, malformed: int, tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_bytes(data)
    with Graph.load(path, temp_directory=tmp_path, threads=2) as graph:
        told = report(graph)
    assert (told.edge_files[0].rows, told.edge_files[0].malformed) == (rows, malformed)


def test_utf_16(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_bytes("source\ttarget\n/ä\t/漢\n".encode("utf-16"))
    with Graph.load(path, temp_directory=tmp_path, threads=1) as graph:
        assert graph.db.rows("SELECT url FROM pages ORDER BY id") == [("/ä",), ("/漢",)]
