"""What inspecting pages costs, against a bare httpx loop that fetches, parses and writes the bodies with the same
parallelism: the pages alone (`Fetcher` and `Reader`: extraction, row, HTML and links on disk), and the whole job of
the URL inspector in its worker (with the ledger, from its start to its end, the start of its processes included). 500
varied pages from a server in another process, by turns. Beside the time the CPU seconds, all processes together: on a
machine with other work they tell more.

    python -m benchmarks.pages [--pages N] [--parallel N] [--rounds N]

Budget: at most 1.5 times the bare loop.
"""

import argparse
import asyncio
import json
import os
import resource
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
from pipetui.service import Service, starter

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


def cpu() -> float:
    """CPU seconds of this process and of those that it has waited for, user and system."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def end_workers() -> None:
    """End the worker of a job with what it started, so that their CPU time counts."""
    for worker in starter._started.values():
        worker.terminate()
        worker.wait()
    starter._started.clear()


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
        times: dict[str, list[tuple[float, float]]] = {"bare": [], "pages": [], "job": []}
        for _ in range(args.rounds + 1):
            for name, run in (("bare", bare), ("pages", ours), ("job", job)):
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    before = cpu()
                    took = asyncio.run(run(urls, Path(folder), args.parallel))
                    end_workers()
                    times[name].append((took, cpu() - before))
        server.communicate()
    medians = {  # the first round warms up
        name: [statistics.median(each) for each in zip(*rounds[1:], strict=True)] for name, rounds in times.items()
    }
    floor, floor_cpu = medians["bare"]
    for name, (took, spent) in medians.items():
        print(f"{name:6} {took:6.2f} s {took / floor:5.2f} × bare   CPU {spent:5.2f} s {spent / floor_cpu:5.2f} ×")
    return 0 if medians["job"][0] <= BUDGET * floor else 1


if __name__ == "__main__":
    sys.exit(main())
