"""GET /billing/inferences: the inferences behind a line of a bill, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from hashlib import blake2b
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from keyledger.http.answer.answers import Page, answer
from keyledger.http.answer.problem import documented
from keyledger.http.billing.usage import (
    BillQuestion,
    limits_of,
    question_of,
    refuse_unknown_key,
    refuse_unknown_names,
    wait_until_applied,
)
from keyledger.http.dependencies import OF_CALLERS, BillReader, Services
from keyledger.http.reads import Reads
from keyledger.http.request.query_params import Cursor, Limit, numbers_of, to_cursor
from projections.billing.figures import BucketName
from projections.billing.inferences import BilledInference, Place, list_inferences
from projections.billing.line import LineQuery, line_faults
from projections.billing.query import MAX_GROUP_BY
from projections.errors import BadBillQuery
from registry.errors import FieldFault, FieldsRefused

_KIND: Final = "inferences"
_DIGITS: Final = 39  # of an id as a number

router = APIRouter(prefix="/billing", tags=["billing"], dependencies=OF_CALLERS)


class LineQuestion(BillQuestion):
    """A bill, a line of it, and a page."""

    by: list[str] = Field(
        [],
        max_length=MAX_GROUP_BY,
        description="name:value as the line has it, or a name alone for its null; of the names in group_by, "
        "which are these where it is not given",
        examples=[["customer_id:acme"]],
    )
    bucket: BucketName = Field("keyed", description="a bucket of the coverage", examples=["keyed"])
    limit: Limit = 100
    cursor: Cursor = None


@router.get(
    "/inferences",
    response_model=Page[BilledInference],
    responses=documented(409, 422),
    openapi_extra={"x-repeatable": ["group_by", "tag", "by"]},
)
async def list_billed_inferences(
    services: Services, reads: Reads, _principal: BillReader, query: Annotated[LineQuestion, Query()]
) -> JSONResponse:
    """List the inferences behind a line of a bill, in the order of their instants, each with its figures.

    The figures of all pages add up to the line. All pages are made as of the first one.
    """
    line = _line(query)
    mark = _mark(line)
    after = _place(query.cursor, mark)
    wanted = {
        "known_at": query.known_at,
        "usage_known_at": query.usage_known_at,
        "wait_for": query.wait_for,
        "cursor": after.position if after else None,
    }
    applied = await wait_until_applied(services, wanted)

    async def work(there: Services) -> JSONResponse:
        await refuse_unknown_names(there, line.bill, applied.position)
        try:
            page = await list_inferences(
                there.clickhouse, there.names, line, applied.position, query.limit, after, limits_of(there)
            )
        except BadBillQuery as error:
            raise FieldsRefused(FieldFault(error.field, error.detail)) from error
        if not page.items:
            await refuse_unknown_key(there, line.bill, applied.position)
        cursor = None if page.next is None else _cursor(page.next, mark)
        return answer(Page(page.items, cursor), applied.position)

    return await reads.bill(work)


def _line(query: LineQuestion) -> LineQuery:
    """The line that is asked for. Raises FieldsRefused: all faults."""
    by = tuple((name, value if colon else None) for name, colon, value in (one.partition(":") for one in query.by))
    grouped = query if query.group_by else query.model_copy(update={"group_by": [name for name, _ in by]})
    line = LineQuery(question_of(grouped), query.bucket, by)
    if found := line_faults(line):
        raise FieldsRefused(*(FieldFault(fault.field, fault.detail) for fault in found))
    return line


def _mark(line: LineQuery) -> int:
    """A number for the question, so that the cursor of another one is refused."""
    asked: Sequence[object] = [*(getattr(line.bill, one.name) for one in fields(line.bill)), line.bucket, line.by]
    return int.from_bytes(blake2b(repr(asked).encode(), digest_size=8).digest())


def _cursor(place: Place, mark: int) -> str:
    position, batch, at_ms, number = place
    return to_cursor(_KIND, position, batch, at_ms + 1, number, mark)


def _place(cursor: str | None, mark: int) -> Place | None:
    """The place in a cursor of this question. Raises FieldsRefused."""
    if (found := numbers_of(cursor, _KIND, 5, digits=_DIGITS)) is None:
        return None
    position, batch, at_ms, number, given = found
    if given != mark or max(position, batch, at_ms) >= 2**63 or number >= 2**128:
        raise FieldsRefused(FieldFault("cursor", "is of another question: ask what its first page was asked"))
    return Place(position, batch, at_ms - 1, number)
