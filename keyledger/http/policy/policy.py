"""The tag policy: show it, set it, and see which keys would break one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.dependencies import OF_CALLERS, Administrator, Registry, caller_of
from keyledger.http.policy.bodies import PolicyQuery, TagPolicyBody
from keyledger.http.policy.views import PolicyReportOut, TagPolicyOut, policy_out, report_out
from keyledger.http.request.query_params import NoQuery
from keyledger.http.request.request_body import JSON, body_docs, json_body
from keyledger.http.request.versions import ETAG_HEADER, etag
from registry.policy.service import PolicyAnswer

router = APIRouter(prefix="/admin/tag-policy", tags=["tag policy"], dependencies=OF_CALLERS)


@router.get("", response_model=TagPolicyOut, responses=documented(422))
async def show_tag_policy(
    registry: Registry, _principal: Administrator, _query: Annotated[NoQuery, Query()]
) -> JSONResponse:
    """Show the tag policy that counts."""
    return _shown(await registry.tag_policy.current())


@router.put(
    "",
    response_model=TagPolicyOut | PolicyReportOut,
    responses=documented(412, 413, 415, 422),
    openapi_extra={**body_docs(TagPolicyBody, JSON), "x-if-match": True},
)
async def set_tag_policy(
    request: Request,
    registry: Registry,
    principal: Administrator,
    query: Annotated[PolicyQuery, Query()],
    body: Annotated[TagPolicyBody, Depends(json_body(TagPolicyBody, JSON))],
) -> Response:
    """Set the tag policy in place of the one before: from now on keys are made and edited by it.

    A new key must have every required tag. An edit is held to the policy by the tags that it sets and removes, a bulk
    edit and a scheduled one too, when it is asked for. Keys that break the policy go on to work: `dry_run` lists them.
    """
    caller = caller_of(request, principal, _shown, query.reason)
    if query.dry_run:
        report = await registry.tag_policy.report(body.policy())
        return answer(report_out(report), report.position)
    return _shown(await registry.tag_policy.set(body.policy(), caller))


def _shown(made: PolicyAnswer) -> JSONResponse:
    shown = policy_out(made)
    of_version = answer(shown, made.position)
    of_version.headers[ETAG_HEADER] = etag(shown.version)
    return of_version
