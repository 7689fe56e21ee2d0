"""Where a run's Botify is, and at what pace it is asked."""

import json
from pathlib import Path

import pytest

from pipetui.botify import places
from pipetui.botify.client import RATE
from pipetui.botify.queries import API


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (None, (API, RATE)),
        ('{"api_url": "http://127.0.0.1:1", "rate": 50}', ("http://127.0.0.1:1", 50.0)),
        ('{"api_url": "http://127.0.0.1:1"}', ("http://127.0.0.1:1", RATE)),
        ('{"api_url": "http://127.0.0.1:1", "rate": 0}', ("http://127.0.0.1:1", RATE)),
        ('{"api_url": "http://127.0.0.1:1", "rate": true}', ("http://127.0.0.1:1", RATE)),
        ('{"api_url": "http://127.0.0.1:1", "rate": NaN}', ("http://127.0.0.1:1", RATE)),
        ('{"rate": 50}', (API, RATE)),
        ('{"api_url": 7, "rate": 50}', (API, RATE)),
        ("[]", (API, RATE)),
        ("{", (API, RATE)),
    ],
)
def test_only_a_sandbox_may_be_asked_faster(tmp_path: Path, text: str | None, place: tuple[str, float]) -> None:
    if text is not None:
        (tmp_path / places.SANDBOX).write_text(text)
    assert places._place(tmp_path)[:2] == place
    assert places.api_url(tmp_path) == place[0].removesuffix("/v1") + "/v1", "what is shown is what is called"
    assert not places.practice_token(tmp_path)


def test_the_sandbox_says_its_token_and_nobody_else_does(tmp_path: Path) -> None:
    for token, said in (("f" * 40, "f" * 40), (7, "")):
        (tmp_path / places.SANDBOX).write_text(json.dumps({"api_url": "http://127.0.0.1:1", "token": token}))
        assert places.practice_token(tmp_path) == said
