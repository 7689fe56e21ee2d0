"""The screens of the places where one can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .base import MainScreen, Place


def screen_at(place: Place) -> MainScreen:
    """The screen of a place; imported when it is first gone to."""
    match place.screen:
        case "workflow":
            from .workflow import WorkflowScreen

            return WorkflowScreen(place)
        case "run":
            from .run import RunScreen

            return RunScreen(place)
        case "jobs":
            from .jobs import JobsScreen

            return JobsScreen(place)
        case "tasks" | "profiles":
            from .collection import CollectionScreen

            return CollectionScreen(place)
    from .home import Home

    return Home(place)


def remembered(known: Mapping[str, Any]) -> Place:
    """The place as it was remembered; home where that can't be read."""
    screen, app_name, run, memory = (known.get(name) for name in ("screen", "app_name", "run", "memory"))
    if not isinstance(app_name, str) or not isinstance(run, str) or not isinstance(memory, dict):
        return Place()
    if screen in ("workflow", "run", "jobs", "tasks", "profiles"):
        return Place(screen, app_name, run, memory)
    return Place("home", app_name, run, memory)
