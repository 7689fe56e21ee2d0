"""A local Botify and a local web site, to practise with and to test against. It imports nothing else of pipetui."""

from .faults import KINDS, Settings
from .sandbox import LINKS, Sandbox

__all__ = ["KINDS", "LINKS", "Sandbox", "Settings"]
