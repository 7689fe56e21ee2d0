"""Whether there is a model to talk to, and what to do when there is none. Nobody is asked but the named hosts."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from ..hosts import Address, address, without_password
from ..text import one_line
from .client import ChatError, Client, Model, Patience

Kind: TypeAlias = Literal["looking", "ready", "not_installed", "not_running", "no_model", "wrong_host"]

PROPOSED = "llama3.2:3b"
"""A model that is small and has tools, for whoever has none."""

SOONEST, LATEST = 2.0, 15.0
"""Seconds between two looks of an app: doubled while nobody is there, so that it costs nothing when idle."""

_OFFERED = 4  # models that a sentence names


@dataclass(frozen=True)
class Presence:
    """Who is there. `text` says what is missing, `hint` how to get it here; both '' when a model is ready.

    `host` is as it was said, for `Client`; `name` is for people. `chosen` is the model to talk to, of `models`, where
    those that are not on the host itself stand last.
    """

    kind: Kind
    text: str = ""
    hint: str = ""
    host: str = ""
    name: str = ""
    is_remote: bool = False
    models: Sequence[Model] = ()
    chosen: Model | None = None
    version: str = ""


def best(found: Sequence[Presence], wanted: str = "") -> Presence:
    """The first host that has the `wanted` model, else the first that has any; else the one that lacks least."""
    ready = [each for each in found if each.kind == "ready"]
    for each in ready:
        named = next((model for model in each.models if model.is_called(wanted)), None)
        if named is not None:
            return replace(each, chosen=named)
    if ready:
        loaded = next((model for model in ready[0].models if model.loaded), None)
        return replace(ready[0], chosen=loaded or ready[0].models[0])
    order: Sequence[Kind] = ("looking", "no_model", "not_running", "not_installed", "wrong_host")
    return min(found, key=lambda each: order.index(each.kind))


def hosts_of(named: Sequence[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """The hosts to ask, the preferred first: OLLAMA_HOST, then those of the settings; without any, this machine.

    One that was named twice, in whatever forms, is asked once.
    """
    said = [environment.get("OLLAMA_HOST", ""), *named]
    hosts: dict[str, str] = {}
    for host in filter(None, map(str.strip, said)):
        hosts.setdefault(_where(host), host)
    return list(hosts.values()) or [""]


def _where(host: str) -> str:
    try:
        return address(host).url
    except ValueError:
        return host


class Lookout:
    """Looks for a model on several hosts; keeps a client of each. To be closed."""

    def __init__(self, hosts: Sequence[str], *, context: int = 0, patience: Patience | None = None) -> None:
        """`hosts` as `hosts_of` gives them; `context` and `patience` as for Client."""
        self._hosts = list(hosts)
        self._context = context
        self._patience = patience or Patience()
        self._clients: dict[str, Client] = {}
        self._slow: dict[str, asyncio.Task[Presence]] = {}
        self._found: dict[str, Presence] = {}

    async def __aenter__(self) -> Lookout:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        slow, self._slow = self._slow, {}
        for each in slow.values():
            each.cancel()
        await asyncio.gather(*slow.values(), return_exceptions=True)
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.close()

    def aim(self, hosts: Sequence[str], context: int) -> None:
        """Look at these hosts from now on. An answer that comes from another one goes on."""
        self._hosts, self._context = list(hosts), context
        for client in self._clients.values():
            client.context = context

    def client(self, host: str) -> Client:
        """The client of a host. ValueError when it can't be one."""
        if host not in self._clients:
            self._clients[host] = Client(host, self._context, self._patience)
        return self._clients[host]

    async def look(self, wanted: str = "") -> Presence:
        """Who is there now: the first host that has the `wanted` model, else the first that has any."""
        return best(await self.every(), wanted)

    async def every(self, seconds: float | None = None) -> list[Presence]:
        """What each host is now, in their order. After so many `seconds` those that have answered nothing yet are as
        they were found before; what they answer is told by the next look."""
        looks = {host: self._begun(host) for host in self._hosts}
        try:
            await asyncio.wait(looks.values(), timeout=seconds)
        finally:
            for host, look in looks.items():
                if not look.done() and self._slow.setdefault(host, look) is not look:
                    look.cancel()
        self._found |= {host: look.result() for host, look in looks.items() if look.done()}
        return self.found

    @property
    def found(self) -> list[Presence]:
        """What each host was when it was looked at last."""
        return [self._found.get(host) or _unknown(host) for host in self._hosts]

    def _begun(self, host: str) -> asyncio.Task[Presence]:
        """A look at a host; one that is still under way, if there is."""
        slow = self._slow.pop(host, None)
        if slow is not None and not slow.done():
            return slow
        if slow is not None and not slow.cancelled():
            self._found[host] = slow.result()
        return asyncio.create_task(self._look(host))

    async def _look(self, said: str) -> Presence:
        try:
            where = address(said)
        except ValueError as error:
            return Presence("wrong_host", one_line(error, 200), _name_another(), said, _name(said))
        try:
            if not await _answers(where, self._patience.connect):
                return _absent(said, where)
            client = self.client(said)
            version = await client.version()
            models = sorted(filter(_talks, await client.models()), key=lambda model: model.is_elsewhere)
        except ChatError as error:
            if error.kind == "unreachable":
                return _absent(said, where, str(error))
            return Presence("wrong_host", str(error), _name_another(), said, where.name, not where.is_local)
        if not models:
            text = f"Ollama is there ({where.name}), but it has no model to talk to."
            hint = f"To have one: ollama pull {PROPOSED}"
            return Presence("no_model", text, hint, said, where.name, not where.is_local, version=version)
        return Presence("ready", "", "", said, where.name, not where.is_local, models, models[0], version)


async def look(hosts: Sequence[str], wanted: str = "", *, patience: Patience | None = None) -> Presence:
    """Who is there now, asked once."""
    async with Lookout(hosts, patience=patience) as lookout:
        return await lookout.look(wanted)


def _talks(model: Model) -> bool:
    """Whether it is one to talk to: not when all that it can is to embed texts."""
    return not model.capabilities or "completion" in model.capabilities


async def _answers(where: Address, seconds: float) -> bool:
    """Whether anybody takes a connection there: known before half a second is spent on importing a client."""
    split = urlsplit(where.url)
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(split.hostname, split.port)
    except (OSError, UnicodeError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True


# -- what to do


def _unknown(said: str) -> Presence:
    """A host that was asked and has said nothing yet."""
    name = _name(said)
    return Presence("looking", f"Looking for Ollama at {name} …", "", said, name)


def _name(said: str) -> str:
    """A host for people."""
    try:
        return address(said).name
    except ValueError:
        return one_line(without_password(said), 60)


def _absent(said: str, where: Address, why: str = "") -> Presence:
    """Nobody answers at this address."""
    if not where.is_local:
        text = why or f"{where.name} does not answer."
        return Presence("wrong_host", text, _name_another(), said, where.name, is_remote=True)
    if said.strip() or is_installed():  # who named it, or has it, wants no installer
        return Presence("not_running", f"Ollama is not running at {where.name}.", how_to_start(), said, where.name)
    return Presence("not_installed", "Ollama is not installed.", how_to_install(), said, where.name)


def is_installed() -> bool:
    """Whether Ollama's program is on this machine, in the path or where its installers put it."""
    places = ("/usr/local/bin/ollama", "/opt/homebrew/bin/ollama", "/Applications/Ollama.app")
    return shutil.which("ollama") is not None or any(Path(place).exists() for place in places)


def how_to_install(platform: str = sys.platform) -> str:
    if platform == "darwin":
        return (
            "To install it: brew install ollama && brew services start ollama (or the app: https://ollama.com/download)"
        )
    return "To install it: curl -fsSL https://ollama.com/install.sh | sh (see https://ollama.com/download)"


def how_to_start(platform: str = sys.platform) -> str:
    if platform == "darwin":
        return "To start it: open -a Ollama (installed by brew: brew services start ollama)"
    if Path("/etc/systemd/system/ollama.service").exists():
        return "To start it: sudo systemctl start ollama"
    return "To start it: ollama serve"


def _name_another() -> str:
    return "Name another host: OLLAMA_HOST=HOST:PORT, or Hosts in the settings."
