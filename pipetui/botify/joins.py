"""What Botify knows of each page of a crawl: facts of the crawl itself, of segments, of Search Console and logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .queries import Project, Query, crawl, up_to

if TYPE_CHECKING:
    from .client import Client


@dataclass(frozen=True)
class Join:
    """A fact of pages. `collection` is one of the project, "" the crawl; `source` names one whose facts have days."""

    label: str
    collection: str
    field: str
    source: str = ""


def page_facts(
    project: Project,
    analysis: str,
    joins: Sequence[Join],
    *,
    depth: int | None = None,
    days: tuple[str, str] | None = None,
) -> Query:
    """A row for each page of a crawl, its address first, then the facts.

    `days` are the first and the last (`YYYY-MM-DD`), for facts that have some. With `depth` only the pages of
    `link_graph(project, analysis, depth)`, sources and targets.
    """
    name = crawl(analysis)
    dimensions = [f"{name}.{join.field}" if not join.collection else join.field for join in joins if not join.source]
    metrics = [f"{join.collection}.period_0.{join.field}" for join in joins if join.source]
    dated = dict.fromkeys(join.collection for join in joins if join.source)
    query = Query(project, [name, *dated], ["url", *dimensions], metrics)
    if dated and days:
        crawled = {"field": f"{name}.url", "predicate": "exists"}  # others know pages that were not crawled
        query = replace(query, filters=crawled, periods=[days])
    # What the deepest pages link to is one click further away.
    return query if depth is None else query.where(up_to(analysis, depth + 1))


async def lacking(client: Client, project: Project, analysis: str, joins: Mapping[str, Join]) -> dict[str, str]:
    """Which of the joins can't be made, by their names, and what the project lacks for them. No credits."""
    there = {collection.id for collection in await client.collections(project)}
    name = crawl(analysis)
    if name not in there:
        return dict.fromkeys(joins, f"the analysis {analysis}, which is no longer at Botify")
    wanted = dict.fromkeys([name, *(join.collection or name for join in joins.values())])
    fields = {each: {f.id for f in await client.fields(project, each)} for each in wanted if each in there}
    missing = {}
    for key, join in joins.items():
        collection = join.collection or name
        if collection not in there and join.source:
            missing[key] = join.source
        elif join.field not in fields.get(collection, set()) | fields[name]:
            missing[key] = join.label
    return missing
