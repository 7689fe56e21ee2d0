"""From files to files in one call, and a thread that ends when nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from pipetui.links import BadInput, Stop, in_thread, in_words, make, numbers

ROWS = [("source", "target"), *((f"/{i}", f"/{i * 7 % 500}") for i in range(500))]


@pytest.fixture
def edges(tmp_path: Path) -> Path:
    path = tmp_path / "edges.csv"
    path.write_text("\n".join(map(",".join, ROWS)))
    return path


async def test_all_files_come_of_one_call(edges: Path, tmp_path: Path) -> None:
    told: list[float] = []
    out = tmp_path / "out"
    report, files = await in_thread(
        lambda stop: make(edges, [], out, progress=lambda text, share: told.append(share), stop=stop)
    )
    assert told == sorted(told) and told[0] >= 0 and told[-1] == 1.0
    assert sorted(files) == sorted(out.iterdir()) and out / "report.md" in files
    found = numbers(report)
    assert (found["pages"], found["links"], found["has_status"]) == (report.pages, 500, False)
    assert sum(pages for _, pages in found["depths"]) + found["unreachable"] == found["pages"]
    said = in_words(found)
    assert f"**{report.pages:,}** pages and **500** links" in said and "redirects" not in said
    assert "to errors: **7**" in in_words(found | {"has_status": True, "to_errors": 7})  # type: ignore[typeddict-item]
    assert "no target" not in said
    with pytest.raises(BadInput):
        await in_thread(lambda stop: make(edges, [], out, home="/none", stop=stop))


async def test_rows_without_a_target_are_told(edges: Path, tmp_path: Path) -> None:
    edges.write_text(edges.read_text() + "\n/1,\n/2,\n")
    report, _ = await in_thread(lambda stop: make(edges, [], tmp_path / "out", stop=stop))
    assert numbers(report)["links"] == 500
    assert "**500** links. 2 more rows have no target, and are no links." in in_words(numbers(report))


async def test_a_task_that_is_cancelled_ends_its_thread(edges: Path, tmp_path: Path) -> None:
    begun, out = threading.Event(), tmp_path / "out"

    def work(stop: Stop) -> object:
        def progress(text: str, share: float) -> None:
            begun.set()
            while True:  # as long as nobody interrupts it
                stop.check()
                time.sleep(0.005)

        return make(edges, [], out, progress=progress, stop=stop)

    task = asyncio.create_task(in_thread(work))
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(out.iterdir()) == [], "nothing is left, and nobody is at work any more"
