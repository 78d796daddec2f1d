"""POST /operator/publish: a range of the log to the topic once more."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import Field

from keyledger.http.dependencies import OF_OPERATOR, Registry
from keyledger.http.request.request_body import JSON, Body, json_body
from keyledger.runtime.republish import publish_again

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


class RangeBody(Body):
    """Positions to publish once more, both ends included; up to the head when `until` is not given."""

    since: int = Field(ge=1)
    until: int | None = Field(None, ge=1)


@router.post("/publish")
async def publish(registry: Registry, body: Annotated[RangeBody, Depends(json_body(RangeBody, JSON))]) -> JSONResponse:
    """Publish a range of the log to the topic once more."""
    count = await publish_again(registry, body.since, body.until, lambda _position, _last: None)
    return JSONResponse({"published": count})
