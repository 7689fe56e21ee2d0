"""A workflow: what it says of itself, and the runs of this profile."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from ..engine.refusals import Refusal
from ..engine.registry import Entry
from ..engine.workflow import Workflow
from ..store.rev import Changes
from ..store.runs import RunLine, Shelf
from ..widgets.plain import Plain, line
from .base import Place
from .commands import Where, bindings
from .dialogs import Ask, Confirm
from .listing import Row, heading, note
from .looks import age, column, run_key, run_mark, run_status, widest
from .new_run import ask_for_new_run
from .search import Search
from .searched import Searched

PAGE = 200
REFRESH = 30.0
PART_CELLS = 30

_SHELVES: dict[Shelf, str] = {"active": "Runs", "archived": "Archive", "binned": "Bin"}
_EMPTY: dict[Shelf, str] = {
    "active": "No run yet: n starts one.",
    "archived": "The archive is empty.",
    "binned": "The bin is empty.",
}


class WorkflowScreen(Searched):
    """Pages of the runs come as the cursor gets near them."""

    WHERE: ClassVar[Where] = "workflow"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WHERE)]

    DEFAULT_CSS = """
    WorkflowScreen {
        .about { margin: 1 2 0 2; color: $text-muted; }
    }
    """

    def __init__(self, place: Place) -> None:
        super().__init__("Search the keys of the runs", str(place.memory.get("row", "")) or place.run)
        self.app_name = place.app_name
        self._shelf: Shelf = _shelf(place.memory.get("shelf"))
        self._limit = PAGE
        self._complete = False
        self._workflow: type[Workflow] | None = None
        self._about = Plain(classes="about", limit=2_000)

    def scope(self) -> dict[str, str]:
        return super().scope() | {"app_name": self.app_name}

    def content(self) -> ComposeResult:
        yield self._about
        yield self._box
        yield self._list

    async def on_mount(self) -> None:
        self.begin()
        entry = await self.host.entry(self.app_name)
        if entry is None or entry.workflow is None:
            self.host.say(f"There is no workflow {self.app_name} (any more). Its runs are kept.", "warning")
            self.host.go(Place())
            return
        self._present(entry)
        await self._show()
        self.set_interval(REFRESH, self._show)

    def _present(self, entry: Entry) -> None:
        self._workflow = entry.workflow
        self.status.crumbs = (self.host.profile, entry.name)
        self._about.update(entry.workflow.ENDPOINT_MESSAGE if entry.workflow else "")

    async def changed(self, changes: Changes | None) -> None:
        if changes is None and (entry := await self.host.entry(self.app_name)) is not None:
            self._present(entry)
        await self._show()

    async def _show(self) -> None:
        text, limit = self._box.value.strip(), self._limit
        lines = await self.service.shelves.lines(
            profile=self.host.profile, app_name=self.app_name, shelf=self._shelf, text=text, limit=limit
        )
        self._complete = len(lines) < limit
        cells = widest((line(run.part) for run in lines), PART_CELLS)
        rows = [self._row(run, cells) for run in lines]
        self._list.show([heading(_SHELVES[self._shelf]), *rows, *self._notes(lines, text)])

    def _row(self, run: RunLine, cells: int) -> Row:
        left = Content.assemble(
            " ", run_mark(run), "  ", column(line(run.part), cells), "  ", run_status(run, self._workflow)
        )
        return Row(run.id, left, age(run.updated), item=run)

    def _notes(self, lines: list[RunLine], text: str) -> Iterator[Row]:
        if not lines:
            yield note("No run has that in its key. Esc clears the search." if text else _EMPTY[self._shelf])

    async def on_listing_near_end(self) -> None:
        if not self._complete:
            self._complete = True  # until the page is there
            self._limit = len(self._list.rows) + PAGE
            await self._show()

    def on_listing_moved(self) -> None:
        row = self._list.current
        self.host.remember(memory={"row": row.id if row else "", "shelf": self._shelf})
        self.refresh_bindings()

    async def on_search_changed(self, event: Search.Changed) -> None:
        self._limit = PAGE  # before the search shows what it found

    def shows(self, command: str) -> bool:
        is_run = self._list.current is not None
        match command:
            case "open" | "rename" | "archive" | "delete":
                return is_run and self._shelf == "active"
            case "restore":
                return is_run and self._shelf != "active"
            case "empty":
                return is_run and self._shelf == "binned"
            case "new":
                return self._shelf == "active"
        return True

    def label(self, command: str) -> str:
        match command:
            case "new":
                return "New run"
            case "shelf":
                return {"active": "", "archived": "Bin", "binned": "Runs"}[self._shelf]
            case "back" if self.is_searching:
                return "Clear the search"
        return ""

    # what the keys do

    @property
    def _run(self) -> RunLine:
        row = self._list.current
        if row is None:
            raise Refusal("There is no run here to do that with.")
        run: RunLine = row.item
        return run

    async def action_open(self) -> None:
        if await self.found() is None:
            if self._shelf == "active" and not self._box.value:
                await self.action_new()
            return
        if self._shelf == "binned":
            raise Refusal("This run is in the bin: take it back first.")
        self.host.go(Place("run", self.app_name, self._run.id))

    async def action_new(self) -> None:
        await ask_for_new_run(self, self.app_name)

    def action_rename(self) -> None:
        run = self._run

        async def rename(part: str) -> bool:
            await self.service.runs.rename(run.id, part)
            return True

        about = "Another name for the same run: its files stay where they are."
        self.app.push_screen(Ask(f"The key of {run_key(run)}", about, run.part, "changes it", rename), self._again)

    async def action_archive(self) -> None:
        await self._shelve("archived", "is in the archive; v shows it")

    async def action_delete(self) -> None:
        await self._shelve("binned", "is in the bin; v shows it, and t there takes it back")

    async def action_restore(self) -> None:
        if self._shelf == "active":
            raise Refusal("This run is neither in the archive nor in the bin.")
        await self._shelve("active", "is back")

    async def _shelve(self, shelf: Shelf, said: str) -> None:
        run = self._run
        if shelf == self._shelf:
            raise Refusal("It is there already.")
        await self.service.runs.shelve(run.id, shelf)
        self.host.say(f"{run_key(run)} {said}.")
        await self._show()

    def action_empty(self) -> None:
        if self._shelf != "binned" or self._list.current is None:
            raise Refusal("There is nothing to empty: v goes to the bin.")

        async def empty(yes: bool | None) -> None:
            if yes:
                count = await self.service.runs.empty_bin()
                gone = "1 run is" if count == 1 else f"{count} runs are"
                self.host.say(f"{gone} gone, and what files there were.")
                await self._show()

        text = (
            "All runs in the bin, of every workflow and profile, are removed with their files. They can't be had back."
        )
        self.app.push_screen(Confirm("Empty the bin?", text, "removes them for good"), empty)

    async def action_shelf(self) -> None:
        order = list(_SHELVES)
        self._shelf = order[(order.index(self._shelf) + 1) % len(order)]
        self._limit = PAGE
        await self._show()
        self.refresh_bindings()

    async def _again(self, done: bool | None) -> None:
        if done:
            await self._show()

    async def action_back(self) -> None:
        if self.is_searching:
            self.clear_search()
        elif self._shelf != "active":
            self._shelf = "active"
            await self._show()
        else:
            self.host.go(Place("home", self.app_name))


def _shelf(name: object) -> Shelf:
    return next((shelf for shelf in _SHELVES if shelf == name), "active")
