import csv
from dataclasses import replace

import pytest

from pipetui.botify import (
    Band,
    Part,
    Query,
    Rejected,
    bands,
    divided,
    fits,
    join,
    page_type,
    preflight,
    split,
    up_to,
)

from .conftest import CRAWL, LINKS, SHOP, Stage


async def test_bands_add_up(stage: Stage) -> None:
    found = await bands(stage.client, stage.query)
    whole = await stage.client.count(stage.query)
    assert found[-1].cumulative == sum(band.rows for band in found) == whole
    depths = [band.depth for band in found if band.depth is not None]
    assert depths == sorted(depths)
    cap = found[2].cumulative
    assert fits(found, cap) == found[2].depth
    assert fits(found, cap - 1) == found[1].depth
    assert fits(found, 0) is None
    assert fits(found) == depths[-1]


def test_the_last_depth_that_fits_is_marked_whatever_comes_behind() -> None:
    found = [Band(0, 1, 10, 10), Band(1, 1, 10, 20), Band(None, 5, 100, 120)]
    assert (fits(found, 20), fits(found, 1000), fits(found, 15)) == (1, 1, 0)


async def test_parts_share_no_row_and_miss_none(stage: Stage) -> None:
    found = await bands(stage.client, stage.query)
    cap = max(band.rows for band in found) + 5
    parts = await split(stage.client, stage.query, found, cap)
    assert len(parts) > 1
    assert all(0 < part.rows <= cap for part in parts)
    exports = [await stage.export(part.query) for part in parts]
    whole = await stage.export()
    for disjoint in (True, False):
        path = stage.folder / f"joined-{disjoint}.csv"
        assert join(exports, path, disjoint=disjoint) == whole.rows
        rows = list(csv.reader(path.open(encoding="utf-8", newline="")))
        wanted = list(csv.reader(whole.path.open(encoding="utf-8", newline="")))
        assert rows[0] == wanted[0]
        assert sorted(rows[1:]) == sorted(wanted[1:])
    assert stage.sandbox.state()["credits"] == 2 * whole.credits


async def test_a_depth_over_the_cap_is_split_by_a_segment(stage: Stage) -> None:
    found = await bands(stage.client, stage.query)
    largest = max(found, key=lambda band: band.rows)
    with pytest.raises(Rejected, match="Choose a segment"):
        await split(stage.client, stage.query, found, largest.rows - 1)
    parts = await split(stage.client, stage.query, found, largest.rows - 1, segment="segments.pagetype.value")
    assert sum(part.rows for part in parts) == found[-1].cumulative
    assert any(part.label.startswith(f"depth {largest.depth}, ") for part in parts)
    with pytest.raises(Rejected, match="Choose a finer segment"):
        await split(stage.client, stage.query, found, 3, segment="segments.pagetype.value")


async def test_what_is_over_the_cap_is_divided_and_priced_in_one_call(stage: Stage) -> None:
    assert await page_type(stage.client, SHOP) == "segments.pagetype.value"
    found = await preflight(stage.client, stage.query, stage.shelf, cap=950)
    assert found.over and not found.parts and found.credits == 95
    whole = await divided(stage.client, found, stage.shelf)
    assert sum(part.rows for part in whole.parts) == whole.bands[-1].cumulative == found.counted.rows
    assert whole.credits == sum(part.credits for part in whole.parts) == LINKS / 10
    assert whole.needed > found.needed and not whole.indivisible and whole.problems == []
    no_room = await divided(stage.client, replace(found, free=found.needed + 1), stage.shelf)
    assert no_room.parts and "not enough room" in no_room.problems[0]
    large = await divided(stage.client, replace(found, cap=500), stage.shelf)
    assert large.parts == [] and "by itself" in large.indivisible and large.bands == whole.bands
    assert stage.sandbox.state()["job_posts"] == 0
    await stage.export(whole.parts[0].query)
    less = await divided(stage.client, found, stage.shelf)
    assert [part.on_disk for part in less.parts] == [True] + [False] * (len(whole.parts) - 1)
    assert less.credits == whole.credits - whole.parts[0].credits and less.parts[0].label.endswith(", on disk")


async def test_the_analysis_may_say_that_exports_have_fewer_rows(stage: Stage) -> None:
    stage.sandbox.set(export_cap=950)
    found = await preflight(stage.client, stage.query, stage.shelf)
    assert (found.cap, found.limit, found.over) == (950, 950, True)
    assert not (await preflight(stage.client, stage.query.where(up_to(CRAWL, 1)), stage.shelf)).over


async def test_parts_that_miss_rows_are_not_offered(stage: Stage) -> None:
    found = await bands(stage.client, stage.query)
    with pytest.raises(Rejected, match="would miss rows"):
        await split(stage.client, stage.query, found[:-1])


async def test_only_a_crawl_has_depths(stage: Stage) -> None:
    with pytest.raises(Rejected, match="one crawl"):
        await bands(stage.client, Query(SHOP, ["search_console"], ["url"]))
    assert Part(stage.query, 1, "x").rows == 1
