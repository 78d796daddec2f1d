"""GET /metrics, on every command that runs for long."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest

from keyledger.http.dependencies import Gauges, Health

router = APIRouter(tags=["operations"])


@router.head("/metrics", include_in_schema=False)
@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(health: Health, gauges: Gauges) -> PlainTextResponse:
    """Prometheus metrics."""
    await gauges.read(health)
    text = generate_latest(gauges.registry).decode()
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")
