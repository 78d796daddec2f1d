"""The answer for an error: application/problem+json (RFC 9457). Its title says what kind, `errors` names each field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from registry.errors import FieldFault

MEDIA_TYPE: Final = "application/problem+json"


class FieldError(BaseModel):
    """One wrong field."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    errors: list[FieldError]


class BadRequest(Exception):
    """A request that can't be read: `status` is 400, 413 or 415."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        faults: Iterable[FieldFault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status, self.detail, self.faults, self.headers = status, detail, tuple(faults), headers
        super().__init__(detail)


def problem(
    status: int,
    detail: str,
    errors: Iterable[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for an error."""
    content = {
        "type": f"urn:keyledger:problem:{int(status)}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "errors": [{"field": fault.field, "message": fault.message} for fault in errors],
    }
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route of callers, for OpenAPI."""
    return problems(400, 401, 403, 429, 500, 503, *statuses)


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of these statuses, for OpenAPI."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted(set(statuses))
    }
