"""GET /operator/audit/credentials: the hashes of secrets, for the operator's archive alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from audit.archive.secret_hashes import read_hashes
from keyledger.http.answer.answers import answer
from keyledger.http.audit.export import ExportQuery
from keyledger.http.dependencies import OF_OPERATOR, Registry

router = APIRouter(prefix="/operator/audit", tags=["operator"], dependencies=OF_OPERATOR)


@router.get("/credentials")
async def export_hashes(registry: Registry, query: Annotated[ExportQuery, Query()]) -> JSONResponse:
    """The hashes of the secrets that a page of the log commits to, and the position up to which they go."""
    head, until = await query.bounds(registry.log)
    page = await read_hashes(registry.log, registry.engine, query.after, until, query.limit)
    return answer({"position": page.position, "items": page.hashes}, head)
