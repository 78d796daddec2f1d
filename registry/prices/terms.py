"""The terms of a price: its currency and amounts, and what they may be. One place, for the API and imports. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from registry.errors import FieldFault
from registry.keys.tags import MAX_TAGS, name_fault, value_fault
from registry.keys.tags import text_fault as bounded_fault

COUNTED: Final = ("input", "output", "cache_read", "cache_write", "cached_input", "cached_output")
MAX_NAME_BYTES: Final = 256
PRICE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_AMOUNT: Final = re.compile(r"(0|[1-9]\d{0,11})(\.\d{1,18})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)
_PLAIN: Final = "must be a plain decimal number from 0 to below 10^12 with at most 18 decimals, such as 0.15"


class Terms(msgspec.Struct, frozen=True, gc=False):
    """Currency and amounts, as plain decimal texts; those of `per_million` by what is counted."""

    currency: str
    per_million: dict[str, str]
    per_inference: str | None
    cost_multiplier: str | None

    def same(self, other: Terms) -> bool:
        """Whether they charge the same: 0.50 is 0.5."""
        return _values(self) == _values(other)


class NewPrice(msgspec.Struct, frozen=True):
    """A price as somebody wants it: what it rates, and its terms."""

    price_id: str
    model: str
    provider: str | None
    tags: dict[str, str]
    terms: Terms


def _values(terms: Terms) -> tuple[object, ...]:
    amounts = {name: Decimal(text) for name, text in terms.per_million.items()}
    others = (None if text is None else Decimal(text) for text in (terms.per_inference, terms.cost_multiplier))
    return terms.currency, amounts, *others


def price_faults(price: NewPrice) -> list[FieldFault]:
    """What is wrong with a price, by field; nothing for one that can be set."""
    return [*_selector_faults(price), *_terms_faults(price.terms)]


def amount_fault(text: str) -> str | None:
    """Why an amount is refused, or None if it is valid."""
    return None if _AMOUNT.fullmatch(text) else _PLAIN


def _selector_faults(price: NewPrice) -> Iterator[FieldFault]:
    if PRICE_ID.fullmatch(price.price_id) is None:
        message = "must be 1 to 128 letters, digits, dots, dashes and underscores, and begin with a letter or digit"
        yield FieldFault("price_id", message)
    for field, name in (("model", price.model), ("provider", price.provider)):
        if name is not None and (why := bounded_fault(name, MAX_NAME_BYTES)):
            yield FieldFault(field, why)
    if len(price.tags) > MAX_TAGS:
        yield FieldFault("tags", f"must be at most {MAX_TAGS}, as no key has more")
        return
    for name, value in price.tags.items():
        if why := name_fault(name):
            yield FieldFault(f"tags.{name[:200]}", f"the tag's name {why}")
        if why := value_fault(value):
            yield FieldFault(f"tags.{name[:200]}", why)


def _terms_faults(terms: Terms) -> Iterator[FieldFault]:
    if _CURRENCY.fullmatch(terms.currency) is None:
        yield FieldFault("currency", "must be three capital letters, such as EUR (ISO 4217)")
    for name, text in terms.per_million.items():
        if name not in COUNTED:
            yield FieldFault(f"per_million.{name[:200]}", f"must be one of {', '.join(COUNTED)}")
        elif why := amount_fault(text):
            yield FieldFault(f"per_million.{name}", why)
    for field, amount in (("per_inference", terms.per_inference), ("cost_multiplier", terms.cost_multiplier)):
        if amount is not None and (why := amount_fault(amount)):
            yield FieldFault(field, why)
    yield from _kind_faults(terms)


def _kind_faults(terms: Terms) -> Iterator[FieldFault]:
    """Which amounts go together."""
    if terms.cost_multiplier is None:
        if not terms.per_million and terms.per_inference is None:
            yield FieldFault("per_million", "must have an amount, or give per_inference or cost_multiplier")
        return
    if terms.per_million or terms.per_inference is not None:
        yield FieldFault("cost_multiplier", "stands alone: leave out per_million and per_inference")
    if terms.currency != "USD":
        yield FieldFault("currency", "must be USD with cost_multiplier: the recorded cost is in USD")


def selector_of(price: NewPrice) -> tuple[str, str | None, Mapping[str, str]]:
    """What the price keeps for life."""
    return price.model, price.provider, price.tags
