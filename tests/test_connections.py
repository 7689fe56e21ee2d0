"""The connections below the client: used again, bounded, and left to httpx where there is a proxy."""

import asyncio
import select
import socket
import ssl
import struct
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from pipetui import http
from pipetui.http.connections import Connections
from pipetui.http.line import opened
from tests.test_http import self_signed


class Server:
    """Answers every request with the number of its connection, after a moment, once it may."""

    def __init__(self) -> None:
        self.opened = self.open = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.first_lines: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened += 1
        self.open += 1
        body = b"%d" % self.opened
        try:
            while True:
                self.first_lines.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
                await asyncio.sleep(0.05)
                await self.may_answer.wait()
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


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.005)


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
            await until(lambda: (server.opened, server.open) == (5, 2))
            await asyncio.gather(*(get(client, url) for _ in range(2)))
            assert server.opened == 5
        await until(lambda: server.open == 0)


async def test_who_is_cancelled_leaves_no_connection_behind() -> None:
    async with served() as (server, url), http.client() as client:
        server.may_answer.clear()
        tasks = [asyncio.create_task(get(client, url)) for _ in range(5)]
        await until(lambda: len(server.first_lines) == 5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        server.may_answer.set()
        await until(lambda: server.open == 0)
        assert await get(client, url) == b"6"


async def test_a_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with served() as (server, url):
        monkeypatch.setenv("http_proxy", url)
        async with http.client() as client:
            assert await get(client, "http://nowhere.invalid/x") == b"1"
        assert server.first_lines == [b"GET http://nowhere.invalid/x HTTP/1.1"]


async def test_bytes_that_nobody_asked_for_end_a_kept_connection() -> None:
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, http.client() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert await get(client, url) == b"true"
        await asyncio.sleep(0.1)
        assert await get(client, url) == b"true"
    assert opened == 2


async def test_all_addresses_of_a_host_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with three addresses: nobody is at one, one says nothing, one is the server."""
    with socket.socket() as free, socket.socket() as silent:
        free.bind(("127.0.0.1", 0))
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # its queue is full: who comes now hears nothing
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(silent.getsockname())
        async with served() as (server, url), http.client() as client:
            ours = ("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))
            places = [free.getsockname(), silent.getsockname(), ours]

            async def look_up(*_: object, **__: object) -> list[tuple[object, ...]]:
                return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
            assert await get(client, "http://three.example/") == b"1"
            await asyncio.sleep(0.05)
            assert (server.opened, server.open) == (1, 1)
            places = [free.getsockname()] * 2
            with pytest.raises(http.Unreachable, match=r"two\.example refused the connection"):
                await get(client, "http://two.example/")
        for each in waiting:
            each.close()


async def test_each_wait_of_a_request_is_limited() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server, http.client() as client:
        with pytest.raises(http.TimedOut) as caught:
            await http.send(
                client, "POST", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", body="{}", timeout=0.1
            )
        assert caught.value.sent


async def test_a_server_waits_for_who_does_not_read() -> None:
    size, sent = 64 << 20, 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            writer.write(bytes(1 << 20))
            await writer.drain()
            sent += 1 << 20
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, http.client() as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        async with client.stream("GET", url) as response:
            await asyncio.sleep(0.2)
            assert sent < size / 2
            assert sum([len(part) async for part in response.aiter_raw()]) == size


async def test_tls_kept_and_to_the_end_of_the_connection(tmp_path: Path) -> None:
    body = bytes(range(256)) * 20_000
    opened = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    tls = self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    async with (
        await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server,
        httpx.AsyncClient(transport=Connections(lambda: trusting, 5)) as client,
    ):
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert (await client.get(url)).content == b"first"
        assert (await client.get(url)).content == body
    assert opened == 1


async def test_what_was_sent_is_in_no_frame_of_an_error() -> None:
    """A token is among it, and some who print a traceback print the locals too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = await opened("127.0.0.1", server.getsockname()[1], None, 10)
        there, _ = server.accept()
        there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        there.close()  # by a reset, which the loop has not seen when it writes
        looker = select.poll()
        looker.register(line.transport.get_extra_info("socket"), select.POLLHUP)
        assert looker.poll(10_000)
        await line.write(b"Authorization: Token 0123456789", None)
        with pytest.raises(httpx.ReadError) as caught:
            await line.read(10)
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "Connection reset" in told and "0123456789" not in told


def test_httpx_comes_without_its_command_line() -> None:
    code = "import sys, pipetui.http; print({'click', 'rich', 'httpcore', 'anyio', 'trio'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-P", "-c", code], text=True) == "set()\n"
