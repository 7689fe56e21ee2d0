"""A web site on loopback that does what it is told, bad manners included.

In a test: `async with Site() as site: site.page("/", "<title>x</title>")`. As a program (`python -m tests.pages.site
500`) it serves that many varied pages, prints its address, and ends with its standard input.
"""

import asyncio
import gzip
import random
import ssl
import sys
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Site:
    """Answers by path: bytes as they are, or a function that writes. What was asked is kept in `asked`."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, bytes | Handler] = {}
        self.asked: list[tuple[str, dict[str, str], float]] = []  # path, headers, loop time
        self.running = self.most_running = 0
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def answer(self, path: str, body: bytes | str = b"", *headers: str, status: str = "200 OK") -> str:
        """Serve `body` with `headers` (`Name: value`) at `path`; returns the address."""
        data = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(data)}"]
        self.answers[path] = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data
        return self.url + path

    def page(self, path: str, body: bytes | str, *headers: str) -> str:
        return self.answer(path, body, "Content-Type: text/html", *headers)

    def redirect(self, path: str, to: str, status: str = "301 Moved Permanently") -> str:
        return self.answer(path, b"", f"Location: {to}", status=status)

    def raw(self, path: str, answer: bytes | Handler) -> str:
        self.answers[path] = answer
        return self.url + path

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.asked]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                request, *lines = head.strip().split("\r\n")
                path = request.split(" ")[1]
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
                self.asked.append((path, headers, asyncio.get_running_loop().time()))
                self.running += 1
                self.most_running = max(self.most_running, self.running)
                try:
                    answer = self.answers.get(path, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    if not isinstance(answer, bytes):
                        await answer(writer)
                        return
                    writer.write(answer)
                    await writer.drain()
                finally:
                    self.running -= 1
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        except asyncio.CancelledError:  # the site closes; asyncio would report it as an unhandled error
            pass
        finally:
            writer.close()


def varied(count: int) -> dict[str, bytes]:
    """Pages of 4 to 120 kB as the web has them: paths and HTML, the same ones each time."""
    dice = random.Random(7)
    words = [
        "the",
        "of",
        "and",
        "export",
        "shop",
        "price",
        "page",
        "list",
        "crawl",
        "report",
        "to",
        "with",
        "this",
        "on",
    ]
    pages = {}
    for number in range(count):
        parts = [f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Page {number}</title>"]
        parts.append(f"<meta name=description content='About {number}'><link rel=canonical href=/p/{number}>")
        parts.append("<style>" + ".a{color:red}" * dice.randrange(400) + "</style>")
        parts.append('<script type="application/ld+json">{"@type":"Article","author":{"@type":"Person"}}</script>')
        parts.append("<script>" + "var x = 1;\n" * dice.randrange(2000) + "</script></head><body><h1>Head</h1>")
        for item in range(dice.randrange(10, 150)):
            text = " ".join(dice.choices(words, k=dice.randrange(5, 60)))
            parts.append(f"<div class='card c{item}'><h2>{text[:30]}</h2><p>{text}</p>")
            parts.append(
                f"<a href='/p/{dice.randrange(count)}' rel=next>{text[:20]}</a><img src=/i/{item}.png alt=x></div>"
            )
        pages[f"/p/{number}"] = "".join(parts).encode()
    return pages


async def _program(count: int) -> None:
    async with Site() as site:
        for number, (path, html) in enumerate(varied(count).items()):
            if number % 2:
                site.page(path, html)
            else:
                site.page(path, gzip.compress(html, 6), "Content-Encoding: gzip")
        print(site.url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_program(int(sys.argv[1])))
