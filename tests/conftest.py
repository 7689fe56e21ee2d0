"""What all tests share."""

from __future__ import annotations

LONG = 60


def pytest_make_parametrize_id(val: object) -> str | None:
    """A short name for a long parameter, the same in every process: packed bytes have the time in them."""
    if isinstance(val, bytes):
        return ascii(val) if len(val) < 8 else f"{len(val)} bytes"
    if isinstance(val, str) and len(val) > LONG:
        return f"{ascii(val[:LONG])[1:-1]}… {len(val)}"
    return None
