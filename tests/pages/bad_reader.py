"""The reader's process, with pages that do to it what their address says."""

import errno
import os
import sys
import time
from pathlib import Path

from pipetui.pages import reading
from pipetui.pages.extract import Extract, extract
from pipetui.pages.files import Saver


def _extract(html: bytes, headers: list[tuple[str, str]], url: str) -> Extract:
    match url.rpartition("/")[2]:
        case "hang":
            time.sleep(600)
        case "crash":
            os.abort()
        case "fail":
            raise RecursionError
    return extract(html, headers, url)


class _Full(Saver):
    def save(self, row, html, found):  # type: ignore[no-untyped-def]
        if row["url"].endswith("/full"):
            raise OSError(errno.ENOSPC, "No space left on device", str(self.folder / "raw"))
        return super().save(row, html, found)


if __name__ == "__main__":
    reading.extract = _extract  # type: ignore[assignment]
    with _Full(Path(sys.argv[1])) as saver, open(0, "rb") as questions, open(1, "wb") as answers:
        reading.serve(questions, answers, saver)
