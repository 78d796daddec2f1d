"""Calls on bills. `since` is inclusive and `until` exclusive; `wait_for` is a position that the bill must hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from keyledger.client.call import Call, Instant, Page, query_of
from keyledger.client.model.bills import Bill, BillComparison, BilledInference, WhatIf

# More than the registry lets a statement take by default.
_LONG_S: Final = 330.0


def show_bill(
    *,
    since: Instant,
    until: Instant,
    group_by: Sequence[str] = (),
    known_at: int | None = None,
    usage_known_at: int | None = None,
    tag: Sequence[str] = (),
    key: str | None = None,
    time_zone: str | None = None,
    wait_for: int | None = None,
) -> Call[Bill]:
    """The bill of a period, or of one `key` alone; with `known_at` and `usage_known_at` it never changes again."""
    query = query_of(
        group_by=group_by,
        since=since,
        until=until,
        known_at=known_at,
        usage_known_at=usage_known_at,
        tag=tag,
        key=key,
        time_zone=time_zone,
        wait_for=wait_for,
    )
    return Call("GET", "/billing/usage", Bill, query, timeout_s=_LONG_S)


def compare_bills(
    bill: Call[Bill],
    *,
    base_known_at: int | None = None,
    base_usage_known_at: int | None = None,
    base_since: Instant | None = None,
    base_until: Instant | None = None,
) -> Call[BillComparison]:
    """A bill and the same as it was known before, or of another period, side by side."""
    base = query_of(
        base_known_at=base_known_at,
        base_usage_known_at=base_usage_known_at,
        base_since=base_since,
        base_until=base_until,
    )
    return Call("GET", "/billing/compare", BillComparison, {**bill.query, **base}, timeout_s=_LONG_S)


def list_billed_inferences(
    bill: Call[Bill], *, by: Sequence[str] = (), bucket: str | None = None, limit: int | None = None
) -> Call[Page[BilledInference]]:
    """The inferences behind a line of a bill, oldest first. `by` is `name:value`, or a name alone for its None."""
    query = {**bill.query, **query_of(by=by, bucket=bucket, limit=limit)}
    return Call("GET", "/billing/inferences", Page[BilledInference], query, timeout_s=_LONG_S)


def what_if(change: Call[Any], *, group_by: Sequence[str] = ()) -> Call[WhatIf]:
    """What an edit of tags, or the setting or end of a price, would do to bills. It changes nothing."""
    query = {**change.query, **query_of(what_if=True, group_by=group_by)}
    return replace(change, query=query, answer=WhatIf, changes=False, timeout_s=_LONG_S)
