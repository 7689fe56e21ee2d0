"""What one yes of a person orders: an export, or the parts of one that share no row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..engine.jobs import Job
from .client import Client
from .export import Progress, full_export
from .forecast import Counted
from .queries import Query
from .reconcile import SETTLE
from .shelf import Credits, Export, Shelf


@dataclass(frozen=True)
class Order:
    """An export to be made, as it was confirmed. `name` is what its job knows it by, `limit`: see `full_export`."""

    name: str
    query: Query
    counted: Counted
    limit: int = 0


@dataclass(frozen=True)
class Made:
    """The exports that were ordered; `paid` are those of them that this job paid for."""

    exports: list[Export]
    how: Literal["paid", "followed", "reused"]
    paid: list[Export]

    @property
    def credits(self) -> float:
        return sum(export.credits for export in self.paid)

    @property
    def notes(self) -> list[str]:
        """What is to be known of the files, each once."""
        return list(dict.fromkeys(note for export in self.exports for note in export.notes))


async def make(
    client: Client,
    orders: Sequence[Order],
    shelf: Shelf,
    *,
    credits: Credits,
    job: Job,
    profile: str,
    fresh: bool = False,
    adopt: str = "",
    progress: Progress | None = None,
    settle: float = SETTLE,
    pause: float = 2.0,
) -> Made:
    """`full_export` of each order, one after the other, within a job. Raises `BotifyError`.

    An order whose export is on the shelf already costs nothing, unless `fresh`; with `adopt` the one order is a job
    that is at Botify already.
    """
    exports, paid = [], []
    for order in orders:

        async def look(query: Query = order.query) -> list[str]:
            return [found.folder.name for found in await asyncio.to_thread(shelf.find, query, client.base_url)]

        before = await job.once(f"{order.name}_before", look, inputs=order.query.hash)
        export = await full_export(
            client, order.query, shelf, counted=order.counted, limit=order.limit, credits=credits, job=job,
            name=order.name, profile=profile, fresh=fresh, adopt=adopt, progress=progress, settle=settle, pause=pause,
        )  # fmt: skip
        exports.append(export)
        if not adopt and export.folder.name not in before:
            paid.append(export)
    return Made(exports, "followed" if adopt else "paid" if paid else "reused", paid)


class Progresses:
    """The progress of orders that are carried out side by side: what each does, and one bar for what is downloaded."""

    def __init__(self, show: Progress) -> None:
        self._show = show
        self._known: dict[str, tuple[float, float, str]] = {}
        self._ended: set[str] = set()

    def of(self, name: str) -> Progress:
        """What `name` tells of itself: (done, total, text). `total` is 0 while it isn't known; then there is no bar."""

        def tell(done: float, total: float, text: str) -> None:
            self._known[name] = (done, total, text)
            self._tell()

        return tell

    def end(self, name: str) -> None:
        """`name` is there; the bar is the others'."""
        self._ended.add(name)
        self._known[name] = (0, 0, "done")
        self._tell()

    def _tell(self) -> None:
        at_work = [each for name, each in self._known.items() if name not in self._ended]
        of = sum(total for _, total, _ in at_work) if all(total for _, total, _ in at_work) else 0
        told = [
            f"{name}: {text}" + (f", {done / total:.0%}" if total and len(self._known) > 1 else "")
            for name, (done, total, text) in self._known.items()
        ]
        self._show(sum(done for done, _, _ in at_work) if of else 0, of, " · ".join(told))
