"""What a workflow's method gets of the run it works for. `service/handle.py` makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from .messages import Role

T = TypeVar("T")


class Run(Protocol):
    """One execution of a workflow for a profile. Read-only, but for `say`, `ask`, `temp` and `cached`."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> str:
        """`profile-APP_NAME-part`, for people."""
        ...

    @property
    def profile(self) -> str: ...
    @property
    def app_name(self) -> str: ...
    @property
    def part(self) -> str: ...
    @property
    def record(self) -> Mapping[str, Any]: ...
    @property
    def folder(self) -> Path:
        """Where the artifacts of this run lie."""
        ...

    @property
    def shared(self) -> Path:
        """A folder that all runs of this environment share: for what must not be fetched or paid for twice."""
        ...

    @property
    def temp(self) -> MutableMapping[str, Any]:
        """JSON of the workflow's own, by step id; not in the record, cleared with its step and on finalize."""
        ...

    def has(self, name: str) -> bool:
        """Whether the value named `name` (a step's `done` or id) is present."""
        ...

    def value(self, name: str, expected: type[T]) -> T:
        """The value of a step, by its `done` name or id, checked to be an `expected`.

        KeyError when it is not there, TypeError when it is of another type.
        """
        ...

    def input(self, name: str, expected: type[T]) -> T:
        """What was submitted to a step with a job. Errors as in `value`."""
        ...

    def secret(self, name: str) -> str:
        """A secret of the profile. JobError when none can be had. Never put it into a value, an error or the log."""
        ...

    def forget_secret(self, name: str) -> bool:
        """Remove a secret of the profile from this machine; whether there was one."""
        ...

    def say(self, text: str, verbatim: bool = True, role: Role = "system") -> None:
        """A message in the run's chat, in order; it holds nothing up. Not `verbatim`: as `ask`."""
        ...

    def ask(self, text: str) -> None:
        """Ask the model in the run's chat. The answer comes there, once there is a model; it holds nothing up."""
        ...

    async def cached(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` returned (JSON) when it was first asked for; dropped when a value above changes."""
        ...
