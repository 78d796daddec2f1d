"""POST /operator/import/tensorzero, for the operator alone: it reads a file of this machine and the gateway's table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from pydantic import Field

from gateways.tensorzero.importing.key_table_reader import PAGE, open_reader
from gateways.tensorzero.importing.mapping import TagMapping, read_mapping
from gateways.tensorzero.importing.mapping_csv import read_csv
from gateways.tensorzero.importing.mapping_json import read_json
from gateways.tensorzero.importing.run import Import, Order, Part, mapping_items, result
from gateways.tensorzero.key_table import GatewayTable
from keyledger.http.answer.ndjson import stream
from keyledger.http.dependencies import OF_OPERATOR, Registry
from keyledger.http.request.field_types import Text
from keyledger.http.request.request_body import JSON, Body, json_body
from keyledger.runtime.garbage import collecting_rarely
from keyledger.runtime.registry import append_limits
from keyledger.settings import SettingsError
from registry.auth import OPERATOR
from registry.errors import FieldFault, FieldsRefused
from registry.log.event_log import Caller
from registry.log.postgres import open_log
from registry.service import KeyService

REASON: Final = "imported from tensorzero"
_READERS: Final = {".csv": read_csv, ".json": read_json}

router = APIRouter(prefix="/operator/import", tags=["operator"], dependencies=OF_OPERATOR)


class ImportBody(Body):
    """What to import. `tags` is the path of a mapping file on this machine."""

    tags: str | None = Field(None, min_length=1, max_length=4096, strict=True)
    apply: bool = Field(False, strict=True)
    only_mapped: bool = Field(False, strict=True)
    skip_bad: bool = Field(False, strict=True)
    reason: Text = REASON


@router.post("/tensorzero", response_class=StreamingResponse)
async def import_tensorzero(
    registry: Registry, body: Annotated[ImportBody, Depends(json_body(ImportBody, JSON))]
) -> StreamingResponse:
    """Import the gateway's keys, or say what an import would do: NDJSON of progress and of what is wrong, the result.

    While the mapping has a fault nothing is imported, unless `skip_bad` asks for all but the keys of bad rows.
    """
    if body.only_mapped and body.tags is None:
        raise FieldsRefused(FieldFault("only_mapped", "goes with tags: there is no mapping"))
    table = _table(registry)
    mapping = None
    if body.tags is not None:
        mapping = await asyncio.to_thread(read_mapping, Path(body.tags), _READERS)
    return stream(_run(registry, table, body, mapping), (await registry.log.head()).position)


def _table(registry: Registry) -> GatewayTable:
    if registry.gateway is None:
        raise SettingsError("no gateway's database is set up: set KEYLEDGER_GATEWAY_DATABASE_URL")
    return registry.gateway.table


async def _run(
    registry: Registry, table: GatewayTable, body: ImportBody, mapping: TagMapping | None
) -> AsyncGenerator[Part, None]:
    for item in [] if mapping is None else mapping_items(mapping):
        yield item
    caller = Caller(OPERATOR, request_id=uuid4().hex, reason=body.reason)
    order = Order(caller, mapping, apply=_applies(body, mapping), only_mapped=body.only_mapped)
    with collecting_rarely():
        async with open_reader(table) as source, _keys(registry) as keys:
            running = Import(source, keys, registry.queries, order)
            async with aclosing(running.run()) as parts:
                async for part in parts:
                    yield part
    head = await registry.log.head()
    yield {"result": result(running.counts, mapping, head.position, applied=order.apply)}


@asynccontextmanager
async def _keys(registry: Registry) -> AsyncIterator[KeyService]:
    """The log on connections of its own: a page is one transaction, and the portal's writes don't queue behind it."""
    append_hook = None if registry.gateway is None else registry.gateway.append_hook
    log = await open_log(registry.engine, replace(append_limits(registry.settings), max_batch=PAGE), append_hook)
    try:
        yield KeyService(log, registry.queries.public_id)
    finally:
        await log.close()


def _applies(body: ImportBody, mapping: TagMapping | None) -> bool:
    return body.apply and (body.skip_bad or mapping is None or not mapping.faults)
