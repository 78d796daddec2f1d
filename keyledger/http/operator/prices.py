"""POST /operator/import/prices, for the operator alone: it reads a file of this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import Field

from keyledger.http.answer.ndjson import Part, stream
from keyledger.http.dependencies import OF_OPERATOR, Registry
from keyledger.http.request.field_types import Instant, Text
from keyledger.http.request.request_body import JSON, Body, json_body
from registry.auth import OPERATOR
from registry.log.event_log import Caller
from registry.prices.commands import When
from registry.prices.importing.csv_file import read_csv
from registry.prices.importing.litellm import read_litellm
from registry.prices.importing.rows import Wanted, read_prices
from registry.prices.importing.run import PriceImport, PriceItem, counts
from registry.prices.importing.toml_file import read_toml
from registry.progress import Progress

_READERS: Final = {".csv": read_csv, ".toml": read_toml, ".json": read_litellm}

router = APIRouter(prefix="/operator/import", tags=["operator"], dependencies=OF_OPERATOR)


class PricesBody(Body):
    """What to import: the path of a file on this machine, and which of its rows."""

    file: str = Field(min_length=1, max_length=4096, strict=True)
    models: list[str] = Field(default_factory=list)
    providers: list[str] = Field(default_factory=list)
    shorthand: bool = Field(False, strict=True)
    effective_at: Instant | None = None
    reason: Text | None = None
    skip_bad: bool = Field(False, strict=True)
    dry_run: bool = Field(False, strict=True)


@router.post("/prices", response_class=StreamingResponse)
async def import_prices(
    registry: Registry, body: Annotated[PricesBody, Depends(json_body(PricesBody, JSON))]
) -> StreamingResponse:
    """Set the prices of a file, or say what that would do: NDJSON of each row and of progress, the result.

    While a row is wrong no price is set, unless `skip_bad` asks for the others.
    """
    wanted = Wanted(tuple(body.models), tuple(body.providers), body.shorthand)
    rows = await asyncio.to_thread(read_prices, Path(body.file), _READERS, wanted)
    when = When(body.effective_at, body.reason, may_backdate=True)
    caller = Caller(OPERATOR, request_id=uuid4().hex, reason=body.reason)
    running = PriceImport(registry.price_book, registry.prices, rows, when, caller)
    return stream(_run(registry, running, body), (await registry.log.head()).position)


async def _run(registry: Registry, running: PriceImport, body: PricesBody) -> AsyncGenerator[Part, None]:
    plan = await running.plan()
    for item in plan:
        yield _shown(item)
    refused = any(item.outcome == "refused" for item in plan)
    applied = not body.dry_run and (body.skip_bad or not refused)
    late = 0
    if applied:
        async for part in running.apply(plan):
            if isinstance(part, Progress):
                yield part
            else:
                late += 1
                yield _shown(part)
    head = await registry.log.head()
    found = {**dict(counts(plan)), "refused_late": late}
    yield {"result": {**found, "applied": applied, "position": head.position}}


def _shown(item: PriceItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in PriceItem.__slots__}
