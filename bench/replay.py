"""Reading the whole log by position, decoding and folding it: events per second, as ratios in one run.

To PostgreSQL's own binary COPY of the same rows to a client that throws them away, and to the `eventsourcing`
library's select of all events with decoding. Each figure is the median of its rounds, each ratio the median of the
rounds' ratios.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import uvloop
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import DatetimeAsISO, JSONTranscoder, Mapper, StoredEvent, UUIDAsHex
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from bench.common import CALLER, Server, median, opened_log, options, progress, report, server
from registry import chain
from registry.event_log import COLUMNS, Head, NewEvent, Write
from registry.events import IssuedCredential, KeyCreated, TagsChanged
from registry.inline import StreamState, evolve
from registry.stamp import Desk
from registry.wire import encode

PAGE = 2_000
EDITS = 9  # tag edits of a key after its creation


def stored_events(log_id: UUID, count: int) -> list[tuple[Any, ...]]:
    """Rows of a log of keys with their edits, stamped by the writer's own code."""
    began = datetime.now(UTC) - timedelta(seconds=count)
    desk = Desk(Head(0, chain.genesis_hash(log_id), None), began, {}, {}, {}, lambda: b"0123456789abcdef")
    for number in range(count // (EDITS + 1)):
        public_id = f"{number:012d}"
        stream = f"key-{public_id}"
        desk.versions[stream] = 0
        desk.run([Write(stream, partial(_decided, event), CALLER) for event in _life(public_id)])
        desk.states.clear()
        desk.changed.clear()
    return [tuple(getattr(event, column) for column in COLUMNS) for event in desk.appended]


def _decided(event: NewEvent, _scene: object) -> list[NewEvent]:
    return [event]


def _life(public_id: str) -> list[NewEvent]:
    credential = IssuedCredential(public_id, "0" * 64)
    tags = {"customer_id": "acme", "project_id": "p1", "billing_tier": "gold"}
    events = [encode(KeyCreated(public_id, tags, None, "default", "default", None, credential))]
    return events + [encode(TagsChanged({"customer_id": f"customer-{edit}"}, ())) for edit in range(EDITS)]


async def fill(where: Server, count: int) -> None:
    """Put the events into the log's table, as its owner, in one COPY."""
    async with opened_log(where.owner_url) as log:
        rows = stored_events(log.log_id, count)
    connection = await asyncpg.connect(where.owner_url.replace("+asyncpg", ""))
    await connection.copy_records_to_table("event", schema_name="keyledger", records=rows)
    await connection.execute("VACUUM ANALYZE keyledger.event")
    await connection.close()


async def copy(where: Server) -> float:
    """Seconds of a binary COPY of all rows."""
    connection = await asyncpg.connect(where.owner_url.replace("+asyncpg", ""))

    async def throw_away(_chunk: bytes) -> None:
        return None

    began = time.perf_counter()
    await connection.copy_from_query(
        "SELECT * FROM keyledger.event ORDER BY position", output=throw_away, format="binary"
    )
    seconds = time.perf_counter() - began
    await connection.close()
    return seconds


async def replay(where: Server, *, verify: bool) -> tuple[float, int]:
    """Seconds to read, decode and fold all events, and how many there were; `verify` recomputes every hash too."""
    async with opened_log(where.app_url) as log:
        states: dict[str, StreamState | None] = {}
        previous, position = log.genesis_hash, 0
        began = time.perf_counter()
        while page := await log.read(position, PAGE):
            for event in page:
                states[event.stream] = evolve(states.get(event.stream), event)
                if verify:
                    digest = chain.payload_digest(event.salt, event.payload)
                    assert digest == event.payload_digest
                    assert chain.event_hash(previous, event) == event.hash
                    previous = event.hash
            position = page[-1].position
        return time.perf_counter() - began, position


class Changed(DomainEvent):
    """The same fact as the library has it, with what our events carry beside the payload that the library has too."""

    type: str
    actor: str
    payload: dict[str, Any]


class Library:
    """The same facts in the `eventsourcing` library: its recorder, its mapper, its transcoder."""

    def __init__(self, where: Server, count: int) -> None:
        transcoder = JSONTranscoder()
        transcoder.register(UUIDAsHex())
        transcoder.register(DatetimeAsISO())
        self._mapper: Mapper[UUID] = Mapper(transcoder)
        self._store = PostgresDatastore(where.database, where.host, where.port, where.user, where.password)
        self._recorder = PostgresApplicationRecorder(self._store, events_table_name="library_events")
        self._recorder.create_table()
        for number in range(count // (EDITS + 1)):
            self._recorder.insert_events(self._stored(f"{number:012d}"))

    def _stored(self, public_id: str) -> list[StoredEvent]:
        stream, now = uuid4(), datetime.now(UTC)
        return [
            self._mapper.to_stored_event(
                Changed(stream, version, now, event.type, CALLER.actor, json.loads(event.payload))  # type: ignore[call-arg]
            )
            for version, event in enumerate(_life(public_id))
        ]

    def replay(self) -> tuple[float, int]:
        """Seconds to select and decode all events, and how many there were."""
        began = time.perf_counter()
        start, total = 1, 0
        while page := self._recorder.select_notifications(start, PAGE):
            for one in page:
                self._mapper.to_domain_event(one)
            total += len(page)
            start = int(page[-1].id) + 1
        return time.perf_counter() - began, total

    def close(self) -> None:
        """Close the pool."""
        self._store.close()


def main() -> None:
    """Run and print."""
    chosen = options(__doc__ or "", events=200_000, library_events=50_000, rounds=5)
    rates: dict[str, list[float]] = {}
    with server() as where:
        progress(f"making {chosen.events} events")
        uvloop.run(fill(where, chosen.events))
        library = Library(where, chosen.library_events)
        for number in range(chosen.rounds):
            progress(f"round {number + 1} of {chosen.rounds}")
            seconds, count = uvloop.run(replay(where, verify=False))
            rates.setdefault("COPY", []).append(count / uvloop.run(copy(where)))
            rates.setdefault("read, decode, fold", []).append(count / seconds)
            seconds, _ = uvloop.run(replay(where, verify=True))
            rates.setdefault("the same with the chain checked", []).append(count / seconds)
            seconds, total = library.replay()
            rates.setdefault("eventsourcing select and decode", []).append(total / seconds)
        library.close()
    rows: list[dict[str, object]] = []
    for name, values in rates.items():
        row: dict[str, object] = {"what": name, "events per second": median(values)}
        for reference in ("COPY", "eventsourcing select and decode"):
            row[f"to {reference}"] = median([a / b for a, b in zip(values, rates[reference], strict=True)])
        rows.append(row)
    report(rows, as_json=chosen.json)


if __name__ == "__main__":
    main()
