"""What the model is told about a workflow: the file that its TRAINING_PROMPT names, or that text itself."""

from __future__ import annotations

from pathlib import Path

from ..engine.registry import Entry

BUILT_IN = Path(__file__).parent.parent / "training"
LONGEST = 16_000
"""Characters of a prompt that are told."""


def prompt_of(entry: Entry | None) -> str:
    """The prompt of a workflow, '' where it has none or its file can't be read.

    `name.md` is looked for beside the workflow's file, in `training/` there, and among the built-in ones.
    """
    said = entry.workflow.TRAINING_PROMPT.strip() if entry is not None and entry.workflow is not None else ""
    if entry is None or not said.endswith(".md") or "\n" in said:
        return said[:LONGEST]
    if said != Path(said).name:  # a plain name: never a way out of these folders
        return ""
    for folder in (entry.file.parent / "training", entry.file.parent, BUILT_IN):
        try:
            return (folder / said).read_text("utf-8")[:LONGEST]
        except (OSError, UnicodeDecodeError):
            continue
    return ""
