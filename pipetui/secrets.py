"""Secrets: one file each below the data folder, that only its owner can read. Nowhere else is one ever written."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from . import disk
from .paths import make_private

SHARED = "shared"
"""The folder of secrets that no profile has for itself."""

LARGEST = 10_000
"""Bytes of a secret."""


class SecretError(Exception):
    """A secret can't be kept or read; the text says why, without it."""


def in_environment(name: str) -> str | None:
    """The secret that this process was given by its environment: `botify` is `BOTIFY_TOKEN`."""
    return os.environ.get(f"{name.upper()}_TOKEN", "").strip() or None


class Secrets:
    """The secrets below `folder` (the data folder's `secrets`): one per profile (its id) and name; `""` is for all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str, profile: str = "") -> str | None:
        """The secret of the profile, else the one for all, else None. SecretError when there is one we must not use."""
        for owner in dict.fromkeys((profile, "")):
            found = self._read(self._path(name, owner))
            if found is not None:
                return found
        return None

    def every(self) -> list[str]:
        """All that is kept, whoever's, and what the environment gives: to keep it out of what others are told."""
        found = [value for name, value in os.environ.items() if name.endswith("_TOKEN") and value.strip()]
        for path in sorted(self._folder.glob("*/*")):
            with suppress(SecretError):
                found += filter(None, [self._read(path)])
        return found

    def foreground(self, name: str, profile: str = "") -> str | None:
        """What a program that a person started uses: the environment's, else `get`."""
        return in_environment(name) or self.get(name, profile)

    def put(self, name: str, value: str, profile: str = "") -> None:
        """Keep a secret, in place of an older one. SecretError when it is empty, too long, or can't be written."""
        data = value.strip().encode("utf-8", "strict")
        if not data or len(data) > LARGEST:
            raise SecretError(f"A secret has from 1 to {LARGEST:,} bytes.")
        path = self._path(name, profile)
        try:
            for folder in (self._folder, path.parent):
                make_private(folder)
                folder.chmod(0o700)
            disk.put(path, data)
        except OSError as error:
            raise SecretError(f"The secret {name} can't be kept in {path.parent}: {error.strerror}.") from None

    def remove(self, name: str, profile: str = "") -> bool:
        """Forget a secret of the profile (not the one for all). Whether there was one."""
        path = self._path(name, profile)
        try:
            for left in path.parent.glob(f".{name}.*.part"):  # by a kill in the middle of `put`
                left.unlink(missing_ok=True)
            path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SecretError(f"The secret {name} can't be removed from {path.parent}: {error.strerror}.") from None
        return True

    def remove_all(self, profile: str) -> None:
        """Forget all secrets of a profile that is gone. SecretError when one can't be removed."""
        folder = self._path("any", profile).parent
        for path in folder.iterdir() if folder.is_dir() else ():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise SecretError(f"{path} can't be removed: {error.strerror}. Remove it yourself.") from None
        with suppress(OSError):
            folder.rmdir()

    def _path(self, name: str, profile: str) -> Path:
        for part in (name, profile or SHARED):
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", part):
                raise ValueError(f"{part!r} can't be the name of a secret or the id of a profile.")
        if profile == SHARED:
            raise ValueError(f"{SHARED!r} can't be the id of a profile.")
        return self._folder / (profile or SHARED) / name

    def _read(self, path: Path) -> str | None:
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SecretError(f"The secret in {path} can't be read: {error.strerror}.") from None
        try:
            facts = os.fstat(file)
            if not stat.S_ISREG(facts.st_mode) or facts.st_uid != os.geteuid():
                raise SecretError(f"{path} is no file of yours: it is not used. Remove it and give the secret again.")
            if facts.st_mode & 0o077:  # restored from a backup, or copied: ours to close again
                os.fchmod(file, 0o600)
            return os.read(file, LARGEST).decode("utf-8").strip() or None
        except UnicodeDecodeError:
            raise SecretError(f"{path} holds no text: remove it and give the secret again.") from None
        finally:
            os.close(file)
