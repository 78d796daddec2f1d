"""One look at the gateway's tables: takes the rows of parts that are new, and makes entries of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Self

from projections.engine.templates import sql
from projections.usage.journal.batches import BATCH_ROWS, Batches
from projections.usage.journal.countdown import Countdown
from projections.usage.journal.parts import Ledger
from projections.usage.journal.state import Folded, Journal
from projections.usage.journal.taking import Taking

logger = logging.getLogger(__name__)

TAKE_ROWS: Final = 500_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the collector looks, and how many rows one insert and one batch may have: they bound its memory."""

    poll_s: float = 0.5
    take_rows: int = TAKE_ROWS
    batch_rows: int = BATCH_ROWS


class Collecting:
    """What one collector knows while it is the only one. Methods raise ClickHouseError.

    `alive` is called between the steps of long work, and may raise to end it: nothing is lost, nothing counts twice.
    `alone`: whatever collected before has ended with its process, or in this one. So it is where the engine is ours.
    """

    def __init__(
        self,
        journal: Journal,
        pace: Pace | None = None,
        alive: Callable[[], None] = lambda: None,
        *,
        alone: bool = False,
    ) -> None:
        self.journal = journal
        self.alive = alive
        self._pace = pace or Pace()
        self._countdown = Countdown()
        self._taking = Taking(journal, Ledger(), 0, rows=self._pace.take_rows)
        self._batches = Batches(journal, Folded(), 0, rows=self._pace.batch_rows)
        self._outdated = True
        self._fenced = alone

    @classmethod
    async def begun(
        cls,
        journal: Journal,
        pace: Pace | None = None,
        alive: Callable[[], None] = lambda: None,
        *,
        alone: bool = False,
    ) -> Self:
        """Begin. What another collector began and did not finish never counts; what it took is taken."""
        made = cls(journal, pace, alive, alone=alone)
        await made._begin()
        return made

    def outdate(self) -> None:
        """The journal is about to be written by who has it to itself: the next look begins again from its tables."""
        self._outdated = True

    async def _begin(self) -> None:
        journal, names, clickhouse = self.journal, self.journal.names, self.journal.clickhouse
        await journal.id()
        await clickhouse.insert_select(f"{names.journal}.usage_attempt_v1", sql("queries/journal/give_up", names))
        await clickhouse.command(f"TRUNCATE TABLE {names.journal}.usage_recount_v1")
        state, ledger = await journal.state(), Ledger(await journal.taken())
        if not self._fenced:
            # Who led before may be about to begin a batch, and not know yet that it leads no more: it would be this.
            row = (state.attempt + 1, True)
            await clickhouse.insert(f"{names.journal}.usage_attempt_v1", [row], ("batch", "given_up"))
            state = replace(state, attempt=state.attempt + 1)
            self._fenced = True
        self._taking = Taking(journal, ledger, state.take, rows=self._pace.take_rows)
        self._batches = Batches(journal, state.folded, state.attempt, rows=self._pace.batch_rows)
        self._outdated = False

    @property
    def batch(self) -> int:
        """The last batch that counts."""
        return self._batches.folded.batch

    async def write_off(self, kind: str, ids: str) -> None:
        """See Taking; the next look makes the entries."""
        await self._taking.write_off(kind, ids)

    async def look(self) -> None:
        """Take and count all that is there."""
        if self._outdated:
            await self._begin()
        while True:
            parts = await self.journal.parts()
            await self._taking.forget(parts)
            self._say("copied", self._taking.ledger.missing(parts))
            if not self._taking.ledger.lacking(parts):
                break
            self.alive()
            await self._taking.next(parts)
        folded = self._batches.folded
        if folded.take_to == self._taking.take and folded.complete:
            return
        rows = left = await self.journal.waiting(folded)
        while await self._batches.next(self._taking.take, rows):
            self.alive()
            left = max(left - self._batches.rows, 0)
            self._say("entered", left)

    def _say(self, what: str, left: int) -> None:
        """Long work shows progress in the log."""
        if (words := self._countdown.left(left)) is not None:
            logger.info("usage: %s %s", what, words)
