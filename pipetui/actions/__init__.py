"""Actions: what a person, a slash command, the palette and the model can ask of the service, in one registry."""

from . import collections, files, jobs, runs, workflows
from .action import Action, Done, Effect, Plan, Scope
from .registry import Actions
from .schema import checked, schema, tool

ACTIONS = Actions([*collections.ACTIONS, *runs.ACTIONS, *jobs.ACTIONS, *files.ACTIONS, *workflows.ACTIONS])
"""All of them."""

__all__ = ["ACTIONS", "Action", "Actions", "Done", "Effect", "Plan", "Scope", "checked", "schema", "tool"]
