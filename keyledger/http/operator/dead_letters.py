"""GET, POST /operator/dead-letters: records of the topic that are no events of the log, and what becomes of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from keyledger.http.answer.encode import encode
from keyledger.http.dependencies import OF_OPERATOR, Services
from keyledger.http.request.request_body import JSON, Body, json_body
from keyledger.runtime import dead_letters
from projections.ledger.dead_letters import DeadLetter

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


class DecisionBody(Body):
    """What is decided about open dead letters: those named, or all."""

    decision: Literal["waive", "replay"]
    ids: list[str] | None = Field(None, min_length=1, max_length=10_000)
    reason: str = Field("", max_length=2000)


@router.get("/dead-letters")
async def list_dead_letters(
    services: Services,
    status: Literal["open", "replayed", "waived", "any"] = "open",
    limit: Annotated[int, Query(ge=1, le=100_000)] = 100,
) -> JSONResponse:
    """Records of the topic that are no events of the log, the latest first."""
    letters = await services.letters.find(None if status == "any" else status, limit=limit)
    return JSONResponse({"items": [_letter(one) for one in letters]})


@router.post("/dead-letters")
async def decide(
    services: Services, body: Annotated[DecisionBody, Depends(json_body(DecisionBody, JSON))]
) -> JSONResponse:
    """Waive or replay open dead letters; `missing` are those that could not be replayed and stay open."""
    if body.decision == "waive":
        decided, missing = await dead_letters.waive(services, body.ids, body.reason), []
    else:
        outcome = await dead_letters.replay(services, body.ids, body.reason)
        decided, missing = outcome.replayed, outcome.missing
    return JSONResponse({"items": [_letter(one) for one in decided], "missing": [one.id for one in missing]})


def _letter(one: DeadLetter) -> dict[str, Any]:
    held = one.held_position if one.holds else None
    return {**encode(one), "position": one.position or None, "held_position": held}
