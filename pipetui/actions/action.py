"""What an action is: something that a person, a slash command, the palette or the model can ask of the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from ..engine.fields import Group
from ..engine.transitions import Actor

if TYPE_CHECKING:
    from ..service import Service

Args: TypeAlias = Mapping[str, Any]
"""What `schema.checked` returned: only what was said, and defaults."""


@dataclass(frozen=True)
class Scope:
    """Whose hands an action is in: set by who asks, never by the model.

    `run` is the id of the run on the screen, `app_name` the workflow there; '' when there is none.
    """

    profile: str
    run: str = ""
    app_name: str = ""
    actor: Actor = "user"


@dataclass(frozen=True)
class Effect:
    """What a changing action would do. `target` is a hash of what it changes, as that is now.

    It bears the scope too: an action that was approved for one profile or run is never carried out for another.
    """

    title: str
    before: str
    after: str
    target: str


@dataclass(frozen=True)
class Done:
    """What came of it: one `line` for people, `result` (JSON, a few KB) for the model, `text` to read at length."""

    line: str
    result: Any
    text: str = ""


@dataclass(frozen=True)
class Plan:
    """A changing action that has found its target. `carry_out` changes exactly what `effect` shows, or refuses."""

    effect: Effect
    carry_out: Callable[[], Awaitable[Done]]


@dataclass(frozen=True, eq=False)
class Action:
    """One action: either it reads, and runs at once, or it makes a plan of what it changes.

    `name` is the same in tool calls, slash commands and the palette: `tasks_insert`; its first word is the subject.
    `help` is a sentence. `offered`: whether the palette has it; where a screen has the same, not. `of_run`: it is about
    the run on the screen, and without one of no use.
    """

    name: str
    help: str
    params: Group
    read: Callable[[Service, Scope, Args], Awaitable[Done]] | None = None
    plan: Callable[[Service, Scope, Args], Awaitable[Plan]] | None = None
    offered: bool = False
    of_run: bool = False

    @property
    def reads(self) -> bool:
        return self.read is not None

    @property
    def required(self) -> list[str]:
        """The names of the arguments that must be given."""
        return [name for name, field in self.params.members.items() if not field.optional and field.default is None]
