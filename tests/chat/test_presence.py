"""Who is there, what to do when nobody is, and that it is noticed when somebody comes."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from pipetui.chat import client, presence
from pipetui.chat.choice import Choice, chosen, wanted
from pipetui.chat.presence import Lookout, hosts_of, how_to_install, how_to_start, look
from pipetui.hosts import address

from .server import Model, Server
from .test_client import free_port

EMBEDS = Model("nomic-embed-text:latest", capabilities=("embedding",))


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Ollama on this machine, whatever is on it."""
    monkeypatch.setattr(presence, "is_installed", lambda: False)


# What a host may be called


@pytest.mark.parametrize(
    "said",
    [
        "", "1.2.3.4", ":56789", "1.2.3.4:56789", "http://1.2.3.4", "https://1.2.3.4", "https://1.2.3.4:56789",
        "example.com", "example.com:56789", "http://example.com", "https://example.com", "example.com/",
        "example.com:56789/", "example.com/path", "https://example.com:56789/path/", "[0001:002:003:0004::1]",
        "[::1]:56789", "http://[::1]", "https://[::1]/path", "localhost", "http://",
    ],
)  # fmt: skip
def test_hosts_are_read_as_ollamas_client_reads_them(said: str) -> None:
    from ollama._client import _parse_host

    assert address(said).url == _parse_host(said or None).removesuffix("://")


@pytest.mark.parametrize(
    ("said", "url", "is_local"),
    [
        ("0.0.0.0", "http://127.0.0.1:11434", True),
        ("http://0.0.0.0:80", "http://127.0.0.1:80", True),
        ("[::]:9", "http://[::1]:9", True),
        (" :11435 ", "http://127.0.0.1:11435", True),
        ("models.localhost", "http://models.localhost:11434", True),
        ("127.1.2.3", "http://127.1.2.3:11434", True),
        ("10.0.0.7", "http://10.0.0.7:11434", False),
        ("localhost.example", "http://localhost.example:11434", False),
    ],
)
def test_what_is_this_machine(said: str, url: str, is_local: bool) -> None:
    assert (address(said).url, address(said).is_local) == (url, is_local)


@pytest.mark.parametrize(
    "said",
    ["ftp://x", "http://x:port", "x:99999", "a b", "x?y=1", "http://[::1", "h\x1b[2J", "x%41", "file:///etc/passwd"],
)
def test_what_is_no_host_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        address(said)


def test_a_password_in_what_is_no_host_is_not_shown() -> None:
    with pytest.raises(ValueError, match="'http://…@a b' is no host"):
        address("http://ada:geheim@a b")


def test_which_hosts_are_asked() -> None:
    assert hosts_of([], {}) == [""]
    assert hosts_of(["a", "b", "a", " "], {"OLLAMA_HOST": "b"}) == ["b", "a"]
    assert hosts_of(["http://127.0.0.1:9", ":10", "a b"], {"OLLAMA_HOST": ":9"}) == [":9", ":10", "a b"]


# Who is there


async def test_a_host_with_models() -> None:
    models = [EMBEDS, Model("llama3.2:3b"), Model("qwen3:4b", loaded=8_192)]
    async with Server(models=models) as server:
        found = await look([server.url], "llama3.2:3b")
        assert (found.kind, found.text, found.hint, found.is_remote) == ("ready", "", "", False)
        assert [model.name for model in found.models] == ["llama3.2:3b", "qwen3:4b"]
        assert found.chosen is not None and found.chosen.name == "llama3.2:3b" and found.version == "0.12.6"
        for wanted in ("", "gone"):  # then the one that is in memory
            other = await look([server.url], wanted)
            assert other.chosen is not None and other.chosen.name == "qwen3:4b"


async def test_the_first_of_several_hosts_that_has_the_model(nowhere: None) -> None:
    async with Server(models=["a:1b"]) as one, Server(models=["a:1b", "b:1b"]) as two:
        hosts = [f":{free_port()}", one.url, two.url]
        assert (await look(hosts, "b:1b")).host == two.url
        assert (await look(hosts, "a:1b")).host == (await look(hosts, "c")).host == one.url


async def test_a_model_of_the_cloud_is_taken_only_if_it_is_wanted() -> None:
    async with Server(models=["gpt-oss:120b-cloud", "a:1b"]) as server:
        for wanted, name in (("", "a:1b"), ("gpt-oss:120b-cloud", "gpt-oss:120b-cloud")):
            found = await look([server.url], wanted)
            assert found.chosen is not None and found.chosen.name == name
            assert found.chosen.is_elsewhere == (name != "a:1b")


@pytest.mark.parametrize("models", [[], [EMBEDS]])
async def test_a_host_without_a_model_to_talk_to(models: list[Model]) -> None:
    async with Server(models=models) as server:
        found = await look([server.url])
    assert found.kind == "no_model" and "ollama pull llama3.2:3b" in found.hint and found.chosen is None


async def test_nobody_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "is_installed", lambda: False)
    monkeypatch.setattr("pipetui.hosts.PORT", free_port())
    found = await look([""])
    assert (found.kind, found.text, found.hint) == ("not_installed", "Ollama is not installed.", how_to_install())
    found = await look([f":{free_port()}"])  # who names a host has one
    assert found.kind == "not_running" and found.hint == how_to_start()
    monkeypatch.setattr(presence, "is_installed", lambda: True)
    found = await look([""])
    assert found.kind == "not_running" and found.hint == how_to_start()


def test_a_program_in_the_path_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ollama").write_text("#!/bin/sh\n")
    (tmp_path / "ollama").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert presence.is_installed()


def test_how_to_get_it_on_each_platform() -> None:
    assert "install.sh" in how_to_install("linux") and "brew" in how_to_install("darwin")
    assert how_to_start("linux").endswith(("ollama serve", "systemctl start ollama"))
    assert "open -a Ollama" in how_to_start("darwin")


async def test_a_host_that_is_wrong(nowhere: None) -> None:
    for host, says in (
        ("ftp://x", "is no host"),
        ("no-such-host.invalid", "no-such-host.invalid:11434 does not answer"),
    ):
        found = await look([host])
        assert found.kind == "wrong_host" and says in found.text and "OLLAMA_HOST" in found.hint
    assert found.is_remote

    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        writer.close()

    listening = await asyncio.start_server(other, "127.0.0.1", 0)
    async with listening:
        found = await look([f":{listening.sockets[0].getsockname()[1]}"])
    assert found.kind == "wrong_host" and "not what Ollama answers" in found.text


async def test_looking_again_sees_who_came_and_went(nowhere: None) -> None:
    server = Server(models=["a:1b"], port=free_port())
    async with Lookout([server.url]) as lookout:
        seen = [await lookout.look()]
        await server.start()
        seen.append(await lookout.look())
        server.models.append(Model("b:1b"))
        seen.append(await lookout.look("b:1b"))
        assert await lookout.look("b:1b") == seen[-1]  # the same is the same: nothing is to be told anew
        await server.stop()
        seen.append(await lookout.look())
    assert [each.kind for each in seen] == ["not_running", "ready", "ready", "not_running"]
    assert [each.chosen.name for each in seen if each.chosen] == ["a:1b", "b:1b"]


async def test_a_host_that_does_not_answer_delays_the_others_for_a_moment_only(nowhere: None) -> None:
    answers = asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answers.wait()
        writer.close()

    listening = await asyncio.start_server(slow, "127.0.0.1", 0)
    hosts = [f":{listening.sockets[0].getsockname()[1]}", f":{free_port()}"]
    async with listening, Server(models=["a:1b"]) as server, Lookout([*hosts, server.url]) as lookout:
        found = []
        async with asyncio.timeout(8):  # less than one waits for a host alone
            while [each.kind for each in found] != ["looking", "not_running", "ready"]:
                found = await lookout.every(0.5)
        assert "Looking for Ollama at" in found[0].text and found[2].models[0].host == found[2].name
        answers.set()
        async with asyncio.timeout(8):
            while found[0].kind == "looking":  # what it says in the end is told by a later look
                found = await lookout.every(0.5)
        assert [each.kind for each in found] == ["wrong_host", "not_running", "ready"]


# Which model is meant


def test_a_model_is_chosen_with_its_host() -> None:
    here, there = client.Model("a:1b", host="here:1"), client.Model("a:1b", host="there:1")
    other = client.Model("b:1b", host="there:1", loaded=True)
    models = [here, there, other]
    memory = {"model": "b:1b", "model of app_name hello": Choice("a:1b", "there:1").kept, "model of profile x": 7}
    for scope, expected in (({"app_name": "hello"}, there), ({"profile": "x"}, other)):
        assert chosen(models, wanted(memory, scope, "")) is expected
    assert chosen([here, other], wanted(memory, {"app_name": "hello"}, "")) is here  # its host has it no longer
    assert chosen(models, []) is here  # the first host is preferred, whatever another has in memory
    assert chosen([], []) is None


# What `pipetui doctor` says


async def doctor(home: Path, host: str) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pipetui", "doctor", "--json", stdout=asyncio.subprocess.PIPE,
        env={"PIPETUI_HOME": str(home), "OLLAMA_HOST": host},
    )  # fmt: skip
    out, _ = await process.communicate()
    found: dict[str, str] = next(each for each in json.loads(out) if each["what"] == "Ollama")
    return found


async def test_doctor_says_who_is_there(tmp_path: Path) -> None:
    async with Server(models=["a:1b"]) as server:
        found = await doctor(tmp_path, server.url)
        assert found["mark"] == "ok" and found["found"].endswith("version 0.12.6, 1 model; the chat talks to a:1b")
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "settings.toml").write_text("[chat]\nmodel = 'b:1b'\n")
        found = await doctor(tmp_path, server.url)
        assert found["mark"] == "warn" and found["advice"].endswith("ollama pull b:1b")
    found = await doctor(tmp_path, "ftp://x")
    assert found["mark"] == "warn" and "is no host" in found["found"]
