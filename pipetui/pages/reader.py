"""Pages are read in a process of their own: it uses another core, and one that hangs or crashes the parser costs that
page alone. One process, one page at a time; run as a program it is the other end.
"""

import asyncio
import contextlib
import pickle
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import BinaryIO, Self

from pipetui.pages.extract import Extract, extract

SECONDS = 20.0
"""What reading one page may take; ordinary ones take milliseconds."""

_LENGTH = 8  # bytes in front of each message, which is a pickle: both ends are ours


class Unreadable(Exception):
    """A page could not be read; the text says why."""


class Reader:
    """`async with Reader() as reader: found = await reader.extract(body, headers, url)`, many callers at once."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def extract(self, body: bytes, headers: Sequence[tuple[str, str]], url: str) -> Extract:
        """`extract.extract`, elsewhere. Unreadable when the page takes too long or ends the process."""
        async with self._turn:
            process = self._process or await self._start()
            try:
                async with asyncio.timeout(SECONDS):
                    answer = await _ask(process, (body, headers, url))
            except TimeoutError:
                await self._end()
                raise Unreadable(f"The page could not be read within {SECONDS:g} s.") from None
            except (ConnectionError, asyncio.IncompleteReadError):
                await self._end()
                raise Unreadable("The page broke the parser and could not be read.") from None
            except BaseException:  # cancelled with half a message on the line: it is of no more use
                await self._end()
                raise
        if isinstance(answer, Extract):
            return answer
        raise Unreadable(f"The page could not be read ({answer}).")

    async def close(self) -> None:
        async with self._turn:
            await self._end()

    async def _start(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-P", "-m", "pipetui.pages.reader"]
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=2**20)
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _ask(process: asyncio.subprocess.Process, question: object) -> object:
    assert process.stdin and process.stdout
    data = pickle.dumps(question, pickle.HIGHEST_PROTOCOL)
    process.stdin.write(len(data).to_bytes(_LENGTH) + data)
    await process.stdin.drain()
    length = int.from_bytes(await process.stdout.readexactly(_LENGTH))
    return pickle.loads(await process.stdout.readexactly(length))  # noqa: S301 - from our own process


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the line ends: an Extract, or the name of the error."""
    while len(head := questions.read(_LENGTH)) == _LENGTH:
        body, headers, url = pickle.loads(questions.read(int.from_bytes(head)))  # noqa: S301 - from our own process
        try:
            answer: object = extract(body, headers, url)
        except Exception as error:  # whatever a hostile page breaks is its own affair
            answer = type(error).__name__
        data = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        answers.write(len(data).to_bytes(_LENGTH) + data)
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
