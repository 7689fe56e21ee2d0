import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pipetui import http
from tests.pages.site import Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


async def get(url: str, *, timeout: float = 10, limit_bytes: int = 100_000, **more: object) -> http.Response:
    async with http.client() as client:
        return await http.fetch(client, url, timeout=timeout, limit_bytes=limit_bytes, **more)


async def test_a_page_comes_with_its_headers_and_times(site: Site) -> None:
    url = site.page("/a", "<p>hello", "X-Twice: 1", "X-Twice: 2")
    response = await get(url)
    assert (response.status, response.body, response.final_url) == (200, b"<p>hello", url)
    assert response.header("x-twice") == "1, 2"
    assert 0 < response.first_byte <= response.total
    assert not response.truncated
    assert site.asked[0][1]["user-agent"].startswith("pipetui/")


async def test_a_redirect_chain_is_kept_and_relative_targets_resolved(site: Site) -> None:
    site.redirect("/a/b", "../c?x=1#top")
    site.redirect("/c?x=1", f"{site.url}/end", "307 Temporary Redirect")
    site.page("/end", "there")
    response = await get(site.url + "/a/b")
    assert [(hop.status, hop.location) for hop in response.hops] == [
        (301, site.url + "/c?x=1"),
        (307, site.url + "/end"),
    ]
    assert (response.final_url, response.body) == (site.url + "/end", b"there")


async def test_a_circle_of_redirects_ends_with_its_hops(site: Site) -> None:
    site.redirect("/a", "/b")
    site.redirect("/b", "/a")
    with pytest.raises(http.BadRedirect, match="circle") as caught:
        await get(site.url + "/a")
    assert [hop.status for hop in caught.value.hops] == [301, 301]


async def test_endless_redirects_end(site: Site) -> None:
    for number in range(20):
        site.redirect(f"/{number}", f"/{number + 1}")
    with pytest.raises(http.BadRedirect, match="After 4 redirects"):
        await get(site.url + "/0", max_redirects=4)
    assert len(site.asked) == 4


@pytest.mark.parametrize("target", ["ftp://x/y", "file:///etc/passwd", "javascript:alert(1)", "http://[::1"])
async def test_redirects_lead_to_the_web_only(site: Site, target: str) -> None:
    url = site.redirect("/a", target)
    with pytest.raises(http.BadRedirect, match="can't be fetched"):
        await get(url)


async def test_a_password_in_a_redirect_is_not_sent(site: Site) -> None:
    site.redirect("/a", site.url.replace("http://", "http://me:secret@") + "/b")
    site.page("/b", "x")
    response = await get(site.url + "/a")
    assert "authorization" not in site.asked[1][1]
    assert "secret" not in response.final_url


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(b"hello " * 100, mtime=0)),
        ("x-gzip", gzip.compress(b"hello " * 50, mtime=0) + gzip.compress(b"hello " * 50, mtime=0)),
        ("gzip", gzip.compress(b"hello " * 100, mtime=0) + b"\0\0\0"),
        ("deflate", zlib.compress(b"hello " * 100)),
        ("deflate", zlib.compress(b"hello " * 100)[2:-4]),
        ("identity", b"hello " * 100),
    ],
)
async def test_content_encodings(site: Site, coding: str, packed: bytes) -> None:
    response = await get(site.page("/a", packed, f"Content-Encoding: {coding}"))
    assert response.body == b"hello " * 100


@pytest.mark.parametrize(
    ("coding", "packed"),
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"x" * 999, mtime=0)[:-9]), ("br", b"x"), ("gzip, gzip", b"x")],
)
async def test_what_can_not_be_decoded_is_said(site: Site, coding: str, packed: bytes) -> None:
    with pytest.raises(http.BadAnswer, match="compressed"):
        await get(site.page("/a", packed, f"Content-Encoding: {coding}"))


async def test_a_bomb_is_cut_at_the_limit(site: Site) -> None:
    url = site.page("/a", gzip.compress(b"\0" * 30_000_000, mtime=0), "Content-Encoding: gzip")
    response = await get(url)
    assert (len(response.body), response.truncated) == (100_000, True)


async def test_an_endless_body_is_cut(site: Site) -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    response = await get(site.raw("/a", endless))
    assert (len(response.body), response.truncated) == (100_000, True)


async def test_a_slow_drip_meets_the_deadline(site: Site) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.01)

    with pytest.raises(http.TimedOut, match=r"within 0\.15 seconds"):
        await get(site.raw("/a", drip), timeout=0.15)


async def test_waiting_ahead_of_a_request_does_not_count(site: Site) -> None:
    async def politely(_: str) -> None:
        await asyncio.sleep(2.1)

    assert (await get(site.page("/a", "x"), timeout=2, before=politely)).status == 200


async def test_a_body_that_nobody_wants_is_not_read(site: Site) -> None:
    url = site.answer("/a", b"x" * 1000, "Content-Type: application/pdf")
    response = await get(url, wanted=lambda answer: "html" in answer.header("content-type"))
    assert (response.body, response.skipped) == (b"", True)


@pytest.mark.parametrize(
    "answer",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 500_000 + b"\r\n\r\n",
        b"",
    ],
)
async def test_improper_answers(site: Site, answer: bytes) -> None:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    with pytest.raises((http.BadAnswer, http.Unreachable), match=r"127\.0\.0\.1"):
        await get(site.raw("/a", send))


async def test_a_refused_port_and_an_unknown_host() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(http.Unreachable, match="refused the connection"):
        await get(f"http://127.0.0.1:{port}/")
    with pytest.raises(http.UnknownHost, match=r"nowhere\.invalid was not found"):
        await get("http://nowhere.invalid/")


@pytest.mark.parametrize("url", ["ftp://x/", "", "http://", "http://a b/", "http://[", "no address", "http://x/\x00"])
async def test_bad_addresses(url: str) -> None:
    with pytest.raises(http.BadAddress):
        await get(url)


async def test_a_certificate_that_nobody_signed(tls: ssl.SSLContext) -> None:
    async with Site(tls) as site:
        with pytest.raises(http.BadCertificate, match=r"certificate of 127\.0\.0\.1 is not valid"):
            await get(site.page("/", "x"))


async def test_plain_http_on_a_tls_port() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        with pytest.raises(http.BadCertificate, match="No secure connection"):
            await get(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")


async def test_cookies_are_kept_on_request_only(site: Site) -> None:
    url = site.page("/a", "x", "Set-Cookie: a=1")
    for wish in (False, True):
        async with http.client(cookies=wish) as client:
            for _ in range(2):
                await http.fetch(client, url, timeout=10, limit_bytes=100)
    assert ["cookie" in headers for _, headers, _ in site.asked] == [False, False, False, True]


@pytest.mark.parametrize("agent", ["a\r\nHost: evil", "ü", "\x00"])
def test_a_user_agent_can_not_inject_headers(agent: str) -> None:
    with pytest.raises(ValueError, match="user agent"):
        http.client(user_agent=agent)


@pytest.mark.parametrize(
    "error",
    [httpx.ReadTimeout("x"), httpx.ProxyError("x"), httpx.ReadError("x"), OSError(5, "x"), TimeoutError(), KeyError()],
)
def test_every_error_has_a_reason(error: Exception) -> None:
    assert http.reason(error).endswith(".")


async def test_a_cancelled_fetch_is_cancelled(site: Site) -> None:
    async def hang(_: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    task = asyncio.create_task(get(site.raw("/a", hang)))
    while not site.asked:
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return self_signed(tmp_path_factory.mktemp("tls"))


def self_signed(folder: Path) -> ssl.SSLContext:
    """A TLS context for a server whose certificate nobody trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate to test with")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_kept_connection_that_the_server_closes_costs_no_page(site: Site) -> None:
    site.page("/a", "first")

    async def closes_once(writer: asyncio.StreamWriter) -> None:
        if site.paths().count("/b") > 1:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")

    site.raw("/b", closes_once)
    async with http.client() as client:
        await http.fetch(client, site.url + "/a", timeout=10, limit_bytes=100)
        response = await http.fetch(client, site.url + "/b", timeout=10, limit_bytes=100)
    assert response.body == b"second" and site.paths() == ["/a", "/b", "/b"]


async def test_a_fresh_connection_that_the_server_closes_is_told_and_not_tried_again(site: Site) -> None:
    async def closes(writer: asyncio.StreamWriter) -> None:
        """Says nothing."""

    url = site.raw("/b", closes)
    with pytest.raises(http.BadAnswer):
        await get(url)
    assert site.paths() == ["/b"]
