"""What a page says: title, robots, canonical, headings, links, structured data, … Pure; knows no network and no disk.

Pages are hostile: each list and each string has a cap, so that a page costs bounded memory and time.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from pipetui.pages.encoding import decode
from pipetui.pages.parse import parse
from pipetui.pages.urls import BadUrl, host_of, origin_of, resolve

MAX_LINKS = 10_000
MAX_ITEMS = 50  # headings, languages, types, properties, addresses in a list
MAX_TEXT = 300  # characters of a heading, an anchor, a property
MAX_LONG_TEXT = 1_000  # of title and description
_MAX_JSON = 1_000_000  # characters of one JSON-LD block
_MAX_NODES = 200  # looked at for the text of one element

# Names of <meta> that speak to one crawler, as `robots` speaks to all.
_CRAWLERS = frozenset(
    ("googlebot", "googlebot-news", "bingbot", "slurp", "yandex", "yandexbot", "baiduspider", "duckduckbot", "applebot")
)
# Directives of X-Robots-Tag that have a value of their own, so that what stands before the colon names no crawler.
_WITH_VALUE = frozenset(("unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"))
_AGENT = re.compile(r"\s*([a-z0-9_*-]+)\s*:(.*)", re.I | re.S)
_LINK_HEADER = re.compile(r"<([^<>]*)>([^<]*)")
_PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]*))", re.I)
# Addresses that are in normal form already, as most are: no escape, no segment that begins with a dot.
_PLAIN = re.compile(r"(?:https?://([a-z0-9.-]+))?/(?!/)(?:[A-Za-z0-9_/?&=~+-]|(?<!/)\.)*")
_RESOURCES = frozenset(("stylesheet", "icon", "preload", "modulepreload", "manifest", "apple-touch-icon"))
_BREAKS = re.compile(r"address|article|br|d[dlt]|div|figcaption|h[1-6]|img|li|p|section|t[dhr]")
_HIDDEN = ["script", "style", "noscript", "template"]
_KINDS = bytes(ord(" " if sign.isspace() else "a" if sign.isalnum() else ".") for sign in map(chr, range(256)))
"""What each character of Latin-1 is: a space, a part of words, or a sign. So most texts are counted without a split."""
_SCHEMA_ORG = re.compile(r"https?://(?:www\.)?schema\.org/", re.I)


class Link(NamedTuple):
    """One `<a>` or `<area>`: where it leads (normal form), rel in lower case, its text, and whether the host stays."""

    url: str
    rel: str
    text: str
    internal: bool


@dataclass(frozen=True, slots=True)
class RobotsRule:
    """What a page tells crawlers: `source` is `meta` or `header`, `agent` one crawler's name or empty for all."""

    source: str
    agent: str
    content: str

    @property
    def noindex(self) -> bool:
        words = re.split(r"[\s,]+", self.content.lower())
        return "noindex" in words or "none" in words


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found in a page. A text that isn't there is None (`<title></title>` is empty); addresses are normal."""

    encoding: str
    language: str
    title: str | None
    description: str | None
    robots: tuple[RobotsRule, ...]
    canonical: str | None
    hreflang: tuple[tuple[str, str], ...]  # (language, address)
    h1: tuple[str, ...]
    h2: tuple[str, ...]
    words: int
    links: tuple[Link, ...]
    links_internal: int
    links_external: int
    images: int
    images_without_alt: int
    images_without_alt_at: tuple[str, ...]  # their src, as it stands
    jsonld_types: tuple[str, ...]
    jsonld_errors: tuple[str, ...]
    microdata_types: tuple[str, ...]
    open_graph: tuple[tuple[str, str], ...]  # (property without og:, content), the first of each
    mixed_content: tuple[str, ...]  # http resources of an https page
    notes: tuple[str, ...]  # sentences on what could not be read as it should


def extract(html: bytes, headers: Sequence[tuple[str, str]], url: str) -> Extract:
    """What the page `html` says that came from `url` (normal form) with `headers` (lower-case name, value)."""
    content_type = next((value for name, value in headers if name == "content-type"), "")
    text, encoding, fits = decode(html, content_type)
    tree, whole = parse(text)
    notes: list[str] = []
    if not fits:
        notes.append(f"Some bytes are not valid {encoding}.")
    if not whole:
        notes.append("The page is nested too deeply; what follows the deep part was not read.")
    page = _Page(tree, url)
    metas = page.metas()
    relations = [*page.relations(), *_link_headers(headers)]
    links, all_links = page.links()
    jsonld_types, jsonld_errors = page.jsonld()
    mixed_content = page.mixed_content(relations)
    if all_links > len(links) == MAX_LINKS:
        notes.append(f"Only the first {MAX_LINKS:,} of {all_links:,} links were kept.")
    tree.strip_tags(_HIDDEN)  # what follows is about what people see
    images, without_alt, without_alt_at = page.images()
    return Extract(
        encoding=encoding,
        language=page.language(),
        title=page.title(),
        description=next((content for name, content in metas if name == "description"), None),
        robots=_robots(metas, headers),
        canonical=next((page.address(r.href) for r in relations if "canonical" in r.rel), None),
        hreflang=page.hreflang(relations),
        h1=page.headings("h1"),
        h2=page.headings("h2"),
        words=page.words(),
        links=links,
        links_internal=sum(link.internal for link in links),
        links_external=sum(not link.internal for link in links),
        images=images,
        images_without_alt=without_alt,
        images_without_alt_at=without_alt_at,
        jsonld_types=jsonld_types,
        jsonld_errors=jsonld_errors,
        microdata_types=page.microdata(),
        open_graph=_open_graph(metas),
        mixed_content=mixed_content,
        notes=tuple(notes),
    )


@dataclass(frozen=True, slots=True)
class _Relation:
    """A `<link>`, or its like in a Link header."""

    rel: frozenset[str]
    hreflang: str
    href: str


class _Page:
    """The tree of a page and what addresses on it are relative to."""

    def __init__(self, tree: LexborHTMLParser, url: str) -> None:
        self.tree = tree
        self.url = url
        self.host = host_of(url)
        self.base = url
        self._origin = origin_of(url)
        self._known_hosts = {self.host}
        if (node := tree.css_first("base[href]")) is not None:
            self.base = self.address(_attribute(node, "href")) or url
            self._origin = origin_of(self.base)

    def address(self, href: str) -> str | None:
        """Where `href` leads, in normal form; None where that is no web address."""
        match = _PLAIN.fullmatch(href)
        if match and match[1] is None:
            return self._origin + href
        if match and match[1] in self._known_hosts:
            return href
        try:
            url = resolve(self.base, href)
        except BadUrl:
            return None
        self._known_hosts.add(host_of(url))
        return url

    def language(self) -> str:
        node = self.tree.css_first("html")
        return "" if node is None else _clean(_attribute(node, "lang"), 40)

    def title(self) -> str | None:
        for node in self.tree.css("title")[:MAX_ITEMS]:
            if node.parent is None or node.parent.tag != "svg":
                return _clean(node.text(), MAX_LONG_TEXT)
        return None

    def metas(self) -> list[tuple[str, str]]:
        """(name or property in lower case, content)"""
        found = []
        for node in self.tree.css("meta[content]")[:500]:
            name = _attribute(node, "name") or _attribute(node, "property")
            if name:
                found.append((_clean(name.lower(), 100), _clean(_attribute(node, "content"), MAX_LONG_TEXT)))
        return found

    def relations(self) -> list[_Relation]:
        return [
            _Relation(
                frozenset(_attribute(node, "rel").lower().split()),
                _clean(_attribute(node, "hreflang"), 40),
                _attribute(node, "href"),
            )
            for node in self.tree.css("link[rel][href]")[:1_000]
        ]

    def hreflang(self, relations: Sequence[_Relation]) -> tuple[tuple[str, str], ...]:
        found = (
            (relation.hreflang, address)
            for relation in relations
            if relation.hreflang
            and "alternate" in relation.rel
            and (address := self.address(relation.href)) is not None
        )
        return tuple(islice(dict.fromkeys(found), 2 * MAX_ITEMS))

    def headings(self, tag: str) -> tuple[str, ...]:
        return tuple(_text(node) for node in self.tree.css(tag)[:MAX_ITEMS])

    def links(self) -> tuple[tuple[Link, ...], int]:
        """The links to web addresses but those within the page, and how many elements link at all."""
        nodes = self.tree.css("a[href], area[href]")
        found: list[Link] = []
        targets: dict[str, tuple[str, bool] | None] = {}
        for node in nodes:
            attributes = node.attributes
            href = attributes["href"] or ""
            if href in targets:
                target = targets[href]
            else:
                target = targets[href] = self._target(href)
            if target is None:
                continue
            rel = attributes.get("rel")
            text = _text(node) or _clean(attributes.get("alt") or attributes.get("aria-label") or "", MAX_TEXT)
            found.append(Link(target[0], _clean(rel.lower(), 100) if rel else "", text, target[1]))
            if len(found) == MAX_LINKS:
                break
        return tuple(found), len(nodes)

    def _target(self, href: str) -> tuple[str, bool] | None:
        """Where a link leads and whether to this host; None if it stays on the page or leaves the web."""
        address, _, _ = href.strip().partition("#")
        url = self.address(address) if address else None
        return None if url is None else (url, host_of(url) == self.host)

    def images(self) -> tuple[int, int, tuple[str, ...]]:
        """How many images, how many of them without alt, and the src of some of these."""
        nodes = self.tree.css("img")
        missing = self.tree.css("img:not([alt])")
        return len(nodes), len(missing), tuple(_clean(_attribute(n, "src"), MAX_TEXT) for n in missing[:MAX_ITEMS])

    def words(self) -> int:
        """Words that a reader sees; signs on their own are none."""
        body = self.tree.body
        text = "" if body is None else body.text(separator=" ")
        return sum(_words(text[at : at + 1_000_000]) for at in range(0, len(text), 1_000_000))

    def jsonld(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The types in JSON-LD, nested ones too, and what is wrong with broken blocks."""
        types: dict[str, None] = {}
        errors: list[str] = []
        blocks = self.tree.css('script[type^="application/ld+json" i]')[:MAX_ITEMS]
        for number, node in enumerate(blocks, start=1):
            text = node.text()
            try:
                if len(text) > _MAX_JSON:
                    raise ValueError("it is too long")
                for name in _types(json.loads(text, parse_constant=_no_constant)):
                    types[name] = None
            except json.JSONDecodeError as error:
                errors.append(f"JSON-LD block {number}, line {error.lineno}: {error.msg}.")
            except (ValueError, RecursionError) as error:
                why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:100]
                errors.append(f"JSON-LD block {number}: {why}.")
        return tuple(islice(types, MAX_ITEMS)), tuple(errors[:10])

    def microdata(self) -> tuple[str, ...]:
        nodes = self.tree.css("[itemtype]")[:1_000]
        names = (_type_name(name) for node in nodes for name in _attribute(node, "itemtype").split())
        return tuple(islice(dict.fromkeys(names), MAX_ITEMS))

    def mixed_content(self, relations: Sequence[_Relation]) -> tuple[str, ...]:
        if not self.url.startswith("https:"):
            return ()
        nodes = self.tree.css('[src^="http:" i]')[:MAX_ITEMS]
        found = [_attribute(node, "src") for node in nodes]
        found += [r.href for r in relations if r.rel & _RESOURCES and r.href[:5].lower() == "http:"]
        return tuple(islice(dict.fromkeys(_clean(url, MAX_TEXT) for url in found), MAX_ITEMS))


def _words(text: str) -> int:
    """The words of a text but for signs on their own."""
    try:
        kinds = f" {text} ".encode("latin-1").translate(_KINDS)
    except UnicodeEncodeError:
        words = text.split()
        signs = [word for word in set(words) if len(word) == 1 and not word.isalnum()]
        return len(words) - sum(map(words.count, signs))
    with_sign = kinds.count(b" .")  # at their begin
    alone = kinds.replace(b" ", b"  ").count(b" . ") if with_sign else 0
    return kinds.count(b" a") + with_sign - alone


def _robots(metas: Sequence[tuple[str, str]], headers: Sequence[tuple[str, str]]) -> tuple[RobotsRule, ...]:
    rules = [
        RobotsRule("meta", "" if name == "robots" else name, content[:MAX_TEXT])
        for name, content in metas
        if name == "robots" or name in _CRAWLERS
    ]
    for name, value in headers:
        if name != "x-robots-tag":
            continue
        said: dict[str, list[str]] = {}
        agent = ""
        for part in value[:MAX_LONG_TEXT].split(","):
            directive = part
            if (match := _AGENT.match(part)) and match[1].lower() not in _WITH_VALUE:
                agent, directive = match[1].lower(), match[2]
            said.setdefault(agent, []).append(directive.strip())
        rules += [RobotsRule("header", agent, ", ".join(parts)[:MAX_TEXT]) for agent, parts in said.items()]
    return tuple(rules[:MAX_ITEMS])


def _link_headers(headers: Sequence[tuple[str, str]]) -> Iterator[_Relation]:
    for name, value in headers:
        if name == "link":
            for href, rest in _LINK_HEADER.findall(value)[:MAX_ITEMS]:
                parameters = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETER.findall(rest)}
                rel = frozenset(parameters.get("rel", "").lower().split())
                yield _Relation(rel, _clean(parameters.get("hreflang", ""), 40), href)


def _open_graph(metas: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for name, content in metas:
        if name.startswith("og:"):
            found.setdefault(name[3:], content[:MAX_TEXT])
    return tuple(islice(found.items(), MAX_ITEMS))


def _types(data: object) -> Iterator[str]:
    """Each `@type` within JSON-LD."""
    todo = [data]
    while todo:
        each = todo.pop()
        if isinstance(each, list):
            todo += reversed(each)
        elif isinstance(each, dict):
            types = each.get("@type", [])
            for name in types if isinstance(types, list) else [types]:
                if isinstance(name, str) and name.strip():
                    yield _type_name(name)
            todo += reversed([value for key, value in each.items() if key != "@type"])


def _type_name(name: str) -> str:
    return _clean(_SCHEMA_ORG.sub("", name.strip()), 100)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _attribute(node: LexborNode, name: str) -> str:
    return node.attributes.get(name) or ""


def _text(node: LexborNode) -> str:
    """The text within `node` in one line, images by their alt.

    Looks at a limited number of nodes: elements that contain each other would make it quadratic.
    """
    child = node.first_child
    if child is None:
        return ""
    if child.is_text_node and child.next is None:
        return _clean(child.text_content or "", MAX_TEXT)
    parts: list[str] = []
    for each in islice(node.traverse(include_text=True), _MAX_NODES):
        if each.is_text_node:
            parent = each.parent
            if parent is None or parent.tag not in _HIDDEN:
                parts.append((each.text_content or "")[: 4 * MAX_TEXT])
        elif _BREAKS.fullmatch(each.tag or ""):
            parts.append(f" {_attribute(each, 'alt')[:MAX_TEXT]} " if each.tag == "img" else " ")
    return _clean("".join(parts), MAX_TEXT)


def _clean(text: str, limit: int) -> str:
    """`text` in one line of at most `limit` characters, as valid UTF-8 (JSON can spell half characters)."""
    if len(text) > limit:
        text = text[: 4 * limit]
    text = " ".join(text.split())[:limit]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
