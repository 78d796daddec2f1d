"""GET /audit/explain/{inference_id}: why one inference is on the bill as it is."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from audit.explain.explain import explain
from keyledger.http.audit import router
from keyledger.http.billing.usage import wait_until_applied
from keyledger.http.keys.bodies import KeyOut
from keyledger.http.keys.keys import answer, needs
from keyledger.http.problem import documented
from keyledger.http.query_params import Strict
from keyledger.http.request_body import Whole
from keyledger.runtime.services import Services
from registry.auth import Principal


class ExplainQuery(Strict):
    """By what the log held."""

    known_at: Whole | None = Field(None, description="by what the log held up to this position")
    wait_for: Whole | None = Field(None, description="wait until this position is applied")


class RowOut(BaseModel):
    """Inference rows that say the same."""

    table: str
    function: str
    credential_id: str
    claimed_tags: dict[str, str]
    rows: int
    wins: bool


class InferenceOut(BaseModel):
    """The inference row that wins, and all that came; `claimed_tags` are what the client said, not what is billed."""

    function: str
    credential_id: str | None
    claimed_tags: dict[str, str]
    rows: list[RowOut]


class EventToldOut(BaseModel):
    """Which event it was, who made it, for whom, when and why."""

    position: int
    version: int
    type: str
    recorded_at: str
    effective_at: str
    actor: str
    actor_name: str | None
    on_behalf_of: str | None
    request_id: str | None
    reason: str | None


class TagOut(BaseModel):
    """A tag at the instant, and the event that set it; with a null value, the one that removed it."""

    name: str
    value: str | None
    event: EventToldOut


class ModelRowOut(BaseModel):
    """A model row, deduplicated: `rows` came of this id, and the greatest wins where they differ."""

    id: str
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cached: bool
    cost_usd: str | None
    rows: int
    differ: bool


class SumOut(BaseModel):
    """A figure, and what it adds up, in the order of `models`."""

    figure: str
    terms: list[Any]
    sum: Any


class UsageOut(BaseModel):
    """The figures on the bill."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cached_output_tokens: int
    cost_usd: str
    unpriced: int


class ExplanationOut(BaseModel):
    """Why an inference is on the bill as it is; `disagreements` say where ClickHouse is not as the log."""

    inference_id: str
    at: str | None
    known_at: int | None
    position: int
    bucket: str
    reason: str
    disagreements: list[str]
    inference: InferenceOut | None
    public_id: str | None
    key: KeyOut | None
    tags: list[TagOut]
    models: list[ModelRowOut]
    model_rows: int
    arithmetic: list[SumOut]
    usage: UsageOut


@router.get("/explain/{inference_id}", response_model=ExplanationOut, responses=documented(404, 422))
async def explain_inference(
    request: Request,
    inference_id: UUID,
    _principal: Annotated[Principal, needs("audit:read")],
    query: Annotated[ExplainQuery, Query()],
) -> JSONResponse:
    """Explain one inference: its rows, its bucket and why, the events that gave it each tag, and the arithmetic."""
    services: Services = request.app.state.services
    applied = await wait_until_applied(services, {"known_at": query.known_at, "wait_for": query.wait_for})
    position = applied.position if query.known_at is None else query.known_at
    async with services.bills.enter():
        found = await explain(services.clickhouse, services.names, services.registry.queries, inference_id, position)
    return answer({**found, "known_at": query.known_at}, applied.position)
