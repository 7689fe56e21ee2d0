"""Connect: a token is checked before it is kept; finalizing keeps it, and unlocking asks."""

from __future__ import annotations

import json

import pytest

from pipetui.engine.fields import Choice, Invalid
from pipetui.engine.refusals import Refusal
from pipetui.paths import Paths
from pipetui.sandbox import Sandbox
from pipetui.secrets import Secrets
from pipetui.service import Service
from tests.worker.conftest import Workers, until


async def test_the_token_is_kept_until_an_unlocking_removes_it(service: Service, workers: Workers, home: Paths) -> None:
    secrets, runs = Secrets(home.secrets), service.runs
    async with Sandbox(seed=1, links=200, rate=0) as sandbox:
        (home.data / "sandbox.json").write_text(json.dumps({"api_url": sandbox.api_url, "rate": 1_000}))
        run = (await runs.create("shop", "connect")).id
        profile = (await runs.open(run)).row.profile_id
        for wrong in ("f" * 40, "two words"):
            with pytest.raises(Invalid):
                await runs.submit(run, "token", wrong)
            assert secrets.foreground("botify", profile) is None
        await runs.submit(run, "token", sandbox.token)
        workers.start()

        async def ready() -> bool:
            return (await runs.open(run)).current.id == "finalize"

        await until(ready, "it never knew who one is")
        assert (await runs.open(run)).row.record["step_02"]["account"]["username"] == "ada.lovelace"
        await runs.finalize(run)

        with pytest.raises(Refusal, match="keep, remove"):
            await runs.unfinalize(run)
        with pytest.raises(Invalid):
            await runs.unfinalize(run, "perhaps")
        assert (await runs.open(run)).locked and secrets.foreground("botify", profile) == sandbox.token

        assert not (await runs.unfinalize(run, "keep")).locked
        assert secrets.foreground("botify", profile) == sandbox.token
        locked = await runs.finalize(run)
        field = await runs.unfinalize_field(locked)
        assert isinstance(field, Choice) and field.default == "keep"
        assert not (await runs.unfinalize(run, "remove")).locked
        assert secrets.foreground("botify", profile) is None
        with pytest.raises(Refusal, match="the token was removed"):
            await runs.finalize(run)
        await runs.revert(run, "token")
        await runs.submit(run, "token", sandbox.token)
        await until(ready, "the second token does not do")
        assert (await runs.finalize(run)).locked
