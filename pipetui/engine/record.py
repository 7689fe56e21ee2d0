"""The record of a run: its JSON shape, and changes that can be taken back.

The shape is Pipulate's, so that its users' data can be read:

    {"created": "…", "updated": "…", "step_01": {"name": "Ada"}, "_revert_target": "step_01",
     "finalize": {"finalized": true}}

Marks of ours, absent when empty: `_stale` (list of step ids) and `_skipped` (step id to reason). A step with a job
keeps `input` and `job` (the id of the job whose result it takes) beside its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from . import values

Record: TypeAlias = dict[str, Any]

TARGET, STALE, SKIPPED, FINALIZE = "_revert_target", "_stale", "_skipped", "finalize"
INPUT, JOB = "input", "job"


def new(now: str) -> Record:
    return {"created": now, "updated": now}


def ordered(record: Mapping[str, Any]) -> Record:
    """The record with its keys in the one order in which we write it, so that equal records are equal bytes."""

    def rank(key: str) -> tuple[int, str]:
        return (0 if key in ("created", "updated") else 1 if not key.startswith("_") else 2, key)

    return {key: record[key] for key in sorted(record, key=rank)}


def encode(record: Mapping[str, Any]) -> str:
    return values.encode(ordered(record))


def is_locked(record: Mapping[str, Any]) -> bool:
    finalize = record.get(FINALIZE)
    return isinstance(finalize, Mapping) and bool(finalize.get("finalized"))


def stale(record: Mapping[str, Any]) -> list[str]:
    marks = record.get(STALE)
    return [id for id in marks if isinstance(id, str)] if isinstance(marks, list) else []


def skipped(record: Mapping[str, Any]) -> dict[str, str]:
    marks = record.get(SKIPPED)
    return {id: str(why) for id, why in marks.items()} if isinstance(marks, Mapping) else {}


def jobs(record: Mapping[str, Any]) -> set[str]:
    """The ids of the jobs in force: those whose result the record still wants or has."""
    return {part[JOB] for part in record.values() if isinstance(part, Mapping) and isinstance(part.get(JOB), str)}


@dataclass(frozen=True)
class Patch:
    """What turns one record into another: top-level keys to set and to drop."""

    set: dict[str, Any] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)

    def apply(self, record: Mapping[str, Any]) -> Record:
        kept = {key: part for key, part in record.items() if key not in self.drop}
        return ordered(values.copy({**kept, **self.set}))

    def to_json(self) -> dict[str, Any]:
        return {"set": self.set, "drop": self.drop}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Patch:
        return cls(dict(data["set"]), list(data["drop"]))


@dataclass(frozen=True)
class Change:
    """A step of history in both directions."""

    forward: Patch
    backward: Patch

    @classmethod
    def between(cls, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
        return cls(_patch(before, after), _patch(after, before))


def _patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> Patch:
    changed = {
        key: part
        for key, part in after.items()
        if key not in before or values.encode(before[key]) != values.encode(part)
    }
    return Patch(changed, [key for key in before if key not in after])


def fold(patches: Iterable[Patch]) -> Record:
    """The record that a history of forward patches makes."""
    record: Record = {}
    for patch in patches:
        record = patch.apply(record)
    return record
