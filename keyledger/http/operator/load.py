"""POST /operator/load: rows of a gateway from files of this machine, for the embedded engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import Field

from keyledger.embedded.load import LoadError, check_table, load_file
from keyledger.http.answer.ndjson import MEDIA_TYPE
from keyledger.http.dependencies import OF_OPERATOR, Services
from keyledger.http.request.request_body import JSON, Body, json_body
from projections.errors import ProjectionError
from registry.errors import FieldFault, FieldsRefused

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


class LoadBody(Body):
    """Files of this machine to load into one of the gateway's tables."""

    table: str
    files: list[str] = Field(min_length=1, max_length=10_000)


@router.post("/load")
async def load(services: Services, body: Annotated[LoadBody, Depends(json_body(LoadBody, JSON))]) -> StreamingResponse:
    """Load gateway rows, file by file; one JSON line for each, so that a caller can show progress."""
    try:
        check_table(body.table)
    except LoadError as error:
        raise FieldsRefused(FieldFault("TABLE", str(error))) from error

    async def lines() -> AsyncIterator[str]:
        for name in body.files:
            loaded: dict[str, Any] = {"file": name}
            try:
                loaded["rows"] = await load_file(services.clickhouse, services.names, body.table, Path(name))
            except (LoadError, ProjectionError) as error:
                loaded["error"] = f"{str(error).removesuffix('.')}. Nothing of it was loaded."
            yield json.dumps(loaded) + "\n"
            if "error" in loaded:
                return

    return StreamingResponse(lines(), media_type=MEDIA_TYPE)
