"""What a streamed answer costs, beside a bare Textual app that does nothing but Textual's own Markdown stream.

    python benchmarks/chat.py [--rounds 3] [--tokens 2000]

Both run on a terminal of their own and read the same answers from a server that speaks Ollama's protocol, in turns: the
bare one from the socket, pipetui as it is, with its chat open.

late    from the server's last token to the last word on the screen, in milliseconds
cpu     seconds of the program's, bytes to the terminal: for 1,000 tokens
key     from a key in the prompt to its letter on the screen while an answer streams
open    from the key that opens the chat to the end of a conversation of 2,000 messages, beside an empty one; the
        quickest of the rounds
memory  of the program after 10 long answers and after 30, of 4,000 tokens each
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyte
from _tty import HEIGHT, ROOT, WIDTH, Heard, Tty, environment, tty

sys.path.insert(0, str(ROOT))

from tests.chat import texts
from tests.chat.server import Reply, Server

QUIET = 0.3
"""Seconds without output after which all is drawn."""

LAST = "ZQEND"
"""The last word of every answer."""

CHAT = "\x0f"
"""The key that opens the chat."""

MESSAGES = 2_000

PATIENCE = 60
"""Seconds that an answer may take."""

BARE = """
import asyncio, json, sys, time
from urllib.parse import urlsplit

URL = urlsplit(sys.argv[1])

async def chat(prompt):
    reader, writer = await asyncio.open_connection(URL.hostname, URL.port, limit=1 << 22)
    body = json.dumps({"model": "llama3.2:3b", "messages": [{"role": "user", "content": prompt}]}).encode()
    head = f"POST /api/chat HTTP/1.0\\r\\nHost: {URL.netloc}\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n"
    writer.write(head.encode() + body)
    while (await reader.readline()).strip():
        pass
    async for line in reader:
        yield json.loads(line)["message"]["content"]
    writer.close()

from textual.app import App
from textual.containers import VerticalScroll
from textual.widgets import Input, Markdown, Static

class Bare(App):
    ENABLE_COMMAND_PALETTE = False
    CSS = "VerticalScroll { height: 1fr; } Markdown, Static { height: auto; }"
    def compose(self):
        with VerticalScroll(can_focus=False) as self.log_view:
            yield Static("It is ready")
        yield Input(placeholder="Ask")
    def on_mount(self):
        self.log_view.anchor()
        self.query_one(Input).focus()
    def on_input_submitted(self, event):
        event.input.clear()
        self.run_worker(self.answer(event.value))
    async def answer(self, prompt):
        view = Markdown()
        await self.log_view.mount(view)
        stream = Markdown.get_stream(view)
        async for piece in chat(prompt):
            await stream.write(piece)
        await stream.stop()

Bare().run()
"""

TEXT = "Some **bold** text with `code`.\n\n- one\n- two\n\n```python\nprint(1)\n```\n\n" + "word " * 120

WISH = re.compile(r"(markdown|code) (\d+) (\d+)$")
"""What is asked: the kind of an answer, its tokens, and how many a second (0: at once)."""


@dataclass(frozen=True)
class Subject:
    """A program, what it shows when it is ready, and the keys from there to its prompt.

    It remembers nothing: each time its data are a copy of those in `home`.
    """

    command: list[str]
    env: dict[str, str]
    ready: bytes
    keys: str = ""
    home: Path | None = None

    @contextmanager
    def open(self) -> Iterator[Tty]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
            if self.home is not None:
                shutil.copytree(self.home, folder, dirs_exist_ok=True)
            it = stack.enter_context(tty(self.command, self.env | {"PIPETUI_HOME": folder}))
            it.until(self.ready)
            it.settled(QUIET)
            it.send(self.keys)
            it.rest()
            yield it


def answer(request: Mapping[str, Any]) -> Reply:
    found = WISH.search(request["messages"][-1]["content"])
    if found is None:  # of a conversation's name, or of nothing we asked
        return Reply("Yes.")
    kind, tokens, rate = found.groups()
    made = texts.code(int(tokens)) if kind == "code" else texts.markdown(int(tokens))
    return Reply([*made, "\n\n", LAST], rate=float(rate))


class Serving(threading.Thread):
    """The server, in a thread with a loop of its own."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.server = Server(answer)
        self.ready = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        async with self.server:
            self.ready.set()
            await asyncio.Event().wait()


class Watcher:
    """Follows the screen of a terminal, afterwards, so that it takes no time from the program."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.ByteStream(self.screen)

    def see(self, heard: Heard) -> None:
        self.stream.feed(heard.data)

    def has(self, text: str) -> bool:
        return any(text in line for line in self.screen.display)


def wait_for_end(it: Tty, server: Server, number: int, tokens: int) -> float:
    """Until answer `number` is on the screen and nothing moves. Returns when the server wrote its last token."""
    end = time.monotonic() + PATIENCE
    while len(server.chats) <= number or not server.chats[-1].ended:
        it.listen(0.05)
        if time.monotonic() > end:
            watcher = Watcher()
            for heard in it.heard:
                watcher.see(heard)
            raise SystemExit("no answer in time:\n" + "\n".join(watcher.screen.display))
    it.rest()
    assert server.chats[-1].tokens == tokens + 2, server.chats[-1]
    return server.chats[-1].last


@dataclass
class Cost:
    late: float
    cpu: float
    size: float
    keys: list[float]


def stream(subject: Subject, server: Server, wish: str, *, types: bool = False) -> Cost:
    """One answer from begin to end."""
    _, tokens, rate = wish.split()
    with subject.open() as it:
        before, size, number = it.cpu, sum(len(heard.data) for heard in it.heard), len(server.chats)
        it.send(f"{wish}\r")
        pressed = []
        if types:
            end = time.monotonic() + int(tokens) / float(rate) * 0.9
            while time.monotonic() < end:
                pause = time.monotonic() + 0.23
                while time.monotonic() < pause:
                    it.listen(pause - time.monotonic())
                pressed.append(it.send("#"))
        last = wait_for_end(it, server, number, int(tokens))
        thousands = int(tokens) / 1_000
        cost = Cost(0, (it.cpu - before) / thousands, 0, [])
        cost.size = (sum(len(heard.data) for heard in it.heard) - size) / thousands
        watcher = Watcher()
        shown_at = None
        for heard in it.heard:
            watcher.see(heard)
            if heard.at >= last and shown_at is None and watcher.has(LAST):
                shown_at = heard.at
            while len(cost.keys) < len(pressed) and heard.at >= pressed[len(cost.keys)]:
                if not watcher.has("#" * (len(cost.keys) + 1)):
                    break
                cost.keys.append((heard.at - pressed[len(cost.keys)]) * 1000)
    if shown_at is None:
        raise SystemExit("the last word never came:\n" + "\n".join(watcher.screen.display))
    cost.late = (shown_at - last) * 1000
    return cost


def opening(subject: Subject, word: str) -> float:
    """Milliseconds from the key that opens the chat until `word` is on the screen."""
    with replace(subject, keys="").open() as it:
        watcher = Watcher()
        for heard in it.heard:
            watcher.see(heard)
        seen, pressed = len(it.heard), it.send(CHAT)
        while True:
            it.listen(1)
            for heard in it.heard[seen:]:
                watcher.see(heard)
                if watcher.has(word):
                    return (heard.at - pressed) * 1000
            seen = len(it.heard)


async def fill(home: Path) -> None:
    """A conversation of 2,000 messages."""
    from pipetui.paths import Paths
    from pipetui.service import Service
    from pipetui.settings import Settings
    from pipetui.store import messages
    from pipetui.store.database import Tx

    paths = Paths("prod", home / "data", home / "config", home / "cache", home / "logs")
    async with Service.open(paths, Settings()) as service:
        where = await service.conversations.in_use()

        def work(tx: Tx) -> None:
            for number in range(MESSAGES):
                is_last = number == MESSAGES - 1
                messages.add(tx, where.id, "assistant", "model", f"{TEXT}{LAST if is_last else number}", time.time())

        await service.db.write(work)


def growth(subject: Subject, server: Server) -> tuple[float, float]:
    """Megabytes after 10 answers, and after 30."""
    found = []
    with subject.open() as it:
        for answers in range(1, 31):
            number = len(server.chats)
            it.send("markdown 4000 0\r")
            wait_for_end(it, server, number, 4_000)
            it.heard.clear()
            if answers in (10, 30):
                found.append(it.memory)
    return found[0], found[1]


def percentile(keys: list[float]) -> str:
    return f"median {statistics.median(keys):.0f}, p95 {keys[int(len(keys) * 0.95)]:.0f}" if keys else "never"


def median(costs: list[Cost], name: str) -> float:
    return statistics.median(getattr(cost, name) for cost in costs)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=2_000)
    parser.add_argument("--only", default="", help="one of the streams, open, memory")
    options = parser.parse_args()
    serving = Serving()
    serving.start()
    serving.ready.wait()
    with tempfile.TemporaryDirectory() as folder:
        measure(serving.server, Path(folder), options)


def measure(server: Server, folder: Path, options: argparse.Namespace) -> None:
    env = environment(OLLAMA_HOST=server.url)
    bare = Subject([sys.executable, "-c", BARE, server.url], env, b"ready")
    ours = Subject([sys.executable, "-m", "pipetui"], env, b"Hello", CHAT)
    for wish in (f"markdown {options.tokens} 50", f"markdown {options.tokens} 500", f"code {options.tokens} 60"):
        if options.only and options.only not in wish:
            continue
        theirs, mine = [], []
        for _ in range(options.rounds):
            theirs.append(stream(bare, server, wish))
            mine.append(stream(ours, server, wish))
        limit = 1 / 3 if wish.startswith("code") else 1.0
        print(f"{wish}: late {median(mine, 'late'):.0f} ms, bare {median(theirs, 'late'):.0f} ms (to reach: 150)")
        for name, unit, least in (("cpu", "s", limit), ("size", "bytes", 1.0)):
            cost, floor = median(mine, name), median(theirs, name)
            print(f"  {name}: {cost:,.2f} {unit}, bare {floor:,.2f}: {cost / floor:.2f} × (to reach: {least:.2f})")
    for wish in ("markdown 1000 50", "markdown 4000 500"):
        if not options.only or options.only == "key":
            theirs, mine = (sorted(stream(each, server, wish, types=True).keys) for each in (bare, ours))
            print(f"key: {wish}: {percentile(mine)} ms (to reach: 50), bare {percentile(theirs)}")
    if not options.only or options.only == "open":
        asyncio.run(fill(folder))
        filled = replace(ours, home=folder)
        times = [(opening(ours, "Enter sends"), opening(filled, LAST)) for _ in range(options.rounds + 1)]
        empty, full = (min(column) for column in zip(*times, strict=True))
        print(f"open: {full:.0f} ms, empty {empty:.0f} ms: {full - empty:.0f} more (to reach: 300)")
    if not options.only or options.only == "memory":
        ten, thirty = growth(ours, server)
        print(f"memory: after 10 answers {ten:.1f} MB, after 30 {thirty:.1f} MB")


if __name__ == "__main__":
    main()
