"""Anchors of the usage journal: every few minutes the log is given what the journal has, so that nobody can change it
unseen, and a bill can ask for the usage that was known at a position.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from projections.engine.templates import Names, sql
from projections.usage.journal.state import Journal, Pinned
from registry.usage.days import day_text
from registry.usage.events import AnchoredDay, UsageAnchored, parts_of

# The gateway whose usage it is, as the log names it: the adapter's name.
SOURCE: Final = "tensorzero"


class Anchors(Protocol):
    """What appends anchors to the log: see registry/usage/anchors.py."""

    async def anchor_usage(self, source: str, parts: Sequence[UsageAnchored]) -> Any:
        """Append the parts of one anchor, all in one transaction. Raises Busy."""


@dataclass(slots=True)
class _Last:
    """The last batch that is known to be anchored, and until when another anchor may wait (monotonic)."""

    batch: int
    until_s: float


class Anchoring:
    """Anchors one journal, at least every `every_s` seconds while usage comes. For the active collector alone.

    What was anchored last is read from the ledger at the first call, and after a failure. The ledger may be behind the
    log: then an anchor repeats days, which is harmless, and never misses one. Methods raise ClickHouseError, Busy.
    """

    def __init__(self, journal: Journal, anchors: Anchors, every_s: float, source: str = SOURCE) -> None:
        self._journal = journal
        self._anchors = anchors
        self._every_s = every_s
        self._source = source
        self._last: _Last | None = None

    async def __call__(self, batch: int) -> None:
        """Anchor what came, if it is time; `batch` is the last one that counts."""
        last = self._last or await self._read()
        if batch < last.batch:  # it is another journal now
            last = await self._read()
        if batch > last.batch and time.monotonic() >= last.until_s:
            await self._anchor(last)

    async def anchor_now(self) -> None:
        """Anchor all that counts now, unless it is anchored."""
        await self._anchor(self._last or await self._read())

    async def _anchor(self, last: _Last) -> None:
        # What counts is asked for: another collector may have taken over, and then this one's batch may not.
        pinned = await self._journal.pinned()
        if pinned.batch > last.batch:
            days = await self._days(last.batch, pinned)
            self._last = None
            await self._anchors.anchor_usage(self._source, parts_of(await self._journal.id(), pinned.batch, days))
        self._last = _Last(pinned.batch, time.monotonic() + self._every_s)

    async def _read(self) -> _Last:
        parameters = {"source": self._source, "journal": str(await self._journal.id())}
        query = sql("queries/journal/anchored", self._journal.names)
        ((batch, age_s),) = await self._journal.clickhouse.query(query, parameters)
        self._last = _Last(int(batch), time.monotonic() + self._every_s - age_s)
        return self._last

    async def _days(self, anchored: int, pinned: Pinned) -> list[AnchoredDay]:
        statement = with_days("queries/journal/anchor_days", self._journal.names)
        parameters = {"anchored": anchored, **pinned.parameters}
        return [_day(*row) for row in await self._journal.clickhouse.query(statement, parameters)]


def with_days(path: str, names: Names, **values: str) -> str:
    """A statement over the days of entries: the template `clickhouse/<path>.sql`, filled in."""
    parts = {name: sql(f"queries/journal/{name}", names).strip() for name in ("day", "day_sums", "counts")}
    return sql(path, names, **parts, **values)


def _day(day: int, *sums: Any) -> AnchoredDay:
    rows, inferences, input_tokens, output_tokens, cached_input, cached_output, cost_usd, fingerprint = sums
    name, tokens = None if day < 0 else day_text(day), (input_tokens, output_tokens, cached_input, cached_output)
    return AnchoredDay(name, rows, inferences, *tokens, f"{cost_usd:f}", f"{fingerprint:032x}")
