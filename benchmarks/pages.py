"""What inspecting pages costs, against a bare httpx loop that fetches, parses and writes the bodies with the same
parallelism: the pages alone (`Fetcher`, extraction, row, HTML and links on disk), and the whole job of the URL
inspector in its worker (with the ledger, from its start to its end). 500 varied pages from a server in another
process, by turns.

    python -m benchmarks.pages [--pages N] [--parallel N] [--rounds N]

Budget: at most 1.5 times the bare loop.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from selectolax.lexbor import LexborHTMLParser

from pipetui.pages.fetch import Fetcher, Options
from pipetui.pages.files import PageRow, raw_name, write_links_csv, write_pages_csv, write_rows
from pipetui.pages.reader import Reader
from pipetui.paths import paths
from pipetui.service import Service

BUDGET = 1.5


async def bare(urls: list[str], folder: Path, parallel: int) -> float:
    slots = asyncio.Semaphore(parallel)
    async with httpx.AsyncClient() as client:

        async def one(url: str) -> None:
            async with slots:
                response = await client.get(url)
                LexborHTMLParser(response.content)
                (folder / raw_name(url)).write_bytes(response.content)

        started = time.perf_counter()
        await asyncio.gather(*map(one, urls))
        return time.perf_counter() - started


async def ours(urls: list[str], folder: Path, parallel: int) -> float:
    started = time.perf_counter()
    async with Reader(folder) as reader, Fetcher(Options(parallel=parallel)) as fetcher:
        rows: list[PageRow] = []

        async def one(url: str) -> None:
            row = await reader.keep(await fetcher.page(url))
            json.dumps(row)
            rows.append(row)

        await asyncio.gather(*map(one, urls))
        write_rows(folder / "pages.jsonl", rows)
        write_pages_csv(folder / "pages.csv", rows)
        write_links_csv(folder / "links.csv", folder, rows)
        took = time.perf_counter() - started
    assert all(row["status"] == 200 and row["title"] for row in rows), "a page failed"
    return took


async def job(urls: list[str], folder: Path, parallel: int) -> float:
    os.environ["PIPETUI_HOME"] = str(folder)
    async with Service.open(paths()) as service:
        run = (await service.runs.create("bench", "url_inspector")).id
        await service.runs.submit(run, "urls", urls)
        await service.runs.submit(run, "options", {"parallel": parallel})
        while (snapshot := await service.runs.open(run)).current.id != "finalize":
            assert snapshot.current.state == "running", snapshot.current.reason
            await asyncio.sleep(0.25)  # as often as the app looks
        (row,) = [row for row in snapshot.jobs.values() if row.step == "step_03"]
    assert row.started and row.ended
    return row.ended - row.started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    command = [sys.executable, "-m", "tests.pages.site", str(args.pages)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().strip()
        urls = [f"{url}/p/{number}" for number in range(args.pages)]
        times: dict[str, list[float]] = {"bare": [], "pages": [], "job": []}
        for _ in range(args.rounds + 1):
            for name, run in (("bare", bare), ("pages", ours), ("job", job)):
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    times[name].append(asyncio.run(run(urls, Path(folder), args.parallel)))
        server.communicate()
    medians = {name: statistics.median(took[1:]) for name, took in times.items()}  # the first round warms up
    for name, took in medians.items():
        print(f"{name:6} {took:6.2f} s  {took / medians['bare']:5.2f} × bare")
    return 0 if medians["job"] <= BUDGET * medians["bare"] else 1


if __name__ == "__main__":
    sys.exit(main())
