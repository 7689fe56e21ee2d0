"""What was exported and what it cost, on disk: finished exports, each with its manifest, and the ledger of credits."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from .. import disk
from ..paths import make_private
from ..text import counted, slug
from .queries import Project, Query, link_graph

DATA = "export.csv"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Export:
    """A finished export. It never changes; `cut` says that rows are missing, and `notes` why.

    `counted` is what the count said before (None: it could not), `limit` what was asked for at most. Times are in
    seconds since 1970, `size` is in bytes.
    """

    folder: Path
    job: str
    marker: str
    api: str
    query: Query
    rows: int
    counted: int | None
    limit: int
    credits: float
    cut: bool
    notes: list[str]
    size: int
    sha256: str
    header: bool
    delimiter: str
    skip: int
    created: float | None
    finished: float

    @property
    def path(self) -> Path:
        return self.folder / DATA

    @property
    def manifest(self) -> Path:
        return self.folder / MANIFEST

    @property
    def told(self) -> str:
        """`2024-03-01, 12,345 rows, up to depth 3, incomplete`: the day in UTC."""
        depth = "" if self.query.depth is None else f", up to depth {self.query.depth}"
        return f"{_iso(self.finished)[:10]}, {counted(self.rows, 'row')}{depth}{', incomplete' if self.cut else ''}"

    def has(self, rows: int) -> bool:
        """Whether it is all of its query, or as many rows of it as are asked for."""
        return not self.cut or self.rows >= rows

    def place(self, path: Path) -> None:
        """The CSV under another name too, without a second copy where the disk can do that."""
        path.unlink(missing_ok=True)
        try:
            os.link(self.path, path)
        except OSError:
            shutil.copyfile(self.path, path)

    def to_json(self) -> dict[str, Any]:
        data = asdict(self)
        del data["folder"]
        iso = {key: _iso(data[key]) for key in ("created", "finished")}
        return data | {"query": self.query.to_json(), "hash": self.query.hash, "file": DATA, "times": iso}

    @classmethod
    def load(cls, folder: Path) -> Export | None:
        """The export in a folder; None when there is none, or its file is not what the manifest says."""
        try:
            data = json.loads((folder / MANIFEST).read_text("utf-8"))
            for key in ("hash", "file", "times"):
                del data[key]
            found = cls(**data | {"folder": folder, "query": Query.from_json(data["query"])})
            return found if found.path.stat().st_size == found.size else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None


class Shelf:
    """The finished exports below a folder (the data folder's `exports`), found by their query."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Export]:
        """Every finished export, the newest first."""
        found = [Export.load(manifest.parent) for manifest in self.folder.glob(f"[!.]*/{MANIFEST}")]
        return sorted((e for e in found if e is not None), key=lambda export: export.finished, reverse=True)

    def find(self, query: Query, api: str) -> list[Export]:
        """The finished exports of just this query, the newest first."""
        found = [Export.load(folder) for folder in self.folder.glob(f"[!.]*-{_key(query, api)}-*")]
        return sorted((e for e in found if e is not None), key=lambda export: export.finished, reverse=True)

    def link_graphs(self, project: Project, api: str) -> list[tuple[str, Export]]:
        """(analysis, export) of the link graphs of a project that are here, up to whatever depth, the newest first."""
        found = []
        for export in self.all():
            if export.api == api and export.query.project == project and len(export.query.crawls) == 1:
                analysis = export.query.crawls[0].removeprefix("crawl.")
                if export.query.hash == link_graph(project, analysis, export.query.depth).hash:
                    found.append((analysis, export))
        return found

    def place(self, query: Query, api: str, job: str) -> Path:
        """The folder of the export that a job at Botify makes; there when that is finished."""
        return self.folder / f"{slug(query.project.slug)}-{_key(query, api)}-{job}"

    def making(self, place: Path) -> Path:
        """The hidden folder in which it is made."""
        return place.with_name(f".{place.name}.part")

    def put(self, export: Export) -> None:
        """Make the export in its hidden folder visible, manifest and all, at one instant."""
        making = self.making(export.folder)
        text = json.dumps(export.to_json(), indent=2, ensure_ascii=False)
        with (making / MANIFEST).open("wb") as file:  # over what a kill left of it
            disk.write(file.fileno(), f"{text}\n".encode())
        disk.sync(making / DATA)
        making.replace(export.folder)
        disk.sync(self.folder)

    @asynccontextmanager
    async def turn(self, query: Query, api: str, waiting: Callable[[], None]) -> AsyncIterator[None]:
        """Be the only one on this machine who exports this query; `waiting` is called while another does."""
        make_private(self.folder)
        file = os.open(self.folder / f".{_key(query, api)}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not _locked(file):
                waiting()
                await asyncio.sleep(0.5)
            yield
        finally:
            os.close(file)


@dataclass(frozen=True)
class Spent:
    """A POST that may have cost credits. `outcome`: `sent` (it is not known what became of it), `created` (it has the
    job's number), `refused` (it cost nothing), `done` (its rows are known)."""

    marker: str
    at: float
    profile: str
    project: str
    hash: str
    rows: int
    credits: float
    outcome: str = "sent"
    job: str = ""


class Month(NamedTuple):
    """What the exports of a profile cost in a month (`2024-03`, UTC).

    `unknown` is the part of `credits` of which it isn't known yet whether, or for how many rows, it was spent.
    """

    month: str
    profile: str
    exports: int
    credits: float
    unknown: float


class Credits:
    """The ledger of credits: a file of JSON lines, one for every POST before it is sent, and one for what became of it.

    Lines are only ever appended; a later line of the same marker says more about it. A line that a crash cut off is
    passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def of(cls, shared: Path) -> Credits:
        """The one ledger of an environment, in its data folder."""
        return cls(shared / "credits.jsonl")

    def intend(self, marker: str, query: Query, rows: int, credits: float, profile: str = "") -> None:
        """Note a POST that is about to be sent. On disk when this returns."""
        self._append(asdict(Spent(marker, time.time(), profile, str(query.project), query.hash, rows, credits)))

    def settle(self, marker: str, outcome: str, **more: Any) -> None:
        """Note what became of it: `outcome`, and a `job`, `rows` or `credits` that are now known better."""
        self._append({"marker": marker, "outcome": outcome} | more)

    def entries(self) -> list[Spent]:
        """Every POST, oldest first, with the latest that is known of it."""
        found: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            found[line["marker"]] = found.get(line["marker"], {}) | line
        spent = []
        for line in found.values():
            with suppress(TypeError):
                spent.append(Spent(**line))
        return spent

    def entry(self, marker: str) -> Spent | None:
        return next((spent for spent in self.entries() if spent.marker == marker), None)

    def month(self, profile: str, month: str) -> float:
        """The credits of a profile in a month (`2024-03`, UTC), those included of which it isn't known."""
        return next((each.credits for each in self.months(profile) if each.month == month), 0.0)

    def months(self, profile: str | None = None) -> list[Month]:
        """Every month in which something was spent, of one profile or all, the newest first."""
        found: dict[tuple[str, str], list[Spent]] = {}
        for spent in self.entries():
            if spent.outcome != "refused" and profile in (None, spent.profile):
                found.setdefault((_iso(spent.at)[:7], spent.profile), []).append(spent)
        months = [
            Month(
                *key,
                len(every),
                round(sum(spent.credits for spent in every), 1),
                round(sum(spent.credits for spent in every if spent.outcome != "done"), 1),
            )
            for key, every in found.items()
        ]
        return sorted(months, key=lambda each: (each.month, each.profile), reverse=True)

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            text = self._path.read_text("utf-8", "replace")
        except FileNotFoundError:
            return
        for line in text.splitlines():
            with suppress(ValueError):
                data = json.loads(line)
                if isinstance(data, dict) and isinstance(data.get("marker"), str):
                    yield data

    def _append(self, data: dict[str, Any]) -> None:
        make_private(self._path.parent)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = os.fstat(file).st_size
            torn = end > 0 and os.pread(file, 1, end - 1) != b"\n"
            disk.write(file, (b"\n" if torn else b"") + json.dumps(data).encode() + b"\n")
        finally:
            os.close(file)


def _key(query: Query, api: str) -> str:
    """16 hex digits for a query at an API: what the sandbox gave is not what the service gives."""
    return hashlib.sha256(f"{api} {query.hash}".encode()).hexdigest()[:16]


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _iso(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def is_job_id(text: str) -> bool:
    return re.fullmatch(r"[\w-]{1,64}", text) is not None
