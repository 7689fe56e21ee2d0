import os
import stat
from pathlib import Path

import pytest

from pipetui.secrets import SecretError, Secrets, in_environment


@pytest.fixture
def kept(tmp_path: Path) -> Secrets:
    return Secrets(tmp_path / "secrets")


def test_a_secret_is_kept_for_its_owner_alone(kept: Secrets, tmp_path: Path) -> None:
    kept.put("botify", "  abc\n", "p1")
    assert kept.get("botify", "p1") == "abc"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").rglob("*")}
    assert modes == {"p1": 0o700, "botify": 0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_a_profile_without_one_gets_the_shared_one(kept: Secrets) -> None:
    assert kept.get("botify", "p1") is None
    kept.put("botify", "shared")
    kept.put("botify", "mine", "p1")
    assert (kept.get("botify", "p1"), kept.get("botify", "p2"), kept.get("botify")) == ("mine", "shared", "shared")
    assert kept.remove("botify", "p1")
    assert not kept.remove("botify", "p1")
    assert kept.get("botify", "p1") == "shared"


def test_a_secret_is_replaced_whole(kept: Secrets, tmp_path: Path) -> None:
    kept.put("botify", "one")
    kept.put("botify", "two")
    assert kept.get("botify") == "two"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["botify"]


def test_what_a_kill_left_of_a_secret_goes_with_it(kept: Secrets, tmp_path: Path) -> None:
    kept.put("botify", "abc", "p1")
    (path,) = [path for path in tmp_path.rglob("botify") if path.is_file()]
    left = path.with_name(".botify.0123abcd.part")
    left.write_text("abc")
    assert kept.remove("botify", "p1")
    assert not left.exists()


@pytest.mark.parametrize("value", ["", "  \n", "x" * 20_000])
def test_what_is_no_secret(kept: Secrets, value: str) -> None:
    with pytest.raises(SecretError):
        kept.put("botify", value)


@pytest.mark.parametrize(
    ("name", "profile"), [("../x", ""), ("", ""), (".x", ""), ("a", "../b"), ("a", "shared"), ("a/b", "c")]
)
def test_names_can_not_lead_elsewhere(kept: Secrets, name: str, profile: str) -> None:
    with pytest.raises(ValueError, match="can't be"):
        kept.put(name, "x", profile)


def test_a_file_that_others_could_read_is_closed_again(kept: Secrets, tmp_path: Path) -> None:
    kept.put("botify", "abc")
    path = tmp_path / "secrets/shared/botify"
    path.chmod(0o644)
    assert kept.get("botify") == "abc"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_a_pipe_or_bytes_are_not_used(kept: Secrets, tmp_path: Path) -> None:
    kept.put("botify", "abc")
    path = tmp_path / "secrets/shared/botify"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SecretError, match="no text"):
        kept.get("botify")
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(SecretError, match="can't be read"):
        kept.get("botify")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(SecretError, match="no file of yours"):
        kept.get("botify")


def test_a_place_that_can_not_be_written_is_said_without_the_secret(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("a file")
    with pytest.raises(SecretError, match="can't be kept") as caught:
        Secrets(tmp_path / "secrets").put("botify", "s3cret")
    assert "s3cret" not in str(caught.value)


def test_the_environment_serves_the_foreground(kept: Secrets, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.put("botify", "kept")
    monkeypatch.delenv("BOTIFY_TOKEN", raising=False)
    assert (in_environment("botify"), kept.foreground("botify")) == (None, "kept")
    monkeypatch.setenv("BOTIFY_TOKEN", " given\n")
    assert (in_environment("botify"), kept.foreground("botify"), kept.get("botify")) == ("given", "given", "kept")
