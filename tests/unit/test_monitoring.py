"""The alert rules, the dashboard and the docs name metrics that /metrics gives, with labels that they have."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from audit.verify.last import LastVerify
from keyledger.http.app import operations_app
from keyledger.runtime.serving.health import Health
from keyledger.runtime.serving.readiness import AskedPart
from keyledger.runtime.status import Status
from keyledger.runtime.watching.follower_status import GatewayStatus, ProjectorStatus, PublisherStatus, Redelivered
from keyledger.runtime.watching.part_status import PartStatus, State
from keyledger.runtime.watching.webhook_status import Attempts, WebhookStatus
from projections.ledger.alarms import Alarm, AlarmKind
from projections.usage.journal.state import Behind
from registry.parts.part import Part
from tests.support.documents import ROOT

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STATUS = Status(
    "log",
    7,
    NOW,
    (PublisherStatus("keyledger.events.v1", 7, 0, 0.0, None),),
    (ProjectorStatus("clickhouse", 7, 0, 0.0, None), ProjectorStatus("gateway", 7, 0, 0.0, None)),
    0,
    Redelivered(0, None),
    (Alarm("lag", "late", 7, "wait"),),
    (GatewayStatus("tensorzero", 0, 0, False, NOW),),
    (PartStatus("relay", "leading", UUID(int=0), "one", 7, NOW, NOW, 0.0, NOW),),
    LastVerify(NOW, 7, 0, None, 60.0),
    collector=Behind(3, 0, 0.0, None),
    webhooks=(WebhookStatus(UUID(int=0), 7, 0, 0.0, 0, 0, None),),
    webhook_attempts=Attempts(1, 0, 0),
)
# What labels that we name can be.
VALUES: Mapping[str, frozenset[str]] = {
    "part": frozenset(part for one in get_args(AskedPart) for part in get_args(one) or (one,)) | set(get_args(Part)),
    "state": frozenset(get_args(State)),
    "kind": frozenset(get_args(AlarmKind)),
    "outcome": frozenset({"delivered", "failed", "died"}),
    "result": frozenset({"clean", "findings", "unfinished"}),
}
# Set by Prometheus.
OF_SCRAPES = {"instance", "job", "le"}
RULES = yaml.safe_load((ROOT / "deploy/prometheus/keyledger.rules.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((ROOT / "deploy/grafana/keyledger.json").read_text(encoding="utf-8"))
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
TARGETS: list[dict[str, Any]] = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]

_METRIC = re.compile(r"(keyledger_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_BY = re.compile(r"\bby \(([^)]*)\)")
_IN_WORDS = re.compile(r"\{\{ *\$labels\.(\w+)|\{\{ *(\w+) *\}\}")


@pytest.fixture(scope="module")
async def given() -> Mapping[str, frozenset[str]]:
    """The labels of every metric that an app gives which has everything to tell."""

    async def status() -> Status:
        return STATUS

    app = operations_app(Health(status, leads=lambda: True, part="relay"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keyledger") as client:
        await client.get("/healthz")
        text = (await client.get("/metrics")).text
    labels: dict[str, frozenset[str]] = defaultdict(frozenset)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels[sample.name] |= frozenset(sample.labels)
    return labels


def metrics_in(expression: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The metrics of an expression, each with its matchers: label, operator, value."""
    for name, matchers in _METRIC.findall(expression):
        yield name, _MATCHER.findall(matchers)


def faults(expression: str, words: str, given: Mapping[str, frozenset[str]]) -> list[str]:
    """What an expression, or the words that show its result, names and /metrics does not give."""
    found, labels = [], set(OF_SCRAPES)
    for name, matchers in metrics_in(expression):
        found += [] if name in given else [f"there is no metric {name}"]
        labels |= given.get(name, frozenset())
        for label, _, value in matchers:
            found += [] if label in given.get(name, ()) else [f"{name} has no label {label}"]
            known = VALUES.get(label)
            found += [f"{label} is never {one}" for one in value.split("|") if known is not None and one not in known]
    grouped = {label.strip() for group in _BY.findall(expression) for label in group.split(",")}
    shown = {one or other for one, other in _IN_WORDS.findall(words)}
    left = grouped or labels
    found += [f"it groups by {one}, which nothing has" for one in sorted(grouped - labels)]
    return found + [f"it shows {one}, which the result has not" for one in sorted(shown - left)]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_is_about_metrics_that_exist(alert: dict[str, Any], given: Mapping[str, frozenset[str]]) -> None:
    words = " ".join(alert["annotations"].values())
    assert faults(alert["expr"], words, given) == []
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert {"summary", "description"} == alert["annotations"].keys()
    assert re.fullmatch(r"\d+[smh]", alert.get("for", "0s"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target["expr"][:60])
def test_every_panel_shows_metrics_that_exist(target: dict[str, Any], given: Mapping[str, frozenset[str]]) -> None:
    assert faults(target["expr"], target["legendFormat"], given) == []


def test_panels_and_alerts_are_told_apart() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS)


def test_every_metric_is_documented_and_every_documented_one_is_given(given: Mapping[str, frozenset[str]]) -> None:
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in given}
    pages = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md")}
    assert [name for name in sorted(families) if not any(name in page for page in pages.values())] == []
    table = "\n".join(line for line in pages["operate.md"].splitlines() if line.startswith("| `keyledger_"))
    documented = set(re.findall(r"keyledger_[a-z_]+", table))
    assert len(documented) > 10
    assert documented <= families


def test_what_is_not_given_is_found(given: Mapping[str, frozenset[str]]) -> None:
    assert faults("max(keyledger_upp) > 0", "", given) == ["there is no metric keyledger_upp"]
    assert faults('keyledger_parts{sate="missing"}', "", given) == ["keyledger_parts has no label sate"]
    assert faults('keyledger_parts{state="dead"}', "", given) == ["state is never dead"]
    assert faults("max by (topic) (keyledger_up)", "", given) == ["it groups by topic, which nothing has"]
    assert faults("max by (part) (keyledger_parts)", "{{ $labels.state }}", given) == [
        "it shows state, which the result has not"
    ]
