"""What terminal/ uses of Textual that isn't promised: fails when a new version takes it away."""

import inspect
import re
from importlib.metadata import version

import pytest
from rich.console import Console
from rich.segment import Segment
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual._node_list import NodeList
from textual._queue import Queue
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.driver import Driver
from textual.drivers import linux_driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import Monochrome
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip

from pipetui.terminal.app import TerminalApp
from pipetui.terminal.restore import LEAVE


def test_the_version_that_was_read() -> None:
    assert version("textual").startswith("8.2.")


def test_updates_of_the_compositor() -> None:
    console = Console(force_terminal=True)
    layout = LayoutUpdate([[Strip([Segment("ab")])]], Region(3, 4, 2, 1))
    assert (layout.strips, layout.region) == ([[Strip([Segment("ab")])]], Region(3, 4, 2, 1))
    assert layout.render_segments(console) == "\x1b[5;4Hab"
    chops = ChopsUpdate([{0: Strip([Segment("abc")])}], [(0, 0, 2)], [[3]])
    assert (chops.spans, chops.chop_ends) == ([(0, 0, 2)], [[3]])
    assert chops.render_segments(console) == "\x1b[1;1Hab"
    assert issubclass(LayoutUpdate, CompositorUpdate) and issubclass(ChopsUpdate, CompositorUpdate)


def test_the_app() -> None:
    assert list(inspect.signature(App._display).parameters) == ["self", "screen", "renderable"]
    app = App[None]()
    for name in ("_driver", "_batch_count", "_running", "_previous_cursor_position"):
        assert hasattr(app, name), name
    source = inspect.getsource(App._display)
    for used in ("renderable.render_segments(console)", "self._driver.write", "self._previous_cursor_position"):
        assert used in source
    assert inspect.iscoroutinefunction(App._on_resize)


def test_what_stands_for_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual's own way are greys, by a filter that is taken away; its style sheets know of `:nocolor`."""
    monkeypatch.setenv("NO_COLOR", "")
    app = App[None]()
    assert app.no_color and any(isinstance(filter, Monochrome) for filter in app._filters)
    assert "nocolor" in app.get_pseudo_classes()
    assert not any(isinstance(filter, Monochrome) for filter in TerminalApp[None]()._filters)


@pytest.mark.parametrize(
    "name",
    [
        "_get_terminal_size",
        "_enable_mouse_support",
        "_enable_bracketed_paste",
        "_enable_in_band_window_resize",
        "_query_in_band_window_resize",
        "_disable_line_wrap",
        "_request_terminal_sync_mode_support",
        "_patch_lflag",
        "_patch_iflag",
        "_run_input_thread",
        "_sigcont_application",
        "run_input_thread",
        "start_application_mode",
        "stop_application_mode",
        "suspend_application_mode",
        "resume_application_mode",
        "disable_input",
        "send_message",
        "close",
    ],
)
def test_methods_of_the_driver(name: str) -> None:
    assert callable(getattr(LinuxDriver, name))


def test_attributes_of_the_driver() -> None:
    own, base = inspect.getsource(LinuxDriver.__init__), inspect.getsource(Driver.__init__)
    for name in (
        "fileno",
        "attrs_before",
        "exit_event",
        "_key_thread",
        "_must_signal_resume",
        "_in_band_window_resize",
    ):
        assert f"self.{name}" in own, name
    for name in ("_app", "_loop", "_auto_restart", "_debug"):
        assert f"self.{name}" in base, name
    assert linux_driver.KITTY_DISAMBIGUATE_ESCAPE_CODES == 1


def test_the_parser_of_keys() -> None:
    parser = XTermParser(False)
    assert [message.key for message in parser.feed("a\x1b[A")] == ["a", "up"]
    assert list(parser.tick()) == []


async def test_what_tells_that_nothing_is_left_to_handle() -> None:
    """A pump that has nothing to do waits on its queue; what comes after a refresh waits in the screen."""
    app = App[None]()
    async with app.run_test() as pilot:
        await pilot.pause()
        queue: Queue[object] = app.screen._message_queue
        assert queue.empty() and len(queue.ready_event._waiters) == 1
        assert isinstance(app.screen._callbacks, list) and app.screen._closing is False
        assert isinstance(app.screen._nodes, NodeList)
    assert "self._callbacks.append" in inspect.getsource(Screen._invoke_later)


def test_every_mode_that_is_set_is_undone() -> None:
    """A new version may switch on what `restore.LEAVE` doesn't know to switch off."""
    source = re.sub("#.*", "", inspect.getsource(linux_driver))
    set_by_textual = set(re.findall(r"\[\?(\d+)h", source)) - {"7", "25"}
    assert set_by_textual <= set(re.findall(r"\[\?(\d+)l", LEAVE))
