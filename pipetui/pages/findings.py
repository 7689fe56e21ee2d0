"""What is wrong with a set of pages. Pure; each rule is a line in a table and a few lines of code."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pipetui.pages.files import LinkRow, PageRow

Severity = Literal["error", "warning", "notice"]
MAX_TITLE = 60  # characters that search results show, about
_MAX_BROKEN = 50  # broken links that are listed a page


@dataclass(frozen=True, slots=True)
class Finding:
    """One problem of one page. `code` and `label` name the rule, `detail` what exactly was found (may be empty)."""

    code: str
    label: str
    severity: Severity
    url: str
    detail: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many pages have a problem."""

    code: str
    label: str
    severity: Severity
    pages: int


def findings(rows: Iterable[PageRow], links: Iterable[LinkRow] = ()) -> list[Finding]:
    """The problems of a set of pages, by page in their order, then in the order of the rules.

    `links` are those of the pages (`files.read_links`); without them no broken links are found.
    """
    pages = _Set(list(rows))
    pages.add_links(links)
    return [
        Finding(rule.code, rule.label, rule.severity, row["url"], detail)
        for row in pages.rows
        for rule in RULES
        if rule.of == "all" or pages.has(rule.of, row)
        for detail in rule.check(row, pages)
    ]


def counts(found: Sequence[Finding]) -> list[Count]:
    """For each problem that occurs, in the order of the rules, the number of pages that have it."""
    pages = Counter(code for code, _ in {(finding.code, finding.url) for finding in found})
    return [Count(rule.code, rule.label, rule.severity, pages[rule.code]) for rule in RULES if pages[rule.code]]


@dataclass
class _Set:
    """All pages, and what the rules about several of them look up."""

    rows: list[PageRow]
    answers: dict[str, PageRow] = field(default_factory=dict)  # by address, asked or final
    titles: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # addresses of pages
    descriptions: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    broken: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by source

    def __post_init__(self) -> None:
        for row in self.rows:
            self.answers.setdefault(row["final_url"], row)
        self.answers.update((row["url"], row) for row in self.rows)
        for row in {row["final_url"]: row for row in self.rows if self.has("indexable", row)}.values():
            self.titles[_folded(row["title"])].append(row["final_url"])
            self.descriptions[_folded(row["description"])].append(row["final_url"])

    def add_links(self, links: Iterable[LinkRow]) -> None:
        faulty = {url: row["error"] or f"status {row['status']}" for url, row in self.answers.items() if _failed(row)}
        seen: set[tuple[str, str]] = set()
        for link in links if faulty else ():
            target = link["target"]
            if target in faulty and (link["source"], target) not in seen:
                seen.add((link["source"], target))
                self.broken[link["source"]].append(f"{target} ({faulty[target].rstrip('.')})")

    def has(self, kind: str, row: PageRow) -> bool:
        """Whether a page is of a kind that a rule is about: `html` that came well, of these `indexable` ones.

        What several addresses lead to counts once: for the page itself if it is in the set, else for the first.
        """
        html = row["html"] and 200 <= row["status"] < 300 and self.answers[row["final_url"]] is row
        if kind == "indexable":
            return html and not row["canonical_elsewhere"] and not _noindex(row)
        return html


def _failed(row: PageRow) -> bool:
    """Whether a link to the page is broken. What robots.txt keeps from us may be fine."""
    return row["status"] >= 400 or bool(row["error"] and row["code"] != "robots")


def _noindex(row: PageRow) -> bool:
    return any(rule["noindex"] and not rule["agent"] for rule in row["robots"])


def _folded(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


def _fetch_error(row: PageRow, _: _Set) -> Iterator[str]:
    if row["error"] and row["code"] != "robots":
        yield row["error"]


def _robots_txt(row: PageRow, _: _Set) -> Iterator[str]:
    if row["code"] == "robots":
        yield row["error"]


def _status(row: PageRow, _: _Set) -> Iterator[str]:
    if row["status"] >= 400:
        yield str(row["status"])


def _redirect_chain(row: PageRow, _: _Set) -> Iterator[str]:
    if len(row["redirects"]) > 1:
        yield " → ".join([row["url"], *(f"{hop['status']} {hop['location']}" for hop in row["redirects"])])


def _not_html(row: PageRow, _: _Set) -> Iterator[str]:
    if 200 <= row["status"] < 300 and not row["html"]:
        yield row["notes"][0] if row["notes"] else ""


def _broken_links(row: PageRow, pages: _Set) -> Iterator[str]:
    broken = pages.broken.get(row["final_url"], [])
    yield from broken[:_MAX_BROKEN]
    if len(broken) > _MAX_BROKEN:
        yield f"and {len(broken) - _MAX_BROKEN:,} more"


def _no_index(row: PageRow, _: _Set) -> Iterator[str]:
    for rule in row["robots"]:
        if rule["noindex"]:
            where = "X-Robots-Tag" if rule["source"] == "header" else "meta"
            yield f"{where}{' for ' + rule['agent'] if rule['agent'] else ''}: {rule['content']}"


def _canonical_elsewhere(row: PageRow, _: _Set) -> Iterator[str]:
    if row["canonical_elsewhere"]:
        yield row["canonical"] or ""


def _title_missing(row: PageRow, _: _Set) -> Iterator[str]:
    if not row["title"]:
        yield "there is none" if row["title"] is None else "it is empty"


def _title_duplicate(row: PageRow, pages: _Set) -> Iterator[str]:
    yield from _duplicate(row, row["title"], pages.titles)


def _title_long(row: PageRow, _: _Set) -> Iterator[str]:
    if len(row["title"] or "") > MAX_TITLE:
        yield f"{len(row['title'] or '')} characters"


def _description_missing(row: PageRow, _: _Set) -> Iterator[str]:
    if not row["description"]:
        yield "there is none" if row["description"] is None else "it is empty"


def _description_duplicate(row: PageRow, pages: _Set) -> Iterator[str]:
    yield from _duplicate(row, row["description"], pages.descriptions)


def _duplicate(row: PageRow, text: str | None, pages: dict[str, list[str]]) -> Iterator[str]:
    same = pages.get(_folded(text), []) if text else []
    if len(same) > 1:
        others = [url for url in same if url != row["final_url"]]
        yield f"as on {others[0]}" + (f" and {len(others) - 1:,} more" if len(others) > 1 else "")


def _h1_missing(row: PageRow, _: _Set) -> Iterator[str]:
    if not row["h1"]:
        yield ""


def _h1_several(row: PageRow, _: _Set) -> Iterator[str]:
    if len(row["h1"]) > 1:
        yield " | ".join(row["h1"][:5])


def _images_alt(row: PageRow, _: _Set) -> Iterator[str]:
    if row["images_without_alt"]:
        yield f"{row['images_without_alt']:,} of {row['images']:,}"


def _mixed_content(row: PageRow, _: _Set) -> Iterator[str]:
    if row["mixed_content"]:
        yield " | ".join(row["mixed_content"][:5])


def _jsonld_broken(row: PageRow, _: _Set) -> Iterator[str]:
    yield from row["jsonld_errors"]


def _hreflang(row: PageRow, pages: _Set) -> Iterator[str]:
    for each in row["hreflang"]:
        other = pages.answers.get(each["url"])
        if other is None or other is row or other["final_url"] == row["final_url"]:
            continue
        if _failed(other):
            yield f"{each['language']}: {each['url']} can't be fetched"
        elif other["html"] and row["final_url"] not in {back["url"] for back in other["hreflang"]}:
            yield f"{each['language']}: {each['url']} does not link back"


@dataclass(frozen=True, slots=True)
class Rule:
    """One problem that is looked for. `of`: in `all` pages, in `html` ones, or in `indexable` ones; `check` yields a
    detail for each time it is there."""

    code: str
    label: str
    severity: Severity
    of: Literal["all", "html", "indexable"]
    check: Callable[[PageRow, _Set], Iterator[str]]


RULES = (
    Rule("fetch_error", "Could not be fetched", "error", "all", _fetch_error),
    Rule("robots_txt", "Kept away by robots.txt", "warning", "all", _robots_txt),
    Rule("status", "Error status", "error", "all", _status),
    Rule("redirect_chain", "More than one redirect", "warning", "all", _redirect_chain),
    Rule("not_html", "Not HTML", "notice", "all", _not_html),
    Rule("broken_link", "Broken link", "error", "html", _broken_links),
    Rule("noindex", "Noindex", "warning", "html", _no_index),
    Rule("canonical_elsewhere", "Canonical points elsewhere", "warning", "html", _canonical_elsewhere),
    Rule("title_missing", "No title", "error", "html", _title_missing),
    Rule("title_duplicate", "Duplicate title", "warning", "indexable", _title_duplicate),
    Rule("title_long", f"Title over {MAX_TITLE} characters", "notice", "html", _title_long),
    Rule("description_missing", "No meta description", "warning", "html", _description_missing),
    Rule("description_duplicate", "Duplicate meta description", "warning", "indexable", _description_duplicate),
    Rule("h1_missing", "No h1", "warning", "html", _h1_missing),
    Rule("h1_several", "Several h1", "notice", "html", _h1_several),
    Rule("images_alt", "Images without alt", "warning", "html", _images_alt),
    Rule("mixed_content", "Mixed content", "error", "html", _mixed_content),
    Rule("jsonld_broken", "Broken JSON-LD", "error", "html", _jsonld_broken),
    Rule("hreflang", "hreflang not returned", "warning", "html", _hreflang),
)
