"""Between Textual and the terminal's line: never blocks, sees a dead line, puts the terminal back.

Differs from Textual's LinuxDriver in what a slow or lost SSH connection meets: output goes through a bounded writer,
input that isn't UTF-8 is shown as such, end of file and EIO mean that the terminal is gone, and SIGCONT resumes only
what was suspended.
"""

import asyncio
import contextlib
import os
import re
import selectors
import signal
import sys
import termios
import tty
from codecs import getincrementaldecoder
from functools import partial
from threading import Thread
from types import FrameType
from typing import Any

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from pipetui.terminal import restore, signals
from pipetui.terminal.pastes import Pastes
from pipetui.terminal.writer import Writer

# Private in Textual 8.2, besides XTermParser: of LinuxDriver `_must_signal_resume`, `_in_band_window_resize`,
# `_key_thread`, `_get_terminal_size`, `_enable_*`, `_query_in_band_window_resize`, `_disable_line_wrap`,
# `_request_terminal_sync_mode_support`, `_patch_lflag`, `_patch_iflag`, `_run_input_thread`, `_sigcont_application`; of
# Driver `_app`, `_loop`, `_auto_restart`. tests/terminal/test_contract.py fails when one of them goes.

_KITTY = (
    linux_driver.KITTY_DISAMBIGUATE_ESCAPE_CODES
    | linux_driver.KITTY_REPORT_ALL_KEYS
    | linux_driver.KITTY_REPORT_ASSOCIATED_TEXT
)

_sequence = re.compile("(?=\x1b)")


class TerminalDriver(LinuxDriver):
    """Linux and macOS."""

    class Flowing(Message):
        """The link takes data again; `lost` says that some of it never went out."""

        def __init__(self, lost: bool) -> None:
            self.lost = lost
            super().__init__()

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stdout__ is not None
        # stdout, not stderr as in Textual: `pipetui 2>log` is what people write.
        self._out = sys.__stdout__.fileno()
        self._writer: Writer | None = None
        self._gone = False
        self._parser = XTermParser(debug)
        self._pastes = Pastes()
        signals.install(self._leave)

    @property
    def stalled(self) -> bool:
        """Does the link take nothing? Then whatever is drawn comes too late; `Flowing` says when it does again."""
        return self._writer is not None and self._writer.stalled

    def write(self, data: str) -> None:
        """Queue whole escape sequences for the terminal; dropped when there is none any more. Never blocks."""
        if self._writer is not None:
            self._writer.write(data)

    def start_application_mode(self) -> None:
        """Take the terminal over."""
        if self._gone or not self._in_foreground():
            return
        loop = asyncio.get_running_loop()
        restore.remember(self.fileno)
        self._writer = Writer(self._out, self._flows, self._hang_up)
        self._writer.start()

        def send_size() -> None:
            size = Size(*self._get_terminal_size())
            asyncio.run_coroutine_threadsafe(self._app._post_message(events.Resize(size, size)), loop=loop)

        def resized(number: int, frame: FrameType | None) -> None:
            if not self._in_band_window_resize:
                send_size()

        signal.signal(signal.SIGWINCH, resized)
        send_size()
        self._set_raw()
        self.write("\x1b[?1049h\x1b[?25l\x1b[?1004h")  # alternate screen, no cursor, reports of focus
        if not constants.DISABLE_KITTY_KEY:
            self.write(f"\x1b[>{_KITTY}u")
        self._key_thread = Thread(target=self._run_input_thread, name="terminal-input", daemon=True)
        self._key_thread.start()
        self._request_terminal_sync_mode_support()
        self._query_in_band_window_resize()
        self._enable_bracketed_paste()
        self._disable_line_wrap()
        self._enable_mouse_support()
        if self._must_signal_resume:
            self._must_signal_resume = False
            asyncio.run_coroutine_threadsafe(self._app._post_message(self.SignalResume()), loop=loop)

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self.disable_input()
        restore.set_attributes(self.fileno, self.attrs_before)
        if self._writer is not None:
            self._writer.discard()  # nobody will see these frames
            self._writer.write(restore.LEAVE)

    def close(self) -> None:
        """End the writer. What it couldn't say in a second, `restore` tries once more at exit."""
        writer, self._writer = self._writer, None
        if writer is not None and writer.close():
            restore.forget()

    def run_input_thread(self) -> None:
        """Read keys until the driver is stopped or the terminal is gone."""
        # Textual's own choice: macOS knows no other for terminals.
        selector = selectors.SelectSelector()
        selector.register(self.fileno, selectors.EVENT_READ)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selector:
            while not self.exit_event.is_set():
                if not selector.select(0.1):
                    self._parse(self._pastes.rest())
                    self._parse("")
                    continue
                data = b""
                with contextlib.suppress(OSError):
                    data = os.read(self.fileno, 4096)
                if not data:
                    self._hang_up()
                    return
                for typed in self._pastes.feed(decode(data)):
                    if isinstance(typed, events.Paste):
                        self.process_message(typed)
                        continue
                    # Each escape sequence by itself: one that can't be parsed takes no other with it.
                    for part in _sequence.split(typed):
                        self._parse(part)

    def _parse(self, text: str) -> None:
        try:
            for message in self._parser.feed(text) if text else ():
                self.process_message(message)
            for message in self._parser.tick():
                self.process_message(message)
        except Exception:
            # The parser has no errors of its own for input that it doesn't expect (a garbled report of the size
            # divides by zero). That sequence is lost; the app goes on, and asks for the size again.
            self._parser = XTermParser(self._debug)
            if self._in_band_window_resize:
                self._enable_in_band_window_resize()

    def process_message(self, message: Message) -> None:
        """Pass on what was read, but for a size of nothing, which a garbled line may report."""
        if not (isinstance(message, events.Resize) and not message.size.area):
            super().process_message(message)

    def _set_raw(self) -> None:
        self.attrs_before = restore.attributes(self.fileno)
        raw = restore.attributes(self.fileno)
        if raw is not None:
            raw[tty.LFLAG] = self._patch_lflag(raw[tty.LFLAG])
            raw[tty.IFLAG] = self._patch_iflag(raw[tty.IFLAG])
            raw[tty.CC][termios.VMIN] = 1
            restore.set_attributes(self.fileno, raw)

    def _in_foreground(self) -> bool:
        """May we use the terminal? If the shell sent us to the background with `bg`, sleep on."""

        def sleep_again(number: int, frame: FrameType | None) -> None:
            os.kill(os.getpid(), signal.SIGSTOP)

        before = {number: signal.signal(number, sleep_again) for number in (signal.SIGTTOU, signal.SIGTTIN)}
        try:
            # Changes nothing, but the kernel stops a background process that tries.
            termios.tcsetattr(self.fileno, termios.TCSANOW, termios.tcgetattr(self.fileno))
        except termios.error:
            return False
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return True

    def _sigcont_application(self, *_: Any) -> None:
        # The kernel sends SIGCONT with each hang-up, and anyone may send it: start only what isn't running. After a
        # SIGSTOP from outside the shell has changed the terminal behind our back, so leave and enter it again.
        if not self._auto_restart or self._gone:
            return
        if restore.attributes(self.fileno) is None:
            self._hang_up()
            return
        if self._writer is not None:
            self.suspend_application_mode()
        self.resume_application_mode()

    def _flows(self, lost: bool) -> None:
        if not self._loop.is_closed():
            self.send_message(self.Flowing(lost))

    def _hang_up(self) -> None:
        self._gone = True
        signals.leave(signal.SIGHUP)

    def _leave(self, code: int) -> None:
        self._gone = self._gone or code == 128 + signal.SIGHUP
        self._loop.call_soon_threadsafe(partial(self._app.exit, return_code=code))
