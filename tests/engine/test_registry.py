"""Finding and loading workflow files, the broken ones above all: each costs its own card only."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipetui.engine import registry
from pipetui.engine.registry import Entry, Registry

GOOD = """
from pipetui import Step, Workflow
from pipetui.fields import Text


class {cls}(Workflow):
    APP_NAME = "{app}"
    DISPLAY_NAME = "{show}"
    steps = [Step("step_01", done="name", show="Name", field=Text())]
"""


def good(app: str = "good", cls: str = "Good", show: str = "Good") -> str:
    return GOOD.format(app=app, cls=cls, show=show)


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def found(folder: Path) -> list[Entry]:
    every = Registry([(folder, "yours")], installed=False)
    every.refresh()
    return every.entries()


def test_the_menu_is_in_the_order_of_file_names(tmp_path: Path) -> None:
    write(tmp_path, "020_b.py", good("b"))
    write(tmp_path, "010_z.py", good("z"))
    for passed_over in ("xx_old.py", "XX_old.py", "_private.py", "__init__.py", "010_z (copy).py", "notes.txt"):
        write(tmp_path, passed_over, good("other"))
    assert [entry.app_name for entry in found(tmp_path)] == ["z", "b"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("def (:\n", "line 1"),
        ("x = 1\nclass Half(Workf", "line 2"),
        ("a\0b", "null bytes"),
        ("import sys\nsys.exit(3)", "SystemExit"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("x = 1\n\n1 / 0", "line 3: ZeroDivisionError"),
        ("import surely_not_installed", "ModuleNotFoundError"),
        ("x = 1", "no workflow in this file"),
        (good("../../evil"), "APP_NAME"),
        (good() + good("two", "Two"), "2 workflows"),
        (good().replace('[Step("step_01", done="name", show="Name", field=Text())]', "None"), "list of Step"),
        (good() + "\n    def step_01_submitt(self): ...", "did you mean step_01_submit"),
        (good().replace("\n    steps", "\n    steps: list = [Step() for _ in range(100000)]\n    unused"), "TypeError"),
    ],
)
def test_a_file_that_does_not_load_says_why(tmp_path: Path, text: str, error: str) -> None:
    write(tmp_path, "010_bad.py", text)
    write(tmp_path, "020_good.py", good("fine"))
    bad, fine = found(tmp_path)
    assert bad.workflow is None and error in bad.error and "\n" not in bad.error
    assert bad.error.startswith("010_bad.py")
    assert fine.app_name == "fine" and not fine.error


def test_an_endless_import_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LOAD_SECONDS", 0.1)
    write(tmp_path, "010_endless.py", "while True:\n    pass\n")
    (entry,) = found(tmp_path)
    assert "did not end" in entry.error


def test_what_an_import_prints_does_not_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "010_loud.py", "print('\\x1b[2J')\n" + good())
    assert found(tmp_path)[0].app_name == "good"
    assert capsys.readouterr().out == ""


def test_the_second_of_two_with_one_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "010_first.py", good("same"))
    write(tmp_path, "020_second.py", good("same"))
    first, second = found(tmp_path)
    assert first.app_name == "same" and second.workflow is None
    assert "taken by 010_first.py" in second.error


def test_a_saved_file_is_reloaded_alone_and_the_last_good_version_stays(tmp_path: Path) -> None:
    file = write(tmp_path, "010_one.py", good("one", show="Before"))
    write(tmp_path, "020_two.py", good("two"))
    every = Registry([(tmp_path, "yours")], installed=False)
    every.refresh()
    assert every.refresh() == []
    file.write_text(good("one", show="After!"))
    assert [entry.name for entry in every.refresh()] == ["After!"]
    file.write_text("def (:")
    (broken,) = every.refresh()
    assert "line 1" in broken.error and broken.name == "After!", "the last good version keeps running"
    file.write_text(good("one", show="Mended"))
    assert [entry.error for entry in every.refresh()] == [""]
    file.unlink()
    assert [entry.name for entry in every.refresh()] == ["Mended"], "what went is told too"
    assert every.get("one") is None and every.get("two") is not None


def test_a_file_saved_twice_in_a_moment_is_never_stale(tmp_path: Path) -> None:
    file = write(tmp_path, "010_one.py", good("one", show="0"))
    every = Registry([(tmp_path, "yours")], installed=False)
    every.refresh()
    for number in range(1, 30):
        file.write_text(good("one", show=str(number)))
        every.refresh()
        assert every.entries()[0].name == str(number)


def test_a_name_that_is_freed_can_be_taken(tmp_path: Path) -> None:
    first = write(tmp_path, "010_first.py", good("same"))
    write(tmp_path, "020_second.py", good("same"))
    every = Registry([(tmp_path, "yours")], installed=False)
    every.refresh()
    first.unlink()
    every.refresh()
    assert [entry.app_name for entry in every.entries()] == ["same"]


def test_a_file_that_others_may_write_is_not_run(tmp_path: Path) -> None:
    file = write(tmp_path, "010_open.py", good())
    file.chmod(0o666)
    (entry,) = found(tmp_path)
    assert entry.workflow is None and "chmod o-w" in entry.error


def test_a_dangling_link_and_a_folder_are_no_workflows(tmp_path: Path) -> None:
    (tmp_path / "010_gone.py").symlink_to(tmp_path / "nowhere.py")
    (tmp_path / "020_folder.py").mkdir()
    assert all(entry.workflow is None and entry.error for entry in found(tmp_path))


def test_types_of_a_workflow_file_can_be_resolved(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass D:\n    x: int\n"
    write(tmp_path, "010_types.py", text + good().replace("from __future__ import annotations", ""))
    (entry,) = found(tmp_path)
    assert entry.workflow is not None
    assert entry.workflow.__module__ in sys.modules


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("import os\nos._exit(0)", "exit code 0"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "signal SIGSEGV"),
        ("import os\nos.kill(os.getpid(), 9)", "signal SIGKILL"),
    ],
)
def test_a_file_that_ends_its_reader_ends_a_trial_alone(tmp_path: Path, text: str, how: str) -> None:
    write(tmp_path, "010_deadly.py", text)
    write(tmp_path, "020_good.py", good("fine"))
    every = Registry([(tmp_path, "yours")], installed=False, known=tmp_path / "known")
    every.refresh()
    deadly, fine = every.entries()
    assert how in deadly.error and "not loaded" in deadly.error and fine.app_name == "fine"
    assert len(list((tmp_path / "known").iterdir())) == 1, "the good one is not tried again"


def test_what_a_trial_lets_pass_tells_its_own_error(tmp_path: Path) -> None:
    write(tmp_path, "010_bad.py", "x = 1\n1 / 0")
    for _ in range(2):
        every = Registry([(tmp_path, "yours")], installed=False, known=tmp_path / "known")
        every.refresh()
        assert "line 2: ZeroDivisionError" in every.entries()[0].error


def test_a_pipe_is_no_file_to_wait_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "010_pipe.py")
    assert "no file" in found(tmp_path)[0].error


def test_a_slow_import_takes_no_stream_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LOAD_SECONDS", 0.05)
    write(tmp_path, "010_slow.py", "import time\ntime.sleep(0.5)")
    write(tmp_path, "020_asks.py", "input()")
    streams = sys.stdin, sys.stdout, sys.stderr
    slow, asks = found(tmp_path)
    assert (sys.stdin, sys.stdout, sys.stderr) == streams
    assert "did not end" in slow.error and "EOFError" in asks.error


def test_one_that_is_refused_for_its_name_is_not_read_again_and_again(tmp_path: Path) -> None:
    write(tmp_path, "010_first.py", good("same"))
    write(tmp_path, "020_second.py", f"open({str(tmp_path / 'reads')!r}, 'a').write('x')\n" + good("same"))
    every = Registry([(tmp_path, "yours")], installed=False)
    assert len(every.refresh()) == 2
    assert every.refresh() == [] and every.refresh() == []
    assert (tmp_path / "reads").read_text() == "x"


def test_an_error_that_can_not_be_told_costs_its_own_card(tmp_path: Path) -> None:
    text = "class Silent(Exception):\n    def __str__(self):\n        raise ValueError\n\nraise Silent"
    write(tmp_path, "010_silent.py", text)
    write(tmp_path, "020_good.py", good())
    silent, other = found(tmp_path)
    assert silent.error == "010_silent.py, line 5: Silent: no reason given" and other.workflow is not None


@pytest.mark.parametrize("code", ["1 / 0", "raise SystemExit(3)", "raise ImportError"])
def test_an_installed_package_that_can_not_be_imported_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    for name, text in (("broken_one", code), ("sound_one", "")):
        package = tmp_path / name
        package.mkdir()
        write(package, "__init__.py", text)
        write(package, "flow.py", good(name))
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        write(info, "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        write(info, "entry_points.txt", f"[{registry.ENTRY_POINTS}]\n{name} = {name}.flow\n")
    monkeypatch.syspath_prepend(tmp_path)
    every = Registry([])
    every.refresh()
    assert [entry.app_name for entry in every.entries()] == ["sound_one"]
