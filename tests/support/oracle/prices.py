"""The price book and what it makes of model rows, by loops over facts: CONTRACT's **Charges.**, read to the letter.

Where CONTRACT leaves a case open, this is the reading:

- A row of the bucket `bad_id` has no instant, so no price holds as of it: it is unrated.
- A price rates a row that it fits, also where it names no amount for the row's tokens (they cost nothing), and a row
  of the gateway's own cache. Only a row that no price fits, or whose price multiplies a cost that is not there, is
  unrated. A cached row needs no cost, as nothing of it is multiplied: it is charged `cached_input` and
  `cached_output` or nothing.
- Only what a price names is taken out of the input: where it names `cache_read` alone, cache writes stay in the rest.
  Counts are taken as they are: caches greater than their input leave a negative rest, and it counts.
- Two prices that tie can't be set, so a tie is an error of the test.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Literal
from uuid import UUID

from tests.support.oracle.rows import CACHE_READ, CACHE_WRITE, Row

ANY = "*"
EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])  # an error is better than a digit lost
Charge = tuple[str, Decimal]  # the currency and the amount


@dataclass(frozen=True)
class PriceFact:
    """What one event said of a price: set to this, or ended. Amounts of tokens are per million.

    A price keeps its model, provider (None: any) and tags for life, so its end repeats them.
    """

    position: int
    effective_ms: int
    price_id: str
    kind: Literal["set", "ended"] = "set"
    model: str = ANY
    provider: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    currency: str = "USD"
    input: Decimal | None = None
    output: Decimal | None = None
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cached_input: Decimal | None = None
    cached_output: Decimal | None = None
    per_inference: Decimal | None = None
    cost_multiplier: Decimal | None = None


def charges_of(
    models: Sequence[Row], tags: Mapping[str, str], at_ms: int | None, known: Iterable[PriceFact]
) -> dict[UUID, Charge | None]:
    """By model row of one inference, what it is charged; None: unrated.

    `tags` are the key's as of the instant, none where the bucket has no key's tags; `at_ms` is None without an instant.
    """
    in_effect = [] if at_ms is None else prices_at(known, at_ms)
    charges: dict[UUID, Charge | None] = {}
    charged_once: set[str] = set()
    for row in sorted(models, key=lambda row: row["id"].int):
        price = price_of(row, tags, in_effect)
        if price is None or _lacks_cost(row, price):
            charges[row["id"]] = None
            continue
        amount = _of_cached(row, price) if row["cached"] else _of_bought(row, price)
        if price.per_inference is not None and not row["cached"] and price.price_id not in charged_once:
            charged_once.add(price.price_id)
            amount = EXACT.add(amount, price.per_inference)
        charges[row["id"]] = (price.currency, amount)
    return charges


def prices_at(known: Iterable[PriceFact], at_ms: int) -> list[PriceFact]:
    """The prices in effect at an instant, by what is known: at one instant the higher position wins."""
    last: dict[str, PriceFact] = {}
    for fact in sorted(known, key=lambda fact: (fact.effective_ms, fact.position)):
        if fact.effective_ms <= at_ms:
            last[fact.price_id] = fact
    return [fact for fact in last.values() if fact.kind == "set"]


def price_of(row: Row, tags: Mapping[str, str], in_effect: Iterable[PriceFact]) -> PriceFact | None:
    """The most specific price that fits a row: a named model first, then a named provider, then more tags."""
    fitting = [price for price in in_effect if _fits(price, row, tags)]
    best = max((specificity(price) for price in fitting), default=None)
    found = [price for price in fitting if specificity(price) == best]
    assert len(found) <= 1, f"prices tie: {[price.price_id for price in found]}"
    return found[0] if found else None


def specificity(price: PriceFact) -> tuple[bool, bool, int]:
    """The greater, the more specific."""
    return price.model != ANY, price.provider is not None, len(price.tags)


def plain(amount: Decimal) -> str:
    """A plain decimal string with all digits, none of them a closing zero."""
    if amount == 0:
        return "0"
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fits(price: PriceFact, row: Row, tags: Mapping[str, str]) -> bool:
    return (
        price.model in (ANY, row["model_name"])
        and price.provider in (None, row["model_provider_name"])
        and all(tags.get(name) == value for name, value in price.tags.items())
    )


def _lacks_cost(row: Row, price: PriceFact) -> bool:
    return price.cost_multiplier is not None and not row["cached"] and row["cost"] is None


def _of_cached(row: Row, price: PriceFact) -> Decimal:
    return EXACT.add(_of(row["input_tokens"], price.cached_input), _of(row["output_tokens"], price.cached_output))


def _of_bought(row: Row, price: PriceFact) -> Decimal:
    if price.cost_multiplier is not None:
        assert price.currency == "USD", "a recorded cost is in dollars"
        return EXACT.multiply(row["cost"], price.cost_multiplier)
    rest = row["input_tokens"] or 0
    amount = _of(row["output_tokens"], price.output)
    for column, named in ((CACHE_READ, price.cache_read), (CACHE_WRITE, price.cache_write)):
        if named is not None:
            rest -= row.get(column) or 0
            amount = EXACT.add(amount, _of(row.get(column), named))
    return EXACT.add(amount, _of(rest, price.input))


def _of(tokens: int | None, per_million: Decimal | None) -> Decimal:
    """What so many tokens cost; those that nobody counted, and those whose price is not named, cost nothing."""
    return EXACT.multiply(Decimal(tokens or 0), per_million or Decimal(0)).scaleb(-6, EXACT)
