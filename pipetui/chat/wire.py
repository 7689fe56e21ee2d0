"""Between ollama's client and the line: what was sent is kept, and what comes is made safe to take apart in lines."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator

import httpx

from ..hosts import Address

LARGEST_LINE = 16_000_000
"""Bytes of one line, or of an answer that has no lines."""

_BREAKS = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_ESCAPED = {b"\xc2\x85": rb"\u0085", b"\xe2\x80\xa8": rb"\u2028", b"\xe2\x80\xa9": rb"\u2029"}
_BEGUN = re.compile(rb"(\xc2|\xe2\x80?)\Z")


class TooLong(Exception):
    """A line that no Ollama sends."""


class Wire(httpx.AsyncBaseTransport):
    """HTTP to one host and to no other: no proxy, and redirects are the asker's affair.

    `sent` is the body of the last chat request, byte for byte.
    """

    def __init__(self, address: Address) -> None:
        # An empty context where it is not used: to read all certificates takes 58 ms.
        verify = (
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if address.url.startswith("http:") else httpx.create_ssl_context()
        )
        self._inner = httpx.AsyncHTTPTransport(verify=verify)
        self._address = address
        self.sent = b""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self._address.may_have_key:
            request.headers.pop("authorization", None)
        request.headers["accept-encoding"] = "identity"
        if request.url.path.endswith("/api/chat"):
            self.sent = await request.aread()
        response = await self._inner.handle_async_request(request)
        if "content-encoding" not in response.headers and isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Lines(response.stream)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Lines(httpx.AsyncByteStream):
    """The same JSON, in which only a newline ends a line: httpx would also cut at U+0085, U+2028 and U+2029."""

    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        length, held = 0, b""
        async for chunk in self._inner:
            end = chunk.rfind(b"\n")
            length = length + len(chunk) if end < 0 else len(chunk) - end
            if length > LARGEST_LINE:
                raise TooLong
            data = held + chunk
            begun = _BEGUN.search(data)
            held = begun.group() if begun else b""
            yield _BREAKS.sub(lambda match: _ESCAPED[match.group()], data[: len(data) - len(held)])
        if held:
            yield held

    async def aclose(self) -> None:
        await self._inner.aclose()
