"""Whether the app answers while jobs are at work: keys at random times into an input, in a PTY, until what each typed
is painted; at rest, and while an export of `--links` links and the report on them run in the worker.

    python benchmarks/busy.py [--links N]

Budget: 50 ms for 99 keys of 100, with the worker busy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _tty import ROOT, Tty, environment, tty
from app import remember
from export import CRAWL, PROJECT

from pipetui.paths import paths
from pipetui.secrets import Secrets

BUDGET = 50.0
LETTERS = "abcdefghijklmnopqrstuvwxyz"
LONGEST = 40  # letters, then the line is emptied: none scrolls
MOST_SECONDS = 600.0


def pressed(it: Tty, letter: str) -> float:
    """Milliseconds until it is painted."""
    while it.listen(0):
        pass
    heard = len(it.heard)
    begun = it.send(letter)
    while time.monotonic() - begun < 5:
        if it.listen(0.5) and any(letter.encode() in _shown(each.data) for each in it.heard[heard:]):
            return (it.heard[-1].at - begun) * 1000
    raise SystemExit(f"{letter!r} was never painted")


def _shown(data: bytes) -> bytes:
    """Without the escape sequences."""
    return re.sub(rb"\x1b\[[0-9;:?]*[ -/]*[@-~]", b"", data)


def typed(it: Tty, chance: random.Random, goes_on: Callable[[], bool]) -> list[float]:
    """Type while it `goes_on`, a line at least."""
    took: list[float] = []
    while goes_on() or len(took) < LONGEST:
        for _ in range(LONGEST):
            took.append(pressed(it, chance.choice(LETTERS)))
            time.sleep(chance.uniform(0.02, 0.2))
        it.send("\x15")  # ctrl+u empties the line
        time.sleep(0.3)
    return took


def told(what: str, took: list[float]) -> float:
    p99 = sorted(took)[math.ceil(0.99 * len(took)) - 1]
    median = statistics.median(took)
    print(f"{what}: {len(took)} keys, median {median:.0f} ms, p99 {p99:.0f} ms, longest {max(took):.0f} ms")
    return p99


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=1_000_000)
    links = parser.parse_args().links
    chance = random.Random(1)
    serve = [sys.executable, str(ROOT / "benchmarks" / "export.py"), "--serve", f"--rows={links}"]
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout
        url, token = server.stdout.readline().split()
        home = Path(folder)
        env = environment(PIPETUI_HOME=folder)
        os.environ["PIPETUI_HOME"] = folder
        (home / "data").mkdir()
        (home / "data" / "sandbox.json").write_text(json.dumps({"api_url": url}))
        Secrets(paths().secrets).put("botify", token)

        def run(*words: str) -> str:
            command = [sys.executable, "-m", "pipetui", "run", *words]
            return subprocess.run(command, env=env, capture_output=True, text=True, check=False).stderr

        graph = ("link_graph", "--key", "1", "--wait")
        asked = {"project": PROJECT, "analysis": CRAWL, "join": "", "depth": ""}
        first = run(*graph, *(word for name, value in asked.items() for word in ("--set", f"{name}={value}")))
        run("hello", "--key", "1")
        hello = json.loads(
            subprocess.run([sys.executable, "-m", "pipetui", "runs", "--json"], env=env, capture_output=True).stdout
        )
        id = next(each["id"] for each in hello if each["app_name"] == "hello")
        asyncio.run(remember(home, screen="run", app_name="hello", run=id, memory={}))
        with tty([sys.executable, "-m", "pipetui"], env) as it:
            it.until(b"one line")
            it.settled(1.0)
            told("at rest", typed(it, chance, lambda: False))
            begun = time.monotonic()
            again = [sys.executable, "-m", "pipetui", "run", *graph, "--set", "export=export"]
            with subprocess.Popen(again, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as jobs:
                p99 = told("busy", typed(it, chance, lambda: jobs.poll() is None))
                code = jobs.wait(MOST_SECONDS)
            print(f"the export and the report of {links:,} links took {time.monotonic() - begun:.0f} s")
        server.communicate()
    if code:
        print(f"the jobs did not end well ({code}); before: {first}")
    return 0 if p99 <= BUDGET and not code else 1


if __name__ == "__main__":
    sys.exit(main())
