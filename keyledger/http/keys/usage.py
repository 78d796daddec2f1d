"""GET /admin/api-keys/{public_id}/usage: when each credential of a key was last used, by the gateway's rows."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, KeyReader, Registry
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import NoQuery, PublicId, checked_id
from projections.usage.credential_use import KeyUse, read_use
from registry.tokens.confinement import require

router = APIRouter(prefix="/admin/api-keys", tags=["keys"], dependencies=OF_CALLERS)


@router.get("/{public_id}/usage", response_model=KeyUse, responses=documented(404, 422))
async def show_key_usage(
    public_id: PublicId, registry: Registry, reads: Reads, principal: KeyReader, _query: Annotated[NoQuery, Query()]
) -> JSONResponse:
    """Show when each credential of a key was last used. Inferences count that the gateway has written so far."""
    key, seen = await registry.queries.key(checked_id(public_id))
    require(principal.confined_to, key, seen.now)
    ids = [one.credential_id for one in key.credentials]
    used = await reads.bill(lambda there: read_use(there.clickhouse, there.names, ids))
    return answer(used, seen.position)
