"""The crawled pages and the links between them: six by hand (the contract's example), or any number from a seed.

Nothing of a generated site is kept but one number a page: every URL, title and link is computed when it is asked for,
so ten million links take no more memory than ten thousand.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from math import gcd
from typing import NamedTuple

FAN_OUT = 6
LINKS_PER_PAGE = 20
FEWEST_LINKS = 200
WORDS = (
    "amber", "basil", "cedar", "delta", "ember", "fable", "grove", "haven", "ivory", "jolly", "karma", "lemon",
    "maple", "noble", "ocean", "pearl", "quill", "river", "solar", "tulip", "umber", "vivid", "willow", "zephyr",
)  # fmt: skip
HOSTILE_TITLES = (
    "\x1b[31mRed\x1b[0m \x1b]0;owned\x07 title",
    '=HYPERLINK("http://evil.example/","click")',
    'Quotes " and, commas; and\nlines',
    "[@click=app.quit]markup[/]",
    "\u202eright to left\u202c \U0001f9ff e\u0301",
)


class Pages:
    """The pages of one crawl, by number; 0 is the home page. A number is the same URL in all crawls of a site."""

    count: int

    def url(self, page: int) -> str:
        raise NotImplementedError

    def kind(self, page: int) -> str:
        """Its page type."""
        raise NotImplementedError

    def depth(self, page: int) -> int | None:
        """Clicks from the home page by the shortest way; None for an orphan."""
        raise NotImplementedError

    def status(self, page: int) -> int:
        raise NotImplementedError

    def titles(self, page: int) -> list[str]:
        raise NotImplementedError

    def links(self, page: int) -> Sequence[int]:
        """The pages that it links to, each once."""
        raise NotImplementedError

    def degree(self, page: int) -> int:
        """len(links(page)), without making them."""
        raise NotImplementedError

    def repeats(self, page: int) -> int:
        """Links on the page to a target that another link of it already has."""
        raise NotImplementedError

    def draw(self, page: int, what: int) -> int:
        """A number below 2**32 that depends on the seed, the page and what it is for."""
        raise NotImplementedError

    @cached_property
    def inlinks(self) -> array[int]:
        """How many pages link to each."""
        counts = array("I", bytes(4 * self.count))
        for page in range(self.count):
            for target in self.links(page):
                counts[target] += 1
        return counts


class ExamplePages(Pages):
    """The first `count` of the six pages of www.acme.com in the contract's examples."""

    PATHS = ("/", "/about", "/widgets/", "/widgets/blue", "/widgets/red", "/widgets/blue/specs")
    DEPTHS = (0, 1, 1, 2, 2, 3)
    TITLES = ("Acme", "About Acme", "Widgets", "Blue widget", "Red widget", "Blue widget: specs")
    LINKS = ((2, 1), (0,), (0, 3, 4), (5, 2), (2,), ())
    REPEATS = (1, 0, 1, 0, 0, 0)

    def __init__(self, count: int) -> None:
        self.count = count

    def url(self, page: int) -> str:
        return "https://www.acme.com" + self.PATHS[page]

    def kind(self, page: int) -> str:
        return "home" if page == 0 else "about" if page == 1 else "widgets"

    def depth(self, page: int) -> int:
        return self.DEPTHS[page]

    def status(self, page: int) -> int:
        return 200

    def titles(self, page: int) -> list[str]:
        return [self.TITLES[page]]

    def links(self, page: int) -> Sequence[int]:
        return [target for target in self.LINKS[page] if target < self.count]

    def degree(self, page: int) -> int:
        return len(self.links(page))

    def repeats(self, page: int) -> int:
        return self.REPEATS[page]

    def draw(self, page: int, what: int) -> int:
        return _mix(page * 16 + what)


class _Reach(NamedTuple):
    """Where the pages of one level may link to without making another page less deep than the tree says."""

    hubs: int
    hub_step: int
    others: int
    other_step: int

    @property
    def room(self) -> int:
        return min(self.others, 4 * self.hubs) if self.hubs else self.others


class GeneratedPages(Pages):
    """A site from a seed: a tree that makes the depths, a link home from each page, and links to pages that are no
    deeper. A twentieth of the pages gets a quarter of these. Some leaves redirect or fail, some link nowhere, and a
    few pages are linked from nowhere.
    """

    def __init__(self, seed: int, site: str, links: int) -> None:
        """`links` is the exact number of rows of an export of all links; a page without links is one row there."""
        if links < FEWEST_LINKS:
            raise ValueError(f"A site has at least {FEWEST_LINKS} links, not {links}.")
        self.site, self._links = site, links
        self._seed = _mix(seed + 0x9E3779B1)
        self.count = max(links // LINKS_PER_PAGE, min(links // 4, 200))
        self._tree = self.count - self.count // 200
        """Pages from here on are orphans."""
        self._starts = [0]
        """The first page of each level."""
        while self._starts[-1] * FAN_OUT + 1 < self._tree:
            self._starts.append(self._starts[-1] * FAN_OUT + 1)
        ends = [*self._starts[1:], self._tree]
        self._reach = [_reach(end - 1) for end in ends]
        self._leaves = (self._tree - 2) // FAN_OUT + 1

    def draw(self, page: int, what: int) -> int:
        return _mix(page * 16 + what ^ self._seed)

    def url(self, page: int) -> str:
        if page == 0:
            return self.site + "/"
        kind = _KINDS[page % 8] if page > FAN_OUT else "category"
        return f"{self.site}/{kind}/{WORDS[page % 24]}-{WORDS[page // 24 % 24]}-{page}"

    def kind(self, page: int) -> str:
        if page == 0:
            return "home"
        if page <= FAN_OUT:
            return "category"
        return _KINDS[page % 8]

    def depth(self, page: int) -> int | None:
        return bisect_right(self._starts, page) - 1 if page < self._tree else None

    def status(self, page: int) -> int:
        if page < self._leaves or page == self.count - 1:
            return 200
        lot = self.draw(page, 1) % 1000
        return 404 if lot < 20 else 301 if lot < 50 else 500 if lot < 55 else 200

    def titles(self, page: int) -> list[str]:
        lot = self.draw(page, 2) % 1000
        if lot < 10 or self.status(page) != 200:
            return []
        if lot < 30:
            return [HOSTILE_TITLES[(lot - 10) // 4]]
        if lot < 75:
            return ["Untitled page"]
        title = f"{WORDS[page % 24].title()} {WORDS[page // 24 % 24]} {self.kind(page)} {page}"
        return [title, "A second title"] if lot < 85 else [title]

    def links(self, page: int) -> Sequence[int]:
        degree = self._degrees[page]
        if not degree:
            return ()
        children = self._children(page)
        found = [0, *children] if page else [*children]
        more = degree - len(found)
        if more:
            hubs, hub_step, others, other_step = self._reach[self._level(page)]
            start = self.draw(page, 3)
            top = more // 4 if hubs else 0
            found += [1 + (start + turn * hub_step) % hubs for turn in range(top)]
            found += [1 + hubs + (start + turn * other_step) % others for turn in range(more - top)]
        return found

    def degree(self, page: int) -> int:
        return self._degrees[page]

    def repeats(self, page: int) -> int:
        return self.draw(page, 4) % 4 if self._degrees[page] else 0

    @cached_property
    def _degrees(self) -> array[int]:
        """Shared out so that the rows are exactly as many as asked for."""
        live = sum(not self._dead(page) for page in range(self.count))
        spare = self._links - (self.count - live) - (self._tree - 1) - (live - 1)
        degrees = array("I", bytes(4 * self.count))
        for page in range(self.count):
            if self._dead(page):
                continue
            share = spare
            if live > 1:
                mean = spare // live
                share = min(mean // 2 + self.draw(page, 5) % (mean + 1), self._reach[self._level(page)].room)
            live -= 1
            spare -= share
            degrees[page] = len(self._children(page)) + (page > 0) + share
        return degrees

    def _dead(self, page: int) -> bool:
        """It links nowhere."""
        if page < self._leaves or page == self.count - 1:
            return False
        return self.status(page) != 200 or self.draw(page, 6) % 25 == 0

    def _level(self, page: int) -> int:
        return min(bisect_right(self._starts, page), len(self._starts)) - 1

    def _children(self, page: int) -> range:
        first = page * FAN_OUT + 1
        return range(first, max(first, min(first + FAN_OUT, self._tree)))


_KINDS = ("category", "article", "product", "product", "product", "product", "help", "product")


def _mix(number: int) -> int:
    number = (number ^ number >> 16) * 0x45D9F3B & 0xFFFFFFFF
    number = (number ^ number >> 16) * 0x45D9F3B & 0xFFFFFFFF
    return number ^ number >> 16


def _reach(size: int) -> _Reach:
    hubs = size // 20 if size >= 400 else 0
    return _Reach(hubs, _step(hubs), size - hubs, _step(size - hubs))


def _step(size: int) -> int:
    """A step that comes by every one of `size` places before it comes back."""
    step = max(1, size * 5 // 8)
    while size > 1 and gcd(step, size) != 1:
        step += 1
    return step
