"""Start a run: its key is proposed."""

from __future__ import annotations

from .base import MainScreen, Place
from .dialogs import Ask


async def ask_for_new_run(screen: MainScreen, app_name: str) -> None:
    """Ask for the key of a new run of this workflow, for the profile one works for, and go to the run."""
    host, service = screen.host, screen.service
    proposed = await service.runs.next_part(host.profile, app_name)

    async def create(part: str) -> str:
        return (await service.runs.create(host.profile, app_name, part)).id

    def created(run: str | None) -> None:
        if run is not None:
            host.go(Place("run", app_name, run))

    entry = await host.entry(app_name)
    about = f"Its key begins with {host.profile}-{app_name}-"
    title = f"A new run of {entry.name if entry else app_name}"
    screen.app.push_screen(Ask(title, about, proposed, "starts it", create), created)
