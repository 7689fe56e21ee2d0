"""The hosts: who may ask, what things cost, how files come, and the command."""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import sys

import httpx
import pytest

from pipetui.sandbox import Sandbox
from pipetui.sandbox.site import BIG, PRODUCTS, REDIRECTS

from ..commands.conftest import Say, home, say
from .conftest import CRAWL, QUICK, SHOP, Client, edges, order

__all__ = ["home", "say"]  # fixtures

PAGES = {"collections": [CRAWL], "query": {"dimensions": ["url"], "metrics": []}}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["error_code"]


async def test_who_may_see_what(client: Client) -> None:
    slugs = [project["slug"] for project in (await client.get("/v1/projects/ada.lovelace"))["results"]]
    assert {"acme.com", "acme-shop.example", "blog.example", "globex.example"} < set(slugs)
    client.token = "89abcdef0123456789abcdef0123456789abcdef"
    seen = (await client.get("/v1/projects/grace.hopper"))["results"]
    assert {project["organization"]["slug"] for project in seen} == {"globex-org"}
    assert code(await client.api("GET", f"{SHOP}/collections")) == (403, "1002")
    assert code(await client.api("POST", "/v1/jobs", json=order(edges()))) == (403, "1002")
    client.token = "nobody's"
    assert code(await client.api("GET", f"{SHOP}/collections")) == (401, "1001")


async def test_analyses_that_are_not_what_one_wants(client: Client) -> None:
    path = "/v1/analyses/acme-org/acme-shop.example"
    listed = (await client.get(f"{path}/light"))["results"]
    slugs = [analysis["slug"] for analysis in listed]
    assert slugs == ["20240601", "20240501-2", "20240501", "20240401", "20230601"]
    assert len((await client.get(f"{path}/light", only_success="false"))["results"]) == 6
    assert listed[-1]["to_be_deleted_at"] and code(await client.api("GET", f"{path}/20230601")) == (404, "1004")
    graphs = {slug: (await client.get(f"{path}/{slug}"))["features"]["links"]["links_graph"] for slug in slugs[:4]}
    assert graphs == {"20240601": True, "20240501-2": True, "20240501": True, "20240401": False}


async def test_collections_where_they_exist(client: Client) -> None:
    async def ids(project: str) -> set[str]:
        return {each["id"] for each in await client.get(f"/v1/projects/{project}/collections")}

    assert {"search_console", "logs"} < await ids("acme-org/acme-shop.example")
    assert not {"search_console", "logs"} & await ids("ada.lovelace/blog.example")
    assert await ids("globex-org/globex-docs.example") == set()
    fields = (await client.get(f"{SHOP}/collections/logs"))["datasets"][0]["fields"]
    assert {"url", "crawls.google.count"} <= {field["id"] for field in fields}


async def test_paths_and_methods_that_are_not_there(client: Client) -> None:
    assert (await client.api("GET", "/v1/v1/jobs")).status_code == 404
    assert code(await client.api("DELETE", "/v1/jobs")) == (405, "1039")
    assert code(await client.api("POST", f"{SHOP}/query", content=b"{")) == (400, "1020")
    assert (await client.http.post(client.sandbox.files_url + "/x")).status_code == 405


async def test_what_is_spent(client: Client) -> None:
    for body, size in ((edges(), 2_000), (edges(), 15), (PAGES, 30), (PAGES, 1_000_000)):
        await client.create(order(body, export_size=size))
    assert [job["credits"] for job in client.sandbox.state()["jobs"]] == [200.0, 1.5, 30.0, 200.0]
    assert client.sandbox.state()["credits"] == 431.5
    refused = await client.api("POST", "/v1/jobs", json=order(edges(field="nope", value=1)))
    assert refused.status_code == 400
    state = client.sandbox.state()
    assert (state["credits"], state["jobs_created"], state["job_posts"]) == (431.5, 4, 5)


async def test_logs_that_are_listed_and_cannot_be_exported(client: Client) -> None:
    query = {"fields": ["url", "crawls.google.count"], "filters": {}, "sort": []}
    dates = {"date_start": "2024-05-01", "date_end": "2024-05-10"}
    body = order(query, **dates) | {"job_type": "logs_urls_export"}
    assert (await client.ended((await client.create(body))["job_id"]))["job_status"] == "DONE"
    body["payload"] |= {"username": "globex-org", "project": "globex.example"}
    assert (await client.ended((await client.create(body))["job_id"]))["job_status"] == "FAILED"


@pytest.mark.parametrize(
    ("config", "first"),
    [
        ({}, None),
        ({"print_header": True}, "Full URL,Internal Outlinks"),
        ({"print_header": True, "header_format": "slug"}, "url,outlinks_internal.graph.url"),
        ({"print_header": True, "header_format": "collection_slug"}, f"url,{CRAWL}.outlinks_internal.graph.url"),
        ({"print_delimiter": True, "delimiter": ";"}, "sep=;"),
        ({"print_header": True, "prepend_columns": [{"value": "1", "name": "One", "slug": "one"}],
          "header_format": "slug"}, "one,url,outlinks_internal.graph.url"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_csv_layouts(client: Client, config: dict[str, object], first: str | None, compression: str) -> None:
    body = order(edges(), formatter_config=config, extra_config={"compression": compression})
    content = (await client.file(await client.link(body))).content
    lines = (gzip.decompress(content) if compression == "gzip" else content).decode().splitlines()
    assert len(lines) == 2_000 + (first is not None)
    if first is None:
        assert lines[0].startswith("https://www.acme-shop.example/,https://")
    else:
        assert lines[0] == first


async def test_ranges(client: Client) -> None:
    url = await client.link(order(edges()))
    whole = await client.file(url)
    etag, size = whole.headers["ETag"], len(whole.content)
    for asked, start, end in (("100-", 100, size), ("0-9", 0, 10), ("-20", size - 20, size), ("5-99999999", 5, size)):
        part = await client.file(url, Range=f"bytes={asked}", If_Range=etag)
        assert part.status_code == 206 and part.content == whole.content[start:end]
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    for ignored in ("bytes=1-2,5-6", "bytes=9-3", "lines=1-"):
        assert (await client.file(url, Range=ignored)).content == whole.content
    assert (await client.file(url, Range="bytes=5-", If_Range='"old"')).status_code == 200
    assert (await client.file(url, Range=f"bytes={size}-")).status_code == 416
    head = await client.http.head(url)
    assert head.headers["Content-Length"] == str(size) and head.content == b""
    assert (await client.file(client.sandbox.files_url + "/collection_exports/guess")).status_code == 403


async def test_fast_by_default_and_on_a_clock() -> None:
    now = 0.0
    async with Sandbox(links=400, rate=0, clock=lambda: now) as sandbox, httpx.AsyncClient(verify=False) as http:
        client = Client(sandbox, http)
        made = await client.create(order(edges()))
        assert made["job_status"] == "CREATED"
        now = 0.25
        assert (await client.get(made["job_url"]))["job_status"] == "PROCESSING"
        now = 0.5
        assert (await client.ended(made["job_id"]))["job_status"] == "DONE"


async def test_the_rate_is_counted_over_a_second() -> None:
    now = 0.0
    async with Sandbox(links=400, clock=lambda: now) as sandbox, httpx.AsyncClient(verify=False) as http:
        client = Client(sandbox, http)
        for _ in range(5):
            await client.get("/v1/jobs")
            now += 0.1
        assert code(await client.api("GET", "/v1/jobs")) == (429, "1053")
        now = 1.45
        await client.get("/v1/jobs")
        assert sandbox.state()["most_requests_in_a_second"] == 6


async def test_many_connections_at_once_and_a_stop_in_the_middle() -> None:
    async with Sandbox(links=400, file_rate=10, **QUICK) as sandbox, httpx.AsyncClient(verify=False) as http:
        client = Client(sandbox, http)
        answers = await asyncio.gather(*(client.get("/v1/authentication/profile") for _ in range(50)))
        assert len(answers) == 50
        url = await client.link(order(edges()))
        download = asyncio.create_task(client.file(url))
        while not any(entry["host"] == "files" and entry["status"] for entry in sandbox.state()["requests"]):
            await asyncio.sleep(0.001)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await download


async def test_what_is_no_http_is_hung_up_on(client: Client) -> None:
    port = int(client.sandbox.api_url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x16\x03\x01 hello\r\n\r\n")
    assert await reader.read() == b""
    writer.close()
    await client.get("/v1/authentication/profile")


# The web site


async def test_the_site_is_whole(client: Client) -> None:
    site = client.sandbox.site_url
    home = (await client.http.get(site + "/")).text
    linked = {part.split('"')[0] for part in home.split('<a href="')[1:]}
    assert len(linked) >= 60 and "/orphan" not in linked
    expected = {"/gone-missing": 404, "/gone": 410, "/server-error": 500, "/unavailable": 503} | {
        path: status for path, (status, _) in REDIRECTS.items()
    }
    for path in sorted(linked - {"/hostile/slow", "/hostile/bomb"}):
        answer = await client.http.get(site + path)
        assert answer.status_code == expected.get(path, 200), path
    assert (await client.http.get(site + "/orphan")).status_code == 200


async def test_findings_on_the_site(client: Client) -> None:
    async def text(path: str) -> str:
        return (await client.http.get(client.sandbox.site_url + path)).text

    assert "Disallow: /private/" in await text("/robots.txt")
    assert (await text("/sitemap.xml")).count("<loc>") >= 55
    assert await text("/same-title-1") != await text("/same-title-2")
    assert "<title>" not in await text("/no-title")
    assert 'content="noindex, follow"' in await text("/noindex")
    assert (await client.http.get(client.sandbox.site_url + "/noindex-header")).headers["X-Robots-Tag"] == "noindex"
    assert f'canonical" href="{client.sandbox.site_url}/product/kettle"' in await text("/canonical-elsewhere")
    assert (await text("/de/")).count("hreflang=") == 4 and (await text("/fr/")).count("hreflang=") == 1
    assert json.loads((await text(f"/product/{PRODUCTS[0].lower()}")).split('ld+json">')[1].split("</script>")[0])
    assert "\x1b[31m" in await text("/hostile/escape-title")
    assert len(await text("/hostile/big")) == BIG


async def test_redirects_on_the_site(client: Client) -> None:
    answer = await client.http.get(client.sandbox.site_url + "/old", follow_redirects=True)
    assert [step.status_code for step in answer.history] == [301, 302, 308] and "Kettle" in answer.text
    with pytest.raises(httpx.TooManyRedirects):
        await client.http.get(client.sandbox.site_url + "/loop", follow_redirects=True)


async def test_the_slow_page_comes_in_pieces(client: Client) -> None:
    pieces = 0
    async with client.http.stream("GET", client.sandbox.site_url + "/hostile/slow") as answer:
        async for _ in answer.aiter_raw():
            pieces += 1
            if pieces == 3:
                break
    assert pieces == 3


# The command


@pytest.mark.parametrize("ends", [signal.SIGINT, signal.SIGTERM])
async def test_the_command_prints_one_line_and_ends_cleanly(ends: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipetui", "sandbox", "--json", "--seed", "5", "--links", "400",
        "--fault", "server_error", "--set", "created=0", "--set", "processing=0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    addresses = json.loads(await process.stdout.readline())
    async with httpx.AsyncClient(verify=False, headers={"Authorization": f"Token {addresses['token']}"}) as http:
        profile = addresses["api_url"] + "/v1/authentication/profile"
        assert [(await http.get(profile)).status_code for _ in range(2)] == [500, 200]
        assert (await http.get(addresses["site_url"] + "/")).status_code == 200
        assert (await http.get(addresses["api_url"] + "/_sandbox/state")).json()["seed"] == 5
        process.send_signal(ends)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (0, b"", b"")


def test_the_command_lists_its_knobs_and_refuses_unknown_ones(say: Say) -> None:
    listed = say("sandbox", "--knobs")
    assert listed.code == 0 and "lost_response" in listed.out and "list_lag" in listed.out
    for wrong in (["--fault", "nope"], ["--fault", "slow:nope=1"], ["--set", "nope=1"], ["--links", "3"]):
        assert say("sandbox", *wrong).code == 2


async def test_a_port_that_is_taken_is_said_in_a_sentence(client: Client) -> None:
    port = client.sandbox.api_url.rsplit(":", 1)[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipetui", "sandbox", "--port", port, stderr=asyncio.subprocess.PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == 1 and b"another --port" in err and b"Traceback" not in err
