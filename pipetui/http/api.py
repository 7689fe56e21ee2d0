"""Asking an API: one request, its whole answer."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import httpx

from .connect import address_of, closing
from .errors import BadAnswer, named

LARGEST = 256_000_000  # bytes of an answer; a data model of 5.9 MB was seen


@dataclass(frozen=True, slots=True)
class Answer:
    """What an API said: its status and its whole body, decoded."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON. `BadAnswer` when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise BadAnswer("The answer is not the JSON that it should be.") from error


async def send(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    body: str = "",
    authorization: Callable[[], str] | None = None,
    timeout: float = 60.0,
) -> Answer:
    """One request, with a JSON text as its body, and its answer whatever its status; redirects are not followed.

    `timeout` is in seconds, for each wait: the connection, and every piece of the answer. `authorization` makes the
    header's value when the request leaves, so that no frame of ours holds it. Raises `HttpError` only; its `sent` is
    False when certainly nothing reached the server.
    """
    address = address_of(url)
    try:
        request = client.build_request(
            method,
            address,
            content=body.encode() or None,
            headers={"Accept": "application/json"} | ({"Content-Type": "application/json"} if body else {}),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 15.0)),
        )
        auth = None if authorization is None else _Authorization(authorization)
        async with closing(await client.send(request, stream=True, auth=auth)) as response:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise BadAnswer(f"The answer of {address.host} is too large to be one.")
            return Answer(response.status_code, b"".join(parts))
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, ConnectionError, UnicodeError) as error:
        raise named(error, address.host) from error


class _Authorization(httpx.Auth):
    def __init__(self, value: Callable[[], str]) -> None:
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._value()
        yield request
