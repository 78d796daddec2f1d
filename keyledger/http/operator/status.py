"""GET /operator/status: how far everything is, and what is wrong."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.answer.encode import encode
from keyledger.http.dependencies import OF_OPERATOR, Services
from keyledger.runtime.services import Services as OpenServices
from keyledger.runtime.status import Status
from projections.errors import ProjectionError
from projections.usage.gateway_tables import read_usage

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


@router.get("/status")
async def status(services: Services) -> JSONResponse:
    """Head of the log, how far each publisher and projector is, what the gateway has written, and what is wrong."""
    seen = await services.status()
    return answer({**encode(seen), "usage": await usage_of(services, seen)}, seen.head)


async def usage_of(services: OpenServices, seen: Status) -> dict[str, Any]:
    """What the gateway has written, or why that is not known."""
    if seen.redelivered is None:  # asking again would only take its time
        return {"rows": {}, "seen_until": None, "after_now": None, "hint": "not known while ClickHouse does not answer"}
    try:
        usage = await read_usage(services.clickhouse, services.names)
    except ProjectionError as error:
        return {"rows": {}, "seen_until": None, "after_now": None, "hint": str(error)}
    return {"rows": usage.rows, "seen_until": usage.seen_until, "after_now": usage.after_now, "hint": usage.hint}
