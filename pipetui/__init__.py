"""The authoring API: what a workflow file needs.

from pipetui import Run, Step, Workflow
from pipetui.fields import Text
from pipetui.views import Table
"""

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
