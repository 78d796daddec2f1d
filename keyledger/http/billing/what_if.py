"""What an edit of tags or prices would do to bills, before anything is appended: `?what_if=true` on the edit itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from keyledger.http.answer.answers import answer
from keyledger.http.billing.two_bills import alike
from keyledger.http.billing.usage import bill_within_limits, refuse_unknown_names, wait_until_applied
from keyledger.http.reads import RequestReads
from keyledger.runtime.services import Services
from projections.billing.query import MAX_GROUP_BY, BillQuery, faults
from projections.billing.statement.scope import Scope
from projections.billing.tag_names import unknown_names
from projections.billing.what_if import WouldBeEvent, period_of, scope_of, touched_tags, what_if
from registry.auth import Principal
from registry.errors import FieldFault, FieldsRefused
from registry.instant import to_ms
from registry.log.event_log import RecordedEvent
from registry.what_if import WouldBe

_CUSTOMER: Final = "customer_id"


class WhatIfQuery(BaseModel):
    """Whether only to answer what a change would do to bills."""

    what_if: bool = Field(
        False,
        description="change nothing, and answer what it would do to bills; needs billing:read as well",
        examples=[False],
    )
    group_by: list[str] = Field(
        [],
        max_length=MAX_GROUP_BY,
        description="with what_if: as of a bill; by default customer_id, else the tags in question",
        examples=[["customer_id"]],
    )

    def check(self, principal: Principal) -> bool:
        """Whether it is asked. Raises Forbidden, and FieldsRefused for what goes with it alone."""
        if self.what_if:
            principal.require("billing:read")
        elif self.group_by:
            raise FieldsRefused(FieldFault("group_by", "goes with what_if=true"))
        return self.what_if


async def answer_what_if(
    services: Services, reads: RequestReads, would_be: WouldBe, effective_at: datetime | None, group_by: list[str]
) -> JSONResponse:
    """What the events would do to the bills of the period from their instant of effect.

    Raises FieldsRefused, NotYetApplied, Busy, and what a bill raises.
    """
    default_ms = to_ms(effective_at or would_be.now)
    since, until = period_of(would_be.events, would_be.view.history, default_ms, would_be.now)
    question = BillQuery(tuple(group_by), since, until, known_at=would_be.position)
    if found := faults(question):
        raise FieldsRefused(*(FieldFault(fault.field, fault.detail) for fault in found))
    await wait_until_applied(services, {"what_if": would_be.position})

    async def work(there: Services) -> JSONResponse:
        scope = scope_of(there.names, would_be.events)
        asked = await _grouped(there, scope, question, would_be)
        base = partial(bill_within_limits, there, asked, would_be.position)
        two = await alike(base, partial(base, scope=scope)) if would_be.events else (await base(),) * 2
        return answer(what_if([_shown(one) for one in would_be.events], *two), would_be.position)

    return await reads.bill(work)


async def _grouped(services: Services, scope: Scope, question: BillQuery, would_be: WouldBe) -> BillQuery:
    """The question with names to group by. Raises FieldsRefused for those that no key has, nor would have."""
    if question.group_by:
        await refuse_unknown_names(services, question, would_be.position, scope)
        return question
    by_customer = replace(question, group_by=(_CUSTOMER,))
    if not await unknown_names(services.clickhouse, scope, by_customer, would_be.position):
        return by_customer
    return replace(question, group_by=touched_tags(would_be.events)[:MAX_GROUP_BY])


def _shown(event: RecordedEvent) -> WouldBeEvent:
    data: dict[str, Any] = json.loads(event.payload)
    return WouldBeEvent(event.type, event.effective_at, data)
