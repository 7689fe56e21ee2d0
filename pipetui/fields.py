"""Fields, for authors: what the input of a step asks for."""

from .engine.fields import Choice, Field, Group, Invalid, Number, Switch, Text, TextArea

__all__ = ["Choice", "Field", "Group", "Invalid", "Number", "Switch", "Text", "TextArea"]
