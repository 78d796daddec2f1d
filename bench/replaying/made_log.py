"""A log of keys and their tag edits, stamped by the writer's own code and put into the table by COPY."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
from msgspec.structs import astuple

from bench.common import CALLER, Server, opened_log
from registry.instant import from_us
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential, KeyCreated, TagsChanged
from registry.log import chain
from registry.log.append.batch import Batch
from registry.log.event_log import COLUMNS, Head, NewEvent, RecordedEvent, Write

_CHUNK = 20_000
_INSTANTS = tuple(number for number, name in enumerate(COLUMNS) if name.endswith("_at"))


def created(public_id: str) -> NewEvent:
    """A key with three tags."""
    credential = IssuedCredential(public_id, "0" * 64)
    tags = {"customer_id": "acme", "project_id": "p1", "billing_tier": "gold"}
    return NewEvent(KeyCreated(public_id, tags, KeyDetails(), None, credential))


def edited(edit: int) -> NewEvent:
    """Its n-th edit."""
    return NewEvent(TagsChanged({"customer_id": f"customer-{edit}"}, ()))


def key_ids(keys: int) -> list[str]:
    """The ids of so many keys."""
    return [f"{number:012d}" for number in range(keys)]


def made_events(log_id: UUID, count: int, keys: int) -> Iterator[list[RecordedEvent]]:
    """The log in chunks: all keys are created, then edited in turn, `count` events together."""
    began = datetime.now(UTC) - timedelta(seconds=count)
    streams = {f"key-{public_id}": public_id for public_id in key_ids(keys)}
    batch = Batch(
        Head(0, chain.genesis_hash(log_id), None), began, dict.fromkeys(streams, 0), {}, {}, lambda: b"0123456789abcdef"
    )
    for edit in range(count // keys):
        for stream, public_id in streams.items():
            event = edited(edit) if edit else created(public_id)
            batch.run([Write(stream, lambda _scene, event=event: [event], CALLER)])  # type: ignore[misc]
            if len(batch.appended) == _CHUNK:
                yield batch.appended
                batch.appended = []
    yield batch.appended


async def fill(where: Server, count: int, keys: int) -> None:
    """Put the events into the log's table, as its owner."""
    async with opened_log(where.owner_url) as log:
        log_id = log.log_id
    connection = await asyncpg.connect(plain(where.owner_url))
    for events in made_events(log_id, count, keys):
        await connection.copy_records_to_table("event", schema_name="keyledger", records=map(_row, events))
    await connection.execute("VACUUM ANALYZE keyledger.event")
    await connection.close()


def plain(url: str) -> str:
    """The URL as asyncpg takes it."""
    return url.replace("+asyncpg", "")


def _row(event: RecordedEvent) -> tuple[object, ...]:
    row = list(astuple(event))
    for number in _INSTANTS:
        row[number] = from_us(row[number])
    return tuple(row)
