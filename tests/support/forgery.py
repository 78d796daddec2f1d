"""Records that are no events of a log, each as a stranger who can write to the topic would make it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import msgspec
import rfc8785

from registry.log import chain
from registry.log.chain_walk import Linked
from registry.log.event_log import EventLog, RecordedEvent
from registry.publish.cloudevent import write_record

KeyValue = tuple[bytes | None, bytes | None]


def changed(event: RecordedEvent, previous_hash: bytes, **changes: object) -> Linked:
    """An event with other contents, whose own hash fits them: the rule of the chain is public."""
    other = msgspec.structs.replace(event, **changes)
    other = msgspec.structs.replace(other, payload_digest=chain.payload_digest(other.salt, other.payload))
    return Linked(previous_hash, chain.sealed(previous_hash, other))


async def forged_next(log: EventLog, stream: str) -> KeyValue:
    """The next position, chained on the head, moving a key to somebody else's customer."""
    head = await log.head()
    (last,) = await log.read(head.position - 1, 1)
    payload = rfc8785.dumps({"remove": [], "set": {"customer_id": "mallory"}})
    (made,) = [
        changed(
            last,
            head.hash,
            position=head.position + 1,
            stream=stream,
            version=99,
            type="TagsChanged",
            payload=payload,
        )
    ]
    return write_record(log.log_id, made)


async def forged_old(log: EventLog) -> KeyValue:
    """A position of long ago, with other tags."""
    first, second = await log.read(0, 2)
    payload = second.payload.replace(b"c0", b"mallory")
    return write_record(log.log_id, changed(second, first.hash, payload=payload, actor="mallory"))


async def unknown_type(log: EventLog) -> KeyValue:
    """The next position, of a type that no version knows."""
    head = await log.head()
    (last,) = await log.read(head.position - 1, 1)
    return write_record(log.log_id, changed(last, head.hash, position=head.position + 1, type="KeyExploded"))


async def of_another_log(log: EventLog) -> KeyValue:
    """The first event of a log that has just begun."""
    (first,) = await log.read(0, 1)
    other = uuid4()
    return write_record(other, changed(first, chain.genesis_hash(other)))


async def altered(log: EventLog, change: Callable[[bytes], bytes]) -> KeyValue:
    """A true record with some bytes changed."""
    (first,) = await log.read(0, 1)
    key, value = write_record(log.log_id, Linked(log.genesis_hash, first))
    return key, change(value)
