"""What a workflow is: an ordered list of steps in a class, checked when the class is made."""

from __future__ import annotations

import difflib
import re
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .fields import Field
from .record import INPUT, JOB

if TYPE_CHECKING:
    import logging

    from .run import Run

HOOKS = ("when", "form", "submit", "job", "view")
"""The words that a method `step_01_word` may end in."""

MOST_STEPS = 200
RESERVED = frozenset({"created", "updated", "finalize"})


class WorkflowError(Exception):
    """A workflow is not written as it must be. The text says what and, where it can, what was meant."""


@dataclass(frozen=True)
class Step:
    """One card.

    id         names the stored data and the methods: `step_01`
    done       the name of the value; its presence means complete
    show       the label on the card
    field      what the input asks for; none for a job that starts by a key, or where `<id>_form` builds it
    refill     a revert above keeps the value, as stale
    transform  turns the value of the nearest earlier done step into the first suggestion
    summary    turns the value into the one line of the closed card
    skip       the user may skip it, with a reason
    auto       a job without a field starts by itself as soon as the step before is done
    paid       the job costs something: it is never started by itself
    """

    id: str
    done: str
    show: str
    field: Field | None = None
    refill: bool = False
    transform: Callable[[Any], Any] | None = None
    summary: Callable[[Any], str] | None = None
    skip: bool = False
    auto: bool = False
    paid: bool = False


class Workflow:
    """The base of all workflows. See docs/authors.md; `db` and `log` are there when a method runs."""

    APP_NAME: ClassVar[str]
    DISPLAY_NAME: ClassVar[str] = ""
    ENDPOINT_MESSAGE: ClassVar[str] = ""
    TRAINING_PROMPT: ClassVar[str] = ""
    steps: ClassVar[Sequence[Step]]

    db: MutableMapping[str, Any]
    log: logging.Logger

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "APP_NAME" in cls.__dict__:
            check(cls)

    def problems(self, run: Run) -> list[str] | Awaitable[list[str]]:
        """What speaks against finalizing this run; a text may begin with `step_02: `."""
        return []

    def finalizing(self, run: Run) -> Awaitable[None] | None:
        """Called before the run is locked; raise Invalid to refuse."""

    def unfinalize_form(self, run: Run) -> Field | Awaitable[Field | None] | None:
        """What is asked before the run is unlocked; None: nothing."""
        return None

    def unfinalize_submit(self, run: Run, value: Any) -> Awaitable[None] | None:
        """Gets the answer, just before the run is unlocked; raise Invalid to refuse it."""

    def unfinalizing(self, run: Run) -> Awaitable[None] | None:
        """Called before the run is unlocked; raise Invalid to refuse."""

    @classmethod
    def body(cls) -> list[Step]:
        """The steps without `finalize`, which is the engine's and may be listed."""
        return [step for step in cls.steps if step.id != "finalize"]

    @classmethod
    def step(cls, name: str) -> Step:
        """The step with this id or `done` name. KeyError when there is none."""
        for step in cls.body():
            if name in (step.id, step.done):
                return step
        raise KeyError(name)

    @classmethod
    def has_job(cls, step: Step) -> bool:
        return hasattr(cls, f"{step.id}_job")

    @classmethod
    def has_form(cls, step: Step) -> bool:
        return hasattr(cls, f"{step.id}_form")

    @classmethod
    def form_asks(cls, step: Step) -> str:
        """What is known of a form's question before there is a run."""
        is_first = step.id == cls.body()[0].id
        return "what its form asks for in the run" + ("" if is_first else ", once the steps above are done")

    @classmethod
    def takes_input(cls, step: Step) -> bool:
        return step.field is not None or cls.has_form(step)

    def hook(self, step: Step, word: str) -> Callable[..., Any] | None:
        """The method `<step.id>_<word>`, if the workflow has it."""
        name = f"{step.id}_{word}"
        return getattr(self, name) if hasattr(type(self), name) else None  # never through a `__getattr__`


def check(cls: type[Workflow]) -> None:
    """WorkflowError when the class can't be a workflow."""
    name = cls.APP_NAME
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise WorkflowError(f"APP_NAME must be a-z, 0-9 and _, at most 40 characters; it is {name!r}.")
    for what in ("DISPLAY_NAME", "ENDPOINT_MESSAGE", "TRAINING_PROMPT"):
        if not isinstance(getattr(cls, what), str):
            raise WorkflowError(f"{what} must be text.")
    steps = getattr(cls, "steps", None)
    if not isinstance(steps, list | tuple) or not steps or not all(isinstance(step, Step) for step in steps):
        raise WorkflowError(f"{cls.__name__}.steps must be a list of Step, with at least one.")
    if not cls.body():
        raise WorkflowError(f"{cls.__name__} has no step but finalize.")
    if len(steps) > MOST_STEPS:
        raise WorkflowError(f"{cls.__name__} has {len(steps):,} steps; {MOST_STEPS} is the most.")
    seen: set[str] = set()
    for step in steps:
        _check_step(cls, step)
        for word in (step.id, step.done):
            if word in seen:
                raise WorkflowError(f"{step.id}: {word!r} is there twice; ids and done names must differ.")
            seen.add(word)
    if "finalize" in (step.id for step in steps[:-1]):
        raise WorkflowError("finalize must be the last step.")
    _check_methods(cls)


def _check_step(cls: type[Workflow], step: Step) -> None:
    if step.id == "finalize":
        return
    for what, word in (("id", step.id), ("done", step.done)):
        if not isinstance(word, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", word) or word in RESERVED:
            raise WorkflowError(f"A step's {what} must be a-z, 0-9 and _, and not {word!r}.")
    if not isinstance(step.show, str) or (step.field is not None and not isinstance(step.field, Field)):
        raise WorkflowError(f"{step.id}: show must be text and field a Field.")
    if step.done in (INPUT, JOB):
        raise WorkflowError(f"{step.id}: {step.done!r} is where the engine keeps a job; choose another done name.")
    if not cls.has_job(step) and not cls.takes_input(step):
        raise WorkflowError(f"{step.id} has neither a field nor a job: nothing can complete it.")
    if step.auto and (not cls.has_job(step) or cls.takes_input(step) or step.paid):
        raise WorkflowError(f"{step.id}: auto is for a job without a field that is not paid.")


def _check_methods(cls: type[Workflow]) -> None:
    ids = [step.id for step in cls.body()]
    known = {f"{id}_{word}" for id in ids for word in HOOKS}
    for name, member in vars(cls).items():
        if name.startswith("step_") and callable(member) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)
            meant = f"; did you mean {near[0]}?" if near else "."
            raise WorkflowError(f"The method {name} belongs to no step{meant}")
