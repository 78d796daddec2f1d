"""What follows the log, made from services or the registry: projectors, relay, sender and the gateway's sync."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from gateways.tensorzero.checkpoint import SyncCheckpoint
from gateways.tensorzero.count_watch import CountWatch
from gateways.tensorzero.counters import GatewayMetrics
from gateways.tensorzero.key_states import KeyStateReader
from gateways.tensorzero.sync import GatewaySync, Pace
from keyledger.runtime.connections import kafka_options
from keyledger.runtime.registry import Registry
from keyledger.runtime.services import Services
from keyledger.settings import Settings
from projections.ledger.dead_letters import RECORD_BYTES_MAX, dead_letter_topic
from projections.ledger.guard import LedgerGuard
from projections.ledger.kafka_feed import KafkaFeed, KafkaSubscription
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.usage.journal.anchoring import Anchoring
from projections.usage.journal.collector import SEED, Collector
from registry.background import running
from registry.db.leader_lock import LeaderLock
from registry.publish.checkpoint import RelayCheckpoint
from registry.publish.relay import Relay
from registry.publish.topics import TopicPlan
from registry.webhooks.schedule import Schedule
from registry.webhooks.sender import Sender


def ledger_guard(services: Services) -> LedgerGuard:
    """What looks after the rows that were written."""
    return LedgerGuard(services.registry.log, services.store, services.presence)


def log_projector(services: Services, guard: LedgerGuard) -> Projector:
    """The projector on the log's own tail."""
    log = services.registry.log
    return Projector(LogTail(log), services.store, str(log.log_id), guard)


def usage_collector(services: Services) -> Collector:
    """What brings the gateway's rows into the usage journal, as one of which one is active."""
    assert services.journal is not None  # noqa: S101 - for the type checker: opened services have one
    lead = LeaderLock(services.registry.engine, services.names.journal, SEED)
    registry = services.registry
    anchoring = Anchoring(services.journal, registry.usage, registry.settings.usage_anchor_s)
    # The embedded engine locks its folder: who used it before has ended, with all that it had sent.
    return Collector(services.journal, lead, anchor=anchoring, alone=services.clickhouse.embedded)


def kafka_projector(services: Services, guard: LedgerGuard) -> Projector:
    """The projector on the topic, as one of a consumer group."""
    log, settings = services.registry.log, services.settings
    source = KafkaSubscription(
        kafka_options(settings), *topic_plans(settings), settings.kafka_group, settings.dead_letters_max
    )
    return Projector(KafkaFeed(log, services.store, services.letters, source), services.store, str(log.log_id), guard)


def relay(registry: Registry) -> Relay:
    """The relay of the log to the topic."""
    settings = registry.settings
    checkpoint = RelayCheckpoint(registry.engine, settings.kafka_topic)
    return Relay(registry.log, checkpoint, kafka_options(settings), *topic_plans(settings))


def webhook_sender(registry: Registry) -> Sender:
    """The sender of the log's events to webhooks, as one of which one is active."""
    settings = registry.settings
    schedule = Schedule(settings.webhook_first_pause_s, settings.webhook_give_up_s)
    return Sender(registry.log, registry.engine, registry.webhooks.receiver, schedule)


def gateway_sync(registry: Registry) -> GatewaySync | None:
    """The sync of the gateway's table of keys; None where no gateway's database is set."""
    if registry.gateway is None:
        return None
    pace = Pace()
    pace = replace(pace, page_s=pace.page / registry.settings.gateway_reconcile_keys_per_s)
    engine = registry.engine
    return GatewaySync(registry.log, KeyStateReader(engine), registry.gateway.table, SyncCheckpoint(engine), pace)


@asynccontextmanager
async def watching_counts(services: Services) -> AsyncIterator[None]:
    """Meanwhile the gateway's count is compared with its rows, where its metrics are given."""
    settings = services.settings
    if settings.gateway_metrics_url is None or services.counts is None:
        yield
        return
    metrics = GatewayMetrics(settings.gateway_metrics_url.split(","), settings.gateway_metrics_key)
    async with running(CountWatch(metrics, services.counts, settings.gateway_lost_percent).run()):
        yield


def topic_plans(settings: Settings) -> tuple[TopicPlan, TopicPlan]:
    """The topic of events, and that of dead letters, which are few and never expire."""
    topic, replication = settings.kafka_topic, settings.kafka_replication
    events = TopicPlan(topic, settings.kafka_partitions, replication, settings.kafka_retention_hours)
    return events, TopicPlan(dead_letter_topic(topic), 1, replication, None, RECORD_BYTES_MAX)
