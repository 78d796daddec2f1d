"""Two bills that are to be compared: over the same rows of the gateway, where they are of one period."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from keyledger.http.billing.usage import make_bill
from keyledger.runtime.services import Services
from projections.billing.bill import Bill
from projections.billing.compare import same_usage
from projections.billing.query import BillQuery
from registry.errors import Busy

_TRIES: Final = 3


async def make_two(services: Services, base: BillQuery, current: BillQuery, applied_position: int) -> tuple[Bill, Bill]:
    """Both bills. Raises Busy where rows of their one period keep arriving, and what `make_bill` raises."""
    return await alike(
        lambda: make_bill(services, base, applied_position),
        lambda: make_bill(services, current, applied_position),
        one_usage=_of_one_usage(base, current),
    )


async def alike(
    base: Callable[[], Awaitable[Bill]], current: Callable[[], Awaitable[Bill]], *, one_usage: bool = True
) -> tuple[Bill, Bill]:
    """Both bills; with `one_usage` over the same rows. Raises Busy where rows of their period keep arriving."""
    for _ in range(_TRIES):
        two = await base(), await current()
        if not one_usage or same_usage(*two):
            return two
    raise Busy("the gateway writes rows of this period, so bills differ by more than the log: ask when it is over")


def _of_one_usage(base: BillQuery, current: BillQuery) -> bool:
    return all(getattr(base, name) == getattr(current, name) for name in ("since", "until", "usage_known_at"))
