"""The help screen: all keys, by place."""

from __future__ import annotations

from collections.abc import Mapping

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from ..widgets.plain import MUTED, Plain, line
from .commands import BY_NAME, COMMANDS, MORE, OPENS, PLACES, Where, keys_of, shown_key
from .dialogs import Dialog
from .looks import column


class Help(Dialog[None]):
    DEFAULT_CSS = """
    Help > .box {
        width: 96;
        & > VerticalScroll { height: auto; }
    }
    """

    def __init__(self, keymap: Mapping[str, str], here: Where) -> None:
        """The keys of `here` come first."""
        super().__init__()
        self._keymap, self._here = keymap, here

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain("Keys", classes="title")
            with VerticalScroll(classes="scrolls", can_focus=True):
                yield Static(self._table(), markup=False)
            key = shown_key(keys_of(BY_NAME["settings"], self._keymap))
            yield Plain(f"Esc closes this · {key} opens the settings: there are other keys", classes="keys")

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()

    def _table(self) -> Content:
        lines = []
        first = ("run", "field") if self._here == "run" else (self._here,)
        for where, title in sorted(PLACES.items(), key=lambda place: place[0] not in first):
            lines.append(line(title, "bold"))
            for command in COMMANDS:
                keys = keys_of(command, self._keymap)
                help = OPENS.get(where, command.help) if command.name == "open" else command.help
                if where in command.where and keys:
                    lines.append(self._line(" ".join(shown_key(key) for key in keys.split(",")), help))
            lines += [self._line(keys, help) for keys, help in MORE.get(where, ())]
            lines.append(Content(""))
        return Content("\n").join(lines[:-1])

    @staticmethod
    def _line(keys: str, help: str) -> Content:
        return Content.assemble("  ", column(line(keys, "$text-accent"), 12), line(help, MUTED))
