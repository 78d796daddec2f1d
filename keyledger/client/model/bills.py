"""Bills, their comparison, and the inferences behind a line. Money is exact, and None where it is not known."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

BucketName = Literal["keyed", "outside_key_life", "unknown_key", "unkeyed", "orphan", "batch", "bad_id"]


class Charge(msgspec.Struct, frozen=True):
    """What the price book makes of usage, in one currency."""

    currency: str
    amount: Decimal


class PriceCharge(Charge, frozen=True, kw_only=True):
    """The part of a charge that one price makes."""

    price_id: str


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a line."""

    inferences: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cached_output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Decimal | None
    unpriced: int
    charges: list[Charge]
    unrated: int


class Line(Figures, frozen=True, kw_only=True):
    """A line: `by` has the value of each name that the bill is grouped by."""

    by: dict[str, str | None]


class CoverageBucket(Figures, frozen=True, kw_only=True):
    """One of the seven buckets of all that the gateway recorded."""

    bucket: BucketName


class AfterNow(msgspec.Struct, frozen=True):
    """Rows that are dated after now."""

    rows: int
    latest: datetime | None


class Usage(msgspec.Struct, frozen=True):
    """The usage that a bill is made of."""

    rows: int
    seen_until: datetime | None
    fingerprint: str
    conflicting_duplicates: int
    uncollected: int
    anchored_at: int | None
    after_now: AfterNow


class ComparedBill(msgspec.Struct, frozen=True, kw_only=True):
    """The question of a bill, and the usage that it is made of."""

    position: int
    known_at: int | None
    usage_known_at: int | None
    since: datetime
    until: datetime
    time_zone: str
    tzdata_version: str | None
    group_by: list[str]
    tag: list[str]
    key: str | None
    usage: Usage


class Bill(ComparedBill, frozen=True, kw_only=True):
    """A bill: `lines` sum to `total`; `coverage` has all that the gateway recorded."""

    lines: list[Line]
    total: Figures
    late_lines: list[Line]
    coverage: list[CoverageBucket]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of both bills, and the difference."""

    base: Figures | None
    current: Figures | None
    difference: Figures


class ComparedLine(Compared, frozen=True, kw_only=True):
    """A line that either bill has."""

    by: dict[str, str | None]


class BillComparison(msgspec.Struct, frozen=True):
    """Two bills side by side."""

    base: ComparedBill
    current: ComparedBill
    lines: list[ComparedLine]
    total: Compared


class BilledInference(Figures, frozen=True, kw_only=True):
    """An inference behind a line."""

    inference_id: UUID
    at: datetime | None
    public_id: str
    credential_id: str
    tags: dict[str, str]
    bucket: BucketName
    by: dict[str, str | None]
    models: list[str]
    prices: list[PriceCharge]


class WouldBeEvent(msgspec.Struct, frozen=True):
    """An event that a change would append."""

    type: str
    effective_at: datetime
    data: dict[str, Any]


class WhatIf(msgspec.Struct, frozen=True):
    """What a change would do to bills."""

    position: int
    since: datetime
    until: datetime
    group_by: list[str]
    events: list[WouldBeEvent]
    lines: list[ComparedLine]
    total: Compared
    late_lines: list[ComparedLine]
