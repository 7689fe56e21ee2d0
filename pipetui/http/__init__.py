"""HTTP: the one room that knows httpx.

`client()` makes the client that everything shares. `fetch()` gets a page within limits that no server can stretch,
`send()` asks an API, `download()` brings a large file to the disk whatever happens to the connection. Whatever goes
wrong is an `HttpError` whose text is one plain sentence; `reason()` gives it for httpx's own errors too. `Throttle`
spaces the requests of all processes.
"""

from . import lean as lean  # first
from .api import Answer, send
from .backoff import backoff
from .connect import MAX_ADDRESS, Client, agent, client
from .errors import (
    BadAddress,
    BadAnswer,
    BadCertificate,
    BadRedirect,
    Hop,
    HttpError,
    TimedOut,
    UnknownHost,
    Unreachable,
    reason,
)
from .page import MAX_REDIRECTS, Response, fetch
from .throttle import Throttle
from .transfer import Refused, Transfer, download
from .unpack import Damaged, Unpacker

__all__ = [
    "MAX_ADDRESS",
    "MAX_REDIRECTS",
    "Answer",
    "BadAddress",
    "BadAnswer",
    "BadCertificate",
    "BadRedirect",
    "Client",
    "Damaged",
    "Hop",
    "HttpError",
    "Refused",
    "Response",
    "Throttle",
    "TimedOut",
    "Transfer",
    "UnknownHost",
    "Unpacker",
    "Unreachable",
    "agent",
    "backoff",
    "client",
    "download",
    "fetch",
    "reason",
    "send",
]
