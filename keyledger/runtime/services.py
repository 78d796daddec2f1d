"""Both sides of one process: the registry that is written, and ClickHouse that is read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from keyledger.runtime.connections import clickhouse_client, clickhouse_names
from keyledger.runtime.gateway import GatewayPlace
from keyledger.runtime.registry import Registry, open_registry
from keyledger.runtime.serving.reading import Reading
from keyledger.runtime.status import Status, status_of
from keyledger.runtime.watching.read_side import PATIENCE_S, ReadSide
from keyledger.settings import Settings
from projections.billing.recent_bills import RecentBills
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.presence import Presence
from projections.ledger.store import Store
from projections.usage.gateway_count import GatewayCounts
from projections.usage.journal.books import Books, OwnBooks
from projections.usage.journal.state import Journal
from registry.log.append.limits import Refusal, nothing_refused

# Less than `RecentStatus` waits, so that the status is there in time without a ClickHouse that hangs.
_PROBE_S: Final = 1.7


@dataclass(frozen=True, slots=True)
class Services:
    """The registry with the read side, open."""

    registry: Registry
    clickhouse: ClickHouse
    names: Names
    store: Store
    letters: DeadLetters
    presence: Presence
    reading: Reading[Services] | None = None
    counts: GatewayCounts | None = None  # where the gateway's metrics are given
    look: ClickHouse | None = None  # for the status: it gives up sooner than others
    journal: Journal | None = None  # for a collector
    recent_bills: RecentBills | None = None
    books: Books | None = None  # where this process alone writes into the gateway's tables, in the embedded engine

    @property
    def settings(self) -> Settings:
        """What the process was made with."""
        return self.registry.settings

    async def status(self, clickhouse_s: float = PATIENCE_S) -> Status:
        """How far everything is, and what is wrong; ClickHouse is waited for `clickhouse_s`. Raises Busy."""
        if not self.clickhouse.is_set:
            return await status_of(self.registry)
        limits = self.settings.dead_letters_max, self.settings.hole_alarm_s
        letters, presence, look = self.letters, self.presence, self.look or self.clickhouse
        if self.look is not None:
            letters, presence = DeadLetters(look, self.names), Presence(look, self.names)
        journal = Journal(look, self.names)
        return await status_of(
            self.registry, ReadSide(self.store, letters, presence, *limits, clickhouse_s, self.counts, journal)
        )

    async def quick_status(self) -> Status:
        """The same for probes: with a ClickHouse that does not answer soon, the log's half."""
        return await self.status(_PROBE_S)


@asynccontextmanager
async def open_services(
    settings: Settings,
    database_url: str,
    clickhouse_url: str | None,
    place: GatewayPlace | None = None,
    refusal: Refusal = nothing_refused,
) -> AsyncIterator[Services]:
    """Open the log, ClickHouse and the gateway's table of keys. Raises as `open_registry` does.

    Without a URL of ClickHouse all that needs it raises ClickHouseNotSet, and the rest works.
    """
    opened = partial(_opened, settings, database_url, clickhouse_url, place, refusal)
    async with opened() as services, Reading(opened) as reading:
        yield replace(services, reading=reading)


@asynccontextmanager
async def _opened(
    settings: Settings, database_url: str, clickhouse_url: str | None, place: GatewayPlace | None, refusal: Refusal
) -> AsyncIterator[Services]:
    clickhouse = clickhouse_client(settings, clickhouse_url)
    # The projector and the look at how far it is have threads of their own: no number of bills can hold them up.
    ledger = clickhouse_client(settings, clickhouse_url)
    usage = clickhouse_client(settings, clickhouse_url)  # so has the collector
    # One that hangs must not keep a command from ending when it has said so.
    look = clickhouse_client(settings, clickhouse_url, threads=2, answer_s=PATIENCE_S / 2)
    names = clickhouse_names(settings)
    try:
        async with open_registry(settings, database_url, place, refusal) as registry:
            letters, presence = DeadLetters(ledger, names), Presence(ledger, names)
            counts = None if settings.gateway_metrics_url is None else GatewayCounts(ledger, names)
            store = Store(ledger, names, look=look)
            journal = Journal(usage, names)
            books = OwnBooks(journal) if clickhouse.is_set and clickhouse.embedded else None
            opened = Services(registry, clickhouse, names, store, letters, presence, look=look)
            yield replace(
                opened, counts=counts, journal=journal, books=books, recent_bills=RecentBills(clickhouse, names)
            )
    finally:
        for client in (clickhouse, ledger, usage, look):
            await client.close()
