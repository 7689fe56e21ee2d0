"""Collections: lists that a person keeps beside the runs. Each is declared here, once; its columns are data.

The rest is made from the declaration: the statements of its table (store/collections.py), what one may do with it
(service/collections.py), its actions, its command line, and its screen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .fields import Field, Group, Number, Switch, Text


@dataclass(frozen=True)
class Collection:
    """`name` is its table, its place and the first word of its actions; `one` is what an item is called.

    `columns` are what a person fills in: of text, numbers and switches. `title` is the column that an item is known by,
    `toggles` its switch. In calls the argument `handle` names an item: by its number, or by the column `named_by`.
    An `owned` collection has items of each profile.
    """

    name: str
    one: str
    help: str
    columns: Group
    title: str
    toggles: str
    handle: str
    named_by: str = ""
    owned: bool = False

    def __post_init__(self) -> None:
        for name in (self.name, *self.columns.members):
            if not re.fullmatch(r"[a-z]{1,20}", name) or name in OWN:
                raise ValueError(f"{name!r} can't be the name of a collection or of a column.")
        wrong = [name for name, field in self.columns.members.items() if not isinstance(field, Text | Number | Switch)]
        if wrong or {self.title, self.toggles, self.named_by or self.title} - set(self.columns.members):
            raise ValueError(f"The columns of {self.name} don't fit together.")

    @property
    def handle_field(self) -> Field:
        """What names an item in a call."""
        if self.named_by:
            named = self.columns.members[self.named_by]
            return Text(
                maximum=getattr(named, "maximum", 200), hint=f"the {self.one}'s {self.named_by}", label=self.one
            )
        hint = f"the {self.one}'s number, as {self.name}_list has it"
        return Number(whole=True, minimum=1, hint=hint, label="number")


OWN = frozenset({"id", "profile", "position", "created", "rev"})
"""The columns that every collection has beside its own."""

TASKS = Collection(
    "tasks",
    "task",
    "What is to be done for a profile.",
    Group(
        text=Text(maximum=500, label="task", hint="what is to be done"),
        priority=Number(0, whole=True, minimum=0, maximum=3, label="priority", hint="from 0 (none) to 3 (high)"),
        done=Switch(label="done", hint="whether it is done"),
    ),
    title="text",
    toggles="done",
    handle="id",
    owned=True,
)

PROFILES = Collection(
    "profiles",
    "profile",
    "The clients or projects that you work for.",
    Group(
        name=Text(maximum=60, label="name", hint="a client or project"),
        note=Text(optional=True, maximum=500, label="note", hint="anything to remember about it"),
        active=Switch(True, label="active", hint="whether it is offered when one is picked"),
    ),
    title="name",
    toggles="active",
    handle="profile",
    named_by="name",
)

COLLECTIONS: Mapping[str, Collection] = {collection.name: collection for collection in (TASKS, PROFILES)}
