"""An exception costs the message that it came from, and no more.

In Textual 8.2 one in a handler ends the message loop of its widget, whatever `_handle_exception` does. So each widget
gets a guard around what it does with a message, before its loop starts. tests/test_app.py holds Textual to what this
leans on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from textual.app import App, ReturnType
from textual.dom import DOMNode
from textual.message import Message
from textual.widget import Widget


class Guarded(App[ReturnType]):
    """An App that goes on: its `_handle_exception` is told, once for each exception."""

    def _register_child(self, parent: DOMNode, child: Widget, before: int | None, after: int | None) -> None:
        self._guard(child)
        super()._register_child(parent, child, before, after)

    def _start_widget(self, parent: Widget, widget: Widget) -> None:
        self._guard(widget)
        super()._start_widget(parent, widget)

    def _guard(self, widget: Widget) -> None:
        if "_dispatch_message" not in vars(widget):
            vars(widget)["_dispatch_message"] = partial(self._guarded, widget._dispatch_message)

    async def _dispatch_message(self, message: Message) -> None:
        await self._guarded(super()._dispatch_message, message)

    async def _guarded(self, dispatch: Callable[[Message], Awaitable[None]], message: Message) -> None:
        try:
            await dispatch(message)
        except Exception as error:  # the last guard: it is told and logged, and the app goes on
            self._handle_exception(error)
