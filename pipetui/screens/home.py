"""Home: the workflows in menu order, and the runs that were touched last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content

from ..engine.refusals import Refusal
from ..engine.registry import Entry
from ..store.rev import Changes
from ..store.runs import RunLine
from ..widgets.plain import MUTED, line
from .base import Place
from .commands import BY_NAME, Where, bindings, keys_of, shown_key
from .listing import BLANK, Row, heading, note
from .looks import age, column, run_key, run_mark, run_status, widest
from .searched import Searched

RECENT = 10
WIDE = 110
"""In fewer columns the footer leaves the tasks to the help and the palette: jobs come first."""

NAME_CELLS = 30
"""Names of workflows and keys of runs have no more room than this."""

REFRESH = 30.0
"""Seconds after which the ages are drawn anew."""


class Home(Searched):
    WHERE: ClassVar[Where] = "home"
    BEGINS_WITH_CHAT = False  # what the workflows are is what one wants to read first
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(WHERE)]

    def __init__(self, place: Place) -> None:
        row = str(place.memory.get("row", "")) or (f"workflow {place.app_name}" if place.app_name else "")
        super().__init__("Search workflows and runs", row)

    def content(self) -> ComposeResult:
        self.status.crumbs = ("pipetui", self.host.profile)
        yield self._box
        yield self._list

    async def on_mount(self) -> None:
        self.begin()
        with self.app.batch_update():  # the first frame has the rows
            await self._show()
        self.set_interval(REFRESH, self._show)

    async def changed(self, changes: Changes | None) -> None:
        await self._show()

    async def _show(self) -> None:
        self.status.crumbs = ("pipetui", self.host.profile)
        words = self._box.value.split()
        text = " ".join(words)
        entries = await self.host.entries()
        own = await self.service.shelves.lines(profile=self.host.profile, text=text, limit=RECENT)
        every = own if len(own) == RECENT else await self.service.shelves.lines(text=text, limit=RECENT)
        others = [run for run in every if run.profile != self.host.profile][: RECENT - len(own)]
        self._list.show([*self._workflows(entries, words), BLANK, *self._recent(entries, own, others, text)])

    def _workflows(self, entries: Sequence[Entry], words: Sequence[str]) -> Iterable[Row]:
        yield heading("Workflows")
        found = [entry for entry in entries if _matches(entry, words)]
        found.sort(key=lambda entry: not _is_called(entry, words))  # before those that only speak of it
        names = widest((line(entry.name) for entry in entries), NAME_CELLS)  # of all, so that a search moves nothing
        for entry in found:
            yield from _entry_rows(entry, names)
        if not entries:
            yield note("There are none: the installation is not complete.")
        elif not found:
            yield note("No workflow is called so. Esc clears the search.")

    def _recent(
        self, entries: Sequence[Entry], own: Sequence[RunLine], others: Sequence[RunLine], text: str
    ) -> Iterable[Row]:
        """The runs of the profile that one works for, then those of others."""
        yield heading("Recent runs")
        keys = widest((line(run_key(run)) for run in (*own, *others)), NAME_CELLS)
        yield from self._runs(entries, own, keys)
        if not own and not (text and others):
            yield note("No run has that in its key." if text else "None yet: open a workflow and start one.")
        first = next((entry.workflow for entry in entries if entry.workflow and not entry.error), None)
        if first is not None and not (own or others or text):
            key = shown_key(keys_of(BY_NAME["new"], self.host.keymap))
            yield note(f"New here? {first.DISPLAY_NAME} is the place to start: Enter, then {key}.")
        if others:
            yield heading("Of other profiles")
            yield from self._runs(entries, others, keys)

    def _runs(self, entries: Sequence[Entry], runs: Sequence[RunLine], keys: int) -> Iterable[Row]:
        for run in runs:
            workflow = next((entry.workflow for entry in entries if entry.app_name == run.app_name), None)
            left = Content.assemble(
                " ", run_mark(run), "  ", column(line(run_key(run)), keys), "  ", run_status(run, workflow)
            )
            yield Row(f"run {run.id}", left, age(run.updated), item=run)

    def shows(self, command: str) -> bool:
        match command:
            case "back":
                return bool(self._box.value)
            case "search":
                return not self._box.has_focus
            case "new":
                return self._app_name is not None
            case "tasks":
                return self.size.width >= WIDE
        return True

    def label(self, command: str) -> str:
        return "Clear the search" if command == "back" else ""

    @property
    def _app_name(self) -> str | None:
        """The workflow under the cursor, or of the run there."""
        item = self._list.current.item if self._list.current else None
        if isinstance(item, Entry):
            return item.workflow.APP_NAME if item.workflow and not item.error else None
        return item.app_name if isinstance(item, RunLine) else None

    def on_listing_moved(self) -> None:
        row = self._list.current
        if row is not None:
            self.host.remember(memory={"row": row.id})
        self.refresh_bindings()

    async def action_open(self) -> None:
        row = await self.found()
        if row is None:
            return
        if isinstance(row.item, RunLine):
            self.host.go(Place("run", row.item.app_name, row.item.id))
        elif isinstance(row.item, Entry) and row.item.error:
            from .dialogs import Reading

            self.app.push_screen(Reading(f"{row.item.file.name} can't be loaded", _trouble(row.item)))
        elif isinstance(row.item, Entry):
            self.host.go(Place("workflow", row.item.app_name))

    async def action_new(self) -> None:
        from .new_run import ask_for_new_run

        if self._app_name is None:
            raise Refusal("Put the cursor on a workflow: a new run is one of its.")
        await ask_for_new_run(self, self._app_name)

    def action_back(self) -> None:
        self.clear_search()

    def action_tasks(self) -> None:
        self.host.go(Place("tasks"))

    def action_profiles(self) -> None:
        self.host.go(Place("profiles"))

    def action_profile(self) -> None:
        from .profiles import pick_profile

        pick_profile(self, self._show)


def _matches(entry: Entry, words: Sequence[str]) -> bool:
    message = entry.workflow.ENDPOINT_MESSAGE if entry.workflow else ""
    text = f"{entry.name} {entry.app_name} {entry.file.name} {message}".casefold()
    return all(word.casefold() in text for word in words)


def _is_called(entry: Entry, words: Sequence[str]) -> bool:
    name = f"{entry.name} {entry.app_name}".casefold()
    return all(word.casefold() in name for word in words)


def _entry_rows(entry: Entry, names: int) -> Iterable[Row]:
    origin = "" if entry.origin == "built in" else entry.origin
    right = line(origin, MUTED)
    if entry.workflow is not None:
        left = Content.assemble(
            "    ", column(line(entry.name), names), "  ", line(entry.workflow.ENDPOINT_MESSAGE, MUTED)
        )
        yield Row(f"workflow {entry.app_name}", left, right, item=Entry(entry.file, entry.origin, "", entry.workflow))
    if entry.error:
        left = Content.assemble(
            " ",
            line("!", "$text-error"),
            "  ",
            column(line(entry.file.name), names),
            "  ",
            line(entry.error, "$text-error"),
        )
        yield Row(f"error {entry.file}", left, right, item=entry)


def _trouble(entry: Entry) -> str:
    still = "Its last good version keeps running." if entry.workflow else "Other workflows are not touched by it."
    return f"{entry.error}\n\n{entry.file}\n\n{still} Mend the file and save it: it is loaded again by itself."
