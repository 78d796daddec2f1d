"""POST /operator/audit/repair: rebuilds what is derived and wrong; never the log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from audit.report import Finding, Verdict
from audit.verify.journal import of_usage
from audit.verify.repair import of_the_log, repair_ledger, repair_state
from audit.verify.repair_gateway import beyond_repair, repair_gateway
from audit.verify.verify import verify
from keyledger.http.answer.ndjson import Part, stream
from keyledger.http.dependencies import OF_OPERATOR, AuditSources, Registry, Services
from keyledger.runtime.connections import database_engine
from keyledger.runtime.mending import mend_usage

# Findings that are mended in one run; what is left is found, and mended, by the next.
MENDED_AT_ONCE: Final = 100_000

router = APIRouter(prefix="/operator/audit", tags=["operator"], dependencies=OF_OPERATOR)


@router.post("/repair", response_class=StreamingResponse)
async def repair_books(services: Services, registry: Registry, sources: AuditSources) -> StreamingResponse:
    """Verify from the beginning, rebuild what is derived and wrong, and verify again: what is left are findings."""
    return stream(_repair(services, registry, sources), (await registry.log.head()).position)


async def _repair(services: Services, registry: Registry, sources: AuditSources) -> AsyncIterator[Part]:
    findings = list[Finding]()
    async for part in verify(sources):
        if isinstance(part, Finding):
            findings.append(part)
        elif not isinstance(part, Verdict):
            yield part
        if len(findings) >= MENDED_AT_ONCE:
            break
    if of_the_log(findings):
        for finding in findings:
            yield finding
        yield {"result": {"repaired": None, "findings": len(findings)}}
        return
    streams = await _repair_state(registry, findings)
    rows = None if sources.gateway is None else await repair_gateway(sources, findings)
    positions = await repair_ledger(sources, findings)
    entries = (await mend_usage(services)).entries if of_usage(findings) else 0
    repaired = {"positions": positions, "streams": streams, "gateway_rows": rows, "usage_entries": entries}
    async for left in _left(sources, beyond_repair(findings), repaired):
        yield left


async def _repair_state(registry: Registry, findings: Sequence[Finding]) -> int:
    """As the owner of the tables, by the settings."""
    settings = registry.settings
    owner_url = settings.migration_database_url or settings.database_url
    owner = registry.engine if owner_url is None else database_engine(settings, owner_url)
    try:
        return await repair_state(owner, findings)
    finally:
        if owner is not registry.engine:
            await owner.dispose()


async def _left(
    sources: AuditSources, known: Sequence[Finding], repaired: dict[str, int | None]
) -> AsyncIterator[Part]:
    """What a repair left: some findings that are known, and what another audit finds; at the end the result."""
    for finding in known:
        yield finding
    left = len(known)
    async for part in verify(sources):
        if part in known:
            continue
        left += isinstance(part, Finding)
        if not isinstance(part, Verdict):
            yield part
    yield {"result": {"repaired": repaired, "findings": left}}
