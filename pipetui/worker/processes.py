"""Jobs in child processes, each in a group of its own: what goes wrong in one costs that one alone."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
import time
from typing import Any

from ..engine.jobs import Progress
from ..paths import Paths
from ..service.starter import environment
from . import group
from .supervisor import End, Execution

_SETTLED = 2.0
"""Seconds after the start of a job in which no spare is made: they would be in each other's way."""

_RESPAWN = 5.0
"""Seconds until the next spare when one died or could not be made."""

_log = logging.getLogger("pipetui.worker")


class Child:
    """A process that runs one job. Line by line, as JSON, it is told what to do and tells how it goes: see line.py."""

    def __init__(self, paths: Paths, lock: int) -> None:
        """OSError when it can't be started."""
        ours, theirs = socket.socketpair()
        with theirs, paths.worker_log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipetui.worker.child", paths.env, str(theirs.fileno()), str(lock)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd=paths.data,
                pass_fds=(theirs.fileno(), lock),
                start_new_session=True,
            )
        ours.setblocking(False)
        self._socket = ours
        self._error: str | None = None
        self.progress: Progress | None = None
        self._listener = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return not self._listener.done()

    def start(self, job: str) -> None:
        self._send({"job": job})

    def cancel(self) -> None:
        self._send({"cancel": True})

    def end(self) -> None:
        if self.is_alive:  # after that the pid is no longer ours
            group.kill(self.pid)

    async def ended(self) -> End:
        code = await asyncio.shield(self._listener)
        return End(group.how_it_ended(code), self._error)

    def _send(self, message: dict[str, Any]) -> None:
        try:
            self._socket.send(json.dumps(message).encode() + b"\n")
        except OSError:
            _log.debug("process %s can't be told %s", self.pid, message)  # it is gone: the listener knows

    async def _listen(self) -> int:
        """Take what it tells until its end of the line is closed; its exit status.

        What is left of its group is ended before it is reaped: after that the group's id might be another's.
        """
        loop, buffer = asyncio.get_running_loop(), b""
        with self._socket:
            while data := await self._receive(loop):
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self._heed(line)
            group.kill(self.pid)
            return await asyncio.to_thread(self._process.wait)

    async def _receive(self, loop: asyncio.AbstractEventLoop) -> bytes:
        try:
            return await loop.sock_recv(self._socket, 65536)
        except OSError:
            return b""

    def _heed(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            if "progress" in message:
                done, total, text = message["progress"]
                self.progress = Progress(float(done), float(total), str(text))
            if "error" in message:
                self._error = str(message["error"])
        except (ValueError, TypeError) as error:  # a workflow's code may have written to that file
            _log.warning("process %s said what is no message: %r", self.pid, error)


class Processes:
    """The worker's executor. One spare child, that has its imports done, waits for the next job."""

    def __init__(self, paths: Paths, lock: int) -> None:
        self._paths = paths
        self._lock = lock
        self._spare: Child | None = None
        self._spare_from = float("-inf")

    def ready(self) -> Child:
        spare, self._spare = self._spare, None
        self._spare_from = max(self._spare_from, time.monotonic() + _SETTLED)
        return spare if spare is not None and spare.is_alive else Child(self._paths, self._lock)

    def put_back(self, execution: Execution) -> None:
        if self._spare is None and isinstance(execution, Child):
            self._spare = execution
        else:
            execution.end()

    def tend(self) -> None:
        now = time.monotonic()
        if self._spare is not None and not self._spare.is_alive:
            self._spare, self._spare_from = None, now + _RESPAWN
        if self._spare is None and now >= self._spare_from:
            self._spare = self._child()

    def _child(self) -> Child | None:
        try:
            return Child(self._paths, self._lock)
        except OSError as error:
            self._spare_from = time.monotonic() + _RESPAWN
            _log.warning("no spare process: %s", error)
            return None

    async def close(self) -> None:
        if self._spare is not None:
            self._spare.end()
            await self._spare.ended()
            self._spare = None
