"""What an export's download costs: from its start to the verified CSV on disk, against `curl | gzip -dc > file` on the
same bytes from the same server (the sandbox, in another process), by turns.

    python benchmarks/export.py [--rows N] [--rounds N] [--memory]

Budget: at most 1.3 times curl and gzip. `--memory` compares the largest size in memory at 10⁵ and at `--rows` rows
instead; budget 150 MB. More than 2,000,000 rows are the same million over and over, as a gzip file of many members.
"""

import argparse
import asyncio
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pipetui.botify import Client, download_and_decompress, link_graph, poll, start_export
from pipetui.botify.queries import columns, parse_project
from pipetui.sandbox import Sandbox

BUDGET = 1.3
MOST = 2_000_000  # links that the sandbox generates
BUDGET_MEMORY = 150_000  # kB
PROJECT, CRAWL = "acme-org/acme-shop.example", "20240601"

MEASURED = """
import asyncio, resource, sys
from pathlib import Path
from pipetui.botify import download_and_decompress
received = asyncio.run(download_and_decompress(sys.argv[1], Path(sys.argv[2])))
print(received.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


async def serve(rows: int) -> None:
    """A sandbox until stdin closes; its address and token on stdout."""
    async with Sandbox(seed=1, links=rows, rate=0, created=0.01, processing=0.01, export_cap=2 * rows) as sandbox:
        print(sandbox.api_url, sandbox.token, flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def link(url: str, token: str, rows: int, folder: Path) -> str:
    """Of an export of so many rows."""
    query = link_graph(parse_project(PROJECT)[0], CRAWL)
    async with Client(token, base_url=url, cache=folder, timeout=600) as client:
        job = await start_export(client, query, rows)
        return (await poll(client, job.id, pause=0.1)).url


def theirs(url: str, path: Path) -> float:
    started = time.perf_counter()
    command = f"curl -s {shlex.quote(url)} | gzip -dc > {shlex.quote(str(path))}"
    subprocess.run(["sh", "-c", command], check=True)
    return time.perf_counter() - started


def ours(url: str, path: Path) -> float:
    names = columns(link_graph(parse_project(PROJECT)[0], CRAWL))

    async def run() -> float:
        started = time.perf_counter()
        received = await download_and_decompress(url, path, names=names)
        took = time.perf_counter() - started
        assert received.ragged == 0
        return took

    return asyncio.run(run())


@contextmanager
def repeated(url: str, times: int, folder: Path) -> Iterator[str]:
    """The address of a file that is this one so many times, members and all; gone afterwards."""
    one, many = folder / "one.gz", folder / "many.csv.gz"
    subprocess.run(["curl", "-s", url, "-o", str(one)], check=True)
    with many.open("wb") as file:
        for _ in range(times):
            file.write(one.read_bytes())
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().split('port ')[1].split()[0]}/{many.name}"
        finally:
            server.kill()


def compare(url: str, folder: Path, rounds: int) -> int:
    times: dict[str, list[float]] = {"curl | gzip": [], "ours": []}
    for _ in range(rounds + 1):
        for name, run in (("curl | gzip", theirs), ("ours", ours)):
            times[name].append(run(url, folder / "edges.csv"))
    size = (folder / "edges.csv").stat().st_size
    medians = {name: statistics.median(took[1:]) for name, took in times.items()}  # the first round warms up
    ratio = medians["ours"] / medians["curl | gzip"]
    print(f"{size / 1e6:.0f} MB of CSV: " + ", ".join(f"{name} {took:.2f} s" for name, took in medians.items()))
    print(f"ratio {ratio:.2f} (budget {BUDGET})")
    return 0 if ratio <= BUDGET else 1


def memory(urls: dict[int, str], folder: Path) -> int:
    peaks = {}
    for rows, url in urls.items():
        command = [sys.executable, "-c", MEASURED, url, str(folder / "edges.csv")]
        count, peaks[rows] = map(
            int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        )
        print(f"{count:,} rows: {peaks[rows] / 1000:.0f} MB at most")
    return 0 if max(peaks.values()) <= BUDGET_MEMORY else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.rows))
        return 0
    generated, times = (args.rows, 1) if args.rows <= MOST else (1_000_000, args.rows // 1_000_000)
    command = [sys.executable, __file__, "--serve", f"--rows={generated}"]
    with (
        tempfile.TemporaryDirectory() as place,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout
        folder = Path(place)
        url, token = server.stdout.readline().split()
        sizes = (100_000, generated) if args.memory else (generated,)
        urls = {rows: asyncio.run(link(url, token, rows, folder)) for rows in sizes}
        with ExitStack() as stack:
            if times > 1:
                urls[args.rows] = stack.enter_context(repeated(urls.pop(generated), times, folder))
            result = memory(urls, folder) if args.memory else compare(urls[args.rows], folder, args.rounds)
        server.communicate()
    return result


if __name__ == "__main__":
    sys.exit(main())
