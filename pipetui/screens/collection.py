"""A collection: its items as a list, to add, change, mark, sort and delete. One screen for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from ..engine.collections import COLLECTIONS
from ..engine.fields import Switch, summarize
from ..engine.refusals import Refusal
from ..service.collections import state
from ..store.collections import Item
from ..store.rev import Changes
from ..text import count, one_line
from ..widgets.marks import LOOKS
from ..widgets.plain import MUTED, line
from .base import Place
from .commands import BY_NAME, Where, bindings, keys_of, shown_key
from .dialogs import Confirm
from .forms import Form
from .listing import Row, heading, note
from .looks import mark
from .profiles import pick_profile, work_for
from .searched import Searched


class CollectionScreen(Searched):
    """The items of the collection that the place is named after; of an owned one, those of the profile."""

    WHERE: ClassVar[Where] = "collection"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WHERE)]

    def __init__(self, place: Place) -> None:
        self.collection = COLLECTIONS[place.screen]
        super().__init__(f"Search the {self.collection.name}", str(place.memory.get("row", "")))

    def content(self) -> ComposeResult:
        self._tell_where()
        yield self._box
        yield self._list

    async def on_mount(self) -> None:
        self.begin()
        await self._show()

    async def changed(self, changes: Changes | None) -> None:
        if changes is None or {self.collection.name, "profiles"} & changes.collections:
            await self._show()

    def _tell_where(self) -> None:
        owner = (self.host.profile,) if self.collection.owned else ()
        self.status.crumbs = ("pipetui", *owner, self.collection.name.capitalize())

    async def _show(self) -> None:
        self._tell_where()
        text = self._box.value.strip()
        items = await self.service.collections.items(self.collection, self.host.profile, text=text)
        self._list.show([heading(self._count(items)), *map(self._row, items), *self._notes(items, text)])
        self.refresh_bindings()

    def _count(self, items: list[Item]) -> str:
        on = sum(bool(item.values[self.collection.toggles]) for item in items)
        many = self.collection.one if len(items) == 1 else self.collection.name
        return f"{count(len(items))} {many}, {count(on)} {self.collection.toggles}" if items else many.capitalize()

    def _row(self, item: Item) -> Row:
        collection, values = self.collection, item.values
        is_on = bool(values[collection.toggles])
        is_aside = is_on != collection.columns.members[collection.toggles].default
        is_here = self._is_in_use(item)
        title = line(values[collection.title], MUTED if is_aside else "bold" if is_here else "")
        left = Content.assemble(" ", mark(LOOKS["done" if is_on else "pending"]), "  ", title)
        return Row(str(item.id), left, line(" · ".join(self._beside(item)), MUTED, 60), item=item)

    def _beside(self, item: Item) -> Iterator[str]:
        """What else is said of an item: its other columns where they are not empty, its number."""
        if self._is_in_use(item):
            yield "you work for it"
        for name, field in self.collection.columns.members.items():
            value = item.values[name]
            if name != self.collection.title and not isinstance(field, Switch) and value not in ("", 0, None):
                yield summarize(value) if isinstance(value, str) else f"{name} {summarize(value)}"
        if not self.collection.named_by:
            yield f"#{item.id}"

    def _is_in_use(self, item: Item) -> bool:
        """Whether it is the profile that one works for."""
        return not self.collection.owned and item.values[self.collection.title] == self.host.profile

    def _notes(self, items: list[Item], text: str) -> Iterator[Row]:
        if not items:
            one = self.collection.one
            yield note(f"No {one} has that in it. Esc clears the search." if text else f"No {one} yet: n adds one.")
        elif not self.collection.owned and not all(map(self._is_in_use, items)):
            key = shown_key(keys_of(BY_NAME["profile"], self.host.keymap))
            yield note(f"{key}: work for the one under the cursor.")

    def on_listing_moved(self) -> None:
        row = self._list.current
        self.host.remember(memory={"row": row.id if row else ""})
        self.refresh_bindings()

    def shows(self, command: str) -> bool:
        match command:
            case "open" | "edit" | "delete" | "mark" | "move_up" | "move_down":
                return self._list.current is not None
            case "profile":  # of tasks the help tells
                row = self._list.current
                return row is not None and not self.collection.owned and not self._is_in_use(row.item)
        return True

    def label(self, command: str) -> str:
        match command:
            case "open":
                return "Edit"
            case "mark":
                return self.collection.toggles.capitalize()
            case "profile" if not self.collection.owned:
                return "Work for it"
            case "back" if self.is_searching:
                return "Clear the search"
        return ""

    # what the keys do

    @property
    def _item(self) -> Item:
        row = self._list.current
        if row is None:
            raise Refusal(f"There is no {self.collection.one} here to do that with.")
        item: Item = row.item
        return item

    async def action_profile(self) -> None:
        """In the list of profiles: the one under the cursor; elsewhere one that is picked."""
        if self.collection.owned:
            pick_profile(self, self._show)
        else:
            work_for(self.host, str(self._item.values[self.collection.title]))
            await self._show()

    def action_new(self) -> None:
        async def insert(values: dict[str, Any]) -> Item:
            return await self.service.collections.insert(self.collection, values, self.host.profile)

        owner = f"For {self.host.profile}." if self.collection.owned else ""
        form = Form(f"A new {self.collection.one}", owner, self.collection.columns, None, "adds it", insert)
        self.app.push_screen(form, self._went)

    async def action_open(self) -> None:
        await self.found()
        item = self._item

        async def update(values: dict[str, Any]) -> Item:
            return await self.service.collections.update(self.collection, item.id, values, expected=state(item))

        title = f"Change this {self.collection.one}"
        form = Form(title, "", self.collection.columns, item.values, "changes it", update)
        self.app.push_screen(form, self._went)

    async def action_edit(self) -> None:
        await self.action_open()

    async def action_delete(self) -> None:
        item = self._item
        hanging = await self.service.collections.check_deletion(self.collection, item.id)

        async def delete(yes: bool | None) -> None:
            if yes:
                await self.service.collections.delete(self.collection, item.id, expected=state(item))
                await self._show()

        title = one_line(item.values[self.collection.title], 200)
        text = "\n".join([title, *hanging, "", "It can't be had back."])
        self.app.push_screen(Confirm(f"Delete this {self.collection.one}?", text, "deletes it"), delete)

    async def action_mark(self) -> None:
        await self.service.collections.toggle(self.collection, self._item.id)
        await self._show()

    async def action_move_up(self) -> None:
        await self._move(-1)

    async def action_move_down(self) -> None:
        await self._move(1)

    async def _move(self, step: int) -> None:
        if self._box.value:
            raise Refusal("What a search found has no order of its own: clear it with Esc, then sort.")
        place, total = await self.service.collections.place(self.collection, self._item)
        if 1 <= place + step <= total:
            await self.service.collections.move(self.collection, self._item.id, place + step)
            await self._show()

    async def _went(self, item: Item | None) -> None:
        if item is not None:
            self._list.go(str(item.id))
            await self._show()

    def action_back(self) -> None:
        if self.is_searching:
            self.clear_search()
        else:
            self.host.go(Place())
