"""An import of prices: what would happen to each, and the prices set. It may be repeated: what is there is left."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from registry.errors import Conflict, FieldsRefused, Forbidden
from registry.log.event_log import Caller
from registry.prices.book import Book
from registry.prices.commands import When
from registry.prices.importing.rows import PriceRow
from registry.prices.service import PriceQueries, PriceService
from registry.prices.terms import NewPrice
from registry.progress import Progress

Outcome = Literal["set", "changed", "left", "left_out", "refused"]
# So many are set at once: they share transactions.
_TOGETHER: Final = 100


@dataclass(frozen=True, slots=True)
class PriceItem:
    """What becomes of a row: set, changed, left as it is, left out of the import, or refused; and why."""

    line: int
    name: str
    price_id: str | None
    model: str | None
    provider: str | None
    outcome: Outcome
    detail: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class PriceImport:
    """One import of the rows of a file, with one instant of effect and reason."""

    book: PriceQueries
    prices: PriceService
    rows: Sequence[PriceRow]
    when: When
    caller: Caller

    async def plan(self) -> list[PriceItem]:
        """What would become of each row, in the order of the file, by the prices that there are. Raises Busy."""
        states, then = await self.book.all()
        book = Book(states)
        return [_item(row, *self._outcome(book, row, then.at)) for row in self.rows]

    async def apply(self, plan: Sequence[PriceItem]) -> AsyncIterator[Progress | PriceItem]:
        """Set what is new or changed; yields progress, and each row that is refused after all. Raises Busy.

        Each price is set in a transaction of its own: cut short, run it again.
        """
        todo = [row for row, item in zip(self.rows, plan, strict=True) if item.outcome in {"set", "changed"}]
        for first in range(0, len(todo), _TOGETHER):
            some = todo[first : first + _TOGETHER]
            for row, why in zip(some, await asyncio.gather(*map(self._set, some)), strict=True):
                if why is not None:
                    yield _item(row, "refused", why)
            yield Progress("prices", first + len(some), len(todo))

    def _outcome(self, book: Book, row: PriceRow, now: datetime) -> tuple[Outcome, str | None]:
        if row.left_out is not None:
            return "left_out", row.left_out
        if row.faults or row.price is None:
            return "refused", "; ".join(f"{fault.field} {fault.message}" for fault in row.faults)
        there = book.has(row.price.price_id)
        try:
            decided = book.set(row.price, self.when, now)
        except (Conflict, FieldsRefused, Forbidden) as error:
            return "refused", str(error)
        return ("left" if not decided else "changed" if there else "set"), None

    async def _set(self, row: PriceRow) -> str | None:
        """Why it is refused, if it is."""
        price: NewPrice | None = row.price
        if price is None:
            return "is no price"
        try:
            await self.prices.set(price, self.when, self.caller)
        except (Conflict, FieldsRefused) as error:
            return str(error)
        return None


def counts(items: Sequence[PriceItem]) -> Iterator[tuple[str, int]]:
    """How many rows have each outcome."""
    found = Counter(item.outcome for item in items)
    outcomes: tuple[Outcome, ...] = ("set", "changed", "left", "left_out", "refused")
    return ((outcome, found[outcome]) for outcome in outcomes)


def _item(row: PriceRow, outcome: Outcome, detail: str | None) -> PriceItem:
    price = row.price
    if price is None:
        return PriceItem(row.line, row.name, None, None, None, outcome, detail, row.note)
    return PriceItem(row.line, row.name, price.price_id, price.model, price.provider, outcome, detail, row.note)
