"""How far the log is, how far each publisher and projector has followed, and what is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.verify.last import LastVerify, last_verify
from keyledger.runtime.registry import Registry, clock_bounds
from keyledger.runtime.watching.follower_status import (
    GatewayStatus,
    ProjectorStatus,
    PublisherStatus,
    Redelivered,
    gateway_alarm,
    gateway_progress,
    gateway_status,
    lags_of,
    projector_status,
    publisher_alarm,
    publisher_status,
    redelivered,
)
from keyledger.runtime.watching.part_status import (
    PartStatus,
    alarms_of_collector,
    alarms_of_lag,
    alarms_of_parts,
    expected_parts,
    states_of,
)
from keyledger.runtime.watching.read_side import NOT_READ, ReadSide, ReadSideSeen, log_changed, look
from keyledger.runtime.watching.webhook_status import (
    Attempts,
    WebhookStatus,
    alarms_of_webhooks,
    attempts_of,
    lags_of_webhooks,
    webhook_status,
)
from projections.ledger.alarms import Alarm
from projections.usage.gateway_count import GatewayCount
from projections.usage.journal.state import Behind
from registry.db.write_path import write_path_fault
from registry.log.append.clock_watch import ClockBounds
from registry.log.event_log import Head
from registry.parts.heartbeats import Heartbeats
from registry.queries import Queries, Seen
from registry.webhooks.progress import progress


@dataclass(frozen=True, slots=True)
class Status:
    """The log's head, who follows it, and what is wrong: nothing, when `alarms` is empty.

    What ClickHouse knows, the projector of its ledger, dead letters and what was redelivered, is missing where it was
    not asked or did not answer; an alarm says the latter.

    `gateway_count` is the latest comparison of what the gateway counted with its rows; None without one. `collector`:
    how far the usage journal is behind the gateway's tables. `webhook_attempts`: of all webhooks there ever were.
    """

    log_id: str
    head: int
    recorded_at: datetime | None
    publishers: tuple[PublisherStatus, ...]
    projectors: tuple[ProjectorStatus, ...]
    dead_letters_open: int | None
    redelivered: Redelivered | None
    alarms: tuple[Alarm, ...]
    gateways: tuple[GatewayStatus, ...] = ()
    parts: tuple[PartStatus, ...] = ()
    verified: LastVerify | None = None
    gateway_count: GatewayCount | None = None
    collector: Behind | None = None
    webhooks: tuple[WebhookStatus, ...] = ()
    webhook_attempts: Attempts | None = None

    @property
    def reads_clickhouse(self) -> bool:
        """Whether ClickHouse was asked, also when it did not answer."""
        return self.redelivered is not None or any(one.kind == "clickhouse_down" for one in self.alarms)


async def status_of(registry: Registry, read_side: ReadSide | None = None) -> Status:
    """Read the status; without a read side, of what PostgreSQL knows alone. Raises Busy, but not for ClickHouse."""
    looking = asyncio.create_task(_look(read_side))
    try:
        return await _status(registry, looking)
    finally:
        looking.cancel()


async def _look(read_side: ReadSide | None) -> ReadSideSeen:
    return NOT_READ if read_side is None else await look(read_side)


async def _status(registry: Registry, looking: asyncio.Task[ReadSideSeen]) -> Status:
    # The log first: a ClickHouse that is slow to answer must not use up the time that the log has.
    settings, queries = registry.settings, registry.queries
    found = await _of_write_path(registry)
    migrated = all(one.kind != "write_path" for one in found)  # else these tables may not be there yet
    beats = await Heartbeats(registry.engine).read() if migrated else []
    verified = await last_verify(registry.engine) if migrated else None
    sent = await progress(registry.engine) if migrated else []
    head, seen = await registry.log.head(), await queries.seen()
    publishers = tuple(publisher_status(one, head, seen) for one in await queries.published())
    gateways = await queries.gateways_synced()
    found += await _of_clocks(clock_bounds(settings), queries, head, seen)
    found += [publisher_alarm(one) for one in publishers if one.failure]
    found += [gateway_alarm(one) for one in gateways if one.failure]
    there = await looking
    projectors = tuple(gateway_progress(one, head, seen) for one in gateways)
    if (frontier := there.frontier) is not None:
        projectors = (await projector_status(registry.log, frontier, head, seen), *projectors)
        found += await log_changed(registry.log, frontier)
    found += there.alarms
    parts = states_of(beats, settings.part_missing_s)
    found += alarms_of_parts(parts, expected_parts(settings, beats))
    found += alarms_of_lag(lags_of(publishers, projectors, settings.kafka_topic), settings.lag_alarm_s, settings)
    found += alarms_of_collector(there.collector, settings)
    live = [one for one in sent if not one.deleted]
    found += alarms_of_lag(lags_of_webhooks(live, head, seen), settings.lag_alarm_s, settings)
    found += alarms_of_webhooks(live, seen, settings.lag_alarm_s)
    return Status(
        str(registry.log.log_id),
        head.position,
        head.recorded_at,
        publishers,
        projectors,
        there.dead_letters_open,
        None if frontier is None else redelivered(frontier),
        tuple(found),
        tuple(gateway_status(one) for one in gateways),
        tuple(parts),
        verified,
        there.gateway_count,
        there.collector,
        tuple(webhook_status(one, head, seen) for one in live),
        attempts_of(sent),
    )


async def _of_write_path(registry: Registry) -> list[Alarm]:
    """What keeps changes from being recorded, but for the clocks."""
    found: list[Alarm] = []
    if (fault := await write_path_fault(registry.engine)) is not None:
        what, _, fix = fault.partition(": ")
        found.append(Alarm("write_path", f"no change is recorded: {what}", None, fix, "serve"))
    if (refusal := registry.refusal()) is not None:
        fix = "make room: changes are accepted again by themselves"
        found.append(Alarm("changes_refused", str(refusal), None, fix))
    return found


async def _of_clocks(bounds: ClockBounds, queries: Queries, head: Head, seen: Seen) -> list[Alarm]:
    """The faults of the clocks that refuse changes: see registry/log/append/clock_watch.py."""
    ahead, behind = seen.now - datetime.now(UTC), (head.recorded_at or seen.now) - seen.now
    fix = "until then only what stops a key, a credential or a token is recorded: docs/operate.md, Clocks"
    found = []
    if ahead > bounds.ahead:
        words = f"the database's clock is {ahead.total_seconds():.0f} s ahead of this machine's"
        found.append(Alarm("clock", words, None, f"set the wrong one right; {fix}"))
    if behind > bounds.back and not ((accepted := await queries.accepted_clock()) and accepted.covers(head)):
        words = f"the database's clock is {behind.total_seconds():.0f} s behind the last event of the log"
        way_out = "set it right; if the event is dated wrongly and the clock is right, keyledger accept-clock"
        found.append(Alarm("clock", words, head.position, f"{way_out}; {fix}"))
    return found
