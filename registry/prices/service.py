"""From a request on a price to the log, and reads of the price book."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.connection import fetch
from registry.errors import FieldsRefused, UnknownPrice
from registry.keys.as_of import Moment, moment
from registry.log import stream_state
from registry.log.event_log import Caller, EventLog, Write, Written, keeping_of
from registry.prices import sql
from registry.prices.commands import When, end_price, set_price
from registry.prices.events import price_stream
from registry.prices.place import place_of
from registry.prices.state import PriceState
from registry.prices.terms import NewPrice, price_faults
from registry.what_if import WouldBe, what_if

# What a page has of stored documents, at most, and what a read without an end starts before.
_PAGE_BYTES: Final = 2 << 20
_PAGE: Final = 1000
_BEYOND: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PriceAnswer:
    """A price with the head of the log and the clock: after a request, or at a read."""

    price: PriceState
    position: int
    now: datetime


@dataclass(frozen=True, slots=True)
class PastPrices:
    """Prices as known at a moment, whether more follow, and the head of the log."""

    prices: list[PriceState]
    moment: Moment
    position: int
    more: bool = False


class PriceService:
    """The commands on prices."""

    def __init__(self, log: EventLog) -> None:
        self._log = log

    async def set(self, price: NewPrice, when: When, caller: Caller) -> PriceAnswer:
        """Set a price; what changes nothing is not recorded. Raises FieldsRefused, Conflict, Forbidden, Busy."""
        return await self._answered(_setting(price, when, caller))

    async def set_what_if(self, price: NewPrice, when: When, caller: Caller) -> WouldBe:
        """What `set` would append. Nothing is appended. Raises what `set` raises."""
        return await what_if(self._log, _setting(price, when, caller))

    async def end(self, price_id: str, when: When, caller: Caller) -> PriceAnswer:
        """End a price. Raises UnknownPrice, FieldsRefused, Conflict, Forbidden, Busy."""
        return await self._answered(_ending(price_id, when, caller))

    async def end_what_if(self, price_id: str, when: When, caller: Caller) -> WouldBe:
        """What `end` would append. Nothing is appended. Raises what `end` raises."""
        return await what_if(self._log, _ending(price_id, when, caller))

    async def _answered(self, write: Write) -> PriceAnswer:
        return _answer(await self._log.write(replace(write, keeping=keeping_of(write.caller, _answer))))


class PriceQueries:
    """What is read of the price book. Every method raises Busy if the database can't answer now."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def price(self, price_id: str, at: datetime | None = None, known_at: int | None = None) -> PastPrices:
        """One price. Raises UnknownPrice, also where it was not set yet by then, and FieldsRefused."""
        (row,) = await fetch(self._engine, sql.PRICE, price_stream(price_id))
        then = moment(row["head"], row["now"], at, known_at)
        price = None if row["document"] is None else _price(row).known(then.known_at)
        if price is None:
            raise UnknownPrice(position=row["head"])
        return PastPrices([price], then, row["head"])

    async def all(self) -> tuple[list[PriceState], Moment]:
        """Every price, and the moment of the first page."""
        found = await self.prices(None, None, None, _PAGE)
        prices, then = found.prices, found.moment
        while found.more:
            found = await self.prices(None, None, found.prices[-1].created_position, _PAGE)
            prices = [*prices, *found.prices]
        return prices, then

    async def prices(self, at: datetime | None, known_at: int | None, before: int | None, limit: int) -> PastPrices:
        """Up to `limit` prices that were first set before position `before`, newest first. Raises FieldsRefused."""
        counts = _BEYOND if known_at is None else min(known_at, _BEYOND)
        rows = await fetch(self._engine, sql.PRICES, _BEYOND if before is None else before, counts, limit, _PAGE_BYTES)
        then = moment(rows[0]["head"], rows[0]["now"], at, known_at)
        held = [row for row in rows if row["document"] is not None]
        prices = [price for row in held if (price := _price(row).known(then.known_at)) is not None]
        more = bool(held) and held[0]["found"] > len(held)
        return PastPrices(prices, then, rows[0]["head"], more)


def _setting(price: NewPrice, when: When, caller: Caller) -> Write:
    if faults := price_faults(price):
        raise FieldsRefused(*faults)
    place = place_of(price.model, price.provider, price.tags)
    return Write(price_stream(price.price_id), partial(set_price, price, when), caller, place=place)


def _ending(price_id: str, when: When, caller: Caller) -> Write:
    return Write(price_stream(price_id), partial(end_price, when), caller)


def _price(row: dict[str, object]) -> PriceState:
    state = stream_state.load(str(row["stream"]), str(row["document"]))
    if not isinstance(state, PriceState):
        raise TypeError(f"the row of {row['stream']} holds no price")
    return state


def _answer(written: Written) -> PriceAnswer:
    if not isinstance(written.state, PriceState):
        raise TypeError("the stream of a price holds no price")
    return PriceAnswer(written.state, written.position, written.now)
