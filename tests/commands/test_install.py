"""The user service: the unit that is written, and what systemctl is told. A stub records the calls."""

from __future__ import annotations

import plistlib
import stat
import sys
from pathlib import Path

import pytest

from pipetui.commands.exits import Exit
from pipetui.commands.install import install, uninstall
from pipetui.paths import paths

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux's")


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stub = tmp_path / "bin" / "systemctl"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ ! -e {tmp_path}/broken ]\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PIPETUI_HOME", str(tmp_path / 'a home with % and "'))
    return tmp_path / "calls"


def test_the_service_is_made_and_removed(calls: Path, tmp_path: Path) -> None:
    said = install(paths("test"))
    unit = tmp_path / "config/systemd/user/pipetui-worker-test.service"
    assert str(unit) in said
    text = unit.read_text()
    assert '"-m" "pipetui" "--env" "test" "worker"' in text
    assert f'Environment="PIPETUI_HOME={tmp_path}/a home with %% and \\""' in text
    uninstall(paths("test"))
    assert not unit.exists()
    assert calls.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable pipetui-worker-test.service",
        "--user disable pipetui-worker-test.service",
    ]
    assert "No service" in uninstall(paths("test"))


def test_the_service_finds_the_same_data_and_the_same_way_out(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("https_proxy", "http://me:secret@proxy:3128")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1")
    monkeypatch.setenv("BOTIFY_TOKEN", "secret")
    install(paths())
    unit = tmp_path / "config/systemd/user/pipetui-worker.service"
    text = unit.read_text()
    assert f'Environment="XDG_DATA_HOME={tmp_path}/elsewhere"' in text
    assert 'Environment="https_proxy=http://me:secret@proxy:3128"' in text
    assert "RUNTIME_DIR" not in text and "TOKEN" not in text
    assert stat.S_IMODE(unit.stat().st_mode) == 0o600, "it may hold a proxy's password"


def test_on_macos_launchd_is_told(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (calls.parent / "bin/systemctl").rename(calls.parent / "bin/launchctl")
    monkeypatch.setattr("pipetui.commands.install.MAC", True)
    monkeypatch.setenv("HOME", str(tmp_path))
    install(paths("test"))
    file = tmp_path / "Library/LaunchAgents/pipetui-worker-test.plist"
    service = plistlib.loads(file.read_bytes())
    assert service["ProgramArguments"][1:] == ["-P", "-m", "pipetui", "--env", "test", "worker"]
    assert service["EnvironmentVariables"]["PIPETUI_HOME"] == str(tmp_path / 'a home with % and "')
    uninstall(paths("test"))
    assert not file.exists() and calls.read_text() == f"load -w {file}\nunload -w {file}\n"


def test_where_systemd_does_not_answer_that_is_said(calls: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(Exit, match="works without a service"):
        install(paths())


def test_where_there_is_no_systemd_that_is_said(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Exit, match="systemctl is not here"):
        install(paths())
