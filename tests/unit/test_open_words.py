"""What anybody may read without a token, or callers with one, names no host, user or folder of the installation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from keyledger.embedded.disk import DiskWatch
from keyledger.http.operations.open_status import open_status
from keyledger.runtime.gateway_wait import SyncWait
from keyledger.runtime.serving.health import Health
from keyledger.runtime.serving.readiness import fault_of
from keyledger.runtime.status import Status
from keyledger.runtime.watching.follower_status import Redelivered
from projections.ledger.alarms import Alarm
from projections.usage.gateway_count import GatewayCount
from registry.errors import BrokerAway, NotYetAtGateway

NOW = datetime(2026, 6, 1, tzinfo=UTC)
STATUS = Status("log", 7, NOW, (), (), None, None, ())


def test_a_comparison_that_did_not_fail_is_not_shown_as_one_that_did() -> None:
    compared = GatewayCount(NOW, NOW, NOW, counted=10, recorded=10)
    assert open_status(replace(STATUS, gateway_count=compared))["gateway_count"]["failure"] == ""
    failed = replace(compared, failure="gateway.internal:3000 refused")
    assert "gateway.internal" not in str(open_status(replace(STATUS, gateway_count=failed)))


def test_a_full_disk_is_told_without_its_folder(tmp_path: Path) -> None:
    refusal = DiskWatch(tmp_path, 1 << 40).refusal()
    assert refusal is not None
    assert str(tmp_path) in str(refusal)
    assert str(tmp_path) not in refusal.public
    alarm = Alarm("changes_refused", str(refusal), None, "make room")
    assert str(tmp_path) not in str(open_status(replace(STATUS, alarms=(alarm,))))


async def test_a_sync_that_fails_holds_a_caller_up_without_naming_its_server() -> None:
    class Queries:
        async def gateways_synced(self) -> list[Any]:
            return [SimpleNamespace(synced=SimpleNamespace(position=1), failure="db.internal:5432 refused")]

    with pytest.raises(NotYetAtGateway, match="the sync can't write it now") as told:
        await SyncWait(Queries(), 0.05).until(2)  # type: ignore[arg-type]  # what is read of it
    assert "db.internal" not in str(told.value)


async def test_serve_without_clickhouse_is_not_told_to_ask_itself_about_bills() -> None:
    async def status() -> Status:
        return STATUS

    assert "KEYLEDGER_CLICKHOUSE_URL" in str(fault_of(STATUS, Health(status), "billing"))
    assert "ask keyledger serve" in str(fault_of(STATUS, Health(status, part="relay"), "billing"))
    assert fault_of(replace(STATUS, redelivered=Redelivered(0, None)), Health(status), "billing") is None


async def test_a_part_that_stopped_says_so_to_strangers_without_its_servers() -> None:
    async def status() -> Status:
        return STATUS

    stopped = Health(status, lambda: BrokerAway("Kafka at kafka.internal:9092: refused"), part="relay")
    assert "kafka.internal" in str(fault_of(STATUS, stopped))
    assert "kafka.internal" not in str(fault_of(STATUS, stopped, full=False))
