"""GET /audit/explain/{inference_id}: why one inference is on the bill as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from audit.explain.explain import explain
from audit.explain.explanation import Explanation
from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.billing.usage import wait_until_applied
from keyledger.http.dependencies import OF_CALLERS, Auditor, Services
from keyledger.http.keys.views import KeyOut, key_out
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import KnownAt, Strict, WaitForPosition

InferenceId = Annotated[
    UUID, Path(description="the id of the inference", examples=["01953a3e-0000-7000-8000-000000000001"])
]
router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)


class ExplainQuery(Strict):
    """By what the log held."""

    known_at: KnownAt = None
    wait_for: WaitForPosition = None


@router.get("/explain/{inference_id}", response_model=Explanation[KeyOut], responses=documented(404, 422))
async def explain_inference(
    services: Services,
    reads: Reads,
    inference_id: InferenceId,
    _principal: Auditor,
    query: Annotated[ExplainQuery, Query()],
) -> JSONResponse:
    """Explain one inference: its rows, its bucket and why, the events behind its tags, prices, and sums."""
    applied = await wait_until_applied(services, {"known_at": query.known_at, "wait_for": query.wait_for})
    position = applied.position if query.known_at is None else query.known_at
    found = await reads.bill(
        lambda there: explain(
            there.clickhouse, there.names, there.registry.queries, there.registry.price_book, inference_id, position
        )
    )
    key = None if found.key is None or found.at is None else key_out(found.key, found.at)
    # The same explanation, of another type: its key is as answers show one.
    shown: Explanation[KeyOut] = replace(cast("Any", found), key=key, known_at=query.known_at)
    return answer(shown, applied.position)
