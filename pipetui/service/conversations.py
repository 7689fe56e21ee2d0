"""Conversations: what is said, in which order, and what waits for an answer.

An answer has its row from the moment that it is asked for; whoever has a model (chat/answerer.py) claims it, writes how
far it came, and ends it. So two apps answer nothing twice, and what was asked without a model waits.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..engine.messages import LIVE, By, Call, Message, Proposal, Proposed, Role
from ..engine.refusals import Refusal
from ..store import conversations, keyvalue, messages, profiles, proposals, runs
from ..store.conversations import OF_A_RUN, Conversation, ConversationLine
from ..store.messages import Claimed, Hit
from ..text import one_line
from .receivers import is_there, receiving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from ..engine.messages import Part
    from ..store.database import Database, Tx

GENERAL = "General"
GO_ON = "Please go on exactly where you were cut off."

LONGEST = 200_000
"""Characters of a message that a person or a workflow sends."""

LONGEST_NAME = 48
"""Characters of a name that is made of what was said."""

_SPACE = "chat"  # what the chat itself remembers, in the key-value store


@dataclass(frozen=True)
class Page:
    """A part of a conversation: its messages in order, and whether there are earlier ones."""

    conversation: Conversation
    messages: Sequence[Message]
    earlier: bool
    proposals: Mapping[str, Proposal]


class Conversations:
    def __init__(self, db: Database, receivers: Path) -> None:
        self._db = db
        self._receivers = receivers

    # -- conversations

    async def in_use(self, run: str = "") -> Conversation:
        """The conversation of a run, or the general one; made when there is none yet. Refusal when the run is gone."""
        found = await self._db.read(lambda tx: conversations.in_use(tx, run))
        return found if found is not None else await self._db.write(lambda tx: ensure(tx, run))

    async def new(self, run: str, name: str = "") -> Conversation:
        """A new conversation, in use from now on."""
        name = checked(name) if name.strip() else GENERAL if not run else OF_A_RUN
        return await self._db.write(lambda tx: _new(tx, run, name))

    async def use(self, id: str) -> Conversation:
        """Make this conversation the one in use. Refusal when it is gone."""

        def work(tx: Tx) -> Conversation:
            found = _there(tx, id)
            conversations.use(tx, id)
            return found

        return await self._db.write(work)

    async def lines(self, text: str = "", limit: int = 200) -> list[ConversationLine]:
        return await self._db.read(lambda tx: conversations.lines(tx, text=text, limit=limit))

    async def rename(self, id: str, name: str) -> Conversation:
        name = checked(name)

        def work(tx: Tx) -> Conversation:
            _there(tx, id)
            conversations.rename(tx, id, name)
            return _there(tx, id)

        return await self._db.write(work)

    async def remove(self, id: str) -> None:
        """Remove a conversation for good. Refusal when it is gone."""

        def work(tx: Tx) -> None:
            _there(tx, id)
            conversations.remove(tx, id)

        await self._db.write(work)

    async def page(self, id: str, *, before: int | None = None, limit: int = 60) -> Page:
        """The last messages below the place `before`. Refusal when the conversation is gone."""

        def work(tx: Tx) -> Page:
            found = messages.page(tx, id, before=before, limit=limit + 1)
            return Page(_there(tx, id), found[-limit:], len(found) > limit, proposals.of(tx, id))

        return await self._db.read(work)

    async def since(self, id: str, seq: int, *, limit: int = 1_000) -> Page:
        """The last messages from the place `seq` on. Refusal when the conversation is gone."""

        def work(tx: Tx) -> Page:
            found = messages.since(tx, id, seq, limit=limit + 1)
            return Page(_there(tx, id), found[-limit:], len(found) > limit, proposals.of(tx, id))

        return await self._db.read(work)

    async def before(self, answer: Message, limit: int = 400) -> Page:
        """What was said before an answer: the last messages, and all pinned ones. Refusal."""

        def work(tx: Tx) -> Page:
            where = answer.conversation
            found = messages.page(tx, where, before=answer.seq, limit=limit)
            first = found[0].seq if found else answer.seq
            pinned = [each for each in messages.pinned(tx, where) if each.seq < first]
            ended = [each for each in (*pinned, *found) if each.state not in LIVE]
            return Page(_there(tx, where), ended, False, proposals.of(tx, where))

        return await self._db.read(work)

    async def search(self, text: str, limit: int = 50) -> list[Hit]:
        """The newest messages that have all these words."""
        return await self._db.read(lambda tx: messages.search(tx, text, limit=limit))

    async def markdown(self, id: str) -> str:
        """The whole conversation as Markdown."""

        def work(tx: Tx) -> tuple[Conversation, list[Message]]:
            return _there(tx, id), messages.page(tx, id, limit=1_000_000)

        conversation, found = await self._db.read(work)
        return as_markdown(conversation, found)

    # -- messages

    async def send(
        self, id: str, text: str, scope: Mapping[str, Any], *, by: Literal["user", "app"] = "user"
    ) -> tuple[Message, Message]:
        """A message of the user, and the answer that waits for a model. Refusal when there is nothing to send.

        `by` the app: what a key asks for in the user's name, in words that they did not write.
        """
        text = worded(text)

        def work(tx: Tx) -> tuple[Message, Message]:
            _name_by(tx, _there(tx, id), text)
            return ask(tx, id, text, scope, by=by)

        return await self._db.write(work)

    async def note(self, id: str, text: str, role: Role = "system") -> Message:
        """What the app itself has to say in a conversation."""

        def work(tx: Tx) -> Message:
            _there(tx, id)
            return _added(messages.add(tx, id, role, "app", text, time.time()))

        return await self._db.write(work)

    async def again(self, answer: str, scope: Mapping[str, Any]) -> Message:
        """Ask for another answer in place of this one; with messages behind it, in a branch. Refusal."""

        def work(tx: Tx) -> Message:
            old = _message(tx, answer)
            if old.role != "assistant" or old.by != "model" or old.state in LIVE:
                raise Refusal("Only an answer of the model that has ended can be asked for again.")
            where = old.conversation
            if messages.since(tx, where, old.seq + 1, limit=1):
                where = _branched(tx, old, _there(tx, where).name)
            else:
                messages.remove(tx, old.id)
            return _answer(tx, where, scope)

        return await self._db.write(work)

    async def branch(self, message: str, text: str, scope: Mapping[str, Any]) -> tuple[Message, Message]:
        """Another text in place of a message of the user: in a branch, which is in use from now on. Refusal."""
        text = worded(text)

        def work(tx: Tx) -> tuple[Message, Message]:
            old = _message(tx, message)
            if old.by != "user":
                raise Refusal("Only what you said yourself can be edited.")
            return ask(tx, _branched(tx, old, text), text, scope, by="user")

        return await self._db.write(work)

    async def pin(self, message: str, is_pinned: bool) -> None:
        """A pinned message is always told to the model."""

        def work(tx: Tx) -> None:
            _message(tx, message)
            messages.pin(tx, message, is_pinned)

        await self._db.write(work)

    async def remove_message(self, message: str) -> None:
        def work(tx: Tx) -> None:
            if _message(tx, message).state == "streaming":
                raise Refusal("This answer is still coming: stop it first.")
            messages.remove(tx, message)

        await self._db.write(work)

    # -- answers

    async def claim(self, owner: str, preferred: str, later: Sequence[str] = ()) -> Claimed | None:
        """Take the answer that is next, none of `later`; and end those whose receiver has ended. StoreError.

        `owner` must be `receiving`, and nothing yet.
        """

        def work(tx: Tx) -> Claimed | None:
            for id, other in messages.received(tx):
                if other == owner or not is_there(self._receivers, other):
                    messages.stop(tx, id, "The app that received it has ended; what came is kept.")
            return messages.claim(tx, owner, preferred, time.time(), later)

        return await self._db.write(work)

    def receiving(self, owner: str) -> AbstractContextManager[None]:
        """Within, what `owner` has claimed is theirs; behind it whoever claims next ends it. StoreError."""
        return receiving(self._receivers, owner)

    async def unanswered(self) -> bool:
        """Whether an answer waits for a model, or is being received by anybody."""
        return await self._db.read(messages.is_unanswered)

    async def save(self, owner: str, answer: Message) -> bool:
        """Write how far an answer came, or how it ended. False: it is no longer this owner's, who stops."""
        return await self._db.write(lambda tx: messages.save(tx, owner, answer, time.time()))

    async def put_back(self, owner: str, answer: str, why: str) -> None:
        """Let a claimed answer of which nothing came wait again."""
        await self._db.write(lambda tx: messages.put_back(tx, owner, answer, why))

    async def stop(self, answer: str, why: str = "Stopped.") -> bool:
        """End a live answer, whichever app receives it; what came is kept. Whether it was live."""
        return await self._db.write(lambda tx: messages.stop(tx, answer, why))

    async def waits(self, why: str) -> None:
        """Say of all that waits for a model why it does."""
        await self._db.write(lambda tx: messages.explain(tx, why))

    async def follow(self, decided: Proposal, scope: Mapping[str, Any]) -> Message | None:
        """What became of an answer's proposals goes back to the model, once all of them are decided: another answer.

        None while some are open, and where all that happened was a no.
        """

        def work(tx: Tx) -> Message | None:
            proposals.expire(tx, time.time())
            asked = [
                each for each in proposals.of(tx, decided.conversation).values() if each.message == decided.message
            ]
            states = {each.state for each in asked}
            if states & {"open", "approved"} or states <= {"rejected", "expired"}:
                return None
            asked.sort(key=lambda each: each.created)
            text = "\n".join(f"{_OUTCOMES.get(each.state, each.state)}: {each.title}." for each in asked)
            told = f"decided:{decided.message}"  # once, though two apps decide the last two in one instant
            if messages.add(tx, decided.conversation, "system", "app", text, time.time(), origin=told) is None:
                return None
            return _answer(tx, decided.conversation, scope)

        return await self._db.write(work)

    # -- proposals

    async def propose(self, proposal: Proposal) -> bool:
        """False when the same is proposed already, and not decided."""

        def work(tx: Tx) -> bool:
            proposals.expire(tx, proposal.created)
            known = proposals.of(tx, proposal.conversation).values()
            for other in known:
                if other.state == "open" and _same(proposal, other):
                    if not _is_lost(tx, other):
                        return False
                    proposals.move(tx, other.id, "open", "expired", proposal.created)
            proposals.add(tx, proposal)
            return True

        return await self._db.write(work)

    async def scope(self, message: str) -> dict[str, Any]:
        """Where the asker of an answer was."""
        return await self._db.read(lambda tx: messages.scope_of(tx, message))

    async def proposal(self, id: str) -> Proposal:
        """Refusal when it is gone."""
        found = await self._db.read(lambda tx: proposals.get(tx, id))
        if found is None:
            raise Refusal("This proposal is gone, with its conversation.")
        return found

    async def approve(self, shown: Proposal) -> None:
        """From here on it is carried out, once. Refusal when it is not open (any more), or not what was shown."""
        await self.expire()  # by itself: a refusal undoes what is written with it

        def work(tx: Tx) -> None:
            now = time.time()
            proposals.expire(tx, now)
            stored = proposals.get(tx, shown.id)
            if stored is None:
                raise Refusal("This proposal is gone: nothing was done.")
            if not _same(stored, shown):
                raise Refusal("This proposal is not the one that was shown: nothing was done.")
            _check_profile(tx, messages.scope_of(tx, stored.message))
            if not proposals.move(tx, shown.id, "open", "approved", now):
                raise Refusal(f"This proposal is {_WORDS.get(stored.state, stored.state)}: nothing was done.")

        await self._db.write(work)

    async def end(self, id: str, state: Literal["done", "failed", "refused"], result: str) -> None:
        """What became of an approved proposal."""
        await self._db.write(lambda tx: proposals.move(tx, id, "approved", state, time.time(), result))

    async def reject(self, id: str) -> None:
        """Refusal when it is not open any more."""

        def work(tx: Tx) -> None:
            if not proposals.move(tx, id, "open", "rejected", time.time(), "You said no."):
                raise Refusal("This proposal is decided already.")

        await self._db.write(work)

    async def expire(self) -> None:
        """Close the proposals that nobody decided in time, or whose carrying out a kill broke off."""
        await self._db.write(lambda tx: proposals.expire(tx, time.time()))

    # -- what the chat remembers

    async def memory(self) -> dict[str, Any]:
        return await self._db.read(lambda tx: keyvalue.of(tx, _SPACE))

    async def remember(self, name: str, value: Any) -> None:
        """Keep a value (JSON); None forgets it."""

        def work(tx: Tx) -> None:
            if value is None:
                keyvalue.drop(tx, _SPACE, name)
            else:
                keyvalue.put(tx, _SPACE, name, value)

        await self._db.write(work)


_OUTCOMES = {"done": "Approved", "failed": "Approved, but it failed", "rejected": "Rejected", "expired": "Too old",
             "refused": "Approved, but what it was to change had changed"}  # fmt: skip
_WORDS = {"expired": "too old", "rejected": "rejected", "approved": "being carried out", "done": "carried out already"}


# -- in a transaction: also for what workflows say


def ensure(tx: Tx, run: str) -> Conversation:
    """The conversation of a run or, for '', the general one; made if there is none."""
    return conversations.in_use(tx, run) or _new(tx, run, OF_A_RUN if run else GENERAL)


def _new(tx: Tx, run: str, name: str) -> Conversation:
    if run and runs.get(tx, run) is None:
        raise Refusal("This run is gone: it was deleted for good.")
    return conversations.add(tx, run, name, time.time())


def ask(
    tx: Tx, conversation: str, text: str, scope: Mapping[str, Any], *, by: By, origin: str | None = None
) -> tuple[Message, Message]:
    """A question and the answer that waits for a model."""
    asked = messages.add(tx, conversation, "user", by, text, time.time(), origin=origin)
    return _added(asked), _answer(tx, conversation, scope)


def _answer(tx: Tx, conversation: str, scope: Mapping[str, Any]) -> Message:
    owner = profiles.named(tx, scope.get("profile", ""))
    scope = {"profile_id": owner.id if owner else ""} | dict(scope)
    return _added(messages.add(tx, conversation, "assistant", "model", "", time.time(), state="waiting", scope=scope))


def _check_profile(tx: Tx, scope: Mapping[str, Any]) -> None:
    """Refusal when the profile that an answer was asked for has another name by now, or is gone."""
    if id := scope.get("profile_id"):
        owner = profiles.get(tx, id)
        if owner is None or owner.name != scope.get("profile"):
            name = one_line(scope.get("profile", ""), 60)
            what = "was deleted" if owner is None else f"is called {one_line(owner.name, 60)} by now"
            raise Refusal(f"The profile {name} {what}: nothing was done. Ask for it anew.")


def _is_lost(tx: Tx, proposal: Proposal) -> bool:
    """Whether a proposal stands nowhere: its answer was stopped, or the app ended, before it had its place there."""
    answer = messages.get(tx, proposal.message)
    return answer is None or (
        answer.state not in LIVE
        and not any(isinstance(part, Proposed) and part.proposal == proposal.id for part in answer.parts)
    )


def _added(message: Message | None) -> Message:
    assert message is not None  # only what has an origin may be there already
    return message


def _there(tx: Tx, id: str) -> Conversation:
    found = conversations.get(tx, id)
    if found is None:
        raise Refusal("This conversation is gone: it was removed.")
    return found


def _message(tx: Tx, id: str) -> Message:
    found = messages.get(tx, id)
    if found is None:
        raise Refusal("This message is gone: it was removed.")
    return found


def _name_by(tx: Tx, where: Conversation, text: str) -> None:
    """A further conversation is called by the first question in it."""
    names = conversations.names(tx, where.run)
    is_further = names[where.id] in (GENERAL, OF_A_RUN) and list(names.values()).count(names[where.id]) > 1
    if is_further and not messages.page(tx, where.id, limit=1):
        conversations.rename(tx, where.id, _free_name(tx, where.run, text))


def _branched(tx: Tx, until: Message, name: str) -> str:
    """A new conversation, in use, with copies of all messages before this one; its id."""
    old = _there(tx, until.conversation)
    new = conversations.add(tx, old.run, _free_name(tx, old.run, name), time.time())
    decided = proposals.of(tx, old.id)
    for message in messages.page(tx, old.id, before=until.seq, limit=1_000_000):
        if message.state not in LIVE:
            messages.add(
                tx, new.id, message.role, message.by, message.text, message.created, state=message.state,
                parts=[_told(part, decided) for part in message.parts], pinned=message.pinned, usage=message.usage,
                why=message.why,
            )  # fmt: skip
    return new.id


def _told(part: Part, decided: Mapping[str, Proposal]) -> Part:
    """A part as a branch has it: a proposal belongs to the conversation that it was made in, here it is told of."""
    if not isinstance(part, Proposed):
        return part
    proposal = decided.get(part.proposal)
    if proposal is None:
        return Call(part.at, "proposal", {}, "A proposal.", "")
    line = f"Proposed: {proposal.title} ({proposal.state})"
    return Call(part.at, proposal.action, {}, line, proposal.result, proposal.state != "done")


def _same(one: Proposal, other: Proposal) -> bool:
    return (one.action, one.arguments, one.target) == (other.action, other.arguments, other.target)


def _free_name(tx: Tx, run: str, text: str) -> str:
    """A name made of a text that no conversation of the run has: `What is a canonical tag?`, then `… (2)`."""
    base = one_line(text, LONGEST_NAME) or GENERAL
    taken = set(conversations.names(tx, run).values())
    numbered = (f"{base} ({number})" for number in itertools.count(2))
    return base if base not in taken else next(name for name in numbered if name not in taken)


def checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 100 or not name.isprintable():
        raise Refusal("The name of a conversation has 1 to 100 characters, none of them invisible.")
    return name


def worded(text: str) -> str:
    """What is sent, without blank lines around it. Refusal when it is nothing, or too long."""
    text = text.strip("\n").rstrip()
    if not text.strip():
        raise Refusal("There is nothing to send: write something first.")
    if len(text) > LONGEST:
        raise Refusal(f"A message has at most {LONGEST:,} characters; these are {len(text):,}. Nothing was sent.")
    return text


def _below(text: str) -> str:
    """A message's Markdown with its headings below those of its author; in code, # begins no heading."""
    lines, fence = [], ""
    for given in text.split("\n"):
        each, mark = given, _FENCE.match(given)
        if mark is not None and not fence:
            fence = mark[1]
        elif mark is not None and mark[1].startswith(fence) and not given[mark.end() :].strip():
            fence = ""
        elif not fence and (heading := _HEADING.match(given)):
            each = "#" * min(6, len(heading[1]) + 2) + given[heading.end() :]
        lines.append(each)
    if fence:  # it was cut off in its code
        lines.append(fence)
    return "\n".join(lines)


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?=\s|$)")


def as_markdown(conversation: Conversation, found: Sequence[Message]) -> str:
    """A conversation as one Markdown document."""
    parts = [f"# {conversation.name}"]
    for message in found:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(message.created))
        who = {"user": "You", "model": message.usage.model or "Model", "workflow": "Workflow", "app": "pipetui"}
        state = "" if message.state == "done" else f", {message.state}" + (f": {message.why}" if message.why else "")
        parts.append(f"## {who[message.by]}, {when}{state}")
        if message.text:
            parts.append(_below(message.text))
        parts += [f"> {part.line}" for part in message.parts if isinstance(part, Call)]
    return "\n\n".join(parts) + "\n"
