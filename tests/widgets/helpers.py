"""What the tests of the widgets share: a host app, cards in every state, and text that nobody should trust."""

from collections.abc import Callable
from typing import Any

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget

from pipetui.engine.cards import FINALIZE, Card
from pipetui.engine.fields import Group, Number, Switch, Text
from pipetui.engine.jobs import JobView, Progress, Question, Unknown
from pipetui.engine.workflow import Step

HOSTILE = "[@click=app.bell]x[/foo] \x1b[31mred \x9b2J \u202egpj.exe\u2066 [ERROR] \ud800"
"""Markup that acts, markup that crashes, escape codes, bidi controls, a lone surrogate."""

HIDDEN = ("\x1b", "\x9b", "\u202e", "\u2066", "\ud800")


class Host(App[None]):
    """Shows widgets one below the other. They are given, or made when the app is there: an Input needs it."""

    CSS = "VerticalScroll { scrollbar-size-vertical: 1; }"

    def __init__(self, *shown: Widget | Callable[[], Widget]) -> None:
        super().__init__()
        self.shown = shown

    def compose(self) -> ComposeResult:
        with VerticalScroll(can_focus=False):
            yield from (item if isinstance(item, Widget) else item() for item in self.shown)


class Posts:
    """A hook for `run_test` that keeps every message of ours, once."""

    def __init__(self) -> None:
        self._messages: list[Message] = []

    def __call__(self, message: Message) -> None:
        is_ours = type(message).__module__.startswith("pipetui.")
        if is_ours and not any(message is known for known in self._messages):
            self._messages.append(message)

    def of(self, kind: type[Message]) -> list[Any]:
        return [message for message in self._messages if isinstance(message, kind)]


def screen_text(app: App[Any]) -> str:
    """What is on the screen, line by line."""
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip)[:width].rstrip() for strip in lines[:height])


def step(number: int, show: str, **more: Any) -> Step:
    return Step(f"step_{number:02}", done=f"value_{number}", show=show, **more)


NAME = Text(placeholder="Ada")
OPTIONS = Group(
    timeout=Number(10, minimum=1, maximum=60, unit="s"),
    agent=Text(label="User agent", default="pipetui"),
    robots=Switch(label="Respect robots.txt", default=True),
)
RUNNING = JobView("job-4", "step_04", "running", Progress(3_120, 10_000, "https://example.com/products"))
ASKING = JobView("job-7", "step_07", "waiting", question=Question("start", Unknown("").field, "Was it started?"))
FAILED = JobView("job-6", "step_06", "failed", error="The server said 503 for ten minutes.")

CARDS = [
    Card(step(1, "Your name"), 1, "done", summary="Ada Lovelace", can_revert=True, field=NAME),
    Card(step(2, "Web logs"), 2, "skipped", reason="no web logs here", can_revert=True),
    Card(step(3, "Only for shops"), 3, "not_applicable", reason="This step does not apply here."),
    Card(step(4, "Fetch the pages"), 4, "running", job=RUNNING, has_job=True, can_revert=True),
    Card(step(5, "Greeting"), 5, "active", field=NAME, prefill="Hello Ada!"),
    Card(step(6, "Export"), 6, "failed", reason=FAILED.error, job=FAILED, has_job=True, field=NAME, can_revert=True),
    Card(step(7, "Start at Botify"), 7, "waiting", reason="Was it started?", job=ASKING, has_job=True, prefill=""),
    Card(step(8, "Titles"), 8, "stale", summary="twelve titles", field=NAME, prefill="twelve titles"),
    Card(step(9, "Options"), 9, "editing", field=OPTIONS, prefill=OPTIONS.editable(None)),
    Card(step(10, "Findings"), 10, "broken", reason="step_10_view raised KeyError: 'url'"),
    Card(step(11, "Report"), 11, "pending"),
    Card(FINALIZE, 12, "pending"),
]
