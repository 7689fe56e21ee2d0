"""How long to wait before another try."""

import random

_random = random.SystemRandom()  # two processes that started together must not stay together


def backoff(failures: int, first: float = 1.0, longest: float = 60.0) -> float:
    """Seconds to wait after so many failures in a row (from 1): doubled each time, less up to a half by chance."""
    return min(longest, first * 2.0 ** min(failures - 1, 30)) * _random.uniform(0.5, 1.0)
