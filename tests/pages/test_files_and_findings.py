import asyncio
import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipetui.http import Hop, Response
from pipetui.pages.extract import extract
from pipetui.pages.fetch import Fetcher, Options, Page
from pipetui.pages.files import (
    LINKS_HEADER,
    MAX_ROW,
    PAGES_HEADER,
    PageRow,
    Saver,
    answered,
    complete,
    from_row,
    raw_name,
    read_links,
    read_rows,
    write_links_csv,
    write_pages_csv,
    write_rows,
)
from pipetui.pages.findings import RULES, Count, counts, findings
from pipetui.pages.reader import Reader
from tests.pages.site import Site

GOOD = "<title>{0}</title><meta name=description content='About {0}'><h1>{0}</h1>"


def row(
    path: str, html: str = GOOD, *headers: tuple[str, str], status: int = 200, hops: tuple[Hop, ...] = ()
) -> PageRow:
    url, body = f"https://a.com{path}", html.replace("{0}", path).encode()
    final = hops[-1].location if hops else url
    response = Response(url, final, status, headers, 0.1, total=0.2, hops=hops, body=body)
    page = Page(url, "2026-01-01T00:00:00+00:00", response, True, hops=hops)
    return complete(answered(page), extract(body, headers, final))


def save(saver: Saver, url: str, html: str) -> PageRow:
    body = html.encode()
    page = Page(url, "", Response(url, url, 200, (), 0.1, body=body), True)
    return saver.save(complete(answered(page)), body, extract(body, (), url))


def codes(*rows: PageRow) -> set[tuple[str, str]]:
    return {(finding.code, finding.url.removeprefix("https://a.com")) for finding in findings(rows)}


def test_names_are_made_by_us() -> None:
    names = {
        raw_name(url) for url in ("https://a.com/../../x", "https://a.com/x?", "http://a.com/x", "https://a.com/X")
    }
    assert len(names) == 4
    assert all("/" not in name and name.startswith("a-com-x-") and name.endswith(".html") for name in names)
    assert len(raw_name("https://a.com/" + "x" * 5000)) < 100


def test_a_row_is_json_and_comes_back() -> None:
    one = row("/x", GOOD + "<a href=/y>y</a><link rel=canonical href=/z>", ("content-type", "text/html"))
    assert from_row(json.loads(json.dumps(one))) == one
    assert (one["title"], one["canonical"], one["canonical_elsewhere"]) == ("/x", "https://a.com/z", True)
    assert from_row({})["notes"] == []
    with pytest.raises(ValueError, match="status is str"):
        from_row({"status": "200"})


def test_the_fattest_page_makes_a_row_of_bounded_size() -> None:
    fat = "😀" * 2000
    html = f"<title>{fat}</title><meta name=description content={fat}>" + "".join(
        f"<h1>{number}{fat}</h1><h2>{fat}</h2><img src={number}{fat}>"
        f"<link rel=alternate hreflang=x href=/{number}{fat}>"
        f"<p itemtype={number}{fat}><meta name=googlebot content={fat}><meta property=og:{number} content={fat}>"
        for number in range(100)
    )
    one = row("/" + "x" * 7000, html, *[(f"x-{number}", "y" * 900) for number in range(100)])
    assert len(json.dumps(one)) <= MAX_ROW
    assert one["notes"][-1].startswith("Too long to be listed here: headers, ")
    assert one["title"]


def test_formulas_are_neutralised(tmp_path: Path) -> None:
    with Saver(tmp_path) as saver:
        html = '<title>=1+1</title><h1>+x</h1><a href=/b rel=@r>=HYPERLINK(1)\n,"q"</a>'
        one = save(saver, "https://a.com/", html)
    assert write_pages_csv(tmp_path / "pages.csv", [one]) == 1
    assert write_links_csv(tmp_path / "links.csv", tmp_path, [one]) == 1
    header, cells = csv.reader((tmp_path / "pages.csv").read_text("utf-8").splitlines())
    assert header == PAGES_HEADER
    assert (cells[header.index("title")], cells[header.index("h1")]) == ("'=1+1", "'+x")
    header, cells = csv.reader((tmp_path / "links.csv").read_text("utf-8").splitlines())
    assert header == LINKS_HEADER
    assert cells == ["https://a.com/", "https://a.com/b", "yes", "'@r", '\'=HYPERLINK(1) ,"q"']


def test_what_a_crash_left_behind_is_in_no_file(tmp_path: Path) -> None:
    pages = [(f"https://a.com/{number}", f"<a href=/x{number}>é</a>") for number in range(3)]
    with Saver(tmp_path) as saver:
        rows = [save(saver, *pages[0])]
        save(saver, *pages[1])  # its row was never kept
    with (tmp_path / "links.part").open("ab") as part:
        part.write(b"half a li")
    with Saver(tmp_path) as saver:
        rows += [save(saver, *pages[1]), save(saver, *pages[2])]
    assert write_links_csv(tmp_path / "links.csv", tmp_path, rows) == 3
    assert [link["target"] for link in read_links(tmp_path / "links.csv")] == [f"https://a.com/x{n}" for n in range(3)]
    assert write_rows(tmp_path / "pages.jsonl", rows) == 3
    assert list(read_rows(tmp_path / "pages.jsonl")) == rows
    assert (tmp_path / rows[0]["raw"]).read_bytes() == "<a href=/x0>é</a>".encode()


def test_good_pages_have_no_findings() -> None:
    assert findings([row("/a"), row("/b")]) == []


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<h1>x</h1><meta name=description content=x>", "title_missing"),
        ("<title> </title><h1>x</h1><meta name=description content=x>", "title_missing"),
        (GOOD.replace("{0}</title>", "x" * 61 + "</title>"), "title_long"),
        ("<title>x</title><h1>x</h1>", "description_missing"),
        ("<title>x</title><meta name=description content=x>", "h1_missing"),
        (GOOD + "<h1>2</h1>", "h1_several"),
        (GOOD + "<meta name=robots content='NOINDEX, follow'>", "noindex"),
        (GOOD + "<link rel=canonical href=/other>", "canonical_elsewhere"),
        (GOOD + "<img src=x>", "images_alt"),
        (GOOD + "<img alt=x src=http://x/y>", "mixed_content"),
        (GOOD + "<script type=application/ld+json>{</script>", "jsonld_broken"),
    ],
)
def test_one_problem_of_one_page(html: str, code: str) -> None:
    assert codes(row("/a", html)) == {(code, "/a")}


def test_problems_of_answers() -> None:
    hops = (Hop("https://a.com/r", 301, "https://a.com/s"), Hop("https://a.com/s", 302, "https://a.com/t"))
    failed = complete(answered(Page("https://a.com/f", "", code="dns", error="The host a.com was not found.")))
    kept = complete(
        answered(Page("https://a.com/k", "", code="robots", error="robots.txt of a.com does not allow this page."))
    )
    pdf = complete(
        answered(Page("https://a.com/p", "", Response("", "", 200, (), 0.1), notes=("This is a PDF, not HTML.",)))
    )
    noindex = row("/n", GOOD, ("x-robots-tag", "googlebot: noindex"))
    assert codes(row("/e", "", status=404), row("/r", GOOD, hops=hops), failed, kept, pdf, noindex) == {
        ("status", "/e"),
        ("redirect_chain", "/r"),
        ("fetch_error", "/f"),
        ("robots_txt", "/k"),
        ("not_html", "/p"),
        ("noindex", "/n"),
    }


def test_duplicates_among_pages_that_can_be_found() -> None:
    same = GOOD.replace("{0}", "Same")
    hops = (Hop("https://a.com/old", 301, "https://a.com/1"),)
    rows = [
        row("/1", same),
        row("/2", same.replace("Same", "SAME")),
        row("/old", same, hops=hops),  # the same page as /1
        row("/3", same + "<link rel=canonical href=/1>"),
        row("/4", same + "<meta name=robots content=noindex>"),
    ]
    found = [finding for finding in findings(rows) if "duplicate" in finding.code]
    assert {(f.code, f.url, f.detail) for f in found if f.url == "https://a.com/1"} == {
        ("title_duplicate", "https://a.com/1", "as on https://a.com/2"),
        ("description_duplicate", "https://a.com/1", "as on https://a.com/2"),
    }
    assert {f.url[-1] for f in found} == {"1", "2"}


def test_hreflang_has_to_be_returned() -> None:
    link = "<link rel=alternate hreflang=de href={}>"
    rows = [
        row("/en", GOOD + link.format("/de") + link.format("/gone") + link.format("/en") + link.format("/outside")),
        row("/de", GOOD),
        row("/gone", "", status=410),
        row("/fr", GOOD + link.format("/it")),
        row("/it", GOOD + link.format("/fr")),
    ]
    assert [f.detail for f in findings(rows) if f.code == "hreflang"] == [
        "de: https://a.com/de does not link back",
        "de: https://a.com/gone can't be fetched",
    ]


def test_counts_are_of_pages_in_the_order_of_the_rules() -> None:
    found = findings(
        [row("/a", GOOD + "<h1>2</h1><script type=application/ld+json>{</script>" * 2), row("/b", "<h1>x</h1>")]
    )
    assert counts(found) == [
        Count("title_missing", "No title", "error", 1),
        Count("description_missing", "No meta description", "warning", 1),
        Count("h1_several", "Several h1", "notice", 1),
        Count("jsonld_broken", "Broken JSON-LD", "error", 1),
    ]
    assert len({rule.code for rule in RULES}) == len(RULES)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


async def test_a_whole_inspection(site: Site, tmp_path: Path) -> None:
    site.page("/", GOOD.format("home") + "<a href=/gone>x</a><a href=/gone#y>x</a><a href=/b>b</a>")
    site.page("/b", GOOD.format("b") + "<a href=/>up</a>")
    site.redirect("/moved", "/b")
    urls = [site.url + path for path in ("/", "/b", "/gone", "/moved")]
    async with Reader(tmp_path) as reader, Fetcher(Options()) as fetcher:
        pages = await asyncio.gather(*map(fetcher.page, urls))
        rows = await asyncio.gather(*map(reader.keep, pages))
    assert write_links_csv(tmp_path / "links.csv", tmp_path, rows) == 5
    found = findings(rows, read_links(tmp_path / "links.csv"))
    assert [(f.code, f.url, f.detail) for f in found] == [
        ("broken_link", urls[0], f"{urls[2]} (status 404)"),
        ("status", urls[2], "404"),
    ]
