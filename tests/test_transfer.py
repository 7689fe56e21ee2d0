import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipetui import http
from tests.pages.site import Site

DATA = bytes(range(256)) * 4000


class Kept:
    """A sink that keeps what it is fed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.data = b""
        self.finished = self.closed = False
        self._error = error

    def feed(self, data: bytes) -> None:
        if self._error is not None:
            raise self._error
        self.data += data

    def finish(self) -> None:
        self.finished = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site


class Source:
    """A server of DATA, whose every answer is told beforehand: (first byte or None, bytes until it breaks, ETag)."""

    def __init__(self, site: Site, *answers: tuple[int | None, int, str]) -> None:
        self.site = site
        self._answers = list(answers)
        self.url = site.raw("/file", self._answer)

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        first, length, etag = self._answers.pop(0)
        body = DATA[first or 0 :]
        head = "200 OK" if first is None else "206 Partial Content"
        lines = [f"HTTP/1.1 {head}", f"Content-Length: {len(body)}", f"ETag: {etag}"] if etag else [
            f"HTTP/1.1 {head}", f"Content-Length: {len(body)}"
        ]  # fmt: skip
        if first is not None:
            lines.append(f"Content-Range: bytes {first}-{len(DATA) - 1}/{len(DATA)}")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body[:length])
        await writer.drain()

    def asked(self) -> list[tuple[str, str]]:
        """(Range, If-Range) of each request."""
        return [(headers.get("range", ""), headers.get("if-range", "")) for _, headers, _ in self.site.asked]


async def get(url: str, part: Path, *sinks: Kept, **more: object) -> http.Transfer:
    left = list(sinks)
    async with http.client() as client:
        return await http.download(client, url, part, lambda: left.pop(0), pause=0.001, **more)


async def test_a_file_comes_whole(site: Site, tmp_path: Path) -> None:
    source, sink, seen = Source(site, (None, 10**9, '"a"')), Kept(), []
    transfer = await get(source.url, tmp_path / "part", sink, progress=lambda done, total: seen.append((done, total)))
    assert (transfer.size, transfer.resumed) == (len(DATA), 0)
    assert (sink.data, sink.finished, sink.closed) == (DATA, True, True)
    assert seen[-1] == (len(DATA), len(DATA))
    assert list(tmp_path.iterdir()) == []
    assert site.asked[0][1]["accept-encoding"] == "identity"
    assert "authorization" not in site.asked[0][1]


async def test_it_goes_on_where_it_broke(site: Site, tmp_path: Path) -> None:
    half = 300_000
    source, sink = Source(site, (None, half, '"a"'), (half, 10**9, '"a"')), Kept()
    transfer = await get(source.url, tmp_path / "part", sink)
    assert (sink.data == DATA, transfer.resumed) == (True, 1)
    assert source.asked() == [("", ""), (f"bytes={half}-", '"a"')]


@pytest.mark.parametrize("etag", ["", 'W/"a"'])
async def test_without_a_strong_validator_it_begins_anew(site: Site, tmp_path: Path, etag: str) -> None:
    source = Source(site, (None, 300_000, etag), (None, 10**9, etag))
    first, second = Kept(), Kept()
    await get(source.url, tmp_path / "part", first, second)
    assert second.data == DATA
    assert first.closed


async def test_another_call_goes_on_with_what_is_on_disk(site: Site, tmp_path: Path) -> None:
    source = Source(site, (None, 300_000, '"a"'), (300_000, 10**9, '"a"'))
    with pytest.raises(http.HttpError):
        await get(source.url, tmp_path / "part", Kept(), tries=1)
    assert (tmp_path / "part").stat().st_size == 300_000
    sink = Kept()
    await get(source.url, tmp_path / "part", sink)
    assert sink.data == DATA


async def test_a_whole_part_is_not_asked_for_again(site: Site, tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(DATA)
    (tmp_path / "part.json").write_text('{"validator": "\\"a\\""}')
    url = site.raw(
        "/file", f"HTTP/1.1 416 X\r\nContent-Range: bytes */{len(DATA)}\r\nContent-Length: 0\r\n\r\n".encode()
    )
    sink = Kept()
    await get(url, tmp_path / "part", sink)
    assert sink.data == DATA


@pytest.mark.parametrize("note", ["", "{", "[]", '{"validator": 3'])
async def test_a_part_that_nobody_vouches_for_is_not_used(site: Site, tmp_path: Path, note: str) -> None:
    (tmp_path / "part").write_bytes(b"rubbish")
    (tmp_path / "part.json").write_text(note)
    sink = Kept()
    await get(Source(site, (None, 10**9, '"a"')).url, tmp_path / "part", sink)
    assert sink.data == DATA


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_a_refusal_is_not_repeated(site: Site, tmp_path: Path, status: int) -> None:
    url = site.answer("/file", b"no", status=f"{status} No")
    with pytest.raises(http.Refused) as caught:
        await get(url, tmp_path / "part", Kept())
    assert (caught.value.status, len(site.asked)) == (status, 1)


async def test_a_busy_host_is_asked_again_and_a_redirect_followed(site: Site, tmp_path: Path) -> None:
    answers = [
        b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 F\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n",
    ]

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(answers.pop(0))
        await writer.drain()

    site.answer("/there", DATA)
    sink = Kept()
    await get(site.raw("/file", answer), tmp_path / "part", sink)
    assert sink.data == DATA


@pytest.mark.parametrize(
    ("error", "kept"), [(http.Damaged("x"), False), (OSError(errno.ENOSPC, "full"), True), (ValueError("x"), False)]
)
async def test_an_error_of_the_sink_is_the_callers(site: Site, tmp_path: Path, error: Exception, kept: bool) -> None:
    sink = Kept(error)
    with pytest.raises(type(error)):
        await get(Source(site, (None, 10**9, '"a"')).url, tmp_path / "part", sink)
    assert sink.closed
    assert (tmp_path / "part").exists() is kept


async def test_a_cancelled_download_keeps_its_part_and_closes_its_files(site: Site, tmp_path: Path) -> None:
    async def stalling(writer: asyncio.StreamWriter) -> None:
        writer.write(f'HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\nETag: "a"\r\n\r\n'.encode() + DATA[:400_000])
        await writer.drain()
        await asyncio.sleep(60)

    sink = Kept()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await get(site.raw("/file", stalling), tmp_path / "part", sink)
    assert sink.closed
    assert (tmp_path / "part").read_bytes() == sink.data == DATA[: len(sink.data)]
    assert len(sink.data) > 200_000


async def test_send_says_whether_anything_left(site: Site) -> None:
    async with http.client() as client:
        answer = await http.send(client, "POST", site.answer("/x", b'{"a": 1}'), body="{}")
        assert answer.json() == {"a": 1}
        await site.__aexit__(None, None, None)
        with pytest.raises(http.Unreachable) as refused:
            await http.send(client, "POST", site.url + "/x", body="{}")
    assert not refused.value.sent
