"""The gauges of one app, set from the status of its process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from math import nan

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from keyledger.runtime.serving.health import Health
from keyledger.runtime.serving.readiness import fault_of, parts_known
from keyledger.runtime.status import Status
from keyledger.runtime.watching.webhook_status import Attempts
from projections.usage.journal.state import Behind
from registry.errors import RegistryError


class Drift(Collector):
    """A counter that is read, not counted: its value is in the log's database, with the sync's checkpoint."""

    def __init__(self) -> None:
        self.repaired: dict[str, int] = {}

    def collect(self) -> Iterator[CounterMetricFamily]:
        """See Collector."""
        words = "Rows of the gateway's table of keys that somebody else had changed, put back."
        family = CounterMetricFamily("keyledger_gateway_drift_repaired", words, labels=["gateway"])
        for gateway, repaired in self.repaired.items():
            family.add_metric([gateway], repaired)
        yield family


class Sent(Collector):
    """A counter that is read, too: its values are in the log's database, with the webhooks."""

    def __init__(self) -> None:
        self.attempts: Attempts | None = None

    def collect(self) -> Iterator[CounterMetricFamily]:
        """See Collector."""
        words = "Attempts to deliver to webhooks, by what came of them; `died` are those after which one was given up."
        family = CounterMetricFamily("keyledger_webhook_deliveries", words, labels=["outcome"])
        if self.attempts is not None:
            for outcome in fields(self.attempts):
                family.add_metric([outcome.name], getattr(self.attempts, outcome.name))
        yield family


class Gauges:
    """The gauges of one app, in a registry of its own. docs/operate.md says what to alarm on."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._up = self._gauge("keyledger_up", "1 when the log's database answers.")
        self._ready = self._gauge("keyledger_ready", "What /readyz says of a part: 1 or 0.", "part")
        self._failed = self._gauge("keyledger_failed", "1 when what this process runs has stopped.")
        self._head = self._gauge("keyledger_log_head_position", "Position of the last event.")
        self._published = self._gauge("keyledger_published_position", "Acknowledged by the broker.", "topic")
        self._publish_lag_s = self._gauge("keyledger_publish_lag_seconds", "Age of the oldest to publish.", "topic")
        self._publisher_failed = self._gauge("keyledger_publisher_failed", "1 while something stops it.", "topic")
        self._leads = self._gauge("keyledger_publisher_leads", "1 on the active publisher, 0 on a standby.", "role")
        self._applied = self._gauge("keyledger_applied_position", "Contiguous frontier.", "projector")
        self._lag_s = self._gauge("keyledger_lag_seconds", "Age of the oldest event to apply.", "projector")
        self._projector_failed = self._gauge("keyledger_projector_failed", "1 when it has stopped.", "projector")
        self._index_missing = self._gauge("keyledger_gateway_index_missing", "1 while no index serves it.", "gateway")
        self._without_hash = self._gauge("keyledger_gateway_without_hash", "Not to be written.", "gateway")
        self._drift = Drift()
        self.registry.register(self._drift)
        self._counted = self._gauge("keyledger_gateway_inferences_counted", "By the gateway, in the compared hour.")
        self._recorded = self._gauge("keyledger_gateway_inferences_recorded", "Of them, those with a row.")
        self._uncollected = self._gauge("keyledger_usage_uncollected_rows", "At the gateway, and not in the journal.")
        self._usage_lag_s = self._gauge("keyledger_usage_lag_seconds", "Age of the oldest of them.")
        self._usage_batch = self._gauge("keyledger_usage_batch", "The last batch of the usage journal.")
        self._webhook_lag_s = self._gauge("keyledger_webhook_lag_seconds", "Of the oldest not delivered.", "webhook")
        self._webhook_pending = self._gauge("keyledger_webhook_pending", "Not delivered yet.", "webhook")
        self._webhook_dead = self._gauge("keyledger_webhook_dead", "Given up, and kept.", "webhook")
        self._sent = Sent()
        self.registry.register(self._sent)
        self._dead_letters = self._gauge("keyledger_dead_letters_open", "Dead letters that wait for an operator.")
        self._redelivered = self._gauge("keyledger_redelivered", "Events that came again, in thirty days.")
        self._parts = self._gauge("keyledger_parts", "How many of a part run, by what they do.", "part", "state")
        self._verify_age_s = self._gauge("keyledger_verify_age_seconds", "Since the last full verify.", "result")
        self._alarms = self._gauge("keyledger_alarms", "What an operator must look at.", "kind")

    async def read(self, health: Health) -> None:
        """Set every gauge."""
        self._failed.set(health.failure() is not None)
        if health.leads is not None:
            self._leads.labels("publisher").set(health.leads())
        self._ready.clear()
        try:
            status = await health.status()
        except RegistryError:
            self._up.set(0)
            self._ready.labels(health.part).set(0)
        else:
            self._up.set(1)
            for part in parts_known(status, health):
                self._ready.labels(part).set(fault_of(status, health, part) is None)
            self._show(status)

    def _show(self, status: Status) -> None:
        self._head.set(status.head)
        for one in (self._applied, self._lag_s, self._projector_failed):
            one.clear()  # of a ClickHouse that is away nothing is known, also not what it said before
        for publisher in status.publishers:
            self._published.labels(publisher.topic).set(publisher.published)
            self._publish_lag_s.labels(publisher.topic).set(publisher.lag_s)
            self._publisher_failed.labels(publisher.topic).set(publisher.failure is not None)
        for projector in status.projectors:
            self._applied.labels(projector.name).set(projector.applied)
            self._lag_s.labels(projector.name).set(projector.lag_s)
            self._projector_failed.labels(projector.name).set(projector.failure is not None)
        self._show_gateway(status)
        self._show_usage(status.collector)
        self._show_webhooks(status)
        self._dead_letters.set(nan if status.dead_letters_open is None else status.dead_letters_open)
        self._redelivered.set(nan if status.redelivered is None else status.redelivered.count)
        self._parts.clear()
        for (part, state), count in Counter((one.part, one.state) for one in status.parts).items():
            self._parts.labels(part, state).set(count)
        self._verify_age_s.clear()
        if status.verified is not None:
            self._verify_age_s.labels(status.verified.result).set(status.verified.age_s)
        self._alarms.clear()
        for kind, count in Counter(alarm.kind for alarm in status.alarms).items():
            self._alarms.labels(kind).set(count)

    def _show_gateway(self, status: Status) -> None:
        for gateway in status.gateways:
            self._index_missing.labels(gateway.name).set(gateway.index_missing)
            self._without_hash.labels(gateway.name).set(gateway.without_hash)
            self._drift.repaired[gateway.name] = gateway.drift_repaired
        if status.gateway_count is not None:
            self._counted.set(status.gateway_count.counted)
            self._recorded.set(status.gateway_count.recorded)

    def _show_usage(self, seen: Behind | None) -> None:
        self._uncollected.set(nan if seen is None else seen.uncollected)
        self._usage_lag_s.set(nan if seen is None else seen.lag_s)
        self._usage_batch.set(nan if seen is None else seen.batch)

    def _show_webhooks(self, status: Status) -> None:
        self._sent.attempts = status.webhook_attempts
        for one in (self._webhook_lag_s, self._webhook_pending, self._webhook_dead):
            one.clear()
        for webhook in status.webhooks:
            self._webhook_lag_s.labels(str(webhook.id)).set(webhook.lag_s)
            self._webhook_pending.labels(str(webhook.id)).set(webhook.pending)
            self._webhook_dead.labels(str(webhook.id)).set(webhook.dead)

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, registry=self.registry)
