"""The code of the built-in workflows, kept by the hash of its text: compiling them is a good part of the app's start.

importlib would do the same, but it trusts modification times.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import CodeType

_HASH = 32  # bytes in front of the code: what a disk has damaged must not reach `marshal`


def code_of(filename: str, text: str, folder: Path | None = None) -> CodeType:
    """The code of a source text, from `folder` if it is there and nobody else may write to it. SyntaxError."""
    if folder is None:
        return compile(text, filename, "exec", dont_inherit=True)
    source = "\0".join((sys.version, filename, text)).encode("utf-8", "surrogatepass")
    file = folder / f"{hashlib.sha256(source).hexdigest()}.code"
    with suppress(OSError, ValueError):
        data = file.read_bytes()
        if hashlib.sha256(data[_HASH:]).digest() == data[:_HASH] and _is_ours(folder):
            code: CodeType = marshal.loads(data[_HASH:])  # noqa: S302 - written below
            return code
    code = compile(text, filename, "exec", dont_inherit=True)
    with suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        data = marshal.dumps(code)
        part = file.with_suffix(f".{id(code)}.part")
        part.write_bytes(hashlib.sha256(data).digest() + data)
        part.replace(file)
    return code


def _is_ours(folder: Path) -> bool:
    found = folder.stat()
    return found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
