"""An event as a record of the topic: CloudEvents 1.0 JSON in structured mode, and back.

`data` holds what the event's hash covers, so that a reader can recompute the hash, except for two values in the
envelope: `schema_version` ends the `type`, and the request's id is the extension `requestid` (absent if the event has
none). The payload is copied from the log byte for byte, because its digest covers those bytes.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from registry.instant import format_ms, format_us, to_us
from registry.log import chain
from registry.log.chain_walk import Linked
from registry.log.event_log import RecordedEvent

CONTENT_TYPE: Final = "application/cloudevents+json"
HEADERS: Final = [("content-type", CONTENT_TYPE.encode())]
_SOURCE: Final = "/keyledger/"
_TYPE: Final = re.compile(r"keyledger\.([A-Za-z]{1,64})\.v([1-9]\d{0,3})", re.ASCII)
_CONTRADICTS: Final = "contradicts itself: key, id, sequence, subject and data must name the same event"


class NotOurs(Exception):
    """The bytes are not an event of a Keyledger log. The message says why, without quoting them.

    `log_id` is the log that they claim to be from, if they name one.
    """

    def __init__(self, message: str, log_id: str | None = None) -> None:
        self.log_id = log_id
        super().__init__(message)


class _Data(msgspec.Struct, frozen=True, gc=False):
    position: int
    stream: str
    version: int
    effective_at: str
    actor: str
    on_behalf_of: str | None
    reason: str | None
    payload: msgspec.Raw
    salt: str
    previous_hash: str
    hash: str


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    sequence: str
    datacontenttype: str
    data: _Data
    requestid: str | UnsetType = UNSET


class Record(msgspec.Struct, frozen=True, gc=False):
    """The content of a record: an event, and the log that it claims to be from."""

    log_id: str
    linked: Linked


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(_Envelope).decode


def subject_of(stream: str) -> str:
    """The `public_id` of the key, or the id of the token, that a stream is about."""
    return stream.partition("-")[2]


def write_record(log_id: UUID, linked: Linked) -> tuple[bytes, bytes]:
    """The key and the value of an event's record."""
    event = linked.event
    envelope = _Envelope(
        specversion="1.0",
        id=str(event.position),
        source=f"{_SOURCE}{log_id}",
        type=f"keyledger.{event.type}.v{event.schema_version}",
        subject=subject_of(event.stream),
        time=format_us(event.recorded_at),
        sequence=f"{event.position:020d}",
        datacontenttype="application/json",
        data=_Data(
            position=event.position,
            stream=event.stream,
            version=event.version,
            effective_at=format_ms(event.effective_at),
            actor=event.actor,
            on_behalf_of=event.on_behalf_of,
            reason=event.reason,
            payload=msgspec.Raw(event.payload),
            salt=event.salt.hex(),
            previous_hash=linked.previous_hash.hex(),
            hash=event.hash.hex(),
        ),
        requestid=UNSET if event.request_id is None else event.request_id,
    )
    return event.stream.encode(), _encode(envelope)


def read_record(key: bytes | None, value: bytes | None) -> Record:
    """The event in a record. It is not trusted yet, but everything in the record is consistent.

    Raises NotOurs.
    """
    record = read_value(value)
    if key != record.linked.event.stream.encode():
        raise NotOurs(_CONTRADICTS, record.log_id)
    return record


def read_value(value: bytes | None) -> Record:
    """Like `read_record`, from a record's value alone. Raises NotOurs."""
    if value is None:
        raise NotOurs("is empty")
    log_id = None
    try:
        envelope = _decode(value)
        if envelope.specversion != "1.0":
            raise NotOurs("is of another version of CloudEvents")
        log_id = _log_id(envelope.source)
        return Record(log_id, _linked(envelope, log_id))
    except msgspec.ValidationError as error:
        # The library's message names a member and types ("Object missing required field `data`"), never a value.
        raise NotOurs(f"is no event of Keyledger: {error}") from None
    except msgspec.DecodeError:
        raise NotOurs("is not JSON") from None
    except (ValueError, OverflowError, RecursionError):
        raise NotOurs("has a number, time or hash that can't be read", log_id) from None


@lru_cache(maxsize=16)
def _log_id(source: str) -> str:
    if not source.startswith(_SOURCE):
        raise NotOurs("is a CloudEvent of another source")
    try:
        return str(UUID(source.removeprefix(_SOURCE)))
    except ValueError:
        raise NotOurs("names no log in its source") from None


def _linked(envelope: _Envelope, log_id: str) -> Linked:
    data = envelope.data
    kind = _TYPE.fullmatch(envelope.type)
    if kind is None:
        raise NotOurs("has a type that is not keyledger.<Event>.v<number>", log_id)
    if (
        not 0 < data.position < 2**63
        or not 0 < data.version < 2**63
        or (envelope.id, envelope.sequence) != (str(data.position), f"{data.position:020d}")
        or envelope.subject != subject_of(data.stream)
    ):
        raise NotOurs(_CONTRADICTS, log_id)
    salt, payload = bytes.fromhex(data.salt), bytes(data.payload)
    event = RecordedEvent(
        position=data.position,
        stream=data.stream,
        version=data.version,
        type=kind.group(1),
        schema_version=int(kind.group(2)),
        recorded_us=_us(envelope.time),
        effective_us=_us(data.effective_at),
        actor=data.actor,
        on_behalf_of=data.on_behalf_of,
        request_id=None if envelope.requestid is UNSET else envelope.requestid,
        reason=data.reason,
        payload=payload,
        salt=salt,
        payload_digest=chain.payload_digest(salt, payload),
        hash=bytes.fromhex(data.hash),
    )
    return Linked(bytes.fromhex(data.previous_hash), event)


def _us(text: str) -> int:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(text)
    return to_us(instant)
