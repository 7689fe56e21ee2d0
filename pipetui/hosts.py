"""How a host is named: the forms of `OLLAMA_HOST`, read as the ollama client reads them."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

PORT = 11434
LOCAL = f"http://127.0.0.1:{PORT}"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """A host that can be asked. `name` is for people (`127.0.0.1:11434`); `is_local`: nothing leaves this machine."""

    url: str
    name: str
    is_local: bool

    @property
    def may_have_key(self) -> bool:
        """Whether a key may be sent there: not in clear text over a network."""
        return self.is_local or self.url.startswith("https:")


def address(said: str) -> Address:
    """The address that is meant by `1.2.3.4`, `:11435`, `host:80`, `https://host/path`, or nothing (the local one).

    `0.0.0.0` and `[::]`, where a server listens everywhere, are this machine. ValueError, as a sentence.
    """
    said = said.strip()
    wrong = ValueError(f"{without_password(said)!r} is no host: it must be HOST, HOST:PORT or http://HOST:PORT.")
    scheme, _, rest = said.partition("://")
    if not rest:
        scheme, rest, default = "http", said.removesuffix("://"), PORT
    elif scheme in _PORTS:
        default = _PORTS[scheme]
    else:
        raise wrong
    try:
        split = urlsplit(f"{scheme}://{rest}")
        host, port = split.hostname or "127.0.0.1", split.port or default
    except ValueError:
        raise wrong from None
    if not rest.isprintable() or any(char in host for char in " %\\<>\"'") or split.query or split.fragment:
        raise wrong
    ip = _ip(host)
    if ip is not None and ip.is_unspecified:
        host = "127.0.0.1" if ip.version == 4 else "::1"
    shown = f"[{host}]" if ":" in host else host
    path = f"/{found}" if (found := split.path.strip("/")) else ""
    is_local = ip.is_loopback or ip.is_unspecified if ip else host == "localhost" or host.endswith(".localhost")
    return Address(f"{scheme}://{shown}:{port}{path}", f"{shown}:{port}{path}", is_local)


def without_password(said: str) -> str:
    """A host as it was said, for people: what stands before an @ is nobody's to read."""
    return re.sub(r"[^/]*@", "…@", said)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
