"""A sandbox without waiting, a client of it, and a home for exports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipetui.botify import Client, Counted, Credits, Export, NeedsAnswer, Project, Query, Shelf, full_export, link_graph
from pipetui.sandbox import Sandbox

SHOP = Project("acme-org", "acme-shop.example")
CRAWL = "20240601"
LINKS = 2_000
QUICK: dict[str, Any] = {"rate": 0, "created": 0.005, "processing": 0.005}
PAUSE = 0.01


@dataclass
class Stage:
    """A sandbox, a client of it, and where exports and credits are kept."""

    sandbox: Sandbox
    client: Client
    folder: Path
    yeses: list[str] = field(default_factory=list)

    @property
    def query(self) -> Query:
        return link_graph(SHOP, CRAWL)

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.folder / "exports")

    @property
    def credits(self) -> Credits:
        return Credits(self.folder / "credits.jsonl")

    async def export(self, query: Query | None = None, answer: str = "", **more: Any) -> Export:
        """`full_export`; a person answers `answer` (`paste 123`, `create`) to the question, and to no second one."""
        query = query or self.query
        options: dict[str, Any] = {"credits": self.credits, "settle": 0.15, "pause": PAUSE} | more
        if "counted" not in options:
            options["counted"] = Counted(await self.client.count(query), exact=True)
        answers: dict[str, Any] = {}
        while True:
            try:
                return await full_export(self.client, query, self.shelf, answers=answers, **options)
            except NeedsAnswer as needs:
                if not answer:
                    raise
                self.yeses.append(answer)
                what, _, pasted = answer.partition(" ")
                grouped = needs.question.field.kind == "group"
                answers = {needs.question.name: {"what": what, "id": pasted} if grouped else what}
                answer = ""

    def left(self) -> list[str]:
        """Files that should not be there when all is done."""
        ledgers = (self.folder / "exports").glob(".*.jsonl")
        return [path.name for path in (*self.folder.rglob("*.part*"), *self.folder.rglob(".*.part*"), *ledgers)]

    def job(self, export: Export) -> dict[str, Any]:
        """What the sandbox knows of an export."""
        return next(job for job in self.sandbox.state()["jobs"] if str(job["id"]) == export.job)


def client_of(sandbox: Sandbox, folder: Path, **more: Any) -> Client:
    options: dict[str, Any] = {"cache": folder / "cache", "rate": 10_000, "pause": PAUSE / 2, "timeout": 5.0}
    return Client(sandbox.token, base_url=sandbox.api_url, **options | more)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with Sandbox(seed=1, links=LINKS, **QUICK) as sandbox, client_of(sandbox, tmp_path) as client:
        yield Stage(sandbox, client, tmp_path)
