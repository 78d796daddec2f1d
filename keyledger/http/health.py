"""GET /healthz and /readyz, on every command that runs for long."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from keyledger.http.answer.encode import encode
from keyledger.http.answer.problem import problem
from keyledger.http.dependencies import Health
from projections.errors import ProjectionError
from registry.errors import RegistryError

router = APIRouter(tags=["operations"])


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"description": "Not ready"}})
async def readyz(health: Health) -> JSONResponse:
    """The log (and ClickHouse, where it is used) answers, and nothing that this process runs has stopped."""
    try:
        status = await health.status()
    except (RegistryError, ProjectionError) as error:
        return problem(503, str(error), headers={"Retry-After": "1"})
    failure = health.failure()
    if failure is not None:
        return problem(503, str(failure), headers={"Retry-After": "10"})
    return JSONResponse({"status": "ready", **encode(status)})
