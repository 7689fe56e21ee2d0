"""The line between a worker and the process of a job, with a real process at its other end."""

from __future__ import annotations

import select
import signal
import socket
import subprocess
import sys

JOB = """
import sys, time
from pipetui.engine.jobs import Progress
from pipetui.worker.line import Line

line = Line(int(sys.argv[1]))
line.job()
line.tell(Progress(1, 2))
time.sleep(600)
"""


def test_a_job_ends_with_its_worker_also_when_that_did_not_listen() -> None:
    """A worker that stood still before it was killed has not read what it was told: its line ends in a reset."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        job = subprocess.Popen(
            [sys.executable, "-c", JOB, str(theirs.fileno())], pass_fds=[theirs.fileno()], start_new_session=True
        )
        try:
            ours.sendall(b'{"job": "x"}\n')
            assert select.select([ours], [], [], 30)[0], "it tells how far it is"
            ours.close()
            assert job.wait(30) == -signal.SIGKILL
        finally:
            job.kill()
            job.wait()
