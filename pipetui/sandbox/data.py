"""Who and what the sandbox's Botify knows: people, projects, analyses, collections with their fields."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from .pages import ExamplePages, GeneratedPages, Pages

TOKEN = "0123456789abcdef0123456789abcdef01234567"  # noqa: S105
