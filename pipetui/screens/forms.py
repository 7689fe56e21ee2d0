"""A form on top of a screen, made from a field or a group of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from ..engine.fields import Field, Group, Invalid
from ..engine.refusals import Refusal
from ..store.errors import StoreError
from ..widgets.fields import FieldInput
from ..widgets.plain import Plain
from .dialogs import Confirm, Dialog

T = TypeVar("T")


class Form(Dialog[T], Generic[T]):
    """Fields to fill in, and what is done with their values. A refusal is shown at its field; what was typed stays."""

    DEFAULT_CSS = """
    Form > .box {
        width: 80;
        & > VerticalScroll { height: auto; }
        & FieldInput .foot { margin-top: 1; }
    }
    """

    def __init__(
        self,
        title: str,
        text: str,
        field: Field,
        value: Any,
        verb: str,
        do: Callable[[Any], Awaitable[T]],
    ) -> None:
        """`value` is what is there now; None: the defaults. `do` gets the value that was submitted."""
        super().__init__()
        self._title, self._text, self._verb, self._do = title, text, verb, do
        self._field = field
        self._input = FieldInput(field, None if value is None else field.editable(value), eager=True)
        self._begun = self._input.given

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Plain(self._title, classes="title", limit=500)
            if self._text:
                yield Plain(self._text, classes="text", limit=4_000)
            with VerticalScroll(classes="scrolls", can_focus=False):
                yield self._input
            way = f"{'Enter' if self._input.is_quick else 'Ctrl+G'} {self._verb}"
            if isinstance(self._field, Group):
                way += " · Tab goes on"
            elif not self._input.is_quick:
                way += " · Enter begins a line"
            yield Plain(f"{way} · Esc leaves it as it is", classes="keys")

    def on_mount(self) -> None:
        self._input.focus()

    def action_close(self) -> None:
        """What was typed is not lost by one key."""
        if self._input.given == self._begun:
            self.dismiss(None)
            return

        def leave(yes: bool | None) -> None:
            if yes:
                self.dismiss(None)

        self.app.push_screen(Confirm("Throw away what you typed?", "It is kept nowhere else.", "throws it away"), leave)

    async def on_field_input_submitted(self, event: FieldInput.Submitted) -> None:
        event.stop()
        try:
            result = await self._do(self._field.parse(event.given))
        except Invalid as invalid:
            self._input.show_error(str(invalid), invalid.at)
        except (Refusal, StoreError) as error:
            self._input.show_error(str(error))
        else:
            self.dismiss(result)

    def on_field_input_changed(self, event: FieldInput.Changed) -> None:
        event.stop()
        self._input.clear_error()
