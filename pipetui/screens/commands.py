"""Every command of the screens: one table that makes the bindings, the footer, the help screen and the palette.

A command is the action `action_<name>` of the screens (or the app) in `where`. Its name is also what the settings call
it: `[keys]` / `revert = "f6"`. Textual is imported where it is needed: the command line lists the keys without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..text import meant

if TYPE_CHECKING:
    from textual.binding import Binding

Where: TypeAlias = Literal["app", "home", "workflow", "run", "jobs", "collection", "field", "chat"]

PLACES: Mapping[Where, str] = {
    "run": "Cards",
    "field": "In an input",
    "workflow": "Runs of a workflow",
    "home": "Home",
    "jobs": "Jobs",
    "chat": "In the chat",
    "collection": "Tasks and profiles",
    "app": "Everywhere",
}
"""The places, as the help screen heads them."""


OPENS: Mapping[Where, str] = {
    "run": "Open the card; then do what it says: start, confirm, try again; else close it.",
    "workflow": "Go to the run.",
    "home": "Go to the workflow or the run.",
    "jobs": "Go to the step whose job it is.",
    "collection": "Change it.",
}
"""What Enter does, by place."""

MORE: Mapping[Where, tuple[tuple[str, str], ...]] = {
    "run": (
        ("1 … 99", "To the card of that number."),
        ("Tab", "Into what the open card shows, a table or a text, and on; Esc comes back to the card."),
        ("↑ ↓ ← →", "In a table: to another row or column; y copies what is there."),
    ),
    "field": (("Tab", "To the next input; the last stop is the Submit button."),),
}
"""Keys of no command, that the help tells too."""


@dataclass(frozen=True)
class Command:
    """`label` is for the footer, `help` a sentence; `show` says whether the footer has it.

    `stays`: how long the footer keeps it where it has no room for all; the ways out go last, and first what the empty
    chat tells too. `owner`: the kind of widget that has the binding; else it is the screen's.
    """

    name: str
    keys: str
    label: str
    help: str
    where: tuple[Where, ...]
    show: bool = True
    palette: bool = True
    stays: int = 0
    owner: str = ""

    @property
    def id(self) -> str:
        """The id of its binding, by which a key is remapped."""
        return f"{self.owner}.{self.name}" if self.owner else self.name


COMMANDS: tuple[Command, ...] = (
    Command(
        "open",
        "enter",
        "Open",
        "Open, start, confirm or change what the cursor is on.",
        ("run", "workflow", "home", "jobs", "collection"),
        palette=False,
    ),
    Command(
        "submit",
        "ctrl+g",
        "Submit",
        "Submit the input, from any line of it.",
        ("field",),
        palette=False,
        stays=1,
        owner="field",
    ),
    Command("revert", "r", "Revert", "Open a finished step again.", ("run",), stays=2),
    Command("undo", "u", "Undo", "Take back the last step that you took.", ("run",)),
    Command("skip", "s", "Skip", "Skip this step, with a reason.", ("run",)),
    Command("cancel", "x", "Cancel", "Stop the job.", ("run", "jobs"), stays=2),
    Command("retry", "t", "Try again", "Try a job again; what it finished is kept.", ("run", "jobs")),
    Command("finalize", "f", "Finalize", "Lock the run once it is complete, or unlock it.", ("run",), stays=1),
    Command("copy", "y", "Copy", "Copy what the card shows: its value, a text, a call, a cell of a table.", ("run",)),
    Command("history", "e", "History", "Everything that happened to this run.", ("run",)),
    Command("explain", "i", "Explain", "Ask the model to explain this card.", ("run",), stays=-1),
    Command("mention", "m", "To the chat", "Put this card into the chat's prompt.", ("run",), stays=-1),
    Command("previous", "up,k", "Up", "To the card above.", ("run",), show=False, palette=False),
    Command("next", "down,j", "Down", "To the card below.", ("run",), show=False, palette=False),
    Command("page_up", "pageup", "Page up", "A page up, through what cards show.", ("run",), show=False, palette=False),
    Command(
        "page_down",
        "pagedown",
        "Page down",
        "A page down, through what cards show.",
        ("run",),
        show=False,
        palette=False,
    ),
    Command("first", "home", "First", "To the first card.", ("run",), show=False, palette=False),
    Command("last", "end", "Last", "To the last card.", ("run",), show=False, palette=False),
    Command("new", "n", "New", "Start a new run; in a list: add to it.", ("workflow", "home", "collection")),
    Command("mark", "space", "Mark", "Mark it as done or active, or as not so.", ("collection",)),
    Command("edit", "e", "Edit", "Change it.", ("collection",), show=False),
    Command("move_up", "K,shift+up", "Move", "Move it up in the list.", ("collection",)),
    Command("move_down", "J,shift+down", "Move down", "Move it down in the list.", ("collection",), show=False),
    Command("rename", "c", "Rename", "Give the run another key; its files stay.", ("workflow",)),
    Command("archive", "a", "Archive", "Put the run into the archive.", ("workflow",)),
    Command("delete", "d", "Delete", "Put the run into the bin; in a list: delete it.", ("workflow", "collection")),
    Command("restore", "t", "Take back", "Take the run out of the archive or the bin.", ("workflow",)),
    Command("empty", "x", "Empty the bin", "Remove the runs in the bin for good, with their files.", ("workflow",)),
    Command("shelf", "v", "Archive, bin", "Show the runs at work, in the archive, or in the bin.", ("workflow",)),
    Command(
        "search",
        "slash",
        "Search",
        "Search: what you type then narrows the list.",
        ("home", "workflow", "collection"),
        palette=False,
    ),
    Command("tasks", "t", "Tasks", "What is to be done for this profile.", ("home",), palette=False),
    Command("profiles", "P", "Profiles", "All profiles, with their notes.", ("home",), show=False, palette=False),
    Command(
        "profile",
        "p",
        "Profile",
        "Pick the profile, the client or project, that you work for.",
        ("home", "collection"),
    ),
    Command(
        "back",
        "escape",
        "Back",
        "Leave the input, the edit, the screen.",
        ("run", "workflow", "home", "jobs", "collection"),
        palette=False,
        stays=3,
    ),
    Command(
        "approve",
        "a",
        "Approve",
        "Do exactly what the model's card under the cursor shows.",
        ("chat",),
        palette=False,
        owner="transcript",
    ),
    Command(
        "reject", "x", "Reject", "Refuse what the model would like to do.", ("chat",), palette=False, owner="transcript"
    ),
    Command(
        "unfold",
        "enter",
        "Unfold",
        "Show or fold what the model thought, or a long message.",
        ("chat",),
        palette=False,
        owner="transcript",
    ),
    Command(
        "clear_prompt",
        "ctrl+u",
        "Clear",
        "In the prompt: delete the line up to the cursor; once more, all of it.",
        ("chat",),
        palette=False,
        owner="prompt",
    ),
    Command(
        "recall",
        "up",
        "Edit the last",
        "In the empty prompt: edit what you said last; further up, older ones.",
        ("chat",),
        show=False,
        palette=False,
        owner="prompt",
    ),
    Command("stop", "ctrl+c", "Stop", "Stop the answer that is coming; what came is kept.", ("chat",)),
    Command("copy_message", "y", "Copy", "Copy the message, over SSH too.", ("chat",)),
    Command("copy_code", "Y", "Copy code", "Copy the last code block of the message.", ("chat",)),
    Command("copy_link", "o", "Copy link", "Copy an address that the message names; nothing is opened.", ("chat",)),
    Command("regenerate", "r", "Again", "Ask for another answer in place of this one.", ("chat",)),
    Command("go_on", "c", "Go on", "Let the model go on where the answer was cut off.", ("chat",)),
    Command("edit_message", "e", "Edit", "Say it in other words, in a branch of the conversation.", ("chat",)),
    Command("pin", "p", "Pin", "Always tell this message to the model, or no longer.", ("chat",)),
    Command("delete_message", "d", "Delete", "Remove the message for good.", ("chat",)),
    Command("conversations", "l,ctrl+l", "Chats", "Find, rename, export and delete conversations.", ("chat",)),
    Command("new_conversation", "n,ctrl+n", "New chat", "Begin another conversation.", ("chat",)),
    Command("model", "m", "Model", "Choose a model, or download one.", ("chat",)),
    Command("told", "v", "What it sees", "What the model is told, byte for byte.", ("chat",)),
    Command("leave", "escape", "Back", "Stop the answer that is coming; else back to the cards.", ("chat",), stays=3),
    Command("chat", "ctrl+o", "Chat", "To the chat beside the cards; there, close it.", ("app",), stays=2),
    Command("jobs", "g", "Jobs", "All jobs, live.", ("app",)),
    Command("seen", "w", "Put away", "Put away what happened while you were away.", ("app",), palette=False),
    Command("home", "H", "Home", "The workflows and your recent runs.", ("app",), show=False),
    Command("palette", "ctrl+p,colon", "Menu", "Find any command by its name.", ("app",), palette=False, stays=2),
    Command("theme", "", "Theme", "Choose the colours; they are kept.", ("app",), show=False),
    Command("settings", "comma", "Settings", "What you can choose, and your own keys.", ("app",), show=False),
    Command("picture", "", "Screenshot", "Keep a picture of this screen, as an SVG file.", ("app",), show=False),
    Command("help", "f1,question_mark", "Help", "All keys.", ("app",), stays=3),
    Command("quit", "q,ctrl+q", "Quit", "Leave. Jobs go on; you come back to where you were.", ("app",), stays=3),
)

STAYS: Mapping[str, int] = {command.name: command.stays for command in COMMANDS if command.stays}
"""How much longer than others (below 0: shorter) the footer keeps an action."""

BY_NAME: Mapping[str, Command] = {command.name: command for command in COMMANDS}

_WHILE_TYPING = frozenset({"ctrl+q", "ctrl+p", "ctrl+o", "ctrl+c", "f1"})
"""Keys that work while one types: no input wants them (but Ctrl+C, while there is nothing to stop)."""

_NO_KEY = "<ignore>"
"""What no terminal sends: a command without keys has it, so that it can be given one."""

_MOVES = frozenset({
    "up", "down", "left", "right", "j", "k", "home", "end", "pageup", "pagedown", "tab", "shift+tab", "enter", "escape",
    "space", "backspace", "delete",
})  # fmt: skip
"""Keys that every list or input has a use for: another command would get them here and there only."""


def bindings(where: Where) -> list[Binding]:
    """The bindings of one place."""
    from textual.binding import Binding

    found = []
    for command in COMMANDS:
        if where in command.where and not command.owner:
            for key in (command.keys or _NO_KEY).split(","):
                urgent = key in _WHILE_TYPING
                found.append(
                    Binding(key, command.name, command.label, show=command.show, id=command.id, priority=urgent)
                )
    return found


def keys_of(command: Command, keymap: Mapping[str, str]) -> str:
    """The keys of a command as they are now: `up,k`."""
    return keymap.get(command.id, command.keys)


def shown_key(keys: str) -> str:
    """The first of some keys, as people write it: `?`, `Ctrl+G`, `Enter`."""
    key = keys.split(",")[0]
    if key.startswith("f") and key[1:].isdigit():
        return key.upper()
    *modifiers, last = key.split("+")
    last = _SHOWN.get(last, last.upper() if modifiers and len(last) == 1 else last)
    return "+".join([*(modifier.title() for modifier in modifiers), last])


_SHOWN = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "Esc", "enter": "Enter", "tab": "Tab", "space": "Space",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "home": "Home", "end": "End",
    "pageup": "PgUp", "pagedown": "PgDn", "backspace": "Backspace", "delete": "Del", "comma": ",", "full_stop": ".",
}  # fmt: skip


def keymap_of(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """(binding id to keys, what is wrong with the rest: a sentence each) for the `[keys]` of the settings.

    A key that two commands of one place would share is refused, and so is a letter for what is done while one types.
    """
    wrong: list[str] = []
    taken: dict[str, str] = {}
    for name, keys in wanted.items():
        if name not in BY_NAME:
            wrong.append(f"[keys] has no command {name!r}{meant(name, BY_NAME)}")
        elif why := _unfit(BY_NAME[name], _normal_keys(keys)):
            wrong.append(f"[keys] {name} = {keys!r}: {why}")
        else:
            taken[name] = _normal_keys(keys)
    for name in reversed(list(taken)):  # two may change places; of two that want the same the first has it
        keymap = {BY_NAME[each].id: keys for each, keys in taken.items()}
        if clash := _clash(BY_NAME[name], taken[name], keymap):
            wrong.append(f"[keys] {name} = {wanted[name]!r} is the key of {clash.name!r} already: it was not changed.")
            del taken[name]
    return {BY_NAME[name].id: keys for name, keys in taken.items()}, wrong


def why_not(wanted: Mapping[str, str], name: str, keys: str | None) -> str:
    """Why a command can't have these keys (None: its own again) beside what else is `wanted`; '' when it can."""
    command = BY_NAME[name]
    if keys is not None and (why := _unfit(command, _normal_keys(keys))):
        return why
    keymap = {BY_NAME[each].id: _normal_keys(said) for each, said in wanted.items() if each in BY_NAME and each != name}
    normal = command.keys if keys is None else _normal_keys(keys)
    clash = _clash(command, normal, keymap)
    if clash is None:
        return ""
    shared = next(key for key in normal.split(",") if key in keys_of(clash, keymap).split(","))
    return f"{clash.label} ({places_of(clash)}) has the key {shown_key(shared)}: give that another one first."


def places_of(command: Command) -> str:
    """Where a command works, for people."""
    return ", ".join(PLACES[where] for where in PLACES if where in command.where)


def _unfit(command: Command, keys: str) -> str:
    """Why a command can't have these keys, whatever others have; '' when it can."""
    each = keys.split(",")
    own = set(command.keys.split(","))
    if not keys or not all(map(_is_key, each)):
        return "that is no key. Write it like 'f6', 'ctrl+t' or 'r'."
    works_while_typing = command.owner in ("field", "prompt") or own & _WHILE_TYPING
    if works_while_typing and any(_is_typed(key) and key not in own for key in each):
        return "one types that in an input, where this works too. Use a function key or a ctrl+ key."
    if moves := next((key for key in each if key in _MOVES and key not in own), ""):
        return f"lists and inputs have a use for {shown_key(moves)} already. Use another key."
    if any(key in "0123456789" for key in each):
        return "a number leads to the card that has it. Use another key."
    return ""


def _clash(command: Command, keys: str, keymap: Mapping[str, str]) -> Command | None:
    """A command that has one of these keys in one of the same places."""
    taken = set(keys.split(",")) - {""}
    for other in COMMANDS:
        if (
            other is not command
            and _meet(command.where, other.where)
            and taken & set(keys_of(other, keymap).split(","))
        ):
            return other
    return None


def _meet(one: Iterable[Where], other: Iterable[Where]) -> bool:
    return bool(set(one) & set(other)) or "app" in (*one, *other)


def _is_typed(key: str) -> bool:
    return "+" not in key and not (key.startswith("f") and key[1:].isdigit())


def _normal_keys(keys: str) -> str:
    keys = "comma" if keys.strip() == "," else keys
    return ",".join(_normal(key) for key in keys.split(",") if key.strip())


def _normal(key: str) -> str:
    key = key.strip()
    *modifiers, last = key.split("+") if key != "+" else [key]
    named = {shown.lower(): name for name, shown in _SHOWN.items()}.get(last.lower(), last)
    is_letter = len(named) == 1 and not modifiers  # R is another key than r, Ctrl+R is none
    return "+".join([*(modifier.lower() for modifier in modifiers), named if is_letter else named.lower()])


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    known = last.isprintable() if len(last) == 1 else last in _named()
    return known and set(modifiers) <= {"ctrl", "shift", "alt", "super", "meta"}


@cache
def _named() -> frozenset[str]:
    from textual.keys import KEY_TO_UNICODE_NAME, Keys

    more = {"slash", "at", "minus", "plus", "underscore", "colon", "semicolon", "comma", "apostrophe", "space"}
    return frozenset({*(member.value.rsplit("+", 1)[-1] for member in Keys), *KEY_TO_UNICODE_NAME, *more})
