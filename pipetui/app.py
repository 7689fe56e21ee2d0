"""The app: it opens the service, shows one screen at a time, and tells them what changed."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import WorkerFailed

from . import log
from .engine.collections import PROFILES
from .engine.fields import Invalid
from .engine.refusals import Refusal
from .engine.registry import Entry
from .paths import Paths, make_private
from .screens.away import MOST, Away, told
from .screens.base import MainScreen, Place, Severity
from .screens.commands import BY_NAME, bindings, keymap_of, keys_of, shown_key
from .screens.places import remembered, screen_at
from .service import Service
from .service.place import Place as Memory
from .service.starter import start_worker
from .settings import Settings, SettingsError
from .store.errors import StoreError
from .store.jobs import JobRow
from .store.rev import Changes
from .terminal.app import TerminalApp
from .terminal.guard import Guarded
from .text import count, displayable

if TYPE_CHECKING:
    from .chat.chat import Chat
    from .engine.messages import Message as ChatMessage
    from .screens.chat import ChatPane

COLUMNS, LINES = 80, 24
"""Below this there is a message in place of the screens."""

REMEMBER_SECONDS = 0.5
"""What the app knows of its place is on disk this long after it changed."""

FILES_SECONDS = 5.0
"""Between two looks at the workflow files."""

WORK_SECONDS = 5.0
"""Between two looks whether a worker is there for the jobs that are under way."""

STORM = 20
STORM_SECONDS = 10.0
"""So many unexpected exceptions in so short a time end the app."""

SENTENCES = (Refusal, Invalid, StoreError, SettingsError)
"""What goes wrong as it may; the text is for the user, and there is nothing to log."""

LEAVE_SECONDS = 5.0
"""Jobs that run in the app have this long to stop when it ends."""

JobsHere: TypeAlias = Callable[[Paths, Settings, asyncio.Event], Coroutine[Any, Any, None]]

_log = logging.getLogger("pipetui.app")


class PipetuiApp(Guarded[None], TerminalApp[None], inherit_bindings=False):
    """One main screen at a time, dialogs on top of it. Make it with an open service, in the loop that runs it."""

    TITLE = "pipetui"
    MOVES = frozenset({"go", "move"})
    ENABLE_COMMAND_PALETTE = False  # the stock one; ours is opened by `action_palette`
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]
    CSS = """
    Toast { width: 72; max-width: 96%; padding: 0 1; }
    ToastRack { margin-bottom: 1; }
    Listing:nocolor:focus > .listing--cursor, OptionList:nocolor > .option-list--option-highlighted,
    Toggle:nocolor:focus { text-style: bold underline; }
    DataView:nocolor:focus > .data--cursor, FieldInput Button:nocolor:focus,
    Input:nocolor > .input--cursor { text-style: reverse; }
    """

    def __init__(self, service: Service, known: Mapping[str, Any], *, trouble: Sequence[str] = ()) -> None:
        """`known` is what was remembered."""
        super().__init__()
        self.service = service
        self._known = known
        self.profile: str = known["profile"] if isinstance(known.get("profile"), str) else "default"
        self._names = {str(known.get("profile_id", "")): self.profile}
        self.away: Sequence[str] = ()
        self.keymap, wrong = keymap_of(service.settings.keys)
        self.set_keymap(self.keymap)
        self.last_words = ""
        self.unexpected: deque[BaseException] = deque(maxlen=STORM)
        self._times: deque[float] = deque(maxlen=STORM)
        self._trouble = [*trouble, *wrong]
        self._memory = Memory(service.db)
        self._entries: asyncio.Task[list[Entry]] | None = None
        self._pending: dict[str, Any] = {}
        self._rev: int | None = known["rev"] if isinstance(known.get("rev"), int) else None
        self._states: dict[str, str] = {}
        self._worker_state = ""
        self._work_trouble = ""
        self._going = asyncio.Lock()
        opened = known.get("chat_open")
        self.chat_open = opened if isinstance(opened, bool) else None
        self.is_up = False
        if service.settings.theme in self.available_themes:
            self.theme = service.settings.theme
        else:
            self._trouble.append(f"There is no theme {service.settings.theme!r}: the settings list them.")
        service.choices.follow(self._follow_settings)

    # the start

    @classmethod
    async def make(cls, service: Service, *, profile: str | None = None, trouble: Sequence[str] = ()) -> Self:
        """The app where it was last; with a `profile` that it was not in then, at home. Refusal for a bad name."""
        known = await Memory(service.db).get()
        if profile is not None and profile != known.get("profile"):
            name = (await service.profiles.get(profile)).name
            known = {"profile": name} | {kept: known[kept] for kept in ("rev",) if kept in known}
        app = cls(service, known, trouble=trouble)
        app._load()  # while Textual starts
        return app

    def get_default_screen(self) -> Screen[Any]:
        screen = screen_at(remembered(self._known))
        screen._push_result_callback(screen, None)  # Textual 8.2 forgets it for the first one; `switch_screen` pops it
        return screen

    async def on_mount(self) -> None:
        """The screen is the default one; what it doesn't need for its first frame comes after that."""
        self.theme_changed_signal.subscribe(self, self._theme_changed)
        self.call_after_refresh(self._begin)

    async def _begin(self) -> None:
        self.is_up = True
        await self._follow_profile()
        rev, news = await self._memory.news(self._rev)
        self.remember(rev=rev)  # what is told is told once; the Jobs screen has it for longer
        if news:
            self.away = await self._tell(news)
            self._show_away()
        self._states = {job.id: job.state for job in await self.service.jobs.latest(live=True)}
        await self._count()
        for sentence in self._trouble:
            self.say(sentence, "warning")
        self.run_worker(self._follow(), group="feed")
        self.set_interval(FILES_SECONDS, self._look_at_files)
        self.set_interval(REMEMBER_SECONDS, self.flush)
        self.set_interval(WORK_SECONDS, self._look_after_jobs)
        self._look_after_jobs()
        if self._known.get("in_chat") is True:
            await self.main.open_chat()
        else:
            await self.main.stand_chat_beside()
        await self._wake_chat()

    @cached_property
    def chat(self) -> Chat:
        """The chat with the model; made when it is first shown, or something waits for an answer."""
        from .actions import ACTIONS
        from .chat.chat import Chat

        made = Chat(self.service, ACTIONS, told=self._told, news=self.say, changed=self._model_changed)
        draft = self._known.get("chat_draft")
        made.draft = draft if isinstance(draft, str) else ""
        for work in (made.briefing.watch(), made.answerer.run()):
            self.run_worker(work, group="chat")
        return made

    async def _wake_chat(self) -> None:
        """Something was said. Who waits for an answer gets one, though no chat is on the screen."""
        if "chat" in vars(self) or await self.service.conversations.unanswered():
            self.chat.answerer.wake()

    @property
    def _pane(self) -> ChatPane | None:
        """The chat pane, if one is on the screen."""
        pane = self.main.chat if self.screen_stack else None
        return pane if pane is not None and pane.is_attached else None

    def _told(self, message: ChatMessage) -> None:
        if (pane := self._pane) is not None:
            pane.told(message)

    def _model_changed(self) -> None:
        if self.screen_stack:
            self.main.status.model = self.chat.standing(self.main.scope())
            self.chat.answerer.wake()
            if (pane := self._pane) is not None:
                pane.state_changed()

    def _look_after_jobs(self) -> None:
        if self.main.status.jobs:
            self.run_worker(self._work(), group="work")

    async def _work(self) -> None:
        """Jobs go on though a reboot, or a kill while one looks on, took the worker from them. Trouble is told once."""
        trouble = await self.service.resume()
        if trouble and trouble != self._work_trouble:
            self.say(trouble, "warning")
        self._work_trouble = trouble

    def runs_jobs(self, why: str) -> None:
        """Jobs run in this process from now on."""
        self._worker_state = "app"
        self.main.status.worker = "app"
        self.say(why, "warning")

    async def entries(self) -> Sequence[Entry]:
        """The workflows in menu order; loaded in a thread when first asked for."""
        await asyncio.shield(self._load())
        return self.service.registry.entries()

    def _load(self) -> asyncio.Task[list[Entry]]:
        if self._entries is None:
            self._entries = asyncio.create_task(asyncio.to_thread(self._read_entries))
        return self._entries

    def _read_entries(self) -> list[Entry]:
        return self.service.registry.entries()

    async def entry(self, app_name: str) -> Entry | None:
        """The workflow of this name, if it is there."""
        return next((entry for entry in await self.entries() if entry.app_name == app_name), None)

    # what the screens ask

    def go(self, place: Place, *, in_chat: bool = False) -> None:
        """Show another screen in place of this one; soon, since a screen can't wait for its own end."""
        self.run_worker(self._go(place, in_chat), group="go")

    async def _go(self, place: Place, in_chat: bool) -> None:
        async with self._going:
            before = self.main
            await before.settle()
            self.remember(screen=place.screen, app_name=place.app_name, run=place.run, memory=dict(place.memory))
            while self.screen is not before:
                self.pop_screen()
            await self.switch_screen(screen_at(place))
            if in_chat:
                await self.main.open_chat()
            await self._count()

    @property
    def main(self) -> MainScreen:
        """The main screen, whatever lies on top of it."""
        return next(screen for screen in reversed(self.screen_stack) if isinstance(screen, MainScreen))

    def say(self, text: object, severity: Severity = "information") -> None:
        """A notice, in a sentence; the same one again takes the place of the first."""
        said = displayable(text, 1_000)
        for notice in [notice for notice in self._notifications if notice.message == said]:
            self._unnotify(notice, refresh=False)
        self.notify(said, severity=severity, markup=False, timeout=12 if severity == "error" else 6)

    def remember(self, **values: Any) -> None:
        """Keep these values (JSON) of the place for the next start."""
        if "profile" in values:
            values["profile_id"] = next((id for id, name in self._names.items() if name == values["profile"]), "")
        self._pending.update(values)

    async def flush(self) -> None:
        """Write what is to be remembered."""
        if self._pending:
            values, self._pending = self._pending, {}
            await self._memory.put(values)

    async def settle(self) -> None:
        """Write everything that is not on disk yet: the app ends."""
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                await screen.settle()
        await self.flush()

    # changes

    async def _follow(self) -> None:
        """Tell the screens what was written, by whomever."""
        feed = self.service.feed()
        await feed.look()
        await self._show_changes(None)  # what came between its first look and the feed's
        while True:
            try:
                async for changes in feed.changes():
                    await self._changed(changes)
            except Exception as error:  # whatever a screen makes of it, the next change is told again
                self._handle_exception(error)
                await asyncio.sleep(1)

    async def _changed(self, changes: Changes) -> None:
        if changes.jobs:
            await self._count()
            await self._ring(changes)
        if changes.conversations:
            await self._wake_chat()
        if "profiles" in changes.collections:
            await self._follow_profile()
        await self._show_changes(changes)

    async def _show_changes(self, changes: Changes | None) -> None:
        if self.screen_stack:
            await self.main.changed(changes)
            if (pane := self._pane) is not None:
                await pane.changed(changes)

    async def _follow_profile(self) -> None:
        """The profile that one works for may have another name by now."""
        items = await self.service.collections.items(PROFILES)
        names = {str(item.id): str(item.values["name"]) for item in items}
        if self.profile not in names.values():
            before = next((id for id, name in self._names.items() if name == self.profile), "")
            self.profile = names.get(before, self.profile)
        self._names = names
        self.remember(profile=self.profile)

    async def _count(self) -> None:
        counts = await self.service.jobs.counts()
        if self.screen_stack:  # none when the app ends
            status = self.main.status
            status.jobs, status.worker = sum(counts.values()), self._worker_state
            if "chat" in vars(self):
                status.model = self.chat.standing(self.main.scope())

    async def _ring(self, changes: Changes) -> None:
        """A notice and the bell for jobs that ended or ask, unless one looks at them."""
        moved = []
        for id in changes.jobs:
            try:
                job = await self.service.jobs.row(id)
            except Refusal:  # its run was removed this instant
                continue
            before, self._states[id] = self._states.get(id), job.state
            if job.state != before and job.state in ("done", "failed", "parked", "cancelled", "waiting"):
                moved.append(job)
        if moved:
            self.remember(rev=changes.rev)
        over = [job for job in moved if job.state != "cancelled" and job.superseded is None]
        elsewhere = [job for job in over if job.run != getattr(self.main, "run_id", None)]
        for text in await self._tell(elsewhere[:MOST]):
            self.say(text)
        if elsewhere and self.service.settings.bell:
            self.bell()

    async def _tell(self, jobs: Sequence[JobRow]) -> list[str]:
        lines = []
        for job in jobs:
            try:
                run = await self.service.runs.row(job.run)
            except Refusal:
                continue
            entry = await self.entry(run.app_name)
            steps = entry.workflow.body() if entry and entry.workflow else []
            label = next((step.show for step in steps if step.id == job.step), job.step)
            lines.append(told(f"{run.profile}-{run.app_name}-{run.part}", label, job.view))
        return lines

    async def _look_at_files(self) -> None:
        """A workflow file that was saved is loaded again."""
        await self.entries()
        if await asyncio.to_thread(self.service.registry.refresh):
            await self._show_changes(None)
        await self.service.choices.refresh()

    # the settings

    def _follow_settings(self, now: Settings) -> None:
        """Put into effect what is not read where it is needed."""
        if now.theme in self.available_themes:
            self.theme = now.theme
        self.keymap, _ = keymap_of(now.keys)
        self.set_keymap(self.keymap)
        if "chat" in vars(self):
            self.chat.briefing.doubt()

    def action_settings(self) -> None:
        from .screens.settings import SettingsScreen

        self.push_screen(SettingsScreen(self.service.choices), self._settings_left)

    async def _settings_left(self, has_new_keys: bool | None) -> None:
        """The screen names its keys here and there: with others it is made anew."""
        if has_new_keys:
            await self.flush()
            self.go(remembered(await self._memory.get()), in_chat=self.main.is_in_chat)

    # keys

    def get_key_display(self, binding: Binding) -> str:
        """A key as people write it."""
        return shown_key(binding.key)

    def leaves(self, event: events.Event) -> bool:
        """Ctrl+Q, or what is in its place; a letter may be meant for an input."""
        keys = keys_of(BY_NAME["quit"], self.keymap)
        return isinstance(event, events.Key) and not event.is_printable and event.key in keys.split(",")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "seen":
            return bool(self.away)
        if action in ("jobs", "home", "palette", "theme", "settings", "help", "chat"):
            return isinstance(self.screen, MainScreen)
        return True

    def action_jobs(self) -> None:
        self.go(Place("jobs"))

    def action_home(self) -> None:
        self.go(Place())

    async def action_chat(self) -> None:
        main = self.main
        if not main.is_in_chat:
            await main.open_chat()
            self.chat_open = True
        elif main.has_class("-narrow"):
            main.leave_chat()
        else:
            await main.close_chat()
            self.chat_open = False
        self.remember(chat_open=self.chat_open)

    def action_palette(self) -> None:
        from textual.command import CommandPalette

        from .screens.palette import Commands

        self.push_screen(CommandPalette(providers=[Commands], placeholder="Find a command"))

    def action_theme(self) -> None:
        self.search_themes()

    async def action_picture(self) -> None:
        """Into a file of our own: over SSH there is nothing that Textual could deliver it to."""
        folder = self.service.paths.screenshots
        picture = folder / f"{datetime.now():%Y%m%d-%H%M%S-%f}.svg"
        try:
            make_private(folder)
            await asyncio.to_thread(picture.write_text, self.export_screenshot(), "utf-8")
        except OSError as error:
            self.say(f"No picture was made: {folder} can't be written ({error.strerror}).", "warning")
        else:
            self.say(f"A picture of this screen is in {picture}")

    def action_help(self) -> None:
        from .screens.help import Help

        self.push_screen(Help(self.keymap, self.main.WHERE))

    def action_seen(self) -> None:
        self.away = ()
        self._show_away()

    def _show_away(self) -> None:
        for away in self.main.query(Away):
            away.show(self.away)
        self.refresh_bindings()

    async def action_quit(self) -> None:
        try:
            await self.settle()
            counts = await self.service.jobs.counts()
            jobs = counts.get("queued", 0) + counts.get("running", 0)
            if jobs and self._worker_state != "app":
                self.last_words = f"{count(jobs)} {'job goes' if jobs == 1 else 'jobs go'} on in the background."
        except StoreError as error:
            self.last_words = displayable(error)
        finally:
            self.exit()  # whatever the database does, who wants to leave leaves

    def _theme_changed(self, theme: Theme) -> None:
        if theme.name != self.service.settings.theme:
            self.run_worker(self._keep_theme(theme.name), group="theme", exclusive=True)

    async def _keep_theme(self, name: str) -> None:
        try:
            await self.service.choices.change({"theme": name})
        except SettingsError as error:
            self.say(f"The theme is for this time only: {error}", "warning")

    # the size

    def on_resize(self, event: events.Resize) -> None:
        is_small = event.size.width < COLUMNS or event.size.height < LINES
        is_shown = self.screen.id == "too-small"
        if is_small and not is_shown:
            from .screens.dialogs import TooSmall

            self.push_screen(TooSmall(COLUMNS, LINES))
        elif is_shown and not is_small:
            self.pop_screen()

    # what goes wrong

    def _handle_exception(self, error: Exception) -> None:
        """An exception that nobody expected, from a handler, timer, worker or drawing: tell it, log it, go on.

        In place of Textual's, which ends the app, prints the locals (tokens among them), and exits with 0.
        """
        if isinstance(error, WorkerFailed):
            error = error.error if isinstance(error.error, Exception) else error
        from .service.facts import Broken  # with the engine, which the first frame can do without

        is_refused = isinstance(error, Refusal | Invalid)  # to a key, which may come before the first frame
        if is_refused or (isinstance(error, (*SENTENCES, Broken)) and self.is_up):
            self.say(error, "warning" if is_refused else "error")
            return
        _log.error("unexpected", exc_info=error)
        self.unexpected.append(error)
        now = time.monotonic()
        self._times.append(now)
        if not self.is_up or (len(self._times) == STORM and now - self._times[0] < STORM_SECONDS):
            what = str(error) if isinstance(error, SENTENCES) else f"{type(error).__name__}: {error}"
            self.last_words = (
                f"pipetui had to end: {displayable(what, 500).rstrip('.')}. Nothing that was submitted is lost. "
                f"The log has the details: {self.service.paths.log}"
            )
            self._return_code = 1
            self.exit(return_code=1)
            return
        what = type(error).__name__
        self.say(f"Something went wrong ({what}); nothing was lost; the log has the details.", "error")


def run(
    paths: Paths,
    settings: Settings,
    *,
    profile: str | None = None,
    no_mouse: bool = False,
    debug: bool = False,
    jobs_here: JobsHere | None = None,
) -> int:
    """Show the app until it is left; the process's exit code. `terminal.check.refusal` was asked before.

    `jobs_here` runs jobs in this process until its event is set: for where no worker can be started.
    """
    log.start(paths.log, "debug" if debug else "info")
    return asyncio.run(_run(paths, settings, profile, no_mouse, jobs_here))


async def _run(
    paths: Paths, settings: Settings, profile: str | None, no_mouse: bool, jobs_here: JobsHere | None
) -> int:
    stop = asyncio.Event()
    here: list[asyncio.Task[None]] = []

    async def starter(paths: Paths) -> str:
        trouble = await start_worker(paths)
        if trouble and jobs_here is not None and not (here and not here[-1].done()):
            here.append(asyncio.create_task(jobs_here(paths, settings, stop)))
            app.runs_jobs(trouble)
        return trouble

    try:
        async with Service.open(paths, settings, starter=starter) as service:
            app = await PipetuiApp.make(service, profile=profile)
            await app.run_async(mouse=settings.mouse and not no_mouse)
            try:
                await app.settle()
            except StoreError as error:
                _log.warning("at the end: %s", error)
            stop.set()
            if here:
                await asyncio.wait(here, timeout=LEAVE_SECONDS)
    except (StoreError, Refusal, OSError) as error:
        sys.stderr.write(f"pipetui: {displayable(error)}\n")
        return 1
    if app.last_words:
        sys.stderr.write(app.last_words + "\n")
    return app.return_code or 0
