"""Text from outside, put so that a model can tell it from what it is told to do; and secrets taken out of any text."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from ..text import displayable

TAG = "data"
TAKEN_OUT = "(secret)"
SHORTEST_SECRET = 4
"""Characters: a shorter one would be found in every text."""

_HALVES = re.compile("[\ud800-\udfff]")
_TAGS = re.compile(rf"<(?=\s*/?\s*{TAG}\b)", re.IGNORECASE)


def new_mark() -> str:
    """A mark that nobody can have foreseen. One for a conversation is enough; a server then keeps what it has read."""
    return secrets.token_hex(4)


def fence(text: str, mark: str) -> str:
    """`text` as data between tags with the mark, which nothing in it can open or close."""
    return f"<{TAG} {mark}>\n{inert(text, mark)}\n</{TAG} {mark}>"


def inert(text: str, mark: str) -> str:
    """`text` as a fence holds it: no tag of a fence, not the mark, hidden characters made visible."""
    return _TAGS.sub("‹", displayable(text).replace(mark, "…"))


class Scrubber:
    """Takes known secrets out of texts and JSON: as they are, and as JSON and addresses write them.

    Halves of a surrogate pair, which can't be sent, are replaced too.
    """

    def __init__(self, known: Iterable[str]) -> None:
        forms = {form for secret in known if len(secret) >= SHORTEST_SECRET for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def text(self, text: str) -> str:
        text = _HALVES.sub("\ufffd", text)
        return self._pattern.sub(TAKEN_OUT, text) if self._pattern else text

    def json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.json(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.json(inner) for inner in value]
        return value


def _forms(secret: str) -> set[str]:
    quoted = {json.dumps(secret, ensure_ascii=ascii)[1:-1] for ascii in (True, False)}
    printable = secret.encode("utf-8", "replace")
    return {secret, quote(printable, safe=""), quote(printable), quote_plus(printable)} | quoted
