"""Fields, for authors: what the input of a step asks for."""

from .engine.fields import Choice, Field, Group, Invalid, Number, Switch, Text, TextArea
from .engine.pickers import DateRange, MultiChoice, Secret, TablePick

__all__ = [
    "Choice",
    "DateRange",
    "Field",
    "Group",
    "Invalid",
    "MultiChoice",
    "Number",
    "Secret",
    "Switch",
    "TablePick",
    "Text",
    "TextArea",
]
