"""What the app costs its user, beside the least that Textual can do, on the same machine in the same run.

    python benchmarks/app.py [--rounds 7]

start   spawn to the home screen ready, with 1,000 runs in the database; the floor: a bare Textual app with a Header, a
        Footer and one label
submit  Enter in a text step to the next card focused and drawn (median); the floor: a bare app whose Enter mounts and
        focuses an equal card, plus one commit with synchronous=FULL
bytes   what those keys send over the link
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _tty import environment, tty

RUNS = 1_000

BARE = """
from textual.app import App
from textual.widgets import Footer, Header, Label

class Bare(App):
    BINDINGS = [("q", "quit", "Quit")]
    def compose(self):
        yield Header()
        yield Label("Workflows")
        yield Footer()

Bare().run()
"""

BARE_CARDS = """
from textual.app import App
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Button, Input, Static

class Card(Vertical):
    DEFAULT_CSS = "Card {height: auto; border-left: outer $accent;} Vertical {height: auto}"
    def __init__(self, number):
        super().__init__()
        self.number = number
    def compose(self):
        yield Static(f"card {self.number}", markup=False)
        with Vertical():
            yield Input(compact=True)
            yield Button("Submit", compact=True)
            yield Static("one line of text", markup=False)

class Bare(App):
    def compose(self):
        with VerticalScroll(can_focus=False):
            yield Card(1)
    def on_mount(self):
        self.query_one(Input).focus()
    async def on_input_submitted(self, event):
        card = Card(len(self.query(Card)) + 1)
        await self.query_one(VerticalScroll).mount(card)
        card.query_one(Input).focus()

Bare().run()
"""


async def fill(home: Path) -> None:
    """A thousand runs, and one workflow of forty text steps with the app on its first run."""
    from pipetui.paths import Paths
    from pipetui.service import Service
    from pipetui.service.place import Place
    from pipetui.settings import Settings

    paths = Paths("prod", home / "data", home / "config", home / "cache", home / "logs")
    paths.workflows.mkdir(parents=True)
    steps = "".join(f"        Step('step_{n:02}', done='v{n}', show='Step {n}', field=Text()),\n" for n in range(1, 41))
    (paths.workflows / "900_forty.py").write_text(
        "from pipetui import Step, Workflow\nfrom pipetui.fields import Text\n\n\nclass Forty(Workflow):\n"
        f"    APP_NAME = 'forty'\n    steps = [\n{steps}    ]\n"
    )
    async with Service.open(paths, Settings()) as service:
        for number in range(RUNS):
            await service.runs.create("default", "hello", f"{number:04}")
        run = await service.runs.create("default", "forty")
        await Place(service.db).put({"run of forty": run.id})


async def remember(home: Path, **values: object) -> None:
    from pipetui.store import keyvalue
    from pipetui.store.database import Database, Tx
    from pipetui.store.schema import MIGRATIONS

    db = await Database.open(home / "data" / "pipetui.db", MIGRATIONS)

    def work(tx: Tx) -> None:
        known = keyvalue.of(tx, "")
        for name, value in values.items():
            keyvalue.put(tx, "", name, known["run of forty"] if value == "forty's" else value)

    await db.write(work)
    await db.close()


def start(command: list[str], ready: bytes, env: dict[str, str]) -> float:
    """Milliseconds from the spawn until `ready` is on the screen."""
    with tty(command, env) as it:
        return (it.until(ready) - it.started) * 1000


def submits(command: list[str], ready: bytes, env: dict[str, str], times: int) -> tuple[list[float], list[int]]:
    """(milliseconds, bytes) of every Enter after a typed letter."""
    milliseconds, sizes = [], []
    with tty(command, env) as it:
        it.until(ready)
        it.settled(0.6)
        for _ in range(times):
            it.send("x")
            it.settled(0.5)
            begun = time.monotonic()
            it.send("\r")
            last, size = it.settled(0.15)
            milliseconds.append((last - begun) * 1000)
            sizes.append(size)
    return milliseconds, sizes


def commits(folder: Path, times: int) -> float:
    """The median of one FULL commit, in milliseconds."""
    db = sqlite3.connect(folder / "floor.db", isolation_level=None)
    db.execute("PRAGMA journal_mode=TRUNCATE")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE t (x)")

    def commit() -> float:
        begun = time.monotonic()
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO t VALUES (1)")
        db.execute("COMMIT")
        return (time.monotonic() - begun) * 1000

    return statistics.median(commit() for _ in range(times))


def rounds(count: int, *works: Callable[[], float]) -> list[float]:
    """The median of each, measured in turns, so that a busy machine slows all alike."""
    for work in works:
        work()  # compiles, fills the caches
    found: list[list[float]] = [[] for _ in works]
    for _ in range(count):
        for times, work in zip(found, works, strict=True):
            times.append(work())
    return [statistics.median(times) for times in found]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    count = parser.parse_args().rounds
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        asyncio.run(fill(home))
        env = environment(PIPETUI_HOME=str(home))
        program = [python, "-m", "pipetui"]
        asyncio.run(remember(home, screen="home", app_name="", run="", memory={}))
        bare, ours = rounds(
            count,
            lambda: start([python, "-c", BARE], b"Workflows", env),
            lambda: start(program, b"default-hello-0", env),
        )
        print(f"start: {ours:.0f} ms, floor {bare:.0f} ms: {ours / bare:.2f} × (to reach: 1.5)")
        asyncio.run(remember(home, screen="run", app_name="forty", run="forty's", memory={}))
        theirs, their_bytes = submits([python, "-c", BARE_CARDS], b"one line", env, 12)
        mine, my_bytes = submits(program, b"one line", env, 12)
        commit = commits(Path(folder), 30)
        floor = statistics.median(theirs) + commit
        median = statistics.median(mine)
        print(
            f"submit: {median:.0f} ms, floor {floor:.0f} ms (of it one commit {commit:.1f}): "
            f"{median / floor:.2f} × (to reach: 2.0)"
        )
        print(f"bytes a submit: {statistics.median(my_bytes):,.0f}, bare {statistics.median(their_bytes):,.0f}")


if __name__ == "__main__":
    main()
