import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipetui.pages.fetch import Fetcher, Options, Page
from tests.pages.site import Site
from tests.test_http import self_signed


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


async def fetch(*urls: str, **options: object) -> list[Page]:
    async with Fetcher(Options(**options)) as fetcher:
        return list(await asyncio.gather(*map(fetcher.page, urls)))


async def test_a_page_is_fetched(site: Site) -> None:
    (page,) = await fetch(site.page("/a", "<title>Hi</title>"))
    assert (page.error, page.notes, page.is_html) == ("", (), True)
    assert page.response and (page.response.status, page.response.body) == (200, b"<title>Hi</title>")
    assert site.paths() == ["/robots.txt", "/a"]


async def test_every_failure_is_a_page_with_a_reason(site: Site) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"<")
            await asyncio.sleep(0.05)

    site.redirect("/loop", "/loop")
    site.raw("/drip", drip)
    site.raw("/odd", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
    site.page("/badzip", "plain", "Content-Encoding: gzip")
    paths = ["/loop", "/drip", "/odd", "/badzip"]
    urls = [*(site.url + path for path in paths), "http://nowhere.invalid/", "http://127.0.0.1:1/", "ftp://x", ""]
    pages = await fetch(*urls, timeout=2, robots=False)
    assert [page.code for page in pages] == [
        *("redirect", "timeout", "answer", "answer"),
        *("dns", "unreachable", "address", "address"),
    ]
    assert all(page.error.endswith(".") and not page.is_html for page in pages)
    assert pages[0].hops[0].status == 301


async def test_a_bad_certificate_is_named_once_robots_txt_meets_it(tmp_path: Path) -> None:
    context: ssl.SSLContext = self_signed(tmp_path)
    async with Site(context) as site:
        (page,) = await fetch(site.page("/", "x"))
    assert page.code == "certificate"


async def test_what_is_no_html_is_noted(site: Site) -> None:
    site.answer("/pdf", b"%PDF-1.7", "Content-Type: application/pdf")
    site.page("/disguised", b"%PDF-1.7 \xff\xfe")
    site.answer("/text", "no markup")
    site.answer("/bare", "<title>Hi</title>")
    site.page("/empty", "")
    site.page("/nul", b"<title>a\x00b</title>")
    pages = await fetch(*(site.url + path for path in ("/pdf", "/disguised", "/text", "/bare", "/empty", "/nul")))
    assert [page.notes for page in pages] == [
        ("This is application/pdf, not HTML.",),
        ("This is a PDF, not HTML.",),
        ("This is something without a content type, not HTML.",),
        (),
        ("The page is empty.",),
        (),
    ]
    assert [page.is_html for page in pages] == [False, False, False, True, False, True]
    assert not any(page.error for page in pages)


async def test_a_bomb_is_cut(site: Site) -> None:
    body = gzip.compress(b"<title>Boom</title>" + b" " * 5_000_000)
    (page,) = await fetch(site.page("/", body, "Content-Encoding: gzip"), limit_bytes=50_000)
    assert page.is_html and page.response and len(page.response.body) == 50_000
    assert page.notes == ("The page is longer than 50,000 bytes; the rest was not read.",)


async def test_an_error_page_is_to_be_read_too(site: Site) -> None:
    url = site.answer("/", "<title>Gone</title>", "Content-Type: text/html", status="410 Gone")
    (page,) = await fetch(url)
    assert page.response and page.response.status == 410
    assert page.is_html


async def test_robots_txt_is_asked_once_and_heeded(site: Site) -> None:
    site.answer("/robots.txt", "User-agent: *\nDisallow: /no*x\nUser-agent: FooBot\nDisallow: /\n")
    urls = [site.page(f"/{number}", "x") for number in range(5)] + [site.page("/no/x", "x")]
    pages = await fetch(*urls)
    assert [page.code for page in pages] == ["", "", "", "", "", "robots"]
    assert site.paths().count("/robots.txt") == 1
    assert "/no/x" not in site.paths()
    assert [page.code for page in await fetch(urls[0], agent="Mozilla/5.0 (compatible; FooBot/2.1)")] == ["robots"]
    assert [page.code for page in await fetch(urls[-1], robots=False)] == [""]


async def test_a_redirect_into_a_forbidden_part_is_not_followed(site: Site) -> None:
    site.answer("/robots.txt", "User-agent: *\nDisallow: /private")
    (page,) = await fetch(site.redirect("/a", "/private"))
    assert (page.code, [hop.status for hop in page.hops]) == ("robots", [301])
    assert "/private" not in site.paths()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        ("404 Not Found", "User-agent: *\nDisallow: /", ""),
        ("403 Forbidden", "User-agent: *\nDisallow: /", ""),
        ("500 Oops", "", "robots"),
        ("200 OK", "<html>no robots", ""),
        ("200 OK", "\ufeffUser-agent: *\nDisallow: /", "robots"),
        ("200 OK", "Disallow: /\n\x00\nUser-agent", ""),
    ],
)
async def test_robots_txt_by_its_status(site: Site, status: str, body: str, code: str) -> None:
    site.answer("/robots.txt", body, status=status)
    (page,) = await fetch(site.page("/", "x"))
    assert page.code == code


async def test_robots_txt_that_redirects_without_end_allows_all(site: Site) -> None:
    site.redirect("/robots.txt", "/robots.txt")
    assert (await fetch(site.page("/", "x")))[0].code == ""


async def test_robots_txt_that_does_not_come_keeps_us_away(site: Site) -> None:
    async def hang(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    site.raw("/robots.txt", hang)
    (page,) = await fetch(site.page("/", "x"), timeout=0.2)
    assert page.code == "robots"
    assert "could not be read, so the page was left alone: There was no complete answer" in page.error


async def test_only_so_many_run_at_once(site: Site) -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1\r\n\r\nx")
        await writer.drain()

    pages = await fetch(*(site.raw(f"/{number}", slow) for number in range(20)), parallel=3)
    assert not any(page.error for page in pages)
    assert site.most_running == 3


@pytest.mark.parametrize("robots", ["", "User-agent: *\nCrawl-delay: 0.05"])
async def test_requests_to_one_host_are_a_delay_apart(site: Site, robots: str) -> None:
    site.answer("/robots.txt", robots)
    site.redirect("/0", "/hop")
    urls = [site.url + "/0", *(site.page(f"/{number}", "x") for number in range(1, 5))]
    site.page("/hop", "x")
    await fetch(*urls, delay=0.0 if robots else 0.05)
    times = [when for path, _, when in site.asked if path != "/robots.txt"]
    assert len(times) == 6
    # A request that is late on its way makes the next gap look shorter: the whole can't be.
    assert times[-1] - times[0] > 4 * 0.05


async def test_a_slow_host_does_not_hold_up_another(site: Site) -> None:
    async with Site() as other:
        slow = [site.page(f"/{number}", "x") for number in range(30)]
        async with Fetcher(Options(parallel=2, delay=30, robots=False)) as fetcher:
            waiting = [asyncio.create_task(fetcher.page(url)) for url in slow]
            page = await fetcher.page(other.page("/", "x"))
            assert page.error == ""
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


async def test_who_is_cancelled_takes_nothing_from_the_others(site: Site) -> None:
    release = asyncio.Event()

    async def later(writer: asyncio.StreamWriter) -> None:
        await release.wait()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    site.raw("/robots.txt", later)
    async with Fetcher(Options(parallel=1)) as fetcher:
        first, second = (asyncio.create_task(fetcher.page(site.page(path, "x"))) for path in ("/1", "/2"))
        while not site.asked:
            await asyncio.sleep(0.001)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        release.set()
        assert first.cancelled()
        assert (await second).error == ""


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"timeout": float("nan")}, {"parallel": 0}, {"delay": -1}])
def test_options_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError):
        Options(**wrong)
