"""Conversations over a real store: who may say what, branches, and what workflows say."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipetui.engine.messages import Message, Proposal, Proposed
from pipetui.engine.refusals import Refusal
from pipetui.paths import Paths
from pipetui.service import Service
from pipetui.service.conversations import Conversations
from pipetui.service.receivers import is_there
from pipetui.service.said import Said
from pipetui.store.database import Tx

TALKS = """
from pipetui import Invalid, Run, Step, Workflow
from pipetui.fields import Text


class Talks(Workflow):
    APP_NAME = "talks"
    steps = [
        Step("step_01", done="word", show="Word", field=Text()),
        Step("step_02", done="end", show="End", field=Text()),
    ]

    async def step_01_submit(self, run: Run, value: str) -> str:
        run.say("first")
        run.ask(f"What is {value}?")
        run.say("as a user", role="user")
        run.say("Explain it.", verbatim=False)
        if value == "bad":
            raise Invalid("no")
        if value == "crash":
            raise KeyError(value)
        return value

    def step_02_submit(self, run: Run, value: str) -> str:  # in a thread
        for number in range(50):
            run.say(f"{number}")
        return value
"""


@pytest.fixture
def chat(service: Service) -> Conversations:
    return service.conversations


@pytest.fixture
def home(home: Paths) -> Paths:
    (home.workflows / "120_talks.py").write_text(TALKS)
    return home


async def said(service: Service, run: str) -> list[Message]:
    chat = service.conversations
    return list((await chat.page((await chat.in_use(run)).id)).messages)


async def answered(chat: Conversations, text: str) -> Message:
    """Claims the next answer and ends it."""
    claimed = await chat.claim("me", "")
    assert claimed is not None
    ended = replace(claimed.answer, text=text, state="done")
    assert await chat.save("me", ended)
    return ended


async def test_there_is_one_general_conversation_and_one_a_run(service: Service, chat: Conversations) -> None:
    general = await chat.in_use()
    assert (await chat.in_use()).id == general.id
    run = (await service.runs.create("Ada", "branches")).id
    own = await chat.in_use(run)
    assert own.id != general.id and (await chat.in_use(run)).id == own.id
    other = await chat.new(run, "Second thoughts")
    assert (await chat.in_use(run)).id == other.id
    await chat.use(own.id)
    assert (await chat.in_use(run)).id == own.id
    keys = {line.name: line.key for line in await chat.lines()}
    assert keys == {"General": "", "Ada-branches-01": "Ada-branches-01", "Second thoughts": "Ada-branches-01"}
    await service.shelves.rename(run, part="02")
    assert (await chat.use(own.id)).name == "Ada-branches-02"  # as its run is now


async def test_a_run_that_is_removed_takes_its_conversation_along(service: Service, chat: Conversations) -> None:
    run = (await service.runs.create("Ada", "branches")).id
    await chat.send((await chat.in_use(run)).id, "canonical", {})
    assert len(await chat.search("canonical")) == 1
    await service.runs.shelve(run, "binned")
    await service.runs.empty_bin()
    assert await chat.search("canonical") == []
    assert await chat.lines() == []


async def test_a_run_that_is_gone_gets_no_conversation(service: Service, chat: Conversations) -> None:
    for asking in (chat.in_use("0" * 32), chat.new("0" * 32)):
        with pytest.raises(Refusal, match="This run is gone"):
            await asking


async def test_of_many_messages_the_last_ones_are_told(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    for number in range(12):
        await chat.note(where, str(number))
    page = await chat.since(where, 0, limit=5)
    assert [message.text for message in page.messages] == ["7", "8", "9", "10", "11"] and page.earlier
    page = await chat.since(where, page.messages[0].seq, limit=5)
    assert len(page.messages) == 5 and not page.earlier


async def test_what_is_sent_waits_for_its_answer(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    asked, answer = await chat.send(where, "\n  Hello\nthere \n\n", {"app_name": "hello"})
    assert (asked.text, asked.role, asked.by) == ("  Hello\nthere", "user", "user")
    assert (answer.state, answer.by, answer.seq) == ("waiting", "model", asked.seq + 1)
    assert await chat.unanswered()
    await answered(chat, "Hi")
    assert not await chat.unanswered()
    for nothing in ("", "  \n "):
        with pytest.raises(Refusal, match="nothing to send"):
            await chat.send(where, nothing, {})
    with pytest.raises(Refusal, match="at most"):
        await chat.send(where, "x" * 200_001, {})


async def test_an_edited_message_makes_a_branch(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    await chat.send(where, "one", {})
    await answered(chat, "first answer")
    second, _ = await chat.send(where, "two", {})
    await answered(chat, "second answer")
    asked, _ = await chat.branch(second.id, "two, otherwise", {})
    branch = await chat.page(asked.conversation)
    assert [message.text for message in branch.messages] == ["one", "first answer", "two, otherwise", ""]
    assert branch.conversation.name == "two, otherwise"
    assert (await chat.in_use()).id == asked.conversation
    assert [message.text for message in (await chat.page(where)).messages] == [
        "one", "first answer", "two", "second answer",
    ]  # fmt: skip
    again = (await chat.branch(asked.id, "two, otherwise", {}))[0]
    assert (await chat.page(again.conversation)).conversation.name == "two, otherwise (2)"
    with pytest.raises(Refusal, match="Only what you said"):
        await chat.branch(branch.messages[1].id, "x", {})


async def test_a_further_conversation_is_called_by_its_first_question(chat: Conversations) -> None:
    first = await chat.in_use()
    await chat.send(first.id, "one", {})
    for name in ("What is a canonical tag?", "What is a canonical tag? (2)"):
        further = await chat.new("")
        await chat.send(further.id, "What is a canonical tag?\n", {})
        await chat.send(further.id, "and more", {})
        assert (await chat.page(further.id)).conversation.name == name
    assert (await chat.page(first.id)).conversation.name == "General"


async def test_an_answer_is_asked_for_again(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    await chat.send(where, "one", {})
    first = await answered(chat, "dull")
    fresh = await chat.again(first.id, {})
    assert fresh.conversation == where
    second = await answered(chat, "better")
    assert [message.text for message in (await chat.page(where)).messages] == ["one", "better"]
    await chat.send(where, "two", {})
    await answered(chat, "more")
    branched = await chat.again(second.id, {})
    assert branched.conversation != where
    assert [message.text for message in (await chat.page(branched.conversation)).messages] == ["one", ""]
    with pytest.raises(Refusal, match="ended"):
        await chat.again(branched.id, {})


async def test_what_is_gone_is_not_pinned(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    kept, answer = await chat.send(where, "remember: no redirects", {})
    await answered(chat, "yes")
    await chat.pin(kept.id, True)
    await chat.remove_message(answer.id)
    (left,) = (await chat.page(where)).messages
    assert left.pinned
    with pytest.raises(Refusal, match="gone"):
        await chat.pin(answer.id, True)


async def test_an_answer_whose_receiver_is_gone_is_ended(chat: Conversations, monkeypatch: pytest.MonkeyPatch) -> None:
    where = (await chat.in_use()).id
    await chat.send(where, "one", {})
    with chat.receiving("killed"):
        claimed = await chat.claim("killed", "")
        assert claimed is not None
        await chat.save("killed", replace(claimed.answer, text="half an ans"))
        monkeypatch.setattr("time.time", lambda: 1e10)  # a clock that is set forward ends nothing
        assert await chat.claim("me", "") is None
        assert (await chat.page(where)).messages[-1].state == "streaming"
    assert await chat.unanswered()
    assert await chat.claim("me", "") is None
    ended = (await chat.page(where)).messages[-1]
    assert (ended.state, ended.text) == ("stopped", "half an ans")
    assert "ended" in ended.why


@pytest.mark.parametrize("owner", ["me", "../../me"])
async def test_what_one_has_left_oneself_is_ended_too(chat: Conversations, owner: str) -> None:
    where = (await chat.in_use()).id
    await chat.send(where, "one", {})
    assert await chat.claim(owner, "") is not None
    await chat.send(where, "two", {})
    assert await chat.claim("me", "") is not None
    assert (await chat.page(where)).messages[1].state == "stopped"


async def test_a_process_that_is_killed_receives_no_more(tmp_path: Path) -> None:
    code = "import sys, pathlib; from pipetui.service.receivers import receiving\n" + (
        "with receiving(pathlib.Path(sys.argv[1]), 'other'): print(flush=True); sys.stdin.read()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    await process.stdout.readline()
    assert is_there(tmp_path, "other")
    process.kill()
    await process.wait()
    assert not is_there(tmp_path, "other") and list(tmp_path.iterdir()) == []


async def test_the_whole_conversation_as_markdown(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    await chat.send(where, "one", {})
    await answered(chat, "**An** answer")
    text = await chat.markdown(where)
    assert text.startswith("# General\n\n## You, ")
    assert "\n\none\n\n## Model, " in text and text.endswith("\n\n**An** answer\n")


async def test_the_headings_of_a_message_stand_below_its_author(chat: Conversations) -> None:
    where = (await chat.in_use()).id
    await chat.note(where, "# Why\n\n## How\n\n```sh\n# a comment\n``\n## too\n```\n###### Deep\n#hash\n~~~\n# cut off")
    text = await chat.markdown(where)
    told = "### Why\n\n#### How\n\n```sh\n# a comment\n``\n## too\n```\n###### Deep\n#hash\n~~~\n# cut off\n~~~\n"
    assert text.endswith(f"\n\n{told}")


# what workflows say


@pytest.mark.parametrize("word", ["fine", "bad", "crash"])
async def test_what_a_step_says_is_kept_whatever_becomes_of_it(service: Service, word: str) -> None:
    run = (await service.runs.create("Ada", "talks")).id
    try:
        await service.runs.submit(run, "word", word)
    except Exception as error:
        assert word != "fine", error
    messages = await said(service, run)
    assert [(message.role, message.by, message.text, message.state) for message in messages] == [
        ("system", "workflow", "first", "done"),
        ("user", "workflow", f"What is {word}?", "done"),
        ("assistant", "model", "", "waiting"),
        ("user", "workflow", "as a user", "done"),
        ("user", "workflow", "Explain it.", "done"),
        ("assistant", "model", "", "waiting"),
    ]


async def test_what_is_said_in_a_thread_is_in_order(service: Service) -> None:
    run = (await service.runs.create("Ada", "talks")).id
    await service.runs.submit(run, "word", "fine")
    await service.runs.submit(run, "end", "x")
    assert [message.text for message in await said(service, run)][6:] == [str(number) for number in range(50)]


async def test_much_that_is_said_at_once_holds_the_others_up_only_for_a_part_of_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipetui.service.said.MOST_AT_ONCE", 20)
    run = (await service.runs.create("Ada", "talks")).id
    transactions: list[int] = []
    put = Said._put

    def counted(self: Said, batch: list[Any], tx: Tx) -> None:
        transactions.append(len(batch))
        put(self, batch, tx)

    monkeypatch.setattr(Said, "_put", counted)
    saying = Said(service.db, run, {}, "job")
    for number in range(50):
        saying.say(str(number), "assistant", asks=False)
    await saying.written()
    assert transactions == [20, 20, 10]
    assert [message.text for message in await said(service, run)] == [str(number) for number in range(50)]


# proposals


async def propose(chat: Conversations, **more: object) -> Proposal:
    where = (await chat.in_use()).id
    _, answer = await chat.send(where, "do it", {})
    made = Proposal(
        "p1", where, answer.id, "tasks_insert", '{"text":"x"}', "Add a task", "", "x", "", "open", "", 1.0, 9e9
    )
    made = replace(made, **more)  # type: ignore[arg-type]
    await chat.propose(made)
    return made


async def test_exactly_what_was_shown_is_approved_once(chat: Conversations) -> None:
    made = await propose(chat)
    with pytest.raises(Refusal, match="not the one that was shown"):
        await chat.approve(replace(made, arguments='{"text":"y"}'))
    await chat.approve(made)
    with pytest.raises(Refusal, match="being carried out"):
        await chat.approve(made)
    await chat.end(made.id, "done", "1 task")
    assert (await chat.proposal(made.id)).state == "done"
    with pytest.raises(Refusal, match="decided"):
        await chat.reject(made.id)


async def test_what_is_too_old_or_rejected_is_not_approved(chat: Conversations) -> None:
    made = await propose(chat, expires=2.0)
    with pytest.raises(Refusal, match="too old"):
        await chat.approve(made)
    assert (await chat.proposal(made.id)).state == "expired"


async def test_a_branch_only_tells_of_proposals(chat: Conversations) -> None:
    made = await propose(chat)
    claimed = await chat.claim("me", "")
    assert claimed is not None
    await chat.save("me", replace(claimed.answer, state="done", text="I would", parts=(Proposed(0, made.id),)))
    asked, _ = await chat.send(made.conversation, "more", {})
    branch = await chat.page((await chat.branch(asked.id, "other", {}))[0].conversation)
    (part,) = branch.messages[1].parts
    assert not isinstance(part, Proposed)
    assert getattr(part, "line", "") == "Proposed: Add a task (open)"
