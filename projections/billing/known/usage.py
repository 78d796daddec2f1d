"""Which usage a bill has: all that is collected, or what the log had anchored by a position."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from projections.billing.known.proof import batch_of_then
from projections.billing.query import BillQuery
from projections.billing.statement.scope import Scope
from projections.engine.client import ClickHouse
from projections.engine.templates import Names
from projections.together import together
from projections.usage.journal.anchoring import SOURCE
from projections.usage.journal.state import Journal, Pinned
from registry.instant import EPOCH, to_ms

DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class KnownUsage:
    """What of the journal counts, the instant that is now, and what `Usage` says of both.

    `now` is of the log where the usage is pinned: no clock may change such a bill.
    """

    pinned: Pinned
    now: datetime
    uncollected: int
    anchored_at: int | None


class _Anchor(NamedTuple):
    """The last batch that is anchored, and the position of the anchor that has all that is anchored of a period."""

    batch: int
    position: int


async def known_usage(clickhouse: ClickHouse, names: Names, query: BillQuery, applied_position: int) -> KnownUsage:
    """The usage of a bill. Raises ClickHouseError; UsageNotProved where what was known can't be brought back."""
    journal = Journal(clickhouse, names)
    if query.usage_known_at is not None:
        return await _as_known(journal, query, min(query.usage_known_at, applied_position))
    (uncollected, pinned), anchor = await together(_counted(journal), _anchor(journal, query, applied_position))
    return KnownUsage(pinned, datetime.now(UTC), uncollected, await _anchored_at(journal, query, pinned, anchor))


async def anchored_at(journal: Journal, query: BillQuery, applied_position: int, pinned: Pinned) -> int | None:
    """The position of the anchor that has all usage of a bill of now; None while some is newer."""
    return await _anchored_at(journal, query, pinned, await _anchor(journal, query, applied_position))


async def _counted(journal: Journal) -> tuple[int, Pinned]:
    """How many rows no batch has taken up, and what counts: in this order, so that none is in neither."""
    return await journal.uncollected(), await journal.pinned()


async def _as_known(journal: Journal, query: BillQuery, position: int) -> KnownUsage:
    scope = Scope(journal.names)
    parameters = {"source": SOURCE, "anchored_by": position}
    found = await journal.clickhouse.query(scope.sql("bill/anchor_at"), parameters)
    if not found:
        return KnownUsage(Pinned(0), EPOCH, 0, None)
    of_journal, batch, anchored_at, now = found[0]
    pinned = await journal.pinned()
    if UUID(str(of_journal)) == await journal.id():
        return KnownUsage(replace(pinned, batch=batch), now, 0, anchored_at)
    days = {**_days(query), "now_day": to_ms(now) // DAY_MS}
    then = {"source": SOURCE, "journal": str(of_journal), "anchored_by": anchored_at, **days}
    batch = await batch_of_then(journal, pinned, then, position)
    return KnownUsage(replace(pinned, batch=batch), now, 0, anchored_at)


async def _anchor(journal: Journal, query: BillQuery, position: int) -> _Anchor | None:
    """What is anchored as known at a position; None where nothing is."""
    scope = Scope(journal.names)
    of_journal = {"source": SOURCE, "journal": str(await journal.id()), "anchored_by": position}
    over = scope.sql("bill/anchor_over", of_journal=scope.sql("bill/of_journal").strip())
    found = await journal.clickhouse.query(over, {**of_journal, **_days(query)})
    return _Anchor(*found[0]) if found else None


async def _anchored_at(journal: Journal, query: BillQuery, pinned: Pinned, anchor: _Anchor | None) -> int | None:
    if anchor is None:
        return None
    if anchor.batch < pinned.batch:
        scope = Scope(journal.names)
        period = {"since_ms": to_ms(query.since), "until_ms": to_ms(query.until), "anchored": anchor.batch}
        newer = scope.sql("bill/newer", entries=scope.sql("bill/entries"))
        if await journal.clickhouse.query(newer, {**period, **pinned.parameters}):
            return None
    return int(anchor.position)


def _days(query: BillQuery) -> dict[str, Any]:
    """The days of the period (UTC), as days since 1970."""
    return {"first_day": to_ms(query.since) // DAY_MS, "last_day": (to_ms(query.until) - 1) // DAY_MS}
