"""Which model answers: the one chosen for the workflow, else for the profile, else for all, else what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .client import Model

For: TypeAlias = Literal["all", "profile", "app_name"]


@dataclass(frozen=True)
class Choice:
    """A model that was asked for, and the name of its host; '': whichever has it."""

    name: str
    host: str = ""

    @classmethod
    def of(cls, kept: Any) -> Choice | None:
        """What `kept` said, or the bare name of a model; None for anything else."""
        match kept:
            case {"model": str(name), "host": str(host)} if name:
                return cls(name, host)
            case str(name) if name:
                return cls(name)
        return None

    @property
    def kept(self) -> Any:
        """As it is remembered (JSON)."""
        return {"model": self.name, "host": self.host} if self.host else self.name

    def among(self, models: Iterable[Model]) -> Model | None:
        """The model that is meant; where its host has it no longer, or is another one now, that of another host."""
        called = [model for model in models if model.is_called(self.name)]
        return next((model for model in called if model.host == self.host), called[0] if called else None)


def name_of(chosen_for: For, scope: Mapping[str, Any]) -> str:
    """The name under which the choice is remembered; '' where the scope has no such thing."""
    if chosen_for == "all":
        return "model"
    value = scope.get(chosen_for, "")
    return f"model of {chosen_for} {value}" if value else ""


def wanted(memory: Mapping[str, Any], scope: Mapping[str, Any], setting: str) -> list[Choice]:
    """The models that were asked for, the most particular first."""
    kept = [memory.get(name) for each in _ORDER if (name := name_of(each, scope))]
    return [choice for each in (*kept, setting) if (choice := Choice.of(each)) is not None]


_ORDER: tuple[For, ...] = ("app_name", "profile", "all")


def chosen(models: Sequence[Model], choices: Iterable[Choice]) -> Model | None:
    """The first of the choices that is there; else, of the first host, one that is in memory or its first."""
    for choice in choices:
        if (found := choice.among(models)) is not None:
            return found
    first = [model for model in models if model.host == models[0].host]
    here = (model for model in first if model.loaded and not model.is_elsewhere)
    return next(here, first[0] if first else None)
