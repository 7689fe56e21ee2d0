"""The generated data: exact, reproducible, and evaluated for real."""

from __future__ import annotations

import ast
import csv
import gzip
import io
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipetui.sandbox import Sandbox
from pipetui.sandbox.data import World
from pipetui.sandbox.errors import ApiError
from pipetui.sandbox.pages import HOSTILE_TITLES, GeneratedPages
from pipetui.sandbox.query import Query

from .conftest import CRAWL, QUICK, SHOP, Client, edges, order


def shop(links: int, body: dict[str, Any], seed: int = 1) -> Query:
    project = World(seed, links).project("acme-org", "acme-shop.example")
    assert project is not None
    return Query(project, body)


def asked(*dimensions: str, metrics: tuple[Any, ...] = (), **query: Any) -> dict[str, Any]:
    """A query of the newest crawl; names without their prefix."""
    names = [name if name.startswith(("url", "segments.")) else f"{CRAWL}.{name}" for name in dimensions]
    return {"collections": [CRAWL], "query": {"dimensions": names, "metrics": list(metrics)} | query}


@pytest.mark.parametrize("links", [200, 201, 599, 800, 3_001, 20_000])
def test_a_site_has_exactly_the_links_it_was_asked_for_and_the_depths_it_says(links: int) -> None:
    pages = GeneratedPages(7, "https://x.example", links)
    assert sum(max(1, len(pages.links(page))) for page in range(pages.count)) == links
    found, queue = {0: 0}, deque([0])
    while queue:
        page = queue.popleft()
        targets = pages.links(page)
        assert len(targets) == len(set(targets)) == pages.degree(page)
        for target in targets:
            if target not in found:
                found[target] = found[page] + 1
                queue.append(target)
    assert {page: found.get(page) for page in range(pages.count)} == {
        page: pages.depth(page) for page in range(pages.count)
    }
    urls = {pages.url(page) for page in range(pages.count)}
    assert len(urls) == pages.count


def test_a_site_has_what_sites_have() -> None:
    pages = GeneratedPages(1, "https://x.example", 40_000)
    numbers = range(pages.count)
    assert {pages.status(page) for page in numbers} == {200, 301, 404, 500}
    orphans = [page for page in numbers if pages.depth(page) is None]
    assert orphans and all(pages.inlinks[page] == 0 for page in orphans)
    assert sum(pages.degree(page) == 0 for page in numbers) > 20
    assert max(pages.inlinks[1:]) > 4 * sum(pages.inlinks) / pages.count  # hubs
    titles = Counter(title for page in numbers for title in pages.titles(page))
    assert titles["Untitled page"] > 10 and titles[HOSTILE_TITLES[0]]


@pytest.mark.parametrize("links", [1_000_000, 1_000_001])
def test_around_the_cap_the_count_is_exact(links: int) -> None:
    assert shop(links, edges()).count() == links


COUNTED = {
    "links": edges(),
    "links of the top": edges(field=f"{CRAWL}.depth", predicate="lte", value=2),
    "pages": asked("url", "http_code"),
    "titles": asked("url", "metadata.title.content"),
    "page types": asked("segments.pagetype.value", metrics=(f"{CRAWL}.count_urls_crawl",)),
    "targets by depth": asked("depth", "outlinks_internal.graph.url"),
    "sorted": asked("url", "depth", sort=[{"type": "dimensions", "index": 1, "order": "desc"}]),
    "nothing": edges(field=f"{CRAWL}.depth", predicate="lt", value=0),
    "two crawls": {
        "collections": [CRAWL, "crawl.20240501"],
        "query": {"dimensions": ["url", f"{CRAWL}.depth", "crawl.20240501.depth"], "metrics": []},
    },
    "joined": {
        "collections": [CRAWL, "search_console", "logs"],
        "periods": [["2024-05-01", "2024-05-28"]],
        "query": {
            "dimensions": ["url", f"{CRAWL}.depth"],
            "metrics": [
                "search_console.period_0.count_impressions", "search_console.period_0.ctr",
                "logs.period_0.crawls.google.count",
            ],
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
async def test_the_count_is_the_number_of_rows_paged_and_exported(client: Client, name: str) -> None:
    body = COUNTED[name]
    count = await client.count(body)
    rows: list[Any] = []
    page: dict[str, Any] = {"next": f"{client.sandbox.api_url}{SHOP}/query?page=1&size=2000"}
    while page["next"]:
        answer = await client.http.post(page["next"], json=body, headers={"Authorization": f"Token {client.token}"})
        page = answer.json()
        rows += [[*row["dimensions"], *row["metrics"]] for row in page["results"]]
    packed = (await client.file(await client.link(order(body)))).content
    exported = list(csv.reader(io.StringIO(gzip.decompress(packed).decode(), newline="")))
    assert len(rows) == len(exported) == count
    assert len({str(row) for row in rows}) == count
    for row, line in zip(rows, exported, strict=True):
        texts = ["" if value is None else str(value).lower() if value in (True, False) else str(value) for value in row]
        assert line == texts or [str(value) for value in row] == line


def filtered(filters: dict[str, Any]) -> set[str]:
    return {row[0] for row in shop(2_000, asked("url", filters=filters)).rows()}


def test_filters_say_what_they_should() -> None:
    depth, title = f"{CRAWL}.depth", f"{CRAWL}.metadata.title.content"
    everything = filtered({})
    top = filtered({"field": depth, "predicate": "lte", "value": 1})
    assert len(top) == 7 and top == filtered({"field": depth, "predicate": "between", "value": [0, 1]})
    assert filtered({"not": {"field": depth, "predicate": "lte", "value": 1}}) == everything - top
    assert filtered({"or": [{"field": depth, "value": 0}, {"field": depth, "value": 1}]}) == top
    assert filtered({"and": [{"field": depth, "value": 0}, {"field": depth, "value": 1}]}) == set()
    assert filtered({"field": depth, "predicate": "exists"}) == everything - filtered(
        {"field": depth, "predicate": "exists", "value": False}
    )
    products = filtered({"field": "url", "predicate": "contains", "value": "/product/"})
    assert products == filtered({"field": "url", "predicate": "re", "value": r"/product/[a-z]"})
    assert products == filtered({"field": "segments.pagetype.value", "predicate": "eq", "value": "product"})
    home = f"{'https://www.acme-shop.example'}/"
    linking_home = filtered({"field": f"{CRAWL}.outlinks_internal.graph.url", "predicate": "any.eq", "value": home})
    assert home not in linking_home and len(linking_home) > 50
    assert filtered({"field": title, "predicate": "any.starts", "value": "Untitled"}) < everything


def metric(function: str, *args: Any, **query: Any) -> Any:
    (row,) = shop(2_000, asked(metrics=({"function": function, "args": list(args)},), **query)).rows()
    return row[0]


def test_metrics_agree_with_each_other_and_with_the_rows() -> None:
    depth, nb = f"{CRAWL}.depth", f"{CRAWL}.outlinks_internal.nb.unique"
    pages = metric("count", "url")
    assert pages == shop(2_000, asked("url")).count() == metric("count", depth) + metric("count_null", depth)
    assert metric("sum", nb) == pytest.approx(metric("avg", nb) * pages)
    assert (metric("min", depth), metric("max", depth)) == (0, 3)
    assert metric("count_eq", depth, 1) == 6 and metric("count_distinct", depth) == 4
    total = metric("add", *({"function": name, "args": [f"{CRAWL}.indexable.is_indexable"]}
                            for name in ("count_true", "count_false")))  # fmt: skip
    assert total == pages
    assert metric("sum", nb, filters={"field": depth, "predicate": "lt", "value": 0}) is None
    by_depth = list(shop(2_000, asked("depth", metrics=(f"{CRAWL}.count_urls_crawl",), sort=[0])).rows())
    assert sum(row[1] for row in by_depth) == pages and [row[0] for row in by_depth] == [0, 1, 2, 3, None]


def test_rates_are_of_sums_and_periods_add_up() -> None:
    def search(first: str, last: str) -> tuple[Any, ...]:
        metrics = [f"search_console.period_0.{name}" for name in ("count_clicks", "count_impressions", "ctr")]
        query = {"dimensions": [], "metrics": metrics}
        body = {"collections": ["search_console"], "periods": [[first, last]], "query": query}
        (row,) = shop(2_000, body).rows()
        return row

    clicks, impressions, ctr = search("2024-05-01", "2024-05-10")
    assert ctr == clicks / impressions
    assert impressions + search("2024-05-11", "2024-05-20")[1] == search("2024-05-01", "2024-05-20")[1]
    assert search("2010-01-01", "2010-02-01")[1] is None


WRONG: dict[str, tuple[Any, str]] = {
    "no object": ([], "1024"),
    "unknown collection": ({"collections": ["crawl.1999"], "query": {"dimensions": ["url"], "metrics": []}}, "1021"),
    "no prefix": (edges(field="depth", value=1), "1029"),
    "a number as a text": (edges(field=f"{CRAWL}.depth", value="3"), "1022"),
    "a bad expression": (edges(field="url", predicate="re", value="("), "1015"),
    "no any.": (edges(field=f"{CRAWL}.metadata.title.content", value="x"), "1022"),
    "nothing asked": (asked(), "1016"),
    "no period": ({"collections": ["logs"], "query": {"dimensions": ["url"], "metrics": []}}, "1020"),
    "a period that ends before it begins": (
        {"collections": ["logs"], "periods": [["2024-02-02", "2024-02-01"]], "query": {"dimensions": ["url"],
         "metrics": []}}, "1020",
    ),
    "links of a crawl that has none": (edges("crawl.20240401"), "1029"),
    "an unknown function": (asked(metrics=({"function": "guess", "args": ["url"]},)), "1022"),
    "a metric as a dimension": (asked("count_urls_crawl"), "1020"),
    "a sort by nothing": (asked("url", sort=[4]), "1020"),
    "a list of no filters": (asked("url", filters={"and": {}}), "1020"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_query_is_refused_with_its_code(name: str) -> None:
    body, code = WRONG[name]
    with pytest.raises(ApiError) as refused:
        shop(2_000, body)
    assert refused.value.code == code


NONSENSE: tuple[Any, ...] = (None, 1, -1.5, "", "x", [], {}, True, [[]], [None], {"a": 1}, {"field": 1}, {"and": 3})


def replaced(value: Any, by: object) -> Iterator[Any]:
    """The value with each of its parts, one at a time, replaced."""
    yield by
    if isinstance(value, dict):
        for name, part in value.items():
            yield from ({**value, name: other} for other in replaced(part, by))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from ([*value[:index], other, *value[index + 1 :]] for other in replaced(part, by))


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
def test_nonsense_is_refused_or_answered_wherever_it_stands(nonsense: object) -> None:
    depth = f"{CRAWL}.depth"
    less = {"and": [{"not": {"field": depth, "predicate": "between", "value": [1, 2]}}, {"field": "url", "value": "x"}]}
    body = asked(
        "url", metrics=({"function": "count_eq", "args": [depth, 1]},), filters=less, sort=[0, {"field": "url"}]
    )
    tried = 0
    for other in replaced(body, nonsense):
        tried += 1
        with suppress(ApiError):
            query = shop(200, other)
            assert len(list(query.rows())) == query.count()
    assert tried > 25


async def packed(seed: int, folder: Path | None = None) -> bytes:
    async with (
        Sandbox(seed=seed, links=1_000, files=folder, **QUICK) as sandbox,
        httpx.AsyncClient(verify=False) as http,
    ):
        client = Client(sandbox, http)
        return (await client.file(await client.link(order(edges())))).content


async def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again, other = await packed(1), await packed(1), await packed(2)
    assert first == again != other


async def test_kept_files_are_used_again(tmp_path: Path) -> None:
    first = await packed(1, tmp_path)
    (made,) = tmp_path.glob("*.csv.gz")
    before = made.stat().st_mtime_ns
    assert await packed(1, tmp_path) == first and made.stat().st_mtime_ns == before
    assert not list(tmp_path.glob("*.part"))


def test_the_sandbox_imports_nothing_of_ours() -> None:
    import pipetui.sandbox

    for file in Path(str(pipetui.sandbox.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                outside = node.level == 0 and node.module.split(".")[0] not in {*sys.stdlib_module_names, "h11"}
                assert node.level < 2 and not outside, (file.name, node.module)
            elif isinstance(node, ast.Import):
                assert {name.name.split(".")[0] for name in node.names} <= {*sys.stdlib_module_names, "h11"}, file.name
