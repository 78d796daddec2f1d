"""GET /healthz and /readyz, on every command that runs for long."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from keyledger.http.answer.encode import encode
from keyledger.http.answer.errors import words_for
from keyledger.http.answer.problem import problem, problems
from keyledger.http.dependencies import Health
from keyledger.http.middleware.request_note import note_of
from keyledger.http.operations.open_status import open_status
from keyledger.http.request.query_params import Strict
from keyledger.runtime.serving.readiness import AskedPart, fault_of
from registry.errors import RegistryError

router = APIRouter(tags=["operations"])


class ReadyQuery(Strict):
    """Whose readiness."""

    part: AskedPart | None = Field(
        None, description="A part of the installation; this process itself if not given.", examples=["billing"]
    )


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """The process is ready. The other members are those of `keyledger status --json`, without hosts and users."""

    model_config = ConfigDict(extra="allow")
    status: Literal["ready"]


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz", name="check_health", response_model=Liveness, responses=problems(500))
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", name="check_readiness", response_model=Readiness, responses=problems(422, 500, 503))
async def readyz(request: Request, health: Health, query: Annotated[ReadyQuery, Query()]) -> JSONResponse:
    """Say that this process can do its own work: of the API, record changes. `alarms` says what else is wrong."""
    full, note = request.app.state.operator, note_of(request.scope)
    try:
        status = await health.status()
    except RegistryError as error:
        note.failed = error
        return problem(503, words_for(error, full=full), headers={"Retry-After": "1"})
    fault = fault_of(status, health, query.part, full=full)
    if fault is not None:
        note.detail = fault_of(status, health, query.part)  # the log has all of it
        return problem(503, fault, headers={"Retry-After": "10"})
    return JSONResponse({"status": "ready", **(encode(status) if full else open_status(status))})
