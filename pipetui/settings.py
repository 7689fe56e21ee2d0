"""The user's settings: a TOML file, each setting one typed attribute. `pipetui doctor` names what is wrong in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .paths import make_private


@dataclass(frozen=True)
class ChatSettings:
    """The table `[chat]`: which model answers, and how."""

    hosts: Sequence[str] = field(default_factory=list)
    """Hosts with Ollama, named as in OLLAMA_HOST (whose own comes before them), the preferred first. None: this one."""

    model: str = ""
    """The model's name; empty: one that is in memory, else the first one."""

    context: int = 8192
    """The window that is asked for, in tokens; never more than the model's own. 0: what the host gives."""

    word_limit: int = 200
    """How many words an answer has at most, unless more are asked for; 0: no limit."""

    tone: str = ""
    """How it speaks, in a few words."""

    system: str = ""
    """Your own instructions to the model."""

    keep_alive: str = ""
    """How long the model stays in memory afterwards (`30m`, `-1` for ever); empty: as long as the host likes."""


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

    chat: ChatSettings = field(default_factory=ChatSettings)


class SettingsError(Exception):
    """The settings file can't be taken as it is; the text names file, key and what is accepted."""


def load(path: Path) -> Settings:
    """The settings in the file, defaults where it says nothing. SettingsError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from None
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: {error}") from None
    try:
        chat = data.pop("chat", {})
        _check(Settings, data | ({} if isinstance(chat, dict) else {"chat": chat}))
        _check(ChatSettings, chat, "chat.")
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None
    return Settings(**data, chat=ChatSettings(**chat))


def _check(kind: type, data: Mapping[str, Any], table: str = "") -> None:
    """SettingsError, without the file's name, unless `data` has only settings of this kind, each of its type."""
    import difflib

    known = [each.name for each in dataclasses.fields(kind)]
    defaults = kind()
    for name, value in data.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise SettingsError(
                f"there is no setting {table + name!r}" + (f"; did you mean {table + near[0]!r}?" if near else ".")
            )
        wanted = type(getattr(defaults, name))
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if type(value) is not wanted or not all(isinstance(each, str) for each in inner):
            raise SettingsError(f"{table}{name} must be {_WORDS[wanted]}, not {value!r}.")
        low, high = _LIMITS.get(table + name, (None, None))
        if low is not None and not low <= value <= high:
            raise SettingsError(f"{table}{name} must be from {low:,} to {high:,}.")


_WORDS: Mapping[type, str] = {
    str: "text", bool: "true or false", int: "a whole number", dict: "a table of texts", list: "a list of texts",
    ChatSettings: "a table",
}  # fmt: skip
_LIMITS: Mapping[str, tuple[int, int]] = {
    "jobs_at_once": (1, 16),
    "chat.context": (0, 2_000_000),
    "chat.word_limit": (0, 100_000),
}


def save(path: Path, name: str, value: Any) -> None:
    """Change one setting in the file (`theme`, `chat.model`); comments and the rest stay. OSError."""
    import tomlkit

    document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    table, _, key = name.rpartition(".")
    place: Any = document.setdefault(table, tomlkit.table()) if table else document
    place[key] = value
    make_private(path.parent)
    fresh = path.with_suffix(".new")
    fresh.write_text(tomlkit.dumps(document), "utf-8")
    fresh.replace(path)
