"""The settings: declared once; a file read with its types, wrong ones named, changed with its comments kept."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from pipetui.engine.fields import Field, Invalid, Number, Switch, TextArea
from pipetui.engine.refusals import Moved
from pipetui.settings import SETTINGS, ChatSettings, Setting, Settings, SettingsError, load, read, save, value_of

WHOLE = """
theme = "nord" # dark
jobs_at_once = 4

[keys]
submit = "f2"

[chat]
hosts = ["10.0.0.7", "https://models.example/ollama"] # the large one first
model = "qwen3:4b"
context = 16_384
word_limit = 0
tone = "dry"
system = "Call me Ada."
keep_alive = "30m"
"""


def test_what_is_said_and_defaults_for_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    assert load(file) == Settings()
    file.write_text(WHOLE)
    hosts = ["10.0.0.7", "https://models.example/ollama"]
    chat = ChatSettings(hosts, "qwen3:4b", 16_384, 0, "dry", "Call me Ada.", "30m")
    assert load(file) == Settings("nord", jobs_at_once=4, keys={"submit": "f2"}, chat=chat)
    file.write_text("[chat]\nmodel = 'x'\n")
    assert load(file) == Settings(chat=ChatSettings(model="x"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("them = 'x'", "there is no setting 'them'; did you mean theme?"),
        ("bell = 1", "bell must be true or false, not 1."),
        ("jobs_at_once = 17", "jobs_at_once = 17: This must be a whole number from 1 to 16"),
        ("keys = {submit = 1}", "keys.submit must be text, not 1."),
        ("chat = 'x'", "chat must be a table, not 'x'."),
        ("[chat]\nmodle = 'x'", "there is no setting 'chat.modle'; did you mean chat.model?"),
        ("[chat]\nhosts = 'x'", "chat.hosts must be a list of texts, not 'x'."),
        ("[chat]\nhosts = [1]", "chat.hosts must be a list of texts, not [1]."),
        ("[chat]\ncontext = -1", "chat.context = -1: This must be a whole number from 0 to 2,000,000"),
        ("[chat]\nword_limit = true", "chat.word_limit must be a whole number, not True."),
        ("theme = [", "Invalid value"),
        ("theme = " + "[" * 5_000, "it has a number that is too long, or brackets too deep"),
        ("jobs_at_once = " + "9" * 5_000, "it has a number that is too long"),
        ("jobs_at_once = 0x" + "f" * 5_000, "it has a number that is too long"),
    ],
    ids=lambda text: text[:40],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    for look in (load, lambda file: save(file, {"mouse": False})):
        with pytest.raises(SettingsError) as caught:
            look(file)
        assert str(caught.value).startswith(f"{file}: {says}")
    assert file.read_text() == text


def test_the_mark_that_some_editors_put_first_is_no_setting(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(b"\xef\xbb\xbf" + WHOLE.encode())
    assert load(file) == read(WHOLE)
    assert save(file, {"bell": False}) == load(file) == dataclasses.replace(read(WHOLE), bell=False)


def test_one_is_changed_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "config" / "settings.toml"
    save(file, {"theme": "nord"})
    save(file, {"chat.model": "qwen3:4b"})
    assert load(file) == Settings("nord", chat=ChatSettings(model="qwen3:4b"))
    file.write_text(WHOLE)
    save(file, {"chat.model": "llama3.2:3b", "bell": False})
    changed = file.read_text()
    assert "# dark" in changed and "# the large one first" in changed
    found = load(file)
    assert (found.chat.model, found.chat.context, found.bell) == ("llama3.2:3b", 16_384, False)


def test_a_default_comes_back_and_takes_nothing_with_it(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(WHOLE)
    now = save(file, {"theme": None, "chat.hosts": None, "keys.submit": None, "chat.tone": "kind"})
    assert now == load(file)
    assert (now.theme, now.chat.hosts, now.keys, now.chat.tone) == (Settings().theme, [], {}, "kind")
    assert (now.jobs_at_once, now.chat.model) == (4, "qwen3:4b")
    assert save(file, {"bell": None}) == now


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_the_declaration_says_what_the_attributes_and_the_loader_do(setting: Setting, tmp_path: Path) -> None:
    assert setting.label and setting.help.endswith(".")
    assert value_of(Settings(), setting.name) == setting.default
    assert setting.parse(setting.field.editable(setting.default)) == setting.default
    file = tmp_path / "settings.toml"
    save(file, {setting.name: setting.default})
    assert load(file) == Settings()
    assert setting.name.rpartition(".")[2] in file.read_text()
    with pytest.raises(SettingsError):
        read(f"{setting.name} = 1979-05-27")


def test_all_attributes_are_declared() -> None:
    there = {each.name for each in dataclasses.fields(Settings)} - {"keys", "chat"}
    there |= {f"chat.{each.name}" for each in dataclasses.fields(ChatSettings)}
    assert there == set(SETTINGS)


ODD = ["30m", "-1", 'say "so"', "a\nb", "'''", '"""\n"""', "back\\\nslash\\", "\r\nx", "a\rb\nc", "\x00\n\x1b"]


def any_input(field: Field) -> st.SearchStrategy[Any]:
    """What a person may type for it, or near it."""
    match field:
        case Switch():
            return st.booleans()
        case Number():
            return st.integers(int(field.minimum or 0), int(field.maximum or 0))
        case TextArea():
            return st.lists(st.from_regex(r"\A[a-z]{1,9}\.example(:[1-9][0-9]{0,3})?\Z"), max_size=5)
    return st.text(max_size=60) | st.sampled_from(ODD)


CHANGES = st.lists(
    st.sampled_from(sorted(SETTINGS)).flatmap(lambda name: st.tuples(st.just(name), any_input(SETTINGS[name].field))),
    max_size=8,
)
DOTTED = "chat.tone = 'x' # dotted\n"


@limits(deadline=None, max_examples=50)
@given(CHANGES, st.sampled_from(["", WHOLE, DOTTED, "[keys]\n[chat]\ntone = 'x' # dotted\n"]))
def test_what_is_accepted_is_what_is_loaded(changes: list[tuple[str, Any]], before: str) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "settings.toml"
        file.write_text(before)
        accepted: dict[str, Any] = {}
        for name, typed in changes:
            try:
                accepted[name] = SETTINGS[name].parse(typed)
            except Invalid:
                continue
            assert save(file, {name: accepted[name]}) == load(file)
        now = load(file)
        assert {name: value_of(now, name) for name in accepted} == accepted
        assert before.count("# dotted") == file.read_text().count("# dotted")


def test_the_file_is_ones_own_and_a_link_stays_one(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "pipetui.toml"
    real.parent.mkdir()
    real.write_text("bell = false\n")
    file = tmp_path / "settings.toml"
    file.symlink_to(real)
    save(file, {"theme": "nord"})
    assert file.is_symlink() and load(real) == Settings("nord", bell=False)
    assert real.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in real.parent.iterdir()] == ["pipetui.toml"]


def test_what_another_terminal_changed_is_not_overwritten_unseen(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    save(file, {"chat.word_limit": 300}, expected={"chat.word_limit": 200})
    with pytest.raises(Moved, match="word_limit was changed meanwhile"):
        save(file, {"chat.word_limit": 400}, expected={"chat.word_limit": 200})
    save(file, {"chat.tone": "kind"}, expected={"chat.tone": ""})
    assert load(file).chat == ChatSettings(word_limit=300, tone="kind")


@pytest.mark.parametrize("before", ["theme = [", "jobs_at_once = 99\n", "chat = 1\n", "[chat]\ntone = 'a'\n[chat]\n"])
def test_a_file_that_was_broken_by_hand_stays_as_it_is(tmp_path: Path, before: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(before)
    with pytest.raises(SettingsError, match=r"Nothing was changed\."):
        save(file, {"chat.model": "x"})
    assert file.read_text() == before


def test_a_wrong_value_is_mended_by_a_right_one(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("jobs_at_once = 99\n")
    assert save(file, {"jobs_at_once": 9}).jobs_at_once == 9


def test_what_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("in its way")
    with pytest.raises(SettingsError, match="nothing was changed"):
        save(tmp_path / "config" / "settings.toml", {"bell": False})


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("chat.hosts", "one.example\na b", "'a b' is no host"),
        ("chat.hosts", "ftp://x", "is no host"),
        ("chat.keep_alive", "soon", "a time like 30m"),
        ("chat.word_limit", "many", "a whole number from 0 to 100,000"),
        ("chat.tone", "two\nlines", "one line"),
        ("chat.system", "\ud800", "a character in it that is none"),
        ("theme", " ", "Please fill this in"),
    ],
)
def test_what_is_not_accepted_says_why(name: str, typed: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        SETTINGS[name].parse(typed)


def test_the_docs_have_what_is_declared() -> None:
    text = (Path(__file__).parent.parent / "docs" / "settings.md").read_text("utf-8")
    for setting in SETTINGS.values():
        default = setting.field.summary(setting.default) if setting.default not in ("", []) else "none"
        takes = f" A change takes effect {setting.takes}." if setting.takes else ""
        assert f"| {setting.label} | `{setting.name}` | {default} | {setting.help}{takes} |\n" in text
    assert text.count("\n| ") == len(SETTINGS) + 1
