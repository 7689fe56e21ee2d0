"""Which model answers: the one chosen for the workflow, else for the profile, else for all, else what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from .client import Model

For: TypeAlias = Literal["all", "profile", "app_name"]


def name_of(chosen_for: For, scope: Mapping[str, Any]) -> str:
    """The name under which the choice is remembered; '' where the scope has no such thing."""
    if chosen_for == "all":
        return "model"
    value = scope.get(chosen_for, "")
    return f"model of {chosen_for} {value}" if value else ""


def wanted(memory: Mapping[str, Any], scope: Mapping[str, Any], setting: str) -> list[str]:
    """The names of models that were asked for, the most particular first."""
    names = [memory.get(name) for each in _ORDER if (name := name_of(each, scope))]
    return [name for name in (*names, setting) if isinstance(name, str) and name]


_ORDER: tuple[For, ...] = ("app_name", "profile", "all")


def chosen(models: Sequence[Model], names: Iterable[str]) -> Model | None:
    """The first of the names that is there; else one that is in memory, else the first."""
    for name in names:
        for model in models:
            if model.is_called(name):
                return model
    here = (model for model in models if model.loaded and not model.is_elsewhere)
    return next(here, models[0] if models else None)
