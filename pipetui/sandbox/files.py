"""The download host: files for anyone who has the link, with ranges and without a token (contract, section 10)."""

from __future__ import annotations

import re
from dataclasses import replace

from .exports import TYPES, Export, Files, Layout
from .faults import FILE, Fault, Faults, Settings
from .jobs import Jobs
from .server import Entry, FilePart, Request, Response, html

DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)


class Downloads:
    """What listens on the download host's port."""

    def __init__(self, settings: Settings, faults: Faults, jobs: Jobs, files: Files) -> None:
        self._settings, self._faults, self._jobs, self._files = settings, faults, jobs, files
        self.tokens = 0
        """Requests that brought an Authorization header here. There should be none."""

    async def answer(self, request: Request, entry: Entry) -> Response:
        self.tokens += entry.authorization
        entry.route = "file"
        if request.method not in ("GET", "HEAD"):
            return Response(405)
        fault = self._faults.strike(FILE, "file")
        if fault:
            entry.fault = fault.name
            if instead := _instead(fault):
                return instead
        job = self._jobs.behind(request.path)
        if job is None or job.export is None:
            return _denied()
        response = self._file(request, job.export, job.order.layout, fault)
        return _spoil(response, fault) if fault else response

    def _file(self, request: Request, export: Export, layout: Layout, fault: Fault | None) -> Response:
        settings = self._settings
        name = fault.name if fault else ""
        etag = '"changed-' + export.etag[1:] if name == "changed_file" else export.etag
        headers = {
            "Content-Type": settings.content_type or TYPES[layout.compression],
            "ETag": etag,
            "Last-Modified": "Sat, 02 Mar 2024 10:08:00 GMT",
        }
        if settings.ranges:
            headers["Accept-Ranges"] = "bytes"
        if settings.content_encoding and layout.compression == "gzip":
            headers["Content-Encoding"] = "gzip"
        start, end, status = 0, export.size, 200
        wanted = request.headers.get("range", "")
        if settings.ranges and wanted and request.headers.get("if-range", etag) == etag:
            found = _range(wanted, export.size)
            if found is None:
                return Response(416, {"Content-Range": f"bytes */{export.size}"})
            if found:
                (start, end), status = found, 206
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{export.size}"
                if name == "wrong_range":
                    start, end = 0, end - start
                    headers["Content-Range"] = f"bytes 0-{end - 1}/{export.size}"
        flip = export.size - 8 if name == "corrupt" else -1
        part = FilePart(self._files.path(export), start, end - start, flip)
        return Response(status, headers, part, rate=settings.file_rate, chunked=not settings.file_length)


def _range(text: str, size: int) -> tuple[int, ...] | None:
    """First byte, and the one after the last. (): not one range of bytes, to be ignored; None: beyond the end."""
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", text.strip())
    if not match or match.groups() == ("", ""):
        return ()
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < start:
            return ()
    return (start, end) if start < size and end > start else None


def _denied(status: int = 403) -> Response:
    return Response(status, {"Content-Type": "application/xml"}, DENIED.encode())


def _instead(fault: Fault) -> Response | None:
    if fault.name == "empty_file":
        return Response(200, {"Content-Type": "application/gzip"})
    if fault.name == "html_file":
        return html("<!doctype html><title>Maintenance</title><p>Back soon.</p>")
    if fault.name == "expired":
        return _denied(fault.options["status"])
    if fault.name == "file_error":
        return Response(fault.options["status"], {"Content-Type": "text/plain"}, b"Slow Down")
    return None


def _spoil(response: Response, fault: Fault) -> Response:
    if fault.name == "file_drip":
        return replace(response, rate=fault.options["rate"])
    if fault.name in ("truncated", "reset"):
        cut = int(response.size * fault.options["share"])
        return replace(response, cut=cut, reset=fault.name == "reset")
    return response
