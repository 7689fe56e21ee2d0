"""What the cards of several workflows show of a split, and what they say of what is on disk."""

import subprocess
import sys

import pytest

from pipetui.botify import Analysis, Band, Project, cards, link_graph
from pipetui.engine.fields import Invalid
from pipetui.engine.views import Chart, Table

from .conftest import CRAWL, SHOP, Stage


def test_the_histogram_marks_the_last_depth_that_fits() -> None:
    bands = [Band(0, 1, 10, 10), Band(1, 5, 30, 40), Band(None, 2, 5, 45)]
    chart, table = cards.histogram(bands, 0, of="rows of edges")
    assert isinstance(chart, Chart) and isinstance(table, Table)
    assert chart.bars == [("up to 0", 10), ("up to 1", 40), ("all", 45)] and chart.mark == "up to 0"
    assert chart.title == "Rows of edges up to each depth: 0 fits into one export"
    assert [row[0] for row in table.rows] == ["0", "1", "none"] and [row[-1] for row in table.rows] == ["yes", "", ""]
    chart, _ = cards.histogram(bands, None)
    assert isinstance(chart, Chart) and chart.mark == "" and chart.title.startswith("Rows up to each depth: none fits")


def test_only_a_finished_analysis_is_taken() -> None:
    done = Analysis("20240601", "June", "success", 10, "")
    assert cards.finished(done) is done
    with pytest.raises(Invalid, match=r"20240602 is not finished \(failed\)"):
        cards.finished(Analysis("20240602", "June", "failed", 10, ""))


async def test_link_graphs_on_the_shelf_are_found_by_their_project(stage: Stage) -> None:
    shallow = await stage.export(link_graph(SHOP, CRAWL, 1))
    whole = await stage.export()
    await stage.export(stage.query.where({"field": f"crawl.{CRAWL}.http_code", "predicate": "eq", "value": 200}))
    api = stage.client.base_url
    assert stage.shelf.link_graphs(SHOP, api) == [(CRAWL, whole), (CRAWL, shallow)]
    assert stage.shelf.link_graphs(SHOP, "https://api.botify.com/v1") == []
    assert stage.shelf.link_graphs(Project("acme-org", "acme.com"), api) == []
    assert shallow.told.endswith(f"{shallow.rows:,} rows, up to depth 1") and whole.told.endswith(" 2,000 rows")
    assert whole.told.startswith(whole.to_json()["times"]["finished"][:10])


@pytest.mark.parametrize(
    ("filters", "depth"),
    [
        ({}, None),
        ({"field": "crawl.20240601.depth", "predicate": "lte", "value": 0}, 0),
        ({"field": "crawl.20240601.depth", "predicate": "eq", "value": 3}, None),
        ({"field": "crawl.20240601.http_code", "predicate": "lte", "value": 3}, None),
        ({"and": [{"field": "crawl.20240601.depth", "predicate": "lte", "value": 3}]}, None),
    ],
)
def test_a_depth_is_known_where_it_is_the_one_filter(filters: dict[str, object], depth: int | None) -> None:
    query = link_graph(SHOP, CRAWL)
    assert type(query)(query.project, query.collections, query.dimensions, filters=filters).depth == depth


def test_the_room_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys; from pipetui import botify; from pipetui.botify.joins import Join; print('httpx' in sys.modules);"
        "botify.Client; print('httpx' in sys.modules, all(hasattr(botify, name) for name in botify.offer.__all__))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "True", "True"]
