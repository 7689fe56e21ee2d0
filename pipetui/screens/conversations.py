"""Find a conversation by its name, its run, or a word that was said in it; rename, export and delete them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.content import Content

from ..engine.refusals import Refusal
from ..paths import make_private
from ..service import Service
from ..store.conversations import ConversationLine
from ..store.messages import Hit
from ..text import ago, count, displayable, slug
from ..widgets.plain import MUTED, fitted, line
from .dialogs import Ask, Confirm
from .listing import BLANK, Row, heading, note
from .looks import column, column_right, widest
from .picking import Pick

MOST_FOUND = 50


AGE, COUNTS, GAP = 15, 28, 2
"""Cells of an age, of an age with a count before it, and between two columns."""


class Picked(NamedTuple):
    """A conversation, and the message in it that the search found, or ''."""

    conversation: ConversationLine
    message: str = ""


class PickConversation(Pick[Picked]):
    WIDE = 100

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "rename", show=False),
        Binding("ctrl+e", "export", show=False, priority=True),  # in an Input these two would edit
        Binding("ctrl+d", "delete", show=False, priority=True),
    ]

    def __init__(self, service: Service, current: str) -> None:
        keys = "Enter opens it · Ctrl+R renames · Ctrl+E exports · Ctrl+D deletes · Esc leaves"
        super().__init__("Conversations", "a name, a run, or words that were said", keys, current)
        self._service = service
        self._lines: dict[str, ConversationLine] = {}

    async def load(self) -> None:
        self._lines = {each.id: each for each in await self._service.conversations.lines()}

    async def rows(self, typed: str) -> Sequence[Row]:
        words = typed.casefold().split()
        every = self._lines.values()
        named = [each for each in every if all(word in f"{each.name} {each.key}".casefold() for word in words)]
        names, keys = self._widths(named)
        rows = [self._row(each, names, keys) for each in named]
        if typed:
            found = [row async for row in self._found(typed)]
            rows = [*rows, *([BLANK] if rows else []), heading("Said"), *found] if found else rows
        return rows or [note("Nothing is called so, and nobody said that.")]

    def _widths(self, named: Sequence[ConversationLine]) -> tuple[int, int]:
        """Of the columns of names and of keys, beside a count and an age."""
        names, keys = widest((line(each.name) for each in named), 34), widest((line(_key(each)) for each in named), 40)
        room = self.room - COUNTS - GAP
        names = max(min(names, room // 2), min(names, room - keys - GAP))
        return names, max(0, min(keys, room - names - GAP))

    def _row(self, each: ConversationLine, names: int, keys: int) -> Row:
        name = line(each.name, "bold" if each.id == self._current else "")
        many = line(f"{count(each.messages)} message{'s' * (each.messages != 1)}", MUTED)
        left = Content.assemble(column(name, names), " " * GAP, column(line(_key(each), MUTED), keys))
        right = Content.assemble(many, column_right(line(ago(time.time() - each.updated), MUTED), AGE))
        return Row(each.id, left, column_right(right, COUNTS), item=Picked(each))

    async def _found(self, text: str) -> AsyncIterator[Row]:
        for hit in await self._service.conversations.search(text, MOST_FOUND):
            where = self._lines.get(hit.conversation)
            if where is not None:
                name = fitted(line(where.key or where.name, MUTED), min(28, self.room // 3))
                left = Content.assemble(name, " " * GAP, _excerpt(hit, self.room - name.cell_length - 2 * GAP - AGE))
                right = column_right(line(ago(time.time() - hit.created), MUTED), AGE)
                yield Row(hit.message, left, right, item=Picked(where, hit.message))

    async def take(self, row: Row) -> None:
        self.dismiss(row.item)

    @property
    def _picked(self) -> Picked | None:
        picked: Picked | None = self.picked.item if self.picked is not None else None
        return picked

    async def _again(self, done: object) -> None:
        if done:
            await self.load()
            await self.show()

    def action_rename(self) -> None:
        if (picked := self._picked) is None:
            return
        id = picked.conversation.id

        async def rename(name: str) -> bool:
            await self._service.conversations.rename(id, name)
            return True

        name = picked.conversation.name
        self.app.push_screen(Ask("The name of this conversation", "", name, "changes it", rename), self._again)

    def action_delete(self) -> None:
        if (picked := self._picked) is None:
            return
        about = picked.conversation

        async def remove(yes: bool | None) -> None:
            if yes:
                await self._service.conversations.remove(about.id)
                await self._again(yes)

        many = f"{count(about.messages)} message{'s' * (about.messages != 1)}"
        text = f"Its {many} {'is' if about.messages == 1 else 'are'} removed for good."
        text += " The run and its values stay as they are." if about.key else ""
        self.app.push_screen(Confirm(f"Delete {about.name}?", text, "deletes it"), remove)

    async def action_export(self) -> None:
        if (picked := self._picked) is not None:
            try:
                path = await exported(self._service, picked.conversation.id)
            except (OSError, Refusal) as error:
                self.said.update(f"Not exported: {error}")
            else:
                self.said.update(f"Exported to {path}")


def _key(each: ConversationLine) -> str:
    """The run's, where the conversation is not called by it."""
    return each.key if each.key != each.name else ""


def _excerpt(hit: Hit, room: int) -> Content:
    """What was found in `room` cells, the first word that was looked for among them, all of these bold."""
    pieces: list[Content] = []
    at = 0
    for begin, end in hit.found:
        pieces += [_piece(hit.excerpt[at:begin]), _piece(hit.excerpt[begin:end], "bold $text-accent")]
        at = end
    pieces.append(_piece(hit.excerpt[at:]))
    before, *others = pieces
    lead = max(8, room - sum(piece.cell_length for piece in others), room // 3)
    if before.cell_length > lead:
        before = Content.assemble("…", before[-(lead - 1) :])
    return fitted(Content.assemble(before, *others), room)


def _piece(text: str, style: str = "") -> Content:
    return Content.styled(displayable(re.sub(r"\s+", " ", text)), style)


async def exported(service: Service, conversation: str) -> str:
    """Write a conversation as Markdown into the data folder; where it is. OSError, Refusal."""
    text = await service.conversations.markdown(conversation)
    folder = service.paths.data / "chats"
    make_private(folder)
    path = folder / f"{slug(text.partition(chr(10))[0], 60)}-{time.strftime('%Y%m%d-%H%M%S')}.md"
    path.write_text(text, "utf-8", "replace")
    return str(path)
