"""GET /healthz and /readyz, on every command that runs for long."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from keyledger.http.answer.encode import encode
from keyledger.http.answer.problem import documented, problem
from keyledger.http.dependencies import Health
from keyledger.http.request.query_params import Strict
from keyledger.runtime.serving.readiness import AskedPart, fault_of
from registry.errors import RegistryError

router = APIRouter(tags=["operations"])


class ReadyQuery(Strict):
    """Whose readiness."""

    part: AskedPart | None = Field(None, description="a part of the installation; this process itself if not given")


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={status: documented(422)[status] for status in (422, 503)})
async def readyz(health: Health, query: Annotated[ReadyQuery, Query()]) -> JSONResponse:
    """This process can do its own work: of the API, changes can be recorded. `alarms` says what else is wrong."""
    try:
        status = await health.status()
    except RegistryError as error:
        return problem(503, str(error), headers={"Retry-After": "1"})
    fault = fault_of(status, health, query.part)
    if fault is not None:
        return problem(503, fault, headers={"Retry-After": "10"})
    return JSONResponse({"status": "ready", **encode(status)})
