"""The header: where the user is, and how the worker and the model are, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.content import Content
from textual.reactive import reactive

from ..text import count
from .marks import has_unicode, marks
from .plain import FAINT, MUTED, Line, line, spread


class StatusBar(Line):
    """Left the way to this screen, right the states. Every attribute may be set at any time.

    crumbs    profile, workflow, run key: as many as there are
    worker    "idle", "working", "app" (jobs run in the app itself) or "" (not known)
    jobs      the number of jobs under way
    env       the environment; a badge unless it is "prod"
    model     the state of the model in a word or two; empty: not shown
    """

    DEFAULT_CSS = """
    StatusBar {
        dock: top;
        padding: 0 1;
        background: $panel;
    }
    """

    crumbs: reactive[Sequence[str]] = reactive[Sequence[str]](())
    worker: reactive[str] = reactive("")
    jobs: reactive[int] = reactive(0)
    env: reactive[str] = reactive("prod")
    model: reactive[str] = reactive("")

    def __init__(self, *crumbs: str, **more: Any) -> None:
        super().__init__(**more)
        self.set_reactive(StatusBar.crumbs, crumbs)

    def content(self, width: int) -> Content:
        return spread(self._way(), self._states(), width)

    def _way(self) -> Content:
        separator = Content.styled(f" {marks(has_unicode()).separator} ", FAINT)
        *before, last = [crumb for crumb in self.crumbs if crumb] or [""]
        return separator.join([*(line(crumb, MUTED) for crumb in before), line(last, "bold")])

    def _states(self) -> Content:
        states = []
        if self.model:
            states.append(line(self.model, MUTED))
        if self.jobs:
            where = " in the app" if self.worker == "app" else ""
            states.append(line(f"{count(self.jobs)} running{where}", "$text-primary"))
        elif self.worker == "app":
            states.append(line("jobs run in the app", "$text-warning"))
        elif self.worker:
            states.append(line(self.worker, MUTED))
        if self.env and self.env != "prod":
            states.append(Content.assemble(" ", line(self.env), " ").stylize("auto on $warning"))
        return Content("  ").join(states)
