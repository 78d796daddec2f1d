"""GET /operator/status: how far everything is, and what is wrong."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.answer.encode import encode
from keyledger.http.dependencies import OF_OPERATOR, Services
from projections.usage.gateway_tables import read_usage

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


@router.get("/status")
async def status(services: Services) -> JSONResponse:
    """Head of the log, how far each publisher and projector is, what the gateway has written, and what is wrong."""
    seen = await services.status()
    usage = await read_usage(services.clickhouse, services.names)
    usage_out = {"rows": usage.rows, "seen_until": usage.seen_until, "after_now": usage.after_now, "hint": usage.hint}
    return answer({**encode(seen), "usage": usage_out}, seen.head)
