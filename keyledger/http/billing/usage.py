"""GET /billing/usage: reads the question strictly, waits until enough of the log is applied, and asks for the bill."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from keyledger.http.answer.answers import answer
from keyledger.http.answer.problem import documented
from keyledger.http.billing import csv_answer
from keyledger.http.dependencies import OF_CALLERS, ConfinedBillReader, Services
from keyledger.http.reads import Reads
from keyledger.http.request.field_types import Instant
from keyledger.http.request.max_age import max_age_of
from keyledger.http.request.query_params import MAX_FILTERS, KnownAt, Strict, UsageKnownAt, WaitForPosition, tag_filters
from projections.billing.bill import AgedBill, Bill, bill_at_hand, compute_bill
from projections.billing.limits import BillLimits
from projections.billing.query import MAX_GROUP_BY, WORDS, BillQuery, faults
from projections.billing.recent_bills import RecentBills
from projections.billing.statement.scope import Scope
from projections.billing.statement.ways import credentials_of_key
from projections.billing.tag_names import unknown_names
from projections.errors import TooManyLines
from projections.ledger.applied import wait_until_applied as wait_for_ledger
from registry.auth import Principal
from registry.errors import Busy, FieldFault, FieldsRefused, Forbidden
from registry.keys.secrets import PUBLIC_ID
from registry.log.log_position import LogPosition

WAIT_S = 30.0
AGE_HEADER: Final = "Age"
_POSITIONS: Final = ("known_at", "usage_known_at", "wait_for")

router = APIRouter(prefix="/billing", tags=["billing"], dependencies=OF_CALLERS)


class BillQuestion(Strict):
    """What bill is asked for."""

    group_by: list[str] = Field(
        [],
        max_length=MAX_GROUP_BY,
        description="a tag's name, or model, provider, function, hour, day, month",
        examples=[["customer_id"]],
    )
    since: Instant = Field(description="inclusive", examples=["2026-03-01T00:00:00Z"])
    until: Instant = Field(description="exclusive", examples=["2026-04-01T00:00:00Z"])
    known_at: KnownAt = None
    usage_known_at: UsageKnownAt = None
    tag: list[str] = Field(
        [], max_length=MAX_FILTERS, description="name:value; all must hold", examples=[["customer_id:acme"]]
    )
    time_zone: str = Field(
        "UTC", max_length=64, description="IANA name, for hour, day and month", examples=["Europe/Berlin"]
    )
    key: str | None = Field(
        None,
        pattern=f"^{PUBLIC_ID.pattern}$",
        description="the id of any credential of a key: what that key used alone, coverage and usage too",
        examples=["k3yPubl1cId0"],
    )
    wait_for: WaitForPosition = None


class BillParameters(BillQuestion):
    """The bill, and how its CSV is to look."""

    round: bool = Field(
        False,
        description="of the CSV: round each amount of a line, half to even, to the minor unit of its currency",
        examples=[True],
    )


class NotYetApplied(Busy):
    """The position asked for is not applied yet: try again."""


@router.get(
    "/usage",
    response_model=Bill,
    # CSV is no kind of the answer in the document: clients would be given text or a bill, and know neither.
    responses=documented(409, 422),
    openapi_extra={"x-repeatable": ["group_by", "tag"]},
)
async def show_bill(
    services: Services,
    reads: Reads,
    principal: ConfinedBillReader,
    query: Annotated[BillParameters, Query()],
    request: Request,
) -> Response:
    """Show the bill of a period. Each inference counts by the tags that its key had at the inference's own instant.

    With `Accept: text/csv`, the lines alone as CSV by RFC 4180. With `Cache-Control: max-age=2`, what was made for the
    same question in the last two seconds will do: such an answer waits for nothing, and says its age as `Age`.
    """
    question, csv = _within(principal, question_of(query)), csv_answer.wants_csv(request.headers.get("accept"))
    csv_answer.check_question(question, csv=csv, rounding=query.round)

    def shown(bill: Bill, position: int) -> Response:
        if csv:
            return csv_answer.csv_answer(bill, position, rounding=query.round)
        as_json = answer(bill, position)
        as_json.headers.update(csv_answer.VARY)
        return as_json

    async def made(there: Services) -> Response:
        bill = await make_bill(there, question, applied.position, there.recent_bills)
        return await asyncio.to_thread(shown, bill, applied.position)

    max_age = max_age_of(request.headers.get("cache-control"))
    if max_age is not None:
        aged = await reads.page(lambda there: _at_hand(there, question, max_age))
        if aged is not None and aged.bill.position >= (query.wait_for or 0):
            response = shown(aged.bill, aged.bill.position)
            response.headers[AGE_HEADER] = str(int(aged.age_s))
            return response
    applied = await wait_until_applied(services, {name: getattr(query, name) for name in _POSITIONS})
    return await reads.bill(made)


def _within(principal: Principal, question: BillQuery) -> BillQuery:
    """The question, of what a confined caller may see. Raises Forbidden where bills can't be confined so."""
    within = principal.confined_to
    if within is None:
        return question
    if (
        within.organization is not None
        or within.workspace is not None
        or any(name in WORDS for name, _ in question.tags)
    ):
        raise Forbidden("the token is confined: bills are confined by tags alone")
    return replace(question, tags=tuple(dict.fromkeys([*question.tags, *within.tags.items()])), within=True)


async def _at_hand(services: Services, question: BillQuery, max_age_s: int) -> AgedBill | None:
    if services.recent_bills is None or question.usage_known_at is not None:
        return None

    async def applied() -> int:
        return (await services.store.applied()).position

    aged = bill_at_hand(services.recent_bills, question, max_age_s, applied, limits_of(services))
    # An empty one of a key may be of none, which has to be looked up.
    return None if aged is not None and question.key is not None and not aged.bill.usage.rows else aged


def question_of(query: BillQuestion) -> BillQuery:
    """The question that the parameters ask. Raises FieldsRefused: all faults."""
    question = BillQuery(
        tuple(query.group_by),
        query.since,
        query.until,
        query.known_at,
        time_zone=query.time_zone,
        usage_known_at=query.usage_known_at,
        key=query.key,
    )
    return checked(question, query.tag)


async def make_bill(
    services: Services, question: BillQuery, applied_position: int, recent: RecentBills | None = None
) -> Bill:
    """The bill, within the limits of the settings. With `recent` it may know more applied than the position.

    Raises FieldsRefused for one by tags that no key has ever had, of a key that there never was, and for one that would
    be too long.
    """
    await refuse_unknown_names(services, question, applied_position)
    bill = await bill_within_limits(services, question, applied_position, recent=recent)
    if not bill.usage.rows:
        await refuse_unknown_key(services, question, applied_position)
    return bill


async def refuse_unknown_key(services: Services, question: BillQuery, applied_position: int) -> None:
    """Raise FieldsRefused for a key that there never was. One that was used there was."""
    if question.key is None or question.within:  # who is confined does not learn which keys others have
        return
    position = _position_of(question, applied_position)
    ids, _ = await credentials_of_key(services.clickhouse, Scope(services.names), question.key, position)
    if not ids:
        raise FieldsRefused(FieldFault("key", f"is the id of no key up to position {position}"))


async def refuse_unknown_names(
    services: Services, question: BillQuery, applied_position: int, scope: Scope | None = None
) -> None:
    """Raise FieldsRefused for tags that no key has ever had."""
    names = {name for name in question.group_by if name not in WORDS} | {name for name, _ in question.tags}
    known = services.recent_bills.tag_names if question.pinned_at is None and services.recent_bills else set()
    if names <= known:
        return
    position = _position_of(question, applied_position)
    if unknown := await unknown_names(services.clickhouse, scope or Scope(services.names), question, position):
        raise FieldsRefused(*(FieldFault(fault.field, fault.detail) for fault in unknown))
    if scope is None:
        known |= names


def _position_of(question: BillQuery, applied_position: int) -> int:
    return applied_position if question.pinned_at is None else question.pinned_at


async def bill_within_limits(
    services: Services,
    question: BillQuery,
    applied_position: int,
    scope: Scope | None = None,
    recent: RecentBills | None = None,
) -> Bill:
    """The bill, whatever its names. Raises FieldsRefused for one that would be too long."""
    limits = limits_of(services)
    try:
        return await compute_bill(
            services.clickhouse, services.names, question, applied_position, limits, scope, recent
        )
    except TooManyLines as error:
        raise FieldsRefused(FieldFault("group_by", str(error))) from error


def limits_of(services: Services) -> BillLimits:
    """What one bill may take, by the settings."""
    settings = services.settings
    return BillLimits(settings.bill_lines_max, settings.bill_timeout_s, settings.bill_memory_mib << 20)


def checked(question: BillQuery, filters: Sequence[str]) -> BillQuery:
    """The question with its `name:value` filters, before anything waits for it. Raises FieldsRefused: all faults."""
    pairs = dict.fromkeys(filters)
    tag_filters(list(pairs))
    tags = tuple((name, value) for name, _, value in (pair.partition(":") for pair in pairs))
    question = replace(question, tags=tags)
    if found := faults(question):
        raise FieldsRefused(*(FieldFault(fault.field, fault.detail) for fault in found))
    return question


async def wait_until_applied(services: Services, asked: Mapping[str, int | None]) -> LogPosition:
    """What is applied once it holds the positions asked for, each by its field.

    Raises FieldsRefused for one beyond the head, NotYetApplied when it takes too long.
    """
    wanted = {field: position for field, position in asked.items() if position is not None}
    applied = await services.store.applied()
    needed = max(wanted.values(), default=0)
    if needed <= applied.position:
        return applied
    head = (await services.registry.log.head()).position
    beyond = [FieldFault(field, f"is beyond the head of the log, {head}") for field in wanted if wanted[field] > head]
    if beyond:
        raise FieldsRefused(*beyond, position=head)
    applied = await wait_for_ledger(services.store, needed, WAIT_S)
    if applied.position < needed:
        message = f"position {needed} is not applied yet, {applied.position} is: try again, or see `keyledger status`"
        raise NotYetApplied(message, position=applied.position)
    return applied
