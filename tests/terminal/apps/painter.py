"""An app to be watched from outside: it writes down what it does, in a folder of its own.

    python painter.py FOLDER

`beats` counts turns of the event loop; `dump` is the screen as Textual has it, after F2; `left` says that it ended by
itself. Other keys: F3 paints all the time, F4 stops it, F5 never comes back, F6 raises, F7 opens and closes a dialog,
F8 suspends, F9 copies 9,000 lines.
"""

import sys
import time
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Header, Input, Label, ProgressBar, Static

from pipetui.terminal import clipboard, signals
from pipetui.terminal.app import TerminalApp

FOLDER = Path(sys.argv[1])


class Dialog(ModalScreen[None]):
    CSS = "Dialog { align: center middle; } #box { width: 30; height: 7; border: round red; }"
    BINDINGS: ClassVar = [("f2", "app.dump", "Dump"), ("f7", "app.dialog", "Close")]

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Label("Sure? 漢字")
            yield Input()


class Painter(TerminalApp[None]):
    CSS = "Input { height: 3; } #paint { height: 1fr; overflow: hidden; }"
    BINDINGS: ClassVar = [
        ("f2", "dump", "Dump"),
        ("f3", "paint", "Paint"),
        ("f4", "rest", "Rest"),
        ("f5", "hang", "Hang"),
        ("f6", "fail", "Fail"),
        ("f7", "dialog", "Dialog"),
        ("f8", "suspend_process", "Suspend"),
        ("f9", "copy", "Copy"),
    ]
    frame = 0
    beats = 0
    dumps = 0

    def compose(self) -> ComposeResult:
        yield Header()
        yield Input()
        yield Input(placeholder="second")
        yield ProgressBar(total=10)
        yield Static("ready 👋 漢字", id="paint", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        self.set_interval(0.02, self.beat)
        self.painting = self.set_interval(0.01, self.next_frame, pause=True)

    def beat(self) -> None:
        self.beats += 1
        (FOLDER / "beats").write_text(str(self.beats))

    def next_frame(self) -> None:
        self.frame += 1
        letters = "".join(chr(33 + (self.frame * 7 + n * 13) % 90) for n in range(self.size.width * self.size.height))
        self.query_one("#paint", Static).update(letters)

    def action_dump(self) -> None:
        self.set_timer(0.1, self.dump)  # once whatever the keys before have set off is drawn

    def dump(self) -> None:
        self.dumps += 1
        lines = [strip.text.rstrip() for strip in self.screen._compositor.render_strips()]
        (FOLDER / "dump.new").write_text("\n".join([str(self.dumps), *lines]))
        (FOLDER / "dump.new").rename(FOLDER / "dump")

    def action_paint(self) -> None:
        self.painting.resume()

    def action_rest(self) -> None:
        self.painting.pause()
        self.query_one("#paint", Static).update("at rest 漢字")

    def action_copy(self) -> None:
        clipboard.copy(self, "Grüße\n" * 9_000)

    def action_hang(self) -> None:
        (FOLDER / "hangs").touch()
        while True:
            time.sleep(0.1)

    def action_fail(self) -> None:
        raise RuntimeError("on purpose")

    def action_dialog(self) -> None:
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.push_screen(Dialog())

    def on_unmount(self, event: events.Unmount) -> None:
        (FOLDER / "left").touch()


if __name__ == "__main__":
    signals.LIMIT = 0.5 if "--short" in sys.argv else signals.LIMIT
    app = Painter()
    app.run()
    sys.exit(app.return_code)
