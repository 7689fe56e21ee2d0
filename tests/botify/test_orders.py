"""What one yes orders: what of it is paid, and how several are told apart while they are made."""

from __future__ import annotations

from typing import Any

from pipetui.botify import CAP, Counted, FileLedger, Order, Progresses, link_graph, make
from pipetui.engine.jobs import Job

from .conftest import CRAWL, LINKS, PAUSE, SHOP, Stage


async def test_what_is_on_the_shelf_is_not_paid_and_the_rest_is(stage: Stage) -> None:
    small, whole = (Order(str(depth), link_graph(SHOP, CRAWL, depth), Counted(CAP, exact=False)) for depth in (1, 2))

    async def ordered(ledger: str, *orders: Order, **more: Any) -> Any:
        job = Job(FileLedger(stage.folder / ledger), ledger)
        return await make(
            stage.client,
            orders,
            stage.shelf,
            credits=stage.credits,
            job=job,
            profile="",
            settle=0.1,
            pause=PAUSE,
            **more,
        )

    first = await ordered("1", small)
    assert (first.how, first.paid, first.credits) == ("paid", first.exports, first.exports[0].credits)
    both = await ordered("2", small, whole)
    assert both.exports[0] == first.exports[0] and both.paid == both.exports[1:] and both.how == "paid"
    assert (await ordered("2", small, whole)).paid == both.paid, "a job that runs again says the same"
    none = await ordered("3", small, whole)
    assert (none.how, none.paid, none.credits, none.exports) == ("reused", [], 0, both.exports)
    followed = await ordered("4", whole, adopt=both.exports[1].job)
    assert (followed.how, followed.paid) == ("followed", [])
    assert stage.sandbox.state()["job_posts"] == 2 and stage.sandbox.state()["credits"] < LINKS / 10
    again = await ordered("5", small, fresh=True)
    assert again.paid == again.exports and stage.sandbox.state()["job_posts"] == 3


def test_two_exports_at_once_are_told_apart() -> None:
    seen: list[tuple[float, float, str]] = []
    told = Progresses(lambda *progress: seen.append(progress))
    edges, nodes = told.of("edges"), told.of("nodes")
    edges(0, 0, "Sending the export …")
    edges(5, 10, "Downloading the export 1")
    nodes(0, 0, "Botify is working on the export 2 …")
    edges(10, 10, "Downloading the export 1")
    nodes(15, 30, "Downloading the export 2")
    told.end("edges")
    told.end("nodes")
    assert seen == [
        (0, 0, "edges: Sending the export …"),
        (5, 10, "edges: Downloading the export 1"),
        (0, 0, "edges: Downloading the export 1, 50% · nodes: Botify is working on the export 2 …"),
        (0, 0, "edges: Downloading the export 1, 100% · nodes: Botify is working on the export 2 …"),
        (25, 40, "edges: Downloading the export 1, 100% · nodes: Downloading the export 2, 50%"),
        (15, 30, "edges: done · nodes: Downloading the export 2, 50%"),
        (0, 0, "edges: done · nodes: done"),
    ]
