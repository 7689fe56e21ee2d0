"""Commands that a person types: `/tasks add buy milk priority=2`, `/run hello`, `/help`. Pure: text in, an action out.

The first word is a subject, the second a verb; without one it is a list. `name=value` gives an argument by its name,
words give the others in their order: one word each, but all the words to a text that may have several. Quotes (`"`)
keep words together, and an `=` in them is no name's. The command line reads its words in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.collections import COLLECTIONS
from ..engine.fields import Choice, Field, Invalid, Number, Switch, Text, TextArea
from ..text import meant, one_line
from . import ACTIONS
from .action import Action
from .given import Given
from .names import Name, Names, of_argument
from .schema import checked

APP: Mapping[str, str] = {
    "help": "What can be typed here.",
    "model": "Choose the model.",
    "new": "Begin a new conversation.",
    "settings": "Choose the settings and the keys.",
    "export": "Write the conversation to a Markdown file.",
}
"""Commands that are the app's own; what follows the word is theirs to read."""

APP_NAMES: Mapping[str, str] = {"model": "model"}
"""What the word behind one of them names (`names.py`)."""

_APP_ALSO: Mapping[str, str] = {"clear": "new"}
"""What else people say for one of them."""

EXAMPLES: Mapping[str, str] = {
    "runs_start": "hello",
    "runs_fill": "Ada",
    "runs_skip": "2 no web logs here",
    "runs_revert": "1",
    "jobs_status": "3f2a",
    "jobs_cancel": "3f2a",
    "jobs_retry": "3f2a",
    "files_head": "pages.csv",
    "files_statistics": "pages.csv",
    "tasks_insert": "buy milk priority=2",
    "tasks_update": "3 buy oat milk",
    "tasks_toggle": "3",
    "tasks_delete": "3",
    "tasks_sort": "3 1",
    "profiles_insert": "Acme",
    "profiles_update": 'acme name="Acme Ltd"',
    "profiles_toggle": "acme",
    "profiles_delete": "acme",
    "profiles_sort": "acme 1",
}
"""What one may type behind the words of an action that wants something."""

_ALSO: Mapping[str, tuple[str, ...]] = {
    "insert": ("add", "new"),
    "update": ("edit", "change"),
    "delete": ("remove",),
    "sort": ("move",),
    "start": ("new",),
    "finalize": ("lock",),
    "unfinalize": ("unlock",),
    "cancel": ("stop",),
    "statistics": ("stats",),
}
"""What else people say for a verb."""

_PLAIN = frozenset({"insert", "update", "toggle"})
"""Verbs of programs: people are offered the first of the other words."""

_WHOLE: Mapping[str, str] = {"run": "runs_start"}
"""Words that are a command by themselves."""

_COMMAND = re.compile(r"/[A-Za-z][A-Za-z_]*(?=\s|$)")
_QUOTED = r'"((?:[^"\\]|\\.)*)"(?=\s|$)'
_TOKEN = re.compile(rf"(?:([A-Za-z_]+)=)?{_QUOTED}|(\S+)", re.DOTALL)
_NAMED = re.compile(r"([A-Za-z_]+)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """What a line asks for: an `action` with its arguments (checked), or a `command` of the app and what follows it."""

    action: Action | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    command: str = ""
    rest: str = ""


@dataclass(frozen=True)
class Completion:
    """How a line could go on: `line` is the whole of it then."""

    line: str
    label: str
    help: str


@dataclass(frozen=True)
class _Token:
    """A word, or `name=value`. `start` and `end` are its place in the line, if it has one."""

    value: str
    name: str = ""
    start: int = 0
    end: int = 0
    quoted: bool = False


def is_command(text: str) -> bool:
    """Whether a person who typed this means a command, and not a message that begins with a slash (`/etc/hosts …`)."""
    return _COMMAND.match(text.lstrip()) is not None


def parse(text: str) -> Said:
    """What a line asks for. Invalid, with what is nearest, when that can't be told."""
    text = text.strip()
    match = _COMMAND.match(text)
    if match is None:
        raise Invalid("A command begins with a slash and a word, like /help.")
    word, rest = match.group()[1:].lower(), text[match.end() :]
    word = _APP_ALSO.get(word, word)
    if word in APP:
        return Said(command=word, rest=rest.strip())
    return _read(word, list(_tokens(rest)), rest)


def spoken(subject: str, words: Sequence[str]) -> Said:
    """What the words of a command line ask for; the shell has taken them apart."""
    try:
        return _read(subject, [_token(word) for word in words], "")
    except Invalid as invalid:  # in the words of a shell
        raise Invalid(str(invalid).replace(f"/{subject} ", f"pipetui {subject} "), at=invalid.at) from None


def complete(text: str, known: Names | None = None) -> list[Completion]:
    """How a line that begins with a slash could go on, with the names that are `known`."""
    if any(f"/{word}" in text.lstrip()[1:] for word, _ in _first_words()):
        return []  # two commands in one line are none
    head, _, partial = text.lstrip().rpartition(" ")
    words = head.split()
    if not words:
        wanted = partial.removeprefix("/").lower()
        return [
            Completion(f"/{word} ", f"/{word}", help) for word, help in _first_words() if word.startswith(wanted)
        ] if partial.startswith("/") else []  # fmt: skip
    subject = _subject(words[0].removeprefix("/").lower())
    if subject in APP_NAMES:
        names = (known or {}).get(APP_NAMES[subject], ()) if len(words) == 1 else ()
        return [Completion(f"{head} {each.said}", each.said, each.help) for each in names if each.begins(partial)]
    whole = _WHOLE.get(subject) or subject
    action = ACTIONS.get(whole)
    if action is None and len(words) == 1:
        offers = [(_offered(each), each.help) for each in ACTIONS.every if each.name.startswith(f"{subject}_")]
        return [Completion(f"{head} {verb} ", verb, help) for verb, help in offers if verb.startswith(partial.lower())]
    if action is None:
        action = _verbs(subject).get(words[1].lower())
        words = words[1:]
    return [] if action is None else list(_next(action, head, partial, words[1:], known or {}))


def usage(action: Action) -> str:
    """How the action is typed: `/tasks add TEXT [priority=…]`."""
    parts = [_words(action)]
    for name in action.params.members:
        parts.append(name.upper() if name in action.required else f"[{name}=…]")
    return " ".join(parts)


def example(action: Action) -> str:
    """A line that asks for the action: `/tasks add buy milk priority=2`."""
    return f"{_words(action)} {EXAMPLES.get(action.name, '')}".rstrip()


def overview() -> str:
    """All commands by their subjects, a line each, as one types them."""
    parts = ["The chat", *(_line(f"/{word}", help) for word, help in APP.items())]
    subject = ""
    for action in ACTIONS.every:
        if subject != (subject := action.name.partition("_")[0]):
            parts += ["", subject.capitalize()]
        parts.append(_line(example(action), action.help))
    return "\n".join([*parts, "", "Tab completes a line, and offers what else an action takes: `name=value`."])


def _line(typed: str, help: str) -> str:
    return f"  {typed:<34}  {help}"


def _words(action: Action) -> str:
    return f"/{action.name.partition('_')[0]} {_offered(action)}"


# which action


def _read(word: str, tokens: list[_Token], raw: str) -> Said:
    subject = _subject(word)
    action = ACTIONS.get(_WHOLE.get(subject, subject))
    if action is None:
        verbs = _verbs(subject)
        if not verbs:
            known = {name: f"/{name}" for name, _ in _first_words()}
            raise Invalid(f"There is no command /{one_line(word, 60)}{meant(word, known, known)}")
        verb = tokens[0].value.lower() if tokens else "list"
        action = verbs.get(verb)
        if action is None:
            whole = {_offered(each): f"/{subject} {_offered(each)}" for each in dict.fromkeys(verbs.values())}
            raise Invalid(f"There is no /{subject} {one_line(verb, 60)}{meant(verb, whole, whole)}")
        tokens = tokens[1:]
    return Said(action, _arguments(action, tokens, raw))


def _subject(word: str) -> str:
    """The subject that a word means: `task` is `tasks`, but `run` starts one."""
    plural = f"{word}s"
    return plural if word not in _WHOLE and _verbs(plural) else word


def _verbs(subject: str) -> dict[str, Action]:
    """The actions of a subject by every word for them; the action's own name wins."""
    own = {action.name.partition("_")[2]: action for action in ACTIONS.every if action.name.startswith(f"{subject}_")}
    return {also: action for verb, action in own.items() for also in _also(subject, verb)} | own


def _also(subject: str, verb: str) -> tuple[str, ...]:
    collection = COLLECTIONS.get(subject)
    return (collection.toggles,) if collection is not None and verb == "toggle" else _ALSO.get(verb, ())


def _offered(action: Action) -> str:
    """The word that people are offered for an action's verb."""
    subject, _, verb = action.name.partition("_")
    return _also(subject, verb)[0] if verb in _PLAIN else verb


def _first_words() -> Iterator[tuple[str, str]]:
    """(the words that a command begins with, what it is about)"""
    yield from APP.items()
    yield from ((word, ACTIONS.named(name).help) for word, name in _WHOLE.items())
    for subject in dict.fromkeys(action.name.partition("_")[0] for action in ACTIONS.every):
        yield subject, ", ".join(_offered(action) for action in dict.fromkeys(_verbs(subject).values()))


# its arguments


def _tokens(raw: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(raw):
        name, quoted, word = match.groups()
        if word is None:
            value = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
            yield _Token(value, name or "", match.start(), match.end(), True)
        else:
            yield _token(word, match.start(), match.end())


def _token(word: str, start: int = 0, end: int = 0) -> _Token:
    named = _NAMED.fullmatch(word)
    return _Token(named[2], named[1], start, end) if named else _Token(word, "", start, end)


def _arguments(action: Action, tokens: Sequence[_Token], raw: str) -> dict[str, Any]:
    """The arguments that the tokens give. Invalid."""
    members = action.params.members
    given: dict[str, Any] = {}
    words: list[tuple[int, _Token]] = []
    for number, token in enumerate(tokens):
        if token.name in members:
            if token.name in given:
                raise Invalid(f"{token.name} is given twice.", at=token.name)
            given[token.name] = _value(members[token.name], token.value, token.name)
        elif token.name and (near := _near(token.name, members)):
            raise Invalid(f"{_words(action)} takes no {token.name}; did you mean {near}?", at=token.name)
        elif token.name:  # an `=` in a text
            words.append((number, _Token(f"{token.name}={token.value}", "", token.start, token.end)))
        else:
            words.append((number, token))
    unsaid = [name for name in members if name not in given and _takes_words(members[name])]
    while words and unsaid:
        name = unsaid.pop(0)
        kept = sum(later in action.required for later in unsaid)
        most = max(1, len(words) - kept) if _is_long(members[name]) else 1
        given[name] = _value(members[name], _joined(words[:most], raw), name)
        words = words[most:]
    if words:
        names = [name for name in members if name not in given]
        how = f" Say what is meant: {', '.join(f'{name}=…' for name in names)}." if names else ""
        raise Invalid(f"{_words(action)} does not take {one_line(words[0][1].value, 60)!r}.{how}")
    for name in action.required:
        if name not in given:
            what = members[name].label or name
            raise Invalid(f"The {what} is missing: type {usage(action)}, like {example(action)}", at=name)
    return checked(action, given)


def _joined(words: Sequence[tuple[int, _Token]], raw: str) -> str:
    """Words as one text: as it was typed, line breaks included, where nothing stands between them."""
    first, last = words[0], words[-1]
    if len(words) == 1:
        return first[1].value
    if raw and last[0] - first[0] == len(words) - 1:
        return raw[first[1].start : last[1].end]
    return " ".join(token.value for _, token in words)


def _takes_words(field: Field) -> bool:
    return not isinstance(field, Switch)


def _is_long(field: Field) -> bool:
    """Whether a text may have several words."""
    return isinstance(field, TextArea | Given) or (isinstance(field, Text) and not field.pattern)


def _value(field: Field, text: str, name: str) -> Any:
    """What a text gives for a field: as JSON would say it."""
    try:
        return field.parse(text) if isinstance(field, Number | Switch | TextArea) else text
    except Invalid as invalid:
        raise Invalid(f"{name}: {invalid}", at=name) from None


def _near(name: str, members: Iterable[str]) -> str:
    """The argument that is meant by a name that is none; '' when it is probably a word of a text."""
    import difflib  # wanted only when something is wrong

    started = [member for member in members if len(name) > 1 and member.startswith(name.lower())]
    return next(iter(started or difflib.get_close_matches(name.lower()[:40], list(members), n=1, cutoff=0.75)), "")


def _next(action: Action, head: str, partial: str, words: Sequence[str], known: Names) -> Iterator[Completion]:
    """How the arguments of an action could go on."""
    members = action.params.members
    name, equals, begun = partial.partition("=")
    if equals and name in members:
        for option in _options(action, name, known):
            if option.begins(begun):
                help = option.help or members[name].hint
                yield Completion(f"{head} {name}={_quoted(option.said)} ", option.said, help)
        return
    said = {word.partition("=")[0] for word in words if "=" in word}
    unsaid = [each for each in members if each not in said]
    if not [word for word in words if "=" not in word] and unsaid:
        for option in _options(action, unsaid[0], known):
            if option.begins(partial):
                help = option.help or members[unsaid[0]].hint
                yield Completion(f"{head} {_quoted(option.said)} ", option.said, help)
    for each in unsaid:
        if each.startswith(partial.lower()) and (each not in action.required or partial):
            yield Completion(f"{head} {each}=", f"{each}=", members[each].hint or members[each].accepts)


def _options(action: Action, name: str, known: Names) -> Sequence[Name]:
    match field := action.params.members[name]:
        case Switch():
            return (Name("yes"), Name("no"))
        case Choice():
            return [Name(option) for option, _ in field.pairs]
    return of_argument(known, action, name)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if re.search(r'[\s="]', text) else text
