"""The 69 example exchanges of the contract, replayed."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from .conftest import Client

EXCHANGES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data/examples.json").read_bytes())
BY_NAME = {exchange["name"]: exchange for exchange in EXCHANGES}
HOST = "https://api.botify.com"

DIFFERENCES = {
    "projects_page_1": "five projects are visible, in two organisations and one alone; acme-shop.example has logs",
    "projects_page_2": "the same; and a person's project bears the person's name, not Acme's",
    "analyses_full": "`next` keeps only_success: without it page 2 would belong to another list",
    "download_gzip_slug_header": "no sort was asked for: the rows come in another order, and other bytes from gzip",
    "download_range_resume": "the same, so that the range is of another file",
    "download_416_already_complete": "the same, so that the size is another",
    "download_truncated": "the same, so that what is left is of another file",
    "download_gzip_headerless": "the same",
    "download_zip_sep_header": "deflated, with another date inside",
}
"""What differs beside job ids, dates and addresses, and why."""


def created(name: str, **settings: object) -> Callable[[Client], Awaitable[None]]:
    """First create the job of that exchange, with these settings."""

    async def arrange(client: Client) -> None:
        client.sandbox.set(**settings)
        await replay(client, BY_NAME[name])

    return arrange


def set_to(**settings: object) -> Callable[[Client], Awaitable[None]]:
    async def arrange(client: Client) -> None:
        client.sandbox.set(**settings)

    return arrange


def fault(name: str, job: str = "", **options: object) -> Callable[[Client], Awaitable[None]]:
    """Set a fault, and then create the job of that exchange, if any."""

    async def arrange(client: Client) -> None:
        client.sandbox.fault(name, **options)
        if job:
            await replay(client, BY_NAME[job])

    return arrange


async def two_jobs(client: Client) -> None:
    answer = await replay(client, BY_NAME["jobs_create_minimal"])
    await client.ended(answer.json()["job_id"])
    client.sandbox.set(processing=999)
    await replay(client, BY_NAME["jobs_create_recommended"])


RECOMMENDED = "jobs_create_recommended"
ARRANGE: dict[str, Callable[[Client], Awaitable[None]]] = {
    "query_400_too_big": fault("refuse", code="1043"),
    "query_429": fault("too_many"),
    "query_502_html": fault("bad_gateway"),
    "v1_urls_export_create": set_to(created=999),
    "v1_urls_export_poll": created("v1_urls_export_create", processing=999),
    "v1_urls_export_done": created("v1_urls_export_create"),
    "v1_urls_export_already_running": fault("refuse", code="1052"),
    "v1_urls_export_daily_quota": fault("too_many", route="create_urls_export"),
    "jobs_create_200_variant": set_to(created_status=200, created=999),
    "jobs_create_already_running": fault("refuse", code="1058"),
    "jobs_create_quota_429": created(RECOMMENDED, daily_exports=1),
    "jobs_create_lost_response": fault("lost_response"),
    "jobs_list_reconcile": two_jobs,
    "jobs_get_created": created(RECOMMENDED, created=999),
    "jobs_get_processing": created(RECOMMENDED, processing=999),
    "jobs_get_done": created(RECOMMENDED),
    "jobs_get_failed_no_error": fault("job_fails", RECOMMENDED),
    "jobs_get_failed_with_error": fault("job_fails_with_error", RECOMMENDED),
    "jobs_get_done_without_results": fault("job_without_results", RECOMMENDED),
    "jobs_get_unknown_status": fault("job_unknown_status", RECOMMENDED),
    "jobs_get_429": fault("too_many"),
    "jobs_get_logs_failed": created("jobs_create_logs_urls_export"),
    "jobs_create_minimal": set_to(created=999),
    "jobs_create_recommended": set_to(created=999),
    "jobs_create_gsc_zip": set_to(created=999),
    "jobs_create_logs_urls_export": set_to(created=999),
    "download_gzip_slug_header": created(RECOMMENDED),
    "download_range_resume": created(RECOMMENDED),
    "download_416_already_complete": created(RECOMMENDED),
    "download_expired_403_xml": created(RECOMMENDED, link_life=0.000001, fresh_links=False),
    "download_truncated": fault("truncated", RECOMMENDED, share=108 / 128),
    "download_gzip_headerless": created("jobs_create_minimal"),
    "download_zip_sep_header": created("jobs_create_gsc_zip"),
}


async def replay(client: Client, exchange: dict[str, Any]) -> httpx.Response:
    """Send what the example sent, to where the sandbox has it."""
    path, headers = exchange["path"], dict(exchange["headers"])
    host = client.sandbox.api_url
    if "cloudfront" in exchange["host"]:
        (job,) = client.sandbox.state()["jobs"]
        ready = await client.ended(job["id"])
        host, path = ready["results"]["download_url"], ""
        whole = await client.file(host) if "Range" in headers else None
        if whole is not None:
            headers["Range"] = headers["Range"].replace("128", whole.headers["Content-Length"])
            if "If-Range" in headers:
                headers["If-Range"] = whole.headers["ETag"]
        return await client.file(host, **headers)
    if exchange["name"].startswith(("jobs_get", "v1_urls_export_poll")) and client.sandbox.state()["jobs"]:
        path = f"/v1/jobs/{client.sandbox.state()['jobs'][-1]['id']}"
        if exchange["response"].get("job_status") in ("DONE", "FAILED"):
            await client.ended(int(path.rsplit("/", 1)[1]))
    body = None if exchange["request"] is None else json.dumps(exchange["request"]).encode()
    return await client.http.request(
        exchange["method"], host + path, params=exchange["query"], headers=headers, content=body
    )


def comparable(value: Any, client: Client) -> Any:
    """Without what is different each time: ids, dates and addresses, whose form is checked."""
    if isinstance(value, list):
        return [comparable(each, client) for each in value]
    if isinstance(value, str):
        return value.replace(client.sandbox.api_url, HOST)
    if not isinstance(value, dict):
        return value
    shown = {name: comparable(each, client) for name, each in value.items()}
    if "job_id" in shown:
        assert str(shown["job_url"]).endswith(f"/{shown.pop('job_id')}")
        shown["job_url"] = str(shown["job_url"]).rsplit("/", 1)[0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", shown.pop("date_created"))
    if "download_url" in shown:
        url = shown.pop("download_url")
        pattern = (
            r"https?://[^/]+/(collection_exports(/[0-9a-f]){3}/[0-9a-f]+/botify-[\d-]{10}|csv_exports/\w+)\.csv\.gz"
        )
        assert re.fullmatch(pattern, url), url
    return shown


def expected(exchange: dict[str, Any]) -> Any:
    """The example's answer, with the named differences."""
    answer = json.loads(json.dumps(exchange["response"]))
    if exchange["name"] == "projects_page_1":
        answer["count"] = 5
        answer["results"][1]["has_logs"] = True
    if exchange["name"] == "projects_page_2":
        answer["count"] = 5
        answer["next"] = f"{HOST}{exchange['path']}?page=3&size=2"
        answer["results"][0]["organization"]["name"] = "Ada Lovelace"
        del answer["results"][1:]
    if exchange["name"] == "analyses_full":
        answer["next"] += "&only_success=true"
    return answer


def unpacked(body: bytes) -> list[str]:
    if body.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(body))
        (name,) = archive.namelist()
        assert name.endswith(".csv")
        return archive.read(name).decode().splitlines()
    return gzip.decompress(body).decode().splitlines()


def test_the_examples_are_all_there() -> None:
    assert len(EXCHANGES) == len(BY_NAME) == 69
    assert set(DIFFERENCES) | set(ARRANGE) <= set(BY_NAME)


@pytest.mark.parametrize("name", BY_NAME)
async def test_exchange(client: Client, name: str) -> None:
    exchange = BY_NAME[name]
    if name in ARRANGE:
        await ARRANGE[name](client)
    if name == "jobs_create_lost_response":
        with pytest.raises(httpx.ReadError):
            await replay(client, exchange)
        assert client.sandbox.state()["jobs_created"] == 1
        return
    if name == "download_truncated":
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without"):
            await replay(client, exchange)
        return
    answer = await replay(client, exchange)
    assert answer.status_code == exchange["status"]
    for header in ("Content-Type", "Accept-Ranges"):
        if header in exchange["response_headers"]:
            assert answer.headers[header].startswith(exchange["response_headers"][header])
    wanted = exchange["response"]
    if isinstance(wanted, dict) and "$text" in wanted:
        assert answer.text == wanted["$text"]
        if name == "download_416_already_complete":
            assert re.fullmatch(r"bytes \*/\d+", answer.headers["Content-Range"])
    elif name == "download_range_resume":
        assert re.fullmatch(r"bytes 40-\d+/\d+", answer.headers["Content-Range"])
    elif isinstance(wanted, dict) and "$binary_base64" in wanted:
        assert name in DIFFERENCES
        example, ours = unpacked(base64.b64decode(wanted["$binary_base64"])), unpacked(answer.content)
        assert sorted(ours) == sorted(example)
        if name != "download_gzip_headerless":
            assert ours[0] == example[0]
        if name == "download_zip_sep_header":
            assert ours == example
    else:
        got = comparable(answer.json(), client)
        assert (got != comparable(wanted, client)) == (name in DIFFERENCES)
        if name == "projects_page_2":
            del got["results"][1:]
        assert got == comparable(expected(exchange), client)


async def test_the_echoed_query_is_ordered_as_postgres_orders_it(client: Client) -> None:
    answer = await replay(client, BY_NAME["jobs_create_recommended"])
    example = BY_NAME["jobs_create_recommended"]["response"]["payload"]
    assert json.dumps(answer.json()["payload"]) == json.dumps(example)
