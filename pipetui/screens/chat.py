"""The chat pane: a conversation, and the prompt below it. It stands beside any main screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from ..actions import slash
from ..engine.fields import Invalid
from ..engine.messages import LIVE, Message, Proposal
from ..engine.refusals import Refusal
from ..store.conversations import Conversation
from ..store.errors import StoreError
from ..store.rev import Changes
from ..terminal.clipboard import copy
from ..text import one_line
from ..widgets.copies import Copy
from ..widgets.plain import MUTED, Line, Plain, line, spread
from ..widgets.prompt import Candidate, Prompt
from ..widgets.transcript import Transcript
from .base import Place
from .commands import BY_NAME, bindings, keys_of, shown_key
from .copying import PickCopy
from .dialogs import Confirm

if TYPE_CHECKING:
    from ..actions.names import Names
    from ..chat.chat import Chat
    from .base import Host, MainScreen

WINDOW = 60
"""Messages that are loaded at once."""

HINT, STREAMING = "Enter sends · Ctrl+J new line", "Esc stops the answer · Enter sends · Ctrl+J new line"

MOST = 300
"""With more than these loaded, who follows what comes keeps only the last ones."""


class Head(Line):
    """The conversation's name, and how full the model's window is; the app's header has the model."""

    DEFAULT_CSS = """
    Head { padding: 0 1; background: $boost; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.name_shown = ""
        self.full = ""

    def show(self, name: str, full: str) -> None:
        if (name, full) != (self.name_shown, self.full):
            self.name_shown, self.full = name, full
            self.refresh()

    def content(self, width: int) -> Content:
        return spread(line(self.name_shown, "bold"), line(self.full, MUTED), width)


class ChatPane(Vertical):
    """Shows one conversation: the run's on the screen of a run, elsewhere the general one, or one that was picked."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("chat"), Binding("tab,shift+tab", "cross", show=False)]

    DEFAULT_CSS = """
    ChatPane {
        width: 2fr;
        min-width: 44;
        max-width: 100;
        border-left: vkey $panel;
        & > .empty { padding: 1; color: $text-muted; display: none; }
        &.-empty > .empty { display: block; }
        & > .note { padding: 0 1; color: $text-warning; display: none; }
        & > .note.-on { display: block; }
        & > .note.-quiet { color: $text-muted; }
        & > .note.-wrong { color: $text-error; }
        & > .editing { padding: 0 1; color: $text-accent; display: none; }
        & > .editing.-on { display: block; }
    }
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        """`keys` is what the cards of proposals call their keys."""
        super().__init__()
        self._head = Head()
        self._transcript = Transcript(keys=keys)
        self._empty = Plain(classes="empty")
        self._note = Plain(classes="note", limit=1_000)
        self._editing_line = Plain(classes="editing")
        self._prompt = Prompt(placeholder="Ask the model, or / for commands", complete=self._complete)
        self._conversation: Conversation | None = None
        self._messages: list[Message] = []
        self._proposals: Mapping[str, Proposal] = {}
        self._earlier = False
        self._editing: Message | None = None
        self._recalled = 0
        """How far one has gone back in what one said: 0 is the draft, 1 the last message."""
        self._put = ""
        self.names: Names = {}
        """What can be named in a command: as it was when the last one was begun."""
        self._is_command = False
        self._wrong = self._refused = ""
        self._measured = 0.0
        """The share of the window, as `told` has just said it; 0: as it was with the last answer."""
        self._told_once = ""
        """What became of the last move; told until the next one."""

    @property
    def host(self) -> Host:
        return cast("Host", self.app)

    @property
    def main(self) -> MainScreen:
        return cast("MainScreen", self.screen)

    @property
    def chat(self) -> Chat:
        return self.host.chat

    def compose(self) -> ComposeResult:
        yield self._head
        yield self._empty
        yield self._transcript
        yield self._note
        yield self._editing_line
        yield self._prompt

    async def on_mount(self) -> None:
        self._prompt.text = self.chat.draft
        self._empty.update(self._welcome())
        await self.show(await self.chat.conversation(self.main.scope()))
        self.state_changed()

    def _welcome(self) -> str:
        """What one can do here, where nothing was said yet."""
        said = [
            "Ask what you like: the model sees what you see.",
            "/ lists what can be done from here; /help explains it.",
        ]
        if self.main.WHERE == "run":
            said.append(
                f"On a card, {self._key('explain')} has it explained, and {self._key('mention')} brings it here."
            )
        return "\n".join(said)

    def enter(self) -> None:
        """Put the focus into the prompt."""
        self._prompt.focus()

    # showing

    async def show(self, conversation: Conversation, message: str = "") -> None:
        """Show the end of a conversation, or where a message of it stands."""
        self._conversation, self._told_once, self._measured = conversation, "", 0.0
        if self._editing is not None and self._editing.conversation != conversation.id:
            self._leave_editing()
        self.chat.answerer.preferred = conversation.id
        page = await self.host.service.conversations.page(conversation.id, limit=WINDOW)
        self._messages, self._earlier, self._proposals = list(page.messages), page.earlier, page.proposals
        while message and self._earlier and all(each.id != message for each in self._messages):
            await self._load_earlier()
        self._draw()
        if not self._transcript.is_attached:
            return
        if message:
            self._transcript.go(message)
        else:
            self._transcript.follow()

    async def _show_branch(self, message: Message) -> None:
        """Show the conversation of a message, which may be a branch of the one that is shown."""
        old = self._conversation
        await self.show(await self.host.service.conversations.use(message.conversation))
        if old is not None and old.id != message.conversation:
            name, way = one_line(old.name, 60), self._key("conversations", typing=True)
            self._told_once = f"This is a branch of {name!r}, where all that was said still is: {way} lists them."
            self.state_changed()

    def _draw(self) -> None:
        if not self._transcript.is_attached:  # closed while its messages were read; what is in it goes first
            return
        live = self.chat.answerer.live
        shown = [live if live is not None and each.id == live.id else each for each in self._messages]
        self._transcript.show(shown, self._proposals, earlier=self._earlier)
        self.set_class(not shown, "-empty")
        self.state_changed()

    async def _load_earlier(self) -> None:
        if self._conversation is None or not self._messages:
            return
        before = self._messages[0].seq
        page = await self.host.service.conversations.page(self._conversation.id, before=before, limit=WINDOW)
        self._messages[:0] = page.messages
        self._earlier = page.earlier

    async def on_transcript_near_top(self) -> None:
        await self._load_earlier()
        self._draw()

    async def changed(self, changes: Changes | None) -> None:
        """Something was written, here or elsewhere."""
        where = self._conversation
        if where is None or (changes is not None and where.id not in changes.conversations):
            return
        first = self._messages[0].seq if self._messages else 0
        most = MOST if self._transcript.at_end else len(self._messages) + MOST
        try:
            page = await self.host.service.conversations.since(where.id, first, limit=most)
        except Refusal:  # removed
            await self.show(await self.chat.conversation(self.main.scope()))
            return
        self._conversation, self._messages = page.conversation, list(page.messages)
        self._proposals, self._earlier = page.proposals, self._earlier or page.earlier
        self._draw()

    def told(self, message: Message) -> None:
        """An answer has grown, or ended."""
        at = next((n for n, each in enumerate(self._messages) if each.id == message.id), None)
        if at is not None and self._transcript.is_attached:
            before, self._messages[at] = self._messages[at].state, message
            self._transcript.stream(message)
            if message.state not in LIVE or before != message.state:
                self._measured = 0.0
                self.state_changed()

    def state_changed(self) -> None:
        """Whether a model is there, or what it took, may be another one now."""
        if not self._transcript.is_attached:
            return
        name = self._conversation.name if self._conversation else ""
        full = self._measured or next((each.usage.full for each in reversed(self._messages) if each.usage.full), 0.0)
        self._head.show(name, f"{full:.0%} full" if full else "")
        self.main.status.model = self.chat.standing(self.main.scope())
        said = self._wrong or self.chat.missing or self._told_once or self._offer()
        self._note.update(said)
        self._note.set_class(bool(said), "-on")
        self._note.set_class(bool(self._wrong), "-wrong")
        self._note.set_class(not self._wrong and not self.chat.missing, "-quiet")
        has_said = self._editing is None and any(each.by == "user" for each in self._messages)
        recall = f"{self._key('recall')} edits last" if has_said else ""
        self._prompt.hint = " · ".join(filter(None, (STREAMING if self.is_streaming else HINT, recall)))
        which = "your last message" if self._recalled else "what you said"
        self._editing_line.update(f"Editing {which} · Enter sends it in its place, in a branch · Esc leaves it")
        self._editing_line.set_class(self._editing is not None, "-on")
        self.refresh_bindings()

    def _offer(self) -> str:
        """What can be done about an answer that was cut off."""
        last = self._messages[-1] if self._messages else None
        if last is None or not _can("go_on", last):
            return ""
        way = "" if self._transcript.has_focus else "Tab, then "
        return f"{way}{self._key('go_on')} lets the model go on, {self._key('regenerate')} asks for another answer."

    def _key(self, command: str, *, typing: bool = False) -> str:
        """The key of a command as it is now; `typing`: one that works in the prompt too, if it has one."""
        keys = keys_of(BY_NAME[command], self.host.keymap).split(",")
        return shown_key(next((key for key in keys if typing and len(key) > 1), keys[0]))

    # the prompt

    async def on_prompt_sent(self, event: Prompt.Sent) -> None:
        event.stop()
        text, where = event.text, self._conversation
        if where is None:
            return
        try:
            await self._send(text, where)
        except (Refusal, Invalid, StoreError) as error:  # said where one looks; what was typed stays, to be mended
            self._wrong, self._refused = str(error), text
            self.state_changed()

    async def _send(self, text: str, where: Conversation) -> None:
        if self._editing is None and slash.is_command(text):
            from .slash import carry_out

            await carry_out(self, text)
            self._sent()
            return
        chat, scope = self.host.service.conversations, self.main.scope()
        if self._editing is not None:
            edited = self._editing
            asked, _ = await chat.branch(edited.id, text, scope)
            for each in self._messages:  # what is answered there nobody waits for any more
                if each.state in LIVE and each.seq > edited.seq:
                    await self.chat.answerer.stop(each.id)
            self._leave_editing()
            await self._show_branch(asked)
        else:
            await chat.send(where.id, text, scope)
            self._sent()
            await self.show(where)
        self.chat.answerer.wake()

    def _sent(self) -> None:
        self._recalled = 0
        self._prompt.clear()
        self._keep_draft("")

    def on_prompt_changed(self, event: Prompt.Changed) -> None:
        event.stop()
        text = self._prompt.text
        was_command, self._is_command = self._is_command, text.startswith("/")
        if self._is_command and not was_command:
            self.run_worker(self._learn_names(), group="names", exclusive=True)
        if self._editing is None:
            self._recalled = self._recalled if text else 0
            if not self._recalled:
                self._keep_draft(text)
        if self._wrong and self._prompt.text != self._refused:
            self._wrong = ""
            self.state_changed()

    def _keep_draft(self, text: str) -> None:
        self.chat.draft = text
        self.host.remember(chat_draft=text)

    def on_prompt_recalled(self, event: Prompt.Recalled) -> None:
        """What the user said before comes back into the prompt. The last of it, in an empty one, is there to be edited;
        everything else is said anew."""
        event.stop()
        if (self._recalled and self._prompt.text != self._put) or (self._editing is not None and not self._recalled):
            return  # it was changed: that isn't given up for another one
        said = [each for each in reversed(self._messages) if each.by == "user"]
        self._recalled = max(0, min(self._recalled - event.step, len(said)))
        self._editing = said[0] if self._recalled == 1 and not self.chat.draft else None
        self._prompt.text = said[self._recalled - 1].text if self._recalled else self.chat.draft
        self._put = self._prompt.text
        self.state_changed()

    def put(self, text: str) -> None:
        """Add a text to what stands in the prompt, and go there."""
        before = self._prompt.text.rstrip()
        self._prompt.text = f"{before}\n{text}" if before else text
        self._prompt.focus()

    async def ask(self, text: str) -> None:
        """Ask for what a key stands for: the model is told these words as the user's, who did not write them."""
        if self._conversation is not None:
            await self.host.service.conversations.send(self._conversation.id, text, self.main.scope(), by="app")
            await self.show(self._conversation)
            self.chat.answerer.wake()

    def _complete(self, text: str) -> Sequence[Candidate]:
        from .slash import complete

        return complete(self, text)

    async def _learn_names(self) -> None:
        from .slash import names_at

        with suppress(StoreError):  # busy: then those that were known before
            self.names = await names_at(self)
            if self._prompt.is_attached:
                self._prompt.offer_again()

    async def note(self, text: str) -> None:
        """What the app has to say to what was typed here."""
        if self._conversation is not None:
            await self.host.service.conversations.note(self._conversation.id, text)
            await self.show(self._conversation)

    async def export(self) -> None:
        """Write the conversation to a file, and say where."""
        from .conversations import exported

        if self._conversation is not None:
            try:
                where = await exported(self.host.service, self._conversation.id)
            except OSError as error:
                raise Refusal(f"Not exported: {one_line(error, 300)}") from error
            await self.note(f"The conversation is in {where}")

    # what the keys do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        message = self._transcript.current
        match action:
            case "stop":
                return self._live is not None
            case "copy_message" | "copy_code" | "copy_link" | "pin" | "delete_message" if (
                not self._transcript.has_focus
            ):
                return False
            case "copy_message" | "pin" | "delete_message":
                return message is not None
            case "copy_code":
                return bool(self._transcript.code())
            case "copy_link":
                return bool(self._transcript.links())
            case "regenerate" | "go_on" | "edit_message":
                return self._transcript.has_focus and message is not None and _can(action, message)
            case "new_conversation" | "conversations" | "model" | "told":
                return True
        return True

    @property
    def is_streaming(self) -> bool:
        """Whether an answer of this conversation is coming."""
        return any(each.state == "streaming" for each in self._messages)

    @property
    def _live(self) -> Message | None:
        """The first answer of this conversation that comes or waits."""
        return next((each for each in self._messages if each.state in LIVE), None)

    @property
    def _current(self) -> Message:
        message = self._transcript.current
        if message is None:
            raise Refusal("There is no message here yet.")
        return message

    async def action_stop(self) -> None:
        if (live := self._live) is not None:
            await self.chat.answerer.stop(live.id)

    def action_cross(self) -> None:
        """Between the prompt and what was said."""
        if self._transcript.has_focus:
            self._prompt.focus()
        else:
            self.screen.set_focus(self._transcript)

    async def action_leave(self) -> None:
        if self._editing is not None:
            self._leave_editing(keeps=True)
        elif self.is_streaming:
            await self.action_stop()
        elif self._transcript.has_focus:
            self._prompt.focus()
        else:
            self.main.leave_chat()

    def _leave_editing(self, *, keeps: bool = False) -> None:
        """What was typed before comes back; `keeps`: with what was made of the message, to be said anew."""
        if keeps and self._editing is not None and self._prompt.text.strip() not in ("", self._editing.text.strip()):
            self._keep_draft("\n".join(filter(None, (self.chat.draft, self._prompt.text))))
        self._editing, self._recalled = None, 0
        self._prompt.text = self.chat.draft
        self.state_changed()

    def action_copy_message(self) -> None:
        self.host.say(copy(self.app, self._current.text, "the message"))

    def action_copy_code(self) -> None:
        code = self._transcript.code()
        if not code:
            raise Refusal("This message has no code block.")
        self.host.say(copy(self.app, code, "the code"))

    def action_copy_link(self) -> None:
        """Nothing is opened on a server: the address goes to the clipboard of who sits at the terminal."""
        found = [Copy(one_line(href, 80), href) for href in dict.fromkeys(self._transcript.links())]
        if not found:
            raise Refusal("This message names no address.")

        def chosen(link: Copy | None) -> None:
            if link is not None:
                self.host.say(copy(self.app, link.text, "the address"))

        if len(found) == 1:
            chosen(found[0])
        else:
            self.app.push_screen(PickCopy("Copy which address?", found), chosen)

    async def action_regenerate(self) -> None:
        fresh = await self.host.service.conversations.again(self._current.id, self.main.scope())
        await self._show_branch(fresh)
        self.chat.answerer.wake()

    async def action_go_on(self) -> None:
        from ..service.conversations import GO_ON

        if not _can("go_on", self._current):
            raise Refusal("This answer was not cut off.")
        await self.ask(GO_ON)

    def action_edit_message(self) -> None:
        message = self._current
        if not _can("edit_message", message):
            raise Refusal("Only what you said yourself can be edited.")
        self._editing, self._recalled = message, 0
        self._prompt.text = message.text
        self._prompt.focus()
        self.state_changed()

    async def action_pin(self) -> None:
        message = self._current
        await self.host.service.conversations.pin(message.id, not message.pinned)
        self.host.say("No longer pinned." if message.pinned else "Pinned: it is always told to the model.")
        await self.changed(None)

    def action_delete_message(self) -> None:
        message = self._current

        async def remove(yes: bool | None) -> None:
            if yes:
                await self.host.service.conversations.remove_message(message.id)
                await self.changed(None)

        excerpt = one_line(message.text, 200) or "An empty message."
        self.app.push_screen(Confirm("Delete this message?", excerpt, "deletes it for good"), remove)

    async def on_transcript_decided(self, event: Transcript.Decided) -> None:
        event.stop()
        shown = self._proposals.get(event.proposal)
        if shown is None:
            return
        decided = await self.chat.answerer.decide(shown, event.approve)
        if decided.state not in ("done", "rejected"):  # those are on the card alone
            self.host.say(decided.result, "warning")
        await self.changed(None)

    def on_transcript_link_clicked(self, event: Transcript.LinkClicked) -> None:
        event.stop()
        self.host.say(copy(self.app, event.href, "the address"))

    async def action_new_conversation(self) -> None:
        made = await self.host.service.conversations.new(self.main.scope().get("run", ""))
        await self.show(made)
        self._prompt.focus()

    def action_conversations(self) -> None:
        from .conversations import PickConversation, Picked

        async def picked(it: Picked | None) -> None:
            if it is None:
                if self._conversation is not None:
                    await self.changed(None)
                return
            conversation = await self.host.service.conversations.use(it.conversation.id)
            if conversation.run and conversation.run != self.main.scope().get("run", ""):
                self.host.go(Place("run", it.conversation.app_name, conversation.run))
            else:
                await self.show(conversation, it.message)

        current = self._conversation.id if self._conversation else ""
        self.app.push_screen(PickConversation(self.host.service, current), picked)

    def action_model(self) -> None:
        from .models import PickModel

        async def picked(_: object) -> None:
            self.state_changed()

        self.app.push_screen(PickModel(self.chat, self.main.scope()), picked)

    async def action_told(self) -> None:
        from .told import Told

        if self._conversation is not None:
            scope, text = self.main.scope(), self._prompt.text
            preview = await self.chat.preview(self._conversation.id, text, scope)
            self._measured = preview.full if preview is not None else 0.0
            self.state_changed()
            self.app.push_screen(Told(preview, self.chat.answerer.sent))


def _can(action: str, message: Message) -> bool:
    match action:
        case "regenerate":
            return message.by == "model" and message.state not in LIVE
        case "go_on":
            return message.by == "model" and message.state in ("stopped", "broken") and bool(message.text)
        case "edit_message":
            return message.by == "user"
    return False
