"""How far the log is, how far each publisher and projector has followed, and what is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from keyledger.runtime import read_side as ledger
from keyledger.runtime.read_side import NOT_READ, ReadSide, ReadSideSeen
from keyledger.runtime.registry import Registry, clock_bounds
from projections.ledger.alarms import Alarm
from projections.ledger.store import Frontier
from registry.db.write_path import write_path_fault
from registry.log.clock_watch import ClockBounds
from registry.log.event_log import Head
from registry.queries import GatewayProgress, Queries, Seen, TopicProgress

__all__ = ["ReadSide", "Status", "status_of"]


@dataclass(frozen=True, slots=True)
class ProjectorStatus:
    """How far one follower of the log is: `lag_s` is the age of the oldest event that it has not done."""

    name: str
    applied: int
    lag_positions: int
    lag_s: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """How far the relay of a topic is."""

    topic: str
    published: int
    lag_positions: int
    lag_s: float
    failure: str | None


@dataclass(frozen=True, slots=True)
class Redelivered:
    """True events that came to the projector once more after they were applied, in the last thirty days: harmless."""

    count: int
    greatest_position: int | None


@dataclass(frozen=True, slots=True)
class GatewayStatus:
    """What the sync has found in a gateway's table of keys; how far it is stands with the projectors.

    `index_missing`: the table is large, and no index serves its look-up. `without_hash` credentials can't be written.
    """

    name: str
    drift_repaired: int
    without_hash: int
    index_missing: bool
    reconciled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """The log's head, who follows it, and what is wrong: nothing, when `alarms` is empty.

    What ClickHouse knows, the projector of its ledger, dead letters and what was redelivered, is missing where it was
    not asked or did not answer; an alarm says the latter.
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
    return NOT_READ if read_side is None else await ledger.look(read_side)


async def _status(registry: Registry, looking: asyncio.Task[ReadSideSeen]) -> Status:
    # The log first: a ClickHouse that is slow to answer must not use up the time that the log has.
    found = await _of_write_path(registry)
    head, seen = await registry.log.head(), await registry.queries.seen()
    publishers = tuple(_publisher(one, head, seen) for one in await registry.queries.published())
    found += [_publisher_alarm(one) for one in publishers if one.failure]
    found += await _of_clocks(clock_bounds(registry.settings), registry.queries, head, seen)
    gateways = await registry.queries.gateways_synced()
    found += [_gateway_alarm(one) for one in gateways if one.failure]
    there = await looking
    projectors: tuple[ProjectorStatus, ...] = ()
    if (frontier := there.frontier) is not None:
        projectors = (await _projector(registry, frontier, head, seen),)
        found += await ledger.log_changed(registry.log, frontier)
    projectors += tuple(_gateway(one, head, seen) for one in gateways)
    return Status(
        str(registry.log.log_id),
        head.position,
        head.recorded_at,
        publishers,
        projectors,
        there.dead_letters_open,
        None if frontier is None else _redelivered(frontier),
        (*found, *there.alarms),
        tuple(_gateway_found(one) for one in gateways),
    )


async def _projector(registry: Registry, frontier: Frontier, head: Head, seen: Seen) -> ProjectorStatus:
    waiting = await registry.log.read(frontier.applied.position, 1)
    lag_s = (seen.now - waiting[0].recorded_at).total_seconds() if waiting else 0.0
    lag = max(0, head.position - frontier.applied.position)
    return ProjectorStatus(
        "clickhouse", frontier.applied.position, lag, round(max(0.0, lag_s), 3), frontier.failure or None
    )


async def _of_write_path(registry: Registry) -> list[Alarm]:
    """What keeps changes from being recorded, but for the clocks."""
    found = []
    if (fault := await write_path_fault(registry.engine)) is not None:
        what, _, fix = fault.partition(": ")
        found.append(Alarm("write_path", f"no change is recorded: {what}", None, fix, "serve"))
    if (refusal := registry.refusal()) is not None:
        fix = "make room: changes are accepted again by themselves"
        found.append(Alarm("changes_refused", str(refusal), None, fix))
    return found


async def _of_clocks(bounds: ClockBounds, queries: Queries, head: Head, seen: Seen) -> list[Alarm]:
    """The faults of the clocks that refuse changes: see registry/log/clock_watch.py."""
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


def _gateway(one: GatewayProgress, head: Head, seen: Seen) -> ProjectorStatus:
    lag_s = 0.0 if one.waiting_since is None else max(0.0, (seen.now - one.waiting_since).total_seconds())
    lag = max(0, head.position - one.synced.position)
    return ProjectorStatus("gateway", one.synced.position, lag, round(lag_s, 3), one.failure)


def _gateway_found(one: GatewayProgress) -> GatewayStatus:
    return GatewayStatus(one.gateway, one.drift_repaired, one.without_hash, one.index_missing, one.reconciled_at)


def _gateway_alarm(one: GatewayProgress) -> Alarm:
    fix = "mend what it says: the sync goes on by itself. docs/gateway-sync.md"
    return Alarm("gateway_stopped", f"the gateway's table of keys: {one.failure}", one.synced.position + 1, fix, "sync")


def _publisher(one: TopicProgress, head: Head, seen: Seen) -> PublisherStatus:
    lag_s = 0.0 if one.waiting_since is None else max(0.0, (seen.now - one.waiting_since).total_seconds())
    at = one.published.position
    return PublisherStatus(one.topic, at, max(0, head.position - at), round(lag_s, 3), one.failure)


def _publisher_alarm(one: PublisherStatus) -> Alarm:
    fix = "see the log of keyledger publish"
    return Alarm("publisher_stopped", f"{one.topic}: {one.failure}", one.published + 1, fix, "relay")


def _redelivered(frontier: Frontier) -> Redelivered:
    return Redelivered(frontier.redelivered, frontier.redelivered_position if frontier.redelivered else None)
