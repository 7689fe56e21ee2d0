"""A sandbox without waiting, and a client that asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from pipetui.sandbox import Sandbox

SHOP = "/v1/projects/acme-org/acme-shop.example"
CRAWL = "crawl.20240601"
QUICK = {"rate": 0, "created": 0, "processing": 0}


def edges(crawl: str = CRAWL, **filters: Any) -> dict[str, Any]:
    """The query of all links."""
    query: dict[str, Any] = {"dimensions": ["url", f"{crawl}.outlinks_internal.graph.url"], "metrics": []}
    return {"collections": [crawl], "query": query | ({"filters": filters} if filters else {})}


def order(query: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """The body of POST /jobs."""
    return {
        "job_type": "export",
        "payload": {
            "username": "acme-org", "project": "acme-shop.example", "connector": "direct_download",
            "formatter": "csv", "export_size": 1_000_000, "query": query,
        } | payload,
    }  # fmt: skip


class Client:
    """Asks the sandbox as a program would: with the token at the API, without it elsewhere."""

    def __init__(self, sandbox: Sandbox, http: httpx.AsyncClient) -> None:
        self.sandbox, self.http = sandbox, http
        self.token = sandbox.token

    async def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Token {self.token}"} | more.pop("headers", {})
        return await self.http.request(method, self.sandbox.api_url + path, headers=headers, **more)

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.api("GET", path, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def query(self, body: dict[str, Any], path: str = SHOP, **params: Any) -> Any:
        answer = await self.api("POST", f"{path}/query", json=body, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def count(self, body: dict[str, Any]) -> int:
        return int((await self.query(body, size=1, count=""))["count"])

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self.api("POST", "/v1/jobs", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def ended(self, job: int) -> dict[str, Any]:
        """The job, once it is DONE or FAILED."""
        async with asyncio.timeout(30):
            while True:
                shown = await self.get(f"/v1/jobs/{job}")
                if shown["job_status"] in ("DONE", "FAILED"):
                    return dict(shown)
                await asyncio.sleep(0.002)

    async def link(self, body: dict[str, Any]) -> str:
        """Of the file of a new job."""
        job = await self.ended((await self.create(body))["job_id"])
        return str(job["results"]["download_url"])

    async def file(self, url: str, **headers: str) -> httpx.Response:
        """Its bytes as they came."""
        headers = {"Accept-Encoding": "identity"} | {name.replace("_", "-"): value for name, value in headers.items()}
        request = self.http.build_request("GET", url, headers=headers)
        answer = await self.http.send(request, stream=True)
        try:
            body = b"".join([chunk async for chunk in answer.aiter_raw()])
        finally:
            await answer.aclose()
        for name in ("content-encoding", "transfer-encoding"):
            answer.headers.pop(name, None)
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Sandbox(seed=1, links=2_000, **QUICK) as sandbox, httpx.AsyncClient(timeout=30, verify=False) as http:
        yield Client(sandbox, http)
