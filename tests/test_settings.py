"""The settings file: read with its types, wrong ones named, changed with its comments kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipetui.settings import ChatSettings, Settings, SettingsError, load, save

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
        ("them = 'x'", "there is no setting 'them'; did you mean 'theme'?"),
        ("bell = 1", "bell must be true or false, not 1."),
        ("jobs_at_once = 17", "jobs_at_once must be from 1 to 16."),
        ("keys = {submit = 1}", "keys must be a table of texts, not {'submit': 1}."),
        ("chat = 'x'", "chat must be a table, not 'x'."),
        ("[chat]\nmodle = 'x'", "there is no setting 'chat.modle'; did you mean 'chat.model'?"),
        ("[chat]\nhosts = 'x'", "chat.hosts must be a list of texts, not 'x'."),
        ("[chat]\nhosts = [1]", "chat.hosts must be a list of texts, not [1]."),
        ("[chat]\ncontext = -1", "chat.context must be from 0 to 2,000,000."),
        ("[chat]\nword_limit = true", "chat.word_limit must be a whole number, not True."),
        ("theme = [", "Invalid value"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: {says}")


def test_one_is_changed_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "config" / "settings.toml"
    save(file, "theme", "nord")
    save(file, "chat.model", "qwen3:4b")
    assert load(file) == Settings("nord", chat=ChatSettings(model="qwen3:4b"))
    file.write_text(WHOLE)
    save(file, "chat.model", "llama3.2:3b")
    save(file, "bell", False)
    changed = file.read_text()
    assert "# dark" in changed and "# the large one first" in changed
    found = load(file)
    assert (found.chat.model, found.chat.context, found.bell) == ("llama3.2:3b", 16_384, False)
