"""Which price rates each model row of an inference, and what comes of it, by the log alone. Pure, and exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from audit.explain.arithmetic import ModelRow, RowCharge, charge_row
from projections.billing.figures import Charge
from registry.prices.place import ANY_MODEL
from registry.prices.state import PriceState
from registry.prices.terms import Terms

_NONE_FITS = "no price of its model, its provider and its key's tags holds at its instant"
_NO_INSTANT = "its inference has no instant, at which a price could hold"


@dataclass(frozen=True, slots=True)
class _Held:
    """A price that holds at an instant: the position of the event that set its terms, and these."""

    price: PriceState
    position: int
    terms: Terms


def rate(
    models: Sequence[ModelRow], book: Sequence[PriceState], tags: Mapping[str, str], at_ms: int | None, position: int
) -> list[RowCharge]:
    """The charge of each model row, in their order, at an instant (None: there is none), as known at a position."""
    held = [] if at_ms is None else _held(book, at_ms, position)
    charged: set[str] = set()  # what charges by the inference does it once, on the first row that it rates
    found = []
    for row in sorted(models, key=lambda one: one.id):
        fit = max((one for one in held if _fits(one.price, row, tags)), key=_how_specific, default=None)
        if fit is None:
            found.append(RowCharge(row.id, unrated=_NO_INSTANT if at_ms is None else _NONE_FITS))
            continue
        first = not row.cached and fit.price.price_id not in charged
        charged |= {fit.price.price_id} if first else set()
        found.append(charge_row(row, fit.price.price_id, fit.position, fit.terms, first=first))
    return found


def totals(charges: Sequence[RowCharge]) -> tuple[tuple[Charge, ...], int]:
    """The charges by currency, as on a bill, and how many rows are unrated."""
    amounts: dict[str, Decimal] = {}
    with localcontext(prec=100):
        for one in charges:
            if one.currency is not None:
                amounts[one.currency] = amounts.get(one.currency, Decimal(0)) + (one.amount or Decimal(0))
    unrated = sum(one.unrated is not None for one in charges)
    return tuple(Charge(currency, amounts[currency]) for currency in sorted(amounts)), unrated


def _held(book: Sequence[PriceState], at_ms: int, position: int) -> list[_Held]:
    found = []
    for price in book:
        known = price.known(position)
        change = None if known is None else known.at(at_ms)
        if change is not None and change.terms is not None:
            found.append(_Held(price, change.position, change.terms))
    return found


def _fits(price: PriceState, row: ModelRow, tags: Mapping[str, str]) -> bool:
    return (
        price.model in (ANY_MODEL, row.model)
        and price.provider in (None, row.provider)
        and all(tags.get(name) == value for name, value in price.tags.items())
    )


def _how_specific(held: _Held) -> tuple[bool, bool, int]:
    """A named model before any, a named provider before any, more tags before fewer."""
    price = held.price
    return price.model != ANY_MODEL, price.provider is not None, len(price.tags)
