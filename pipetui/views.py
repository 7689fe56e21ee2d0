"""Views, for authors: what the body of a finished card shows."""

from .engine.views import Chart, File, Files, Heat, Markdown, Stack, Table, Text, View

__all__ = ["Chart", "File", "Files", "Heat", "Markdown", "Stack", "Table", "Text", "View"]
