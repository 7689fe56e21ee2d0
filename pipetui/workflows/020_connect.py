"""Connect: gives this profile its Botify token. It is kept in a file of its own that only you can read."""

from __future__ import annotations

from typing import TypedDict

from pipetui import Invalid, Job, JobError, Run, Step, Workflow
from pipetui.fields import Choice, Field, Secret
from pipetui.text import amount
from pipetui.views import Stack, Table, View


class Account(TypedDict):
    username: str
    name: str
    projects: list[list[str]]


class Connect(Workflow):
    APP_NAME = "connect"
    DISPLAY_NAME = "Connect to Botify 🔑"
    ENDPOINT_MESSAGE = "Paste your token once; exports and link graphs of this profile use it."
    TRAINING_PROMPT = "connect.md"

    steps = [
        Step("step_01", done="token", show="Token", field=Secret("botify")),
        Step(
            "step_02",
            done="account",
            show="Who you are",
            auto=True,
            summary=lambda account: f"{account['name'] or account['username']}, {len(account['projects']):,} projects",
        ),
    ]

    def step_01_form(self, run: Run) -> Field:
        from pipetui.botify.places import practice_token

        hint = "from https://app.botify.com/account; it is not shown, and checked at once"
        if token := practice_token(run.shared):
            hint = f"this is the sandbox, and it is connected already; to see how that goes, paste its token: {token}"
        return Secret("botify", hint=hint)

    async def step_01_submit(self, run: Run, token: str) -> None:
        from pipetui.botify import BotifyError, Client
        from pipetui.botify.places import api_url

        try:
            async with Client(token, base_url=api_url(run.shared)) as client:
                await client.account()
        except (BotifyError, ValueError) as error:
            raise Invalid(str(error)) from None

    async def step_02_job(self, run: Run, job: Job) -> Account:
        from pipetui.botify import places

        async with places.client(run) as client:
            account = await client.account()
            projects = await client.projects()
        rows = [[info.project.org, info.project.slug, info.name] for info in projects]
        return Account(username=account.username, name=account.name, projects=rows)

    def step_02_view(self, run: Run) -> View:
        from pipetui.botify import places

        projects = Table(["organisation", "project", "name"], run.value("account", Account)["projects"])
        months = [
            [each.month, amount(each.credits), f"{each.exports:,}"] for each in places.credits(run).months(run.profile)
        ]
        return Stack([projects, Table(["month", "credits spent", "exports"], months)]) if months else projects

    # The token is kept from the moment it was found good; finalizing keeps it, and unlocking asks.

    def problems(self, run: Run) -> list[str]:
        return [] if _has_token(run) else ["step_01: the token was removed: revert this step and paste one."]

    def unfinalize_form(self, run: Run) -> Field | None:
        if not _has_token(run):
            return None
        options = [("keep", "Keep the token"), ("remove", "Remove it from this machine")]
        return Choice(options, default="keep", label="The token")

    def unfinalize_submit(self, run: Run, choice: str) -> None:
        if choice == "remove":
            run.forget_secret("botify")


def _has_token(run: Run) -> bool:
    try:
        run.secret("botify")
    except JobError:
        return False
    return True
