"""A child's end of the line to its worker, served by a thread: it works while the event loop stands still."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ..engine.jobs import Progress

INTERVAL = 0.25
"""Seconds between two words about progress; only the last one counts."""

_PATIENCE = 5.0  # seconds for the worker to take the last message


class Line:
    """When the worker's end is closed the worker is dead, and this process's group ends at once."""

    def __init__(self, file: int) -> None:
        self._socket = socket.socket(fileno=file)
        self._socket.set_inheritable(False)
        self._job: Future[str] = Future()
        self._cancel: Future[None] = Future()
        self._progress: Progress | None = None
        self._told: Progress | None = None
        self._sending = threading.Lock()
        self._unsent = b""
        threading.Thread(target=self._serve, daemon=True, name="pipetui-line").start()

    def job(self) -> str:
        """Waits for the id of the job that this process is for."""
        return self._job.result()

    @property
    def has_job(self) -> bool:
        return self._job.done()

    def on_cancel(self, call: Callable[[], None]) -> None:
        """What to call, in any thread, when the job is asked to end; at once if it was before."""
        self._cancel.add_done_callback(lambda _: call())

    def tell(self, progress: Progress) -> None:
        """How far the job is. Costs nothing: it is sent from time to time."""
        self._progress = progress

    def finish(self, error: str | None) -> None:
        """The last words: how far it came, and why it failed if it did."""
        last = self._words() + (_message(error=error) if error is not None else b"")
        with self._sending:
            self._socket.settimeout(_PATIENCE)
            try:
                self._socket.sendall(self._unsent + last)
            except OSError:
                return  # the worker is gone, or finds the job dead

    def _serve(self) -> None:
        buffer = b""
        while True:
            timeout = INTERVAL if self._job.done() else None
            readable, _, _ = select.select([self._socket], [], [], timeout)
            if readable:
                data = self._received()
                if not data:
                    end_group()
                *lines, buffer = (buffer + data).split(b"\n")
                for line in lines:
                    self._heed(json.loads(line))
            self._send()

    def _received(self) -> bytes:
        try:
            return self._socket.recv(4096)
        except OSError:  # a reset: the worker was killed before it had read what it was told
            return b""

    def _heed(self, message: dict[str, Any]) -> None:
        if "job" in message and not self._job.done():
            self._job.set_result(str(message["job"]))
        if "cancel" in message and not self._cancel.done():
            self._cancel.set_result(None)

    def _send(self) -> None:
        with self._sending:
            if not self._unsent:
                self._unsent = self._words()
            if not self._unsent:
                return
            try:
                sent = self._socket.send(self._unsent, socket.MSG_DONTWAIT)
            except OSError:  # full, or closed: then the next look ends us
                return
            self._unsent = self._unsent[sent:]

    def _words(self) -> bytes:
        progress = self._progress
        if progress is None or progress is self._told:
            return b""
        self._told = progress
        return _message(progress=[progress.done, progress.total, progress.text])


def _message(**parts: Any) -> bytes:
    return json.dumps(parts).encode() + b"\n"


def end_group() -> None:
    """End this process, and its group if it leads one."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
