"""The kept code of a source text: the same as the text's, whatever became of the folder."""

import hashlib
import marshal
import os
from pathlib import Path

import pytest

from pipetui.engine.compiled import code_of
from pipetui.engine.registry import Registry


def value(text: str, folder: Path | None) -> int:
    space: dict[str, int] = {}
    exec(code_of("a.py", text, folder), space)
    return space["x"]


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.code"))


def test_a_text_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "kept"
    assert value("x = 1", folder) == 1
    monkeypatch.setattr("builtins.compile", lambda *_, **__: pytest.fail("compiled again"))
    assert value("x = 1", folder) == 1
    assert len(kept(folder)) == 1 and not list(folder.glob("*.part"))


def test_another_text_of_the_same_file_is_another_code(tmp_path: Path) -> None:
    assert [value(text, tmp_path) for text in ("x = 1", "x = 2", "x = 1")] == [1, 2, 1]


def test_what_is_damaged_is_compiled_anew(tmp_path: Path) -> None:
    value("x = 1", tmp_path)
    (file,) = kept(tmp_path)
    for data in (b"", b"x" * 100, file.read_bytes()[:-1], file.read_bytes() + b"\0"):
        file.write_bytes(data)
        assert value("x = 1", tmp_path) == 1


def test_what_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    value("x = 1", tmp_path)
    (file,) = kept(tmp_path)
    other = marshal.dumps(compile("x = 666", "a.py", "exec"))
    file.write_bytes(hashlib.sha256(other).digest() + other)
    tmp_path.chmod(0o777)
    assert value("x = 1", tmp_path) == 1


def test_without_a_folder_that_can_be_written_it_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert value("x = 1", tmp_path / "file" / "kept") == 1


def test_the_code_of_built_in_workflows_is_kept_and_that_of_others_not(tmp_path: Path) -> None:
    text = (
        "from pipetui import Step, Workflow\nfrom pipetui.fields import Text\n"
        "class A(Workflow):\n    APP_NAME = '{}'\n    steps = [Step('a', done='b', show='B', field=Text())]\n"
    )
    for name in ("ours", "yours"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "010_a.py").write_text(text.format(name))
    registry = Registry(
        [(tmp_path / "ours", "built in"), (tmp_path / "yours", "yours")], installed=False, known=tmp_path / "kept"
    )
    registry.refresh()
    assert [(entry.app_name, entry.error) for entry in registry.entries()] == [("ours", ""), ("yours", "")]
    assert len(kept(tmp_path / "kept")) == 1


def test_a_folder_of_somebody_else_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner could have us run anything."""
    text = "x = 1"
    code_of("a.py", text, tmp_path)
    me = os.geteuid()
    monkeypatch.setattr("pipetui.engine.compiled.marshal.loads", lambda data: pytest.fail("it was read"))
    monkeypatch.setattr("os.geteuid", lambda: me + 1)
    assert code_of("a.py", text, tmp_path).co_names == ("x",)
