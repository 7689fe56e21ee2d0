"""What is pasted, taken out of what is typed.

Textual's parser looks for keys inside of a paste as well: after an ESC in it, the next characters are pressed. A
terminal should send none, but tmux and others pass on what the clipboard has.
"""

from collections.abc import Iterator

from textual import events

_BEGIN = "\x1b[200~"
_END = "\x1b[201~"


class Pastes:
    """Splits what a terminal sends, however it is cut in pieces, into text with keys and `Paste` events."""

    def __init__(self) -> None:
        self._pasted: list[str] | None = None
        self._held = ""

    def feed(self, text: str) -> Iterator[str | events.Paste]:
        """What of `text`, and of what was held back, is complete."""
        text, self._held = self._held + text, ""
        while text:
            pasted = self._pasted
            mark = _BEGIN if pasted is None else _END
            before, found, text = text.partition(mark)
            if not found:
                kept = _cut(before, mark, 2 if pasted is None else 1)  # ESC alone is a key
                self._held = before[len(before) - kept :]
                before = before[: len(before) - kept]
            if pasted is None:
                if before:
                    yield before
                self._pasted = [] if found else None
                continue
            pasted.append(before)
            if found:
                self._pasted = None
                yield events.Paste("".join(pasted).replace("\0", ""))

    def rest(self) -> str:
        """What was held back and is no beginning of a paste, since nothing follows."""
        if self._pasted is not None:
            return ""
        held, self._held = self._held, ""
        return held


def _cut(text: str, mark: str, least: int) -> int:
    """How many characters of `mark`, from `least` on, `text` ends with; 0 for less."""
    return next((n for n in range(len(mark) - 1, least - 1, -1) if text.endswith(mark[:n])), 0)
