"""Rows that the gateway lost: what it counted is compared with what came, and `status` tells the difference."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.tensorzero.count_watch import CountWatch
from gateways.tensorzero.counters import GatewayMetrics
from keyledger.http.operations.gauges import Gauges
from keyledger.runtime.registry import Registry, registry_on
from keyledger.runtime.serving.health import Health
from keyledger.runtime.status import Status, status_of
from keyledger.runtime.watching.read_side import ReadSide
from keyledger.settings import Settings
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.presence import Presence
from projections.ledger.store import Store
from projections.usage.gateway_count import GatewayCounts
from registry.instant import to_ms
from registry.log.postgres import PostgresEventLog
from tests.support.bill_world import World, chat, uuid7

KEY = "sk-t0-metricsAAAA1-secret"
FORM = """\
# HELP tensorzero_inferences_total Inferences performed by TensorZero
# TYPE tensorzero_inferences_total counter
tensorzero_inferences_total{{endpoint="inference",function_name="answer"}} {served}
tensorzero_inferences_total{{endpoint="batch_inference",function_name="answer"}} 5000

# TYPE tensorzero_requests_total counter
tensorzero_requests_total{{endpoint="inference",function_name="answer"}} 7000

"""


class Gateway:
    """Plays the `/metrics` of one process of a gateway."""

    def __init__(self) -> None:
        self.port = 0
        self.served: int | None = 0
        self.body = FORM

    @property
    def url(self) -> str:
        """Where its metrics are."""
        return f"http://127.0.0.1:{self.port}/metrics"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request."""
        head = await reader.readuntil(b"\r\n\r\n")
        known = f"authorization: bearer {KEY}".encode() in head.lower().replace(KEY.lower().encode(), KEY.encode())
        status, body = (200, self.body.format(served=self.served)) if known else (401, "")
        writer.write(f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def gateways() -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two processes of a gateway."""
    made, servers = (Gateway(), Gateway()), []
    for one in made:
        servers.append(await asyncio.start_server(one.serve, "127.0.0.1", 0))
        one.port = servers[-1].sockets[0].getsockname()[1]
    yield made
    for server in servers:
        server.close()


@pytest.fixture
def registry(postgres_log: PostgresEventLog, engine: AsyncEngine) -> Registry:
    """A log, of which the status tells."""
    return registry_on(postgres_log, engine, Settings())


class Watched:
    """A watch whose clock is the test's, and the rows that came."""

    def __init__(self, world: World, gateways: tuple[Gateway, Gateway], key: str | None = KEY) -> None:
        self.counts = GatewayCounts(world.clickhouse, world.names)
        self._watch = CountWatch(GatewayMetrics([one.url for one in gateways], key), self.counts, 5.0)
        self._world = world
        # The status looks at the last day.
        self.at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)

    async def look(self, minutes: int = 5) -> None:
        """The next look, so many minutes after the last one."""
        self.at += timedelta(minutes=minutes)
        await self._watch.look(self.at)

    async def rows(self, count: int) -> None:
        """So many inferences come, of the time after the last look."""
        ids = [uuid7(to_ms(self.at) + 1 + number, number) for number in range(count)]
        await self._world.serve([chat(one, "keyAAAAAAAA1", table="JsonInference") for one in ids])

    async def status(self, registry: Registry) -> Status:
        """What `status` says."""
        clickhouse, names = self._world.clickhouse, self._world.names
        parts = Store(clickhouse, names), DeadLetters(clickhouse, names), Presence(clickhouse, names)
        return await status_of(registry, ReadSide(*parts, 100, 30.0, counts=self.counts))


def told(status: Status) -> list[tuple[str, str]]:
    """The alarms about rows that did not come."""
    return [(one.kind, one.detail) for one in status.alarms if one.kind in {"rows_lost", "gateway_metrics"}]


async def test_inferences_that_are_counted_and_have_no_row_are_told_for_a_day(
    registry: Registry, world: World, gateways: tuple[Gateway, Gateway]
) -> None:
    watched = Watched(world, gateways)
    gateways[0].served, gateways[1].served = 1000, 7  # from before: no row is looked for
    await watched.look()
    since = watched.at
    await watched.rows(60)
    gateways[0].served, gateways[1].served = 1060, 47
    await watched.look()
    until = watched.at
    await watched.look(minutes=5)
    assert (await watched.status(registry)).gateway_count is None, "rows may still be on their way"
    await watched.look(minutes=5)
    seen = await watched.status(registry)
    assert seen.gateway_count is not None
    assert (seen.gateway_count.since, seen.gateway_count.until) == (since, until)
    assert (seen.gateway_count.counted, seen.gateway_count.recorded) == (100, 60)
    ((kind, detail),) = told(seen)
    assert (kind, "of 100 inferences" in detail, ", 40 have no row" in detail) == ("rows_lost", True, True)
    for _ in range(5):
        await watched.look(minutes=20)
    later = await watched.status(registry)
    assert later.gateway_count is not None
    assert (later.gateway_count.counted, told(later)) == (0, told(seen)), "who looks in the morning is told, too"


async def test_what_is_there_what_failed_now_and_then_and_what_a_restart_hides_is_no_loss(
    registry: Registry, world: World, gateways: tuple[Gateway, Gateway]
) -> None:
    watched = Watched(world, gateways)
    gateways[0].served = 500
    await watched.look()
    await watched.rows(300)
    gateways[0].served = 812  # twelve failed
    await watched.look()
    await watched.rows(100)
    gateways[0].served = 90  # it started anew, after ten
    await watched.look()
    await watched.look(minutes=10)
    seen = await watched.status(registry)
    assert seen.gateway_count is not None
    assert (seen.gateway_count.counted, seen.gateway_count.recorded, told(seen)) == (402, 400, [])
    gauges = Gauges()

    async def status() -> Status:
        return seen

    await gauges.read(Health(status))
    assert gauges.registry.get_sample_value("keyledger_gateway_inferences_counted") == 402
    assert gauges.registry.get_sample_value("keyledger_gateway_inferences_recorded") == 400


@pytest.mark.parametrize("way", ["away", "refused", "a page"])
async def test_a_count_that_can_t_be_read_is_told_and_the_next_look_goes_on(
    registry: Registry, world: World, gateways: tuple[Gateway, Gateway], way: str
) -> None:
    watched = Watched(world, gateways, KEY if way != "refused" else "sk-t0-another")
    port, where = gateways[1].port, f"127.0.0.1:{gateways[1].port}"
    if way == "away":
        gateways[1].port = 1
        watched, where = Watched(world, gateways), "127.0.0.1:1"
    if way == "a page":
        gateways[1].body = "<!doctype html><title>Welcome</title>"
    await watched.look()
    ((kind, detail),) = told(await watched.status(registry))
    says = {"away": "connection attempts failed", "refused": "answers 401", "a page": "are no metrics"}[way]
    assert (kind, says in detail, "KEYLEDGER_GATEWAY_METRICS_KEY" in detail) == ("gateway_metrics", True, True), detail
    assert where in detail or way == "refused"
    assert KEY not in detail
    gateways[1].port, gateways[1].body = port, FORM
    mended = Watched(world, gateways)
    mended.at = watched.at
    for _ in range(4):
        await mended.look()
    assert told(await mended.status(registry)) == []
