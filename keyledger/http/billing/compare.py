"""GET /billing/compare: two bills of one question, at two positions or of two periods, line by line."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.billing.two_bills import make_two
from keyledger.http.billing.usage import BillQuestion, question_of, wait_until_applied
from keyledger.http.dependencies import OF_CALLERS, BillReader, Services
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import Instant
from keyledger.http.request.query_params import KnownAt, UsageKnownAt
from projections.billing.query import BillQuery, faults
from projections.billing.side_by_side import BillComparison, side_by_side
from registry.errors import FieldFault, FieldsRefused

_POSITIONS: Final = ("known_at", "usage_known_at", "base_known_at", "base_usage_known_at", "wait_for")
_OF_BASE: Final = ("known_at", "usage_known_at", "since", "until")

router = APIRouter(prefix="/billing", tags=["billing"], dependencies=OF_CALLERS)


class CompareParameters(BillQuestion):
    """A bill, and what is different about the one that it is compared with."""

    base_known_at: KnownAt = None
    base_usage_known_at: UsageKnownAt = None
    base_since: Instant | None = Field(
        None, description="of the other period, inclusive", examples=["2026-02-01T00:00:00Z"]
    )
    base_until: Instant | None = Field(
        None, description="of the other period, exclusive", examples=["2026-03-01T00:00:00Z"]
    )


@router.get(
    "/compare",
    response_model=BillComparison,
    responses=documented(409, 422),
    openapi_extra={"x-repeatable": ["group_by", "tag"]},
)
async def compare_bills(
    services: Services, reads: Reads, _principal: BillReader, query: Annotated[CompareParameters, Query()]
) -> JSONResponse:
    """Compare two bills: every line that either has. What `base_…` does not say is as of the other bill."""
    current = question_of(query)
    base = _base(query, current)
    applied = await wait_until_applied(services, {name: getattr(query, name) for name in _POSITIONS})

    async def work(there: Services) -> JSONResponse:
        return answer(side_by_side(*await make_two(there, base, current, applied.position)), applied.position)

    return await reads.bill(work)


def _base(query: CompareParameters, current: BillQuery) -> BillQuery:
    """The question of the base. Raises FieldsRefused: each fault by the name that it was given under."""
    given: dict[str, Any] = {name: value for name in _OF_BASE if (value := getattr(query, f"base_{name}")) is not None}
    if not given:
        message = "is required, or base_usage_known_at, or base_since and base_until: what to compare with"
        raise FieldsRefused(FieldFault("base_known_at", message))
    if missing := [name for name in ("since", "until") if name not in given and {"since", "until"} & given.keys()]:
        raise FieldsRefused(*(FieldFault(f"base_{name}", "is required: a period has both ends") for name in missing))
    base = replace(current, **given)
    if found := faults(base):
        named = [f"base_{fault.field}" if fault.field in given else fault.field for fault in found]
        raise FieldsRefused(*(FieldFault(name, fault.detail) for name, fault in zip(named, found, strict=True)))
    return base
