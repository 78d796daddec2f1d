"""Which line of a bill is asked about: a bucket, and a value for names that the bill is grouped by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from projections.billing.figures import BucketName
from projections.billing.labels import code
from projections.billing.query import BillQuery
from projections.errors import BadBillQuery

# The buckets that make lines.
LISTED: Final[tuple[BucketName, ...]] = ("keyed", "outside_key_life")
_TIMES: Final = {"hour": "2026-03-01T07:00:00+01:00", "day": "2026-03-01", "month": "2026-03"}
# An inference can be on several lines of these, so a line has to be named.
_SEVERAL: Final = ("model", "provider")


@dataclass(frozen=True)
class LineQuery:
    """A line of a bill, by the labels that it has there (None: null). What is not named may have any value."""

    bill: BillQuery
    bucket: BucketName = "keyed"
    by: tuple[tuple[str, str | None], ...] = ()


def line_faults(query: LineQuery) -> list[BadBillQuery]:
    """All that is wrong with what names the line; none when it can be asked."""
    named, group_by = [name for name, _ in query.by], query.bill.group_by
    if query.bucket not in LISTED:
        return [BadBillQuery("by", f"names a line, and the bucket {query.bucket} has none")] if named else []
    found = []
    if len(set(named)) < len(named):
        found.append(BadBillQuery("by", "names the same twice"))
    if not set(named) <= set(group_by):
        found.append(BadBillQuery("by", "must be of the names in group_by"))
    for name in _SEVERAL:
        if name in group_by and name not in named:
            message = f"must name a {name}, as {name}:value, or {name} for null: an inference can be on several lines"
            found.append(BadBillQuery("by", message))
    return found + [fault for name, value in query.by if (fault := _fault(name, value))]


def _fault(name: str, value: str | None) -> BadBillQuery | None:
    if name == "function" and value is None:
        return BadBillQuery("by", "must have a value for function, as function:name")
    if name in _TIMES and (value is None or code(name, value) is None):
        return BadBillQuery("by", f"must have a value for {name} as bills do: {name}:{_TIMES[name]}")
    return None


def line_condition(query: LineQuery) -> str:
    """The condition on labelled entries `a`; its values are those of `line_parameters`."""
    found = ["a.bucket = {bucket:String}", *(["a.listed"] if query.bucket in LISTED else [])]
    for name, value in query.by:
        column = query.bill.group_by.index(name)
        kind = "Int64" if name in _TIMES else "String"
        found.append(f"a.by_{column} IS NULL" if value is None else f"a.by_{column} = {{label_{column}:{kind}}}")
    return " AND ".join(found)


def line_parameters(query: LineQuery) -> dict[str, Any]:
    """The values that are bound in the condition."""
    labels = {
        f"label_{query.bill.group_by.index(name)}": code(name, value) if name in _TIMES else value
        for name, value in query.by
        if value is not None
    }
    return {"bucket": query.bucket, **labels}
