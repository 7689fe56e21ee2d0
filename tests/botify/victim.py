"""Runs exports in processes that a test may kill: `python -m tests.botify.victim`.

A line of JSON on stdin starts one (a fork of this process, which has imported everything and runs no thread); its pid
and then its wait status are printed. What came of it is in the file `result`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from pipetui import http
from pipetui.botify import Client, Counted, Credits, NeedsAnswer, Query, Shelf, full_export


async def export(order: dict[str, Any]) -> dict[str, Any]:
    folder = Path(order["folder"])
    query = Query.from_json(order["query"])
    async with Client(
        order["token"],
        base_url=order["api"],
        cache=folder / "cache",
        rate=10_000,
        pause=0.005,
        timeout=order["timeout"],
    ) as client:
        try:
            done = await full_export(
                client,
                query,
                Shelf(folder / "exports"),
                counted=Counted(order["rows"], exact=True),
                credits=Credits(folder / "credits.jsonl"),
                answers=order["answers"],
                settle=order["settle"],
                pause=0.01,
            )
        except NeedsAnswer as needs:
            return {"asked": needs.question.name}
    return {"job": done.job, "sha256": done.sha256, "rows": done.rows, "path": str(done.path)}


def main() -> None:
    http.client()  # the certificates are read before the first fork
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if not pid:
            os.environ.update(order["environment"])
            try:
                found = asyncio.run(export(order))
                Path(order["result"]).write_text(json.dumps(found))
            finally:
                os._exit(0)
        print(pid, flush=True)
        print(os.waitpid(pid, 0)[1], flush=True)


if __name__ == "__main__":
    main()
