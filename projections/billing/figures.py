"""The figures of a bill: a line, a bucket, the total, and how they add up. Money is exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final, Literal, get_args

BucketName = Literal["bad_id", "batch", "orphan", "unkeyed", "unknown_key", "outside_key_life", "keyed"]
# All of them, the first that fits an inference counts.
BUCKETS: Final[tuple[BucketName, ...]] = get_args(BucketName)


@dataclass(frozen=True)
class Charge:
    """What the price book makes of usage, in one currency."""

    currency: str
    amount: Decimal


@dataclass(frozen=True)
class PriceCharge:
    """What one price makes of usage."""

    price_id: str
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Figures:
    """Counts and money. `cost_usd` is None where not one row has a cost; `charges` are in the order of currencies."""

    inferences: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cached_output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    cost_usd: Decimal | None
    unpriced: int
    charges: tuple[Charge, ...]
    unrated: int

    @property
    def figures(self) -> Figures:
        """The figures alone, of a line or a bucket too."""
        return Figures(**{name: getattr(self, name) for name in FIGURES})


FIGURES: Final = tuple(one.name for one in fields(Figures))


@dataclass(frozen=True)
class Labelled:
    """What a line is of: a value for each name that the bill is grouped by."""

    by: Mapping[str, str | None]


@dataclass(frozen=True)
class InBucket:
    """A bucket of the coverage."""

    bucket: BucketName


# The fields of the last base come first, as on a bill.
@dataclass(frozen=True)
class Line(Figures, Labelled):
    """One line."""


@dataclass(frozen=True)
class Bucket(Figures, InBucket):
    """One bucket of the coverage."""
