"""The user's settings: a TOML file, each setting one typed attribute. `pipetui doctor` names what is wrong in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .paths import make_private


@dataclass(frozen=True)
class Settings:
    """What a person may choose."""

    theme: str = "textual-dark"
    """The name of a Textual theme."""

    bell: bool = True
    """Ring the terminal bell when a job ends elsewhere."""

    mouse: bool = True
    """Take the mouse; without it the terminal's own selection works as always."""

    jobs_at_once: int = 2
    """How many jobs run at a time; the rest queue."""

    keys: Mapping[str, str] = field(default_factory=dict)
    """Other keys for what the footer names: `submit = "f2"`."""


class SettingsError(Exception):
    """The settings file can't be taken as it is; the text names file, key and what is accepted."""


def load(path: Path) -> Settings:
    """The settings in the file, defaults where it says nothing. SettingsError."""
    import difflib
    import tomllib

    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    known = {field.name: field for field in dataclasses.fields(Settings)}
    defaults = Settings()
    for name, value in data.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise SettingsError(
                f"{path}: there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else ".")
            )
        wanted = type(getattr(defaults, name))
        if type(value) is not wanted or (name == "keys" and not all(isinstance(key, str) for key in value.values())):
            raise SettingsError(f"{path}: {name} must be {_WORDS[wanted]}, not {value!r}.")
    if not 1 <= data.get("jobs_at_once", 1) <= 16:
        raise SettingsError(f"{path}: jobs_at_once must be from 1 to 16.")
    return Settings(**data)


_WORDS: Mapping[type, str] = {str: "text", bool: "true or false", int: "a whole number", dict: "a table of texts"}


def save(path: Path, name: str, value: Any) -> None:
    """Change one setting in the file; comments and the rest stay. OSError when it can't be written."""
    import tomlkit

    document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    document[name] = value
    make_private(path.parent)
    fresh = path.with_suffix(".new")
    fresh.write_text(tomlkit.dumps(document), "utf-8")
    fresh.replace(path)
