"""The user's settings: a TOML file, each setting one typed attribute, declared once.

The declaration has what is accepted, the default, and what a person is told. The checks of the loader, the Settings
screen, `pipetui settings` and the table in docs/settings.md are made from it.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import disk
from .engine.fields import Field, Invalid, Number, Switch, Text, TextArea
from .engine.refusals import Moved, Refusal
from .paths import make_private

KEYS = "keys."
"""How the name of a setting begins that is the key of a command: `keys.submit`. The screens know what may follow."""


class SettingsError(Refusal):
    """The settings can't be taken, or not be written; the text names file, key and what is accepted."""


@dataclass(frozen=True)
class Setting:
    """One setting: `name` as the file and the command line have it, and what it accepts (`field`: its label and its
    default too); `help` says what it does, `takes` when a change takes effect, '' for at once.

    `also` is asked before a value is kept, not of what is in the file: ValueError, as a sentence, when it can't be.
    """

    name: str
    field: Field
    help: str
    takes: str = ""
    also: Callable[[Any], object] | None = None

    @property
    def label(self) -> str:
        return self.field.label

    @property
    def default(self) -> Any:
        return self.field.default

    def parse(self, given: Any) -> Any:
        """The value that was typed. Invalid."""
        return self.proven(self.field.parse(given))

    def proven(self, value: Any) -> Any:
        """A value of the field as it may be kept. Invalid."""
        try:
            str(value).encode()
            if self.also is not None:
                self.also(value)
        except UnicodeEncodeError:
            raise Invalid("This has a character in it that is none.") from None
        except ValueError as error:
            raise Invalid(str(error)) from None
        return value

    def loaded(self, value: Any) -> Any:
        """A value of the file. SettingsError, without the file's name."""
        kind = type(self.default)
        if type(value) is not kind or (kind is list and not all(isinstance(each, str) for each in value)):
            raise SettingsError(f"{self.name} must be {_WORDS[kind]}, not {value!r}.")
        try:
            return self.field.check(value)
        except Invalid as invalid:
            raise SettingsError(f"{self.name} = {value!r}: {invalid}") from None


_WORDS: Mapping[type, str] = {
    str: "text", bool: "true or false", int: "a whole number", list: "a list of texts"
}  # fmt: skip


def _declared(field: Field, help: str, *, takes: str = "", also: Callable[[Any], object] | None = None) -> Any:
    """The attribute of a setting."""
    setting = Setting("", field, help, takes, also)
    return dataclasses.field(default_factory=lambda: copy.copy(field.default), metadata={"setting": setting})


def _are_hosts(named: Sequence[str]) -> None:
    from .hosts import address  # what it parses with costs the start 5 ms

    for each in named:
        address(each)


@dataclass(frozen=True)
class ChatSettings:
    """The table `[chat]`: which model answers, and how."""

    hosts: Sequence[str] = _declared(
        TextArea(default=[], optional=True, maximum=20, label="Hosts", placeholder="127.0.0.1:11434",
                 hint="HOST, HOST:PORT or http://HOST:PORT, one a line"),
        "Machines with Ollama, the preferred first; OLLAMA_HOST comes before them. None: this machine.",
        also=_are_hosts,
    )  # fmt: skip
    model: str = _declared(
        Text(default="", optional=True, label="Model", placeholder="llama3.2:3b"),
        "The model that answers, where the chat (/model) has chosen none. Empty: one that is in memory, or the first.",
    )
    context: int = _declared(
        Number(8192, whole=True, minimum=0, maximum=2_000_000, unit="tokens", label="Context"),
        "How much of a conversation the model is told, never more than it can take. 0: what the host gives.",
    )
    word_limit: int = _declared(
        Number(200, whole=True, minimum=0, maximum=100_000, unit="words", label="Word limit"),
        "How long an answer is at most, unless you ask for more. 0: no limit.",
    )
    tone: str = _declared(
        Text(default="", optional=True, maximum=500, label="Tone", placeholder="friendly"),
        "How the model speaks, in a few words.",
    )
    system: str = _declared(
        Text(default="", optional=True, lines=True, label="Instructions", placeholder="I look after the shop of ACME."),
        "What you always want the model to know or to do.",
    )
    keep_alive: str = _declared(
        Text(default="", optional=True, label="Keep the model", placeholder="30m",
             pattern=r"-?\d+|(\d+(\.\d+)?(ms|s|m|h))+", hint="Write a time like 30m or 1h30m, or -1."),
        "How long the model stays in memory after an answer. -1: for ever. Empty: as long as the host likes.",
    )  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """What a person may choose."""

    theme: str = _declared(
        Text(default="textual-dark", label="Theme"),
        "The colours of the app.",
    )
    bell: bool = _declared(
        Switch(True, label="Bell"),
        "Ring the terminal's bell when a job ends that you don't look at.",
    )
    mouse: bool = _declared(
        Switch(True, label="Mouse"),
        "Click and scroll in the app. Without it the terminal selects text, as it always does.",
        takes="when the app is opened again",
    )
    jobs_at_once: int = _declared(
        Number(2, whole=True, minimum=1, maximum=16, unit="jobs", label="Jobs at once"),
        "How many background jobs run at a time; the others wait.",
        takes="once the jobs that run or wait now are through",
    )
    keys: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Other keys for commands: `submit = "f2"`."""

    chat: ChatSettings = dataclasses.field(default_factory=ChatSettings)


def _settings(kind: type, table: str) -> Iterator[Setting]:
    for each in dataclasses.fields(kind):
        if "setting" in each.metadata:
            yield dataclasses.replace(each.metadata["setting"], name=table + each.name)


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting for setting in (*_settings(Settings, ""), *_settings(ChatSettings, "chat."))
}
"""Every setting by its name, but the keys."""


def value_of(settings: Settings, name: str) -> Any:
    """What a setting is now. Of `keys.NAME` what stands in the file, None where that says nothing."""
    table, _, key = name.rpartition(".")
    if name.startswith(KEYS):
        return settings.keys.get(key)
    return getattr(settings.chat if table else settings, key)


# the file


def load(path: Path) -> Settings:
    """The settings in the file, defaults where it says nothing. SettingsError."""
    try:
        return read(_text(path))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"it can't be read ({error.strerror}).") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"it is not UTF-8 text (byte {error.start + 1:,}).") from None


def read(text: str) -> Settings:
    """The settings that the text of a file says. SettingsError, without the file's name."""
    data = _parsed(text)
    tables: dict[str, Mapping[str, Any]] = {name: data.pop(name, {}) for name in ("keys", "chat")}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{name} must be a table, not {table!r}.")
    for name, keys in tables["keys"].items():
        if not isinstance(keys, str):
            raise SettingsError(f"{KEYS}{name} must be text, not {keys!r}.")
    chat = ChatSettings(**_loaded("chat.", tables["chat"]))
    return Settings(**_loaded("", data), keys=tables["keys"], chat=chat)


def _parsed(text: str) -> dict[str, Any]:
    if not text:
        return {}
    import tomllib

    try:
        data = tomllib.loads(text)
        repr(data)  # whatever is wrong with a value, it can be said
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{error}.") from None
    except (ValueError, RecursionError):  # thousands of digits, or of brackets
        raise SettingsError("it has a number that is too long, or brackets too deep in each other.") from None
    return data


def _loaded(table: str, data: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for key, value in data.items():
        name = table + key
        if name not in SETTINGS:
            from .text import meant

            raise SettingsError(f"there is no setting {name!r}{meant(name, SETTINGS)}")
        values[key] = SETTINGS[name].loaded(value)
    return values


def save(path: Path, changes: Mapping[str, Any], *, expected: Mapping[str, Any] | None = None) -> Settings:
    """Change settings in the file, all of them or none, and say what stands there now; comments and the rest stay.

    A None gives a setting back to its default. `expected` is what was seen before: Moved when that is no longer so.
    SettingsError when the file can't be taken or written, and then it stays as it is.
    """
    import tomlkit

    file = path.resolve()  # the file that a link leads to, not the link
    try:
        make_private(file.parent)
        with _alone(file.parent):
            text = _text(file)
            _parsed(text)  # whose sentence is the better one
            document = tomlkit.parse(text)
            before = read(text) if expected else Settings()
            for name, value in (expected or {}).items():
                if value_of(before, name) != value:
                    raise Moved(f"{name} was changed meanwhile, in another terminal or in the file.")
            for name, value in changes.items():
                _put(document, name, value)
            text = tomlkit.dumps(document)
            after = read(text)
            disk.put(file, text.encode())
    except SettingsError as error:
        raise SettingsError(f"{path}: {error} Nothing was changed.") from None
    except OSError as error:
        raise SettingsError(f"{path} can't be written ({error.strerror}): nothing was changed.") from None
    except tomlkit.exceptions.TOMLKitError as error:
        raise SettingsError(f"{path}: {error} Nothing was changed.") from None
    return after


def _put(document: MutableMapping[str, Any], name: str, value: Any) -> None:
    import tomlkit

    table, _, key = name.rpartition(".")
    place: Any = document
    if table:
        if value is not None:
            document.setdefault(table, tomlkit.table())
        place = document.get(table, {})
        if not isinstance(place, MutableMapping):
            raise SettingsError(f"{table} must be a table, not {place!r}.")
    if value is None:
        place.pop(key, None)
    elif isinstance(value, str) and "\n" in value:
        place[key] = tomlkit.string(value, multiline=True)
    else:
        place[key] = value


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While two terminals save, one waits for the other; where the file system has no locks, they hope."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
