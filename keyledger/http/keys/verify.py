"""POST /verify: whether an API key works now, for gateways and proxies that ask for each request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, KeyVerifier, Registry
from keyledger.http.request.query_params import NoQuery
from keyledger.http.request.request_body import JSON, Body, body_docs, json_body
from registry.tokens.confinement import contains
from registry.verify.verdict import Code, Verdict

router = APIRouter(tags=["keys"], dependencies=OF_CALLERS)


class VerifyBody(Body):
    """A key that somebody shows."""

    api_key: Annotated[str, Field(strict=True, max_length=1000)] = Field(
        description="the whole text", examples=["sk-t0-<12 characters>-<48 characters>"]
    )


@dataclass(frozen=True, slots=True)
class Verified:
    """What is to be said of it; all but `valid`, `code` and `position` are null where the key is not known."""

    valid: bool
    code: Code
    public_id: str | None
    credential_id: str | None
    tags: dict[str, str] | None
    organization: str | None
    workspace: str | None
    expires_at: datetime | None
    position: int


@router.post(
    "/verify", response_model=Verified, responses=documented(413, 415, 422), openapi_extra=body_docs(VerifyBody, JSON)
)
async def verify_key(
    registry: Registry,
    principal: KeyVerifier,
    _query: Annotated[NoQuery, Query()],
    body: Annotated[VerifyBody, Depends(json_body(VerifyBody, JSON))],
) -> JSONResponse:
    """Say whether an API key works now, and with which tags. It is answered from memory, and recorded nowhere.

    A change that this process made counts at once; one of another process within a quarter of a second.
    """
    verdict = await registry.known_keys.verify(body.api_key)
    within = principal.confined_to
    if within is not None and verdict.key is not None and not contains(within, verdict.key, datetime.now(UTC)):
        verdict = Verdict("not_found", verdict.position)
    return answer(_shown(verdict), verdict.position)


def _shown(verdict: Verdict) -> Verified:
    key, credential = verdict.key, verdict.credential
    return Verified(
        valid=verdict.code == "valid",
        code=verdict.code,
        public_id=None if key is None else key.public_id,
        credential_id=None if credential is None else credential.credential_id,
        tags=None if verdict.tags is None else dict(verdict.tags),
        organization=None if key is None else key.details.organization,
        workspace=None if key is None else key.details.workspace,
        expires_at=verdict.expires_at,
        position=verdict.position,
    )
