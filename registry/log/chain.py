"""The hash chain of the log. Pure.

Rule 1 is the only one so far and never changes. Its number is in `log_identity.chain_rule` and in every preimage:

    genesis        = SHA-256("keyledger.genesis.v1" NUL log_id)                             log_id: its 16 bytes
    payload_digest = SHA-256("keyledger.payload.v1" NUL salt payload)                       salt: 16 random bytes
    hash           = SHA-256("keyledger.event.v1" NUL previous_hash numbers texts payload_digest)
    commitment     = SHA-256("keyledger.commitment.v1" NUL secret_hash)                     secret_hash: its hex text

`numbers` are position, version, schema_version, recorded_at in microseconds and effective_at in milliseconds since
1970, each a signed 64-bit big-endian integer. `texts` are stream, type, actor, on_behalf_of, request_id and reason,
each a 32-bit big-endian length followed by its UTF-8 bytes; an absent text is the length 0xFFFFFFFF alone. So the
preimage can be read in only one way, and erasing a payload keeps the chain intact, because its digest stays.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

if TYPE_CHECKING:
    from registry.log.event_log import RecordedEvent

CHAIN_RULE = 1
_NUMBERS = struct.Struct(">qqqqq").pack
_LENGTH = struct.Struct(">I").pack
_ABSENT = b"\xff\xff\xff\xff"
# Hash objects already fed with their domain prefix: copying one is cheaper than creating one.
_PAYLOAD = sha256(b"keyledger.payload.v1\0")
_EVENT = sha256(b"keyledger.event.v1\0")


def genesis_hash(log_id: UUID) -> bytes:
    """The hash before the first event. It binds the chain to its log."""
    return sha256(b"keyledger.genesis.v1\0" + log_id.bytes).digest()


def payload_digest(salt: bytes, payload: bytes) -> bytes:
    """The digest of a payload. Without the salt it reveals nothing about the payload."""
    digest = _PAYLOAD.copy()
    digest.update(salt)
    digest.update(payload)
    return digest.digest()


def event_hash(previous_hash: bytes, event: RecordedEvent) -> bytes:
    """The hash of an event that follows `previous_hash`. Does not read `event.hash`."""
    preimage = (
        previous_hash,
        _NUMBERS(event.position, event.version, event.schema_version, event.recorded_us, event.effective_us // 1000),
        _text(event.stream),
        _name(event.type),
        _name(event.actor),
        _text(event.on_behalf_of),
        _text(event.request_id),
        _text(event.reason),
        event.payload_digest,
    )
    digest = _EVENT.copy()
    digest.update(b"".join(preimage))
    return digest.digest()


def fits(previous_hash: bytes, event: RecordedEvent) -> bool:
    """Whether the payload, the metadata and the previous hash produce the event's hash."""
    return payload_digest(event.salt, event.payload) == event.payload_digest and follows(previous_hash, event)


def follows(previous_hash: bytes, event: RecordedEvent) -> bool:
    """Whether the metadata, the payload's digest and the previous hash produce the event's hash."""
    try:
        return event_hash(previous_hash, event) == event.hash
    except struct.error:  # a number beyond 64 bits, such as PostgreSQL's infinity: no event has one
        return False


def sealed(previous_hash: bytes, event: RecordedEvent) -> RecordedEvent:
    """The event with its hash."""
    return msgspec.structs.replace(event, hash=event_hash(previous_hash, event))


def commitment(secret_hash: str) -> str:
    """What an event holds of a secret's hash: enough to detect a swapped hash, but of no use to log in."""
    return sha256(b"keyledger.commitment.v1\0" + secret_hash.encode()).hexdigest()


def _text(text: str | None) -> bytes:
    if text is None:
        return _ABSENT
    data = text.encode()
    return _LENGTH(len(data)) + data


# A log has few types and actors, and very many events. The cache is small because a foreign record can name an actor of
# any length.
_name = lru_cache(maxsize=64)(_text)
