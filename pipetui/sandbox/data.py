"""Who and what the sandbox's Botify knows: people, projects, analyses, collections with their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from .pages import ExamplePages, GeneratedPages, Pages

PEOPLE = {
    "0123456789abcdef0123456789abcdef01234567": "ada.lovelace",
    "89abcdef0123456789abcdef0123456789abcdef": "grace.hopper",
}
"""User names by token. Grace sees the projects of one organisation only."""

Period: TypeAlias = tuple[date, date]
"""First and last day."""


@dataclass(frozen=True)
class Field:
    id: str
    name: str
    type: str = "string"
    subtype: str | None = None
    kind: str = "dimension"
    multiple: bool = False
    group: str = "main"
    ratio: bool = False
    """A metric whose values are pairs: it is the sum of the first over the sum of the second."""

    def as_json(self, *, kind: bool = True) -> dict[str, Any]:
        shown: dict[str, Any] = {"id": self.id, "name": self.name, "type": self.type, "subtype": self.subtype}
        if kind:
            shown["kind"] = self.kind
        shown |= {"multiple": self.multiple, "group": self.group, "permissions": ["select", "filter"]}
        shown["optional"] = False
        if kind:
            shown["deprecated"] = False
        return shown


class Column(NamedTuple):
    """What a field says of a page."""

    field: Field
    values: Callable[[int], Sequence[Any]]
    """At least one; (None,) where there is nothing."""
    size: Callable[[int], int]
    """len(values(page)), without making them."""


def single(field: Field, value: Callable[[int], Any]) -> Column:
    return Column(field, lambda page: (value(page),), lambda page: 1)


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.id: field for field in fields}


URL = Field("url", "Full URL", subtype="url")
PAGE_TYPE = Field("segments.pagetype.value", "pagetype", subtype="segment")

EXAMPLE_FIELDS = _fields(
    URL,
    Field("depth", "Depth", "integer"),
    Field("http_code", "HTTP Status Code", "integer"),
    Field("indexable.is_indexable", "Is Indexable", "boolean"),
    Field("metadata.title.content", "Title", multiple=True),
    Field("outlinks_internal.nb.total", "No. of Internal Outlinks", "integer", group="links"),
    Field("outlinks_internal.nb.unique", "No. of Unique Internal Outlinks", "integer", group="links"),
    Field("outlinks_internal.graph.url", "Internal Outlinks", subtype="url", multiple=True, group="links"),
    Field("count_urls_crawl", "No. of URLs", "integer", kind="metric"),
)
"""What the contract's example lists."""

CRAWL_FIELDS = EXAMPLE_FIELDS | _fields(
    Field("metadata.title.nb", "No. of Titles", "integer"),
    Field("compliant.is_compliant", "Is Compliant", "boolean"),
    Field("content_type", "Content Type"),
    Field("byte_size", "Byte Size", "integer"),
    Field("delay_last_byte", "Load Time", "integer"),
    Field("inlinks_internal.nb.unique", "No. of Unique Internal Inlinks", "integer", group="links"),
)
GLOBAL_FIELDS = _fields(URL, PAGE_TYPE)
SEARCH_FIELDS = _fields(
    URL,
    Field("count_impressions", "No. of Impressions", "integer", kind="metric"),
    Field("count_clicks", "No. of Clicks", "integer", kind="metric"),
    Field("ctr", "CTR", "float", kind="metric", ratio=True),
    Field("avg_position", "Avg. Position", "float", kind="metric", ratio=True),
)
LOGS_FIELDS = _fields(
    URL,
    Field("crawls.google.count", "Crawls: Count On Period By Google", "integer", kind="metric"),
    Field("visits.organic.all.nb", "No. of Visits from All Organic Sources (Analytics)", "integer", kind="metric"),
)


class Collection:
    """A set of fields over a project's pages; a timestamped one says something of a period only."""

    timestamped = False

    def __init__(self, id: str, name: str, day: date, fields: Mapping[str, Field], pages: Pages) -> None:
        self.id, self.name, self.day, self.fields, self.pages = id, name, day, fields, pages

    def keys(self, periods: Sequence[Period]) -> Iterable[int]:
        return range(self.pages.count)

    def column(self, field: str, period: Period | None) -> Column | None:
        """None: there is no such field."""
        raise NotImplementedError

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "date": str(self.day), "timestamped": self.timestamped}


class Crawl(Collection):
    def column(self, field: str, period: Period | None) -> Column | None:
        pages, known = self.pages, CRAWL_FIELDS.get(field)
        if field == "outlinks_internal.graph.url" and known:
            url, links, degree = pages.url, pages.links, pages.degree
            return Column(
                known,
                lambda page: [url(target) for target in links(page)] or (None,),
                lambda page: degree(page) or 1,
            )
        if field == "metadata.title.content" and known:
            return Column(
                known,
                lambda page: list(dict.fromkeys(pages.titles(page))) or (None,),
                lambda page: len(set(pages.titles(page))) or 1,
            )
        getters: dict[str, Callable[[int], Any]] = {
            "url": pages.url,
            "depth": pages.depth,
            "http_code": pages.status,
            "indexable.is_indexable": self._indexable,
            "compliant.is_compliant": self._indexable,
            "metadata.title.nb": lambda page: len(pages.titles(page)),
            "outlinks_internal.nb.total": lambda page: pages.degree(page) + pages.repeats(page),
            "outlinks_internal.nb.unique": pages.degree,
            "inlinks_internal.nb.unique": lambda page: pages.inlinks[page],
            "content_type": lambda page: "text/html",
            "byte_size": lambda page: 4_000 + pages.draw(page, 8) % 90_000,
            "delay_last_byte": lambda page: 40 + pages.draw(page, 9) % 1_500,
            "count_urls_crawl": lambda page: 1,
        }
        getter = getters.get(field)
        return single(known, getter) if known and getter else None

    def _indexable(self, page: int) -> bool:
        return self.pages.status(page) == 200 and self.pages.draw(page, 7) % 12 != 1


class Global(Collection):
    def column(self, field: str, period: Period | None) -> Column | None:
        if field == URL.id:
            return single(URL, self.pages.url)
        return single(PAGE_TYPE, self.pages.kind) if field == PAGE_TYPE.id else None


class Timestamped(Collection):
    """Facts of a day, summed up over a period."""

    timestamped = True

    def __init__(self, id: str, name: str, fields: Mapping[str, Field], pages: Pages, first: date, last: date) -> None:
        super().__init__(id, name, last, fields, pages)
        self.first, self.last = first, last

    def as_json(self) -> dict[str, Any]:
        return super().as_json() | {"date_start": str(self.first), "date_end": str(self.last)}

    def keys(self, periods: Sequence[Period]) -> Iterable[int]:
        return (page for page in range(self.pages.count) if any(self.amount(page, period) for period in periods))

    def column(self, field: str, period: Period | None) -> Column | None:
        if field == URL.id:
            return single(URL, self.pages.url)
        known = self.fields.get(field)
        if known is None or period is None:
            return None
        return single(known, self.measure(field, period))

    def amount(self, page: int, period: Period) -> int:
        """Of the collection's first measure."""
        raise NotImplementedError

    def measure(self, field: str, period: Period) -> Callable[[int], Any]:
        raise NotImplementedError

    def days(self, period: Period) -> int:
        """How many days of the period there is something about."""
        return max(0, (min(period[1], self.last) - max(period[0], self.first)).days + 1)


class SearchConsole(Timestamped):
    OBSERVED = ((date(2024, 2, 3), 0, 80), (date(2024, 2, 20), 0, 40), (date(2024, 2, 11), 1, 7))
    """The example's: day, page, impressions."""

    def amount(self, page: int, period: Period) -> int:
        if isinstance(self.pages, ExamplePages):
            return sum(seen for day, of, seen in self.OBSERVED if of == page and period[0] <= day <= period[1])
        if self.pages.status(page) != 200:
            return 0
        return 3_000 // (1 + self.pages.draw(page, 10) % 9_000) * self.days(period)

    def measure(self, field: str, period: Period) -> Callable[[int], Any]:
        def clicks(page: int) -> int:
            return self.amount(page, period) * (self.pages.draw(page, 11) % 30) // 100

        def impressions(page: int) -> int:
            return self.amount(page, period)

        def rank(page: int) -> tuple[int, int]:
            return (1 + self.pages.draw(page, 12) % 60) * impressions(page), impressions(page)

        return {
            "count_impressions": impressions,
            "count_clicks": clicks,
            "ctr": lambda page: (clicks(page), impressions(page)),
            "avg_position": rank,
        }[field]


class Logs(Timestamped):
    def amount(self, page: int, period: Period) -> int:
        return 40 // (1 + self.pages.draw(page, 13) % 90) * self.days(period)

    def measure(self, field: str, period: Period) -> Callable[[int], Any]:
        if field == "crawls.google.count":
            return lambda page: self.amount(page, period)
        return lambda page: self.amount(page, period) * (self.pages.draw(page, 14) % 20) // 10


@dataclass(frozen=True)
class Analysis:
    slug: str
    pk: int
    pages: Pages
    status: str = "success"
    links_graph: bool = True
    purged: bool = False
    """Still listed; asked for by itself it is gone."""

    @property
    def day(self) -> date:
        return date(int(self.slug[:4]), int(self.slug[4:6]), int(self.slug[6:8]))

    @property
    def name(self) -> str:
        day = self.day
        ordinal = "th" if day.day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
        again = f" ({self.slug[9:]})" if len(self.slug) > 8 else ""
        return f"{day.year} {day:%b}. {day.day}{ordinal}{again}"


class Project:
    def __init__(
        self,
        owner: Owner,
        slug: str,
        analyses: Sequence[Analysis] = (),
        *,
        search: bool = False,
        logs: bool = False,
        logs_export: bool = True,
        fields: Mapping[str, Field] = CRAWL_FIELDS,
    ) -> None:
        """The newest analysis first. `logs_export`: without it the logs are listed, but their export fails."""
        self.owner, self.slug, self.analyses, self.logs_export = owner, slug, tuple(analyses), logs_export
        self.fields = fields
        self.collections: dict[str, Collection] = {}
        ready = [analysis for analysis in analyses if analysis.status == "success" and not analysis.purged]
        if not ready:
            return
        newest = ready[0]
        known: list[Collection] = [
            Global("global", "URL Scheme and Segmentation", newest.day, GLOBAL_FIELDS, newest.pages)
        ]
        for analysis in ready:
            crawled = dict(fields)
            if not analysis.links_graph:
                del crawled["outlinks_internal.graph.url"]
            known.append(Crawl(f"crawl.{analysis.slug}", analysis.name, analysis.day, crawled, analysis.pages))
        first, last = date(newest.day.year - 2, 11, 1), newest.day
        if search:
            if fields is EXAMPLE_FIELDS:
                first, last = date(2022, 11, 1), date(2024, 2, 28)
            known.append(SearchConsole("search_console", "Search Console", SEARCH_FIELDS, newest.pages, first, last))
        if logs:
            known.append(Logs("logs", "Logs", LOGS_FIELDS, newest.pages, first, last))
        self.collections = {collection.id: collection for collection in known}

    def analysis(self, slug: str) -> Analysis | None:
        return next((found for found in self.analyses if found.slug == slug and not found.purged), None)


class Owner(NamedTuple):
    login: str
    name: str
    is_organization: bool
    members: frozenset[str]


class World:
    """All of it, from a seed. `links` is the number of link rows of the largest crawl (acme-shop.example's newest)."""

    def __init__(self, seed: int, links: int) -> None:
        self.seed, self.links = seed, links
        ada, grace = PEOPLE.values()
        acme = Owner("acme-org", "Acme Inc.", True, frozenset({ada}))
        alone = Owner(ada, "Ada Lovelace", False, frozenset({ada}))
        globex = Owner("globex-org", "Globex", True, frozenset({ada, grace}))
        other = Owner("other-org", "Other", True, frozenset())
        self.owners = {owner.login: owner for owner in (acme, alone, globex, other)}

        def site(host: str, links: int) -> GeneratedPages:
            return GeneratedPages(seed, f"https://www.{host}", links)

        shop, blog = "acme-shop.example", "blog.example"
        smaller = max(400, min(links // 2, 10_000))
        self.projects = (
            Project(
                acme, "acme.com",
                [
                    Analysis("20240302", 120999, ExamplePages(2), status="crawling"),
                    Analysis("20240301", 120345, ExamplePages(6)),
                    Analysis("20240201", 118001, ExamplePages(6)),
                    Analysis("20240101-2", 115222, ExamplePages(5)),
                    Analysis("20240101", 115221, ExamplePages(5)),
                ],
                search=True, fields=EXAMPLE_FIELDS,
            ),
            Project(
                acme, shop,
                [
                    Analysis("20240602", 131002, site(shop, 400), status="failed"),
                    Analysis("20240601", 131000, site(shop, links)),
                    Analysis("20240501-2", 129501, site(shop, smaller)),
                    Analysis("20240501", 129500, site(shop, smaller)),
                    Analysis("20240401", 127400, site(shop, smaller), links_graph=False),
                    Analysis("20230601", 101100, site(shop, 400), purged=True),
                ],
                search=True, logs=True,
            ),
            Project(alone, blog, [Analysis("20240515", 130100, site(blog, 600))]),
            Project(
                globex, "globex.example",
                [
                    Analysis("20240520", 130200, site("globex.example", smaller)),
                    Analysis("20240420", 128200, site("globex.example", smaller)),
                ],
                search=True, logs=True, logs_export=False,
            ),
            Project(globex, "globex-docs.example"),
            Project(other, "secret.example", [Analysis("20240510", 130001, site("secret.example", 400))]),
        )  # fmt: skip

    def visible(self, user: str) -> list[Project]:
        return [project for project in self.projects if user in project.owner.members]

    def project(self, owner: str, slug: str) -> Project | None:
        return next((found for found in self.projects if (found.owner.login, found.slug) == (owner, slug)), None)
