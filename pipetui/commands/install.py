"""A user service that takes work up again at boot: for those who don't want to wait for the next `pipetui` command."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

from .. import disk
from ..paths import Paths
from ..service.starter import environment
from .exits import CRASH, Exit

MAC: bool = sys.platform == "darwin"

UNIT = """\
[Unit]
Description=pipetui: background jobs ({env})

[Service]
ExecStart={command}
{environment}

[Install]
WantedBy=default.target
"""


_OF_THE_SESSION = ("HOME", "USER", "LOGNAME", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


def install(paths: Paths) -> str:
    """Make the service and switch it on; what was done and what may be left to do. Exit when it can't be."""
    file = _file(paths)
    command = [sys.executable, "-P", "-m", "pipetui", "--env", paths.env, "worker"]
    file.parent.mkdir(parents=True, exist_ok=True)
    if MAC:
        service = {
            "Label": file.stem,
            "ProgramArguments": command,
            "EnvironmentVariables": _kept(),
            "RunAtLoad": True,
        }
        disk.put(file, plistlib.dumps(service))
        _call("launchctl", "load", "-w", str(file))
        return f"The worker starts when you log in: {file}"
    unit = UNIT.format(
        env=paths.env,
        command=" ".join(_quoted(word).replace("$", "$$") for word in command),
        environment="\n".join(f"Environment={_quoted(f'{name}={value}')}" for name, value in _kept().items()),
    )
    disk.put(file, os.fsencode(unit))
    _call("systemctl", "--user", "daemon-reload")
    _call("systemctl", "--user", "enable", file.name)
    return f"The worker starts at boot, if you may linger (`loginctl enable-linger`), else when you log in: {file}"


def uninstall(paths: Paths) -> str:
    """Switch the service off and remove it."""
    file = _file(paths)
    if not file.exists():
        return "No service of pipetui is installed."
    if MAC:
        _call("launchctl", "unload", "-w", str(file))
    else:
        _call("systemctl", "--user", "disable", file.name)
    file.unlink()
    return f"Removed: {file}"


def _file(paths: Paths) -> Path:
    name = "pipetui-worker" if paths.env == "prod" else f"pipetui-worker-{paths.env}"
    if MAC:
        return Path.home() / "Library/LaunchAgents" / f"{name}.plist"
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "systemd/user" / f"{name}.service"


def _kept() -> dict[str, str]:
    """What the worker needs of our environment; the rest is another session's."""
    return {name: value for name, value in environment().items() if name not in _OF_THE_SESSION}


def _quoted(text: str) -> str:
    """As systemd reads it: quotes, and no specifiers."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _call(*command: str) -> None:
    if not shutil.which(command[0]):
        raise Exit(CRASH, f"{command[0]} is not here, so no service could be switched on; pipetui works without it.")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        why = (done.stderr or done.stdout).strip()
        raise Exit(CRASH, f"`{' '.join(command)}` failed ({why}); pipetui works without a service.")
