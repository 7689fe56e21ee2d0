"""Commands as they are typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipetui.actions import ACTIONS, checked
from pipetui.actions.names import Name
from pipetui.actions.slash import APP, EXAMPLES, complete, example, is_command, overview, parse, spoken, usage
from pipetui.engine.fields import Invalid


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("/tasks", "tasks_list", {}),
        ("/tasks list milk", "tasks_list", {"text": "milk"}),
        ("/tasks list done=no", "tasks_list", {"done": False}),
        ("/tasks add buy milk priority=2", "tasks_insert", {"text": "buy milk", "priority": 2, "done": False}),
        ("/task add priority=2 buy  milk", "tasks_insert", {"text": "buy  milk", "priority": 2, "done": False}),
        ('/tasks add "priority=2"', "tasks_insert", {"text": "priority=2", "priority": 0, "done": False}),
        ("/tasks add don't say \"no\"", "tasks_insert", {"text": "don't say \"no\"", "priority": 0, "done": False}),
        ("/tasks add look at https://a/?x=1&y=2", "tasks_insert",
         {"text": "look at https://a/?x=1&y=2", "priority": 0, "done": False}),
        ("/tasks add solve x=1", "tasks_insert", {"text": "solve x=1", "priority": 0, "done": False}),
        ("/TASKS INSERT Buy", "tasks_insert", {"text": "Buy", "priority": 0, "done": False}),
        ("/tasks_insert Buy", "tasks_insert", {"text": "Buy", "priority": 0, "done": False}),
        ("/tasks edit 3 buy oat milk", "tasks_update", {"id": 3, "text": "buy oat milk"}),
        ("/tasks edit 3 priority=1", "tasks_update", {"id": 3, "priority": 1}),
        ("/tasks done 3", "tasks_toggle", {"id": 3}),
        ("/tasks sort 3 1", "tasks_sort", {"id": 3, "position": 1}),
        ("/profiles sort Acme Ltd 2", "profiles_sort", {"profile": "Acme Ltd", "position": 2}),
        ('/profiles edit acme name="Acme Ltd"', "profiles_update", {"profile": "acme", "name": "Acme Ltd"}),
        ("/profiles active acme", "profiles_toggle", {"profile": "acme"}),
        ("/run hello", "runs_start", {"app_name": "hello"}),
        ("/run hello part=shop", "runs_start", {"app_name": "hello", "part": "shop"}),
        ("/runs show acme-hello-my own", "runs_show", {"run": "acme-hello-my own"}),
        ("/runs submit Ada Lovelace", "runs_submit", {"value": "Ada Lovelace"}),
        ("/runs submit step=step_01 a\n  b", "runs_submit", {"value": "a\n  b", "step": "step_01"}),
        ("/runs skip step_01 no web logs", "runs_skip", {"step": "step_01", "reason": "no web logs"}),
        ("/runs revert Your Name", "runs_revert", {"step": "Your Name"}),
        ("/runs revert 1 run=a-hello-01", "runs_revert", {"step": "1", "run": "a-hello-01"}),
        ('/runs skip "Web Logs" none here', "runs_skip", {"step": "Web Logs", "reason": "none here"}),
        ("/runs lock", "runs_finalize", {}),
        ("/files stats pages.csv column=url", "files_statistics", {"file": "pages.csv", "column": "url"}),
        ("/jobs stop abcdef", "jobs_cancel", {"job": "abcdef"}),
        ("/workflow explain hello", "workflows_explain", {"app_name": "hello"}),
    ],
)  # fmt: skip
def test_what_lines_ask_for(line: str, name: str, arguments: dict[str, Any]) -> None:
    said = parse(line)
    assert said.action is not None and said.action.name == name
    assert said.arguments == arguments == checked(said.action, said.arguments)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("/taks", "no command /taks; did you mean /tasks"),
        ("/tasks ad milk", "no /tasks ad; did you mean /tasks add"),
        (
            "/tasks add",
            r"^The task is missing: type /tasks add TEXT \[priority=…\] .*, like /tasks add buy milk priority=2$",
        ),
        ("/tasks add milk prio=2", "did you mean priority"),
        ("/tasks add milk prioritty=2", "did you mean priority"),
        ("/tasks add milk priority=9", "priority: .*from 0 to 3"),
        ("/tasks add milk priority=1 priority=2", "twice"),
        ("/tasks done three", "id: .*whole number"),
        ("/tasks done 1 OR 1=1", "^/tasks done does not take 'OR'"),
        ("/tasks done", "^The number is missing: type /tasks done ID, like /tasks done 3$"),
        ("/jobs everything", "no /jobs everything"),
        ("/jobs list everything", "Say what is meant: live=…"),
        ("/tasks add a\x1bb", "U\\+001B"),
        ("hello", "begins with a slash"),
        ("/", "begins with a slash"),
    ],
)
def test_what_is_not_understood_names_the_nearest(line: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        parse(line)


def test_the_app_s_own_commands_come_with_what_follows() -> None:
    for word in APP:
        said = parse(f"/{word}  some thing ")
        assert (said.action, said.command, said.rest) == (None, word, "some thing")


def test_a_message_may_begin_with_a_slash() -> None:
    assert is_command("/tasks") and is_command("  /help me") and is_command("/nothing here")
    assert not any(map(is_command, ("/etc/hosts is a file", "// a comment", "/", "a /tasks", "", "/1")))


def test_a_command_line_is_read_in_the_same_way() -> None:
    assert spoken("tasks", ["add", "buy milk", "priority=2"]) == parse("/tasks add buy milk priority=2")
    assert spoken("tasks", ["add", "buy", "milk"]) == parse("/tasks add buy milk")
    assert spoken("tasks", []) == parse("/tasks")
    assert spoken("profiles", ["edit", "acme", "name=Acme Ltd"]) == parse('/profiles edit acme name="Acme Ltd"')


def labels(text: str, **known: list[str]) -> list[str]:
    return [
        each.label for each in complete(text, {what: [Name(name) for name in names] for what, names in known.items()})
    ]


def test_lines_are_completed() -> None:
    assert labels("/ta") == ["/tasks"]
    assert {"/help", "/run", "/runs", "/tasks"} <= set(labels("/"))
    assert labels("/tasks ") == ["list", "add", "edit", "done", "delete", "sort"]
    assert labels("/tasks e") == ["edit"]
    assert labels("/tasks add milk ") == ["priority=", "done="]
    assert labels("/tasks add milk pr") == ["priority="]
    assert labels("/tasks add milk priority=1 ") == ["done="]
    assert labels("/tasks add milk done=") == ["yes", "no"]
    assert labels("/run ", app_name=["hello", "url_inspector"]) == ["hello", "url_inspector", "part="]
    assert labels("/run u", app_name=["hello", "url_inspector"]) == ["url_inspector"]
    assert labels("/files head ", file=["pages.csv"])[0] == "pages.csv"
    assert [it.line for it in complete("/profiles done=", {})] == []
    assert complete("/runs revert 1/runs submit Ada ") == []  # two commands in one line
    assert [it.line for it in complete("/profiles active ", {"profiles.profile": [Name("Acme Ltd")]})] == [
        '/profiles active "Acme Ltd" '
    ]
    assert labels("/model q", model=["qwen3:4b", "llama3.2:3b"]) == ["qwen3:4b"]
    assert labels("/model qwen3:4b ", model=["qwen3:4b"]) == []
    tasks = {"tasks.id": [Name("7", "buy milk", "buy milk"), Name("71", "sleep", "sleep")]}
    assert [each.line for each in complete("/tasks done BUY", tasks)] == ["/tasks done 7 "]
    assert [each.line for each in complete("/tasks done 7", tasks)] == ["/tasks done 7 ", "/tasks done 71 "]
    assert complete("/profiles active 7", tasks) == []  # the number of a task is no profile
    steps = {"step": [Name("Your Name", "step_01 · done", "step_01")]}
    for typed in ("Your", "step_0"):
        (found,) = complete(f"/runs revert {typed}", steps)
        assert (found.line, found.help) == ('/runs revert "Your Name" ', "step_01 · done")
    assert labels("hello") == labels("/nothing ") == labels("/tasks nothing ") == []


def test_what_is_completed_can_be_read() -> None:
    for subject in complete("/"):
        for verb in complete(subject.line):
            for argument in complete(verb.line, {"app_name": [Name("hello")]}):
                assert argument.line.startswith(verb.line)


@pytest.mark.parametrize("action", ACTIONS.every, ids=lambda action: action.name)
def test_every_action_can_be_typed(action: Any) -> None:
    line = usage(action).split(" ")[:2]
    try:
        said = parse(" ".join(line))
    except Invalid as invalid:
        assert usage(action) in str(invalid) and action.required
    else:
        assert said.action is action
    asked = parse(example(action))  # what help shows can be typed as it stands
    assert asked.action is action and f"  {example(action)}  " in overview()
    assert bool(action.required) == (action.name in EXAMPLES)


def test_help_is_grouped_and_says_each_thing_once() -> None:
    blocks = [block.splitlines() for block in overview().split("\n\n")]
    subjects = dict.fromkeys(action.name.partition("_")[0].capitalize() for action in ACTIONS.every)
    assert [block[0] for block in blocks[:-1]] == ["The chat", *subjects]
    commands = [line for block in blocks[:-1] for line in block[1:]]
    assert len(commands) == len(APP) + len(ACTIONS.every) and max(map(len, commands)) < 150
    assert "/clear" not in overview() and parse("/clear").command == "new"


@settings(deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["/tasks", "add", "x", "priority=", '"', "\\", "=", "\n"])).map(" ".join)
)
def test_no_line_breaks_the_parser(line: str) -> None:
    for each in (line, f"/tasks add {line}"):
        complete(each)
        try:
            said = parse(each)
        except Invalid as invalid:
            assert str(invalid)
        else:
            assert said.command or said.action is not None
