"""GET /audit/diff: what changed between two positions, sent as it is found; on request in the bill of a period too."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from audit.history.diff import diff_keys
from keyledger.http.answer.encode import encode
from keyledger.http.answer.ndjson import Part, documented_lines
from keyledger.http.answer.problem import documented
from keyledger.http.billing.two_bills import make_two
from keyledger.http.billing.usage import checked, wait_until_applied
from keyledger.http.dependencies import OF_CALLERS, Auditor, Services
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import Instant, Whole
from keyledger.http.request.query_params import MAX_FILTERS, Strict
from projections.billing.compare import BillDifference, compare
from projections.billing.query import MAX_GROUP_BY, BillQuery
from registry.errors import FieldFault, FieldsRefused
from registry.instant import from_us
from registry.progress import Progress

_LINES = documented_lines(
    "One object a line: `progress`, `item`; at the end `result`, or `error`. Without either it was cut off.",
    '{"item": {"key": {"public_id": "k3yPubl1cId0", "created": true, "changes": [], "timeline": [], "events": [42]}}}',
    '{"result": {"from": 41, "to": 42, "keys": 1, "events": 1, "other_events": 0, "bill": null}}',
)

router = APIRouter(prefix="/audit", tags=["audit"], dependencies=OF_CALLERS)


class DiffQuery(Strict):
    """Two positions, and the bill to compare, if one."""

    known_at: list[Whole] = Field(
        min_length=2, max_length=2, description="two positions, the earlier one first", examples=[[0, 12]]
    )
    since: Instant | None = Field(
        None, description="of the bill to compare, inclusive", examples=["2026-03-01T00:00:00Z"]
    )
    until: Instant | None = Field(
        None, description="of the bill to compare, exclusive", examples=["2026-04-01T00:00:00Z"]
    )
    group_by: list[str] = Field([], max_length=MAX_GROUP_BY, description="as of a bill", examples=[["customer_id"]])
    tag: list[str] = Field([], max_length=MAX_FILTERS, description="as of a bill", examples=[["customer_id:acme"]])
    time_zone: str | None = Field(
        None, max_length=64, description="as of a bill; UTC by default", examples=["Europe/Berlin"]
    )


@router.get(
    "/diff",
    response_class=StreamingResponse,
    responses={**_LINES, **documented(422)},
    openapi_extra={"x-repeatable": ["known_at", "group_by", "tag"]},
)
async def show_diff(
    services: Services, reads: Reads, _principal: Auditor, query: Annotated[DiffQuery, Query()]
) -> StreamingResponse:
    """Show what changed between two positions.

    NDJSON of the keys that changed and of the lines that differ, with the sums at the end. An item is a `key`, a
    `line` or a `late_line`.
    """
    since, until = query.known_at
    if since > until:
        raise FieldsRefused(FieldFault("known_at", "must be two positions, the earlier one first"))
    question = _question(query)
    head = await services.registry.log.head()
    if until > head.position:
        beyond = FieldFault("known_at", f"is beyond the head of the log, {head.position}")
        raise FieldsRefused(beyond, position=head.position)
    if question is not None:
        await wait_until_applied(services, {"known_at": until})
    return reads.audit(lambda there: _differences(there, since, until, question), head.position)


def _question(query: DiffQuery) -> BillQuery | None:
    """What bill is to be compared. Raises FieldsRefused for half a period, and for words on a bill without one."""
    if query.since is None or query.until is None:
        given = {"group_by": query.group_by, "tag": query.tag, "time_zone": query.time_zone}
        words = [name for name, value in given.items() if value not in (None, [])]
        if query.since is not None or query.until is not None or words:
            missing = [name for name in ("since", "until") if getattr(query, name) is None]
            raise FieldsRefused(*(FieldFault(name, "is required to compare bills") for name in missing))
        return None
    zone = "UTC" if query.time_zone is None else query.time_zone
    return checked(BillQuery(tuple(query.group_by), query.since, query.until, None, (), zone), query.tag)


async def _differences(
    services: Services, since: int, until: int, question: BillQuery | None
) -> AsyncGenerator[Part, None]:
    keys = events = 0
    engine = services.registry.engine
    async for key in diff_keys(engine, since, until, await _recorded_at(services, until)):
        keys, events = keys + 1, events + len(key.events)
        yield {"key": key}
        yield Progress("events", events, until - since)
    others = until - since - events
    yield Progress("events", until - since, until - since)
    bill: dict[str, Any] | None = None
    if question is not None:
        difference = await _compare_bills(services, question, since, until)
        for line in difference.lines:
            yield {"line": line}
        for line in difference.late_lines:
            yield {"late_line": line}
        counts = {"lines": len(difference.lines), "late_lines": len(difference.late_lines)}
        bill = {**encode(replace(difference, lines=[], late_lines=[])), **counts}
    counted = {"keys": keys, "events": events, "other_events": others}
    yield {"result": {"from": since, "to": until, **counted, "bill": bill}}


async def _recorded_at(services: Services, position: int) -> datetime:
    """When the event of a position was recorded."""
    events = await services.registry.log.read(position - 1, 1) if position else []
    return events[0].recorded_at if events else from_us(0)


async def _compare_bills(services: Services, question: BillQuery, since: int, until: int) -> BillDifference:
    """The bills as known at both positions, over the same usage. Raises Busy where rows keep arriving."""
    position = (await services.store.applied()).position
    before, after = (replace(question, known_at=known_at) for known_at in (since, until))
    return compare(*await make_two(services, before, after, position))
