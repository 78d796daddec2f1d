"""GET /admin/api-keys/{public_id}/usage: when each credential of a key was last used, by the gateway's rows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from keyledger.http.keys.keys import Reader, answer, principal_of
from keyledger.http.problem import documented
from keyledger.http.query_params import NoQuery, checked_id
from keyledger.http.request_body import strict_request
from keyledger.runtime.services import Services
from projections.usage.credential_use import Use, read_use
from registry.instant import format_ms, from_ms

router = APIRouter(
    prefix="/admin/api-keys", tags=["keys"], dependencies=[Depends(principal_of), Depends(strict_request)]
)


class CredentialUseOut(BaseModel):
    """The use of one credential."""

    credential_id: str
    last_used_at: str | None = Field(description="null: never, as far as rows have come")
    inferences: int


class KeyUseOut(BaseModel):
    """The use of each credential of a key, in the key's own order, of the inferences that came until `seen_until`."""

    items: list[CredentialUseOut]
    seen_until: str | None = Field(description="the latest inference of any key; null: there is none")


@router.get("/{public_id}/usage", response_model=KeyUseOut, responses=documented(404, 422))
async def show_usage(
    request: Request, public_id: str, _principal: Reader, _query: Annotated[NoQuery, Query()]
) -> JSONResponse:
    """When each credential of a key was last used, by the inferences that the gateway has written so far."""
    services: Services = request.app.state.services
    key, seen = await services.registry.queries.key(checked_id(public_id))
    ids = [one.credential_id for one in key.credentials]
    async with services.bills.enter():
        used = await read_use(services.clickhouse, services.names, ids)
    return answer(_out(ids, used), seen.position)


def _out(ids: list[str], used: Use) -> dict[str, Any]:
    return {
        "items": [
            {
                "credential_id": id_,
                "last_used_at": _text(used.by_credential[id_].last_used_ms),
                "inferences": used.by_credential[id_].inferences,
            }
            for id_ in ids
        ],
        "seen_until": _text(used.seen_until_ms),
    }


def _text(ms: int | None) -> str | None:
    return None if ms is None else format_ms(from_ms(ms))
