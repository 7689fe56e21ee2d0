"""What is known of pages: asked for in one query, and only where the project has it."""

from pipetui.botify import Join, Project, count, lacking, page_facts

from .conftest import CRAWL, SHOP, Stage

JOINS = {
    "page_type": Join("Page type", "global", "segments.pagetype.value"),
    "status": Join("HTTP status", "", "http_code"),
    "clicks": Join("Clicks", "search_console", "count_clicks", "Search Console"),
    "moons": Join("Moons", "", "moons.nb"),
}
DAYS = ("2024-05-26", "2024-06-01")


def test_facts_of_the_crawl_are_dimensions_and_those_with_days_are_metrics() -> None:
    query = page_facts(SHOP, CRAWL, list(JOINS.values())[:3], depth=2, days=DAYS)
    crawl = f"crawl.{CRAWL}"
    assert query.collections == (crawl, "search_console") and query.periods == (DAYS,)
    assert query.dimensions == ("url", "segments.pagetype.value", f"{crawl}.http_code")
    assert query.metrics == ("search_console.period_0.count_clicks",)
    crawled = {"field": f"{crawl}.url", "predicate": "exists"}
    deep = {"field": f"{crawl}.depth", "predicate": "lte", "value": 3}
    assert query.filters == {"and": [crawled, deep]}, "the pages that the deepest links lead to, too"
    plain = page_facts(SHOP, CRAWL, [JOINS["status"]], days=DAYS)
    assert plain.periods == () and plain.filters == {} and plain.collections == (crawl,)


async def test_botify_takes_the_query_and_says_what_it_lacks(stage: Stage) -> None:
    assert await lacking(stage.client, SHOP, CRAWL, JOINS) == {"moons": "Moons"}
    counted = await count(stage.client, page_facts(SHOP, CRAWL, list(JOINS.values())[:3], days=DAYS))
    assert counted.exact and counted.rows
    blog = Project("ada.lovelace", "blog.example")
    assert await lacking(stage.client, blog, "20240515", JOINS) == {"clicks": "Search Console", "moons": "Moons"}
    gone = await lacking(stage.client, SHOP, "20200101", JOINS)
    assert set(gone) == set(JOINS) and "no longer at Botify" in gone["status"]
