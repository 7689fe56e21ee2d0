"""What a streamed answer costs, beside a bare Textual app that does nothing but Textual's own Markdown stream.

    python benchmarks/chat.py [--rounds 3] [--tokens 2000]

Both run on a terminal of their own and read the same answers from a server that speaks Ollama's protocol, in turns.

late    from the server's last token to the last word on the screen, in milliseconds
cpu     seconds of the program's, bytes to the terminal: for 1,000 tokens
key     from a key in the prompt to its letter on the screen while an answer streams
open    from the spawn to the end of a conversation of 200 loaded messages on the screen, beside an empty one; the
        quickest of the rounds
memory  of the program after 10 long answers and after 30, of which the view holds the last ones
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
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

READER = """
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
"""

BARE = """
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

OURS = """
from dataclasses import replace
from textual.widgets import Static
from pipetui.engine.messages import Message
from pipetui.terminal.app import TerminalApp
from pipetui.widgets.prompt import Prompt
from pipetui.widgets.transcript import Transcript

LOADED = int(sys.argv[2]) if len(sys.argv) > 2 else 0
TEXT = "Some **bold** text with `code`.\\n\\n- one\\n- two\\n\\n```python\\nprint(1)\\n```\\n\\n" + "word " * 120

class Ours(TerminalApp):
    ENABLE_COMMAND_PALETTE = False
    def compose(self):
        yield Static("It is ready")
        self.transcript = Transcript()
        self.prompt = Prompt(placeholder="Ask")
        yield self.transcript
        yield self.prompt
    def on_mount(self):
        self.messages = [self.message(n, TEXT) for n in range(LOADED)]
        if LOADED:
            self.messages.append(self.message(LOADED, "the ZQEND"))
        self.transcript.show(self.messages, {}, earlier=False)
        self.prompt.focus()
    def message(self, number, text, state="done", by="model"):
        return Message(f"m{number}", "c", number, "assistant", by, state, text, created=time.time())
    def on_prompt_sent(self, event):
        self.prompt.clear()
        self.run_worker(self.answer(event.text))
    async def answer(self, prompt):
        number = len(self.messages)
        message = self.message(number, "", "streaming")
        self.messages = [*self.messages[-20:], message]
        self.transcript.show(self.messages, {}, earlier=False)
        text = ""
        async for piece in chat(prompt):
            text += piece
            self.transcript.stream(replace(message, text=text))
        self.messages[-1] = replace(message, text=text, state="done", id=f"{time.time()}")
        self.transcript.stream(replace(message, text=text, state="done"))

Ours().run()
"""


def answer(request: Mapping[str, Any]) -> Reply:
    """`markdown 2000 50`: the kind, the tokens, the rate."""
    kind, tokens, rate = request["messages"][-1]["content"].split()[:3]
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


def program(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", READER + code, *arguments]


class Watcher:
    """Follows the screen of a terminal, afterwards, so that it takes no time from the program."""

    def __init__(self) -> None:
        self.screen = pyte.Screen(WIDTH, HEIGHT)
        self.stream = pyte.ByteStream(self.screen)

    def see(self, heard: Heard) -> str:
        self.stream.feed(heard.data)
        return "\n".join(self.screen.display)


def wait_for_end(it: Tty, server: Server, number: int, tokens: int) -> float:
    """Until answer `number` is on the screen and nothing moves. Returns when the server wrote its last token."""
    while len(server.chats) <= number or not server.chats[-1].ended:
        it.listen(0.05)
    busy = 1.0
    while busy > 0.1:  # who is behind may be silent for a while, and who has a cursor that blinks never is
        before, pause = it.cpu, time.monotonic() + 2 * QUIET
        while (left := pause - time.monotonic()) > 0:
            it.listen(left)
        busy = (it.cpu - before) / (2 * QUIET)
    assert server.chats[-1].tokens == tokens + 2, server.chats[-1]
    return server.chats[-1].last


@dataclass
class Cost:
    late: float
    cpu: float
    size: float
    keys: list[float]


def stream(code: str, url: str, server: Server, wish: str, *, types: bool = False) -> Cost:
    """One answer from begin to end."""
    _, tokens, rate = wish.split()
    with tty(program(code, url), environment()) as it:
        it.until(b"ready")
        it.settled(QUIET)
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
            text = watcher.see(heard)
            if heard.at >= last and shown_at is None and LAST in text:
                shown_at = heard.at
            while len(cost.keys) < len(pressed) and text.count("#" * (len(cost.keys) + 1)):
                cost.keys.append((heard.at - pressed[len(cost.keys)]) * 1000)
    if shown_at is None:
        raise SystemExit("the last word never came:\n" + "\n".join(watcher.screen.display))
    cost.late = (shown_at - last) * 1000
    return cost


def opening(loaded: int) -> float:
    """Milliseconds from the spawn until the conversation is there."""
    with tty(program(OURS, "http://127.0.0.1:1", str(loaded)), environment()) as it:
        watcher, seen = Watcher(), 0
        word = LAST if loaded else "Enter sends"
        while True:
            it.listen(1)
            for heard in it.heard[seen:]:
                if word in watcher.see(heard):
                    return (heard.at - it.started) * 1000
            seen = len(it.heard)


def growth(url: str, server: Server) -> tuple[float, float]:
    """Megabytes after 10 answers, and after 30."""
    found = []
    with tty(program(OURS, url), environment()) as it:
        it.until(b"ready")
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
    server = serving.server
    for wish in (f"markdown {options.tokens} 50", f"markdown {options.tokens} 500", f"code {options.tokens} 60"):
        if options.only and options.only not in wish:
            continue
        bare, ours = [], []
        for _ in range(options.rounds):
            bare.append(stream(BARE, server.url, server, wish))
            ours.append(stream(OURS, server.url, server, wish))
        limit = 1 / 3 if wish.startswith("code") else 1.0
        print(f"{wish}: late {median(ours, 'late'):.0f} ms, bare {median(bare, 'late'):.0f} ms (to reach: 150)")
        for name, unit in (("cpu", "s"), ("size", "bytes")):
            mine, theirs = median(ours, name), median(bare, name)
            least = limit if name == "cpu" else 1.0
            print(f"  {name}: {mine:,.2f} {unit}, bare {theirs:,.2f}: {mine / theirs:.2f} × (to reach: {least:.2f})")
    for wish in ("markdown 1000 50", "markdown 4000 500"):
        if not options.only or options.only == "key":
            bare, mine = (sorted(stream(code, server.url, server, wish, types=True).keys) for code in (BARE, OURS))
            print(f"key: {wish}: {percentile(mine)} ms (to reach: 50), bare {percentile(bare)}")
    if not options.only or options.only == "open":
        opening(200)
        times = [(opening(0), opening(200)) for _ in range(options.rounds)]
        empty, full = (min(column) for column in zip(*times, strict=True))
        print(f"open: {full:.0f} ms, empty {empty:.0f} ms: {full - empty:.0f} more (to reach: 300)")
    if not options.only or options.only == "memory":
        ten, thirty = growth(server.url, server)
        print(f"memory: after 10 answers {ten:.1f} MB, after 30 {thirty:.1f} MB")


if __name__ == "__main__":
    main()
