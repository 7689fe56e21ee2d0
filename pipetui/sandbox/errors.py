"""The service's errors: code, HTTP status, sentence (contract, section 12; the statuses are mostly inferred)."""

from __future__ import annotations

from typing import Any

CODES: dict[str, tuple[int, str]] = {
    "1000": (500, "Unknown error"),
    "1001": (401, "Not Authorized"),
    "1002": (403, "Permission denied"),
    "1004": (404, "Analysis was not found"),
    "1006": (404, "Url export was not found"),
    "1007": (404, "User was not found"),
    "1009": (404, "Query was not found"),
    "1010": (404, "Project was not found"),
    "1015": (400, "Bad regular expression"),
    "1016": (400, "Fields are mandatory"),
    "1019": (400, "Invalid area"),
    "1020": (400, "Badly formatted request"),
    "1021": (400, "Query was not found on request"),
    "1022": (400, "Badly formatted queries"),
    "1023": (400, "Bad aggregation"),
    "1024": (400, "Query parameter should be an object"),
    "1027": (400, "Cannot launch export: more than 10 fields requested"),
    "1028": (400, "Cannot launch export: more than 1 multiple field requested"),
    "1029": (400, "Field does not exist"),
    "1034": (403, "The feature is disabled"),
    "1037": (500, "The task failed"),
    "1039": (405, "Method not allowed"),
    "1043": (400, "The query is too big to execute it"),
    "1044": (400, "The query can't be executed"),
    "1052": (400, "A CSV export is already running"),
    "1053": (429, "Too many requests"),
    "1058": (400, "An advanced export is already running"),
    "1059": (404, "Advanced export was not found"),
    "1060": (500, "The export failed"),
}


class ApiError(Exception):
    """Answered in the service's envelope. `detail` says where: {"query": {"filter": ["Unknown field."]}}."""

    def __init__(self, code: str, detail: dict[str, Any] | None = None, status: int | None = None) -> None:
        known, self.message = CODES.get(code, (400, "Unknown error"))
        super().__init__(f"{code}: {self.message}")
        self.code, self.detail, self.status = code, detail, status or known

    @property
    def envelope(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "error_code": self.code}
        if self.detail:
            error["error_detail"] = self.detail
        return {"error": error}


def required(*path: str) -> ApiError:
    return at(path, "This field is required.")


def at(path: tuple[str, ...], what: str) -> ApiError:
    """1020, with its sentence where the path leads."""
    detail: Any = [what]
    for name in reversed(path):
        detail = {name: detail}
    return ApiError("1020", detail)
