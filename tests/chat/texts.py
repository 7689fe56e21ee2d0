"""What the tests' server says, and how it counts: texts of a given number of tokens, and a tokenizer to check with."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any

TOKEN = re.compile(r"\s?\w{1,5}|\s?[^\w\s]|\s+")
PER_MESSAGE = 4
"""Tokens that a template adds to each message."""

WORDS = [
    "the", "run", "keeps", "every", "page", "that", "answered", "and", "report", "says", "why", "a", "link", "was",
    "lost", "while", "crawl", "went", "on", "from", "one", "folder", "to", "another", "with", "depth", "rank", "anchor",
    "canonical", "redirect", "status", "title", "heading",
]  # fmt: skip


def tokens(text: str) -> list[str]:
    """The tokens of a text: at most five letters or digits, or one sign, with a space before it; or other white space.

    Joined they are the text again.
    """
    return TOKEN.findall(text)


def prompt_tokens(request: Mapping[str, Any]) -> int:
    """What a chat request takes of the window: each message's texts, its calls, and the tools, as JSON."""
    total = 0
    for message in request.get("messages", []):
        total += PER_MESSAGE + len(tokens(message.get("content") or "")) + len(tokens(message.get("thinking") or ""))
        if calls := message.get("tool_calls"):
            total += len(tokens(json.dumps(calls)))
    if tools := request.get("tools"):
        total += len(tokens(json.dumps(tools)))
    return total


def sentence(random: random.Random, words: int) -> str:
    return " ".join(random.choice(WORDS) for _ in range(words)).capitalize() + "."


def markdown(count: int, seed: int = 1) -> list[str]:
    """So many tokens of mixed Markdown: headings, paragraphs, lists, a table, code, quotes."""
    chance = random.Random(seed)
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        parts = [
            f"## Part {number}: {sentence(chance, 4)}\n\n",
            f"{sentence(chance, 30)} **{sentence(chance, 3)}** and `code_{number}`, {sentence(chance, 20)}\n\n",
            "".join(f"- {sentence(chance, 9)}\n" for _ in range(4)) + "\n",
            "| url | depth |\n|---|---|\n" + "".join(f"| /page/{n} | {n} |\n" for n in range(4)) + "\n",
            "```python\n" + "".join(f"def step_{n}(value: int) -> int:\n    return value + {n}\n" for n in range(3)),
            "```\n\n",
            f"> {sentence(chance, 15)}\n\n",
        ]
        found += tokens("".join(parts))
    return found[:count]


def code(count: int) -> list[str]:
    """So many tokens of one code block."""
    found = ["```", "python", "\n"]
    number = 0
    while len(found) < count - 1:
        number += 1
        found += tokens(f"total_{number} = sum(value * {number} for value in rows if value > {number})\n")
    return [*found[: count - 1], "\n```"]


def paragraphs(count: int) -> list[str]:
    """So many paragraphs, a token each."""
    return [f"Paragraph {number}.\n\n" for number in range(count)]


def line(size: int) -> list[str]:
    """One line of so many characters, in one token."""
    return ["x" * size]
