"""The base class of the app."""

import gc
import os
from typing import Any

from textual import constants
from textual.app import ReturnType
from textual.driver import Driver
from textual.filter import Monochrome

from pipetui.terminal import clipboard
from pipetui.terminal.celldiff import CellDiff
from pipetui.terminal.check import has_colours
from pipetui.terminal.driver import TerminalDriver
from pipetui.terminal.typeahead import TypeAhead


class TerminalApp(TypeAhead[ReturnType], CellDiff[ReturnType]):
    """An App for slow and unreliable links: see the modules beside this one.

    When a signal or a lost terminal ends it, `return_code` is 128 + the signal's number:
    `sys.exit(app.return_code or 0)`.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.no_color = self.no_color or not has_colours(os.environ)
        # Textual would send greys: without colours there are none, and what they said is said by `:nocolor` rules.
        self._filters = [kept for kept in self._filters if not isinstance(kept, Monochrome)]

    def on_ready(self) -> None:
        """The first frame is there. A collection that the start put off (commands/start.py) need not look at what is
        there by now, ever."""
        if not gc.isenabled():
            gc.freeze()
            gc.enable()

    def get_driver_class(self) -> type[Driver]:
        """Our driver, unless the environment names another (as for screenshots)."""
        return super().get_driver_class() if constants.DRIVER else TerminalDriver

    def copy_to_clipboard(self, text: str) -> None:
        """As Textual's, in tmux too; `clipboard.copy` is for who wants a limit and a notice."""
        self._clipboard = text
        if self._driver is not None:
            self._driver.write(clipboard.request(text, os.environ))
            clipboard.fill_buffer(text)
