"""Exports that are confirmed together, in words."""

from __future__ import annotations

import pytest

from pipetui.botify import NotFound, link_graph, plans
from pipetui.engine.views import Chart, Table, Text

from .conftest import CRAWL, LINKS, SHOP, Stage


async def test_an_export_that_is_too_much_for_one_is_told_with_its_parts(stage: Stage) -> None:
    stage.sandbox.set(export_cap=950)
    edges = await plans.preview(stage.client, stage.query, stage.shelf)
    assert edges["over"] and edges["rows"] == LINKS == sum(part["rows"] for part in edges["parts"])
    both = [("edges", edges), ("few", await plans.preview(stage.client, link_graph(SHOP, CRAWL, 1), stage.shelf))]
    assert plans.too_many(both) == "" and plans.price([both[0]]) == "200 credits"
    assert plans.what(both).startswith(f"edges (2,000 rows in {len(edges['parts'])} parts) and few (")
    table, *more = plans.account(both)
    assert isinstance(table, Table) and table.columns == ["", "edges", "few"]
    assert [type(view) for view in more] == [Text, Chart, Table, Table]
    stage.sandbox.set(export_cap=500)
    large = await plans.preview(stage.client, stage.query, stage.shelf)
    assert large["parts"] == [] and "by itself" in large["notes"][-1]
    said = plans.too_many([("edges", large)])
    assert said.startswith("The edges are too many") and f"take at most {large['fits']}" in said
    assert stage.sandbox.state()["job_posts"] == 0


async def test_what_botify_deleted_is_what_is_on_disk(stage: Stage) -> None:
    whole = await stage.export()
    stage.sandbox.fault("refuse", route="analysis", code="1004", times=0)
    left = await plans.preview(stage.client, stage.query, stage.shelf)
    assert left["gone"] and left["on_disk"] == whole.told and left["rows"] == LINKS
    with pytest.raises(NotFound):
        await plans.preview(stage.client, link_graph(SHOP, CRAWL, 1), stage.shelf)
