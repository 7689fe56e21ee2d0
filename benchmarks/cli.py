"""What a command costs to start, as a ratio to the imports that it can't do without.

    .venv/bin/python benchmarks/cli.py [--rounds N] [--check]

The programs take turns, so that a busy machine slows all of them; medians are compared. --check exits 1 when a budget
is exceeded. The home has 1,000 runs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = [str(Path(sys.executable).with_name("pipetui"))]
PYTHON = [sys.executable, "-c"]
RUNS = 1_000

PARSES = [*PYTHON, "import argparse"]
READS = [*PYTHON, "import argparse, asyncio, sqlite3, aiosqlite"]

PAIRS = (
    ("pipetui --help", [*PROGRAM, "--help"], PARSES, 1.6),
    ("pipetui --version", [*PROGRAM, "--version"], PARSES, 1.6),
    ("pipetui runs", [*PROGRAM, "runs"], READS, 1.5),
    ("pipetui runs --json", [*PROGRAM, "runs", "--json"], READS, 1.5),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        environment["PIPETUI_HOME"] = home
        os.environ["PIPETUI_HOME"] = home
        asyncio.run(_fill())
        commands = {tuple(command) for _, ours, floor, _ in PAIRS for command in (ours, floor)}
        seconds: dict[tuple[str, ...], list[float]] = {command: [] for command in commands}
        for number in range(args.rounds + 2):
            for command in commands:
                took = _run(command, environment)
                if number >= 2:  # the first ones write bytecode and warm the caches
                    seconds[command].append(took)
    median = {command: statistics.median(times) * 1000 for command, times in seconds.items()}
    over = False
    print(f"{'command':<22}{'ms':>8}{'floor':>8}{'ratio':>8}{'budget':>8}")
    for name, ours, floor, budget in PAIRS:
        ratio = median[tuple(ours)] / median[tuple(floor)]
        over |= ratio > budget
        print(f"{name:<22}{median[tuple(ours)]:8.1f}{median[tuple(floor)]:8.1f}{ratio:8.2f}{budget:8.2f}")
    return int(over and args.check)


def _run(command: tuple[str, ...], environment: dict[str, str]) -> float:
    begin = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


async def _fill() -> None:
    from pipetui.engine.record import new
    from pipetui.paths import paths
    from pipetui.service import Service
    from pipetui.service.profiles import ensure
    from pipetui.store import runs
    from pipetui.store.database import Tx

    def add(tx: Tx) -> None:
        owner = ensure(tx, "default")
        for number in range(RUNS):
            part = f"{number + 1:02}"
            record = new("2026-01-01T00:00:00+00:00") | {"step_01": {"name": f"Ada {number}"}}
            own = (f"{number:032x}", owner.id, owner.name, "hello", part, f"hello/{part}")
            runs.add(tx, runs.RunRow(*own, 1, record, "step_02", number, number))

    async with Service.open(paths()) as service:
        await service.db.write(add)


if __name__ == "__main__":
    sys.exit(main())
