"""Views: what the body of a finished card shows. Data only; `widgets/views.py` draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = ["Chart", "File", "Files", "Heat", "Markdown", "Stack", "Table", "Text", "View"]


class View:
    """The base of all views."""


@dataclass(frozen=True)
class Text(View):
    """Plain text, shown as it is. `title` stands above it, and names it where it is offered for copying."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Markdown(View):
    """The author's own Markdown. Text from outside belongs into a Text or a Table: here it would be formatted."""

    text: str


@dataclass(frozen=True)
class Table(View):
    """Rows and columns: either `rows` in memory, or `file`, a CSV with a header line, read as it is scrolled.

    `detail` gives the view that Enter opens on a row, instead of all its cells; it gets the row's number (from 0,
    without the header). Columns are as wide as what is in them, or as `widths` says, and cut where there is no room.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    file: Path | None = None
    detail: Callable[[int], View] | None = field(default=None, compare=False)
    widths: Mapping[str, int] = field(default_factory=dict)
    title: str = ""
    states: Mapping[str, Literal["error", "warning"]] = field(default_factory=dict)
    """What a cell says that is drawn in the colour of errors or warnings."""


@dataclass(frozen=True)
class Chart(View):
    """Bars, one a label: counts of categories, or of the buckets of a histogram. `mark` points one out."""

    bars: Sequence[tuple[str, float]]
    title: str = ""
    unit: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Heat(View):
    """A matrix whose cells are shaded by their share: `cells[row][column]`."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Sequence[float]]
    title: str = ""


@dataclass(frozen=True)
class File:
    """A file to show in a list: below the run's folder, `size` in bytes."""

    path: Path
    size: int
    rows: int | None = None


@dataclass(frozen=True)
class Files(View):
    """Files that can be looked into."""

    files: Sequence[File]


@dataclass(frozen=True)
class Stack(View):
    """Several views, one below the other."""

    views: Sequence[View]


def listed_files(view: View | None) -> set[Path]:
    """The files that a view lists: they need not be named a second time."""
    if isinstance(view, Files):
        return {file.path for file in view.files}
    return {path for part in view.views for path in listed_files(part)} if isinstance(view, Stack) else set()
