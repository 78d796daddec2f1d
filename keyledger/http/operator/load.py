"""POST /operator/load, GET /operator/loads, POST /operator/unload: rows of a gateway from files of this machine.

They are for the embedded engine alone.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import Field

from keyledger.embedded.load import (
    Batches,
    Engine,
    LoadError,
    check_batch,
    check_embedded,
    check_table,
    load_file,
    new_batch,
    unload,
)
from keyledger.http.answer.encode import encode
from keyledger.http.answer.ndjson import MEDIA_TYPE
from keyledger.http.dependencies import OF_OPERATOR, Services
from keyledger.http.request.request_body import JSON, Body, json_body
from keyledger.runtime.services import Services as OpenServices
from projections.errors import ProjectionError
from projections.usage.journal.books import Books
from registry.errors import FieldFault, FieldsRefused

router = APIRouter(prefix="/operator", tags=["operator"], dependencies=OF_OPERATOR)


class LoadBody(Body):
    """Files of this machine to load into one of the gateway's tables, as a batch or a part of one."""

    table: str
    files: list[str] = Field(min_length=1, max_length=10_000)
    batch: str | None = None
    dry_run: bool = False


class UnloadBody(Body):
    """A batch to take back."""

    batch: str


@router.post("/load")
async def load(services: Services, body: Annotated[LoadBody, Depends(json_body(LoadBody, JSON))]) -> StreamingResponse:
    """Load gateway rows, file by file; one JSON line for each, so that a caller can show progress.

    The last line comes when the usage journal has all of them, so that a bill has them, too.
    """
    at = datetime.now(UTC)
    batch = new_batch(at) if body.batch is None else body.batch
    try:
        check_table(body.table)
    except LoadError as error:
        raise FieldsRefused(FieldFault("TABLE", str(error))) from error
    try:
        check_batch(batch)
    except LoadError as error:
        raise FieldsRefused(FieldFault("--batch", str(error))) from error

    async def lines() -> AsyncIterator[str]:
        for name in body.files:
            loaded: dict[str, Any] = {"file": name, "batch": None if body.dry_run else batch}
            try:
                engine = _engine(services)
                found = await load_file(engine, body.table, Path(name), batch, at, dry_run=body.dry_run)
                loaded |= encode(found)
            except (LoadError, ProjectionError) as error:
                nothing = "" if body.dry_run else " Nothing of it was loaded."
                loaded["error"] = f"{str(error).removesuffix('.')}.{nothing}"
            ends = "error" in loaded or name is body.files[-1]
            if ends and not body.dry_run and services.books is not None:
                loaded |= await _collected(services.books)
            yield json.dumps(loaded) + "\n"
            if ends:
                return

    return StreamingResponse(lines(), media_type=MEDIA_TYPE)


@router.get("/loads")
async def list_loads(services: Services) -> JSONResponse:
    """The files that were loaded and are there, by batch, in order."""
    try:
        check_embedded(services.clickhouse)
    except LoadError as error:
        raise FieldsRefused(FieldFault("loads", str(error))) from error
    return JSONResponse({"items": encode(await Batches(services.clickhouse, services.names).loads())})


@router.post("/unload")
async def take_back(
    services: Services, body: Annotated[UnloadBody, Depends(json_body(UnloadBody, JSON))]
) -> JSONResponse:
    """Take a batch back: its rows leave, but those that another batch brought too."""
    try:
        left = await unload(_engine(services), body.batch)
    except LoadError as error:
        raise FieldsRefused(FieldFault("BATCH", str(error))) from error
    return JSONResponse({"batch": body.batch, "rows": left})


def _engine(services: OpenServices) -> Engine:
    check_embedded(services.clickhouse)
    assert services.books is not None  # noqa: S101 - for the type checker: the embedded engine has them
    return Engine(services.clickhouse, services.names, services.books)


async def _collected(books: Books) -> dict[str, str]:
    """Wait until the usage journal has the rows; why not, if it can't get them: they are loaded all the same."""
    try:
        await books.catch_up()
    except ProjectionError as error:
        return {"uncollected": str(error)}
    return {}
