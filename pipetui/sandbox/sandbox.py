"""The three hosts together, and what a test, a person or a program asks of them beside HTTP."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from .api import Api
from .data import PEOPLE, World
from .errors import ApiError
from .exports import Files
from .faults import KINDS, Fault, Faults, Settings
from .files import Downloads
from .jobs import Jobs
from .server import Entry, Request, Response, Server, json_response
from .site import PRACTICE, Site

LINKS = 20_000
"""Rows of the links of the largest crawl, unless told otherwise."""

REMEMBERED = 20_000
"""Requests that the journal keeps."""


class Sandbox:
    """A Botify and a web site on loopback.

        async with Sandbox(seed=1) as sandbox:
            ... sandbox.api_url, sandbox.files_url, sandbox.site_url, sandbox.token

    The same seed and `links` give the same data and the same files. `port` is the API's (0: any), the other hosts take
    the two after it. `files` is a folder to keep export files in (else they go with the sandbox). `settings` are those
    of faults.Settings. Raises ValueError for an unknown one, OSError where a port is taken.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        links: int = LINKS,
        port: int = 0,
        files: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        **settings: object,
    ) -> None:
        self.seed = seed
        self.settings, self._faults = Settings(), Faults()
        self.set(**settings)
        self._port, self._folder = port, files
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._kept = kept = Files()
        world = World(seed, links)
        self._jobs = Jobs(world, self.settings, self._faults, kept, clock)
        self._api = Api(world, self.settings, self._faults, self._jobs, clock)
        self._downloads = Downloads(self.settings, self._faults, self._jobs, kept)
        self._site = Site()
        self._started = time.time()
        self._journal: deque[Entry] = deque(maxlen=REMEMBERED)
        self._servers = [
            Server("api", self._answer, self._journal.append),
            Server("files", self._downloads.answer, self._journal.append),
            Server("site", self._site.answer, self._journal.append),
        ]

    async def __aenter__(self) -> Sandbox:
        try:
            if self._folder is None:
                self._temporary = tempfile.TemporaryDirectory(prefix="sandbox-")
                self._kept.folder = Path(self._temporary.name)
            else:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._kept.folder = self._folder
            for offset, server in enumerate(self._servers):
                await server.start(self._port + offset if self._port else 0)
        except BaseException:
            await self.stop()
            raise
        self._api.url, self._api.files_url = self.api_url, self.files_url
        self._site.url = self.site_url
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        await asyncio.gather(*(server.stop() for server in self._servers))
        await self._jobs.stop()
        if self._temporary:
            self._temporary.cleanup()

    @property
    def api_url(self) -> str:
        """Without /v1, and without a slash at the end, as the others."""
        return self._servers[0].url

    @property
    def files_url(self) -> str:
        return self._servers[1].url

    @property
    def site_url(self) -> str:
        return self._servers[2].url

    @property
    def token(self) -> str:
        """Of ada.lovelace, who sees two organisations and a project of her own."""
        return next(iter(PEOPLE))

    @property
    def last_asked(self) -> float:
        """When it was last asked anything, in seconds since the epoch; its start where it never was."""
        return self._journal[-1].at if self._journal else self._started

    @property
    def addresses(self) -> dict[str, Any]:
        return {
            "api_url": self.api_url,
            "files_url": self.files_url,
            "site_url": self.site_url,
            "practice": [self.site_url + path for path in PRACTICE],
            "token": self.token,
            "seed": self.seed,
        }

    def set(self, **settings: object) -> None:
        """Raises ValueError: there is no such setting, or it can't be that."""
        for name, value in settings.items():
            self.settings.change(name, value)

    def fault(self, name: str, **options: Any) -> Fault:
        """Let a request meet a fault: `route`, `first`, `times`, and its own options. Raises ValueError."""
        return self._faults.add(name, **options)

    def parse_fault(self, text: str) -> Fault:
        """The same from `slow:seconds=3,route=query,times=2`."""
        return self._faults.parse(text)

    def heal(self) -> None:
        """No more faults; settings stay."""
        self._faults.clear()

    def state(self) -> dict[str, Any]:
        """What happened so far: what GET /_sandbox/state tells."""
        ours = [job for job in self._jobs.all if job.ours]
        return {
            **self.addresses,
            "settings": asdict(self.settings),
            "faults": self._faults.as_json(),
            "job_posts": self._jobs.posts,
            "jobs_created": len(ours),
            "credits": sum(map(self._jobs.tenths, ours)) / 10,
            "tokens_at_files": self._downloads.tokens,
            "most_requests_in_a_second": self._api.fastest,
            "jobs": [
                {
                    "id": job.id,
                    "user": job.user,
                    "ours": job.ours,
                    "marker": job.order.payload["export_job_name"],
                    "metadata": job.order.metadata,
                    "project": job.order.project.slug,
                    "status": self._jobs.status(job),
                    "created": job.created_at.timestamp(),
                    "counted": job.order.rows,
                    "credits": self._jobs.tenths(job) / 10,
                    "rows": job.export.rows if job.export else None,
                    "size": job.export.size if job.export else None,
                    "sha256": job.export.sha256 if job.export else None,
                    "links": job.links,
                }
                for job in self._jobs.all
            ],
            "requests": [asdict(entry) for entry in self._journal],
        }

    async def _answer(self, request: Request, entry: Entry) -> Response:
        if request.segments[0] != "_sandbox":
            return await self._api.answer(request, entry)
        self._journal.remove(entry)  # whoever looks must not change what is seen
        try:
            return self._control(request)
        except (ValueError, TypeError) as error:
            return json_response({"error": str(error)}, 400)

    def _control(self, request: Request) -> Response:
        """GET state, knobs; POST settings {name: value}, faults {"name": …, options}; DELETE faults, requests."""
        match (request.method, *request.segments[1:]):
            case ("GET", "state"):
                return json_response(self.state())
            case ("GET", "knobs"):
                return json_response(
                    {"settings": asdict(Settings()), "faults": {name: asdict(kind) for name, kind in KINDS.items()}}
                )
            case ("POST", "settings"):
                self.set(**request.json())
                return json_response(asdict(self.settings))
            case ("POST", "faults"):
                self.fault(**request.json())
                return json_response(self._faults.as_json())
            case ("DELETE", "faults"):
                self.heal()
                return Response(204)
            case ("DELETE", "requests"):
                self._journal.clear()
                return Response(204)
        return json_response(ApiError("1039").envelope, 404)
