"""Text for people: what came from outside made safe to show, and numbers in one style.

Whatever a web page, a file, an API or a model sends is kept raw in the store and passes `displayable` or `one_line` on
its way to the screen.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache

# What `hidden` finds, characters that steer a terminal, reorder a line, or can't be seen: C0 but tab and newline, DEL,
# C1, soft hyphen, fillers, zero width characters, bidi controls, line and paragraph separators, invisible operators,
# variation selectors that carry data, tags, lone surrogates, noncharacters.
_ALWAYS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Joiners belong to emoji sequences and to scripts from Hebrew on; selectors of text or emoji style follow a character.
_JOINED = "\u200c\u200d"
_STYLE = "\ufe0e\ufe0f"

# Latin letters, dashes, quotes and emoji, none of which is hidden: most of what is no ASCII.
_COMMON = re.compile("[ -~\u00a1-\u00ac\u00ae-\u024f\u2010-\u2027\u2030-\u205e\U0001f300-\U0001faff]*")

_FORMULA = re.compile(r"[\t\r]|\s*[=+\-@＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)*|\.\d+)([eE][+-]?\d+)?\s?%?")

MOST_MEANT = 12
"""Names that are all told where none is like the one that was meant."""


@cache
def hidden() -> re.Pattern[str]:
    """What must not reach a terminal as it is. Made when first asked for: plain ASCII never needs it."""
    return re.compile(
        f"[{_ALWAYS}]"
        f"|(?<![\u0590-\U0010ffff])[{_JOINED}]|[{_JOINED}](?![\u0590-\U0010ffff])|(?<=[{_JOINED}])[{_JOINED}]"
        f"|[{_JOINED}](?=[{_ALWAYS}])|(?<=[{_ALWAYS}])[{_JOINED}{_STYLE}]"
        f"|(?<![^\\s{_JOINED}{_STYLE}])[{_STYLE}]"
    )


def displayable(text: object, limit: int | None = None) -> str:
    """`text` as a string that a terminal can show as it is, in at most `limit` characters.

    Control characters become their pictures (`␛`), other hidden ones are named (`⟨U+202E⟩`), a CR LF is a newline. What
    is cut is counted at the end: `… (1,234 more)`. Doing it twice changes nothing.
    """
    raw = str(text)
    if limit is not None and len(raw) > limit:
        return _capped(raw, limit)
    shown = _visible(raw)
    return shown if limit is None or len(shown) <= limit else _capped(raw, limit)


def one_line(text: object, limit: int | None = None) -> str:
    """Like `displayable`, in one line: line breaks become ` ⏎ `, tabs spaces, blank lines go."""
    raw = str(text)
    if "\n" in raw or "\r" in raw:
        lines = raw.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        raw = " ⏎ ".join(line for line in map(str.strip, lines) if line)
    return displayable(raw.replace("\t", " ").strip(), limit)


def slug(text: str, limit: int = 40) -> str:
    """A name for disk made from `text`: lower-case ASCII letters, digits, single hyphens; or `untitled`."""
    plain = unicodedata.normalize("NFKD", text[: limit * 8]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:limit].rstrip("-") or "untitled"


def csv_cell(text: str) -> str:
    """`text` as a CSV value that no spreadsheet takes for a formula: a `'` stands before one. Plain numbers stay."""
    if text[:1].isalnum():  # as most do: quicker said
        return text
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def meant(name: str, known: Iterable[str], called: Mapping[str, str] | None = None) -> str:
    """How a sentence about a name that nothing bears goes on: `; did you mean x?`, `; there are x, y.`, or `.`

    `called` tells what people are told in place of a name. Of many names only the nearest are told.
    """
    import difflib  # wanted only when something is wrong

    names = {each: (called or {}).get(each, each) for each in known}
    if not names:
        return "."
    near = difflib.get_close_matches(name[:100], names, n=1, cutoff=0.5)
    total = len(set(names.values()))
    is_many = total > MOST_MEANT
    some = near or (difflib.get_close_matches(name[:100], names, n=4, cutoff=0.0) if is_many else names)
    told = [one_line(each, 80) for each in dict.fromkeys(names[each] for each in some)]
    if near:
        return f"; did you mean {told[0]}?"
    if is_many:
        return f"; the nearest of {count(total)} are {', '.join(told)}."
    return f"; there {'is' if total == 1 else 'are'} {', '.join(told)}."


def count(n: int) -> str:
    """A number of things: `12,345`."""
    return f"{n:,}"


def counted(n: int, thing: str) -> str:
    """A number and what is counted: `1 row`, `1,234 rows`."""
    return f"{count(n)} {thing}{'' if n == 1 else 's'}"


def amount(n: float) -> str:
    """Something that is counted in tenths, as credits are: `1,234.5`, `1,000,000`."""
    return f"{n:,.1f}".removesuffix(".0")


def size(n: float) -> str:
    """A number of bytes in decimal units: `512 B`, `2.4 MB`."""
    if n < 1000:
        return f"{n:.0f} B"
    for unit in ("kB", "MB", "GB"):
        n /= 1000
        if n < 999.95:
            return f"{n:.1f} {unit}"
    return f"{n / 1000:,.1f} TB"


def duration(seconds: float) -> str:
    """A length of time: `0.4 s`, `42 s`, `3 min 05 s`, `1 h 05 min`, `2 d 03 h`; `–` if it isn't known."""
    if not math.isfinite(seconds):
        return "–"
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    hours = minutes // 60
    return f"{hours // 24} d {hours % 24:02} h"


def ago(seconds: float) -> str:
    """How long ago something was: `just now`, `42 s ago`, `3 min ago`, `2 h ago`, `5 d ago`, `8 months ago`."""
    if not seconds >= 5:  # a clock that was set back gives less than nothing
        return "just now"
    if not math.isfinite(seconds):
        return "long ago"
    for unit, length, until in (("s", 1, 60), ("min", 60, 60), ("h", 3600, 48), ("d", 86400, 60)):
        if (number := int(seconds / length)) < until:
            return f"{number} {unit} ago"
    months = int(seconds / (86400 * 30.44))
    return f"{months} months ago" if months < 24 else f"{months // 12} years ago"


def _visible(raw: str) -> str:
    if (raw.isascii() and raw.isprintable()) or _COMMON.fullmatch(raw):
        return raw
    if hidden().search(raw) is None:
        return raw
    return hidden().sub(_picture, raw.replace("\r\n", "\n"))


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def _capped(raw: str, limit: int) -> str:
    room = limit - len(_more(len(raw)))
    if room < 0:
        return "…"[:limit]
    kept = min(room, len(raw))
    while (over := len(shown := _visible(raw[:kept])) - room) > 0:
        kept -= max(1, over // 9)  # the longest picture stands for one character and has nine
    return shown + _more(len(raw) - kept)


def _more(characters: int) -> str:
    return f"… ({count(characters)} more)"
