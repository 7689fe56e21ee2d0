import asyncio
import csv
import gzip
import hashlib
import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipetui.botify.errors import BadFile, LinkExpired
from pipetui.botify.received import CsvSink, Received
from pipetui.http import Damaged
from tests.pages.site import Site

NAMES = [("url",), ("crawl.20240301.outlinks_internal.graph.url", "outlinks_internal.graph.url")]
ROWS = "https://a/,https://b/\nhttps://a/,https://c/\n"


def receive(data: bytes, path: Path, names: object = NAMES, step: int = 10**9) -> Received:
    sink = CsvSink(path, names)
    try:
        for at in range(0, len(data), step):
            sink.feed(data[at : at + step])
        sink.finish()
    finally:
        sink.close()
    return sink.received()


@pytest.mark.parametrize("step", [1, 5, 10**9])
@pytest.mark.parametrize(
    ("text", "header", "skip"),
    [
        (ROWS, False, 0),
        ("url,outlinks_internal.graph.url\n" + ROWS, True, 1),
        ("url,crawl.20240301.outlinks_internal.graph.url\r\n" + ROWS.replace("\n", "\r\n"), True, 1),
        ("\ufeffurl,outlinks_internal.graph.url\n" + ROWS, True, 1),
        ("sep=,\nFull URL,Internal Outlinks\n" + ROWS, True, 2),
        ('\ufeff"sep=;"\nurl;outlinks_internal.graph.url\n' + ROWS.replace(",", ";"), True, 2),
        ("sep=,\n" + ROWS, False, 1),
        (ROWS.rstrip("\n"), False, 0),
    ],
)
def test_every_head_of_a_file(tmp_path: Path, text: str, header: bool, skip: int, step: int) -> None:
    data = text.encode()
    received = receive(data, tmp_path / "x", step=step)
    assert (received.rows, received.header, received.skip, received.ragged) == (2, header, skip, 0)
    assert (tmp_path / "x").read_bytes() == data
    assert received.sha256 == hashlib.sha256(data).hexdigest()


def test_rows_are_counted_as_the_csv_module_does(tmp_path: Path) -> None:
    rng = random.Random(3)
    cells = ["", "x", 'a"b', "a,b", "a\nb", '"', ",\n", "https://x/ü", '""']
    for width in (1, 2, 3):
        for _ in range(60):
            rows = [[rng.choice(cells[1:]) for _ in range(width)] for _ in range(rng.randint(1, 30))]
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([["h"] * width, *rows])
            received = receive(text.getvalue().encode(), tmp_path / "x", [("h",)] * width, rng.randint(1, 40))
            assert (received.rows, received.ragged, received.header) == (len(rows), 0, True)


def test_rows_with_other_columns_are_counted(tmp_path: Path) -> None:
    data = b"https://a/,https://b/\nhttps://a/\nhttps://a/,https://b/,x\nhttps://a/,https://b/"
    received = receive(data, tmp_path / "x")
    assert (received.rows, received.ragged) == (4, 2)


def test_a_file_with_other_columns_is_kept_and_one_that_is_no_table_is_not(tmp_path: Path) -> None:
    received = receive(b"a,b,c\n1,2,3\n", tmp_path / "x")
    assert (received.columns, received.rows, received.ragged) == (3, 1, 0)
    with pytest.raises(BadFile, match="1 column and not 2"):
        receive(b"Service Unavailable\n", tmp_path / "x")


@pytest.mark.parametrize(
    "data", [b"<!doctype html><p>x", b"\n <?xml version='1.0'?>", b'{"error": {}}', gzip.compress(b"<html>", mtime=0)]
)
def test_a_page_in_place_of_the_file(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(LinkExpired, match="a page or an error"):
        receive(data, tmp_path / "x")


def test_no_bytes_are_not_an_empty_export(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="empty"):
        receive(b"", tmp_path / "x")
    assert receive(gzip.compress(b"", mtime=0), tmp_path / "x").rows == 0
    assert receive(b"url,outlinks_internal.graph.url\n", tmp_path / "x").rows == 0


@pytest.mark.parametrize(("before", "why"), [("", "first row never ends"), (ROWS, "never closed")])
def test_a_quotation_that_never_ends_is_bounded(tmp_path: Path, before: str, why: str) -> None:
    with pytest.raises(BadFile, match=why):
        receive((before + 'https://a/,"https://b/\n' + ROWS * 300_000).encode(), tmp_path / "x", step=1 << 18)


@pytest.mark.parametrize("end", ["\n", ""])
@pytest.mark.parametrize("step", [3, 10**9])
def test_files_in_one_have_one_header(tmp_path: Path, end: str, step: int) -> None:
    head = "sep=,\nurl,outlinks_internal.graph.url\n"
    part = (head + ROWS).rstrip("\n").encode() + end.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("1.csv", part)
        file.writestr("2.csv", part)
    for data in (gzip.compress(part) * 2, buffer.getvalue()):
        received = receive(data, tmp_path / "x", step=step)
        assert (tmp_path / "x").read_text() == head + ROWS + ROWS.rstrip("\n") + end
        assert (received.rows, received.ragged) == (4, 0)


def test_a_file_that_goes_on_within_a_line(tmp_path: Path) -> None:
    data = ("url,outlinks_internal.graph.url\n" + ROWS).encode()
    packed = b"".join(gzip.compress(data[at : at + 20]) for at in range(0, len(data), 20))
    assert receive(packed, tmp_path / "x", step=11).rows == 2
    assert (tmp_path / "x").read_bytes() == data


MEASURE = """
import asyncio, re, sys
from pathlib import Path
from pipetui.botify import download_and_decompress
received = asyncio.run(download_and_decompress(sys.argv[1], Path(sys.argv[2]), names=[("url",), ("url",)]))
print(received.rows, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the largest size from /proc")
async def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """In kB. Not getrusage: its maximum begins with what the parent had when it forked."""
    rows = b"".join(
        b"https://www.acme.com/p/%06d,https://www.acme.com/p/%06d\n" % (n, n * 7 % 10**6) for n in range(10**5)
    )
    member = gzip.compress(rows, 1)
    peaks = {}
    async with Site() as site:
        for times in (1, 20):
            url = site.answer(f"/{times}", member * times, "Content-Type: application/gzip")
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                MEASURE,
                url,
                str(tmp_path / "x.csv"),
                stdout=subprocess.PIPE,
                env=dict(os.environ),
            )
            out, _ = await process.communicate()
            count, peaks[times] = map(int, out.split())
            assert count == times * 10**5
    assert peaks[20] < peaks[1] + 20_000
    assert peaks[20] < 150_000
