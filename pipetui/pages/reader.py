"""Pages are read and kept by a process of their own: it uses another core, and a page that hangs or crashes the parser
costs that page alone. `reading.py` is the other end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import pickle
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pipetui.pages.files import PageRow, Saver, answered, complete, from_row

if TYPE_CHECKING:
    from pipetui.pages.fetch import Page

SECONDS = 20.0
"""What reading one page may take; ordinary ones take milliseconds."""

PROGRAM = [sys.executable, "-P", "-m", "pipetui.pages.reading"]

_AHEAD = 4  # pages on the line: so many that the process never waits for us
_BUFFER = 2**20  # bytes of the socket, as far as the system has them: most pages go in one piece


class Unreadable(Exception):
    """A page could not be read; the text says why."""


class _Unread(Exception):
    """The process ended at a page before this one."""


class Reader:
    """`async with Reader(folder) as reader: row = await reader.keep(page)`, many callers at once.

    One process, one page at a time. What is kept of a page is what `files.Saver` keeps in `folder`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: _Process | None = None
        self._starting = asyncio.Lock()
        self._ahead = asyncio.Semaphore(_AHEAD)

    async def __aenter__(self) -> Self:
        Saver(self._folder).close()  # the files are there, whatever comes
        await self._ready()  # its imports take as long as the first page
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            await self._process.close()

    async def keep(self, page: Page) -> PageRow:
        """The row of a page, which is read and kept if it is HTML. `OSError` if the disk does not take it."""
        row = answered(page)
        if page.response is None or not page.is_html:
            return complete(row)
        question = pickle.dumps((row, page.response.body, page.response.headers), pickle.HIGHEST_PROTOCOL)
        try:
            return await self._ask(question)
        except Unreadable as error:
            row["code"], row["error"] = "unreadable", str(error)
            return complete(row)

    async def _ask(self, question: bytes) -> PageRow:
        async with self._ahead:
            while True:
                process = await self._ready()
                try:
                    answer = await process.ask(question)
                    break
                except _Unread:
                    continue
        try:
            match json.loads(answer):
                case {"row": dict(row)}:
                    return from_row(row)
                case {"disk": [int(number), str(text), name]}:
                    raise OSError(number, text, name)
                case {"error": str(name)}:
                    raise Unreadable(f"The page could not be read ({name}).")
        except ValueError:
            pass
        raise Unreadable("The page could not be read.")

    async def _ready(self) -> _Process:
        async with self._starting:
            if self._process is None or self._process.is_over:
                self._process = await _Process.start(self._folder)
            return self._process


class _Process:
    """The process and the line to it. Answers come in the order of the questions."""

    def __init__(
        self, process: asyncio.subprocess.Process, answers: asyncio.StreamReader, questions: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._answers = answers
        self._questions = questions
        self._asked: asyncio.Queue[asyncio.Future[bytes]] = asyncio.Queue()
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, folder: Path) -> _Process:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *PROGRAM, str(folder), stdin=theirs.fileno(), stdout=theirs.fileno()
            )
        return cls(process, *await asyncio.open_connection(sock=ours, limit=_BUFFER))

    @property
    def is_over(self) -> bool:
        return self._listener.done()

    async def ask(self, question: bytes) -> bytes:
        """The answer. `Unreadable` if there is none, `_Unread` if it was not this question's turn yet."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked.put_nowait(answer)
        self._questions.write(question)
        return await answer

    async def close(self) -> None:
        """End the process. Nobody may wait for an answer any more."""
        self._listener.cancel()
        await asyncio.wait([self._listener])
        await self._end()

    async def _listen(self) -> None:
        """Hand on the answers, until one does not come: then end the process."""
        while True:
            asked = await self._asked.get()
            try:
                async with asyncio.timeout(SECONDS):
                    answer = await self._answers.readuntil()
            except TimeoutError:
                why: Exception = Unreadable(f"The page could not be read within {SECONDS:g} s.")
                break
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                why = Unreadable("The page broke the parser and could not be read.")
                break
            if not asked.done():  # else who asked was cancelled
                asked.set_result(answer)
        await self._end()
        for left in [asked, *(self._asked.get_nowait() for _ in range(self._asked.qsize()))]:
            if not left.done():
                left.set_exception(why)
            why = _Unread()

    async def _end(self) -> None:
        self._questions.transport.abort()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
