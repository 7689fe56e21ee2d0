"""What is pasted never presses a key, however the line cuts it."""

import pytest
from textual import events

from pipetui.terminal.pastes import Pastes


def fed(*pieces: str) -> tuple[str, list[str]]:
    """What was typed and what was pasted, of pieces that come one after the other."""
    pastes, typed, pasted = Pastes(), "", []
    for piece in pieces:
        for part in pastes.feed(piece):
            if isinstance(part, events.Paste):
                pasted.append(part.text)
            else:
                typed += part
    return typed + pastes.rest(), pasted


EVIL = "a \x1b]0;x\x07 \x1b[31m \x1bq [200~ \x1b[200~ \x1b[201 q\0"


def test_keys_pass_and_pastes_are_whole() -> None:
    assert fed("a\x1b[A", "b") == ("a\x1b[Ab", [])
    assert fed(f"a\x1b[200~{EVIL}\x1b[201~b\x1b[200~\x1b[201~") == ("ab", [EVIL.replace("\0", ""), ""])


@pytest.mark.parametrize("size", range(1, 12))
def test_pieces_of_any_size_make_the_same_paste(size: int) -> None:
    sent = f"{EVIL}\x1b[201~z"
    pieces = [sent[at : at + size] for at in range(0, len(sent), size)]
    assert fed("y\x1b[200~", *pieces) == ("yz", [EVIL.replace("\0", "")])


@pytest.mark.parametrize("cut", range(2, 6))
def test_a_cut_beginning_is_found(cut: int) -> None:
    begin = "\x1b[200~"
    assert fed(begin[:cut], begin[cut:] + "q\x1b[201~") == ("", ["q"])


def test_an_escape_alone_is_not_held_back() -> None:
    assert list(Pastes().feed("\x1b")) == ["\x1b"]
    pastes = Pastes()
    assert (list(pastes.feed("\x1b[")), pastes.rest(), pastes.rest()) == ([], "\x1b[", "")
