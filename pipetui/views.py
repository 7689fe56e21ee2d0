"""Views, for authors: what the body of a finished card shows."""

from .engine.views import Markdown, Table, Text, View

__all__ = ["Markdown", "Table", "Text", "View"]
