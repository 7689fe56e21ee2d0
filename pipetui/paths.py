"""Where things lie. `PIPETUI_HOME` moves everything below one folder; else the platform's own places."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

PROD = "prod"


@dataclass(frozen=True)
class Paths:
    """The folders of one environment; `prod` has the plain ones, another a folder of its name in each."""

    env: str
    data: Path
    config: Path
    cache: Path
    logs: Path

    @property
    def database(self) -> Path:
        return self.data / "pipetui.db"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def backups(self) -> Path:
        return self.data / "backups"

    @property
    def downloads(self) -> Path:
        """Where the runs have their folders: `APP_NAME/<slug>-<id>/`."""
        return self.data / "downloads"

    @property
    def screenshots(self) -> Path:
        return self.data / "screenshots"

    @property
    def worker_lock(self) -> Path:
        """Held by the one worker of this database; a file of its own, beside it."""
        return self.data / "worker.lock"

    @property
    def receivers(self) -> Path:
        """A locked file for each app that receives an answer of a model now."""
        return self.data / "receivers"

    @property
    def workflows(self) -> Path:
        """The user's own workflows."""
        return self.config / "workflows"

    @property
    def settings(self) -> Path:
        return self.config / "settings.toml"

    @property
    def log(self) -> Path:
        return self.logs / "pipetui.log"

    @property
    def worker_log(self) -> Path:
        return self.logs / "worker.log"


def paths(env: str = PROD) -> Paths:
    """The folders of an environment; none is made here. ValueError when the name can't be a folder's."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", env):
        raise ValueError(f"The environment {env!r} must be a-z, 0-9, - and _, at most 31 characters.")
    base = moved_home()
    if base is not None:
        roots = (base / "data", base / "config", base / "cache", base / "logs")
    else:
        from platformdirs import PlatformDirs  # 10 ms that a moved home need not pay

        dirs = PlatformDirs("pipetui", appauthor=False)
        roots = (dirs.user_data_path, dirs.user_config_path, dirs.user_cache_path, dirs.user_log_path)
    data, config, cache, logs = roots if env == PROD else (root / "env" / env for root in roots)
    return Paths(env, data, config, cache, logs)


def moved_home() -> Path | None:
    """The one folder that PIPETUI_HOME names, absolute; None where everything lies at its own place."""
    home = os.environ.get("PIPETUI_HOME")
    if not home:
        return None
    return Path(os.path.expanduser(home)).absolute()  # noqa: PTH111 - it leaves a ~ of nobody, where Path raises


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter; what is missing above it too. OSError when that can't be."""
    missing = [above for above in folder.parents if not above.exists()]
    for each in (*reversed(missing), folder):  # `mkdir(parents=True)` gives the mode to the last one alone
        each.mkdir(mode=0o700, exist_ok=True)


def inside(folder: Path, name: str) -> Path:
    """`folder / name`, resolved. ValueError when that lies outside the folder."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name!r} lies outside of its folder.")
    return path
