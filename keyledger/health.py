"""Liveness, readiness, metrics and status: how far the log is, and how far each projector has followed."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from keyledger.services import Services
from projections.errors import ProjectionError
from projections.projector import Projector
from registry.errors import RegistryError
from registry.instant import format_us
from registry.problem import problem

router = APIRouter(tags=["operations"])


@dataclass(frozen=True, slots=True)
class ProjectorStatus:
    """How far a projector is: `lag_s` is the age of the oldest event that it has not applied."""

    name: str
    applied: int
    lag_positions: int
    lag_s: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class Status:
    """The log's head and its projectors."""

    log_id: str
    head: int
    recorded_at: str | None
    projectors: tuple[ProjectorStatus, ...]


async def status_of(services: Services, projector: Projector | None) -> Status:
    """Read the status. Raises Busy, ClickHouseError."""
    log = services.registry.log
    applied = await services.store.applied()
    head = await log.head()
    waiting = await log.read(applied.position, 1)
    seen = await services.registry.queries.seen()
    lag_s = (seen.now - waiting[0].recorded_at).total_seconds() if waiting else 0.0
    failure = None if projector is None or projector.failure is None else str(projector.failure)
    one = ProjectorStatus(
        "clickhouse", applied.position, max(0, head.position - applied.position), round(max(0.0, lag_s), 3), failure
    )
    recorded_at = None if head.recorded_at is None else format_us(head.recorded_at)
    return Status(str(log.log_id), head.position, recorded_at, (one,))


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Not ready"}})
async def readyz(request: Request) -> JSONResponse:
    """The log and ClickHouse answer, and no projector has stopped."""
    try:
        status = await status_of(request.app.state.services, request.app.state.projector)
    except (RegistryError, ProjectionError) as error:
        return problem(503, str(error), headers={"Retry-After": "1"})
    if any(one.failure for one in status.projectors):
        return problem(503, "; ".join(str(one.failure) for one in status.projectors), headers={"Retry-After": "10"})
    return JSONResponse({"status": "ready", **asdict(status)})


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> PlainTextResponse:
    """Prometheus metrics."""
    gauges: Gauges = request.app.state.gauges
    try:
        gauges.show(await status_of(request.app.state.services, request.app.state.projector))
    except (RegistryError, ProjectionError):
        gauges.up.set(0)
    text = generate_latest(gauges.registry).decode()
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


class Gauges:
    """The gauges of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.up = Gauge("keyledger_up", "1 when the log and ClickHouse answer.", registry=self.registry)
        self._head = Gauge("keyledger_log_head_position", "Position of the last event.", registry=self.registry)
        labels = ("projector",)
        self._applied = Gauge("keyledger_applied_position", "Contiguous frontier.", labels, registry=self.registry)
        self._lag_s = Gauge(
            "keyledger_lag_seconds", "Age of the oldest event to apply.", labels, registry=self.registry
        )
        self._failed = Gauge("keyledger_projector_failed", "1 when it has stopped.", labels, registry=self.registry)

    def show(self, status: Status) -> None:
        """Set every gauge."""
        self.up.set(1)
        self._head.set(status.head)
        for one in status.projectors:
            self._applied.labels(one.name).set(one.applied)
            self._lag_s.labels(one.name).set(one.lag_s)
            self._failed.labels(one.name).set(one.failure is not None)
