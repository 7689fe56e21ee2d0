"""HTML made into a tree, in bounded time."""

import re

from selectolax.lexbor import LexborHTMLParser

# Lexbor walks the open elements at many tags, and a tag's attributes at each attribute: a page of nothing but `<div>`
# takes it hours. So we count such steps ahead (some ns each) and give it a page only as far as they go.
_STEPS = 100_000_000
_CHEAP = 100_000  # characters that can't cost much
_LONG_TAG = 10_000  # characters

_MARKUP = re.compile(
    r"<!--.*?(?:-->|\Z)"
    r"|<(script|style|textarea|title|xmp|iframe|noembed|noframes)\b.*?(?:</\1|\Z)"
    r"|<(/?)([a-z][^\s/>]*+)((?>[^>=]++|=\s*+\"[^\"]*+\"|=\s*+'[^']*+'|=)*+)(?:>|\Z)",
    re.S | re.I,
)
_ATTRIBUTE = re.compile(r"[^\s/=]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|\S+))?")
_VOID = "area base br col embed hr img input link meta source track wbr"
_CLOSED_BY_THE_NEXT = "p li dt dd tr td th thead tbody tfoot option optgroup rp rt"
_NEVER_DEEP = frozenset(f"{_VOID} {_CLOSED_BY_THE_NEXT}".split())


def parse(text: str) -> tuple[LexborHTMLParser, bool]:
    """The tree of a page, and whether it was read to its end (else it is nested too deeply to go on)."""
    end = len(text) if len(text) <= _CHEAP else _affordable(text)
    return LexborHTMLParser(text[:end]), end == len(text)


def _affordable(text: str) -> int:
    """Up to where `text` can be parsed in a few seconds."""
    steps = depth = 0
    opened: dict[str, int] = {}
    for match in _MARKUP.finditer(text):
        _, closing, tag, attributes = match.groups()
        if tag is None:
            continue
        name = tag.lower()
        if closing:
            if opened.get(name):
                opened[name] -= 1
                depth -= 1
        elif name not in _NEVER_DEEP:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
        steps += depth
        if len(attributes) > _LONG_TAG:
            steps += sum(1 for _ in _ATTRIBUTE.finditer(attributes)) ** 2
        if steps > _STEPS:
            return match.start()
    return len(text)
