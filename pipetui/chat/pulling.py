"""Downloading a model to a host: it goes on while one does other things, and can be stopped and taken up again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from ..text import size
from .client import ChatError, Client, Pulled


class Pull:
    """One model on its way. `over` is called with a sentence when it has ended, well or not."""

    def __init__(self, client: Client, name: str, over: Callable[[str], None]) -> None:
        self.name = name
        self.is_over = False
        self.is_seen = False
        self._host = client.address.name
        self._now = Pulled("asking")
        self._ended = ""
        self._over = over
        self._task = asyncio.create_task(self._bring(client))

    @property
    def said(self) -> str:
        """How far it is, in a line."""
        if self._ended:
            return self._ended
        now = self._now
        if now.total:
            return f"Downloading {self.name}: {size(now.done)} of {size(now.total)} ({now.done / now.total:.0%})"
        return f"Downloading {self.name}: {now.status}"

    def cancel(self) -> None:
        self._task.cancel()

    async def _bring(self, client: Client) -> None:
        try:
            async with aclosing(client.pull(self.name)) as steps:
                async for self._now in steps:
                    pass
            self._ended = f"{self.name} is on {self._host}."
        except ChatError as error:
            self._ended = str(error)
        except asyncio.CancelledError:
            self._ended = f"Stopped. What came of {self.name} is kept by {self._host}: download it again to go on."
        finally:
            self.is_over = True
            self._over(self._ended)
