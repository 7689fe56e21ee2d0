"""Values over 64 KB: a file in the run's folder, named by its content, and a reference in the record."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from .. import disk
from ..engine.transitions import Refusal
from ..engine.values import copy, decode, encode
from ..paths import inside, make_private
from ..store.errors import explained

LARGEST = 64 * 1024
"""Characters of JSON that a record takes as they are."""

MARK = "_artifact"


def pack(folder: Path, value: Any) -> Any:
    """`value`, or where it is large the reference to a file that is on disk now. StoreError."""
    text = encode(value)
    if len(text) <= LARGEST and not _looks_packed(value):
        return value
    name = f"values/{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"
    path = inside(folder, name)
    with explained(path, OSError):
        if not path.exists():
            make_private(path.parent)
            disk.put(path, text.encode())
    return {MARK: name, "size": len(text)}


def unpack(folder: Path, value: Any) -> Any:
    """What `pack` was given; a large value is the caller's own. Refusal when its file is gone."""
    return copy(_shared(folder, value)) if _looks_packed(value) else value


def unpack_record(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """A record with all its values in place. Large ones are shared: nobody may change them."""
    return {
        key: {name: _shared(folder, value) for name, value in part.items()}
        if isinstance(part, dict) and not key.startswith("_")
        else part
        for key, part in record.items()
    }


def _looks_packed(value: Any) -> bool:
    return isinstance(value, dict) and MARK in value


def _shared(folder: Path, value: Any) -> Any:
    return _read(inside(folder, str(value[MARK]))) if _looks_packed(value) else value


@lru_cache(maxsize=16)
def _read(path: Path) -> Any:
    try:
        return decode(path.read_text("ascii"))
    except (OSError, ValueError):
        raise Refusal(
            f"A value of this run lies in {path}, which can't be read: put the file back, or revert the step."
        ) from None
