"""Web addresses: what people type or paste made into the one form in which they are fetched and compared."""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, urljoin

MAX_ADDRESS = 8_000  # characters
MOST_TOLD = 6  # wrong lines, each with its reason

_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):(?!\d+(?:[/?#]|$))", re.I)  # not `host:8000`
_PARTS = re.compile(r"([^/?#]*)([^?#]*)(\?[^#]*)?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_IGNORED = str.maketrans("", "", "\t\r\n")  # as browsers do
_AROUND = "".join(map(chr, range(0x21)))
# What stays as it is in a path and in a query; everything else is percent-encoded, as in browsers.
_IN_PATH = "/%!$&'()*+,-.:;=@_~[]|^"
_IN_QUERY = "/%!$&()*+,-.:;=@_~[]|^?`{}\\"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class BadUrl(ValueError):
    """An address that can't be fetched. `line` is its line's number, from 1; 0 when it came alone, or with others."""

    def __init__(self, why: str, line: int = 0) -> None:
        super().__init__(f"Line {line}: {why}" if line else why)
        self.why = why
        self.line = line


def parse_urls(lines: Iterable[str]) -> list[str]:
    """The addresses of `lines`, one a line, each in its `normal` form and once, in their order.

    Blank lines are dropped. Without a scheme a name gets https, this machine (`localhost`, `127.0.0.1:8000`) http.
    Raises `BadUrl` that names the lines that are no web addresses: `Line 3: ftp:// is not http or https.`
    """
    found: dict[str, None] = {}
    wrong: list[BadUrl] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip(_AROUND).removeprefix("\ufeff")
        if not text:
            continue
        try:
            found[normal(_with_scheme(text))] = None
        except BadUrl as bad:
            wrong.append(BadUrl(bad.why, number))
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        told = [f"{bad.line} ({bad.why.removesuffix('.')})" for bad in wrong[:MOST_TOLD]]
        more = f" and {len(wrong) - MOST_TOLD:,} more" if len(wrong) > MOST_TOLD else ""
        raise BadUrl(f"{len(wrong):,} lines can't be taken: {', '.join(told)}{more}.")
    return list(found)


def normal(url: str) -> str:
    """An absolute http or https address in one form: lower-case ASCII host, no default port, no fragment, no `..`, a
    path, percent-encoded where it must be. Doing it twice changes nothing. Raises `BadUrl`."""
    url = url.strip(_AROUND).translate(_IGNORED)
    if len(url) > MAX_ADDRESS:
        raise BadUrl(f"The address is longer than {MAX_ADDRESS:,} characters.")
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _DEFAULT_PORTS:
        raise BadUrl(f"{_shown(url)} is not an address of the web.")
    match = _PARTS.match(_slashes(rest).lstrip("/"))
    assert match  # every part may be empty
    authority, path, query = match.groups(default="")
    if "@" in authority:
        raise BadUrl("Take the user name and the password out of the address.")
    host, port = _host_and_port(authority)
    if port == _DEFAULT_PORTS[scheme]:
        port = None
    try:
        path = quote(_without_dots(path), safe=_IN_PATH)
        query = quote(query, safe=_IN_QUERY)
    except UnicodeEncodeError:
        raise BadUrl("The address has characters that are none.") from None
    return f"{scheme}://{host}{f':{port}' if port is not None else ''}{path}{query}"


def resolve(base: str, reference: str) -> str:
    """Where `reference`, found on the page `base` (normal), leads, in normal form. Raises `BadUrl`, for
    other schemes too."""
    reference = reference.strip(_AROUND).translate(_IGNORED)
    if len(reference) > MAX_ADDRESS:
        raise BadUrl(f"The address is longer than {MAX_ADDRESS:,} characters.")
    try:
        return normal(urljoin(base, _slashes(reference)))
    except BadUrl:
        raise
    except ValueError:  # urljoin's word on brackets that are no IPv6 address
        raise BadUrl(f"{_shown(reference)} is not an address of the web.") from None


def host_of(url: str) -> str:
    """Host and port of a normal address: `example.com`, `localhost:8000`."""
    return url.split("/", 3)[2]


def origin_of(url: str) -> str:
    """Scheme, host and port of a normal address: `https://example.com`."""
    return "/".join(url.split("/", 3)[:3])


def _with_scheme(text: str) -> str:
    """`text` with the scheme that a person left out."""
    if text.startswith("//"):
        return "https:" + text
    match = _SCHEME.match(text)
    if match is None:
        authority = re.split(r"[/?#\\]", text, maxsplit=1)[0]
        if "@" in authority:
            raise BadUrl("Take the user name and the password out of the address.")
        host, port = _host_and_port(authority)
        if "." not in host.strip(".") and host != "localhost" and not host.startswith("[") and port is None:
            raise BadUrl(f"{_shown(text)} is not a web address, such as https://example.com/.")
        return ("http://" if _is_this_machine(host) else "https://") + text
    scheme = match[1].lower()
    if scheme in _DEFAULT_PORTS:
        if not text[match.end() :].startswith("//"):
            raise BadUrl(f"After {scheme}: come two slashes and a host.")
        return text
    if "@" in text and not text[match.end() :].startswith("//") and scheme not in ("mailto", "sip"):
        raise BadUrl("Take the user name and the password out of the address.")
    slashes = "//" if text[match.end() :].startswith("//") else ""
    raise BadUrl(f"{_shown(scheme)}:{slashes} is not http or https.")


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=4096)
def _host_and_port(authority: str) -> tuple[str, int | None]:
    """Host and port of `host:port`, checked."""
    host, digits = authority, ""
    if not authority.endswith("]") and ":" in authority:
        host, _, digits = authority.rpartition(":")
    port = None
    if digits:
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65_535):
            raise BadUrl(f"The port {_shown(digits)} is not a number from 1 to 65535.")
        port = int(digits)
    return _host(host), port


def _host(host: str) -> str:
    if not host:
        raise BadUrl("There is no host in the address.")
    if any(sign.isspace() for sign in host):
        raise BadUrl(f"There is a space in the host {_shown(host)}.")
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1] if host.endswith(']') else '').compressed}]"
        except ValueError:
            raise BadUrl(f"{_shown(host)} is not an IPv6 address.") from None
    name = host.lower() if host.isascii() else _punycode(host)
    labels = name.removesuffix(".").split(".")
    if labels[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(".".join(labels)))
        except ValueError:
            raise BadUrl(f"{_shown(host)} is not an IP address.") from None
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise BadUrl(f"{_shown(host)} is not the name of a host.")
    return name


def _punycode(host: str) -> str:
    import idna  # comes with httpx; its tables take a while to load, and most hosts are ASCII

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise BadUrl(f"{_shown(host)} is not the name of a host.") from None


def _slashes(text: str) -> str:
    """Backslashes ahead of the query are slashes to browsers."""
    if "\\" not in text:
        return text
    end = min((at for at in (text.find("?"), text.find("#")) if at >= 0), default=len(text))
    return text[:end].replace("\\", "/") + text[end:]


def _without_dots(path: str) -> str:
    """`path` from its root, `.` and `..` resolved."""
    if not path:
        return "/"
    if "/." not in path and "/%2" not in path:
        return path
    kept: list[str] = []
    parts = path.split("/")[1:]
    for index, part in enumerate(parts):
        plain = part.replace("%2e", ".").replace("%2E", ".")
        if plain == "..":
            kept[-1:] = []
        elif plain != ".":
            kept.append(part)
        if plain in (".", "..") and index == len(parts) - 1:
            kept.append("")
    return "/" + "/".join(kept)


def _shown(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
