"""`pipetui settings`: what the Settings screen does, for scripts."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path

import pytest

from pipetui.cli import main
from pipetui.settings import SETTINGS, load
from tests.commands.conftest import Say


def test_settings_are_listed_changed_and_given_back(say: Say, home: Path) -> None:
    file = home / "config" / "settings.toml"
    listed = say("settings").out
    assert all(f"\n{name} " in listed for name in SETTINGS) and "keys." not in listed
    assert not file.exists()
    changed = say("settings", "chat.word_limit=300", "chat.hosts=one.example,two.example:80", "bell=no", "--json")
    assert changed.code == 0
    assert {each["name"]: each["value"] for each in changed.json} == {
        "bell": False, "chat.hosts": ["one.example", "two.example:80"], "chat.word_limit": 300
    }  # fmt: skip
    assert say("settings", "chat.word_limit").out.splitlines()[1].split()[:3] == ["chat.word_limit", "300", "200"]
    assert [each["name"] for each in say("settings", "chat", "bell", "--json").json][-2:] == ["chat.keep_alive", "bell"]
    assert say("settings", "--reset", "chat.word_limit", "chat.tone=dry").code == 0
    assert load(file).chat.word_limit == 200 and load(file).chat.tone == "dry"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "word_limit" not in file.read_text()


def test_several_lines_come_from_a_file(say: Say, home: Path) -> None:
    (home / "said.txt").write_text("I look after ACME.\n\n- Be kind.\n")
    assert say("settings", f"chat.system=@{home / 'said.txt'}").code == 0
    assert load(home / "config" / "settings.toml").chat.system == "I look after ACME.\n\n- Be kind."


def test_two_keys_change_places_in_one_call(say: Say, home: Path) -> None:
    refused = say("settings", "keys.revert=u")
    assert refused.code == 2 and "Undo (Cards) has the key u" in refused.err
    assert say("settings", "keys.revert=u", "keys.undo=r").code == 0
    assert load(home / "config" / "settings.toml").keys == {"revert": "u", "undo": "r"}
    refused = say("settings", "--reset", "keys.undo")
    assert refused.code == 2 and "Revert (Cards) has the key u" in refused.err
    assert "\nkeys.revert      u " in say("settings").out
    assert say("settings", "--reset", "keys.undo", "--reset", "keys.revert").code == 0
    assert load(home / "config" / "settings.toml").keys == {}
    assert len(say("settings", "keys", "--json").json) > 50


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("word_limit=3",), "did you mean chat.word_limit?"),
        (("wordlimit",), "There is no setting 'wordlimit'"),
        (("chat.word_limit=many",), "chat.word_limit: This must be a whole number from 0 to 100,000"),
        (("theme=nrod",), "theme: This must be one of: "),
        (("chat.hosts=a b",), "'a b' is no host"),
        (("bell=no", "chat.tone"), "settings wants NAME=VALUE, not 'chat.tone'"),
        (("bell=no", "--reset", "bell"), "bell is said twice"),
        (("keys.quit=z",), "one types that in an input"),
        (("keys.revert=\x1b",), "that is no key"),
        (("keys.revert=9",), "a number leads to the card"),
    ],
)
def test_wrong_use_changes_nothing(say: Say, home: Path, words: tuple[str, ...], says: str) -> None:
    answer = say("settings", *words)
    assert answer.code == 2 and answer.err.count("\n") == 1 and says in answer.err
    assert not (home / "config").exists()


def test_a_broken_file_is_named_and_stays(say: Say, home: Path) -> None:
    file = home / "config" / "settings.toml"
    file.parent.mkdir()
    file.write_text("jobs_at_once = 99\n")
    for words in (("settings",), ("settings", "bell=no")):
        answer = say(*words, "--json")
        assert answer.code == 2 and f"{file}: jobs_at_once = 99: This must be" in answer.json["error"]
    assert file.read_text() == "jobs_at_once = 99\n"
    assert say("settings", "jobs_at_once=9").code == 0


@pytest.mark.parametrize("words", [["chat.wo"], ["--reset", "chat.wo"]])
def test_names_are_completed(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    line = json.dumps(["pipetui", "settings", *words]).replace(",", " ")[1:-1]
    ask = f'source "$1"; COMP_WORDS=({line}); COMP_CWORD={len(words) + 1}; _shtab_pipetui; echo "${{COMPREPLY[@]}}"'
    ended = subprocess.run(["bash", "-c", ask, "bash", str(tmp_path / "script")], capture_output=True, text=True)
    assert ended.stdout.split() == ["chat.word_limit"]
