"""The workflows there are: found in folders and installed packages, loaded from source, reloaded when it changes."""

from __future__ import annotations

import hashlib
import io
import linecache
import stat
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal, TypeAlias

from . import limits, trial
from .compiled import code_of
from .workflow import Workflow, WorkflowError

Origin: TypeAlias = Literal["built in", "yours", "installed"]

_Stamp: TypeAlias = tuple[int, int, int]
"""What changes when a file is saved: its time, its size, its inode."""

LOAD_SECONDS = 5.0
LARGEST = 1_000_000
LONGEST = 4000
"""Characters that are told of an error."""

ENTRY_POINTS = "pipetui.workflows"


@dataclass(frozen=True)
class Entry:
    """A workflow file. `workflow` is its last good version; `error` says why the newest can't be taken."""

    file: Path
    origin: Origin
    text: str = ""
    workflow: type[Workflow] | None = None
    error: str = ""

    @property
    def app_name(self) -> str:
        return self.workflow.APP_NAME if self.workflow else ""

    @property
    def name(self) -> str:
        """What a menu shows."""
        return (self.workflow.DISPLAY_NAME or self.workflow.APP_NAME) if self.workflow else self.file.name


class Registry:
    """All workflows in menu order: the folders as given, each by file name, then installed entry points."""

    def __init__(
        self, folders: Sequence[tuple[Path, Origin]], *, installed: bool = True, known: Path | None = None
    ) -> None:
        """`known`: the folder that remembers which files can be read safely, and the code of those that are built in;
        None: they are read untried, and compiled."""
        self._folders = folders
        self._known = known
        self._installed = installed
        self._entries: dict[Path, Entry] = {}
        self._loaded: dict[Path, tuple[_Stamp, Entry]] = {}  # those too whose name is taken

    @classmethod
    def of(cls, entry: Entry) -> Registry:
        """A registry of one workflow that is loaded already."""
        registry = cls([], installed=False)
        registry._entries[entry.file] = entry
        return registry

    def entries(self) -> list[Entry]:
        return list(self._entries.values())

    def get(self, app_name: str) -> Entry | None:
        """The entry whose workflow has this APP_NAME."""
        return next((entry for entry in self._entries.values() if entry.app_name == app_name), None)

    def refresh(self) -> list[Entry]:
        """Look for files that came, changed or went; their entries."""
        entries: dict[Path, Entry] = {}
        loaded: dict[Path, tuple[_Stamp, Entry]] = {}
        names: dict[str, Path] = {}
        for file, origin in self._find():
            stamp = _stamp(file)
            seen, entry = self._loaded.get(file, (None, None))
            if entry is None or stamp != seen:
                entry = _load(file, origin, entry, self._known)
            loaded[file] = stamp, entry
            if entry.app_name in names:
                why = f"{file.name}: APP_NAME {entry.app_name!r} is taken by {names[entry.app_name].name}."
                entry = Entry(file, origin, error=why)
            elif entry.app_name:
                names[entry.app_name] = file
            entries[file] = entry
        before, self._entries, self._loaded = self._entries, entries, loaded
        gone = [entry for file, entry in before.items() if file not in entries]
        return [entry for file, entry in entries.items() if entry != before.get(file)] + gone

    def _find(self) -> Iterator[tuple[Path, Origin]]:
        for folder, origin in self._folders:
            if folder.is_dir():
                for file in sorted(folder.glob("*.py")):
                    if is_workflow_file(file):
                        yield file, origin
        if self._installed:
            yield from ((file, "installed") for file in _installed_files())


def is_workflow_file(file: Path) -> bool:
    """By its name: `xx_…` is put aside, parentheses mark a copy, `_…` belongs to Python."""
    return not file.name.lower().startswith("xx_") and not file.name.startswith("_") and "(" not in file.name


def load_source(filename: str, text: str, kept: Path | None = None) -> type[Workflow]:
    """The workflow in a source text, executed as a module of its own. WorkflowError, or whatever the text raises.

    `kept`: the folder that keeps its code; see compiled.py.
    """
    name = f"pipetui_workflow_{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
    module = ModuleType(name)
    module.__file__ = filename
    code = code_of(filename, text, kept)
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    sys.modules[name] = module  # dataclasses and typing look their module up
    exec(code, module.__dict__)  # noqa: S102
    found = [
        member
        for member in vars(module).values()
        if isinstance(member, type)
        and issubclass(member, Workflow)
        and member.__module__ == name
        and "APP_NAME" in member.__dict__
    ]
    if len(found) != 1:
        what = "no workflow" if not found else f"{len(found)} workflows"
        raise WorkflowError(f"There is {what} in this file; it needs one class made from Workflow, with an APP_NAME.")
    return found[0]


def _load(file: Path, origin: Origin, old: Entry | None, known: Path | None) -> Entry:
    last_good, text = (old.workflow, old.text) if old else (None, "")
    try:
        if not file.is_file():
            raise WorkflowError("It is no file that can be read.")
        if file.stat().st_size > LARGEST:
            raise WorkflowError("The file is larger than 1 MB.")
        if origin == "yours" and (file.stat().st_mode | file.parent.stat().st_mode) & stat.S_IWOTH:
            raise WorkflowError("Others may write this file or its folder, so it is not run: chmod o-w makes it yours.")
        fresh = file.read_text("utf-8")
        if origin == "built in":
            return Entry(file, origin, fresh, load_source(str(file), fresh, known))
        if known is not None:
            trial.survive(str(file), fresh, LOAD_SECONDS, known)
        with _aside():
            workflow = limits.call(lambda: load_source(str(file), fresh), LOAD_SECONDS)
        return Entry(file, origin, fresh, workflow)
    except Exception as error:  # whatever the file does, it costs its own card only
        return Entry(file, origin, text, last_good, explain(error, file))


@contextmanager
def _aside() -> Iterator[None]:
    """What a file prints when it is loaded goes nowhere, and there is nothing for it to read."""
    stdin, sys.stdin = sys.stdin, io.StringIO()
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield
    finally:
        sys.stdin = stdin


def explain(error: BaseException, file: Path) -> str:
    """An error of a workflow's code in one line, with file and line where it can be told."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    what = error.msg if isinstance(error, SyntaxError) else _said(error)
    kind = "" if isinstance(error, WorkflowError | limits.TooSlow) else f"{type(error).__name__}: "
    return f"{file.name}{f', line {line}' if line else ''}: {kind}{what[:LONGEST] or 'no reason given'}"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # foreign code too
        return ""


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_mtime_ns, found.st_size, found.st_ino


def _installed_files() -> Iterator[Path]:
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        if origin := _origin_of(point.module):
            yield Path(origin)


def _origin_of(module: str) -> str | None:
    from importlib.util import find_spec

    with suppress(Exception, SystemExit), _aside():  # it imports the package, which is foreign code
        spec = find_spec(module)
        return spec.origin if spec is not None else None
    return None
