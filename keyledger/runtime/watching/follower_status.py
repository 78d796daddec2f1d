"""How far each follower of the log is, and what is wrong with it. Pure, but for the log that one of them reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyledger.runtime.watching.part_status import Lag
from projections.ledger.alarms import Alarm
from projections.ledger.store import Frontier
from registry.log.event_log import EventLog, Head
from registry.queries import GatewayProgress, Seen, TopicProgress


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


async def projector_status(log: EventLog, frontier: Frontier, head: Head, seen: Seen) -> ProjectorStatus:
    """How far the ledger is. Raises Busy."""
    waiting = await log.read(frontier.applied.position, 1)
    lag_s = (seen.now - waiting[0].recorded_at).total_seconds() if waiting else 0.0
    lag = max(0, head.position - frontier.applied.position)
    return ProjectorStatus(
        "clickhouse", frontier.applied.position, lag, round(max(0.0, lag_s), 3), frontier.failure or None
    )


def gateway_progress(one: GatewayProgress, head: Head, seen: Seen) -> ProjectorStatus:
    """How far a gateway's table is."""
    lag_s = 0.0 if one.waiting_since is None else max(0.0, (seen.now - one.waiting_since).total_seconds())
    lag = max(0, head.position - one.synced.position)
    return ProjectorStatus("gateway", one.synced.position, lag, round(lag_s, 3), one.failure)


def gateway_status(one: GatewayProgress) -> GatewayStatus:
    """What the sync found there."""
    return GatewayStatus(one.gateway, one.drift_repaired, one.without_hash, one.index_missing, one.reconciled_at)


def gateway_alarm(one: GatewayProgress) -> Alarm:
    """What it waits for, or was stopped by."""
    fix = "mend what it says: the sync goes on by itself. docs/gateway-sync.md"
    return Alarm("gateway_stopped", f"the gateway's table of keys: {one.failure}", one.synced.position + 1, fix, "sync")


def publisher_status(one: TopicProgress, head: Head, seen: Seen) -> PublisherStatus:
    """How far a topic is."""
    lag_s = 0.0 if one.waiting_since is None else max(0.0, (seen.now - one.waiting_since).total_seconds())
    at = one.published.position
    return PublisherStatus(one.topic, at, max(0, head.position - at), round(lag_s, 3), one.failure)


def publisher_alarm(one: PublisherStatus) -> Alarm:
    """What its relay waits for, or was stopped by."""
    fix = "mend what it says: the relay goes on by itself"
    return Alarm("publisher_stopped", f"{one.topic}: {one.failure}", one.published + 1, fix, "relay")


def redelivered(frontier: Frontier) -> Redelivered:
    """What came again."""
    return Redelivered(frontier.redelivered, frontier.redelivered_position if frontier.redelivered else None)


def lags_of(publishers: Sequence[PublisherStatus], projectors: Sequence[ProjectorStatus], topic: str) -> Iterator[Lag]:
    """What may be too far behind: of several topics the one of the settings, as the others may be given up."""
    for publisher in publishers:
        if publisher.topic == topic or len(publishers) == 1:
            what = f"the topic {publisher.topic}"
            yield Lag("relay", what, publisher.published, publisher.lag_positions, publisher.lag_s)
    for one in projectors:
        if one.name == "gateway":
            yield Lag("sync", "the gateway's table of keys", one.applied, one.lag_positions, one.lag_s)
        else:
            yield Lag("projector", "ClickHouse", one.applied, one.lag_positions, one.lag_s)
