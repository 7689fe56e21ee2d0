"""Foreign code with a time limit: what it raises is its own, and what takes too long is said to."""

from __future__ import annotations

import asyncio
import time

import pytest

from pipetui.engine import limits
from pipetui.engine.limits import TooSlow


def gives_up() -> None:
    raise TimeoutError("the shop did not answer within 2 s")


async def gives_up_later() -> None:
    gives_up()


async def test_a_time_limit_of_the_code_itself_is_not_taken_for_ours() -> None:
    with pytest.raises(TimeoutError, match="the shop"):
        limits.call(gives_up, 30)
    with pytest.raises(TimeoutError, match="the shop"):
        await limits.acall(gives_up, 30)
    with pytest.raises(TimeoutError, match="the shop"):
        await limits.within(gives_up_later(), 30)


async def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(TooSlow, match=r"within 0\.05 s"):
        limits.call(lambda: time.sleep(1), 0.05)
    with pytest.raises(TooSlow, match=r"within 0\.05 s"):
        await limits.acall(lambda: time.sleep(1), 0.05)
    with pytest.raises(TooSlow, match=r"within 0\.05 s"):
        await limits.within(asyncio.sleep(600), 0.05)
