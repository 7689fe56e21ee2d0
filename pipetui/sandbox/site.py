"""A small web site to practise the URL inspector on: some sixty pages with what goes wrong on real ones, and some with
what goes wrong on hostile ones. `/` links to all but the orphan.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from html import escape

from .server import Entry, Request, Response, html

PRODUCTS = (
    "Kettle",
    "Teapot",
    "Mug",
    "Saucer",
    "Tray",
    "Spoon",
    "Strainer",
    "Caddy",
    "Cosy",
    "Timer",
    "Filter",
    "Scale",
)
CATEGORIES = ("Kitchen", "Table", "Gifts")
ARTICLES = ("How to boil water", "Green or black", "A short history of the mug", "Milk first?", "Water, hard and soft")
LANGUAGES = ("en", "de", "fr")
BIG = 5_000_000
"""Bytes of /hostile/big."""


@dataclass(frozen=True)
class Page:
    """What stands on a page; addresses begin with / and get the site's host where they must be absolute."""

    title: str | None
    description: str | None = ""
    """Empty: one of its own; None: none."""
    h1: Sequence[str] | None = None
    """None: the title."""
    text: str = ""
    links: Sequence[str] = ()
    canonical: str | None = ""
    """Empty: itself; None: none."""
    robots: str = ""
    language: str = "en"
    alternates: dict[str, str] = field(default_factory=dict)
    data: str = ""
    """JSON-LD."""
    head: str = ""
    script: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def _product(number: int) -> Page:
    name = PRODUCTS[number]
    data = {"@context": "https://schema.org", "@type": "Product", "name": name,
            "offers": {"@type": "Offer", "price": f"{9 + number}.90", "priceCurrency": "EUR"}}  # fmt: skip
    return Page(
        f"{name} – The Tea Shop",
        h1=[name],
        text=f"The {name.lower()} that you were looking for. " * (6 + number),
        links=["/", f"/{CATEGORIES[number % 3].lower()}/", f"/product/{PRODUCTS[(number + 1) % 12].lower()}"],
        data=json.dumps(data),
    )


def _pages() -> dict[str, Page]:
    pages: dict[str, Page] = {}
    for number, name in enumerate(PRODUCTS):
        pages[f"/product/{name.lower()}"] = _product(number)
    for name in CATEGORIES:
        own = [f"/product/{each.lower()}" for number, each in enumerate(PRODUCTS) if CATEGORIES[number % 3] == name]
        pages[f"/{name.lower()}/"] = Page(f"{name} – The Tea Shop", text=f"All for {name.lower()}.", links=["/", *own])
    for number, title in enumerate(ARTICLES, 1):
        data = json.dumps({"@context": "https://schema.org", "@type": "Article", "headline": title})
        pages[f"/article/{number}"] = Page(title, text=(title + ". ") * 60, links=["/", "/article/1"], data=data)
    alternates = {language: f"/{language}/" for language in LANGUAGES} | {"x-default": "/en/"}
    for language, greeting in zip(LANGUAGES, ("Welcome", "Willkommen", "Bienvenue"), strict=True):
        known = alternates if language != "fr" else {"fr": "/fr/"}  # French does not point back
        pages[f"/{language}/"] = Page(greeting, language=language, alternates=known, text=greeting, links=["/"])
    return pages | {
        "/same-title-1": Page("Tea", text="Two pages have this title."),
        "/same-title-2": Page("Tea", text="Two pages have this title: the other one."),
        "/same-description-1": Page("First of two", "One description for two pages."),
        "/same-description-2": Page("Second of two", "One description for two pages."),
        "/no-title": Page(None, h1=["A page without a title"]),
        "/empty-title": Page("", h1=["A page with an empty title"]),
        "/long-title": Page("A title that goes on and on, " * 12),
        "/no-description": Page("No description", None),
        "/no-h1": Page("No h1", h1=[]),
        "/two-h1": Page("Two h1", h1=["One", "Two"]),
        "/thin": Page("Thin", text="Hardly a word."),
        "/noindex": Page("Not for the index", robots="noindex, follow"),
        "/noindex-header": Page("Not for the index, by header", headers={"X-Robots-Tag": "noindex"}),
        "/nofollow": Page("Links not followed", robots="nofollow", links=["/thin"]),
        "/canonical-elsewhere": Page("A copy of the kettle", canonical="/product/kettle"),
        "/canonical-missing": Page("No canonical", canonical=None),
        "/canonical-to-404": Page("Canonical to nowhere", canonical="/gone-missing"),
        "/canonical-to-redirect": Page("Canonical to a redirect", canonical="/old"),
        "/broken-json-ld": Page("Broken JSON-LD", data='{"@type": "Product", "name": "Kettle",'),
        "/broken-links": Page("Broken links", links=["/gone-missing", "/old", "http://[::1", "mailto:x@tea.example"]),
        "/meta-refresh": Page("Moves by itself", head='<meta http-equiv="refresh" content="5; url=/">'),
        "/mixed-language": Page("Wrong language", language="xx-invalid", text="This is English."),
        "/rendered": Page(
            "Before the script",
            text="The script changes title, text and links.",
            script="document.title = 'After the script';"
            "document.body.insertAdjacentHTML('beforeend', '<a href=\"/thin\">made by the script</a>');",
        ),
        "/private/staff": Page("Staff only", text="robots.txt forbids this folder."),
        "/orphan": Page("Nobody links here"),
        "/hostile/escape-title": Page("\x1b[31mRed\x1b[0m\x1b]0;owned\x07 \u202egnp.exe", h1=["\x1b[2JCleared"]),
        "/hostile/markup": Page("[bold red]not markup[/] [@click=app.quit]quit[/]"),
        "/hostile/formula": Page('=HYPERLINK("http://evil.example/","click")', '+cmd|" /C calc"!A0'),
        "/hostile/deep": Page("Ten thousand levels", text="<div>" * 10_000),
        "/hostile/many-links": Page("Ten thousand links", links=[f"/endless/{number}" for number in range(10_000)]),
        "/hostile/script": Page("</title><script>alert(1)</script>", text="<!-- --!> <textarea>"),
    }


REDIRECTS = {
    "/old": (301, "/older"),
    "/older": (302, "/oldest"),
    "/oldest": (308, "/product/kettle"),
    "/moved": (301, "/product/mug"),
    "/to-404": (301, "/gone-missing"),
    "/loop": (302, "/loop-back"),
    "/loop-back": (302, "/loop"),
    "/self-loop": (301, "/self-loop"),
}
OTHERS = (
    "/gone-missing", "/gone", "/server-error", "/unavailable", "/pdf", "/latin-1", "/compressed", "/soft-404",
    "/hostile/big", "/hostile/slow", "/hostile/bomb", "/hostile/no-length", "/endless/1",
)  # fmt: skip
PRACTICE = (
    "/", "/product/kettle", "/no-title", "/same-title-1", "/same-title-2", "/long-title", "/no-description", "/no-h1",
    "/two-h1", "/noindex", "/canonical-elsewhere", "/broken-json-ld", "/broken-links", "/en/", "/fr/", "/old", "/loop",
    "/gone", "/server-error", "/pdf", "/private/staff",
)  # fmt: skip
"""What is worth a first look: each has a fault of its own, and none takes long."""


class Site:
    """What listens on the site's port. `url` is its address, known once it listens."""

    def __init__(self) -> None:
        self.url = ""
        self._pages = _pages()
        hidden = ("/orphan",)
        linked = [*(path for path in self._pages if path not in hidden), *REDIRECTS, *OTHERS]
        self._pages["/"] = Page("The Tea Shop", text="Everything for tea. " * 40, links=linked)

    @property
    def paths(self) -> list[str]:
        """All but the endless ones."""
        return [*self._pages, *REDIRECTS, *OTHERS, "/robots.txt", "/sitemap.xml"]

    async def answer(self, request: Request, entry: Entry) -> Response:
        if request.method not in ("GET", "HEAD"):
            return Response(405, {"Allow": "GET, HEAD"})
        path = request.path
        entry.route = "site"
        if page := self._pages.get(path):
            return self._shown(path, page)
        if path in REDIRECTS:
            status, target = REDIRECTS[path]
            return Response(status, {"Location": target})
        return self._other(path)

    def _other(self, path: str) -> Response:
        words = "Tea is water that knows something. "
        plain = {"Content-Type": "text/plain; charset=utf-8"}
        if path == "/robots.txt":
            text = f"User-agent: *\nDisallow: /private/\nDisallow: /endless/\n\nSitemap: {self.url}/sitemap.xml\n"
            return Response(200, plain, text.encode())
        if path == "/sitemap.xml":
            entries = "".join(f"<url><loc>{self.url}{path}</loc></url>" for path in [*self._pages, "/moved", "/gone"])
            xml = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'
            return Response(200, {"Content-Type": "application/xml"}, xml.encode())
        if path == "/gone":
            return html("<title>Gone</title><h1>Gone</h1>", 410)
        if path == "/server-error":
            return html("<title>Error</title><h1>Something broke</h1>", 500)
        if path == "/unavailable":
            return Response(503, {"Retry-After": "1", **plain}, b"Come back later.")
        if path == "/soft-404":
            return html("<title>Not found</title><h1>This page does not exist</h1>")
        if path == "/pdf":
            return Response(200, {"Content-Type": "application/pdf"}, b"%PDF-1.4\n%%EOF\n")
        if path == "/latin-1":
            body = "<title>Caf\xe9 cr\xe8me</title><h1>Th\xe9</h1>".encode("latin-1")
            return Response(200, {"Content-Type": "text/html; charset=iso-8859-1"}, body)
        if path == "/compressed":
            squeezed = self._shown(path, Page("Compressed", text=words * 200))
            assert isinstance(squeezed.body, bytes)
            headers = squeezed.headers | {"Content-Encoding": "gzip"}
            return replace(squeezed, headers=headers, body=gzip.compress(squeezed.body, mtime=0))
        if path == "/hostile/big":
            head = b"<!doctype html><title>Five megabytes</title><p>"
            return Response(200, {"Content-Type": "text/html"}, head.ljust(BIG, b"x"))
        if path == "/hostile/bomb":
            bomb = gzip.compress(bytes(50_000_000), mtime=0)
            return Response(200, {"Content-Type": "text/html", "Content-Encoding": "gzip"}, bomb)
        if path == "/hostile/slow":
            return replace(self._shown(path, Page("Slow", text=words * 20)), rate=100)
        if path == "/hostile/no-length":
            return replace(self._shown(path, Page("No Content-Length")), chunked=True)
        if path.startswith("/endless/") and path[9:].isdecimal():
            number = int(path[9:18])
            return self._shown(path, Page(f"Endless {number}", links=[f"/endless/{number + 1}"]))
        return html("<title>Not found</title><h1>Not found</h1>", 404)

    def _shown(self, path: str, page: Page) -> Response:
        head = [f"<title>{_title(path, page.title)}</title>" if page.title is not None else ""]

        def meta(name: str, content: str) -> None:
            head.append(f'<meta name="{name}" content="{escape(content)}">')

        if page.description is not None:
            meta("description", page.description or f"What there is to know about {path}.")
        if page.robots:
            meta("robots", page.robots)
        if page.canonical is not None:
            head.append(f'<link rel="canonical" href="{self.url}{page.canonical or path}">')
        for language, target in page.alternates.items():
            head.append(f'<link rel="alternate" hreflang="{language}" href="{self.url}{target}">')
        if page.data:
            head.append(f'<script type="application/ld+json">{page.data}</script>')
        head.append(page.head)
        headings = [page.title or ""] if page.h1 is None else page.h1
        body = [f"<h1>{escape(heading)}</h1>" for heading in headings]
        body.append(f"<p>{page.text}</p>")
        body += [f'<a href="{escape(link)}">{escape(link)}</a>' for link in page.links or ("/",)]
        if page.script:
            body.append(f"<script>{page.script}</script>")
        text = (
            f'<!doctype html>\n<html lang="{page.language}"><head><meta charset="utf-8">\n'
            + "\n".join(filter(None, head))
            + "\n</head><body>\n"
            + "\n".join(body)
            + "\n</body></html>\n"
        )
        response = html(text)
        return replace(response, headers=response.headers | page.headers)


def _title(path: str, title: str) -> str:
    return title if path == "/hostile/script" else escape(title)
