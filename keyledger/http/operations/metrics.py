"""GET /metrics, on every command that runs for long."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest

from keyledger.http.answer.problem import problems
from keyledger.http.dependencies import Gauges, Health

_TEXT = {"content": {"text/plain": {"schema": {"type": "string", "examples": ["keyledger_log_head_position 42.0"]}}}}

router = APIRouter(tags=["operations"])


@router.head("/metrics", include_in_schema=False)
@router.get(
    "/metrics",
    name="show_metrics",
    response_class=PlainTextResponse,
    responses={200: _TEXT, **problems(500)},
)
async def metrics(health: Health, gauges: Gauges) -> PlainTextResponse:
    """Show Prometheus metrics."""
    await gauges.read(health)
    text = generate_latest(gauges.registry).decode()
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")
