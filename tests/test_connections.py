"""The connections below the client: used again, bounded, and left to httpx where there is a proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipetui import http


class Server:
    """Answers every request with the number of its connection, after a moment."""

    def __init__(self) -> None:
        self.opened = self.open = 0
        self.first_lines: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open += 1
        body = b"%d" % self.opened
        try:
            while True:
                self.first_lines.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
                await asyncio.sleep(0.05)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        finally:
            self.open -= 1


@asynccontextmanager
async def served() -> AsyncIterator[tuple[Server, str]]:
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"


async def get(client: http.Client, url: str) -> bytes:
    return (await http.fetch(client, url, timeout=10, limit_bytes=100)).body


async def test_a_connection_is_used_again() -> None:
    async with served() as (server, url), served() as (other, elsewhere), http.client() as client:
        assert [await get(client, url) for _ in range(3)] == [b"1", b"1", b"1"]
        assert await get(client, elsewhere) == b"1"
        assert await get(client, url) == b"1"
        assert (server.opened, other.opened) == (1, 1)


async def test_requests_at_once_have_one_each_and_only_so_many_are_kept() -> None:
    async with served() as (server, url):
        async with http.client(keep_alive=2) as client:
            await asyncio.gather(*(get(client, url) for _ in range(5)))
            await asyncio.sleep(0.05)
            assert (server.opened, server.open) == (5, 2)
            await asyncio.gather(*(get(client, url) for _ in range(2)))
            assert server.opened == 5
        await asyncio.sleep(0.05)
        assert server.open == 0


async def test_who_is_cancelled_leaves_no_connection_behind() -> None:
    async with served() as (server, url), http.client() as client:
        tasks = [asyncio.create_task(get(client, url)) for _ in range(5)]
        await asyncio.sleep(0.03)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert server.open == 0
        assert await get(client, url) == b"6"


async def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (server, url):
        monkeypatch.setenv("http_proxy", url)
        async with http.client() as client:
            assert await get(client, "http://nowhere.invalid/x") == b"1"
        assert server.first_lines == [b"GET http://nowhere.invalid/x HTTP/1.1"]
