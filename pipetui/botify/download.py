"""The file of an export: downloaded, unpacked on the way, checked, and visible only when all of it is right."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import http
from ..text import count as counted_text
from .errors import BadFile, BotifyError, DiskFull, LinkExpired, NoAnswer
from .forecast import Counted
from .received import CsvSink, Received

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


async def download_and_decompress(
    url: str,
    path: Path,
    *,
    names: Sequence[Sequence[str]] | None = None,
    progress: Callable[[int, int], None] | None = None,
    pause: float = 1.0,
    tries: int = 8,
) -> Received:
    """Download an export, unpacked and checked on the way, to `path`, which is there only when all of it is right.

    What came is kept in a hidden `.part` beside it until then, so that a second call goes on. `names` are the columns
    that there must be: see `queries.columns`. `progress` gets (bytes, bytes in all or 0). No token is sent.
    LinkExpired: get a fresh link by `poll`. BadFile: it came damaged three times, or is another file. NoAnswer after
    `tries` tries without a byte; DiskFull.
    """
    part = path.with_name(f".{path.name}.part")
    raw = path.with_name(f".{path.name}.raw.part")
    sinks: list[CsvSink] = []

    def begin() -> CsvSink:
        sinks[:] = [CsvSink(part, names)]
        return sinks[0]

    try:
        async with http.client() as client:
            damaged = 0
            while True:
                try:
                    await http.download(client, url, raw, begin, progress=progress, pause=pause, tries=tries)
                    break
                except http.Damaged as error:
                    damaged += 1
                    if damaged == 3:
                        raise BadFile(f"{error} It came so three times; try again later, it costs nothing.") from None
                await asyncio.sleep(http.backoff(damaged, pause))
        await asyncio.to_thread(_settle_file, part, path)
    except http.Refused as error:
        raise LinkExpired(f"The download link is not valid (any more): {error}", status=error.status) from None
    except http.HttpError as error:
        raise NoAnswer(f"The download stopped: {error} What came is kept; try again to go on.") from None
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"The disk is full: {path.name} can't be written. Make room and try again: what was downloaded and the"
                " export at Botify stay, and nothing is paid again."
            ) from None
        raise BotifyError(
            f"{path.name} can't be written: {error.strerror or error}. Nothing is lost; try again."
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return sinks[0].received()


def _settle_file(part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)


def judge(received: Received, counted: Counted, limit: int, width: int) -> tuple[bool, list[str]]:
    """(whether rows are missing, what is to be said about the file). `width` are the columns of the query."""
    rows, notes = received.rows, []
    cut = False
    if counted.exact and counted.rows is not None and rows < counted.rows:
        cut = True
        reason = "as many as one export was to have" if rows >= limit else "and Botify does not say why"
        notes.append(f"It was cut: {counted_text(rows)} of {counted_text(counted.rows)} counted rows came, {reason}.")
    elif not counted.exact and rows >= limit:
        cut = True
        notes.append(
            f"It may be cut: it has {counted_text(rows)} rows, as many as it could, and nobody had counted them."
        )
    elif counted.exact and counted.rows is not None and rows > counted.rows:
        notes.append(f"It has {counted_text(rows)} rows where {counted_text(counted.rows)} were counted.")
    if received.columns != width:
        notes.append(f"It has {received.columns} columns where the query has {width}: look at it before you use it.")
    if received.ragged:
        notes.append(f"{counted_text(received.ragged)} rows do not have {received.columns} columns.")
    return cut, notes
