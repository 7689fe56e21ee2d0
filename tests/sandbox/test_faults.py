"""Every fault and every setting: what the asker gets, and what the service has done by then."""

from __future__ import annotations

import asyncio
import dataclasses
import gzip
import hashlib
import io
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from pipetui.sandbox import KINDS, Settings

from .conftest import CRAWL, Client, edges, order

Check = Callable[[Client], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def check(work: Check) -> Check:
    """Of the fault or setting that bears its name."""
    CHECKS[work.__name__] = work
    return work


async def profile(client: Client) -> httpx.Response:
    return await client.api("GET", "/v1/authentication/profile")


async def refused(client: Client, fault: str, expected: int, **options: object) -> httpx.Response:
    """What the first of two requests gets; the second is answered."""
    client.sandbox.fault(fault, **options)
    first, second = await profile(client), await profile(client)
    assert (first.status_code, second.status_code) == (expected, 200)
    return first


async def job(client: Client, **payload: Any) -> dict[str, Any]:
    return await client.create(order(edges(), **payload))


async def whole(client: Client, **payload: Any) -> tuple[str, bytes]:
    url = await client.link(order(edges(), **payload))
    answer = await client.file(url)
    assert answer.status_code == 200
    return url, answer.content


# Faults at the API


@check
async def drop(client: Client) -> None:
    client.sandbox.fault("drop")
    with pytest.raises(httpx.ReadError):
        await client.api("POST", "/v1/jobs", json=order(edges()))
    assert client.sandbox.state()["jobs_created"] == client.sandbox.state()["job_posts"] == 0


@check
async def lost_response(client: Client) -> None:
    client.sandbox.fault("lost_response")
    with pytest.raises(httpx.ReadError):
        await client.api("POST", "/v1/jobs", json=order(edges(), export_job_name="marker-1"))
    (made,) = client.sandbox.state()["jobs"]
    assert made["marker"] == "marker-1" and made["credits"] == 200
    (listed,) = (await client.get("/v1/jobs"))["results"]
    assert listed["payload"]["export_job_name"] == "marker-1"


@check
async def slow(client: Client) -> None:
    client.sandbox.fault("slow", seconds=30, route="create_job")
    with pytest.raises(httpx.ReadTimeout):
        await client.api("POST", "/v1/jobs", json=order(edges()), timeout=0.3)
    assert client.sandbox.state()["jobs_created"] == 1


@check
async def too_many(client: Client) -> None:
    answer = await refused(client, "too_many", 429)
    assert answer.json()["error"]["error_code"] == "1053" and "Retry-After" not in answer.headers


@check
async def server_error(client: Client) -> None:
    assert (await refused(client, "server_error", 500)).json()["error"]["error_code"] == "1000"


@check
async def bad_gateway(client: Client) -> None:
    assert "504 Gateway" in (await refused(client, "bad_gateway", 504, status=504)).text


@check
async def no_body(client: Client) -> None:
    assert (await refused(client, "no_body", 503)).content == b""


@check
async def other_envelope(client: Client) -> None:
    assert (await refused(client, "other_envelope", 401)).json() == {"detail": "Invalid token."}


@check
async def refuse(client: Client) -> None:
    answer = await refused(client, "refuse", 409, code="1058", status=409)
    assert answer.json()["error"]["error_code"] == "1058"


@check
async def malformed(client: Client) -> None:
    client.sandbox.fault("malformed", route="create_job")
    answer = await client.api("POST", "/v1/jobs", json=order(edges()))
    assert answer.status_code == 201 and client.sandbox.state()["jobs_created"] == 1
    with pytest.raises(ValueError):
        answer.json()


@check
async def login_page(client: Client) -> None:
    assert (await refused(client, "login_page", 200)).headers["Content-Type"].startswith("text/html")


@check
async def drip(client: Client) -> None:
    client.sandbox.fault("drip", rate=1_000)
    request = client.http.build_request(
        "GET", client.sandbox.api_url + "/v1/authentication/profile", headers={"Authorization": f"Token {client.token}"}
    )
    answer = await client.http.send(request, stream=True)
    pieces = [piece async for piece in answer.aiter_raw()]
    await answer.aclose()
    assert len(pieces) > 1 and b"ada.lovelace" in b"".join(pieces)


# Faults of jobs


@check
async def job_fails(client: Client) -> None:
    client.sandbox.fault("job_fails")
    ended = await client.ended((await job(client))["job_id"])
    assert ended["job_status"] == "FAILED" and "error" not in ended and ended["results"] is None


@check
async def job_fails_with_error(client: Client) -> None:
    client.sandbox.fault("job_fails_with_error", code="1037")
    ended = await client.ended((await job(client))["job_id"])
    assert ended["error"]["error_code"] == "1037"


@check
async def job_without_results(client: Client) -> None:
    client.sandbox.fault("job_without_results")
    ended = await client.ended((await job(client))["job_id"])
    assert ended["job_status"] == "DONE" and ended["results"] is None


@check
async def job_unknown_status(client: Client) -> None:
    client.sandbox.fault("job_unknown_status", state="PAUSED")
    assert (await job(client))["job_status"] == "PAUSED"


@check
async def job_hangs(client: Client) -> None:
    client.sandbox.fault("job_hangs", first=2)
    first, second = await job(client), await job(client)
    await client.ended(first["job_id"])
    assert (await client.get(second["job_url"]))["job_status"] == "PROCESSING"


# Faults at the download host


async def broken_off(client: Client, fault: str, **options: object) -> tuple[bytes, bytes]:
    """What arrived, and what should have."""
    url, good = await whole(client)
    client.sandbox.fault(fault, **options)
    got = b""
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        async with client.http.stream("GET", url) as answer:
            assert int(answer.headers["Content-Length"]) == len(good)
            async for chunk in answer.aiter_raw():
                got += chunk
    return got, good


@check
async def truncated(client: Client) -> None:
    got, good = await broken_off(client, "truncated", share=0.25)
    assert got == good[: len(good) // 4]


@check
async def reset(client: Client) -> None:
    got, good = await broken_off(client, "reset")
    assert len(got) < len(good) and good.startswith(got)


@check
async def corrupt(client: Client) -> None:
    url, good = await whole(client)
    client.sandbox.fault("corrupt")
    bad = (await client.file(url)).content
    assert sum(one != other for one, other in zip(bad, good, strict=True)) == 1
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(bad)


@check
async def empty_file(client: Client) -> None:
    client.sandbox.fault("empty_file")
    assert (await whole(client))[1] == b""


@check
async def html_file(client: Client) -> None:
    client.sandbox.fault("html_file")
    assert (await whole(client))[1].startswith(b"<!doctype html>")


@check
async def expired(client: Client) -> None:
    url, _ = await whole(client)
    client.sandbox.fault("expired", status=410)
    answer = await client.file(url)
    assert answer.status_code == 410 and b"AccessDenied" in answer.content
    assert (await client.file(url)).status_code == 200


@check
async def changed_file(client: Client) -> None:
    url, good = await whole(client)
    etag = (await client.file(url)).headers["ETag"]
    client.sandbox.fault("changed_file")
    again = await client.file(url, Range="bytes=10-", If_Range=etag)
    assert again.status_code == 200 and again.content == good and again.headers["ETag"] != etag


@check
async def wrong_range(client: Client) -> None:
    url, good = await whole(client)
    client.sandbox.fault("wrong_range")
    answer = await client.file(url, Range="bytes=100-")
    assert answer.status_code == 206 and answer.headers["Content-Range"].startswith("bytes 0-")
    assert answer.content == good[: len(good) - 100]


@check
async def file_drip(client: Client) -> None:
    url, good = await whole(client)
    client.sandbox.fault("file_drip", rate=2_000_000)
    assert (await client.file(url)).content == good


@check
async def file_error(client: Client) -> None:
    url, _ = await whole(client)
    client.sandbox.fault("file_error")
    assert (await client.file(url)).status_code == 503


# Settings


@check
async def rate(client: Client) -> None:
    client.sandbox.set(rate=5)
    answers = [await profile(client) for _ in range(7)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:5] == [200] * 5 and 429 in statuses
    assert client.sandbox.state()["most_requests_in_a_second"] >= 6


@check
async def daily_exports(client: Client) -> None:
    client.sandbox.set(daily_exports=1)
    await job(client)
    second = await client.api("POST", "/v1/jobs", json=order(edges()))
    assert second.status_code == 429 and client.sandbox.state()["jobs_created"] == 1


@check
async def export_cap(client: Client) -> None:
    client.sandbox.set(export_cap=10)
    assert (await client.api("POST", "/v1/jobs", json=order(edges()))).status_code == 400
    detail = await client.get("/v1/analyses/acme-org/acme-shop.example/20240601")
    assert detail["config"]["export_limit"] == 10
    made = await job(client, export_size=10)
    await client.ended(made["job_id"])
    (state,) = client.sandbox.state()["jobs"]
    assert (state["rows"], state["credits"]) == (10, 1.0)


@check
async def created(client: Client) -> None:
    client.sandbox.set(created=999)
    assert (await job(client))["job_status"] == "CREATED"


@check
async def processing(client: Client) -> None:
    client.sandbox.set(processing=999)
    assert (await job(client))["job_status"] == "PROCESSING"


@check
async def created_status(client: Client) -> None:
    client.sandbox.set(created_status=200)
    assert (await client.api("POST", "/v1/jobs", json=order(edges()))).status_code == 200


@check
async def charge_at(client: Client) -> None:
    client.sandbox.set(charge_at="done", processing=999)
    await job(client)
    assert client.sandbox.state()["credits"] == 0
    client.sandbox.set(processing=0)
    await client.ended((await job(client))["job_id"])
    assert client.sandbox.state()["credits"] == 200


@check
async def refund_failed(client: Client) -> None:
    client.sandbox.fault("job_fails", times=2)
    await job(client)
    assert client.sandbox.state()["credits"] == 200
    client.sandbox.set(refund_failed=True)
    await job(client)
    assert client.sandbox.state()["credits"] == 200


@check
async def accept_invalid(client: Client) -> None:
    client.sandbox.set(accept_invalid=True)
    wrong = edges(field=f"{CRAWL}.nope", value=1)
    ended = await client.ended((await client.create(order(wrong)))["job_id"])
    assert ended["job_status"] == "FAILED" and client.sandbox.state()["credits"] == 0
    reason = await client.api("POST", "/v1/projects/acme-org/acme-shop.example/query", json=wrong)
    assert reason.json()["error"]["error_code"] == "1029"


@check
async def echo_marker(client: Client) -> None:
    client.sandbox.set(echo_marker=False)
    made = await client.create(order(edges(), export_job_name="mine") | {"metadata": {"marker": "mine"}})
    assert made["payload"]["export_job_name"] is None and made["metadata"] is None
    (state,) = client.sandbox.state()["jobs"]
    assert (state["marker"], state["metadata"]) == ("mine", {"marker": "mine"})


@check
async def colleague(client: Client) -> None:
    client.sandbox.set(colleague=True)
    made = await job(client, export_job_name="mine")
    mine, other = (await client.get("/v1/jobs"))["results"]
    assert (mine["job_id"], mine["user"], other["user"]) == (made["job_id"], "ada.lovelace", "grace.hopper")
    assert mine["payload"]["query"] == other["payload"]["query"] and other["payload"]["export_job_name"] is None
    state = client.sandbox.state()
    assert (state["jobs_created"], state["credits"]) == (1, 200)


@check
async def list_lag(client: Client) -> None:
    client.sandbox.set(list_lag=999)
    made = await job(client)
    assert (await client.get("/v1/jobs"))["count"] == 0
    assert (await client.get(made["job_url"]))["job_id"] == made["job_id"]
    client.sandbox.set(list_lag=0)
    assert (await client.get("/v1/jobs"))["count"] == 1


@check
async def list_order(client: Client) -> None:
    ids = [(await job(client))["job_id"] for _ in range(3)]
    assert [each["job_id"] for each in (await client.get("/v1/jobs"))["results"]] == ids[::-1]
    client.sandbox.set(list_order="oldest")
    assert [each["job_id"] for each in (await client.get("/v1/jobs"))["results"]] == ids


@check
async def list_cap(client: Client) -> None:
    client.sandbox.set(list_cap=2)
    url, seen = "/v1/projects/ada.lovelace?size=100", []
    while url:
        page = await client.get(url.removeprefix(client.sandbox.api_url))
        assert page["size"] == 2
        seen += [project["slug"] for project in page["results"]]
        url = page["next"]
    assert len(seen) == len(set(seen)) == page["count"] == 5


@check
async def list_links(client: Client) -> None:
    client.sandbox.set(list_links=False)
    page = await client.get("/v1/projects/ada.lovelace", size=1)
    assert page["count"] == 5 and not {"next", "previous"} & set(page)


@check
async def owner_shape(client: Client) -> None:
    for shape, keys in {"user": {"user"}, "organization": {"organization"}}.items():
        client.sandbox.set(owner_shape=shape)
        (project, *_) = (await client.get("/v1/projects/ada.lovelace"))["results"]
        assert {"user", "organization"} & set(project) == keys


@check
async def clamp_size(client: Client) -> None:
    path = "/v1/projects/acme-org/acme-shop.example/query?size=5000"
    assert (await client.api("POST", path, json=edges())).status_code == 400
    client.sandbox.set(clamp_size=True)
    answer = (await client.api("POST", path, json=edges())).json()
    assert answer["size"] == len(answer["results"]) == 2_000


@check
async def link_life(client: Client) -> None:
    client.sandbox.set(link_life=0.000_001)
    made = await job(client)
    first = (await client.ended(made["job_id"]))["results"]["download_url"]
    assert (await client.file(first)).status_code == 403
    client.sandbox.set(link_life=60)
    second = (await client.get(made["job_url"]))["results"]["download_url"]
    assert first != second and (await client.file(second)).status_code == 200
    assert (await client.file(first)).status_code == 403


@check
async def fresh_links(client: Client) -> None:
    client.sandbox.set(link_life=0.000_001, fresh_links=False)
    made = await job(client)
    first = (await client.ended(made["job_id"]))["results"]
    assert (await client.get(made["job_url"]))["results"] == first


@check
async def content_type(client: Client) -> None:
    url, _ = await whole(client)
    assert (await client.file(url)).headers["Content-Type"] == "application/gzip"
    client.sandbox.set(content_type="application/octet-stream")
    assert (await client.file(url)).headers["Content-Type"] == "application/octet-stream"


@check
async def content_encoding(client: Client) -> None:
    """A client that decodes by itself gets the CSV, and fewer or more bytes than Content-Length says."""
    url, good = await whole(client)
    client.sandbox.set(content_encoding=True)
    answer = await client.http.get(url)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.content == gzip.decompress(good) and int(answer.headers["Content-Length"]) == len(good)


@check
async def ranges(client: Client) -> None:
    client.sandbox.set(ranges=False)
    url, good = await whole(client)
    answer = await client.file(url, Range="bytes=10-")
    assert answer.status_code == 200 and answer.content == good and "Accept-Ranges" not in answer.headers


@check
async def file_length(client: Client) -> None:
    client.sandbox.set(file_length=False)
    url, good = await whole(client)
    async with client.http.stream("GET", url) as answer:
        assert "Content-Length" not in answer.headers and b"".join([c async for c in answer.aiter_raw()]) == good


@check
async def file_rate(client: Client) -> None:
    client.sandbox.set(file_rate=100)
    url = await client.link(order(edges()))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await client.file(url)


@check
async def byte_order_mark(client: Client) -> None:
    client.sandbox.set(byte_order_mark=True)
    assert gzip.decompress((await whole(client))[1]).startswith(b"\xef\xbb\xbfhttps://")


@check
async def windows_lines(client: Client) -> None:
    client.sandbox.set(windows_lines=True)
    text = gzip.decompress((await whole(client))[1])
    assert text.count(b"\r\n") == text.count(b"\n") == 2_000


@check
async def member_rows(client: Client) -> None:
    _, one = await whole(client)
    client.sandbox.set(member_rows=700)
    _, several = await whole(client)
    assert gzip.decompress(several) == gzip.decompress(one)
    first = zlib.decompressobj(wbits=31)
    assert first.decompress(several).count(b"\n") == 700 and first.unused_data
    with gzip.GzipFile(fileobj=io.BytesIO(several)) as file:
        assert sum(1 for _ in file) == 2_000


@check
async def missing_rows(client: Client) -> None:
    client.sandbox.set(missing_rows=3)
    _, short = await whole(client)
    assert gzip.decompress(short).count(b"\n") == 1_997 and await client.count(edges()) == 2_000


@pytest.mark.parametrize("name", CHECKS)
async def test_knob(client: Client, name: str) -> None:
    await CHECKS[name](client)


def test_every_fault_and_setting_is_checked() -> None:
    assert set(CHECKS) == set(KINDS) | {setting.name for setting in dataclasses.fields(Settings)}


async def test_faults_strike_the_nth_request_of_their_route(client: Client) -> None:
    client.sandbox.parse_fault("server_error:route=collections,first=2,times=2")
    statuses = []
    for _ in range(4):
        assert (await profile(client)).status_code == 200
        answer = await client.api("GET", "/v1/projects/acme-org/acme.com/collections")
        statuses.append(answer.status_code)
    assert statuses == [200, 500, 500, 200]


async def test_faults_can_hold_until_they_are_healed(client: Client) -> None:
    client.sandbox.fault("bad_gateway", times=0)
    assert [(await profile(client)).status_code for _ in range(3)] == [502] * 3
    client.sandbox.heal()
    assert (await profile(client)).status_code == 200


def control(client: Client, method: str, what: str, **more: Any) -> Awaitable[httpx.Response]:
    return client.http.request(method, f"{client.sandbox.api_url}/_sandbox/{what}", **more)


async def test_the_control_endpoint_sets_shows_and_clears(client: Client) -> None:
    known = (await control(client, "GET", "knobs")).json()
    assert set(known["faults"]) == set(KINDS) and known["settings"]["rate"] == 5
    await control(client, "POST", "faults", json={"name": "server_error", "times": 2})
    await control(client, "POST", "settings", json={"list_lag": 3})
    assert (await profile(client)).status_code == 500
    await control(client, "DELETE", "faults")
    assert (await profile(client)).status_code == 200
    state = (await control(client, "GET", "state")).json()
    assert state["settings"]["list_lag"] == 3
    assert [(entry["route"], entry["fault"]) for entry in state["requests"]] == [
        ("profile", "server_error"), ("profile", ""),
    ]  # fmt: skip
    await control(client, "DELETE", "requests")
    assert (await control(client, "GET", "state")).json()["requests"] == []


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("faults", {"name": "nope"}),
        ("faults", {"name": "slow", "status": 3}),
        ("faults", {"name": "slow", "seconds": "soon"}),
        ("settings", {"nope": 1}),
        ("settings", {"ranges": "perhaps"}),
        ("settings", []),
    ],
)
async def test_the_control_endpoint_refuses_what_it_does_not_know(client: Client, what: str, body: object) -> None:
    answer = await control(client, "POST", what, json=body)
    assert answer.status_code == 400 and answer.json()["error"]


async def test_the_state_never_has_a_token_in_its_requests(client: Client) -> None:
    await profile(client)
    url = await client.link(order(edges()))
    await client.file(url)
    assert client.sandbox.state()["tokens_at_files"] == 0
    await client.file(url, Authorization=f"Token {client.token}")
    state = client.sandbox.state()
    assert state["tokens_at_files"] == 1
    assert client.token not in str(state["requests"])
    assert [entry["authorization"] for entry in state["requests"] if entry["host"] == "files"] == [False, True]


async def test_the_state_has_the_checksum_of_the_csv(client: Client) -> None:
    _, packed = await whole(client)
    (made,) = client.sandbox.state()["jobs"]
    assert made["sha256"] == hashlib.sha256(gzip.decompress(packed)).hexdigest() and made["size"] == len(packed)
