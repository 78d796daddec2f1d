"""POST /operator/clock/accept: go on although the last event is dated after the clock."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.dependencies import OF_OPERATOR, Registry
from keyledger.http.keys.views import event_out
from keyledger.http.request.field_types import Text
from keyledger.http.request.request_body import JSON, Body, json_body
from registry.auth import OPERATOR
from registry.log.event_log import Caller

router = APIRouter(prefix="/operator/clock", tags=["operator"], dependencies=OF_OPERATOR)


class AcceptBody(Body):
    """Why."""

    reason: Text


@router.post("/accept")
async def accept_divergence(
    registry: Registry, body: Annotated[AcceptBody, Depends(json_body(AcceptBody, JSON))]
) -> JSONResponse:
    """Record the decision; from then on changes are recorded right after the last event, and count by the clock."""
    written = await registry.clock.accept_divergence(Caller(OPERATOR, None, uuid4().hex, body.reason))
    return answer(event_out(written.events[0]), written.position)
