"""The process that reads pages: what a page does to it, it does to itself alone."""

import asyncio
import errno
import os
import sys
from pathlib import Path

import pytest

from pipetui.http import Response
from pipetui.pages import reader as module
from pipetui.pages.fetch import Page
from pipetui.pages.files import read_links, write_links_csv
from pipetui.pages.reader import Reader

BAD = [sys.executable, str(Path(__file__).with_name("bad_reader.py"))]


def page(name: str, html: str = "<title>{0}</title><a href=/of-{0}>x</a>") -> Page:
    url = f"https://a.com/{name}"
    return Page(url, "", Response(url, url, 200, (), 0.1, body=html.replace("{0}", name).encode()), True)


async def test_pages_are_read_and_kept(tmp_path: Path) -> None:
    async with Reader(tmp_path) as reader:
        rows = await asyncio.gather(*(reader.keep(page(str(number))) for number in range(50)))
    assert [row["title"] for row in rows] == [str(number) for number in range(50)]
    assert all((tmp_path / row["raw"]).read_bytes().startswith(b"<title>") for row in rows)
    assert write_links_csv(tmp_path / "links.csv", tmp_path, rows) == 50
    assert [link["target"] for link in read_links(tmp_path / "links.csv")] == [
        f"https://a.com/of-{n}" for n in range(50)
    ]


async def test_what_is_no_html_is_a_row_and_is_not_read(tmp_path: Path) -> None:
    async with Reader(tmp_path) as reader:
        failed = await reader.keep(Page("https://a.com/", "", code="dns", error="The host a.com was not found."))
        pdf = await reader.keep(Page("https://a.com/", "", Response("", "", 200, (), 0.1, body=b"%PDF")))
    assert (failed["error"], pdf["status"]) == ("The host a.com was not found.", 200)
    assert not failed["html"] and not pdf["html"] and not list(tmp_path.rglob("*.html"))
    assert write_links_csv(tmp_path / "links.csv", tmp_path, [failed, pdf]) == 0


async def test_a_page_of_megabytes_and_odd_signs_comes_through(tmp_path: Path) -> None:
    async with Reader(tmp_path) as reader:
        row = await reader.keep(page("x", "<title>é\u2028\n</title>" + "<p>word</p>" * 500_000))
    assert (row["title"], row["words"]) == ("é", 500_000)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        ("hang", "The page could not be read within 1 s."),
        ("crash", "The page broke the parser and could not be read."),
        ("fail", "The page could not be read (RecursionError)."),
    ],
)
async def test_a_bad_page_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str, error: str
) -> None:
    monkeypatch.setattr(module, "PROGRAM", BAD)
    monkeypatch.setattr(module, "SECONDS", 1.0)
    names = ["1", "2", bad, "3", "4", bad, "5", "6"]
    async with Reader(tmp_path) as reader:
        rows = await asyncio.gather(*(reader.keep(page(name)) for name in names))
    assert [row["title"] for row in rows] == ["1", "2", None, "3", "4", None, "5", "6"]
    assert {(row["code"], row["error"], row["status"]) for row in rows if not row["html"]} == {
        ("unreadable", error, 200)
    }


async def test_a_full_disk_is_an_error_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROGRAM", BAD)
    async with Reader(tmp_path) as reader:
        with pytest.raises(OSError, match="No space left") as found:
            await reader.keep(page("full"))
        assert (found.value.errno, found.value.filename) == (errno.ENOSPC, str(tmp_path / "raw"))
        assert (await reader.keep(page("x")))["title"] == "x"


async def test_who_is_cancelled_takes_nothing_from_the_others(tmp_path: Path) -> None:
    async with Reader(tmp_path) as reader:
        tasks = [asyncio.create_task(reader.keep(page(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        rows = await asyncio.gather(*tasks, return_exceptions=True)
    kept = [row["title"] for row in rows if isinstance(row, dict)]
    assert kept == [str(number) for number in range(20) if number % 3]


async def test_no_process_is_left(tmp_path: Path) -> None:
    async with Reader(tmp_path) as reader:
        await reader.keep(page("x"))
        assert reader._process is not None
        pid = reader._process._process.pid
        os.kill(pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
