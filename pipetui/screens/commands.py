"""Every command of the screens: one table that makes the bindings, the footer, the help screen and the palette.

A command is the action `action_<name>` of the screens (or the app) in `where`. Its name is also what the settings call
it: `[keys]` / `revert = "f6"`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from textual.binding import Binding
from textual.keys import KEY_TO_UNICODE_NAME, Keys

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
    Command("move_up", "K,shift+up", "Sort", "Move it up in the list.", ("collection",)),
    Command("move_down", "J,shift+down", "Sort down", "Move it down in the list.", ("collection",), show=False),
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
        "Search as you type. What is no command begins one too.",
        ("home", "workflow", "collection"),
        palette=False,
    ),
    Command("tasks", "t", "Tasks", "What is to be done for this profile.", ("home",), palette=False),
    Command("profiles", "P", "Profiles", "All profiles, with their notes.", ("home",), show=False, palette=False),
    Command("profile", "p", "Profile", "Pick a profile, the client or project; or make one.", ("home",)),
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
    Command("model", "m", "Model", "Choose a model, or bring one to the host.", ("chat",)),
    Command("told", "v", "What it sees", "What the model is told, byte for byte.", ("chat",)),
    Command("leave", "escape", "Back", "Stop the answer that is coming; else back to the cards.", ("chat",), stays=3),
    Command("chat", "ctrl+o", "Chat", "To the chat beside the cards; there, close it.", ("app",), stays=2),
    Command("jobs", "g", "Jobs", "All jobs, live.", ("app",)),
    Command("seen", "w", "Seen", "Put away what happened while you were away.", ("app",), palette=False),
    Command("home", "H", "Home", "The workflows and your recent runs.", ("app",), show=False),
    Command("palette", "ctrl+p,colon", "Menu", "Find any command by its name.", ("app",), palette=False, stays=2),
    Command("theme", "", "Theme", "Choose the colours; they are kept.", ("app",), show=False),
    Command("picture", "", "Screenshot", "Keep a picture of this screen, as an SVG file.", ("app",), show=False),
    Command("help", "f1,question_mark", "Help", "All keys.", ("app",), stays=3),
    Command("quit", "q,ctrl+q", "Quit", "Leave. Jobs go on; you come back to where you were.", ("app",), stays=3),
)

STAYS: Mapping[str, int] = {command.name: command.stays for command in COMMANDS if command.stays}
"""How much longer than others (below 0: shorter) the footer keeps an action."""

_BY_NAME = {command.name: command for command in COMMANDS}
_TYPED = frozenset({"ctrl+q", "ctrl+p", "ctrl+o", "ctrl+c", "f1"})
"""Keys that work while one types: no input wants them (but Ctrl+C, while there is nothing to stop)."""


def bindings(where: Where) -> list[Binding]:
    """The bindings of one place."""
    found = []
    for command in COMMANDS:
        if where in command.where and command.keys and not command.owner:
            for key in command.keys.split(","):
                found.append(
                    Binding(key, command.name, command.label, show=command.show, id=command.id, priority=key in _TYPED)
                )
    return found


def keys_of(command: Command, keymap: Mapping[str, str]) -> str:
    """The keys of a command as they are now: `up,k`."""
    return keymap.get(command.id, command.keys)


def shown_key(keys: str) -> str:
    """The first of some keys, as people write it: `?`, `ctrl+g`, `Enter`."""
    key = keys.split(",")[0]
    if key.startswith("f") and key[1:].isdigit():
        return key.upper()
    *modifiers, last = key.split("+")
    return "+".join([*modifiers, _SHOWN.get(last, last)])


_SHOWN = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "Esc", "enter": "Enter", "tab": "Tab", "space": "Space",
    "up": "↑", "down": "↓", "left": "←", "right": "→", "home": "Home", "end": "End",
}  # fmt: skip


def keymap_of(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """(binding id to keys, what is wrong with the rest: a sentence each) for the `[keys]` of the settings.

    A key that two commands of one place would share is refused, and so is a letter for what is done while one types.
    """
    keymap: dict[str, str] = {}
    wrong: list[str] = []
    for name, keys in wanted.items():
        command = _BY_NAME.get(name)
        if command is None:
            near = difflib.get_close_matches(name, _BY_NAME, n=1)
            wrong.append(f"[keys] has no command {name!r}" + (f"; did you mean {near[0]!r}?" if near else "."))
            continue
        normal = ",".join(_normal(key) for key in keys.split(",") if key.strip())
        unknown = [key for key in normal.split(",") if not _is_key(key)]
        if not normal or unknown:
            wrong.append(f"[keys] {name} = {keys!r}: that is no key. Write it like 'f6', 'ctrl+t' or 'r'.")
        elif command.name == "submit" and any(_is_typed(key) for key in normal.split(",")):
            wrong.append(f"[keys] submit = {keys!r}: one types that in an input. Use a function key or a ctrl+ key.")
        elif clash := _clash(command, normal, keymap):
            wrong.append(f"[keys] {name} = {keys!r} is the key of {clash!r} already: it was not changed.")
        else:
            keymap[command.id] = normal
    return keymap, wrong


def _clash(command: Command, keys: str, keymap: Mapping[str, str]) -> str:
    """The name of a command that has one of these keys in one of the same places; '' when there is none."""
    taken = set(keys.split(","))
    for other in COMMANDS:
        if (
            other is not command
            and _meet(command.where, other.where)
            and taken & set(keys_of(other, keymap).split(","))
        ):
            return other.name
    return ""


def _meet(one: Iterable[Where], other: Iterable[Where]) -> bool:
    return bool(set(one) & set(other)) or "app" in (*one, *other)


def _is_typed(key: str) -> bool:
    return "+" not in key and not (key.startswith("f") and key[1:].isdigit())


def _normal(key: str) -> str:
    key = key.strip()
    *modifiers, last = key.split("+") if key != "+" else [key]
    named = {"/": "slash", "?": "question_mark", ":": "colon", ".": "full_stop", ",": "comma"}.get(last, last)
    return "+".join([*(modifier.lower() for modifier in modifiers), named if len(named) == 1 else named.lower()])


def _is_key(key: str) -> bool:
    *modifiers, last = key.split("+")
    return set(modifiers) <= {"ctrl", "shift", "alt", "super", "meta"} and (len(last) == 1 or last in _NAMED)


_NAMED = (
    {member.value.rsplit("+", 1)[-1] for member in Keys}
    | set(KEY_TO_UNICODE_NAME)
    | {"slash", "at", "minus", "plus", "underscore", "colon", "semicolon", "comma", "apostrophe", "space"}
)
