"""Events from the log to ClickHouse: throughput against a bare aiokafka pair, and how long one takes to be billable.

    python -m bench.pipeline [--events 50000] [--rate 200] [--seconds 30] [--runs 3] [--json]

Throughput: the events are in the log; a relay in a process of its own publishes them while a projector here applies
them, until the last is in the applied position. The reference does the same with the same bytes: an idempotent aiokafka
producer in a process of its own sends them one by one while a consumer of a group here reads them. Both topics are new,
with the same partitions. Rounds are taken in turn; a ratio is the median of the rounds' ratios.

Latency: at a steady rate, from the acknowledged append to the applied position that a bill uses.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.common import CALLER, append_events, median, opened_log, options, progress, report, server
from keyledger.runtime.garbage import collect_garbage_rarely
from projections.engine import ddl
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.feed import Feed
from projections.ledger.kafka_feed import KafkaFeed, KafkaSubscription
from projections.ledger.log_tail import LogTail
from projections.ledger.projector import Projector
from projections.ledger.store import Store
from registry.db.connection import make_engine
from registry.keys.events import TagsChanged
from registry.log.chain_walk import Linked
from registry.log.event_log import NewEvent, Write
from registry.log.postgres import PostgresEventLog, open_log
from registry.publish.checkpoint import RelayCheckpoint
from registry.publish.cloudevent import HEADERS, write_record
from registry.publish.relay import Relay
from registry.publish.topics import TopicPlan, ensure_topics
from tests.support.servers.broker import running_broker

PARTITIONS = 6
BENCH_URL, BENCH_BROKER, BENCH_TOPIC = "BENCH_URL", "BENCH_BROKER", "BENCH_TOPIC"


def plans(topic: str) -> tuple[TopicPlan, TopicPlan]:
    """The topic of events and that of dead letters."""
    return TopicPlan(topic, PARTITIONS, None, 168), TopicPlan(f"{topic}.dlq", 1, None, None)


async def relay_forever() -> None:
    """The child: publish the log to the topic until a signal."""
    engine = make_engine(os.environ[BENCH_URL])
    log = await open_log(engine)
    await _told_to_begin()
    topic = os.environ[BENCH_TOPIC]
    relay = Relay(log, RelayCheckpoint(engine, topic), broker_options(os.environ[BENCH_BROKER]), *plans(topic))
    await _until_signal(relay.run())
    await log.close()
    await engine.dispose()


async def produce() -> None:
    """The reference's child: send the same bytes, record by record, on a signal."""
    async with opened_log(os.environ[BENCH_URL]) as log:
        records = [record async for record in _records(log)]
    producer = AIOKafkaProducer(
        **broker_options(os.environ[BENCH_BROKER]), acks="all", enable_idempotence=True, compression_type="zstd"
    )
    await producer.start()
    await _told_to_begin()
    topic = os.environ[BENCH_TOPIC]
    sent: list[Any] = [await producer.send(topic, key=key, value=value, headers=HEADERS) for key, value in records]
    await asyncio.gather(*sent)
    await producer.stop()


async def _records(log: PostgresEventLog) -> AsyncIterator[tuple[bytes, bytes]]:
    previous, position = log.genesis_hash, 0
    while events := await log.read(position, 2000):
        for event in events:
            yield write_record(log.log_id, Linked(previous, event))
            previous, position = event.hash, event.position


async def bare_pair(url: str, broker: str, count: int) -> float:
    """Events per second of the reference."""
    topic = f"bare-{uuid4().hex[:8]}"
    await ensure_topics(broker_options(broker), plans(topic)[0])
    consumer = AIOKafkaConsumer(
        topic, **broker_options(broker), group_id=topic, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    async with _child("produce", url, broker, topic):
        began, read = time.perf_counter(), 0
        while read < count:
            batch = await consumer.getmany(timeout_ms=1000, max_records=2000)
            read += sum(len(records) for records in batch.values())
            if batch:
                await consumer.commit()
        took = time.perf_counter() - began
    await consumer.stop()
    return count / took


class Ledger:
    """Fresh databases in the embedded engine, and a projector on them."""

    def __init__(self, clickhouse: ClickHouse, log: PostgresEventLog, broker: str, topic: str | None) -> None:
        self._clickhouse = clickhouse
        self._log = log
        self.names = Names(f"ledger_{uuid4().hex[:8]}", f"gateway_{uuid4().hex[:8]}")
        self.store = Store(clickhouse, self.names)
        self._feed: Feed = LogTail(log)
        if topic is not None:
            source = KafkaSubscription(broker_options(broker), *plans(topic), group=topic)
            self._feed = KafkaFeed(log, self.store, DeadLetters(clickhouse, self.names), source)

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[None]:
        """Run the projector for the block."""
        await ddl.apply(self._clickhouse, self.names, gateway_tables=True, durable=True)
        task = asyncio.create_task(Projector(self._feed, self.store, str(self._log.log_id)).run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            for name in (self.names.database, self.names.gateway):
                await self._clickhouse.command(f"DROP DATABASE {name}")

    async def until(self, position: int) -> None:
        """Return when it is applied."""
        while (await self.store.applied()).position < position:  # noqa: ASYNC110 - it is in ClickHouse
            await asyncio.sleep(0.25)  # asking costs what is measured


async def through_kafka(url: str, broker: str, clickhouse: ClickHouse, log: PostgresEventLog, count: int) -> float:
    """Events per second through relay, broker and projector."""
    topic = f"ours-{uuid4().hex[:8]}"
    await ensure_topics(broker_options(broker), *plans(topic))
    ledger = Ledger(clickhouse, log, broker, topic)
    async with ledger.projecting(), _child("relay", url, broker, topic):
        began = time.perf_counter()
        await ledger.until(count)
        return count / (time.perf_counter() - began)


async def from_the_log(clickhouse: ClickHouse, log: PostgresEventLog, count: int) -> float:
    """Events per second of the projector on the log's tail."""
    ledger = Ledger(clickhouse, log, "", None)
    began = time.perf_counter()
    async with ledger.projecting():
        await ledger.until(count)
        return count / (time.perf_counter() - began)


async def latencies(log: PostgresEventLog, ledger: Ledger, rate: int, seconds: int) -> list[float]:
    """Seconds from the acknowledged append of each event until the applied position has it."""
    acknowledged: dict[int, float] = {}
    found: list[float] = []
    await ledger.until((await log.head()).position)
    done = asyncio.Event()

    async def append(number: int) -> None:
        event = NewEvent(TagsChanged({"customer_id": f"customer-{number}"}, ()))
        written = await log.write(Write(f"bench-{number % 500}", lambda _scene: [event], CALLER))
        acknowledged[written.position] = time.perf_counter()

    async def watch() -> None:
        while not done.is_set() or acknowledged:
            applied = (await ledger.store.applied()).position
            now = time.perf_counter()
            found.extend(now - acknowledged.pop(position) for position in sorted(acknowledged) if position <= applied)
            await asyncio.sleep(0.03)  # asking costs what is measured

    watching = asyncio.create_task(watch())
    began, tasks = time.perf_counter(), []
    for number in range(rate * seconds):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(append(number)))
    await asyncio.gather(*tasks)
    done.set()
    await watching
    return found


@asynccontextmanager
async def _child(what: str, url: str, broker: str, topic: str) -> AsyncIterator[Any]:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.pipeline", what,
        env={**os.environ, BENCH_URL: url, BENCH_BROKER: broker, BENCH_TOPIC: topic},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        await child.stdout.readline()
        child.stdin.write(b"\n")
        yield child
    finally:
        if child.returncode is None and what == "relay":
            child.send_signal(signal.SIGTERM)
        await child.wait()


async def _told_to_begin() -> None:
    """What a process needs to start is in no figure."""
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def _until_signal(work: Any) -> None:
    task = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.gather(task, return_exceptions=True)


def broker_options(bootstrap_servers: str) -> dict[str, Any]:
    """What every client of the broker gets."""
    return {"bootstrap_servers": bootstrap_servers}


def _quantiles(name: str, values: list[float]) -> dict[str, object]:
    cuts = statistics.quantiles(values, n=100)
    return {"what": f"latency, {name}", "events": len(values), "p50_ms": cuts[49] * 1000, "p99_ms": cuts[98] * 1000}


async def _measure(
    url: str, broker: str, folder: str, events: int, rate: int, seconds: int, runs: int
) -> list[dict[str, object]]:
    collect_garbage_rarely()
    clickhouse = ClickHouse(f"chdb://{folder}")
    rows: list[dict[str, object]] = []
    async with opened_log(url) as log:
        progress(f"appending {events} events")
        await append_events(log, events, 250)
        count = (await log.head()).position
        bare, ours, tail = [], [], []
        for number in range(runs):
            progress(f"round {number + 1} of {runs}")
            bare.append(await bare_pair(url, broker, count))
            ours.append(await through_kafka(url, broker, clickhouse, log, count))
            tail.append(await from_the_log(clickhouse, log, count))
        for name, values in (
            ("bare aiokafka pair", bare),
            ("relay and projector", ours),
            ("projector on the log", tail),
        ):
            ratio = median([value / reference for value, reference in zip(values, bare, strict=True)])
            rows.append({"what": name, "events_per_s": median(values), "ratio": ratio})
        for name in ("log", "kafka"):
            progress(f"latency on the feed {name}")
            topic = f"late-{uuid4().hex[:8]}"
            ledger = Ledger(clickhouse, log, broker, topic if name == "kafka" else None)
            if name == "kafka":
                async with _child("relay", url, broker, topic), ledger.projecting():
                    rows.append(_quantiles(name, await latencies(log, ledger, rate, seconds)))
            else:
                async with ledger.projecting():
                    rows.append(_quantiles(name, await latencies(log, ledger, rate, seconds)))
    await clickhouse.close()
    return rows


def main() -> None:
    """Measure and print."""
    if sys.argv[1:] in (["relay"], ["produce"]):
        asyncio.run(relay_forever() if sys.argv[1] == "relay" else produce())
        return
    chosen = options("Throughput and latency from the log to ClickHouse.", events=50_000, rate=200, seconds=30, runs=3)
    with server() as where, running_broker() as broker, tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(
            _measure(
                where.app_url, broker.bootstrap_servers, folder, chosen.events, chosen.rate, chosen.seconds, chosen.runs
            )
        )
    report(rows, as_json=chosen.json)


if __name__ == "__main__":
    main()
