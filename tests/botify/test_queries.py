import json
import subprocess
from pathlib import Path

import pytest

from pipetui.botify import Project, Query, cost, count_call, export_call, link_graph, parse_project, query_call
from pipetui.botify.errors import (
    MEANINGS,
    Busy,
    Forbidden,
    NotFound,
    Rejected,
    ServerTrouble,
    Unauthorized,
    from_answer,
)
from pipetui.botify.models import Account, Analysis, ProjectInfo, RemoteJob, Rows, read_fields, search
from pipetui.botify.queries import canonical, columns

EXAMPLES = {
    example["name"]: example
    for example in json.loads((Path(__file__).parents[1] / "sandbox/data/examples.json").read_text("utf-8"))
}
ACME = Project("acme-org", "acme.com")
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def test_what_is_counted_is_what_is_exported() -> None:
    """Byte for byte."""
    query = link_graph(ACME, "20240301", 2)
    count, export = count_call(query), export_call(query, 1000, "marker")
    assert count.body == query.text
    assert f'"query":{query.text}' in export.body
    assert (count.path, export.path) == ("/projects/acme-org/acme.com/query?size=1&count", "/jobs")


def test_the_calls_are_those_of_the_contract() -> None:
    query = link_graph(ACME, "20240301", 2)
    asked = EXAMPLES["query_count_flag_exact_rows"]
    assert json.loads(count_call(query).body) == asked["request"]
    wanted = EXAMPLES["jobs_create_recommended"]["request"]
    sent = json.loads(export_call(query, 1_000_000, "botexp-7f3c9a1e").body)
    assert sent["payload"] == wanted["payload"]
    assert sent["job_type"] == "export"


def test_the_echo_of_a_query_is_the_same_query() -> None:
    query = link_graph(ACME, "20240301", 2)
    for name in ("jobs_create_recommended", "jobs_create_minimal", "jobs_get_done"):
        job = RemoteJob.read(EXAMPLES[name]["response"])
        assert job is not None
        assert job.query == canonical(query.body), name
    assert canonical(link_graph(ACME, "20240301", 3).body) != canonical(query.body)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"field": "x", "value": 1}, {"value": 1, "predicate": "eq", "field": "x"}),
        ({"dimensions": ["x"], "filters": {}, "sort": []}, {"dimensions": ["x"], "post_filters": None}),
        ({"dimensions": [{"field": "x"}]}, {"dimensions": ["x"]}),
    ],
)
def test_spellings_of_the_same(one: object, other: object) -> None:
    assert canonical(one) == canonical(other)


def test_order_and_emptiness_that_mean_something_stay() -> None:
    assert canonical({"dimensions": ["a", "b"]}) != canonical({"dimensions": ["b", "a"]})
    assert canonical({"metrics": [], "value": None}) == {"metrics": [], "value": None}


def test_the_hash_is_of_the_meaning_and_of_the_project() -> None:
    query = link_graph(ACME, "20240301", 2)
    turned = Query.from_json(json.loads(json.dumps(query.to_json(), sort_keys=True)))
    assert (turned, turned.hash) == (query, query.hash)
    assert link_graph(Project("acme-org", "other"), "20240301", 2).hash != query.hash


def test_filters_are_added() -> None:
    query = link_graph(ACME, "20240301", 2)
    more = query.where({"field": "url", "predicate": "contains", "value": "x"})
    assert more.body["query"]["filters"]["and"][0] == query.filters
    assert link_graph(ACME, "20240301").where(query.filters).filters == query.filters
    assert query.where() == query


def test_what_an_export_costs() -> None:
    assert cost(link_graph(ACME, "20240301"), 933_864) == 93_386.4
    assert cost(Query(ACME, ["crawl.20240301"], ["url"]), 10) == 10.0


def test_names_that_a_header_may_have() -> None:
    query = Query(
        ACME,
        ["search_console"],
        ["url"],
        ["search_console.period_0.count_clicks", {"function": "count", "args": ["url"]}],
    )
    assert columns(query) == [
        ("url", "search_console.url"),
        ("search_console.period_0.count_clicks", "count_clicks", "search_console.count_clicks"),
        (),
    ]


@pytest.mark.parametrize(
    ("text", "project", "analysis"),
    [
        ("https://app.botify.com/acme-org/acme.com/20240301-2/overview?x=1#y", ACME, "20240301-2"),
        ("https://app.botify.com/acme-org/acme.com", ACME, None),
        (" acme-org/acme.com/ ", ACME, None),
        ("app.botify.com/acme-org/acme.com/20240301", ACME, "20240301"),
        ("acme-org/acme%20shop", Project("acme-org", "acme shop"), None),
    ],
)
def test_how_a_project_is_named(text: str, project: Project, analysis: str | None) -> None:
    assert parse_project(text) == (project, analysis)


@pytest.mark.parametrize(
    "text", ["", "acme", "https://evil.example/a/b", "a/..", "a/b%2Fc", "ftp://app.botify.com/a/b", "a/\x00"]
)
def test_what_is_no_project(text: str) -> None:
    with pytest.raises(ValueError, match="project"):
        parse_project(text)


def test_path_segments_are_quoted() -> None:
    call = query_call(Query(Project("ü org", "a b&c"), ["global"], ["url"]))
    assert call.path.startswith("/projects/%C3%BC%20org/a%20b%26c/query?")


def test_curl_and_python_run_and_have_no_token(tmp_path: Path) -> None:
    """Both are really run, against nobody: what they are is parsed, not what they get."""
    call = export_call(link_graph(ACME, "20240301").where({"field": "url", "value": "it's `x` $HOME"}), 10, "m")
    shown = subprocess.run(
        ["bash", "-c", f"curl() {{ printf '%s\\0' \"$@\"; }}; {call.curl()}"], capture_output=True, env={}
    )
    arguments = shown.stdout.decode().split("\0")
    assert arguments[arguments.index("--data-raw") + 1] == call.body
    assert "Authorization: Token " in arguments
    assert "$BOTIFY_TOKEN" in call.curl()
    compile(call.python(), "call", "exec")
    assert repr(json.loads(call.body)) in call.python()


# -- answers


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("token_check_bad", Unauthorized),
        ("permission_denied", Forbidden),
        ("projects_unknown_user", NotFound),
        ("analysis_not_found", NotFound),
        ("analyses_project_not_found", NotFound),
        ("query_400_missing_dimensions", Rejected),
        ("query_400_field_does_not_exist", Rejected),
        ("query_400_too_big", Rejected),
        ("query_429", Busy),
        ("query_502_html", ServerTrouble),
        ("jobs_create_already_running", Rejected),
        ("jobs_create_export_size_too_big", Rejected),
        ("jobs_get_404", NotFound),
    ],
)
def test_errors_say_what_they_mean_and_what_to_do(name: str, error: type[Exception]) -> None:
    example = EXAMPLES[name]
    response = example["response"]
    body = response["$text"] if "$text" in response else json.dumps(response)
    found = from_answer(example["status"], body.encode(), TOKEN)
    assert type(found) is error
    code = "" if "$text" in response else response["error"]["error_code"]
    assert found.code == code
    if code:
        assert f"(error {code})" in str(found)
        assert str(found).endswith(MEANINGS[code][1])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"detail": "Invalid token."}', "Invalid token"),
        (b'{"payload": ["This field is required."]}', "payload: This field is required"),
        (b'{"error": "nope"}', "nope"),
        (b"", "status 400"),
        (b"\xff\xfe", "status 400"),
        (b"[" * 100_000, "status 400"),
        (b'{"error": {"message": null, "error_code": 1020, "error_detail": [[[[[[[[1]]]]]]]]}}', "error 1020"),
        (json.dumps({"detail": f"bad {TOKEN} here" + "x" * 1000}).encode(), "bad [token] here"),
    ],
)
def test_every_shape_of_an_error(body: bytes, said: str) -> None:
    error = from_answer(400, body, TOKEN)
    assert said in str(error)
    assert TOKEN not in str(error)
    assert len(str(error)) < 600


def test_every_error_number_has_a_way_on() -> None:
    for meaning, advice in MEANINGS.values():
        assert meaning.endswith(".")
        assert advice.endswith(".")


def test_models_take_the_examples() -> None:
    assert Account.read(EXAMPLES["token_check_ok"]["response"]) == Account(
        "ada.lovelace", "Ada Lovelace", "ada@example.com"
    )
    for name in ("projects_page_1", "projects_page_2"):
        for item in EXAMPLES[name]["response"]["results"]:
            info = ProjectInfo.read(item, "ada.lovelace")
            assert info is not None
            assert info.project.org in ("acme-org", "ada.lovelace", "globex-org", "globex"), info
    analysis = Analysis.read(EXAMPLES["analysis_detail"]["response"])
    assert analysis is not None
    assert (analysis.links_graph, analysis.export_limit, analysis.ready) == (True, 100_000, True)
    fields = read_fields(EXAMPLES["collection_detail"]["response"], "crawl.20240301")
    assert fields is not None
    assert [field.full for field in search(fields, "outlinks graph")] == ["crawl.20240301.outlinks_internal.graph.url"]
    assert next(field.full for field in fields if field.id == "url") == "url"
    counted = Rows.read(EXAMPLES["query_count_flag_exact_rows"]["response"])
    assert counted is not None
    assert counted.count == 9
    failed = RemoteJob.read(EXAMPLES["jobs_get_failed_with_error"]["response"])
    assert failed is not None
    assert (failed.failed, failed.reason, failed.code) == (True, "The export failed", "1060")


@pytest.mark.parametrize(
    "junk", [None, [], 1, "x", {}, {"data": None}, {"results": 3}, {"job_id": True}, {"job_id": "../x"}]
)
def test_junk_is_no_model(junk: object) -> None:
    for read in (Account.read, Analysis.read, RemoteJob.read, Rows.read):
        assert read(junk) is None
    assert ProjectInfo.read(junk, "x") is None
    assert read_fields(junk, "x") is None


@pytest.mark.parametrize(
    ("data", "org"),
    [
        ({"user": {"login": "a"}, "organization": {"slug": "b"}}, "a"),
        ({"user": {"username": "a"}}, "a"),
        ({"organization": {"slug": "b"}}, "b"),
        ({"organization": {"owner": {"username": "c"}}}, "c"),
        ({"url": "https://app.botify.com/d/x/"}, "d"),
        ({}, "me"),
    ],
)
def test_a_projects_owner_in_every_shape(data: dict[str, object], org: str) -> None:
    info = ProjectInfo.read({"slug": "x"} | data, "me")
    assert info is not None
    assert info.project.org == org
