"""The bill's shape for OpenAPI; the values come from `projections.billing.bill` as they are."""

from __future__ import annotations

from pydantic import BaseModel, Field

Money = Field(examples=["0.000125"], description="a plain decimal string, exact", pattern=r"^-?\d+(\.\d+)?$")


class Total(BaseModel):
    """Counts and money."""

    inferences: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cached_output_tokens: int
    cost_usd: str = Money
    unpriced: int


class Line(Total):
    """One line."""

    by: dict[str, str | None] = Field(examples=[{"customer_id": "acme"}])


class Bucket(Total):
    """One bucket of the coverage."""

    bucket: str = Field(examples=["keyed"])


class UsageSeen(BaseModel):
    """Which usage rows there were: the same rows and the same position give the same bill."""

    rows: int
    seen_until: str | None
    fingerprint: str
    conflicting_duplicates: int


class BillOut(BaseModel):
    """The bill."""

    position: int
    known_at: int | None
    since: str
    until: str
    group_by: list[str]
    lines: list[Line]
    total: Total
    late_lines: list[Line]
    coverage: list[Bucket]
    usage: UsageSeen
