"""GET /audit/verify for auditors, POST /operator/audit/repair for the operator: long answers, told as they go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import StreamingResponse
from pydantic import Field

from audit.report import Finding, Verdict
from audit.sources import AuditedGateway, AuditSources
from audit.verify.bookmark import read_bookmark
from audit.verify.repair import of_the_log, repair_ledger, repair_state
from audit.verify.repair_gateway import beyond_repair, repair_gateway
from audit.verify.verify import verify
from keyledger.http.audit import operator_router, router
from keyledger.http.keys.keys import needs
from keyledger.http.ndjson import MEDIA_TYPE, Part, stream
from keyledger.http.problem import documented
from keyledger.http.query_params import Strict
from keyledger.http.request_body import Whole
from keyledger.runtime.connections import database_engine
from keyledger.runtime.services import Services
from registry.auth import Principal

# Findings that are mended in one run; what is left is found, and mended, by the next.
MENDED_AT_ONCE = 100_000


class VerifyQuery(Strict):
    """Where to go on."""

    bookmark: str | None = Field(None, max_length=2000, description="of a progress line, to go on there")
    wait_s: Annotated[Whole, Field(le=300)] = Field(
        5, description="how long to wait for a running projector or sync to apply what is in the log"
    )


@router.get(
    "/verify",
    response_class=StreamingResponse,
    responses={200: {"content": {MEDIA_TYPE: {}}}, **documented(409, 422)},
)
async def verify_books(
    request: Request, _principal: Annotated[Principal, needs("audit:read")], query: Annotated[VerifyQuery, Query()]
) -> StreamingResponse:
    """Compare log, current state, ClickHouse and gateway: NDJSON of progress and findings, at the end the result."""
    books = books_of(request.app.state.services)
    if query.bookmark is not None:
        await read_bookmark(query.bookmark, books.log)  # before the status is sent
    return stream(_verify(books, query), (await books.log.head()).position)


@operator_router.post("/repair", response_class=StreamingResponse)
async def repair_books(request: Request) -> StreamingResponse:
    """Verify from the beginning, make anew what is derived and wrong, and verify again: what is left are findings."""
    services: Services = request.app.state.services
    return stream(_repair(services), (await services.registry.log.head()).position)


def books_of(services: Services) -> AuditSources:
    """What an audit of these services reads."""
    gateway = None
    if services.gateway is not None:
        gateway = AuditedGateway(services.gateway.table, is_shared=services.gateway.append_hook is not None)
    return AuditSources(
        services.registry.log, services.engine, services.clickhouse, services.names, services.store, gateway
    )


async def _verify(books: AuditSources, query: VerifyQuery) -> AsyncIterator[Part]:
    async for told in verify(books, query.bookmark, wait_s=query.wait_s):
        yield {"result": asdict(told)} if isinstance(told, Verdict) else told


async def _repair(services: Services) -> AsyncIterator[Part]:
    books, findings = books_of(services), list[Finding]()
    async for told in verify(books):
        if isinstance(told, Finding):
            findings.append(told)
        elif not isinstance(told, Verdict):
            yield told
        if len(findings) >= MENDED_AT_ONCE:
            break
    if of_the_log(findings):
        for finding in findings:
            yield finding
        yield {"result": {"repaired": None, "findings": len(findings)}}
        return
    streams = await _repair_state(services, findings)
    rows = None if books.gateway is None else await repair_gateway(books, findings)
    positions = await repair_ledger(books, findings)
    repaired = {"positions": positions, "streams": streams, "gateway_rows": rows}
    async for part in _left(books, beyond_repair(findings), repaired):
        yield part


async def _repair_state(services: Services, findings: Sequence[Finding]) -> int:
    """As the owner of the tables, by the settings."""
    settings = services.settings
    owner_url = settings.migration_database_url or settings.database_url
    owner = services.engine if owner_url is None else database_engine(settings, owner_url)
    try:
        return await repair_state(owner, findings)
    finally:
        if owner is not services.engine:
            await owner.dispose()


async def _left(books: AuditSources, known: Sequence[Finding], repaired: dict[str, int | None]) -> AsyncIterator[Part]:
    """What a repair left: some findings that are known, and what another audit finds; at the end the result."""
    for finding in known:
        yield finding
    left = len(known)
    async for told in verify(books):
        if told in known:
            continue
        left += isinstance(told, Finding)
        if not isinstance(told, Verdict):
            yield told
    yield {"result": {"repaired": repaired, "findings": left}}
