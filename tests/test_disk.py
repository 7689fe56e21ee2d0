"""What is on the disk is whole, also when the disk is full. A limit on the size of files stands for one."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipetui import disk
from pipetui.botify.alone import FileLedger
from pipetui.engine.jobs import Attempt
from pipetui.secrets import SecretError, Secrets
from pipetui.service import large
from pipetui.store.errors import StoreError


@contextmanager
def full(size: int) -> Iterator[None]:
    """No file grows beyond `size` bytes: what is written over it is cut off, and only the next write fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "name"
    disk.put(path, b"before")
    with full(4), pytest.raises(OSError, match="too large"):
        disk.put(path, b"after all")
    assert path.read_bytes() == b"before" and files(tmp_path) == ["name"]
    disk.put(path, b"after all")
    assert path.read_bytes() == b"after all" and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_part_of_a_write_is_not_taken_for_all_of_it(tmp_path: Path) -> None:
    file = os.open(tmp_path / "name", os.O_WRONLY | os.O_CREAT)
    try:
        with full(4), pytest.raises(OSError, match="too large"):
            disk.write(file, b"abcdef")
    finally:
        os.close(file)


def test_a_secret_is_kept_whole_or_stays_what_it_was(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    secrets.put("botify", "one")
    with full(4), pytest.raises(SecretError, match="can't be kept"):
        secrets.put("botify", "another one")
    assert secrets.get("botify") == "one" and files(tmp_path) == ["shared/botify"]


def test_a_large_value_that_has_no_room_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    value = "x" * 100_000
    with full(1_000), pytest.raises(StoreError):
        large.pack(tmp_path, value)
    assert files(tmp_path) == []
    assert large.unpack(tmp_path, large.pack(tmp_path, value)) == value


async def test_an_intent_that_is_not_whole_on_the_disk_is_none(tmp_path: Path) -> None:
    """Else the work behind it would begin, and nobody would know of it after a crash."""
    ledger = FileLedger(tmp_path / "ledger")
    with full(20), pytest.raises(OSError, match="too large"):
        await ledger.intend("pay", "", Attempt("1", "marker"))
