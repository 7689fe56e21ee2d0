"""The authoring API: what a workflow file needs, imported when first asked for.

from pipetui import Run, Step, Workflow
from pipetui.fields import Text
from pipetui.views import Table
"""

TYPE_CHECKING = False  # type checkers take it for true; `typing` and the engine cost a start that needs neither
if TYPE_CHECKING:
    from .engine.fields import Invalid
    from .engine.jobs import Absent, Artifact, Attempt, Found, Job, JobError, NotDone, Unknown
    from .engine.run import Run
    from .engine.workflow import Step, Workflow

__all__ = [
    "Absent",
    "Artifact",
    "Attempt",
    "Found",
    "Invalid",
    "Job",
    "JobError",
    "NotDone",
    "Run",
    "Step",
    "Unknown",
    "Workflow",
]

__version__ = "0.1.0"

_HOMES = {
    "Invalid": "fields",
    "Run": "run",
    "Step": "workflow",
    "Workflow": "workflow",
} | dict.fromkeys(("Absent", "Artifact", "Attempt", "Found", "Job", "JobError", "NotDone", "Unknown"), "jobs")


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".engine.{_HOMES[name]}", __name__), name)
