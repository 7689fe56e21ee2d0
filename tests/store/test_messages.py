"""Messages: their order, who may answer, what is found; and what becomes of them with their run."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipetui.engine.messages import Call, Message, Proposal, Proposed, Thinking, Usage
from pipetui.store import conversations, messages, proposals, rev
from pipetui.store.database import Database, Tx
from pipetui.store.messages import Claimed, Hit
from pipetui.store.schema import MIGRATIONS


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "pipetui.db", MIGRATIONS)
    yield opened
    await opened.close()


async def start(db: Database, name: str = "General") -> str:
    return (await db.write(lambda tx: conversations.add(tx, "", name, 1.0))).id


async def say(db: Database, where: str, text: str, **more: object) -> Message:
    added = await db.write(lambda tx: messages.add(tx, where, "user", "user", text, 1.0, **more))  # type: ignore[arg-type]
    assert added is not None
    return added


async def ask(db: Database, where: str) -> Message:
    return await say(db, where, "", state="waiting", scope={"run": "r"})


async def claim(db: Database, owner: str, preferred: str = "") -> Claimed | None:
    return await db.write(lambda tx: messages.claim(tx, owner, preferred, 10.0))


async def search(db: Database, text: str) -> list[Hit]:
    return await db.read(lambda tx: messages.search(tx, text))


async def test_a_message_comes_back_as_it_was(db: Database) -> None:
    where = await start(db)
    parts = (Thinking(0, "hm"), Call(3, "runs_list", {"limit": 2}, "2 runs", "[]", True), Proposed(9, "p"))
    usage = Usage("m:1b", "http://h", 7, 9, 1.5, 4096)
    stored = await say(db, where, "two\nlines \x00 \ud800", parts=parts, usage=usage, why="so", pinned=True)
    found = await db.read(lambda tx: messages.page(tx, where))
    assert found == [stored]
    assert found[0].text == "two\nlines ␀ ?"
    assert (found[0].parts, found[0].usage, found[0].pinned) == (parts, usage, True)


async def test_pages_go_backwards(db: Database) -> None:
    where = await start(db)
    for number in range(10):
        await say(db, where, str(number))
    last = await db.read(lambda tx: messages.page(tx, where, limit=3))
    assert [message.text for message in last] == ["7", "8", "9"]
    before = await db.read(lambda tx: messages.page(tx, where, before=last[0].seq, limit=3))
    assert [message.text for message in before] == ["4", "5", "6"]
    assert await db.read(lambda tx: messages.since(tx, where, last[0].seq)) == last


async def test_what_has_an_origin_is_said_once(db: Database) -> None:
    where = await start(db)
    await say(db, where, "once", origin="job:1")
    again = await db.write(lambda tx: messages.add(tx, where, "user", "user", "once", 1.0, origin="job:1"))
    assert again is None
    assert len(await db.read(lambda tx: messages.page(tx, where))) == 1


async def test_answers_are_claimed_in_order_and_by_one(db: Database) -> None:
    here, there = await start(db), await start(db, "Other")
    first, second = await ask(db, here), await ask(db, here)
    other = await ask(db, there)
    claimed = await claim(db, "a")
    assert claimed is not None
    assert (claimed.answer.id, claimed.answer.state, claimed.scope) == (first.id, "streaming", {"run": "r"})
    next_one = await claim(db, "b")
    assert next_one is not None and next_one.answer.id == other.id  # the second waits for the first
    assert await claim(db, "c") is None
    done = replace(claimed.answer, state="done", text="An answer")
    assert not await db.write(lambda tx: messages.save(tx, "b", done, 11.0))
    assert await db.write(lambda tx: messages.save(tx, "a", done, 11.0))
    assert not await db.write(lambda tx: messages.save(tx, "a", done, 12.0))
    last = await claim(db, "a")
    assert last is not None and last.answer.id == second.id


async def test_the_preferred_conversation_is_answered_first(db: Database) -> None:
    here, there = await start(db), await start(db, "Other")
    await ask(db, here)
    wanted = await ask(db, there)
    claimed = await claim(db, "a", there)
    assert claimed is not None and claimed.answer.id == wanted.id


async def test_a_claimed_answer_can_be_put_back_and_stopped(db: Database) -> None:
    where = await start(db)
    answer = await ask(db, where)
    await claim(db, "a")
    await db.write(lambda tx: messages.put_back(tx, "b", answer.id, "no"))
    assert await claim(db, "b") is None
    await db.write(lambda tx: messages.put_back(tx, "a", answer.id, "no model"))
    (waiting,) = await db.read(lambda tx: messages.page(tx, where))
    assert (waiting.state, waiting.why) == ("waiting", "no model")
    await claim(db, "b")
    assert await db.write(lambda tx: messages.stop(tx, answer.id, "Stopped."))
    assert not await db.write(lambda tx: messages.stop(tx, answer.id, "Stopped again."))
    assert not await db.write(lambda tx: messages.save(tx, "b", replace(answer, state="done"), 20.0))


async def test_who_receives_an_answer_is_known_until_it_ends(db: Database) -> None:
    where = await start(db)
    answer = await ask(db, where)
    await claim(db, "a")
    assert await db.read(messages.received) == [(answer.id, "a")]
    assert await db.read(messages.is_unanswered)
    await db.write(lambda tx: messages.stop(tx, answer.id, "Stopped."))
    assert not await db.read(messages.is_unanswered) and await db.read(messages.received) == []


async def test_search_finds_words_of_what_has_ended(db: Database) -> None:
    where = await start(db)
    said = await say(db, where, 'The Canonical "tag" of Zürich points elsewhere')
    await say(db, where, "nothing of that")
    answer = await ask(db, where)
    await claim(db, "a")
    await db.write(lambda tx: messages.save(tx, "a", replace(answer, text="canonical answer", state="streaming"), 1.0))
    assert [hit.message for hit in await search(db, "canonical")] == [said.id]
    await db.write(lambda tx: messages.save(tx, "a", replace(answer, text="canonical answer", state="done"), 1.0))
    assert [hit.message for hit in await search(db, "CANON")] == [answer.id, said.id]
    assert [hit.message for hit in await search(db, "zurich tag")] == [said.id]
    assert await search(db, '" OR * NEAR( -') == []
    assert await search(db, "canonical missing") == []
    await db.write(lambda tx: messages.remove(tx, said.id))
    assert [hit.message for hit in await search(db, "canonical")] == [answer.id]
    await db.write(lambda tx: conversations.remove(tx, where))
    assert await search(db, "canonical") == []


async def test_what_is_found_is_in_the_excerpt_and_is_told_once(db: Database) -> None:
    where, branch = await start(db), await start(db, "Branch")
    text = "before " * 200 + "the \x02Canonical\x03 tags, canonically " + "after " * 200
    for conversation in (where, branch):
        await say(db, conversation, text)
    await say(db, branch, "canonic")
    short, long = await search(db, "canonic")
    assert short.excerpt == "canonic"
    assert long.conversation == branch
    assert [long.excerpt[begin:end] for begin, end in long.found] == ["Canonical", "canonically"]
    assert "the \x02Canonical\x03 tags" in long.excerpt


async def test_the_feed_tells_of_conversations(db: Database) -> None:
    where = await start(db)
    now = await db.read(rev.current)
    message = await say(db, where, "hello")
    assert (await db.read(lambda tx: rev.since(tx, now))).conversations == {where}
    now = await db.read(rev.current)
    await db.write(lambda tx: messages.pin(tx, message.id, True))
    assert (await db.read(lambda tx: rev.since(tx, now))).conversations == {where}
    now = await db.read(rev.current)
    await db.write(lambda tx: conversations.remove(tx, where))
    assert where in (await db.read(lambda tx: rev.since(tx, now))).conversations


def proposal(where: str, message: str, expires: float = 100.0) -> Proposal:
    return Proposal("p1", where, message, "tasks_insert", '{"text":"x"}', "Add", "", "x", "", "open", "", 1.0, expires)


async def test_a_proposal_moves_once(db: Database) -> None:
    where = await start(db)
    message = await say(db, where, "")
    await db.write(lambda tx: proposals.add(tx, proposal(where, message.id)))
    assert await db.read(lambda tx: proposals.get(tx, "p1")) == proposal(where, message.id)
    assert await db.write(lambda tx: proposals.move(tx, "p1", "open", "approved", 5.0))
    assert not await db.write(lambda tx: proposals.move(tx, "p1", "open", "approved", 6.0))
    assert await db.write(lambda tx: proposals.move(tx, "p1", "approved", "done", 7.0, "1 task"))
    ended = (await db.read(lambda tx: proposals.of(tx, where)))["p1"]
    assert (ended.state, ended.result, ended.decided) == ("done", "1 task", 5.0)


async def test_a_proposal_expires(db: Database) -> None:
    where = await start(db)
    message = await say(db, where, "")
    await db.write(lambda tx: proposals.add(tx, proposal(where, message.id, expires=50.0)))

    def state(tx: Tx) -> str:
        found = proposals.get(tx, "p1")
        return found.state if found else "gone"

    await db.write(lambda tx: proposals.expire(tx, 49.0))
    assert await db.read(state) == "open"
    await db.write(lambda tx: proposals.expire(tx, 50.0))
    assert await db.read(state) == "expired"
    await db.write(lambda tx: messages.remove(tx, message.id))
    assert await db.read(state) == "gone"
